"""Keep what was computed, in memory always and in `.cache/` outside CI.

A key holds all that a result depends on: what was asked, the library's sources, and the versions of
Python and the packages below it. In CI nothing is taken from disk: there every number is computed.
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import rfguide

LIBRARY = Path(rfguide.__file__).parent
FOLDER = LIBRARY.parents[1] / ".cache"
BELOW = ("torch", "numpy", "matplotlib", "scikit-learn", "scikit-image", "click")
UNFINISHED = 3600  # seconds after which nobody writes on a file any more

# Like a function's cache: a key holds all that its value depends on, so no build sees that there was one before.
_memory: dict[tuple[str, str, str], Any] = {}


@cache
def _versions() -> str:
    found = [f"python {platform.python_version()} {platform.machine()}"]
    for package in BELOW:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} none")
    return "\n".join(found)


def library() -> str:
    """Return a digest of every source file of the library and the versions that it stands on."""
    digest = hashlib.sha256(_versions().encode())
    for path in sorted(LIBRARY.rglob("*.py")):
        digest.update(path.relative_to(LIBRARY).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def library_at_start() -> str:
    """Return `library()` as it was when this process loaded the code: that code is what gets run."""
    return library()


def remember(kind: str, key: str, compute: Callable[[], Any]) -> Any:
    """Return `compute()`, a value that JSON can hold, or what it gave before for this kind and key."""
    whole = (kind, library_at_start(), key)
    if whole not in _memory:
        path = _path(whole)
        kept = _kept(path)
        if kept is not None:
            _memory[whole] = kept
        else:
            _memory[whole] = json.loads(json.dumps(compute()))
            if not os.environ.get("CI"):
                kept = {"digest": _digest(_memory[whole]), "value": _memory[whole]}
                _write(path, json.dumps(kept))
    return _memory[whole]


def _write(path: Path, text: str) -> None:
    """Write at once, so that two builds never see half a file; what a killed build left unfinished goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for other in path.parent.glob("*.part"):
        with suppress(FileNotFoundError):
            if other.stat().st_mtime < time.time() - UNFINISHED:
                other.unlink()
    with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, suffix=".part", delete=False) as fresh:
        fresh.write(text)
    Path(fresh.name).replace(path)


def knows(kind: str, key: str) -> bool:
    """Tell whether `remember` has no need to compute."""
    whole = (kind, library_at_start(), key)
    return whole in _memory or _kept(_path(whole)) is not None


def _kept(path: Path) -> Any:
    """Return what a file of the cache holds; a file that is damaged or of another kind holds nothing."""
    if os.environ.get("CI"):
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return found["value"] if found["digest"] == _digest(found["value"]) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _path(whole: tuple[str, str, str]) -> Path:
    return FOLDER / whole[0] / f"{hashlib.sha256(''.join(whole).encode()).hexdigest()[:32]}.json"
