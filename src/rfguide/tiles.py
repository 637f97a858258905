"""`tiling`: a large image computed in tiles, with seams that cannot be seen because there are none."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import lcm
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import GeometryError, TraceError, at_least, shown
from rfguide.forms import Form, hull
from rfguide.probe.nans import Progress
from rfguide.trace import Trace, trace
from rfguide.trace.result import Map

Region = tuple[int, int]


@dataclass(frozen=True)
class Tile:
    """One tile: the units that it gives, and the crop of the image that they are computed from.

    Attributes:
        units: First and last unit of the output along each axis.
        crop: First and last cell of the image along each axis; both inclusive, as everywhere.
    """

    units: tuple[Region, ...]
    crop: tuple[Region, ...]


@dataclass(frozen=True)
class _Axis:
    """One axis of a tiling.

    Attributes:
        size: Cells of the image.
        units: Units of the output.
        form: The output's fields, which repeat.
        alignment: A crop that starts at a multiple of so many cells meets every map at a whole unit of the same phase.
        tile: Cells that a tile moves on by, a multiple of the alignment.
    """

    size: int
    units: int
    form: Form
    alignment: int
    tile: int

    @property
    def step(self) -> int:
        """Units that a tile gives."""
        return self.tile // self.form.advance * len(self.form.fields)

    def halo(self) -> tuple[int, int]:
        """Cells that the fields of a tile's units reach beyond it, before and after."""
        first, last = self._field(0, self.step - 1)
        return max(0, -first), max(0, last - self.tile + 1)

    def _field(self, first: int, last: int) -> Region:
        period = len(self.form.fields)
        if None in self.form.fields:  # a unit that sees nothing is there only if one beside it sees its cells
            last += period
        ends = {*range(first, min(first + period, last + 1)), *range(max(first, last + 1 - period), last + 1)}
        found = hull([self.form.region(unit) for unit in ends])
        assert found is not None  # the form of a map that sees the input
        return found

    def tiles(self) -> list[tuple[Region, Region]]:
        """Return the units of each tile and the cells of its crop."""
        found = []
        for first in range(0, self.units, self.step):
            last = min(first + self.step, self.units) - 1
            start, end = self._field(first, last)
            start = max(0, start) // self.alignment * self.alignment
            # As far from the image's end as an aligned stretch is long: then every map of the crop is rounded,
            # halved and doubled just as that of the whole image is.
            beyond = max(0, self.size - 1 - end)
            end = self.size - 1 - beyond // self.alignment * self.alignment
            found.append(((first, last), (start, end)))
        return found


@dataclass(frozen=True)
class Tiling:
    """How to compute a large image in tiles: what each tile needs beyond its own cells, and where it may begin.

    Attributes:
        input_size: The image's shape, batch and channels included.
        tile: Cells that each tile moves on by, along each axis.
        halo: Cells (before, after) that a tile's units see beyond the tile, along each axis.
        alignment: A crop must start at a multiple of so many cells, along each axis: then every map of it is a
            window of the whole image's map. A start between two multiples puts every stride out of step.
    """

    input_size: tuple[int, ...]
    tile: tuple[int, ...]
    halo: tuple[Region, ...]
    alignment: tuple[int, ...]
    _axes: tuple[_Axis, ...] = field(repr=False)
    _whole: Trace = field(repr=False)
    _seen: set[tuple[int, ...]] = field(default_factory=set, repr=False, compare=False)

    @cached_property
    def tiles(self) -> tuple[Tile, ...]:
        """The tiles, rows first."""
        return tuple(
            Tile(tuple(units for units, _ in found), tuple(crop for _, crop in found))
            for found in product(*(axis.tiles() for axis in self._axes))
        )

    def run(self, model: nn.Module, image: Tensor, *, progress: Progress | None = None) -> Tensor:
        """Compute the image tile by tile and put the output together.

        Every unit adds up the same numbers as in one pass over the whole image. Where torch adds them up in the same
        order the result is the same to the last bit; its kernels for large and small images do not promise that,
        and then the last digits of floating-point sums may differ, at seams and elsewhere alike.

        Args:
            model: The model that the tiling was made for.
            image: A tensor of `input_size`.
            progress: Called after each tile with the tiles done and their number.

        Raises:
            GeometryError: If the image has another size.
            TraceError: If the model's maps of a crop are no windows of those of the whole image.
            TypeError: If an argument has the wrong type.
        """
        if not isinstance(image, Tensor):
            raise TypeError(f"image must be a tensor, not {type(image).__name__}")
        if tuple(image.shape) != self.input_size:
            raise GeometryError(f"image of shape {tuple(image.shape)}; the tiling is for {self.input_size}")
        result: Tensor | None = None
        with torch.no_grad():
            for number, tile in enumerate(self.tiles, start=1):
                self.look(model, tile)
                output = model(image[_window(tile.crop)])
                if result is None:
                    units = (axis.units for axis in self._axes)
                    result = output.new_empty((*output.shape[: -len(self._axes)], *units))
                result[_window(tile.units)] = output[_window(self._own(tile))]
                if progress is not None:
                    progress(number, len(self.tiles))
        assert result is not None  # there is a first tile
        return result

    def _own(self, tile: Tile) -> Iterator[Region]:
        """Return a tile's units as the crop's output counts them."""
        for axis, (first, last), (start, _) in zip(self._axes, tile.units, tile.crop, strict=True):
            before = start // axis.form.advance * len(axis.form.fields)
            yield first - before, last - before

    def look(self, model: nn.Module, tile: Tile) -> None:
        """See that the maps of a tile's crop have the fields of the whole image's maps, once for each shape.

        Raises:
            TraceError: If the maps of the crop are no windows of those of the whole image.
        """
        shape = (*self.input_size[:2], *(last - first + 1 for first, last in tile.crop))
        if shape in self._seen:
            return
        cropped = trace(model, shape)
        if list(cropped) != list(self._whole):
            raise TraceError("the model makes other calls than the one that the tiling was made for")
        for name, one in self._whole.items():
            if not all(_alike(one, cropped[name], axis) for axis in range(len(self._axes))):
                raise TraceError(
                    f"{name} of a crop of {shape[2:]} cells is no window of the whole image's map: "
                    f"its fields start elsewhere (a crop or a padding that depends on the size)"
                )
        self._seen.add(shape)


def tiling(model: nn.Module | Trace, input_size: Sequence[int], tile: int | Sequence[int]) -> Tiling:
    """Return how to compute an image in tiles so that no seam shows: halo, alignment and the crop of each tile.

    A tile's units need every cell of their receptive fields, so each crop is the tile with a halo, and it starts
    where all strides of the model start, or the maps of the crop lie between those of the whole image. A larger
    halo than that is not safer: an unaligned one is wrong everywhere.

    Args:
        model: A model whose one output is a map, or its trace at `input_size`.
        input_size: The whole image's shape, batch and channels included, such as (1, 3, 2048, 2048).
        tile: Cells by which a tile moves on, a multiple of the alignment; one number for each axis, or one for all.

    Raises:
        GeometryError: If `tile` is no multiple of the alignment; the message names the nearest that are.
        TraceError: If an op is global or a map's fields do not repeat (it is named), or the trace refuses.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> import rfguide
        >>> from rfguide.torch_networks import Net
        >>> plan = rfguide.tiling(Net().eval(), (1, 3, 64, 64), 32)
        >>> plan.halo, plan.alignment, len(plan.tiles)
        (((3, 3), (3, 3)), (4, 4), 4)
    """
    shape = tuple(at_least(1, **{f"input_size[{place}]": n for place, n in enumerate(_sizes(input_size))}))
    traced = model if isinstance(model, Trace) else trace(model, shape)
    count = len(traced.axes)
    steps = tuple(tile) if isinstance(tile, tuple | list) else (tile,) * count
    if len(steps) != count:
        raise GeometryError(f"tile={shown(tile)} has {len(steps)} numbers; the input has {count} axes")
    steps = at_least(1, **{f"tile[{axis}]": n for axis, n in enumerate(steps)})
    output = traced.output
    if len(traced.outputs) != 1 or len(output.units) != count:
        raise TraceError(f"the model returns no single map with {count} axes of units, so there is nothing to stitch")
    if tuple(a.size for a in traced.axes) != shape[2:]:
        raise GeometryError(f"input_size={shape} is not what was traced: {tuple(a.size for a in traced.axes)} cells")
    axes = tuple(_axis(traced, output, axis, size) for axis, size in enumerate(steps))
    halo = tuple(axis.halo() for axis in axes)
    plan = Tiling(shape, steps, halo, tuple(axis.alignment for axis in axes), axes, traced)
    if isinstance(model, nn.Module):
        plan.look(model, plan.tiles[0])
    return plan


def _sizes(input_size: Any) -> Sequence[Any]:
    if not isinstance(input_size, tuple | list | torch.Size):
        raise TypeError(
            f"input_size={shown(input_size)} must be a shape such as (1, 3, 224, 224), not {type(input_size).__name__}"
        )
    return input_size


def _axis(traced: Trace, output: Map, axis: int, tile: int) -> _Axis:
    """Return one axis of a tiling.

    Raises:
        GeometryError: If the tile is no multiple of the alignment.
        TraceError: If a map has no fields that repeat.
    """
    alignment = lcm(*(_advance(one, axis) for one in traced.values() if len(one.shape) > len(traced.axes)))
    if tile % alignment:
        near = tile // alignment * alignment
        fits = f"{near} or {near + alignment}" if near else f"{alignment}"
        raise GeometryError(
            f"{tile=} must be a multiple of {alignment}, the model's strides together ({fits} would fit)"
        )
    return _Axis(traced.axes[axis].size, output.units[axis], Form(output.phases[axis]), alignment, tile)


def _advance(one: Map, axis: int) -> int:
    """Return the input cells after which a map's fields repeat."""
    because = one.global_because
    if because:
        raise TraceError(f"{because} is global: its units see the whole image, which no tile holds")
    if not one.phases[axis] or not _follows(one, axis):
        raise TraceError(f"{one.name} has no fields that repeat along axis {axis}, so no tile has the whole image's")
    return Form(one.phases[axis]).advance


def _follows(one: Map, axis: int) -> bool:
    """Whether units along an axis of the map are those that move along the same axis of the image."""
    period = len(one.phases[axis])
    if len(one.units) <= axis or one.units[axis] <= period:
        return True  # too few units to move
    here = [0] * len(one.units)
    there = [period if a == axis else 0 for a in range(len(here))]
    first, second = one.region(here)[axis], one.region(there)[axis]
    return first is None or second is None or second[0] - first[0] == Form(one.phases[axis]).advance


def _alike(whole: Map, crop: Map, axis: int) -> bool:
    """Whether the units that a map of a crop has along an axis have the fields of the whole image's map."""
    one, other = Form(whole.phases[axis]), crop.phases[axis]
    units = range(min(crop.units[axis], len(one.fields) + 1))
    return whole.phases[axis] == other or (
        bool(other) and len(units) <= len(one.fields) and all(one.region(u) == Form(other).region(u) for u in units)
    )


def _window(units: Any) -> tuple[Any, ...]:
    return (..., *(slice(first, last + 1) for first, last in units))
