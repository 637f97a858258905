"""One layer as geometry: what a convolution, a pooling or a transposed convolution does along one axis."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rfguide.errors import MOST_LAYERS, GeometryError, at_least, at_most, pair, shown, whole


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution or pooling along one axis.

    Args:
        kernel_size: Cells the kernel reads.
        stride: Cells from one place of the kernel to the next.
        padding: Cells added at each end, or a pair (before, after).
        dilation: Cells from one cell the kernel reads to the next; 1 leaves no gap.
        name: What pictures and tables call the layer.

    Raises:
        GeometryError: If a number is below its minimum or the padding is no pair.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import Layer
        >>> Layer(3, padding=1, name="conv1")
        Layer(kernel_size=3, stride=1, padding=1, dilation=1, name='conv1')
        >>> Layer(3, dilation=2).extent
        5
    """

    kernel_size: int
    stride: int = field(default=1, kw_only=True)
    padding: int | tuple[int, int] = field(default=0, kw_only=True)
    dilation: int = field(default=1, kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        kernel_size, stride, dilation = at_least(
            1, kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation
        )
        before, after = pair(0, padding=self.padding)
        if not isinstance(self.name, str):
            raise TypeError(f"name={shown(self.name)} must be a string, not {type(self.name).__name__}")
        # Whatever integers came are kept as Python's own, and equal layers compare equal: padding=(1, 1) is padding=1.
        object.__setattr__(self, "kernel_size", kernel_size)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "dilation", dilation)
        object.__setattr__(self, "padding", before if before == after else (before, after))

    @property
    def extent(self) -> int:
        r"""Cells from the first that the kernel reads to the last, both counted: $e = d(k - 1) + 1$."""
        return self.dilation * (self.kernel_size - 1) + 1

    @property
    def before(self) -> int:
        """Cells of padding before the first cell; these move the receptive field."""
        return self.padding if isinstance(self.padding, int) else self.padding[0]

    @property
    def after(self) -> int:
        """Cells of padding after the last cell."""
        return self.padding if isinstance(self.padding, int) else self.padding[1]


@dataclass(frozen=True, slots=True)
class Transposed:
    r"""A transposed convolution along one axis: a convolution read backwards, so that maps grow.

    Input cell $i$ writes to output cells $is - p$ to $is - p + d(k - 1)$, in steps of $d$; read the other way
    round, output cell $u$ reads the cells $i$ for which $u + p - is$ is a tap. That is one of $s$ patterns in turn.
    Nearest upsampling by $s$ reads the same cells as `Transposed(s, stride=s)`.

    Args:
        kernel_size: Output cells that each input cell writes to.
        stride: Output cells from one input cell's place to the next.
        padding: Output cells taken off at each end.
        output_padding: Output cells added back at the end; less than the stride or the dilation.
        dilation: Output cells from one that an input cell writes to the next.
        name: What pictures and tables call the layer.

    Raises:
        GeometryError: If a number is below its minimum or `output_padding` is too large.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import Transposed
        >>> [len(Transposed(3, stride=2, padding=1).reads(u)) for u in range(4)]
        [1, 2, 1, 2]
    """

    kernel_size: int
    stride: int = field(default=1, kw_only=True)
    padding: int = field(default=0, kw_only=True)
    output_padding: int = field(default=0, kw_only=True)
    dilation: int = field(default=1, kw_only=True)
    name: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        numbers = at_least(1, kernel_size=self.kernel_size, stride=self.stride, dilation=self.dilation)
        numbers += at_least(0, padding=self.padding, output_padding=self.output_padding)
        if not isinstance(self.name, str):
            raise TypeError(f"name={shown(self.name)} must be a string, not {type(self.name).__name__}")
        for key, number in zip(
            ("kernel_size", "stride", "dilation", "padding", "output_padding"), numbers, strict=True
        ):
            object.__setattr__(self, key, number)
        if self.output_padding >= max(self.stride, self.dilation):
            raise GeometryError(
                f"output_padding={self.output_padding} must be less than stride={self.stride} or "
                f"dilation={self.dilation} (at most {max(self.stride, self.dilation) - 1} would fit)"
            )

    def reads(self, unit: int) -> tuple[int, ...]:
        """Return the cells of the map before that an output unit reads, in order; some may lie outside that map.

        Examples:
            >>> from rfguide import Transposed
            >>> Transposed(4, stride=2, padding=1).reads(0), Transposed(4, stride=2, padding=1).reads(1)
            ((-1, 0), (0, 1))
        """
        (unit,) = whole(unit=unit)
        last = unit + self.padding
        places = range(last - self.dilation * (self.kernel_size - 1), last + 1, self.dilation)
        return tuple(place // self.stride for place in places if place % self.stride == 0)


def stack(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Return the layers as a tuple, having looked that each is a `Layer`.

    Raises:
        GeometryError: If there are more than 100,000.
        TypeError: If one is not, or `layers` is no series.

    Examples:
        >>> stack([Layer(3), 3])
        Traceback (most recent call last):
        TypeError: layers[1]=3 must be a Layer, not int
    """
    if not isinstance(layers, Iterable):
        raise TypeError(f"layers={shown(layers)} must be a sequence of Layer, not {type(layers).__name__}")
    found: list[Layer] = []
    for place, layer in enumerate(layers):
        at_most(MOST_LAYERS, layers=place + 1)
        found.append(layer)
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{place}]={shown(layer)} must be a Layer, not {type(layer).__name__}")
    return tuple(found)
