"""Hooks on every call of a module, for the thread that sets them: other threads run and trace models as well."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock, get_ident
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as torch_module

Enter = Callable[[nn.Module, Any], None]
Leave = Callable[[nn.Module, Any, Any, Any], None]

# Torch numbers its hooks without a lock: two threads that register at once would share a number, and lose one.
_REGISTERING = Lock()


@contextmanager
def hooked(enter: Enter, leave: Leave, elsewhere: Enter | None = None) -> Iterator[None]:
    """Call `enter(module, args)` before and `leave(module, args, kwargs, output)` after each call in this thread.

    `leave` comes after a call that raises as well, with None. Calls in other threads go to `elsewhere`.
    """
    thread = get_ident()

    def before(module: nn.Module, args: Any) -> None:
        note = enter if get_ident() == thread else elsewhere
        if note is not None:
            with torch._C.DisableTorchFunction():  # what is looked up here is no call of the model
                note(module, args)

    def after(module: nn.Module, args: Any, *rest: Any) -> None:
        # Torch hands over the keywords as long as the hook is registered; another thread may be past that.
        if get_ident() == thread:
            with torch._C.DisableTorchFunction():
                leave(module, args, rest[0] if len(rest) > 1 else {}, rest[-1])

    with _REGISTERING:
        handles = [
            torch_module.register_module_forward_pre_hook(before),
            torch_module.register_module_forward_hook(after, with_kwargs=True, always_call=True),
        ]
    try:
        yield
    finally:
        with _REGISTERING:
            for handle in handles:
                handle.remove()
