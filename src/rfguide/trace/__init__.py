"""`trace`: the exact receptive field of every feature map of a torch model, without computing on data."""

from threading import RLock
from typing import Any, Literal

import torch
from torch import nn

from rfguide.errors import TraceError
from rfguide.trace import engine
from rfguide.trace.inputs import Axis, read, unwrapped
from rfguide.trace.keeper import kept
from rfguide.trace.result import Map, Trace

__all__ = ["Map", "Trace", "trace"]

_TRACING = RLock()


def trace(
    model: nn.Module,
    input_size: Any,
    *,
    ignore_global: bool = False,
    unknown: Literal["error", "global"] = "error",
    until: str | None = None,
) -> Trace:
    """Return the receptive field of every feature map of a model.

    The model runs once on the meta device, in the mode it is in (`model.eval()` gives inference; batch
    statistics in training make every map global). Beside each tensor goes the first and the last input cell
    that each element depends on; nothing is computed on data, and the model comes back untouched.

    Args:
        model: Any module; wrappers of `torch.compile` and `nn.DataParallel` are looked through.
        input_size: The input's shape, such as (1, 3, 224, 224), or a sample tensor (its values are not used);
            a tuple of them for several inputs, or a dict by name.
        ignore_global: Read gates and statistics as element-wise: squeeze-and-excitation, GroupNorm, InstanceNorm,
            LayerNorm over space, global pooling that is combined with the map again.
        unknown: What to do at an op that rfguide does not know: "error" refuses, "global" takes it to read
            everything and marks all that follows as `unknown`.
        until: Stop before the call of this name.

    Raises:
        TraceError: If the model does something whose receptive field rfguide cannot vouch for, or raises.
        GeometryError: If `input_size` is no size.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> import rfguide
        >>> from torch import nn
        >>> t = rfguide.trace(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2)), (1, 3, 32, 32))
        >>> list(t)
        ['0', '1']
        >>> t["1"].size, t["1"].visible((0, 5))
        ((4, 4), ((0, 2), (9, 12)))
    """
    model = _checked(model, ignore_global, unknown, until)
    inner = unwrapped(model)
    inputs = read(inner, input_size)
    # One trace at a time: tensors and modules that several threads share carry the notes of one.
    with _TRACING, kept(inner):
        done = engine.run(inner, inputs, ignore_global=ignore_global, unknown=unknown, until=until)
    if until is not None and not done.is_stopped:
        near = ", ".join(call.name for call in done.calls[:3])
        raise TraceError(f"{until=} names no call that the model makes; its first calls are {near}")
    if done.is_stopped and not done.calls:
        raise TraceError(f"{until=} stops before the first map")
    params = _parameters(inner)
    maps = [_map(call, inputs.axes, params) for call in done.calls]
    # What the model returns is the map of the call that returned this tensor last, unless it was written to since.
    made = {(id(call.tensor), id(call.track)): m for call, m in zip(done.calls, maps, strict=True)}
    outputs = [
        made.get((id(call.tensor), id(call.track))) or _map(call, inputs.axes, params) for call in done.outputs
    ] or maps[-1:]
    return Trace(
        maps, outputs, model=type(inner).__name__, axes=inputs.axes, params=params[id(inner)], macs=done.macs,
        ignored=done.ignored,
        with_gates=trace(model, input_size, unknown=unknown, until=until) if ignore_global else None,
    )  # fmt: skip


def _checked(model: object, ignore_global: object, unknown: object, until: object) -> nn.Module:
    if not isinstance(model, nn.Module):
        hint = " (call it to make one)" if isinstance(model, type) else ""
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}{hint}")
    if not isinstance(ignore_global, bool):
        raise TypeError(f"{ignore_global=} must be True or False")
    if unknown not in ("error", "global"):
        raise TypeError(f'{unknown=} must be "error" or "global"')
    if until is not None and not isinstance(until, str):
        raise TypeError(f"{until=} must be the name of a call, not {type(until).__name__}")
    for name, module in model.named_modules():
        for own, value in (*module._parameters.items(), *module._buffers.items()):
            if value is not None and torch.nn.parameter.is_lazy(value):
                raise TraceError(
                    f"{name}{'.' if name else ''}{own} has no shape yet: run the model once before it is traced"
                )
    return model


def _map(call: engine.Call, axes: tuple[Axis, ...], params: dict[int, int]) -> Map:
    count = 0
    if call.module is not None:
        own = params.get(id(call.module))
        count = sum(p.numel() for p in call.module.parameters()) if own is None else own
    return Map(
        call.name, call.op, call.shape, call.dtype, call.track, axes,
        params=count, macs=call.macs, is_move=call.is_move, sources=call.sources,
    )  # fmt: skip


def _parameters(model: nn.Module) -> dict[int, int]:
    """Return how many parameters each module has with its children, one that is shared counted once."""
    found: dict[int, dict[int, int]] = {}
    for module in reversed(list(model.modules())):
        own = {id(p): p.numel() for p in module._parameters.values() if p is not None}
        for child in module._modules.values():
            if child is not None:
                own.update(found.get(id(child), {}))
        found[id(module)] = own
    return {key: sum(own.values()) for key, own in found.items()}
