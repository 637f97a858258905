"""Arguments that torch would move to the meta device before any op is dispatched, and lose their values.

The input is on the meta device, constants are on the CPU. A few functions put their arguments on the
input's device, or compare devices, on the way to their ops; their arguments are put right first.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from rfguide.trace.cells import cell_of, plain

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _listed(value: Any) -> Any:
    """A list as an index becomes a tensor on the CPU; torch would make it on the input's device."""
    if isinstance(value, list | range):
        return torch.tensor(list(value), dtype=torch.long if not value else None, device="cpu")
    return value


def _index(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    place = args[1]
    fixed = tuple(map(_listed, place)) if isinstance(place, tuple) else _listed(place)
    return (args[0], fixed, *args[2:]), kwargs


def _on_cpu(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    return args, {**kwargs, "device": torch.device("cpu")}


def _all_hollow(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Every constant loses its values: a recurrent layer compares the devices of its operands."""

    def swap(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(swap(v) for v in value)
        return plain(value) if isinstance(value, Tensor) and cell_of(value) is None else value

    # Under the dispatch mode a constant would be made on the CPU after all.
    with _disable_current_modes():
        return tuple(swap(a) for a in args), {k: swap(v) for k, v in kwargs.items()}


def _take_along(x: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`torch.take_along_dim` by its definition; torch's own compares devices."""
    if dim is None:
        return torch.gather(x.flatten(), 0, indices.flatten())
    shapes = [tuple(1 if d == dim % x.dim() else n for d, n in enumerate(t.shape)) for t in (x, indices)]
    wide = np.broadcast_shapes(*shapes)
    sizes = [[t.shape[d] if d == dim % x.dim() else n for d, n in enumerate(wide)] for t in (x, indices)]
    return torch.gather(x.expand(sizes[0]), dim, indices.expand(sizes[1]))


REPLACED: dict[Any, Callable[..., Any]] = {torch.take_along_dim: _take_along, Tensor.take_along_dim: _take_along}

REPAIRS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Arguments]] = {
    Tensor.__getitem__: _index,
    Tensor.__setitem__: _index,
    torch.tensor: _on_cpu,
    torch.as_tensor: _on_cpu,
    Tensor.new_tensor: _on_cpu,
    **dict.fromkeys(
        (torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu, torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell),
        _all_hollow,
    ),
}
