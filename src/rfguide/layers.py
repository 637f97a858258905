"""One layer as geometry: what a convolution or a pooling does along one axis."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rfguide.errors import MOST_LAYERS, at_least, at_most, pair, shown


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
