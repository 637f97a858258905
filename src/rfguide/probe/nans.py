"""The NaN probe: which part of the input can spoil a unit."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import TraceError
from rfguide.probe.feed import Feed, feed, untouched
from rfguide.probe.units import as_unit, at_unit, dims_of
from rfguide.probe.watch import OUTPUT, look

Region = tuple[tuple[int, int] | None, ...]
Progress = Callable[[int, int], None]


def nan(
    model: nn.Module,
    input_size: Any,
    unit: int | Sequence[int],
    layer: str | None = None,
    *,
    input: str | None = None,
    unit_dims: tuple[int, ...] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Region:
    r"""Measure the first and the last input cell that a unit depends on, per axis, by spoiling the input.

    NaN ("not a number") spoils whatever is computed from it. One half of the input becomes NaN, say all
    rows up to row 10: if the unit turns NaN, it depends on one of them. Halving again and again finds the
    first row in about $\log_2 n$ forward passes; the last row and the other axes follow in the same way.
    The model is a black box: no formula, no gradient, its own weights.

    What it measures is structure: every tap counts, also one whose weight is 0, since NaN × 0 is NaN; so
    does a position that attention masks out by a weight of 0. It lies where an op swallows NaN: `nan_to_num`,
    a comparison, `where` on one, `argmax`, rounding to integers. Max pooling and ReLU of torch pass NaN on.
    Batch norm in training mode makes every unit depend on everything, which is true: put the model in
    evaluation mode if you do not mean that.

    Args:
        model: Any module; it runs in the mode it is in and comes back as it was.
        input_size: Shape of the input, batch and channels included, such as (1, 3, 224, 224); random
            values fill it. Or a tensor, or several of both as a tuple or by name, as for `trace`.
        unit: The unit on the map, one zero-based number per axis; an integer for one axis.
        layer: The call whose output is the map, named as in `trace`: "layer4", "pool#2", "relu()"; the
            model's own output if not given.
        input: Which of several inputs becomes NaN; the first if not given.
        unit_dims: Dimensions of the map that count units, such as (1,) for the tokens of a transformer; those
            that `trace` names if not given, and all after batch and channels where it cannot follow the model.
        seed: Seed of the random values, from a generator of their own.
        progress: Called after each forward pass with the passes done and the most that there will be.

    Returns:
        Pairs (first, last), zero-based and inclusive, one per axis of the input, over all channels: what
        `visible` of the traced map says. None for each axis if the unit depends on no input cell.

    Raises:
        GeometryError: If the map has no such unit.
        TraceError: If the model raises, makes no such call, or NaN cannot be put in or seen.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> from rfguide import probe
        >>> from rfguide.torch_networks import Net
        >>> probe.nan(Net(), (1, 3, 32, 32), (4, 4))
        ((13, 22), (13, 22))
        >>> probe.nan(Net(), (1, 3, 32, 32), (0, 8), layer="conv2")
        ((0, 4), (13, 20))
    """
    place, name = as_unit(unit), layer or OUTPUT
    fed = feed(model, input_size, input, seed)
    with untouched(model), torch.no_grad():
        if unit_dims is None:
            unit_dims = dims_of(model, input_size, layer)
        pick = partial(at_unit, unit=place, unit_dims=unit_dims, name=name)
        return measure(model, fed, layer, pick, f"unit {place} of {name}", progress)


def measure(
    model: nn.Module,
    fed: Feed,
    layer: str | None,
    pick: Callable[[Tensor], Tensor],
    name: str,
    progress: Progress | None = None,
) -> Region:
    """Measure the region of the values that `pick` takes from a map; `name` is what messages call them."""
    image = fed.tensor(fed.probed)
    dims = fed.dims[fed.probed]
    passes = 0
    most = 2 + sum(2 * (image.shape[dim] - 1).bit_length() for dim in dims)

    def spoilt(values: Tensor) -> bool:
        nonlocal passes
        found: list[bool] = []
        look(model, fed.with_tensor(fed.probed, values), layer, lambda output: found.append(is_nan(output, pick, name)))
        passes += 1
        if progress is not None:
            progress(passes, most)
        return found[0]

    def spoils(dim: int, cells: range) -> bool:
        return spoilt(planted(image, dim, cells))

    if spoilt(image):
        raise TraceError(f"{name} is NaN before any NaN is put in: the model makes its own")
    if not spoils(dims[0], range(image.shape[dims[0]])):
        return (None,) * len(dims)
    return tuple(_ends(partial(spoils, dim), image.shape[dim]) for dim in dims)


def _ends(spoils: Callable[[range], bool], size: int) -> tuple[int, int]:
    """Return the first and the last cell that matter, given that all of them together do."""
    first = bisect_left(range(size), True, hi=size - 1, key=lambda cell: spoils(range(cell + 1)))
    left = bisect_left(range(size), True, hi=size - 1, key=lambda cells: spoils(range(size - 1 - cells, size)))
    return first, size - 1 - left


def planted(tensor: Tensor, dim: int, cells: range) -> Tensor:
    """Return a copy with NaN in neighbouring cells of one axis, in every sample and channel."""
    copy = tensor.clone()
    copy.narrow(dim, cells.start, len(cells)).fill_(torch.nan)
    return copy


def is_nan(output: Tensor, pick: Callable[[Tensor], Tensor], name: str) -> bool:
    """Return whether any of the values that `pick` takes from a map is NaN.

    Raises:
        TraceError: If the map holds integers, in which no NaN can show.
    """
    if not (output.is_floating_point() or output.is_complex()):
        raise TraceError(f"{name} is {output.dtype}, in which no NaN can show")
    return bool(pick(output).isnan().any())
