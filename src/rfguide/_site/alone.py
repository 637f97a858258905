"""Run a function in a process of its own, so that whatever it does ends within a time and harms nothing else."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

# A copy of this process has all that is imported here; elsewhere than on Linux, copies are not safe.
_CONTEXT: Any = get_context("fork" if sys.platform == "linux" else "spawn")

_PR_SET_PDEATHSIG = 1


class Ended(Exception):
    """The process gave no result: `why`, and how many steps it had said it began."""

    def __init__(self, why: str, begun: int) -> None:
        super().__init__(why, begun)
        self.why, self.begun = why, begun


def alone(work: Callable[[Any, Callable[[], None]], Any], what: Any, limit: float) -> Any:
    """Return `work(what, begin)` from a process of its own; it calls `begin()` at each of its steps.

    Raises:
        Ended: If that takes longer than `limit` seconds, or the process ends without a result.
    """
    mine, its = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_work, args=(its, work, what))
    process.start()
    its.close()
    deadline = monotonic() + limit
    begun = 0
    try:
        while mine.poll(max(0.0, deadline - monotonic())):
            done, result = mine.recv()
            if done:
                return result
            begun += 1
        raise Ended(f"still runs after {limit:g} seconds", begun)
    except EOFError:
        process.join(1)
        raise Ended(f"ends Python with status {process.exitcode}", begun) from None
    finally:
        process.kill()
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it started
        process.join()
        mine.close()


def _work(its: Connection, work: Callable[[Any, Callable[[], None]], Any], what: Any) -> None:
    if hasattr(os, "setsid"):
        os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # a build that is killed leaves no page running
    its.send((True, work(what, lambda: its.send((False, None)))))
