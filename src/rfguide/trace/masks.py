"""Masked attention: a score that a constant mask sets to minus infinity has weight 0, and is not read.

Beside scores goes a level: how much of each is a huge constant that masks have added. What lies far below the
highest level of its row has weight 0 after the softmax, and the matrix product with the values leaves it out, so a
token under a causal mask depends on itself and those before it alone. Where all of a row is equally low, nothing is
left out: its weights are equal. A note holds for the values that it was made for: what is written ends it.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.trace import reach as reaches
from rfguide.trace import spans as sp
from rfguide.trace.cells import Track, attach, cell_of, track_of
from rfguide.trace.rules import Op, is_traced, ops

# exp of this is 0 in every precision, and the smallest number in half precision; Swin's -100 is above it.
LOW = -65504.0

# What the operands of an op were noted as before it ran, in their order.
Before = Sequence[tuple[str, Tensor] | None]
Hook = Callable[[Op, Sequence[Any], dict[str, Any], Any, Before], None]
HOOKS: dict[int, Hook] = {}


def hook(*names: str) -> Callable[[Hook], Hook]:
    """Enter what is to be done after the rules of some ops."""

    def enter(function: Hook) -> Hook:
        for name in " ".join(names).split():
            packet, overload = name.split(".")
            found = [*ops(name), *ops_in_place(packet, overload)]
            HOOKS.update({id(op): function for op in found})
        return function

    return enter


def ops_in_place(packet: str, overload: str) -> list[Op]:
    """Return the form of an op that writes to its first operand, if there is one."""
    found = getattr(torch.ops.aten, f"{packet}_", None)
    return [getattr(found, overload)] if found is not None and overload in found.overloads() else []


def notes(args: Sequence[Any]) -> Before:
    """Return what holds of the operands of an op, in their shapes: to be asked before the op writes to one."""
    return [_noted(arg) if isinstance(arg, Tensor) else None for arg in args]


def _noted(tensor: Tensor) -> tuple[str, Tensor] | None:
    cell = cell_of(tensor)
    if cell is None or cell.masked is None:
        return None
    kind, found, track = cell.masked
    # Whatever is written to a tensor, or to a view of it, gives it another track.
    return (kind, found.expand(tensor.shape)) if track_of(tensor) is track else None


def _note(out: Tensor, kind: str, found: Tensor) -> None:
    cell = cell_of(out)
    if cell is not None and bool(found.any()):
        cell.masked = (kind, found, track_of(out))


def _note_level(out: Tensor, level: Tensor | None) -> None:
    """Note the level of scores, unless it is not one of a softmax any more."""
    if level is None or not out.is_floating_point():
        return
    level = level.to(out.dtype)
    if not bool((level.isnan() | (level == torch.inf)).any()):
        _note(out, "low", level)


def _values(value: Any) -> Tensor | None:
    """Return a constant's values; None if it has none, or depends on an input."""
    if isinstance(value, int | float):
        return torch.tensor(value)
    if not isinstance(value, Tensor) or is_traced(value) or value.device.type == "meta" or value.is_complex():
        return None
    return value.detach().cpu()


def _level(value: Any, note: tuple[str, Tensor] | None) -> Tensor | None:
    """Return the level of an operand: the huge part of a constant, what is noted of scores; None if all is 0."""
    if note is not None:
        return note[1] if note[0] == "low" else None
    found = _values(value)
    if found is None or found.dtype == torch.bool:
        return None
    huge = found.abs() >= -LOW
    return torch.where(huge, found, 0) if bool(huge.any()) else None


@hook("add.Tensor sub.Tensor")
def _added(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    one, two = (_level(value, note) for value, note in zip(args[:2], before, strict=False))
    if one is not None or two is not None:
        zero = torch.zeros((), dtype=out.dtype)
        one, two = (zero if level is None else level.to(out.dtype) for level in (one, two))
        sign = -1 if "sub" in op._schema.name else 1
        # An infinite level times 0 is no number.
        _note_level(out, one + two * (sign * kwargs.get("alpha", 1)) if bool(two.any()) else one)


@hook("baddbmm.default addmm.default")
def _added_to_product(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    level = _level(args[0], before[0])
    if level is not None:
        _note_level(out, level.to(out.dtype) * kwargs.get("beta", 1))


@hook("masked_fill.Scalar masked_fill.Tensor")
def _filled(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    x, mask, value = args
    where = _values(mask)
    if where is None:
        return
    if before[0] is not None and before[0][0] == "zero":
        fill = _values(value)
        if fill is not None:
            _note(out, "zero", torch.where(where, fill == 0, before[0][1]))
        return
    _choose(out, where, (value, None), (x, before[0]))


@hook("where.self")
def _chosen(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    where = _values(args[0])
    if where is not None:
        _choose(out, where, (args[1], before[1]), (args[2], before[2]))


def _choose(out: Tensor, where: Tensor, *sides: tuple[Any, tuple[str, Tensor] | None]) -> None:
    """Note the level of elements that are the first side's where a mask is true, else the second's."""
    levels = [_level(*side) for side in sides]
    if any(level is not None for level in levels):
        one, two = (torch.zeros(()) if level is None else level for level in levels)
        kind = torch.promote_types(torch.promote_types(one.dtype, two.dtype), out.dtype)
        _note_level(out, torch.where(where, one.to(kind), two.to(kind)))


@hook("index_put.default")
def _put(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    """Scores set low at places: `scores[..., mask] = value`."""
    x, places, value = args[:3]
    fill = _values(value)
    adds = args[3] if len(args) > 3 else kwargs.get("accumulate", False)
    if adds or fill is None or any(i is not None and _values(i) is None for i in places):
        return
    level = _level(x, before[0]) if is_traced(x) else None
    old = torch.zeros(out.shape, dtype=out.dtype) if level is None else level.to(out.dtype)
    _note_level(
        out, torch.ops.aten.index_put(old, [None if i is None else _values(i) for i in places], fill.to(old.dtype))
    )


@hook("maximum.default clamp.default clamp_min.default")
def _raised(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    """Scores are kept from falling below a number that is low itself."""
    floor = _values(args[1] if len(args) > 1 else kwargs.get("min"))
    is_open = (args[2] if len(args) > 2 else kwargs.get("max")) is None
    if before[0] is not None and before[0][0] == "low" and floor is not None and is_open and bool((floor <= LOW).all()):
        _note_level(out, torch.maximum(before[0][1], floor.to(out.dtype)))


@hook(
    """view.default _unsafe_view.default expand.default permute.default transpose.int t.default unsqueeze.default
    squeeze.default squeeze.dim squeeze.dims slice.Tensor select.int flip.default tril.default triu.default
    clone.default _to_copy.default
    alias.default detach.default"""
)
def _moved(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    if before[0] is None:
        return
    kind, found = before[0]
    copies = op._schema.name.endswith(("view", "clone", "_to_copy", "alias", "detach"))
    moved = found.reshape(out.shape) if copies else op(found, *args[1:], **kwargs)
    if kind == "zero":
        _note(out, kind, moved)
    else:
        _note_level(out, moved)


@hook("mul.Tensor div.Tensor mul.Scalar div.Scalar neg.default native_dropout.default")
def _scaled(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Any, before: Before) -> None:
    """A weight of 0 stays 0, also under dropout; a level is scaled by a constant as the scores are."""
    name = op._schema.name
    first = out[0] if isinstance(out, tuple) else out
    for place, note in enumerate(before[:2]):
        if note is None or (place and "div" in name):
            continue
        if note[0] == "zero":
            _note(first, "zero", note[1])
        elif "neg" in name:
            _note_level(first, -note[1])
        elif "mul" in name or "div" in name:
            by = _values(args[1 - place])
            if by is not None and not kwargs:
                _note_level(first, note[1] * by if "mul" in name else note[1] / by)


@hook("_softmax.default _safe_softmax.default")
def _softmax(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    """A weight depends on the scores that are not low beside others; one that is 0 depends on nothing."""
    x, dim = args[:2]
    if before[0] is None or before[0][0] != "low":
        return
    track = track_of(x)
    level = _small(before[0][1].float() if before[0][1].dtype != torch.float64 else before[0][1])
    # A score that depends on nothing may be low itself, by a write that no note tells of: it is no measure.
    is_score = torch.from_numpy(functools.reduce(np.logical_or, [span.lo <= span.hi for span in track.spans]))
    highest = torch.where(is_score, level, -torch.inf).amax(dim, keepdim=True)
    gone = (level - highest <= LOW) | (level == -torch.inf)
    if not bool(gone.any()):
        return
    dead = gone.numpy()
    spans = []
    for span in track.spans:
        if span.is_empty:
            spans.append(span)
            continue
        lo = np.where(dead, sp.NONE_LO, span.lo).min(axis=dim, keepdims=True)
        hi = np.where(dead, sp.NONE_HI, span.hi).max(axis=dim, keepdims=True)
        spans.append(_written(np.where(dead, sp.NONE_LO, lo), np.where(dead, sp.NONE_HI, hi)))
    attach(out, track.with_spans(spans))
    _note(out, "zero", gone)


def _small(found: Tensor) -> Tensor:
    """Return a tensor with one cell along dimensions that only repeat."""
    return found[tuple(slice(0, 1) if step == 0 else slice(None) for step in found.stride())]


@hook("bmm.default mm.default")
def _product(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor, before: Before) -> None:
    """Row i of the weights reads only the values whose weight in it is not 0."""
    weights, values = args
    if before[0] is None or before[0][0] != "zero":
        return
    dead = _small(before[0][1]).numpy()[..., None]
    given = track_of(weights)
    read = track_of(values) if cell_of(values) is not None else None
    spans = []
    for axis, span in enumerate(given.spans):
        lo, hi = span.lo.min(axis=-1, keepdims=True), span.hi.max(axis=-1, keepdims=True)
        other = None if read is None else read.spans[axis]
        if other is not None and not other.is_empty:
            lo = np.minimum(lo, np.where(dead, sp.NONE_LO, other.lo[..., None, :, :]).min(axis=-2))
            hi = np.maximum(hi, np.where(dead, sp.NONE_HI, other.hi[..., None, :, :]).max(axis=-2))
        is_constant = span.is_empty and (other is None or other.is_empty)
        spans.append(sp.empty(out.dim()) if is_constant else _written(lo, hi))
    track = track_of(out)
    attach(out, Track(tuple(spans), track.roles, track.unknown))


def _written(lo: Any, hi: Any) -> sp.Span:
    """Return a span that is exact for every element, without a closed form."""
    dims = range(lo.ndim)
    return sp.Span(sp.shrink(lo, dims), sp.shrink(hi, dims), (reaches.lost(dims),))
