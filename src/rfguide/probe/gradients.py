"""The gradient probe: by how much each input cell moves a unit."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from rfguide.errors import GeometryError, TraceError, at_least
from rfguide.probe.feed import Feed, feed, untouched
from rfguide.probe.nans import Progress
from rfguide.probe.skeleton import skeleton
from rfguide.probe.units import as_unit, at_unit, dims_of
from rfguide.probe.watch import OUTPUT, look


def gradient(
    model: nn.Module,
    input_size: Any,
    unit: int | Sequence[int],
    layer: str | None = None,
    *,
    channel: int | None = None,
    linear: bool = False,
    samples: int = 1,
    input: str | None = None,
    unit_dims: tuple[int, ...] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    r"""Measure by how much each input cell moves a unit: $\left|\partial u / \partial x\right|$.

    The unit is the sum of its channels, the result the sum of absolute gradients over the input's
    channels, averaged over the inputs. A cell that is not zero is in the receptive field.

    The other way round it lies: a cell in the field may have no gradient. Max pooling passes the gradient
    to the largest cell alone, ReLU blocks it where it is off, saturated activations round it to 0, weights
    may be 0 and channels may cancel. `linear=True` measures the skeleton instead: each weight becomes
    1 / taps and each bias 0, activations pass on what comes, max pooling averages, on positive inputs.
    Then the gradient counts the paths, and is zero only where there is none. Normalisation that centres its
    input (layer norm, batch norm in training mode) stays as it is.

    Args:
        model: Any module; it runs in the mode it is in and comes back as it was.
        input_size: Shape of the input, batch and channels included, such as (1, 3, 224, 224); random
            values fill it. Or a tensor, whose samples are averaged, or several of both, as for `trace`.
        unit: The unit on the map, one zero-based number per axis; an integer for one axis.
        layer: The call whose output is the map, named as in `trace`: "layer4", "pool#2", "relu()"; the
            model's own output if not given.
        channel: One channel of the unit instead of their sum.
        linear: Measure the skeleton, a module's own values set aside.
        samples: Number of random inputs to average over.
        input: Which of several inputs the gradient is for; the first if not given.
        unit_dims: Dimensions of the map that count units, as for `nan`.
        seed: Seed of the random values, from a generator of their own.
        progress: Called after each input with the inputs done and their number.

    Returns:
        One array over the input's axes after batch and channels.

    Raises:
        GeometryError: If the map has no such unit or channel, or `samples` is below 1.
        TraceError: If the model raises, makes no such call, or detaches what it computes.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> from rfguide import probe
        >>> from rfguide.torch_networks import Net
        >>> gradient = probe.gradient(Net(), (1, 3, 32, 32), (4, 4), linear=True)
        >>> gradient.shape, int((gradient > 0).sum())
        ((32, 32), 100)
    """
    place, name = as_unit(unit), layer or OUTPUT
    (samples,) = at_least(1, samples=samples)
    if channel is not None:
        (channel,) = at_least(0, channel=channel)
    if unit_dims is None:
        unit_dims = dims_of(model, input_size, layer)
    total: NDArray[np.float64] | None = None
    for number in range(samples):
        fed = feed(model, input_size, input, seed + number)
        if samples > 1 and fed.is_given:
            raise GeometryError(
                f"{samples=} needs a shape, to fill with random values; a tensor's own samples are averaged"
            )

        def pick(output: Tensor) -> Tensor:
            values = at_unit(output, place, unit_dims, name)
            return values if channel is None else _channel(values, channel, name)

        slopes = slope(model, fed, layer, pick, linear=linear).abs().double()
        # Batch and channels come before the axes of cells, if the input has them.
        dims = tuple(d for d in range(1, slopes.ndim) if d not in fed.dims[fed.probed])
        total = slopes.sum(dim=dims).mean(dim=0).cpu().numpy() + (0 if total is None else total)
        if progress is not None:
            progress(number + 1, samples)
    assert total is not None  # samples is at least 1
    return np.asarray(total / samples)


def slope(
    model: nn.Module, fed: Feed, layer: str | None, pick: Callable[[Tensor], Tensor], *, linear: bool = False
) -> Tensor:
    """Return the gradient of the sum of what `pick` takes of a map, by the probed input and in its shape.

    Raises:
        TraceError: If the model raises, makes no such call, or detaches what it computes.
    """
    image = fed.tensor(fed.probed)
    image = (image.abs() if linear else image).requires_grad_()
    sums: list[Tensor] = []
    with untouched(model), torch.enable_grad(), skeleton(model) if linear else nullcontext():
        look(model, fed.with_tensor(fed.probed, image), layer, lambda output: sums.append(pick(output).sum()))
        if not sums[0].requires_grad:
            raise TraceError(
                f"{layer or OUTPUT} has no gradient: the model detaches what it computes, or it is no real number"
            )
        (found,) = torch.autograd.grad(sums[0], image, allow_unused=True)
    return torch.zeros_like(image) if found is None else found.detach()


def _channel(values: Tensor, channel: int, name: str) -> Tensor:
    """Return one channel of a unit's samples and channels."""
    if values.ndim < 2 or channel >= values.shape[1]:
        has = values.shape[1] if values.ndim > 1 else 0
        raise GeometryError(f"{channel=} must be from 0 to {has - 1}: {name} has {has} channels")
    return values[:, channel]
