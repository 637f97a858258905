"""Element-wise ops, and those that fill or copy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.trace import reach as reaches
from rfguide.trace import tables
from rfguide.trace.cells import Track, attach, cell_of, is_dense, like, track_of
from rfguide.trace.constants import reads_values
from rfguide.trace.rules import (
    RULES,
    Op,
    Rule,
    Run,
    attach_all,
    elementwise,
    is_traced,
    on_meta,
    ops,
    rule,
    sp,
    tensors,
)


def pointwise(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Each element of the output depends on the elements at its place."""
    operands = [*tensors([*args, *kwargs.values()])]
    alike = _alike(op, args, operands)
    if alike is not None:
        return attach(like(alike), elementwise(run, operands, alike.shape))
    out = on_meta(op, args, kwargs)
    return attach_all(out, elementwise(run, operands, out.shape if isinstance(out, Tensor) else out[0].shape))


_ARITHMETIC = frozenset(
    op for name in ("add", "sub", "mul", "div") for kind in ("Tensor", "Scalar") for op in ops(f"{name}.{kind}")
)

_PRELU = frozenset(ops("_prelu_kernel.default"))


def _alike(op: Op, args: Sequence[Any], operands: Sequence[Tensor]) -> Tensor | None:
    """Return the operand that the output has shape, type and strides of, where that is plain.

    Torch's own way to a gated map costs more than all the rest, and a second for its compiler the first time.
    """
    first = operands[0]
    if op in _PRELU:
        return first
    if op not in _ARITHMETIC or not first.dtype.is_floating_point:
        return None
    if len(operands) == 1:
        return first if is_dense(first) and isinstance(args[1], int | float) else None
    second = operands[1]
    if first.dtype != second.dtype:
        return None
    if first.shape == second.shape and (first.stride() == second.stride() or is_dense(first)):
        return first
    large, small = (first, second) if first.dim() >= second.dim() else (second, first)
    if first.dim() == second.dim() and first.numel() < second.numel():
        large, small = second, first
    sizes = large.shape[large.dim() - small.dim() :]
    fits = all(n in (1, m) for n, m in zip(small.shape, sizes, strict=True))
    return large if fits and large.is_contiguous() and small.is_contiguous() else None


_FOUND: dict[int, Rule | None] = {}


def find(op: Op) -> Rule | None:
    """Return the rule of an op, torch's own mark `pointwise` included."""
    # An op is one object for good, and hashes slowly.
    key = id(op)
    if key not in _FOUND:
        found = RULES.get(op)
        if found is None and torch.Tag.pointwise in op.tags and not op._schema.is_mutable and not reads_values(op):
            found = pointwise
        _FOUND[key] = found
    return _FOUND[key]


rule(
    """_to_copy.default floor_divide.default _prelu_kernel.default native_dropout.default rrelu_with_noise.default
    log_sigmoid_forward.default bernoulli.default bernoulli.p rsub.Tensor"""
)(pointwise)


@rule(
    """gelu.default relu.default silu.default sigmoid.default tanh.default hardswish.default hardtanh.default
    hardsigmoid.default leaky_relu.default elu.default clone.default relu6.default softplus.default mish.default"""
)
def unary(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """An element-wise op of one tensor; its output has that tensor's strides."""
    x = args[0]
    wanted = kwargs.get("memory_format")
    out = like(x) if wanted is None else torch.empty_like(x, device="meta", memory_format=wanted)
    return attach(out, track_of(x))


@rule(
    """fake_quantize_per_tensor_affine_cachemask.default fake_quantize_per_channel_affine_cachemask.default
    _fake_quantize_per_tensor_affine_cachemask_tensor_qparams.default"""
)
def quantised(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Each element rounded to a constant grid, and a mask for the backward pass."""
    x, *grid = args
    if any(map(is_traced, grid)):
        raise NotImplementedError
    return attach(like(x), track_of(x)), torch.empty(x.shape, dtype=torch.bool, device="meta")


@rule("glu.default")
def glu(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The first half of a dimension times a gate, the second half."""
    x, dim = args[0], (args[1] if len(args) > 1 else -1)
    out = on_meta(op, args, kwargs)
    track, half = track_of(x), x.shape[dim] // 2
    d = dim % x.dim()
    parts = [
        [sp.gather(span, d, tables.sliced(x.shape[d], start, 1, half)) for span in track.spans] for start in (0, half)
    ]
    merged = [sp.merge(pair) for pair in zip(*parts, strict=True)]
    return attach(out, track.with_spans(merged))


@rule("where.self")
def where(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A choice: by a constant mask each element is one of the two, else it depends on all three."""
    mask, one, two = args
    if is_traced(mask) or mask.device.type == "meta":
        result: Tensor = pointwise(run, op, args, kwargs)
        return result
    out = on_meta(op, args, kwargs)
    return attach(out, chosen(run, mask, one, two, tuple(out.shape)))


@rule("masked_fill.Scalar masked_fill.Tensor")
def masked_fill(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A choice between a tensor and a constant."""
    x, mask, value = args
    if is_traced(mask) or mask.device.type == "meta" or is_traced(value):
        result: Tensor = pointwise(run, op, args, kwargs)
        return result
    out = on_meta(op, args, kwargs)
    return attach(out, chosen(run, mask, torch.zeros(()), x, tuple(out.shape)))


def chosen(run: Run, mask: Tensor, one: Tensor, two: Tensor, shape: tuple[int, ...]) -> Track:
    """Return the track of elements that are `one`'s where a constant mask is true, else `two`'s."""
    rank = len(shape)
    both = elementwise(run, [one, two], shape)
    which = mask.detach().cpu().numpy()
    which = sp.shrink(which.reshape((1,) * (rank - which.ndim) + which.shape), range(rank))
    tracks = [track_of(t) if cell_of(t) else None for t in (one, two)]
    spans = []
    for axis, span in enumerate(both.spans):
        if span.is_empty:
            spans.append(span)
            continue
        sides = [
            sp.empty(rank) if track is None or track.spans[axis].is_empty else sp.widen(track.spans[axis], rank)
            for track in tracks
        ]
        lo, hi = (np.where(which, getattr(sides[0], s), getattr(sides[1], s)) for s in ("lo", "hi"))
        if sides[0].is_empty or sides[1].is_empty or sides[0].reaches == sides[1].reaches:
            # A constant among the units is like padding: the pattern without ends is the same.
            seen = sides[1] if sides[0].is_empty else sides[0]
            spans.append(sp.Span(lo, hi, span.reaches, span.label if seen.label is None else seen.label))
            continue
        varies = {d for d in range(rank) if which.shape[d] > 1}
        dims = frozenset[int]().union(*(r.dims for side in sides for r in side.reaches))
        if varies & dims:
            spans.append(sp.Span(lo, hi, (reaches.lost(dims | varies),)))
            continue
        found = (*sides[0].reaches, *sides[1].reaches)
        labels = [np.zeros((1,) * rank, np.int32) if side.label is None else side.label for side in sides]
        kept, label = sp.relabel(np.where(which, labels[0], labels[1] + len(sides[0].reaches)), found)
        spans.append(sp.Span(lo, hi, kept, label))
    return both.with_spans(spans)


@rule("tril.default triu.default")
def triangle(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """One side of the diagonal is set to 0."""
    x = args[0]
    ones = torch.ones(x.shape[-2:], dtype=torch.bool)
    out = on_meta(op, args, kwargs)
    return attach(out, chosen(run, op(ones, *args[1:], **kwargs), x, torch.zeros(()), tuple(out.shape)))


def constant(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A tensor that takes only shape and type from its operand, and no value anyone may read."""
    out = on_meta(op, args, kwargs)
    track = track_of(args[0])
    spans = tuple(sp.empty(out.dim()) for _ in track.spans)
    roles = track.roles if out.dim() == len(track.roles) else ("s",) * out.dim()
    return attach(out, Track(spans, roles))


rule("empty_like.default new_empty.default new_empty_strided.default")(constant)


@rule("complex.default polar.default")
def pairs(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A complex number of two parts, which must depend on the same cells: they cannot be told apart again."""
    one, two = (track_of(part) for part in args)
    if not all(map(sp.equal, one.spans, two.spans)):
        raise NotImplementedError
    result: Tensor = pointwise(run, op, args, kwargs)
    return result
