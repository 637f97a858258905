"""Who feeds whom: each tensor carries the names of the calls that it comes from."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor

from rfguide.trace.names import tensors_of

Names = tuple[str, ...]


def mark(tensors: Iterable[Tensor], names: Names) -> None:
    """Note that tensors come from these calls, or inputs of the model."""
    for tensor in tensors:
        tensor.__dict__["_rfguide_from"] = names


def sources(*values: Any) -> Names:
    """Return the calls and inputs that the tensors among some arguments come from, each once."""
    found: dict[str, None] = {}
    _collect(values, found)
    return tuple(found)


def _collect(values: Iterable[Any], found: dict[str, None]) -> None:
    for value in values:
        if isinstance(value, Tensor):
            for name in value.__dict__.get("_rfguide_from", ()):
                found[name] = None
        elif isinstance(value, list | tuple):
            _collect(value, found)
        elif isinstance(value, Mapping) and value:
            _collect(value.values(), found)


def is_passed_on(tensor: Tensor, arguments: Any, *, in_place: bool) -> bool:
    """Whether a call gave back a tensor that it was given, untouched, as `nn.Identity` does."""
    return not in_place and any(tensor is given for _, given in tensors_of(arguments))
