"""Where a closed form runs in a tensor: which dimensions count its units, and what the moves of data do to it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rfguide.forms import BLIND, INPUT, Form, Steps, through, union
from rfguide.layers import Layer

# (dimension, divisor, size): this digit of the unit's number is (index[dimension] // divisor) % size.
Digit = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A form and the digits that make up its unit's number, most significant first.

    Usually there is one digit, a whole dimension. Windows split it: unit = window * 7 + place is two.
    No digits at all: one unit is left, unit 0.
    """

    digits: tuple[Digit, ...]
    form: Form


@dataclass(frozen=True, slots=True)
class Reach:
    """What the closed form knows of one input axis: the union of its parts.

    No part and no mark: the tensor depends on no input cell. `whole`: every unit reads all positions.
    `unknown`: the tensor's dimensions along which it may vary, in a way that no form here describes.
    """

    parts: tuple[Part, ...] = ()
    whole: bool = False
    unknown: frozenset[int] | None = None
    because: str = ""

    @property
    def dims(self) -> frozenset[int]:
        """The dimensions that it may vary along."""
        return frozenset(d for part in self.parts for d, _, _ in part.digits) | (self.unknown or frozenset())


NOTHING = Reach()

# Forms that may stand side by side in one reach, where branches' strides disagree.
MOST_PARTS = 12


def start(dim: int, size: int) -> Reach:
    """Return the reach of the input itself along a dimension."""
    return Reach((Part(((dim, 1, size),), INPUT),))


def lost(dims: Iterable[int]) -> Reach:
    """Return a reach that nothing is known of, except the dimensions it may vary along."""
    return Reach(unknown=frozenset(dims))


@lru_cache(maxsize=4096)
def joined(one: Reach, other: Reach) -> Reach:
    """Return the union of two reaches of tensors of the same shape."""
    if one == other or other == NOTHING:
        return one
    if one == NOTHING:
        return other
    # All positions and any others are all positions.
    if one.whole or other.whole:
        return one if one.whole else other
    if one.unknown is not None or other.unknown is not None:
        return lost(one.dims | other.dims)
    parts = list(one.parts)
    for new in other.parts:
        for i, old in enumerate(parts):
            both = _same_units(old, new)
            form = both and union(both[0], both[1])
            if form:
                longer = old.digits if len(old.digits) >= len(new.digits) else new.digits
                parts[i] = Part(longer, form)
                break
        else:
            # Other units, or another effective stride: the two stay side by side.
            parts.append(new)
    return Reach(tuple(parts)) if len(parts) <= MOST_PARTS else lost(one.dims | other.dims)


def alike(one: Reach, other: Reach) -> bool:
    """Whether two reaches are the same pattern, one perhaps moved along the input."""
    if one.unknown is not None or len(one.parts) != len(other.parts):
        return one == other

    def pattern(reach: Reach) -> list[object]:
        return [(p.digits, [f and (f.size, f.stride) for f in p.form.fields]) for p in reach.parts]

    return one.whole == other.whole and pattern(one) == pattern(other)


def _same_units(one: Part, other: Part) -> tuple[Form, Form] | None:
    """Return both forms over the same units, if the units of one are groups of the units of the other."""
    if one.digits == other.digits:
        return one.form, other.form
    coarse, fine = sorted((one, other), key=lambda part: len(part.digits))
    n = len(coarse.digits)
    if not n or fine.digits[:n] != coarse.digits:
        return None
    inner = 1
    for _, _, size in fine.digits[n:]:
        inner *= size
    repeated = through(coarse.form, Steps(inner, 1, ((0,),) * inner))
    return (repeated, fine.form) if repeated else None


def stepped(reach: Reach, dim: int, size: int, out: int, step: Layer | Steps | None) -> Reach:
    """Return the reach after a layer along one dimension; `step` None means that no form describes it."""
    if dim not in reach.dims:
        if size == 1 and any(not part.digits for part in reach.parts):
            # The one unit that is left may have lain along this dimension before a view: then it has neighbours.
            return lost({dim})
        return reach
    return _stepped(reach, dim, size, out, step)


@lru_cache(maxsize=4096)
def _stepped(reach: Reach, dim: int, size: int, out: int, step: Layer | Steps | None) -> Reach:
    if step is None or reach.unknown is not None:
        return lost(reach.dims)
    parts = []
    for part in reach.parts:
        if all(d != dim for d, _, _ in part.digits):
            parts.append(part)
            continue
        whole = over_dimension(part, dim, size)
        form = whole and through(whole, step)
        if form is None:
            return lost(reach.dims)
        if form is not BLIND:
            parts.append(Part(((dim, 1, out),), form))
    return Reach(tuple(parts))


def over_dimension(part: Part, dim: int, size: int) -> Form | None:
    """Return the form counted by the index of one dimension, if that alone decides the unit.

    Where a dimension counts each unit several times in a row (a pixel shuffle does), the form is repeated.
    """
    if len(part.digits) != 1:
        return None
    ((d, div, units),) = part.digits
    if d != dim or div * units != size:
        return None
    return part.form if div == 1 else through(part.form, Steps(div, 1, ((0,),) * div))


@lru_cache(maxsize=4096)
def _reduced(reach: Reach, dims: frozenset[int], sizes: tuple[int, ...], is_op: bool) -> Reach:
    if reach.unknown is not None and not is_op:
        return reach
    if reach.unknown is not None:
        left = reach.unknown - dims
        return lost(left) if any(sizes[d] > 1 for d in left) else Reach(whole=True)
    result = NOTHING
    for part in reach.parts:
        digits, form = list(part.digits), part.form
        for digit in part.digits:
            if digit[0] not in dims:
                continue
            place, size = digits.index(digit), digit[2]
            inner = 1
            for _, _, s in digits[place + 1 :]:
                inner *= s
            if place == len(digits) - 1:
                layer = Layer(size, stride=size)
            elif place == 0:
                layer = Layer(size, dilation=inner)
            else:
                return lost(reach.dims - dims)
            new = through(form, layer)
            if new is None:
                return lost(reach.dims - dims)
            if new is BLIND:
                break
            form = new
            digits.pop(place)
        else:
            gone = is_op and part.digits and not any(size > 1 for _, _, size in digits)
            result = joined(result, Reach(whole=True) if gone else Reach((Part(tuple(digits), form),)))
    return result


def reduced(reach: Reach, dims: Iterable[int], sizes: Sequence[int], because: str) -> Reach:
    """Return the reach after a sum (or maximum, softmax, product) over whole dimensions, which stay in place."""
    over = frozenset(dims)
    if over.isdisjoint(reach.dims):
        return reach
    result = _reduced(reach, over, tuple(sizes), True)
    return replace(result, because=because) if result.whole else result


def united(reach: Reach, dims: Iterable[int], sizes: Sequence[int]) -> Reach:
    """Return the reach of units that take in all indices of some dimensions, as of channels that hold several cells."""
    over = frozenset(dims)
    return reach if over.isdisjoint(reach.dims) else _reduced(reach, over, tuple(sizes), False)


def renumbered(reach: Reach, new: Callable[[int], int]) -> Reach:
    """Return the reach with each dimension under a new number; -1 is one that is gone and had one cell."""
    if not reach.dims:
        return reach
    if reach.unknown is not None:
        return lost(n for d in reach.unknown if (n := new(d)) >= 0)
    return replace(
        reach,
        parts=tuple(
            Part(tuple((n, div, size) for d, div, size in part.digits if (n := new(d)) >= 0), part.form)
            for part in reach.parts
        ),
    )


def constant_along(reach: Reach, dims: Iterable[int]) -> Reach:
    """Return the reach after its one cell along some dimensions is repeated."""
    over = frozenset(dims)
    if over.isdisjoint(reach.dims):
        return reach
    if reach.unknown is not None:
        return lost(reach.unknown - over)
    return replace(
        reach, parts=tuple(Part(tuple(g for g in part.digits if g[0] not in over), part.form) for part in reach.parts)
    )


def selected(reach: Reach, dim: int, size: int, index: int) -> Reach:
    """Return the reach of one index of a dimension; the dimension stays, with one cell."""
    if dim not in reach.dims:
        return reach
    if reach.unknown is not None:
        return lost(reach.dims)
    parts = []
    for part in reach.parts:
        if all(d != dim for d, _, _ in part.digits):
            parts.append(part)
        elif part.digits[-1] == (dim, 1, size):
            form = through(part.form, Steps(1, size, ((index,),)))
            if form is None:
                return lost(reach.dims)
            if form is not BLIND:
                rest = part.digits[:-1]
                parts.append(Part(rest or ((dim, 1, 1),), form))
        else:
            return lost(reach.dims)
    return Reach(tuple(parts))


def fixed(reach: Reach, dim: int, size: int) -> list[Reach] | None:
    """Return the reach of each index of a dimension by itself; None if that is not known.

    Where digits of the unit lie in the channels (space to depth), channels see different cells.
    """
    if reach.unknown is not None:
        return None
    result = []
    known: dict[tuple[int, ...], Reach] = {}
    mine = [(digit[1], digit[2]) for part in reach.parts for digit in part.digits if digit[0] == dim]
    for index in range(size):
        key = tuple(index // div % n for div, n in mine)
        if key not in known:
            parts = [_fixed(part, dim, index) for part in reach.parts]
            if None in parts:
                return None
            known[key] = replace(reach, parts=tuple(part for part in parts if part and part.form is not BLIND))
        result.append(known[key])
    return result


def _fixed(part: Part, dim: int, index: int) -> Part | None:
    digits, form = list(part.digits), part.form
    for digit in part.digits:
        d, div, size = digit
        if d != dim:
            continue
        place, at = digits.index(digit), index // div % size
        inner = 1
        for _, _, n in digits[place + 1 :]:
            inner *= n
        if place == len(digits) - 1:
            new = through(form, Steps(1, size, ((at,),)))
        elif place == 0:
            new = through(form, Steps(1, 1, ((at * inner,),)))
        else:
            return None
        if new is None or new is BLIND:
            return None if new is None else Part((), new)
        form = new
        digits.pop(place)
    return Part(tuple(digits), form)


def regrouped(
    reach: Reach, groups: Sequence[tuple[Sequence[int], Sequence[int]]], old: Sequence[int], new: Sequence[int]
) -> Reach:
    """Return the reach after a view: each group of old dimensions, taken in order, becomes a group of new ones."""
    if not reach.dims:
        return reach
    group_of = {d: pair for pair in groups for d in pair[0]}
    if reach.unknown is not None:
        return lost(n for d in reach.unknown for n in group_of[d][1] if new[n] > 1)
    parts = []
    for part in reach.parts:
        digits: list[Digit] = []
        for digit in part.digits:
            split = _resplit(digit, group_of[digit[0]], old, new)
            if split is None:
                return lost(n for d in reach.dims for n in group_of[d][1] if new[n] > 1)
            for one in split:
                before = digits[-1] if digits else None
                if before and before[0] == one[0] and before[1] == one[1] * one[2]:
                    digits[-1] = (one[0], one[1], before[2] * one[2])
                else:
                    digits.append(one)
        parts.append(Part(tuple(digits), part.form))
    return Reach(tuple(parts))


def _resplit(
    digit: Digit, group: tuple[Sequence[int], Sequence[int]], old: Sequence[int], new: Sequence[int]
) -> list[Digit] | None:
    """Write one digit of the old dimensions in digits of the new; None if they do not divide."""
    dim, div, size = digit
    olds, news = group
    if size == 1:
        return [(news[0], 1, 1)] if len(news) == 1 and new[news[0]] == 1 else []
    low = div
    for d in olds[olds.index(dim) + 1 :]:
        low *= old[d]
    high = low * size
    result: list[Digit] = []
    step = 1
    for n in reversed(news):
        bottom, top = max(low, step), min(high, step * new[n])
        if bottom < top:
            if bottom % low or bottom % step or top % bottom or high % top:
                return None
            result.insert(0, (n, bottom // step, top // bottom))
        step *= new[n]
    return result
