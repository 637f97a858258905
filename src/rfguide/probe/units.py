"""Which place of a map a unit is, as the probes take it."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from rfguide.errors import GeometryError, TraceError, whole
from rfguide.trace import trace


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


def dims_of(model: nn.Module, input_size: Any, layer: str | None) -> tuple[int, ...] | None:
    """Return the dimensions of a map that count its units, as `trace` reads them; None if it cannot follow the model.

    Only their meaning is taken from `trace`, whether tokens or rows; what a unit depends on is measured all the same.
    """
    try:
        traced = trace(model, input_size, unknown="global")
    except TraceError:
        return None
    found = traced.output if layer is None else traced.get(layer)
    return None if found is None or found.unknown else found.unit_dims
