"""`designs`: the stacks of layers that have a wanted receptive field, the cheapest first."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rfguide.errors import GeometryError, at_least, shown
from rfguide.fields import ReceptiveField, receptive_fields
from rfguide.layers import Layer
from rfguide.sizes import output_sizes, same_padding

# States that a search may hold; beyond that the question is too wide for an exact answer.
MOST_STATES = 200_000


@dataclass(frozen=True)
class Design:
    """A stack of convolutions, square on two axes, with what it costs.

    Every layer has `padding="same"` as torch counts it, so that only strides make maps smaller.

    Attributes:
        layers: The stack, first layer first.
        input_size: Cells of the image along each of two axes.
        channels: Channels of every map; the image itself has `image_channels`.
        image_channels: Channels of the image.
        used: Cells of the field along one axis that a unit really reads.
    """

    layers: tuple[Layer, ...]
    input_size: int
    channels: int
    image_channels: int
    used: int

    @cached_property
    def field(self) -> ReceptiveField:
        """The receptive field after the last layer, along one axis."""
        return receptive_fields(self.layers)[-1]

    @property
    def holes(self) -> int:
        """Cells of the field along one axis that no way leads from."""
        return self.field.size - self.used

    @property
    def parameters(self) -> int:
        """Weights and biases of all layers."""
        return sum(self.channels * (taps + 1) for taps in self._taps())

    @property
    def macs(self) -> int:
        """Multiplications of one image, each with one addition."""
        sizes = output_sizes(self.input_size, self.layers)
        return sum(self.channels * taps * size**2 for taps, size in zip(self._taps(), sizes, strict=True))

    @property
    def interior(self) -> float:
        """Share of the last map's units whose field lies inside the image on both axes, and so sees no padding."""
        units = output_sizes(self.input_size, self.layers)[-1]
        regions = map(self.field.region, range(units))
        inside = sum(first >= 0 and last < self.input_size for first, last in regions)
        return (inside / units) ** 2

    def _taps(self) -> list[int]:
        """Weights that make one channel of each layer's map."""
        channels = (self.image_channels, *[self.channels] * (len(self.layers) - 1))
        return [before * layer.kernel_size**2 for before, layer in zip(channels, self.layers, strict=True)]


def designs(
    size: int | tuple[int, int],
    *,
    stride: int | None = None,
    kernels: Iterable[int] = (3,),
    strides: Iterable[int] = (1, 2),
    dilations: Iterable[int] = (1,),
    max_layers: int = 40,
    channels: int = 64,
    image_channels: int = 3,
    input_size: int = 224,
    count: int = 10,
) -> tuple[Design, ...]:
    """Return the stacks whose receptive field has a wanted size, without holes first, then by parameters, then MACs.

    The search is exact: no stack of these kernels, strides and dilations that has the field comes before those
    returned. It goes from layer to layer and keeps, of the stacks that read the same cells at the same stride,
    the `count` cheapest, since what follows costs the same after each of them.

    Args:
        size: The receptive field, or the smallest and the largest that will do, in input cells.
        stride: The effective stride of the last map; any if not given.
        kernels: Kernel sizes that a layer may have.
        strides: Strides that a layer may have.
        dilations: Dilations that a layer may have; a layer with a stride above 1 has none.
        max_layers: Layers at most.
        channels: Channels of every map, for parameters and MACs.
        image_channels: Channels of the image.
        input_size: Cells of the image along each of two axes, for MACs and the share of units off the border.
        count: Stacks to return at most.

    Raises:
        GeometryError: If no such stack exists, a number is below 1, or the question is too wide to search whole.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import designs
        >>> best = designs(23, stride=4, kernels=(3,), max_layers=5)[0]
        >>> [(layer.kernel_size, layer.stride) for layer in best.layers], best.field.size
        ([(3, 2), (3, 2), (3, 1), (3, 1)], 23)
    """
    low, high = _range(size)
    if stride is not None:
        (stride,) = at_least(1, stride=stride)
    max_layers, channels, image_channels, input_size, count = at_least(
        1, max_layers=max_layers, channels=channels, image_channels=image_channels, input_size=input_size, count=count
    )
    choices = _choices(_numbers("kernels", kernels), _numbers("strides", strides), _numbers("dilations", dilations))

    def design(state: "_State", layers: tuple[Layer, ...]) -> Design:
        return Design(layers, input_size, channels, image_channels, state.cells.bit_count())

    found: list[Design] = []
    front: dict[_State, list[tuple[Layer, ...]]] = {_State(1, 1): [()]}
    for _ in range(max_layers):
        front = _deeper(front, choices, high, stride, lambda s, layers: _cost(design(s, layers)), count)
        found += [
            design(state, layers)
            for state, stacks in front.items()
            if low <= state.size <= high and stride in (None, state.stride)
            for layers in stacks
        ]
        found = sorted(found, key=lambda one: (one.holes > 0, *_cost(one)))[:count]
        if len(found) == count and not found[-1].holes:
            # Each layer costs something: what is dearer than the last of the best already cannot come before it.
            most = _cost(found[-1])
            front = {state: stacks for state, stacks in front.items() if _cost(design(state, stacks[0])) < most}
    if not found:
        wanted = f"{low}" if low == high else f"{low} to {high}"
        raise GeometryError(
            f"no stack of at most {max_layers} layers has a field of {wanted}"
            + (f" at stride {stride}" if stride else "")
            + " with these kernels, strides and dilations"
        )
    return tuple(found)


def _range(size: int | tuple[int, int]) -> tuple[int, int]:
    if not isinstance(size, tuple | list):
        (low,) = at_least(1, size=size)
        return low, low
    if len(size) != 2:
        raise GeometryError(
            f"size={shown(size)} has {len(size)} numbers; it must be one integer or a pair (smallest, largest)"
        )
    low, high = at_least(1, **{"size[0]": size[0], "size[1]": size[1]})
    if low > high:
        raise GeometryError(f"{size=} must be a pair (smallest, largest)")
    return low, high


@dataclass(frozen=True)
class _State:
    """What further layers need to know of a stack.

    Attributes:
        cells: The input cells that unit 0 reads, as bits from its first cell on.
        stride: The effective stride.
    """

    cells: int
    stride: int

    @property
    def size(self) -> int:
        return self.cells.bit_length()


def _deeper(
    front: dict[_State, list[tuple[Layer, ...]]],
    choices: Sequence[Layer],
    high: int,
    stride: int | None,
    cost: Callable[[_State, tuple[Layer, ...]], tuple[int, int]],
    count: int,
) -> dict[_State, list[tuple[Layer, ...]]]:
    """Return the stacks of one layer more, the cheapest for each state."""
    after: dict[_State, list[tuple[Layer, ...]]] = {}
    for state, stacks in front.items():
        for layer in choices:
            if state.size + (layer.extent - 1) * state.stride > high:
                continue
            new = _State(_read(state, layer), state.stride * layer.stride)
            if stride is not None and stride % new.stride:
                continue
            after.setdefault(new, []).extend((*layers, layer) for layers in stacks)
    if len(after) > MOST_STATES:
        raise GeometryError(
            f"more than {MOST_STATES} kinds of stacks to compare; fewer kernels, dilations or layers would fit"
        )
    return {state: sorted(stacks, key=lambda s: cost(state, s))[:count] for state, stacks in after.items()}


def _read(state: _State, layer: Layer) -> int:
    """Return the cells that are read after one layer more: those of each tap, side by side."""
    cells = 0
    for tap in range(layer.kernel_size):
        cells |= state.cells << tap * layer.dilation * state.stride
    return cells


def _cost(one: Design) -> tuple[int, int]:
    return one.parameters, one.macs


def _choices(kernels: Sequence[int], strides: Sequence[int], dilations: Sequence[int]) -> list[Layer]:
    found = []
    for kernel in kernels:
        for stride in strides:
            for dilation in dilations:
                if dilation == 1 or (stride == 1 and kernel > 1):
                    padding = same_padding(kernel, dilation=dilation)
                    found.append(Layer(kernel, stride=stride, padding=padding, dilation=dilation))
    return found


def _numbers(name: str, numbers: Iterable[int]) -> list[int]:
    if isinstance(numbers, int) or not isinstance(numbers, Iterable):
        raise TypeError(
            f"{name}={shown(numbers)} must be a series of integers such as (3, 5), not {type(numbers).__name__}"
        )
    found = at_least(1, **{f"{name}[{place}]": number for place, number in enumerate(numbers)})
    if not found:
        raise GeometryError(f"{name} is empty; it must hold at least one number")
    return sorted(set(found))
