"""Indexing by constants (exact) and by values that the network computes (then the whole dimension counts)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.errors import TraceError
from rfguide.forms import Steps
from rfguide.trace import reach as reaches
from rfguide.trace import tables
from rfguide.trace.cells import Track, attach, cell_of, track_of
from rfguide.trace.rules import Op, Run, depends, is_traced, on_meta, reduce_spans, rule, sp, united, unknown_in
from rfguide.trace.rules_place import placed, values_of
from rfguide.trace.rules_views import along, moved
from rfguide.trace.spans import Span
from rfguide.trace.warp import warped


def picked(cells: Sequence[int], size: int) -> tables.Table:
    """Return the table that copies these cells; equally spaced ones are a pattern."""
    cells = [c % size for c in cells]
    gaps = {b - a for a, b in pairwise(cells)}
    gap = gaps.pop() if len(gaps) == 1 else 0
    return tables.move(cells, size, Steps(1, gap, ((cells[0],),)) if gap > 0 else None)


def place_of(index: Tensor) -> Any:
    """Return the values of an index as an array; bytes are truth values, as torch reads them."""
    found = values_of(index)
    return found.astype(bool) if found.dtype == np.uint8 else found


@rule("index.Tensor _unsafe_index.Tensor")
def index(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Elements at given places of one or several dimensions."""
    x, given = args
    if any(is_traced(i) for i in given if i is not None):
        return _by_values(run, op, args)
    if cell_of(x) is None:
        raise TraceError("a constant is indexed by a constant")  # pragma: no cover
    track = track_of(x)
    if not depends(track):
        raise NotImplementedError  # a constant without values, wherever it is read
    places: list[Any] = [None if i is None else place_of(i) for i in given]
    used = [d for d, i in enumerate(places) if i is not None]
    if len(used) == 1 and places[used[0]].ndim == 1:
        (d,) = used
        (cells,) = places[d].nonzero() if places[d].dtype == bool else (places[d],)
        shape = [*x.shape[:d], len(cells), *x.shape[d + 1 :]]
        out = torch.empty(shape, dtype=x.dtype, device="meta")
        if not len(cells):
            return attach(out, track.with_spans([sp.empty(out.dim()) for _ in track.spans]))
        return attach(out, along(track, d, picked([int(c) for c in cells], x.shape[d])))
    full: list[Any] = []
    dims: list[int] = []
    for i in places:
        if i is None:
            full.append(slice(None))
            dims.append(len(dims))
        elif i.dtype == bool:
            full += i.nonzero()
            dims += range(len(dims), len(dims) + i.ndim)
        else:
            full.append(i)
            dims.append(len(dims))
    indexed = [d for d, i in enumerate(full) if not isinstance(i, slice)]
    # numpy places the dimensions of several indices as torch does.
    shape = np.broadcast_to(np.empty((), bool), tuple(x.shape))[tuple(full)].shape
    out = torch.empty(shape, dtype=x.dtype, device="meta")

    def change(span: Span) -> Span:
        def pick(array: Any) -> Any:
            wide = [x.shape[d] if d in indexed else n for d, n in enumerate(array.shape)]
            return sp.shrink(np.broadcast_to(array, wide)[tuple(full)], range(len(shape)))

        label = None if span.label is None else pick(span.label)
        found = tuple(r if not r.dims else reaches.lost(range(len(shape))) for r in span.reaches)
        if label is not None:
            found, label = sp.relabel(label, found)
        elif len(found) > 1:
            found = found[:1]
        return Span(pick(span.lo), pick(span.hi), found, label)

    roles = track.roles if len(shape) == x.dim() and len(indexed) == 1 else _guess(track, indexed, x.dim(), len(shape))
    return attach(out, moved(track, change, len(shape), roles))


def _guess(track: Track, indexed: Sequence[int], rank: int, new: int) -> tuple[Any, ...]:
    """Return roles of an indexed tensor: dimensions that were left alone keep theirs."""
    first, last = indexed[0], indexed[-1]
    if last - first + 1 == len(indexed):
        behind = rank - 1 - last
        front = track.roles[:first]
        return (*front, *("s",) * (new - first - behind), *track.roles[rank - behind :])
    kept = tuple(role for d, role in enumerate(track.roles) if d not in indexed)
    return ("s",) * (new - len(kept)) + kept


def _by_values(run: Run, op: Op, args: Sequence[Any]) -> Tensor:
    """Elements at computed places: any place along those dimensions may be meant."""
    x, given = args
    if any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in given):
        raise TraceError("the number of elements under a mask depends on the input's values")
    out = on_meta(op, args, {})
    used = [d for d, i in enumerate(given) if i is not None]
    operands, tracks = [], []
    if cell_of(x) is not None:
        track = track_of(x)
        tracks.append(track)
        spans = reduce_spans(track, used, x.shape, run.because())
        gap = out.dim() - (x.dim() - len(used))
        front = used[0] if used[-1] - used[0] + 1 == len(used) else 0
        changed, shape = [], [n for d, n in enumerate(x.shape) if d not in used]
        for span in spans:
            span = sp.squeeze(span, used)
            for _ in range(gap):
                span = sp.unsqueeze(span, front)
            changed.append(span)
        operands.append((out, changed, [*shape[:front], *[1] * gap, *shape[front:]]))
    behind = x.dim() - 1 - used[-1] if used[-1] - used[0] + 1 == len(used) else x.dim() - len(used)
    for i in given:
        if i is not None and cell_of(i) is not None:
            track = track_of(i)
            tracks.append(track)
            spans = list(track.spans)
            for _ in range(behind):
                spans = [sp.unsqueeze(s, s.rank) for s in spans]
            operands.append((out, spans, [*i.shape, *[1] * behind]))
    roles = ("s",) * (out.dim() - behind) + (
        ("c",) * behind if cell_of(x) is None else tracks[0].roles[x.dim() - behind :]
    )
    return attach(out, Track(tuple(united(run, operands, out.shape)), roles[: out.dim()], unknown_in(tracks)))


@rule("embedding.default")
def embedding(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A row of a table for each index."""
    table, place = args[:2]
    out = on_meta(op, args, kwargs)
    if cell_of(table) is not None:
        result: Tensor = index(run, torch.ops.aten.index.Tensor, [table, [place]], {})
        return result
    track = track_of(place)
    spans = [sp.unsqueeze(s, s.rank) for s in track.spans]
    return attach(out, track.with_spans(spans, (*track.roles, "c")))


@rule("index_select.default")
def index_select(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Slices of one dimension in a given order."""
    x, dim, place = args
    if not place.dim():  # a dimension of one cell stays
        one = place.reshape(1)
        if cell_of(place) is not None:
            track = track_of(place)
            attach(one, track.with_spans([sp.unsqueeze(s, 0) for s in track.spans], ("s",)))
        place = one
    before: list[Any] = [None] * (dim % x.dim())
    result: Tensor = index(run, torch.ops.aten.index.Tensor, [x, [*before, place]], {})
    return result


@rule("gather.default")
def gather(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Along one dimension, for each output element its own place."""
    x, dim, place = args[:3]
    out = on_meta(op, args, kwargs)
    d = dim % x.dim()
    if is_traced(place) or cell_of(x) is None:
        operands, tracks = [], []
        if cell_of(x) is not None:
            tracks.append(track_of(x))
            spans = reduce_spans(tracks[0], [d], x.shape, run.because())
            shape = [1 if e == d else n for e, n in enumerate(x.shape)]
            if any(n not in (1, m) for n, m in zip(shape, out.shape, strict=True)):
                raise TraceError("a computed index that is shorter than its tensor along other dimensions")
            operands.append((out, spans, shape))
        if cell_of(place) is not None:
            tracks.append(track_of(place))
            operands.append((out, list(tracks[-1].spans), place.shape))
        return attach(out, Track(tuple(united(run, operands, out.shape)), tracks[0].roles, unknown_in(tracks)))
    track = track_of(x)
    if not depends(track):
        raise NotImplementedError  # as for an index
    where = values_of(place)

    def change(span: Span) -> Span:
        def pick(array: Any) -> Any:
            wide = np.broadcast_to(array, tuple(x.shape))[
                tuple(slice(n) if e != d else slice(None) for e, n in enumerate(where.shape))
            ]
            return sp.shrink(np.take_along_axis(wide, where, d), range(x.dim()))

        found = tuple(r if not r.dims else reaches.lost(range(x.dim())) for r in span.reaches)
        label = None if span.label is None else pick(span.label)
        if label is not None:
            found, label = sp.relabel(label, found)
        return Span(pick(span.lo), pick(span.hi), found, label)

    return attach(out, moved(track, change, x.dim(), track.roles))


@rule(
    """scatter.src scatter.value scatter_add.default scatter_reduce.two index_add.default index_copy.default
    index_fill.int_Scalar index_fill.int_Tensor index_reduce.default"""
)
def scatter(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Elements put at places of one dimension; where those are computed, each place may hold any of them."""
    x, dim, place, source = args[:4]
    if not is_traced(place):
        result: Tensor = placed(run, op, args, kwargs)
        return result
    out = on_meta(op, args, kwargs)
    operands: list[Any] = []
    tracks = []
    for tensor in (x, place, source):
        if not is_traced(tensor):
            continue
        track = track_of(tensor)
        tracks.append(track)
        spans: Sequence[Span] = track.spans
        shape = list(tensor.shape)
        if tensor is not x:
            d = dim % tensor.dim()
            spans = reduce_spans(track, [d], shape, run.because())
            shape[d] = 1
        if tensor.dim() != out.dim() or any(n not in (1, m) for n, m in zip(shape, out.shape, strict=True)):
            raise NotImplementedError
        operands.append((out, spans, shape))
    return attach(out, Track(tuple(united(run, operands, out.shape)), tracks[0].roles, unknown_in(tracks)))


@rule("grid_sampler_2d.default grid_sampler_3d.default")
def grid_sample(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Cells at computed positions: any cell of the map may be meant, and the position decides which."""
    x, grid = args[:2]
    out = on_meta(op, args, kwargs)
    if not is_traced(grid):
        found = warped(track_of(x), x.shape, op, values_of(grid), args[2:])
        return attach(out, found.with_spans(found.spans, ("b", "c") + ("s",) * (out.dim() - 2)))
    operands, tracks = [], []
    if cell_of(x) is not None:
        tracks.append(track_of(x))
        axes = range(2, x.dim())
        operands.append((out, reduce_spans(tracks[0], axes, x.shape, run.because()), [*x.shape[:2], *[1] * len(axes)]))
    tracks.append(track_of(grid))
    spans = [
        sp.unsqueeze(sp.squeeze(s, [grid.dim() - 1]), 1)
        for s in reduce_spans(tracks[-1], [grid.dim() - 1], grid.shape, run.because())
    ]
    operands.append((out, spans, [grid.shape[0], 1, *grid.shape[1:-1]]))
    roles = ("b", "c") + ("s",) * (out.dim() - 2)
    return attach(out, Track(tuple(united(run, operands, out.shape)), roles, unknown_in(tracks)))


@rule("affine_grid_generator.default")
def affine_grid(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Positions by a matrix: each coordinate is its row of the matrix times a constant."""
    theta = args[0]
    out = on_meta(op, args, kwargs)
    track, axes = track_of(theta), out.dim() - 2

    def change(span: Span) -> Span:
        span = sp.squeeze(sp.reduce(span, [2], theta.shape, run.because()), [2])
        for _ in range(axes):
            span = sp.unsqueeze(span, 1)
        return span

    return attach(out, moved(track, change, out.dim(), ("b", *("s" for _ in range(axes)), "c")))


@rule("index_put.default")
def put_out_of_place(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A copy with other values at some places."""
    track = put(run, args, kwargs)
    if track is None:
        raise NotImplementedError
    return attach(on_meta(op, args, kwargs), track)


def put(run: Run, args: Sequence[Any], kwargs: dict[str, Any]) -> Track | None:
    """Return the track of a tensor after `x[places] = values`; None if the places are not constants."""
    x, given, values = args[:3]
    adds = args[3] if len(args) > 3 else kwargs.get("accumulate", False)
    if any(i is not None and (is_traced(i) or i.device.type == "meta") for i in given):
        return None
    whole: Any = tuple(slice(None) if i is None else place_of(i) for i in given)
    rank = x.dim()
    count = len(track_of(values).spans if is_traced(values) else track_of(x).spans)
    spans = []
    for axis in range(count):
        old = track_of(x).spans[axis] if is_traced(x) else sp.empty(rank)
        new = track_of(values).spans[axis] if is_traced(values) else sp.empty(values.dim())
        sides = []
        for was, now, pick in ((old.lo, new.lo, np.minimum), (old.hi, new.hi, np.maximum)):
            full = np.broadcast_to(was, tuple(x.shape)).copy()
            if adds:
                pick.at(full, whole, now)  # a place may come twice
            else:
                full[whole] = now
            sides.append(sp.shrink(full, range(rank)))
        if new.is_empty and len(old.reaches) == 1:
            found = old.reaches[0]
        elif not any(r.dims for r in (*old.reaches, *new.reaches)) and len({*old.reaches, *new.reaches}) == 1:
            found = new.reaches[0]
        else:
            found = reaches.lost(range(rank))
        spans.append(sp.Span(sides[0], sides[1], (found,)))
    base = track_of(x) if is_traced(x) else None
    return Track(
        tuple(spans),
        base.roles if base else ("s",) * rank,
        unknown_in([track_of(t) for t in (x, values) if is_traced(t)]),
    )
