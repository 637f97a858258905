"""A temporary folder of one run alone: two runs never meet in it, and what a killed run left goes with the next."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp

PREFIX = "rfguide-kernel-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a new folder, locked while it is used; the system unlocks it however this process ends."""
    sweep()
    while True:
        folder = Path(mkdtemp(prefix=PREFIX))
        lock = _locked(folder)
        if lock is not None and folder.exists():
            break  # otherwise another run swept it before it was locked
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Remove the folders that nobody holds any more."""
    for folder in Path(gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):  # of another user
            lock = _locked(folder)
            if lock is not None:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


def _locked(folder: Path) -> int | None:
    """Return the lock on the folder, or None if another has it."""
    try:
        lock = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
