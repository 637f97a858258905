"""Masked attention: a score that a constant mask sets to minus infinity has weight 0, and is not read.

Such elements are noted beside a tensor: "low" before the softmax, "zero" after it. The matrix product with the
values then leaves them out, so a token under a causal mask depends on itself and those before it alone.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.trace import reach as reaches
from rfguide.trace import spans as sp
from rfguide.trace.cells import Track, attach, cell_of, track_of
from rfguide.trace.rules import Op, is_traced, ops

# exp of this is 0 in every precision; the usual masks are at or below it, Swin's -100 is not.
LOW = -1e9

Hook = Callable[[Op, Sequence[Any], dict[str, Any], Tensor], None]
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


def masked(tensor: Tensor, kind: str) -> Tensor | None:
    """Return which elements of a tensor are noted as low (or zero), in its shape; None if none are."""
    cell = cell_of(tensor)
    if cell is None or cell.masked is None or cell.masked[0] != kind:
        return None
    return cell.masked[1].expand(tensor.shape)


def _note(out: Tensor, kind: str, *found: Tensor | None) -> None:
    cell = cell_of(out)
    which = [mask for mask in found if mask is not None]
    if cell is None or not which:
        return
    mask = which[0]
    for other in which[1:]:
        mask = mask | other
    cell.masked = (kind, mask) if bool(mask.any()) else None


def _low(value: Any) -> Tensor | None:
    """Return which elements of a constant are low; None if it has no values, or none are."""
    if isinstance(value, Tensor):
        if is_traced(value) or value.device.type == "meta" or not value.is_floating_point():
            return None
        low = value.detach().cpu() <= LOW
        return low if bool(low.any()) else None
    return torch.tensor(True) if isinstance(value, int | float) and value <= LOW else None


def _values(mask: Any) -> Tensor | None:
    if not isinstance(mask, Tensor) or is_traced(mask) or mask.device.type == "meta":
        return None
    return mask.detach().cpu()


@hook("add.Tensor")
def _added(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    one, two = args[:2]
    before = [masked(t, "low") for t in (one, two) if is_traced(t)]
    _note(out, "low", *before, _low(one), _low(two))


@hook("baddbmm.default addmm.default")
def _added_to_product(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    _note(out, "low", _low(args[0]))


@hook("masked_fill.Scalar masked_fill.Tensor")
def _filled(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    x, mask, value = args
    where = _values(mask)
    value = value.item() if isinstance(value, Tensor) and _values(value) is not None else value
    if where is not None and _low(value) is not None:
        _note(out, "low", masked(x, "low"), where)


@hook("where.self")
def _chosen(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    mask, one, two = args
    where = _values(mask)
    if where is not None:
        low = [side for side, value in ((where, one), (~where, two)) if _low(value) is not None]
        _note(out, "low", *low)


@hook(
    """view.default _unsafe_view.default expand.default permute.default transpose.int unsqueeze.default
    squeeze.dim slice.Tensor select.int clone.default _to_copy.default alias.default detach.default"""
)
def _moved(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    for kind in ("low", "zero"):
        mask = masked(args[0], kind)
        if mask is not None:
            name = op._schema.name
            copies = name.endswith(("view", "clone", "_to_copy", "alias", "detach"))
            _note(out, kind, mask.reshape(out.shape) if copies else op(mask, *args[1:], **kwargs))


@hook("mul.Tensor div.Tensor mul.Scalar div.Scalar native_dropout.default")
def _scaled(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Any) -> None:
    """Dropout: a weight of 0 stays 0."""
    first = out[0] if isinstance(out, tuple) else out
    _note(first, "zero", *(masked(t, "zero") for t in args[:2] if is_traced(t)))


@hook("_softmax.default _safe_softmax.default")
def _softmax(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    """A weight depends on the scores that are not low; one that is 0 depends on nothing."""
    x, dim = args[:2]
    mask = masked(x, "low")
    if mask is None:
        return
    dead = mask.numpy()
    track = track_of(x)
    spans = []
    for span in track.spans:
        if span.is_empty:
            spans.append(span)
            continue
        lo = np.where(dead, sp.NONE_LO, span.lo).min(axis=dim, keepdims=True)
        hi = np.where(dead, sp.NONE_HI, span.hi).max(axis=dim, keepdims=True)
        spans.append(_written(np.where(dead, sp.NONE_LO, lo), np.where(dead, sp.NONE_HI, hi)))
    attach(out, track.with_spans(spans))
    _note(out, "zero", mask)


@hook("bmm.default")
def _product(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> None:
    """Row i of the weights reads only the values whose weight in it is not 0."""
    weights, values = args
    mask = masked(weights, "zero")
    if mask is None:
        return
    dead = mask.numpy()[:, :, :, None]
    given = track_of(weights)
    read = track_of(values) if cell_of(values) is not None else None
    spans = []
    for axis, span in enumerate(given.spans):
        lo, hi = span.lo.min(axis=2, keepdims=True), span.hi.max(axis=2, keepdims=True)
        other = None if read is None else read.spans[axis]
        if other is not None and not other.is_empty:
            lo = np.minimum(lo, np.where(dead, sp.NONE_LO, other.lo[:, None]).min(axis=2))
            hi = np.maximum(hi, np.where(dead, sp.NONE_HI, other.hi[:, None]).max(axis=2))
        is_constant = span.is_empty and (other is None or other.is_empty)
        spans.append(sp.empty(3) if is_constant else _written(lo, hi))
    track = track_of(out)
    attach(out, Track(tuple(spans), track.roles, track.unknown))


def _written(lo: Any, hi: Any) -> sp.Span:
    """Return a span that is exact for every element, without a closed form."""
    dims = range(lo.ndim)
    return sp.Span(sp.shrink(lo, dims), sp.shrink(hi, dims), (reaches.lost(dims),))
