"""The receptive field, one axis at a time: its step through one layer, and exact sets to check it by."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import gcd

from rfguide.errors import MOST_CELLS, GeometryError, at_least, at_most, shown, whole
from rfguide.layers import Layer, stack
from rfguide.sizes import output_sizes


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    r"""What the units of one map see along one axis, in input cells.

    Unit $u$ covers input cells $uS - P$ to $uS - P + r - 1$, before clipping to the input
    (Araujo, Norris, Sim 2019). `ReceptiveField()` is the field of an input cell itself.

    Args:
        size: $r$, cells from the first that a unit can see to the last, both counted.
        stride: $S$, the effective stride (jump): input cells from one unit's field to the next.
        padding: $P$, the effective padding: input cells by which unit 0's field starts before cell 0.

    Raises:
        GeometryError: If `size` or `stride` is below 1.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import Layer, ReceptiveField
        >>> field = ReceptiveField().through(Layer(3, padding=1)).through(Layer(2, stride=2))
        >>> field
        ReceptiveField(size=4, stride=2, padding=1)
        >>> field.region(8)
        (15, 18)
    """

    size: int = 1
    stride: int = 1
    padding: int = 0

    def __post_init__(self) -> None:
        size, stride = at_least(1, size=self.size, stride=self.stride)
        (padding,) = whole(padding=self.padding)
        object.__setattr__(self, "size", size)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "padding", padding)

    def through(self, layer: Layer) -> "ReceptiveField":
        r"""Return the field one layer deeper.

        The layer's window spans $e - 1 = d(k - 1)$ steps of this map, each $S$ input cells wide:
        $r' = r + d(k - 1)S$, $S' = sS$, $P' = P + pS$. The layer's own stride is no part of $r'$.

        Examples:
            >>> from rfguide import Layer, ReceptiveField
            >>> ReceptiveField(size=4, stride=2, padding=1).through(Layer(3, padding=1))
            ReceptiveField(size=8, stride=2, padding=3)
        """
        if not isinstance(layer, Layer):
            raise TypeError(f"layer={shown(layer)} must be a Layer, not {type(layer).__name__}")
        return ReceptiveField(
            size=self.size + (layer.extent - 1) * self.stride,
            stride=self.stride * layer.stride,
            padding=self.padding + layer.before * self.stride,
        )

    def region(self, unit: int) -> tuple[int, int]:
        """Return the first and the last input cell of a unit's field, before clipping (both inclusive).

        Examples:
            >>> from rfguide import ReceptiveField
            >>> ReceptiveField(size=10, stride=4, padding=3).region(4)
            (13, 22)
        """
        (unit,) = whole(unit=unit)
        first = unit * self.stride - self.padding
        return first, first + self.size - 1

    def center(self, unit: int) -> Fraction:
        """Return the middle of a unit's field, as an exact number of input cells (halves occur).

        Examples:
            >>> from rfguide import ReceptiveField
            >>> float(ReceptiveField(size=10, stride=4, padding=3).center(0))
            1.5
        """
        first, last = self.region(unit)
        return Fraction(first + last, 2)


def receptive_fields(layers: Iterable[Layer]) -> tuple[ReceptiveField, ...]:
    """Return the field after each layer of a stack.

    Raises:
        TypeError: If a layer is not a `Layer`.

    Examples:
        >>> from rfguide import Layer, receptive_fields
        >>> [field.size for field in receptive_fields([Layer(3), Layer(2, stride=2), Layer(3)])]
        [3, 4, 8]
    """
    field = ReceptiveField()
    return tuple(field := field.through(layer) for layer in stack(layers))


def effective_std(layers: Iterable[Layer]) -> float:
    r"""Return the standard deviation of the weights that the input cells of a unit have, in input cells.

    For kernels that weigh all their cells alike, with no border near: the number of ways from a cell to the unit,
    as a share of all. A layer's window is uniform over $k$ cells that are $dS$ input cells apart, and variances of
    independent steps add up (Luo et al. 2016): $\sigma^2 = \sum_l \frac{k_l^2 - 1}{12} (d_l S_{l-1})^2$.
    Four of these hold about 95 % of a bell.

    Raises:
        TypeError: If a layer is not a `Layer`.

    Examples:
        >>> from rfguide import Layer, effective_std
        >>> round(effective_std([Layer(3)] * 10), 2)
        2.58
    """
    variance, step = Fraction(0), 1
    for layer in stack(layers):
        variance += Fraction(layer.kernel_size**2 - 1, 12) * (layer.dilation * step) ** 2
        step *= layer.stride
    return math.sqrt(variance)


def input_cells(layers: Iterable[Layer], unit: int, *, input_size: int | None = None) -> tuple[int, ...]:
    """Return the input cells that a unit of the last map really depends on, in order.

    This is the definition, not the formula: the set of cells is walked from the unit back to the
    input, one window at a time. The holes of dilation show, and so does padding: with
    `input_size`, padded cells at any layer drop out, and the result may be empty.

    Args:
        layers: The stack, first layer first.
        unit: A unit of the last map.
        input_size: Cells of the input; without it, every map goes on for ever and none is padding.

    Raises:
        GeometryError: If a kernel does not fit, the last map has no such unit, or the cells are more than 2**22.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import Layer, input_cells
        >>> input_cells([Layer(3, dilation=2)], 0)
        (0, 2, 4)
        >>> input_cells([Layer(3, padding=1), Layer(2, stride=2)], 0, input_size=8)
        (0, 1, 2)
    """
    layers = stack(layers)
    (unit,) = whole(unit=unit)
    cells = _Cells(unit, 0, ((0, 0),))
    if input_size is None:
        sizes: tuple[int | None, ...] = (None,) * len(layers)
    else:
        *maps, last = (input_size, *output_sizes(input_size, layers))
        if unit not in range(last):
            raise GeometryError(f"{unit=} must be from 0 to {last - 1}: the last map has {last} units")
        sizes = tuple(maps)
    for layer, size in zip(reversed(layers), reversed(sizes), strict=True):
        cells = cells.read_by(layer)
        if size is not None:
            cells = cells.inside(size)
    return cells.listed()


@dataclass(frozen=True, slots=True)
class _Cells:
    """A set of cells as runs on a grid: `origin + step * i` for each i in a run (first, last).

    A network's windows overlap, so that of thousands of cells few runs are left: a walk takes as long as it has
    layers, not layers times cells.
    """

    origin: int
    step: int
    runs: tuple[tuple[int, int], ...]

    def read_by(self, layer: Layer) -> "_Cells":
        """Return the cells of the map before that these units of a layer's map read."""
        origin, step = self.origin * layer.stride - layer.before, self.step * layer.stride
        if layer.kernel_size == 1:
            return _Cells(origin, step, self.runs)
        grid = gcd(step, layer.dilation)
        move, gap = step // grid, layer.dilation // grid
        reach = gap * (layer.kernel_size - 1)
        # A window is one run, or a run for each of its taps.
        taps, width = (range(1), reach) if gap == 1 else (range(0, reach + 1, gap), 0)
        runs: list[tuple[int, int]] = []
        for first, last in self.runs:
            if (move <= 1 and last - first + 1 >= gap) or (gap == 1 and layer.kernel_size >= move):
                runs.append((first * move, last * move + reach))  # the windows of neighbours join
            elif move <= 1:
                at_most(MOST_CELLS, **{"runs of input cells": len(runs) + len(taps)})
                runs += [(first + tap, last + tap) for tap in taps]
            else:
                at_most(MOST_CELLS, **{"runs of input cells": len(runs) + (last - first + 1) * len(taps)})
                starts = range(first * move, last * move + 1, move)
                runs += [(start + tap, start + tap + width) for start in starts for tap in taps]
        return _Cells(origin, grid, _joined(runs))

    def inside(self, size: int) -> "_Cells":
        """Return those from 0 to `size` - 1."""
        if self.step == 0:
            return _Cells(self.origin, 0, self.runs if self.origin in range(size) else ())
        lowest, highest = -(self.origin // self.step), (size - 1 - self.origin) // self.step
        kept = ((max(first, lowest), min(last, highest)) for first, last in self.runs)
        return _Cells(self.origin, self.step, tuple(run for run in kept if run[0] <= run[1]))

    def listed(self) -> tuple[int, ...]:
        """Return all, in order."""
        at_most(MOST_CELLS, **{"input cells": sum(last - first + 1 for first, last in self.runs)})
        return tuple(self.origin + self.step * i for first, last in self.runs for i in range(first, last + 1))


def _joined(runs: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return runs in order, those that touch as one."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(runs):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)
