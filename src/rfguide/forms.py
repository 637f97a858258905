"""The closed form of one axis: fields that repeat with a period, before any clipping.

After convolutions and poolings all units of a map have one `ReceptiveField`, moved along by its
stride. After upsampling the units take turns: unit u has field number u % p, and p units later the
same field comes again, moved along by the advance. `Form` holds the fields of one period; its step
through a layer is `ReceptiveField.through` where there is one field.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from math import gcd

from rfguide.errors import MOST_LAYERS, GeometryError, at_most, shown
from rfguide.fields import ReceptiveField
from rfguide.layers import Layer, Transposed

# A period longer than this (after several resizings by odd ratios) says nothing to a reader.
LONGEST_PERIOD = 4096


@dataclass(frozen=True, slots=True)
class Steps:
    """Which units of the map before a unit reads, as a pattern that repeats.

    Unit `block * outs + i` reads the units `block * ins + tap` for each tap in `taps[i]`.
    """

    outs: int
    ins: int
    taps: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one period; each has the advance as its stride, None is a unit that sees nothing.

    Unit u covers `fields[u % p].region(u // p)` for p fields.
    """

    fields: tuple[ReceptiveField | None, ...]

    @property
    def advance(self) -> int:
        """Input cells from a unit's field to the field one period later."""
        return next(field.stride for field in self.fields if field)

    @property
    def size(self) -> int:
        """The largest size in the period."""
        return max(field.size for field in self.fields if field)

    def region(self, unit: int) -> tuple[int, int] | None:
        """Return the first and the last input cell of a unit, before clipping; None if it sees nothing."""
        block, phase = divmod(unit, len(self.fields))
        field = self.fields[phase]
        return field.region(block) if field else None


def from_regions(regions: list[tuple[int, int] | None], advance: int) -> Form | None:
    """Return the form whose first period covers these regions; None if no unit sees anything."""
    period = len(regions)
    for shorter in range(1, period):
        if period % shorter == 0 and advance * shorter % period == 0:
            move = advance * shorter // period
            if move and all(regions[i] == _moved(regions[i - shorter], move) for i in range(shorter, period)):
                regions, advance = regions[:shorter], move
                break
    if not any(regions):
        return None
    return Form(tuple(ReceptiveField(r[1] - r[0] + 1, stride=advance, padding=-r[0]) if r else None for r in regions))


def _moved(region: tuple[int, int] | None, by: int) -> tuple[int, int] | None:
    return region and (region[0] + by, region[1] + by)


def hull(regions: list[tuple[int, int] | None]) -> tuple[int, int] | None:
    """Return the first and the last cell of several regions; None if none of them has any."""
    seen = [region for region in regions if region]
    return (min(r[0] for r in seen), max(r[1] for r in seen)) if seen else None


@lru_cache(maxsize=4096)
def through(form: Form, step: Layer | Steps) -> Form | None:
    """Return the form one layer deeper; `BLIND` if no unit sees anything any more, None if its period is too long."""
    if isinstance(step, Layer):
        (first, *others) = form.fields
        if first and not others:
            return Form((first.through(step),))
        step = Steps(1, step.stride, (tuple(range(-step.before, step.extent - step.before, step.dilation)),))
    period = len(form.fields)
    blocks = period // gcd(period, step.ins)
    if blocks * step.outs > LONGEST_PERIOD:
        return None
    regions = [
        hull([form.region(block * step.ins + tap) for tap in taps]) for block in range(blocks) for taps in step.taps
    ]
    return from_regions(regions, form.advance * (blocks * step.ins // period)) or BLIND


@lru_cache(maxsize=4096)
def union(one: Form, other: Form) -> Form | None:
    """Return the hull of two forms over the same units; None unless their effective strides agree."""
    if one == other:
        return one
    p, q = len(one.fields), len(other.fields)
    if one.advance * q != other.advance * p:
        return None
    period = p * q // gcd(p, q)
    if period > LONGEST_PERIOD:
        return None
    regions = [hull([one.region(unit), other.region(unit)]) for unit in range(period)]
    return from_regions(regions, one.advance * (period // p))


def phases(layers: Iterable[Layer | Transposed]) -> tuple[ReceptiveField | None, ...]:
    """Return the fields of one period of units after a stack that may hold transposed convolutions.

    Unit u covers `fields[u % p].region(u // p)`, for p fields: after upsampling, units take turns. One field after
    convolutions and poolings alone, that of `receptive_fields`. None among several is a unit that sees nothing.

    Raises:
        GeometryError: If the period grows beyond 4,096 units, no unit sees anything, or there are over 100,000 layers.
        TypeError: If a layer is neither a `Layer` nor a `Transposed`.

    Examples:
        >>> from rfguide import Layer, Transposed, phases
        >>> for field in phases([Layer(3, padding=1), Transposed(4, stride=2, padding=1), Layer(3, padding=1)]):
        ...     print(field.size, field.region(0))
        5 (-2, 2)
        5 (-2, 2)
    """
    if not isinstance(layers, Iterable):
        raise TypeError(f"layers={shown(layers)} must be a sequence of layers, not {type(layers).__name__}")
    form = INPUT
    for place, layer in enumerate(layers):
        at_most(MOST_LAYERS, layers=place + 1)
        if not isinstance(layer, Layer | Transposed):
            raise TypeError(f"layers[{place}]={shown(layer)} must be a Layer or Transposed, not {type(layer).__name__}")
        after = through(form, layer if isinstance(layer, Layer) else backwards(layer))
        if after is None:
            raise GeometryError(f"layers[{place}]: the fields repeat after more than {LONGEST_PERIOD} units")
        if after == BLIND:
            raise GeometryError(f"layers[{place}]: no unit sees any input cell")
        form = after
    return form.fields


def backwards(layer: Transposed) -> Steps:
    """Return which units a transposed convolution reads, for each unit of one period."""
    return Steps(layer.stride, 1, tuple(layer.reads(unit) for unit in range(layer.stride)))


# No unit sees anything.
BLIND = Form((None,))
INPUT = Form((ReceptiveField(),))
