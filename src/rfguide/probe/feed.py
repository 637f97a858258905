"""Running somebody's model on real values and looking at its maps, so that nothing of the model changes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import GeometryError, TraceError, whole
from rfguide.trace.inputs import parameter_names, read
from rfguide.trace.keeper import kept


@dataclass(frozen=True)
class Feed:
    """The inputs of a run, and the one that the question is about.

    Attributes:
        args: Tensors given by position.
        kwargs: Tensors given by name.
        names: What the inputs are called, in this order.
        name: The input that is probed.
        dims: Its dimensions that count cells.
        is_given: Whether its values came from the caller.
    """

    args: tuple[Tensor, ...]
    kwargs: dict[str, Tensor]
    names: tuple[str, ...]
    name: str
    dims: tuple[int, ...]
    is_given: bool

    @property
    def probed(self) -> Tensor:
        """The input that is probed."""
        return dict(zip(self.names, [*self.args, *self.kwargs.values()], strict=True))[self.name]

    def with_probed(self, tensor: Tensor) -> "Feed":
        """Return the same inputs with another tensor for the one that is probed."""
        place = self.names.index(self.name)
        args = tuple(tensor if place == i else one for i, one in enumerate(self.args))
        kwargs = {name: tensor if name == self.name else one for name, one in self.kwargs.items()}
        return replace(self, args=args, kwargs=kwargs)


def feed(model: nn.Module, input_size: Any, input_name: str | None, seed: int) -> Feed:
    """Return the inputs to run on: the given tensors, copied, or normal random values of the given sizes.

    Random values come from a generator of their own; they have the model's floating-point type and device.

    Raises:
        GeometryError: If a size is below 1, or no input has an axis to follow.
        TypeError: If the model is no module, or what came is neither sizes nor tensors.
        TraceError: If the model has no values to compute with, or the input to probe holds integers.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {type(model).__name__}")
    (seed,) = whole(seed=seed)
    values = next((tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()), None)
    if values is not None and values.is_meta:
        raise TraceError("the model is on the meta device and has no values to measure; rfguide.trace can follow it")
    wanted = read(model, input_size)
    generator = torch.Generator().manual_seed(seed)
    device = torch.device("cpu") if values is None else values.device
    tensors = [
        given.detach().clone()
        if isinstance(given, Tensor)
        else torch.randn(like.shape, generator=generator).to(device, like.dtype)
        for given, like in zip(_given(input_size), [*wanted.args, *wanted.kwargs.values()], strict=True)
    ]
    names = wanted.names if input_name is None else (input_name,)
    if names[0] not in wanted.names:
        raise TraceError(f"{input_name=} is no input with an axis to follow; the model has {', '.join(wanted.names)}")
    all_names = (*parameter_names(model, len(wanted.args)), *wanted.kwargs)
    made = Feed(
        args=tuple(tensors[: len(wanted.args)]),
        kwargs=dict(zip(wanted.kwargs, tensors[len(wanted.args) :], strict=True)),
        names=all_names,
        name=names[0],
        dims=tuple(axis.dim for axis in wanted.axes if axis.input == names[0]),
        is_given=isinstance(_given(input_size)[all_names.index(names[0])], Tensor),
    )
    if not made.probed.is_floating_point():
        raise TraceError(
            f"input {made.name} is {made.probed.dtype}; a probe needs floating-point numbers, trace does not"
        )
    return made


def _given(input_size: Any) -> Sequence[Any]:
    """Return the inputs one by one; `read` has looked at their types."""
    if isinstance(input_size, Mapping):
        return list(input_size.values())
    if isinstance(input_size, tuple | list) and any(isinstance(one, Tensor | tuple | list) for one in input_size):
        return input_size
    return [input_size]


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Give the model, the random generators and torch's settings back as they were, whatever happens inside.

    `kept` restores what the modules refer to; the values of buffers, which batch norm in training mode
    writes over, are restored here.
    """
    values = [(buffer, buffer.clone()) for buffer in model.buffers()]
    # Winograd and FFT convolutions mix a whole tile: a NaN would reach units that do not depend on it.
    with kept(model), torch.backends.nnpack.flags(enabled=False), torch.backends.cudnn.flags(enabled=False):
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in values:
                    if not torch.equal(buffer, value):
                        buffer.copy_(value)


def as_unit(unit: int | Sequence[int]) -> tuple[int, ...]:
    """Return a unit as a tuple, one number per axis of its map.

    Raises:
        TypeError: If it is neither an integer nor a sequence of integers.
    """
    if not isinstance(unit, tuple | list):
        return whole(unit=unit)
    return whole(**{f"unit[{axis}]": number for axis, number in enumerate(unit)})


def at_unit(tensor: Tensor, unit: tuple[int, ...], unit_dims: tuple[int, ...] | None, name: str) -> Tensor:
    """Return all samples and channels of a unit of the map `name`.

    Raises:
        GeometryError: If the map has no such unit.
    """
    dims = tuple(range(2, tensor.ndim)) if unit_dims is None else unit_dims
    shape = tuple(tensor.shape[dim] for dim in dims)
    if len(unit) != len(dims):
        raise GeometryError(f"{unit=} has {len(unit)} numbers; {name} has {len(dims)} axes of {shape} units")
    for axis, (place, size) in enumerate(zip(unit, shape, strict=True)):
        if place not in range(size):
            raise GeometryError(f"unit[{axis}]={place} must be from 0 to {size - 1}: {name} has {shape} units")
    index: list[Any] = [slice(None)] * tensor.ndim
    for dim, place in zip(dims, unit, strict=True):
        index[dim] = place
    return tensor[tuple(index)]
