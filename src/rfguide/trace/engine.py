"""One run of the model on the meta device, and the calls that it makes."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from rfguide.errors import GeometryError, TraceError
from rfguide.trace.cells import Track, cell_of, track_of
from rfguide.trace.dispatch import Ops
from rfguide.trace.flow import is_passed_on, mark, sources
from rfguide.trace.hooks import hooked
from rfguide.trace.inputs import Inputs, parameter_names
from rfguide.trace.names import function_name, tensors_of
from rfguide.trace.repairs import ANSWERS, LEAVING, REPAIRS, REPLACED
from rfguide.trace.rules import is_traced, tensors

__all__ = ["Call", "Run", "run"]

_VALUES = "control flow or a shape depends on the input's values"
# How torch says that a tensor on the meta device has no values.
_NO_VALUES = ("meta tensor", "cannot be called on meta", "unallocated storage", "meta device type tensor")


class Stop(BaseException):
    """The call named by `until` has been reached."""


@dataclass(slots=True)
class Call:
    """One completed call and the map that it returned."""

    name: str
    op: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    tensor: Tensor
    track: Track
    macs: int
    module: nn.Module | None
    is_move: bool
    sources: tuple[str, ...]


class Functions(TorchFunctionMode):
    """Notes the functions that the model's own code calls: `relu()`, `layer1.0.add()`."""

    def __init__(self, ops: Ops, calls: list[Call], until: str | None) -> None:
        super().__init__()
        self.ops, self.calls, self.until = ops, calls, until

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        names = self.ops.names
        kwargs = kwargs or {}
        if torch.is_autocast_enabled("cpu"):
            # It would change the type of the weights, and leave the input, on the meta device, as it is.
            torch.set_autocast_enabled("cpu", False)
        repair = REPAIRS.get(func)
        if repair is not None or func in LEAVING:
            is_traced = self.ops.see([args, *kwargs.values()])
            if is_traced and func in LEAVING:
                raise TraceError(f"{_VALUES}: {func.__name__}() takes them out of torch")
        if repair is not None:
            args, kwargs = repair(args, kwargs)
        named, func = func, REPLACED.get(func, func)
        if func in ANSWERS:
            return ANSWERS[func]
        if names.is_closed:
            return func(*args, **kwargs)
        function, is_move = function_name(named)
        if not function:
            out = func(*args, **kwargs)
            if out is None and args and isinstance(args[0], Tensor):  # x[...] = y
                mark([args[0]], sources(args, kwargs))
            return out
        with names.function(function) as name:
            if name == self.until:
                raise Stop
            before = self.ops.macs
            came_from = sources(args, kwargs)
            out = func(*args, **kwargs)
            if isinstance(out, Tensor | tuple | list):
                found = self.ops.traced(out)
                if found:
                    names.count_function()
                    in_place = function.endswith("_") or kwargs.get("inplace") is True
                    if is_move:
                        mark((t for _, t in found), came_from)
                    elif is_passed_on(found[0][1], [args, kwargs], in_place=in_place):
                        came_from = ()
                    else:
                        _mark_outputs(name, found)
                    self.calls += _calls(name, function, found, self.ops.macs - before, None, is_move, came_from)
        return out


def _full(name: str, key: str, found: Sequence[tuple[str, Tensor]]) -> str:
    return name if len(found) == 1 else f"{name}[{key}]"


def _mark_outputs(name: str, found: Sequence[tuple[str, Tensor]]) -> None:
    for key, tensor in found:
        mark([tensor], (_full(name, key, found),))


def _calls(
    name: str,
    op: str,
    found: Sequence[tuple[str, Tensor]],
    macs: int,
    module: nn.Module | None,
    is_move: bool,
    came_from: tuple[str, ...],
) -> Iterator[Call]:
    for key, tensor in found:
        yield Call(
            _full(name, key, found), op, tuple(tensor.shape), tensor.dtype, tensor, track_of(tensor), macs, module,
            is_move, came_from,
        )  # fmt: skip


def _hooks(ops: Ops, calls: list[Call], until: str | None) -> AbstractContextManager[None]:
    """Note every call of a module while it is on the stack."""
    names = ops.names
    starts: list[tuple[nn.Module, int]] = []  # modules that are being called, and how many calls there were before

    def enter(module: nn.Module, args: Any) -> None:
        name = names.enter(module, ops.macs)
        starts.append((module, len(calls)))
        if name == until:
            raise Stop

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        start = len(calls)
        while starts:
            entered_module, start = starts.pop()
            if entered_module is module:
                break
        entered = names.leave(module, output)
        if entered is None or entered.is_root:
            return
        found = ops.traced(output)
        came_from = sources(args, kwargs)
        if len(calls) == start and found:  # nothing inside was noted: the output is this call's own
            if is_passed_on(found[0][1], [args, kwargs], in_place=getattr(module, "inplace", False) is True):
                came_from = ()
            else:
                _mark_outputs(entered.name, found)
        macs = ops.macs - entered.macs
        calls.extend(_calls(entered.name, type(module).__name__, found, macs, module, False, came_from))

    def elsewhere(module: nn.Module, args: Any) -> None:
        if any(map(is_traced, tensors(args))):
            raise TraceError("the model computes in threads of its own, where rfguide cannot follow")

    return hooked(enter, leave, elsewhere)


@dataclass(slots=True)
class Run:
    """What one run of a model left behind.

    Attributes:
        calls: In order of completion.
        outputs: The tensors that the model returned; none if `until` stopped it.
        is_stopped: Whether `until` stopped it.
        macs: Multiplications of all calls.
        ignored: The calls that were read as element-wise.
    """

    calls: list[Call]
    outputs: list[Call]
    is_stopped: bool
    macs: int
    ignored: list[str]


def run(model: nn.Module, inputs: Inputs, *, ignore_global: bool, unknown: str, until: str | None) -> Run:
    """Run the model once.

    Raises:
        TraceError: If the model does something that has no rule, raises, or returns no tensor.
    """
    ops = Ops(model, len(inputs.axes), ignore_global=ignore_global, unknown=unknown)
    calls: list[Call] = []
    outputs: list[Call] = []
    is_stopped = False
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.autocast("cpu", enabled=False))  # and back to what the caller has at the end
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.callback(ops.forget)
        stack.enter_context(_hooks(ops, calls, until))
        stack.enter_context(Functions(ops, calls, until))
        stack.enter_context(ops)
        for tensor in (*inputs.args, *inputs.kwargs.values()):
            axes = zip(inputs.axes, track_of(tensor).spans, strict=True) if cell_of(tensor) is not None else ()
            mark([tensor], tuple(dict.fromkeys(axis.input for axis, span in axes if not span.is_empty)))
        try:
            output = model(*inputs.args, **inputs.kwargs)
            with torch._C.DisableTorchFunction():  # the model is not asking
                outputs = _outputs(ops, output)
        except Stop:
            is_stopped = True
        except (GeometryError, TraceError) as error:
            raise _located(ops, inputs, error) from None
        except Exception as error:
            if ops.refusal is not None and "TorchScript interpreter" in str(error):
                raise _located(ops, inputs, ops.refusal) from None
            raise TraceError(explained(ops.names.blamed(error), error)) from error
    return Run(calls, outputs, is_stopped, ops.macs, ops.ignored_calls)


def _outputs(ops: Ops, output: Any) -> list[Call]:
    ops.traced(output)
    found = list(tensors_of(output))
    if not found:
        raise TraceError(f"returns {type(output).__name__}, which holds no tensor")
    ops.see([tensor for _, tensor in found])
    result = []
    for key, tensor in found:
        track = track_of(tensor) if cell_of(tensor) is not None else ops.constants.track(tensor)
        name = _full("output", key, found)
        result.append(Call(name, "", tuple(tensor.shape), tensor.dtype, tensor, track, 0, None, False, ()))
    if all(span.is_empty for call in result for span in call.track.spans):
        raise TraceError("returns nothing that depends on its input: no visible cell could be told")
    return result


def _located(ops: Ops, inputs: Inputs, error: Exception) -> TraceError:
    label, message = ops.names.blamed(error), str(error)
    message = message if message.startswith(label) else f"{label}: {message}"
    # Language models look for padding among the tokens if no mask says where it is.
    mask = "attention_mask"
    if message.endswith("the input's values") and mask in parameter_names(ops.model, 99) and mask not in inputs.kwargs:
        message += f"; {mask} among the inputs may spare it that"
    return TraceError(message)


def explained(label: str, error: Exception) -> str:
    """Return one line on what the model raised and where."""
    text = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    if any(sign in text for sign in _NO_VALUES):
        return f"{label}: {_VALUES}"
    return f"{label}: {type(error).__name__}" + (f": {text[:300]}" if text else "")
