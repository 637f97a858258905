"""Elements put at constant places: an op moves the cells as it moves the data, so it is run on the cells themselves.

Nothing is known of the pattern afterwards; `visible` stays exact.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.errors import TraceError
from rfguide.trace import reach as reaches
from rfguide.trace.cells import Memory, Track, attach, cell_of, track_of
from rfguide.trace.rules import Op, Run, elementwise, is_traced, on_meta, rule, sp, tensors, unknown_in
from rfguide.trace.spans import Span

# Arguments that hold data; the other tensors say where it goes.
_DATA = frozenset({"self", "src", "source", "tensors", "value"})
# What unites the elements that come to one place.
_UNITING = frozenset({"scatter_add", "scatter_reduce", "index_add", "index_reduce"})


def values_of(index: Tensor) -> Any:
    """Return the values of a constant index as an array.

    Raises:
        TraceError: If it has none.
    """
    if index.device.type == "meta":
        raise TraceError("an index has no values: it lives on the meta device or is larger than trace computes")
    return index.detach().cpu().numpy()


@rule("take.default rot90.default block_diag.default diag_embed.default masked_scatter.default")
def placed(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Elements at constant places of the output."""
    names = [a.name for a in op._schema.arguments]
    given = dict(zip(names, args, strict=False)) | kwargs
    for name, value in given.items():
        if isinstance(value, Tensor) and name not in _DATA:
            if is_traced(value):
                raise NotImplementedError
            values_of(value)
    out = on_meta(op, args, kwargs)
    tracks = [track_of(t) for t in tensors(given.values()) if is_traced(t)]
    spans = []
    for axis in range(len(tracks[0].spans)):
        if all(track.spans[axis].is_empty for track in tracks):
            spans.append(sp.empty(out.dim()))
            continue
        lo, hi = (_run_on_cells(op, given, axis, none) for none in (sp.NONE_LO, sp.NONE_HI))
        spans.append(Span(lo, hi, (reaches.lost(range(out.dim())),)))
    first = tracks[0].roles
    roles = first if len(first) == out.dim() and "rot90" not in op._schema.name else ("s",) * out.dim()
    return attach(out, Track(tuple(spans), roles, unknown_in(tracks)))


def _run_on_cells(op: Op, given: dict[str, Any], axis: int, none: np.int32) -> Any:
    """Return what an op makes of the first or the last cells of its operands; 0 stands for "no cell" meanwhile."""

    def cells(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [cells(v) for v in value]
        if not isinstance(value, Tensor):
            return 0
        if not is_traced(value):
            return torch.zeros(value.shape, dtype=torch.int32)
        span = track_of(value).spans[axis]
        side = span.lo if none == sp.NONE_LO else span.hi
        return torch.from_numpy(np.broadcast_to(side, tuple(value.shape)) - none)

    found = {name: cells(value) if name in _DATA else value for name, value in given.items()}
    found = {name: value.cpu() if isinstance(value, Tensor) else value for name, value in found.items()}
    if op._schema.name.split("::")[1] in _UNITING:
        result = _united(found, "amin" if none == sp.NONE_LO else "amax")
    else:
        result = op(*found.values()) if "self" in found else op(**found)
    return sp.shrink(result.numpy() + none, range(result.dim()))


def _united(found: dict[str, Any], which: str) -> Tensor:
    x, dim, index = found["self"], found["dim"], found["index"]
    source = found["src"] if "src" in found else found["source"]
    if index.dim() != source.dim():  # the index counts slices
        index = index.reshape([-1 if d == dim % source.dim() else 1 for d in range(source.dim())]).expand(source.shape)
    return torch.scatter_reduce(x, dim, index, source, which, include_self=found.get("include_self", True))


_VIEWS = {
    "slice_scatter": torch.ops.aten.slice.Tensor,
    "select_scatter": torch.ops.aten.select.int,
    "diagonal_scatter": torch.ops.aten.diagonal.default,
    "as_strided_scatter": torch.ops.aten.as_strided.default,
}


@rule(*(f"{name}.default" for name in _VIEWS))
def overwritten(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A tensor of which a part, as a view shows it, is written over: what exported programs do for `x[...] = y`."""
    x, source, *rest = args
    whole = torch.empty(x.shape, dtype=x.dtype, device="meta")
    part = _VIEWS[op._schema.name.split("::")[1]](whole, *rest, **kwargs)
    old, new = (track_of(t) if cell_of(t) is not None else run.nothing(t) for t in (x, source))
    memory = Memory(whole, old)
    memory.write(part, new)
    return attach(whole, memory.track)


@rule("copy.default")
def copied(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The elements of another tensor, in the shape of the first."""
    target, source = args[:2]
    out = torch.empty(target.shape, dtype=target.dtype, device="meta")
    if not is_traced(source):
        return attach(out, run.nothing(out))
    return attach(out, elementwise(run, [source], target.shape))
