"""Run pages and check formulas ahead of a build, in as many processes as there are cores, while the build reads on."""

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rfguide._site import formulas, runner, store
from rfguide._site.grammar import Page

FEW = 3  # for fewer runs than this, a process of its own takes longer to start than it saves
_pool: ProcessPoolExecutor | None = None


def start(pages: list[Page]) -> None:
    """Begin with all that is not known yet; labs first, they take longest."""
    global _pool
    runs = {runner.identity(page): (runner.compute, page) for page in pages if page.blocks}
    named = {(math.latex, math.call) for page in pages for math in page.maths if math.call}
    checks = {formulas.identity(*one): (formulas.compute, *one) for one in named}
    missing = {key: job for key, job in (runs | checks).items() if not store.knows(*key)}
    if len(missing) < FEW:
        return
    _pool = ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))
    for key, job in sorted(missing.items(), key=lambda one: one[0][0] != "labs"):
        store.BEGUN[key] = _pool.submit(*job)


def stop() -> None:
    """End the processes."""
    global _pool
    if _pool:
        _pool.shutdown(cancel_futures=True)
        _pool = None
    store.BEGUN.clear()
