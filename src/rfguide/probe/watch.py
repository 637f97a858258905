"""Seeing every map of a model while it runs on real values, under the names that `trace` gives."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rfguide.errors import GeometryError, TraceError
from rfguide.probe.feed import Feed
from rfguide.trace.hooks import hooked
from rfguide.trace.inputs import unwrapped
from rfguide.trace.names import Names, function_name, tensors_of

See = Callable[[str, Tensor], None]

# What the model returns; of several tensors "the output[0]" and so on. No call has a space in its name.
OUTPUT = "the output"
# These take a tensor's shape, not its values: what they return does not come from the input.
_SHAPE_ONLY = ("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like", "randint_like")
_MARK = "_rfguide_from_input"


class Done(BaseException):
    """Everything has been seen: the rest of the run is not needed."""


def run(model: nn.Module, feed: Feed, see: See) -> Any:
    """Run the model once, show every map to `see` in the moment it is complete, and return the output.

    The moment matters: what comes after may write into the same memory. What the model returns is shown
    last, as "the output". `see` may raise `Done`.

    Raises:
        TraceError: If the model raises.
    """
    model = unwrapped(model)
    # A model may write into its input.
    args = [_marked(tensor.clone()) for tensor in feed.args]
    kwargs = {name: _marked(tensor.clone()) for name, tensor in feed.kwargs.items()}
    names = Names(model)
    with _hooks(names, see), _Functions(names, see):
        try:
            output = model(*args, **kwargs)
            _shown(OUTPUT, list(tensors_of(output)), see)
            return output
        except Done:
            return None
        except (GeometryError, TraceError):
            raise
        except Exception as error:
            reason = " ".join(str(error).split())
            raise TraceError(f"{names.blamed(error)}: {type(error).__name__}: {reason}") from error


def look(model: nn.Module, feed: Feed, layer: str | None, see: Callable[[Tensor], None]) -> None:
    """Run the model and show one map to `see`: that of a call by its name, or the output.

    Raises:
        TraceError: If the model raises, makes no such call, or returns no tensor.
    """
    calls: list[str] = []
    shown = False

    def watch(name: str, tensor: Tensor) -> None:
        nonlocal shown
        if not name.startswith(OUTPUT):
            calls.append(name)
        if name == layer or (layer is None and name.startswith(OUTPUT)):
            see(tensor)
            shown = True
            raise Done

    output = run(model, feed, watch)
    if shown:
        return
    if layer is None:
        raise TraceError(f"the model returns {type(output).__name__}, which holds no tensor")
    raise TraceError(f"{layer=} is no call of the model; it makes {', '.join(calls) or 'none'}")


def _marked(tensor: Tensor) -> Tensor:
    setattr(tensor, _MARK, True)
    return tensor


def _from_input(value: Any) -> bool:
    """Whether a marked tensor is among a function's arguments."""
    if isinstance(value, Tensor):
        return hasattr(value, _MARK)
    return isinstance(value, tuple | list) and any(_from_input(one) for one in value)


def _shown(name: str, found: list[tuple[str, Tensor]], see: See) -> None:
    # What the onlooker does with the map is no call of the model.
    with torch._C.DisableTorchFunction():
        for key, tensor in found:
            see(name if len(found) == 1 else f"{name}[{key}]", tensor)


class _Functions(TorchFunctionMode):
    """Names the functions that the model's own code calls, and passes the mark on."""

    def __init__(self, names: Names, see: See) -> None:
        super().__init__()
        self.names, self.see = names, see

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        function, _ = function_name(func)
        is_noted = bool(function) and not self.names.is_closed
        with self.names.function(function) if is_noted else nullcontext("") as name:
            output = func(*args, **kwargs)
            found = []
            reads_values = function not in _SHAPE_ONLY and not function.startswith("new_")
            if reads_values and _from_input([*args, *kwargs.values()]):
                found = [(key, _marked(tensor)) for key, tensor in tensors_of(output)]
                if func is Tensor.__setitem__:
                    _marked(args[0])  # what is written into it may come from the input
            if name and found and isinstance(output, Tensor | tuple | list):
                self.names.count_function()
                _shown(name, found, self.see)
        return output


def _hooks(names: Names, see: See) -> AbstractContextManager[None]:
    def enter(module: nn.Module, args: Any) -> None:
        names.enter(module, 0)

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        entered = names.leave(module, output)
        if entered is not None and not entered.is_root:
            _shown(entered.name, [one for one in tensors_of(output) if _from_input(one[1])], see)

    return hooked(enter, leave)
