"""Sums, maxima, softmax, matrix products: every output element reads whole dimensions of its operands."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.trace import tables
from rfguide.trace.cells import Track, attach, cell_of, track_of
from rfguide.trace.roles import Role, letter
from rfguide.trace.rules import (
    Op,
    Operand,
    Run,
    attach_all,
    bound,
    on_meta,
    ops,
    reduce_spans,
    rule,
    sp,
    tensors,
    united,
    unknown_in,
    wrap,
)
from rfguide.trace.spans import Span

_SOFTMAX = frozenset(op for name in ("_softmax", "_log_softmax", "_safe_softmax") for op in ops(f"{name}.default"))
_MEANS = frozenset(op for name in ("mean.default", "mean.dim", "sum.default", "sum.dim_IntList") for op in ops(name))


@rule(
    """sum mean amax amin max.dim max.default min.dim min.default var std var_mean std_mean logsumexp.default
    linalg_vector_norm.default norm prod all any argmax.default argmin.default median nanmedian mode.default
    kthvalue.default nansum.default aminmax.default count_nonzero"""
)
def reduction(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A sum (mean, maximum, norm) over whole dimensions."""
    values = bound(op, args, kwargs)
    x = values["self"] if "self" in values else values["x"]
    dims = wrap(values.get("dim"), x.dim())
    if op in _MEANS and x.dtype.is_floating_point and values.get("dtype") is None:
        # torch's own way to this shape imports its compiler, a second at the first mean of a process.
        kept = [1 if d in dims else n for d, n in enumerate(x.shape) if values.get("keepdim") or d not in dims]
        out = torch.empty(kept, dtype=x.dtype, device="meta")
    else:
        out = on_meta(op, args, kwargs)
    track = track_of(x)
    spans = reduce_spans(track, dims, x.shape, run.because())
    first = next(tensors([out]))
    if first.dim() < x.dim():
        spans = [sp.squeeze(span, dims) for span in spans]
        roles = tuple(role for d, role in enumerate(track.roles) if d not in dims)
    else:
        roles = track.roles
    return attach_all(out, track.with_spans(spans, roles))


@rule("_softmax.default _log_softmax.default _safe_softmax.default sort topk.default")
def over_dimension(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Softmax or sorting: every element depends on all elements along one dimension."""
    values = bound(op, args, kwargs)
    x = values["self"]
    # As for a mean: by hand where it is plain.
    is_plain = op in _SOFTMAX and x.is_contiguous() and not values.get("half_to_float") and values.get("dtype") is None
    out = torch.empty(x.shape, dtype=x.dtype, device="meta") if is_plain else on_meta(op, args, kwargs)
    track = track_of(x)
    dims = wrap(values.get("dim", -1), x.dim())
    return attach_all(out, track.with_spans(reduce_spans(track, dims, x.shape, run.because())))


@rule("renorm.default")
def renorm(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Each slice of a dimension scaled by its own norm."""
    x, _, dim = args[:3]
    out, track = on_meta(op, args, kwargs), track_of(x)
    others = [d for d in range(x.dim()) if d != dim % x.dim()]
    return attach(out, track.with_spans(reduce_spans(track, others, x.shape, run.because())))


@rule("searchsorted.Tensor bucketize.Tensor")
def searched(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The place of each value in a sequence, which counts as a whole."""
    values = bound(op, args, kwargs)
    names = ("sorted_sequence", "self") if "sorted_sequence" in values else ("boundaries", "self")
    sequence, x = (values[name] for name in names)
    if cell_of(values["sorter"]) if values.get("sorter") is not None else False:
        raise NotImplementedError
    out = on_meta(op, args, kwargs)
    operands: list[Operand] = []
    tracks: list[Track] = []
    if cell_of(x) is not None:
        tracks.append(track_of(x))
        operands.append((x, tracks[-1].spans, x.shape))
    if cell_of(sequence) is not None:
        tracks.append(track_of(sequence))
        last = sequence.dim() - 1
        spans = reduce_spans(tracks[-1], [last], sequence.shape, run.because())
        spans, shape = ([sp.squeeze(s, [0]) for s in spans], []) if not last else (spans, [*sequence.shape[:-1], 1])
        operands.append((sequence, spans, shape))
    roles = tracks[0].roles if len(tracks[0].roles) == out.dim() else ("s",) * out.dim()
    return attach(out, Track(tuple(united(run, operands, out.shape)), roles, unknown_in(tracks)))


@rule("cumsum.default cumprod.default cummax.default cummin.default logcumsumexp.default")
def running(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A running sum: element i depends on elements 0 to i."""
    x, dim = args[0], (args[1] if len(args) > 1 else kwargs["dim"])
    out = on_meta(op, args, kwargs)
    track = track_of(x)
    if not x.dim():
        return attach_all(out, track)
    d = dim % x.dim()
    spans = [span if span.is_empty else sp.gather(span, d, tables.prefix(x.shape[d])) for span in track.spans]
    return attach_all(out, track.with_spans(spans))


@rule(
    """mm.default bmm.default addmm.default baddbmm.default addbmm.default mv.default addmv.default dot.default
    vdot.default"""
)
def product(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A matrix product: element (i, j) depends on row i of the one and column j of the other."""
    name = op._schema.name.split("::")[1]
    added: Tensor | None = None
    if name.startswith(("add", "badd")):
        added, one, two = args[:3]
    else:
        one, two = args[:2]
    shape = _product_shape(one, two, added) if name != "addbmm" else None
    # torch's own way to the shape of a Linear layer imports its compiler, a second at the first in a process.
    out = on_meta(op, args, kwargs) if shape is None else torch.empty(shape, dtype=one.dtype, device="meta")
    run.macs += out.numel() * one.shape[-1] * (one.shape[0] if name == "addbmm" else 1)
    operands: list[Operand] = []
    tracks: list[Track] = []
    if cell_of(one) is not None:
        track = track_of(one)
        tracks.append(track)
        operands.append((out, *_contracted(run, track, one, -1, name, two.dim() == 1)))
    if cell_of(two) is not None:
        track = track_of(two)
        tracks.append(track)
        operands.append((out, *_contracted(run, track, two, max(-2, -two.dim()), name, two.dim() == 1)))
    if added is not None and cell_of(added) is not None:
        tracks.append(track_of(added))
        operands.append((out, tracks[-1].spans, added.shape))
    spans = united(run, operands, out.shape)
    return attach(out, Track(tuple(spans), _product_roles(out, one, two), unknown_in(tracks)))


def _product_shape(one: Tensor, two: Tensor, added: Tensor | None) -> list[int] | None:
    """Return the shape of a plain product of matrices, or of equally many; None if it is not plain, or an error."""
    rank = one.dim()
    if rank != two.dim() or rank < 2 or one.dtype != two.dtype or one.shape[-1] != two.shape[-2]:
        return None
    if rank > 3 or one.shape[:-2] != two.shape[:-2]:
        return None
    shape = [*one.shape[:-1], two.shape[-1]]
    if added is not None:
        sizes = shape[rank - added.dim() :] if added.dim() <= rank else ()
        if added.dtype != one.dtype or len(sizes) != added.dim():
            return None
        if any(n not in (1, m) for n, m in zip(added.shape, sizes, strict=True)):
            return None
    return shape


def _contracted(run: Run, track: Track, x: Tensor, dim: int, name: str, vector: bool) -> tuple[list[Span], list[int]]:
    """Return an operand's spans after the sum over `dim`, and their shape; both broadcast to the product's."""
    d = dim % x.dim()
    dims = [d, 0] if name == "addbmm" else [d]
    spans, shape = reduce_spans(track, dims, x.shape, run.because()), list(x.shape)
    for e in dims:
        shape[e] = 1
    if name == "addbmm":
        spans, shape = [sp.squeeze(s, [0]) for s in spans], shape[1:]
    elif vector:
        spans, shape = [sp.squeeze(s, [d]) for s in spans], shape[:d] + shape[d + 1 :]
    return spans, shape


def _product_roles(out: Tensor, one: Tensor, two: Tensor) -> tuple[Any, ...]:
    rank = out.dim()
    row = track_of(one).roles if cell_of(one) is not None else ("s",) * one.dim()
    column = track_of(two).roles if cell_of(two) is not None else ("c",) * two.dim()
    if two.dim() == 1 or len(row) < rank:
        return (row if len(row) >= rank else ("s",) * rank)[:rank]
    front = row[-rank:-1]
    if cell_of(one) is None and cell_of(two) is not None and len(column) == rank:
        # A constant matrix from the left: its rows are new channels or new units; columns stay.
        front = (*column[:-2], column[-2] if letter(column[-2]) == "s" else "c") if rank > 1 else ()
    return (*front, column[-1])


@rule("_fft_r2c.default _fft_c2c.default _fft_c2r.default")
def fourier(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A Fourier transform: every frequency depends on all cells along its dimensions."""
    x = args[0]
    out = on_meta(op, args, kwargs)
    dims = wrap(args[1], x.dim())
    track = track_of(x)
    return attach(out, track.with_spans(reduce_spans(track, dims, x.shape, run.because())))


@rule("_trilinear.default")
def trilinear(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A product of three tensors, each with new dimensions, summed over some (a bilinear layer is one)."""
    operands, expanded, over = args[:3], args[3:6], args[6]
    out = on_meta(op, args, kwargs)
    wide = [tensor.detach() for tensor in operands]
    tracks = []
    for i, (tensor, dims) in enumerate(zip(operands, expanded, strict=True)):
        track = track_of(tensor) if cell_of(tensor) is not None else run.nothing(tensor)
        for d in dims:
            wide[i] = wide[i].unsqueeze(d)
            track = track.with_spans(
                [sp.unsqueeze(s, d) for s in track.spans], (*track.roles[:d], "s", *track.roles[d:])
            )
        tracks.append(track)
    shape = np.broadcast_shapes(*(t.shape for t in wide))
    spans = united(run, [(t, track.spans, t.shape) for t, track in zip(wide, tracks, strict=True)], shape)
    both = Track(tuple(spans), tracks[0].roles, unknown_in(tracks))
    spans = [sp.squeeze(s, over) for s in reduce_spans(both, over, shape, run.because())]
    roles = tuple(role for d, role in enumerate(both.roles) if d not in over)
    return attach(out, Track(tuple(spans), roles, both.unknown))


@rule("_cdist_forward.default _euclidean_dist.default")
def distances(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The distance of each row of the one to each row of the other."""
    out = on_meta(op, args, kwargs)
    operands: list[Operand] = []
    tracks: list[Track] = []
    roles: list[Role] = ["s"] * out.dim()
    for tensor, place in ((args[0], -2), (args[1], -1)):
        if cell_of(tensor) is None:
            roles[place] = "c"
            continue
        track, last = track_of(tensor), tensor.dim() - 1
        tracks.append(track)
        roles[place] = track.roles[-2]
        spans, shape = reduce_spans(track, [last], tensor.shape, run.because()), [*tensor.shape[:-1], 1]
        if place == -1:
            order = [*range(last - 1), last, last - 1]
            spans, shape = [sp.permute(span, order) for span in spans], [shape[d] for d in order]
        operands.append((out, spans, shape))
        if tensor.dim() == out.dim():
            roles[:-2] = track.roles[:-2]
    return attach(out, Track(tuple(united(run, operands, out.shape)), tuple(roles), unknown_in(tracks)))


@rule(
    """linalg_inv_ex.default linalg_pinv.atol_rtol_tensor linalg_matrix_exp.default _linalg_det.default
    _linalg_slogdet.default _linalg_svd.default linalg_cholesky_ex.default cholesky_inverse.default linalg_eig.default
    _linalg_eigh.default linalg_qr.default linalg_lu.default linalg_lu_factor_ex.default trace.default"""
)
def of_a_matrix(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """An inverse, a determinant, singular values: each element depends on the whole matrix, the last two dimensions."""
    x, out = args[0], on_meta(op, args, kwargs)
    track, last = track_of(x), x.dim() - 1
    spans = reduce_spans(track, [last - 1, last], x.shape, run.because())
    for tensor in tensors([out]):
        gone = range(tensor.dim(), x.dim())
        attach(tensor, track.with_spans([sp.squeeze(span, gone) for span in spans], track.roles[: tensor.dim()]))
    return out


@rule("_linalg_solve_ex.default")
def solution(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The solution of AX = B: column j depends on all of A and on column j of B (XA = B: row i on row i)."""
    a, b = args[:2]
    if a.dim() != b.dim():
        raise NotImplementedError
    out = on_meta(op, args, kwargs)
    last = a.dim() - 1
    along_b = [last - 1] if bound(op, args, kwargs)["left"] else [last]
    operands: list[Operand] = []
    tracks: list[Track] = []
    for tensor, dims in ((a, [last - 1, last]), (b, along_b)):
        if cell_of(tensor) is not None:
            tracks.append(track_of(tensor))
            shape = [1 if d in dims else n for d, n in enumerate(tensor.shape)]
            operands.append((out[0], reduce_spans(tracks[-1], dims, tensor.shape, run.because()), shape))
    attach(out[0], Track(tuple(united(run, operands, out[0].shape)), tracks[-1].roles, unknown_in(tracks)))
    return out


@rule("linalg_cross.default")
def cross(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The cross product: each of three components depends on the two others."""
    out = on_meta(op, args, kwargs)
    dim = bound(op, args, kwargs)["dim"] % out.dim()
    others = [tables.move([(i + k) % 3 for i in range(3)], 3, None) for k in (1, 2)]
    traced = [t for t in args[:2] if cell_of(t) is not None]
    tracks = [track_of(t) for t in traced]
    operands: list[Operand] = [
        (t, [sp.merge([sp.gather(span, dim, table) for table in others]) for span in track.spans], t.shape)
        for t, track in zip(traced, tracks, strict=True)
    ]
    return attach(out, Track(tuple(united(run, operands, out.shape)), tracks[0].roles, unknown_in(tracks)))
