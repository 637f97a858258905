"""The receptive field, one axis at a time: its step through one layer, and exact sets to check it by."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from rfguide.errors import GeometryError, at_least, whole
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
            raise TypeError(f"{layer=} must be a Layer, not {type(layer).__name__}")
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
        GeometryError: If a kernel does not fit, or the last map has no such unit.
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
    cells = {unit}
    if input_size is None:
        sizes: tuple[int | None, ...] = (None,) * len(layers)
    else:
        *maps, last = (input_size, *output_sizes(input_size, layers))
        if unit not in range(last):
            raise GeometryError(f"{unit=} must be from 0 to {last - 1}: the last map has {last} units")
        sizes = tuple(maps)
    for layer, size in zip(reversed(layers), reversed(sizes), strict=True):
        taps = range(-layer.before, layer.extent - layer.before, layer.dilation)
        cells = {cell * layer.stride + tap for cell in cells for tap in taps}
        if size is not None:
            cells = {cell for cell in cells if cell in range(size)}
    return tuple(sorted(cells))
