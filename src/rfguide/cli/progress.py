"""A progress bar for what takes longer than a second."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import click

PATIENCE = 1.0  # seconds without a word


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Give a function that takes the steps done and their total, and draws a bar on a terminal after a second."""
    start, bar, shown = time.monotonic(), None, 0
    with ExitStack() as stack:

        def tell(done: int, total: int) -> None:
            nonlocal bar, shown
            if bar is None and sys.stderr.isatty() and time.monotonic() - start > PATIENCE:
                made: Any = click.progressbar(length=total, label=label, file=sys.stderr)
                bar = stack.enter_context(made)
            if bar is not None:
                bar.update(done - shown)
                shown = done

        yield tell
