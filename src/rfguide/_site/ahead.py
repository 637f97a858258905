"""Run pages ahead of a build, in as many processes as there are cores, while the build reads other pages."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rfguide._site import runner, store
from rfguide._site.grammar import Page

FEW = 3  # for fewer runs than this, a process of its own takes longer to start than it saves
_pool: ProcessPoolExecutor | None = None


def start(pages: list[Page]) -> None:
    """Begin to run the pages that have no run yet; labs first, they take longest."""
    global _pool
    missing = {key: page for page in pages if page.blocks and not store.knows(*(key := runner.identity(page)))}
    if len(missing) < FEW:
        return
    _pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    for key, page in sorted(missing.items(), key=lambda one: one[0][0] != "labs"):
        runner.AHEAD[key] = _pool.submit(runner.compute, page)


def stop() -> None:
    """End the processes."""
    global _pool
    if _pool:
        _pool.shutdown(cancel_futures=True)
        _pool = None
    runner.AHEAD.clear()
