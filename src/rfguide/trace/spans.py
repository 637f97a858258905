"""The first and the last input cell that each element of a tensor depends on, along one input axis.

A `Span` holds two integer arrays, `lo` and `hi`, that broadcast to the tensor's shape: a dimension has
its full length where the cells differ along it, else 1. An element that depends on no cell has
`lo > hi`. Every op takes the minimum of `lo` and the maximum of `hi` over what it reads, so the hull
of a union is exact: the network itself, evaluated in (min, max) instead of (+, ×).

Beside them goes the closed form (`Reach`), one for the whole tensor or, after a concatenation of
branches, one for each channel: `label` says which.
"""

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rfguide.errors import GeometryError
from rfguide.forms import Steps
from rfguide.trace import reach as reaches
from rfguide.trace.reach import NOTHING, Reach
from rfguide.trace.tables import Table

Array = NDArray[np.int32]
Shape = Sequence[int]

NONE_LO = np.int32(2**30)
NONE_HI = np.int32(-1)


Sides = tuple[Array, Array]


class Span:
    """What the elements of a tensor depend on along one axis of one input.

    The union of what rows and columns of a matrix depend on would fill the whole matrix; the two are kept apart
    (`pieces`) until an op needs them in one.
    """

    __slots__ = ("label", "pieces", "reaches")

    def __init__(
        self, lo: Array, hi: Array, reaches: tuple[Reach, ...], label: Array | None = None, more: Sequence[Sides] = ()
    ) -> None:
        self.pieces: tuple[Sides, ...] = ((lo, hi), *more)
        self.reaches, self.label = reaches, label

    @property
    def lo(self) -> Array:
        """The first cell."""
        return functools.reduce(np.minimum, [lo for lo, _ in self.pieces])

    @property
    def hi(self) -> Array:
        """The last cell."""
        return functools.reduce(np.maximum, [hi for _, hi in self.pieces])

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return self.pieces[0][0].ndim

    @property
    def is_empty(self) -> bool:
        """No element depends on any cell."""
        lo, hi = self.pieces[0]
        return lo.size == 1 and bool(lo.flat[0] > hi.flat[0]) and self.reaches == (NOTHING,)

    def varies(self, dim: int) -> bool:
        """Whether elements along a dimension may depend on different cells, or in different ways."""
        if self.label is not None and self.label.shape[dim] > 1:
            return True
        return any(side.shape[dim] > 1 for piece in self.pieces for side in piece)

    def with_sides(
        self, change: Callable[[Array, np.int32], Array], found: tuple[Reach, ...], label: Array | None
    ) -> "Span":
        """Return the span after the same change of all arrays, which is told what "no cell" is in each."""
        (lo, hi), *more = compact([(change(lo, NONE_LO), change(hi, NONE_HI)) for lo, hi in self.pieces])
        return Span(lo, hi, found, label, more)

    def map(self, change: Callable[[Any], Any], rename: Callable[[Reach], Reach]) -> "Span":
        """Return the span after a move of data that is the same for all arrays."""
        label = None if self.label is None else change(self.label)
        return self.with_sides(lambda side, none: change(side), tuple(map(rename, self.reaches)), label)


# Elements up to which a union is written out at once.
_SMALL = 4096


def compact(pieces: list[Sides]) -> list[Sides]:
    """Unite pieces, except where that would make an array much larger than each of them."""
    result = pieces[:1]
    for lo, hi in pieces[1:]:
        for i, (lo_, hi_) in enumerate(result):
            size = int(np.prod(np.broadcast_shapes(lo.shape, lo_.shape)))
            if size <= max(_SMALL, lo.size, lo_.size):
                result[i] = (np.minimum(lo, lo_), np.maximum(hi, hi_))
                break
        else:
            result.append((lo, hi))
    return result


def empty(rank: int) -> Span:
    """Return the span of a tensor of this rank that depends on no cell."""
    one = (1,) * rank
    return Span(np.full(one, NONE_LO), np.full(one, NONE_HI), (NOTHING,))


def along(dim: int, shape: Shape) -> Span:
    """Return the span of an input tensor along one of its own dimensions."""
    if shape[dim] >= NONE_LO:
        raise GeometryError(f"an axis of {shape[dim]} cells is too long to follow; at most {NONE_LO - 1} fit")
    cells = np.arange(shape[dim], dtype=np.int32).reshape([-1 if d == dim else 1 for d in range(len(shape))])
    return Span(cells, cells, (reaches.start(dim, shape[dim]),))


def relabel(label: Array, found: Sequence[Reach]) -> tuple[tuple[Reach, ...], Array | None]:
    """Drop reaches that no element has and equal ones; a label that says nothing becomes None."""
    kept: dict[Reach, int] = {}
    number = np.zeros(len(found), dtype=np.int32)
    for old in np.unique(label):
        number[old] = kept.setdefault(found[old], len(kept))
    if len(kept) == 1:
        return tuple(kept), None
    return tuple(kept), number[label]


def merge(spans: Sequence[Span]) -> Span:
    """Return the union of spans of one rank, element by element."""
    result = spans[0]
    for other in spans[1:]:
        if other is result or other.is_empty:
            continue
        if result.is_empty:
            result = other
            continue
        (lo, hi), *more = compact([*result.pieces, *other.pieces])
        if result.label is None and other.label is None and len(result.reaches) == len(other.reaches) == 1:
            result = Span(lo, hi, (reaches.joined(result.reaches[0], other.reaches[0]),), None, more)
            continue
        one = np.zeros((1,) * lo.ndim, np.int32) if result.label is None else result.label
        two = np.zeros((1,) * lo.ndim, np.int32) if other.label is None else other.label
        # Of all pairs only those that occur: two wide concatenations have far more.
        pairs, which = np.unique(one.astype(np.int64) * len(other.reaches) + two, return_inverse=True)
        both = [divmod(pair, len(other.reaches)) for pair in pairs.tolist()]
        found = [reaches.joined(result.reaches[a], other.reaches[b]) for a, b in both]
        kept, label = relabel(which.reshape(np.broadcast_shapes(one.shape, two.shape)).astype(np.int32), found)
        result = Span(lo, hi, kept, label, more)
    return result


def widen(span: Span, rank: int) -> Span:
    """Return the span with dimensions of one cell put in front."""
    more = rank - span.rank
    if not more:
        return span
    front = (1,) * more
    return span.map(lambda a: a.reshape(front + a.shape), lambda reach: reaches.renumbered(reach, lambda d: d + more))


def permute(span: Span, order: Sequence[int]) -> Span:
    """Return the span with its dimensions in another order."""
    place = {old: new for new, old in enumerate(order)}
    return span.map(lambda a: a.transpose(order), lambda reach: reaches.renumbered(reach, place.__getitem__))


def squeeze(span: Span, dims: Sequence[int]) -> Span:
    """Return the span without some dimensions of one cell."""
    gone = set(dims)
    kept = [d for d in range(span.rank) if d not in gone]
    place = {old: new for new, old in enumerate(kept)}
    return span.map(
        lambda a: a.reshape([a.shape[d] for d in kept]),
        lambda reach: reaches.renumbered(reach, lambda d: place.get(d, -1)),
    )


def unsqueeze(span: Span, dim: int) -> Span:
    """Return the span with a new dimension of one cell."""
    return span.map(lambda a: np.expand_dims(a, dim), lambda reach: reaches.renumbered(reach, lambda d: d + (d >= dim)))


def expand(span: Span, old: Shape, new: Shape) -> Span:
    """Return the span after dimensions of one cell are repeated (ranks are equal)."""
    grown = [d for d in range(len(new)) if old[d] == 1 and new[d] != 1]
    if not grown:
        return span
    lo, hi = span.pieces[0]
    return Span(lo, hi, tuple(reaches.constant_along(r, grown) for r in span.reaches), span.label, span.pieces[1:])


def spread(span: Span, dim: int, size: int) -> Span:
    """Return the span with a closed form for each index of a dimension, where part of the unit's number lies in it."""
    parts = [part for reach in span.reaches for part in reach.parts if len(part.digits) > 1]
    if not any(d == dim for part in parts for d, _, _ in part.digits):
        return span
    apart = [reaches.fixed(reach, dim, size) for reach in span.reaches]
    if None in apart:
        return span
    found = [reach for each in apart if each for reach in each]
    label = np.zeros((1,) * span.rank, np.int32) if span.label is None else span.label
    index = np.arange(size, dtype=np.int32).reshape([-1 if d == dim else 1 for d in range(span.rank)])
    kept, label_ = relabel(label * np.int32(size) + index, found)
    (lo, hi), *more = span.pieces
    return Span(lo, hi, kept, label_, more)


def gather(span: Span, dim: int, table: Table) -> Span:
    """Return the span after each cell along a dimension reads the cells that a table says."""
    if table.is_identity:
        return span
    if table.is_move:
        span = spread(span, dim, table.size)
    found, label = span.reaches, span.label
    if label is not None and label.shape[dim] > 1:
        if table.is_move and table.blind is None:
            label = label.take(table.first, axis=dim)
        else:
            found, label = (reaches.lost(frozenset[int]().union(*(r.dims for r in found), {dim})),), None
    found = tuple(_stepped(r, dim, table) for r in found)
    if label is not None:
        found, label = relabel(label, found)
    return span.with_sides(lambda side, none: _gather(side, dim, table, none), found, label)


def _stepped(reach: Reach, dim: int, table: Table) -> Reach:
    key = (id(reach), dim)
    known = table.known.get(key)
    if known is None or known[0] is not reach:
        if len(table.known) > 256:
            table.known.clear()
        known = table.known[key] = (reach, reaches.stepped(reach, dim, table.size, table.out, table.step))
    result: Reach = known[1]
    return result


def _gather(array: Array, dim: int, table: Table, none: np.int32) -> Array:
    if array.shape[dim] == 1:
        # Nothing differs along the dimension, except that output cells in padding see nothing.
        if table.blind is None:
            return array
        blind = table.blind.reshape([-1 if d == dim else 1 for d in range(array.ndim)])
        return np.where(blind, none, array)
    last = array.ndim - 1
    if dim != last:
        array = np.swapaxes(array, dim, last)
    result = table.read(array, np.minimum if none == NONE_LO else np.maximum, none)
    return np.swapaxes(result, dim, last) if dim != last else result


def reduce(span: Span, dims: Sequence[int], shape: Shape, because: str) -> Span:
    """Return the span after a sum, maximum or softmax over whole dimensions, which stay with one cell."""
    over = tuple(dims)
    found, label = span.reaches, span.label
    if label is not None and any(label.shape[d] > 1 for d in over):
        found, label = pooled(found, label, over)
    found = tuple(reaches.reduced(r, over, shape, because) for r in found)
    if label is not None:
        found, label = relabel(label, found)

    def collapse(side: Array, none: np.int32) -> Array:
        if all(side.shape[d] == 1 for d in over):
            return side
        ends: Array = side.min(axis=over, keepdims=True) if none == NONE_LO else side.max(axis=over, keepdims=True)
        return ends

    return span.with_sides(collapse, found, label)


def everything(spans: Sequence[Span], rank: int, because: str) -> Span:
    """Return the span of elements that may each depend on all that some tensors depend on."""
    lo, hi = min(span.lo.min() for span in spans), max(span.hi.max() for span in spans)
    one = (1,) * rank
    return Span(np.full(one, lo), np.full(one, hi), (Reach(whole=True, because=because),))


def pooled(found: tuple[Reach, ...], label: Array, over: tuple[int, ...]) -> tuple[tuple[Reach, ...], Array | None]:
    """Unite the reaches along some dimensions."""
    last = tuple(range(-len(over), 0))
    kept = [1 if d in over else n for d, n in enumerate(label.shape)]
    # One row for each place that is left: the labels that it unites, each once, and -1 in place of the others.
    rows = np.sort(np.moveaxis(label, over, last).reshape(prod(kept), -1), axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = -1
    sets, which = np.unique(np.sort(rows, axis=1), axis=0, return_inverse=True)
    united = [functools.reduce(reaches.joined, (found[k] for k in row if k >= 0), NOTHING) for row in sets.tolist()]
    return relabel(which.reshape(kept).astype(np.int32), united)


def concatenate(spans: Sequence[Span], dim: int, sizes: Sequence[int]) -> Span:
    """Return the span of tensors put one after another along a dimension."""
    spans = [spread(span, dim, size) for span, size in zip(spans, sizes, strict=True)]
    first = spans[0]
    same = all(span is first or equal(span, first) for span in spans[1:])
    if same and first.lo.shape[dim] == 1 and not any(dim in reach.dims for reach in first.reaches):
        return first
    lo, hi = (_joined([getattr(span, side) for span in spans], dim, sizes) for side in ("lo", "hi"))
    found = tuple(r for span in spans for r in span.reaches)
    if any(dim in r.dims for r in found):
        return Span(lo, hi, (_one_after_another(spans, dim, sizes),))
    labels, base = [], 0
    for span in spans:
        label = np.zeros((1,) * lo.ndim, np.int32) if span.label is None else span.label
        labels.append(label + np.int32(base))
        base += len(span.reaches)
    kept, label_ = relabel(_joined(labels, dim, sizes), found)
    return Span(lo, hi, kept, label_)


def _one_after_another(spans: Sequence[Span], dim: int, sizes: Sequence[int]) -> Reach:
    """Return the closed form along the dimension of a concatenation: known where all but one are constants."""
    seen = [i for i, span in enumerate(spans) if not span.is_empty]
    if len(seen) == 1 and len(spans[seen[0]].reaches) == 1:
        before = sum(sizes[: seen[0]])
        step = Steps(1, 1, ((-before,),))
        return reaches.stepped(spans[seen[0]].reaches[0], dim, sizes[seen[0]], sum(sizes), step)
    return reaches.lost(frozenset({dim}).union(*(r.dims for span in spans for r in span.reaches)))


def _joined(arrays: Sequence[Array], dim: int, sizes: Sequence[int]) -> Array:
    rest = np.broadcast_shapes(*((*a.shape[:dim], 1, *a.shape[dim + 1 :]) for a in arrays))
    full = [np.broadcast_to(a, (*rest[:dim], size, *rest[dim + 1 :])) for a, size in zip(arrays, sizes, strict=True)]
    return np.concatenate(full, axis=dim)


def equal(one: Span, other: Span) -> bool:
    """Whether two spans say the same of every element."""
    if one.reaches != other.reaches or (one.label is None) != (other.label is None):
        return False
    if one.label is not None and other.label is not None and not np.array_equal(one.label, other.label):
        return False
    return np.array_equal(one.lo, other.lo) and np.array_equal(one.hi, other.hi)


Groups = Sequence[tuple[Sequence[int], Sequence[int]]]


def regroup(span: Span, groups: Groups, old: Shape, new: Shape) -> Span:
    """Return the span after a view of the tensor in another shape."""
    return span.map(lambda a: _regroup(a, groups, old, new), lambda reach: reaches.regrouped(reach, groups, old, new))


def _regroup(array: Array, groups: Groups, old: Shape, new: Shape) -> Array:
    if array.size == 1:
        return array.reshape((1,) * len(new))
    now = array.shape
    full, shape = [], []
    for olds, news in groups:
        varies = any(now[d] > 1 for d in olds)
        full += [old[d] if varies else 1 for d in olds]
        shape += [new[d] if varies else 1 for d in news]
    result = np.broadcast_to(array, full).reshape(shape)
    # A dimension that was merged and is split off again may no longer differ: keep what varies.
    for _, news in groups:
        if len(news) > 1:
            result = shrink(result, news)
    return result


def shrink(array: Array, dims: Sequence[int]) -> Array:
    """Return the array with one cell along each dimension where all cells are equal."""
    for d in dims:
        if array.shape[d] > 1:
            one = array.take([0], axis=d)
            if (array == one).all():
                array = one
    return array


def view_groups(old: Shape, new: Shape) -> list[tuple[list[int], list[int]]]:
    """Pair the dimensions of two shapes of one size into the smallest groups that hold equally many cells.

    Examples:
        >>> view_groups((2, 6, 5), (2, 2, 3, 5))
        [([0], [0]), ([1], [1, 2]), ([2], [3])]
    """
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        olds, news = [], []
        a = b = 1
        if i < len(old):
            olds, a, i = [i], old[i], i + 1
        if j < len(new) and not (a == 1 and new[j] != 1 and olds):
            news, b, j = [j], new[j], j + 1
            if b == 1 and a != 1:
                groups.append(([], news))
                i -= 1
                continue
        while a != b:
            if a < b:
                olds.append(i)
                a, i = a * old[i], i + 1
            else:
                news.append(j)
                b, j = b * new[j], j + 1
        groups.append((olds, news))
    return groups
