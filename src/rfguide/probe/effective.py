"""The effective receptive field: how much each input cell counts for a unit, on average over inputs."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from rfguide.errors import GeometryError, TraceError, at_least, shown
from rfguide.probe.feed import Feed, feed
from rfguide.probe.gradients import slope
from rfguide.probe.nans import Progress
from rfguide.probe.units import as_unit, at_unit
from rfguide.trace import trace


@dataclass(frozen=True, eq=False)
class Effective:
    """What share of a unit's gradient each input cell has.

    Attributes:
        weights: One number for each input cell, over the axes after batch and channels; they sum to 1.
        unit: The unit that was measured.
    """

    weights: NDArray[np.float64]
    unit: tuple[int, ...]

    @property
    def center(self) -> tuple[float, ...]:
        """The mean place of the weights along each axis, in input cells, from 0."""
        return tuple(float(self._along(axis) @ np.arange(n)) for axis, n in enumerate(self.weights.shape))

    @property
    def std(self) -> tuple[float, ...]:
        """The standard deviation of the weights along each axis, in input cells."""
        found = []
        for axis, (n, middle) in enumerate(zip(self.weights.shape, self.center, strict=True)):
            found.append(math.sqrt(float(self._along(axis) @ (np.arange(n) - middle) ** 2)))
        return tuple(found)

    def extent(self, fraction: float) -> tuple[int, ...]:
        """Return, along each axis, the fewest neighbouring cells whose rows or columns hold a share of the weights.

        Args:
            fraction: The share, above 0 and up to 1, such as 0.95.

        Raises:
            GeometryError: If the share is not in that range.
            TypeError: If it is no number.
        """
        if isinstance(fraction, bool) or not isinstance(fraction, int | float | np.floating):
            raise TypeError(
                f"fraction={shown(fraction)} must be a number above 0 and up to 1, not {type(fraction).__name__}"
            )
        if not 0 < fraction <= 1:
            raise GeometryError(f"{fraction=} must be above 0 and up to 1")
        return tuple(_shortest(self._along(axis), float(fraction)) for axis in range(self.weights.ndim))

    def _along(self, axis: int) -> NDArray[np.float64]:
        return np.asarray(self.weights.sum(axis=tuple(d for d in range(self.weights.ndim) if d != axis)))


def _shortest(weights: NDArray[np.float64], share: float) -> int:
    """Return the length of the shortest run of cells that holds a share of all."""
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    # Rounding: what all cells hold together may come out a little below 1.
    ends = np.searchsorted(sums, sums[:-1] + share * sums[-1] - 1e-12)
    return int(min(end - start for start, end in enumerate(ends) if end < len(sums)))


def effective(
    model: nn.Module,
    input_size: Any,
    unit: int | Sequence[int] | None = None,
    *,
    layer: str | None = None,
    samples: int = 32,
    inputs: Tensor | None = None,
    seed: int = 0,
    power: Literal[1, 2] = 1,
    progress: bool | Progress = False,
) -> Effective:
    r"""Measure how much each input cell counts for a unit: the mean of $|\partial u / \partial x|$ over inputs.

    The unit is the sum of its channels. The gradient's size is averaged over samples and over the input's channels,
    and made to sum to 1 (after Luo et al. 2016). How wide it is depends on the measure: squared gradients make a
    bell narrower by $\sqrt 2$, so say which `power` a figure has. Trained or not is up to the model that you give.

    Args:
        model: Any module; it runs in the mode it is in and comes back as it was.
        input_size: Shape of the input, batch and channels included; each sample is one input of this shape,
            filled with normal random values.
        unit: The unit on the map; the middle one if not given.
        layer: The call whose output is the map, named as in `trace`; the model's own output if not given.
        samples: Random inputs to average over.
        inputs: Inputs of your own instead, a tensor of many samples (N, C, …); all are used.
        seed: Seed of the random values, from a generator of their own.
        power: 1 for the size of the gradient, 2 for its square.
        progress: True shows a line on standard error; a function is called with the samples done and their number.

    Raises:
        GeometryError: If the map has no such unit, `samples` is below 1, or `power` is neither 1 nor 2.
        TraceError: If the model raises or makes no such call, or no gradient reaches the input in any sample.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> from rfguide import probe
        >>> from rfguide.torch_networks import Net
        >>> found = probe.effective(Net(), (1, 3, 32, 32), (4, 4), samples=4)
        >>> found.weights.shape, round(float(found.weights.sum()), 6), found.extent(1.0)
        ((32, 32), 1.0, (10, 10))
    """
    (samples,) = at_least(1, samples=samples)
    if power not in (1, 2):
        raise GeometryError(f"power={shown(power)} must be 1, the size of the gradient, or 2, its square")
    if inputs is not None and (not isinstance(inputs, Tensor) or not len(inputs)):
        raise TypeError(f"inputs must be a tensor with samples in its first dimension, not {type(inputs).__name__}")
    shape = input_size if inputs is None else tuple(inputs[:1].shape)
    traced = trace(model, shape, unknown="global")
    one = traced.output if layer is None else traced[layer]
    place = as_unit([n // 2 for n in one.units] if unit is None else unit)
    name = layer or one.name
    total: NDArray[np.float64] | None = None
    count = samples if inputs is None else len(inputs)
    tell = _line if progress is True else progress
    for number in range(count):
        fed = feed(model, shape if inputs is None else inputs[number : number + 1], None, seed + number)
        slopes = slope(model, fed, layer, lambda output: at_unit(output, place, one.unit_dims, name))
        weights = _over_cells(slopes.abs().double() ** power, fed)
        total = weights if total is None else total + weights
        if tell:
            tell(number + 1, count)
    assert total is not None  # there is one sample at least
    if not 0 < total.sum() < math.inf:
        raise TraceError(f"{name}: the gradient of unit {place} is 0 or no number in all samples, so it has no shares")
    return Effective(total / total.sum(), place)


def _over_cells(values: Tensor, fed: Feed) -> NDArray[np.float64]:
    """Return the sum over all dimensions but the axes of cells."""
    dims = tuple(d for d in range(values.ndim) if d not in fed.dims[fed.probed])
    return np.asarray((values.sum(dim=dims) if dims else values).cpu())


def _line(done: int, total: int) -> None:
    print(f"\rsample {done} of {total}", end="\n" if done == total else "", file=sys.stderr, flush=True)
