"""Run pages and check formulas ahead of a build, in as many processes as there are cores, while the build reads on."""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from rfguide._site import formulas, runner, store
from rfguide._site.grammar import Page

FEW = 3  # for fewer runs than this, a process of its own takes longer to start than it saves


class Ahead:
    """The runs that other processes have begun for one build."""

    def __init__(self, pages: list[Page]) -> None:
        """Begin with all that is not known yet, in the order of the pages; labs first, they take longest."""
        self._begun: dict[tuple[str, str], Future[Any]] = {}
        self._pool: ProcessPoolExecutor | None = None
        jobs = {key: job for page in pages for key, job in _jobs(page) if not store.knows(*key)}
        if len(jobs) < FEW:
            return
        self._pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
        for key, (work, *what) in sorted(jobs.items(), key=lambda one: one[0][0] != "labs"):
            self._begun[key] = self._pool.submit(work, *what)

    def settle(self, page: Page) -> None:
        """Wait for what the page needs, and hand it to the store.

        Raises:
            PageError: If the page's code does not come to its end.
        """
        for key, _ in _jobs(page):
            if key in self._begun:
                with runner.named(page):
                    store.remember(*key, self._begun[key].result)

    def stop(self) -> None:
        """End the processes."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)  # they end while the build goes on


def _jobs(page: Page) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    """Yield what a page needs: the key under which it is kept, and how it is computed."""
    if page.blocks:
        yield runner.identity(page), (runner.compute, page)
    for math in page.maths:
        if math.call:
            yield formulas.identity(math.latex, math.call), (formulas.compute, math.latex, math.call)
