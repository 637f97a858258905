"""How long `import rfguide` takes beyond Python's own start."""

import statistics
import subprocess
import sys
import time


def seconds(*code: str) -> float:
    """Return the wall time of one fresh Python that runs the code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", *code], check=True)
    return time.perf_counter() - start


def measure() -> dict[str, str]:
    """Return the median over 21 pairs of starts, with and without the import."""
    pairs = [(seconds("pass"), seconds("import rfguide")) for _ in range(21)]
    bare, loaded = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"import rfguide beyond Python's own start": f"{1000 * (loaded - bare):.0f} ms (bare {1000 * bare:.0f} ms)"}
