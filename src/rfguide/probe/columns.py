"""The columns of a trace's table, held against the units that a check measures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, product

from rfguide.forms import hull
from rfguide.trace import Map
from rfguide.trace.table import strides

Unit = tuple[int, ...]
Ends = tuple[int, int] | None

# Neighbours that are measured along an axis, at most: a map of a longer period is not compared.
_LONGEST = 32
# How far beside a unit another may lie that sees along an axis what it misses itself.
_BESIDE = 8


@dataclass(frozen=True)
class Wrong:
    """A column that says something else than the units do."""

    column: str
    unit: Unit
    traced: object
    measured: object


@dataclass(frozen=True)
class Compared:
    """What the columns of one map say against its units.

    Attributes:
        units: Those whose `visible` was used: it is what has to be measured.
        wrong: The first column that differs.
        is_partial: Whether a number stands in a column that no neighbours tell on this input.
    """

    units: tuple[Unit, ...]
    wrong: Wrong | None
    is_partial: bool


def compared(m: Map, sizes: Sequence[int], sampled: Sequence[Unit]) -> Compared:
    """Compare the columns of a map with what its units see, on an input of these sizes.

    All rests on `visible`, of the sampled units and of those returned: columns are right if that is.
    """
    whole = tuple((0, size - 1) for size in sizes)
    blind = next((unit for unit in sampled if m.visible(unit) != whole), None)
    if m.is_global:
        wrong = blind and Wrong("is_global", blind, True, False)
        return Compared((), wrong or _wrong_size(m, sampled[0], sizes), False)
    sized = [axis for axis, size in enumerate(m.size) if size is not None]
    if blind is None and any((m.size[axis] or 0) < sizes[axis] for axis in sized):
        return Compared((), Wrong("is_global", sampled[0], False, True), False)
    units: dict[Unit, None] = {}
    is_partial = False
    for axis in sized:
        walk = _walk(m, sizes, axis)
        if walk is None:
            is_partial = True
            continue
        seen, used = zip(*(_along(m, unit, axis) for unit in walk), strict=True)
        units |= dict.fromkeys([*walk, *(unit for more in used for unit in more)])
        wrong = next(_differences(m, axis, walk, seen), None)
        if wrong is not None:
            return Compared(tuple(units), wrong, False)
    return Compared(tuple(units), None, is_partial)


def _wrong_size(m: Map, unit: Unit, sizes: Sequence[int]) -> Wrong | None:
    return None if m.size == tuple(sizes) else Wrong("size", unit, m.size, tuple(sizes))


def _walk(m: Map, sizes: Sequence[int], axis: int) -> list[Unit] | None:
    """Return neighbours in the middle of a map, a period of them and one more, of which no border cuts anything.

    The border of a map on the way may cut too, where no region shows it. But what a border cuts stays where it is:
    from unit to unit, a period apart, both ends of what is seen must go equally far, and twice in turn.
    """
    middle = [n // 2 for n in m.units]
    for times in range(1, 5):
        period = times * max(1, len(m.phases[axis]))
        for dim, n in enumerate(m.units):
            if 2 * period >= n or period > _LONGEST:
                continue
            start = (n - 2 * period) // 2
            line = [(*middle[:dim], start + i, *middle[dim + 1 :]) for i in range(2 * period + 1)]
            apart = line[::period]
            if _is_steady([m.visible(unit)[axis] for unit in apart]) and all(
                _is_clear(m.region(unit), sizes) for unit in apart
            ):
                return line[: period + 1]
    return None


def _is_steady(seen: Sequence[Ends]) -> bool:
    ends = [one for one in seen if one]
    steps = {b - a for one, other in pairwise(ends) for a, b in zip(one, other, strict=True)}
    return len(ends) == len(seen) and len(steps) == 1 and min(steps) > 0


def _is_clear(regions: Sequence[Ends], sizes: Sequence[int]) -> bool:
    return all(r is not None and r[0] >= 0 and r[1] < size for r, size in zip(regions, sizes, strict=True))


def _along(m: Map, unit: Unit, axis: int) -> tuple[Ends, list[Unit]]:
    """Return what units at this place along an axis see, and those of them that show it: the unit itself if it does.

    Where a branch leaves out rows, a unit beside it, in another row, may see more columns.
    """
    seen, told = m.visible(unit)[axis], m.region(unit)[axis]
    if seen == told:
        return seen, []
    moving = _moving(m, unit, axis)
    near = [
        (u,) if dim == moving else range(max(0, u - _BESIDE), min(n, u + _BESIDE + 1))
        for dim, (u, n) in enumerate(zip(unit, m.units, strict=True))
    ]
    found = {other: ends for other in product(*near) if (ends := m.visible(other)[axis])}
    if not found:
        return seen, []
    shown = [min(found, key=lambda other: found[other][0]), max(found, key=lambda other: found[other][1])]
    return hull([found[other] for other in shown]), shown


def _moving(m: Map, unit: Unit, axis: int) -> int:
    """Return the place in a unit's index that counts along an axis; its own one if none can be told from the rest."""
    for dim, n in enumerate(m.units):
        ends = {m.region((*unit[:dim], u, *unit[dim + 1 :]))[axis] for u in (0, n - 1)}
        if len(ends) > 1:
            return dim
    return axis


def _differences(m: Map, axis: int, walk: Sequence[Unit], seen: Sequence[Ends]) -> Iterator[Wrong]:
    """Give the columns of an axis that say something else than what the units of a walk see."""
    first, last = seen[0], seen[-1]
    if not (first and last):
        return
    widest = max(ends[1] - ends[0] + 1 for ends in seen if ends)
    size, stride, field = m.size[axis], strides(m)[axis], m.fields[axis]
    # Where branches of different strides meet, there is no period, and the largest unit may lie elsewhere.
    if size is not None and (size != widest if m.phases[axis] else size < widest):
        yield Wrong("size", walk[0], size, widest)
    step = Fraction(last[0] - first[0], len(walk) - 1)
    if stride is not None and stride != step:
        yield Wrong("stride", walk[0], str(stride), str(step))
    (place, _) = next((a, b) for a, b in zip(walk[0], walk[-1], strict=True) if a != b)
    if field is not None and field.padding != place * step - first[0]:
        yield Wrong("padding", walk[0], field.padding, str(place * step - first[0]))
    for unit, ends in zip(walk, seen, strict=True):
        if m.region(unit)[axis] != ends:
            yield Wrong("region", unit, m.region(unit)[axis], ends)
