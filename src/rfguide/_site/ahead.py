"""Run pages and check formulas ahead of a build, in as many processes as there are cores, while the build reads on."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from rfguide._site import formulas, runner, store
from rfguide._site.grammar import Page

FEW = 3  # for fewer runs than this, a process of its own takes longer to start than it saves
_pool: ProcessPoolExecutor | None = None


def start(pages: list[Page]) -> None:
    """Begin with all that is not known yet, in the order of the pages; labs first, they take longest."""
    global _pool
    jobs = {key: job for page in pages for key, job in _jobs(page) if not store.knows(*key)}
    if len(jobs) < FEW:
        return
    _pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    for key, (work, *what) in sorted(jobs.items(), key=lambda one: one[0][0] != "labs"):
        store.BEGUN[key] = _pool.submit(work, *what)


def _jobs(page: Page) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    """Yield what a page needs: the key under which it is kept, and how it is computed."""
    if page.blocks:
        yield runner.identity(page), (runner.compute, page)
    for math in page.maths:
        if math.call:
            yield formulas.identity(math.latex, math.call), (formulas.compute, math.latex, math.call)


def stop() -> None:
    """End the processes."""
    global _pool
    if _pool:
        _pool.shutdown(wait=False, cancel_futures=True)  # they end while the build goes on
        _pool = None
    store.BEGUN.clear()
