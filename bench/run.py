"""`make bench`: every figure of speed and weight, measured side by side in one run.

    python bench/run.py [importing] [trace] [website] [explorer] [lighthouse]

Each module of this folder has `measure()`, which returns figures by name.
"""

import sys
from importlib import import_module

PARTS = ("importing", "trace", "website", "explorer", "lighthouse")


def main(names: list[str]) -> int:
    """Print the figures of the named parts, or of all."""
    if unknown := set(names) - set(PARTS):
        print(f"no such part: {', '.join(sorted(unknown))} (there are {', '.join(PARTS)})", file=sys.stderr)
        return 2
    for name in names or PARTS:
        print(f"\n{name}", flush=True)
        for figure, value in import_module(name).measure().items():
            print(f"  {figure:<64} {value}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
