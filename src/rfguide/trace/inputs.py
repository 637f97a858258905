"""Reading `input_size`: a size, a sample tensor, or several of them."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import LARGEST, GeometryError, at_least, at_most, shown
from rfguide.trace import spans as sp
from rfguide.trace.cells import HOLLOW, Track, attach
from rfguide.trace.names import modules_of
from rfguide.trace.roles import Roles

_WANTED = "a size such as (1, 3, 224, 224), a tensor, or a tuple of them"


def unwrapped(model: nn.Module) -> nn.Module:
    """Return what wrappers of `nn.DataParallel` and `torch.compile` wrap: names and arguments are its own."""
    while True:
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = model.module
        elif isinstance(compiled := getattr(model, "_orig_mod", None), nn.Module):
            model = compiled
        else:
            return model


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis along which dependence is followed."""

    input: str
    dim: int
    size: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the model is called with, and the axes that are followed."""

    args: tuple[Tensor, ...]
    kwargs: dict[str, Tensor]
    axes: tuple[Axis, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The inputs that have an axis to follow."""
        return tuple(dict.fromkeys(axis.input for axis in self.axes))


def read(model: nn.Module, input_size: object) -> Inputs:
    """Return the model's inputs on the meta device, each marked as depending on its own cells.

    Channels come last, and axes before them, if a module says so by `data_format`, as layers of Keras do.

    Raises:
        GeometryError: If a size is below 1, or no input has an axis to follow.
        TypeError: If it is no size, tensor or tuple of them.
    """
    kind = _float_type(model)
    if isinstance(input_size, Mapping):
        named = {_name(key): _sample(value, kind) for key, value in input_size.items()}
        args: list[Tensor] = []
    else:
        args = [_sample(value, kind) for value in _several(input_size)]
        named = {}
    names = [*parameter_names(model, len(args)), *named]
    samples = [*args, *named.values()]
    is_last = any(getattr(module, "data_format", "") == "channels_last" for _, module in modules_of(model))
    dims = [_axes(sample, is_last) for sample in samples]
    axes = tuple(
        Axis(name, d, sample.shape[d]) for name, sample, ds in zip(names, samples, dims, strict=True) for d in ds
    )
    if not axes:
        given = ", ".join(str(tuple(s.shape)) for s in samples)
        raise GeometryError(
            f"input_size={given} has no axis to follow: it must be batch, channels and one axis or more"
            " ((1, 3, 224, 224) would fit)"
        )
    for name, sample, ds in zip(names, samples, dims, strict=True):
        if ds:
            spans = tuple(sp.along(a.dim, sample.shape) if a.input == name else sp.empty(sample.dim()) for a in axes)
            roles: Roles = tuple("s" if d in ds else "c" if d else "b" for d in range(sample.dim()))
            attach(sample, Track(spans, roles))
        else:
            setattr(sample, HOLLOW, True)
    return Inputs(tuple(args), named, axes)


def _several(value: object) -> Sequence[object]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, torch.Size):
        return [tuple(value)]
    if not isinstance(value, tuple | list):
        raise TypeError(f"input_size={shown(value)} must be {_WANTED}, not {type(value).__name__}")
    if not value:
        raise GeometryError(f"input_size={shown(value)} is empty; it must be {_WANTED}")
    return value if any(isinstance(v, tuple | list | Tensor) for v in value) else [value]


def _sample(value: object, kind: torch.dtype) -> Tensor:
    if isinstance(value, Tensor):
        if value.is_sparse or value.is_quantized or value.is_nested:
            raise TypeError("input_size must be a dense tensor, not a sparse, quantized or nested one")
        return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="meta")
    if not isinstance(value, tuple | list):
        raise TypeError(f"input_size has {shown(value)}; each input must be a size or a tensor")
    sizes = at_least(1, **{f"input_size[{i}]": n for i, n in enumerate(value)})
    at_most(LARGEST // 16, **{f"input_size={shown(value)} in all": prod(sizes)})
    return torch.empty(sizes, dtype=kind, device="meta")


def _axes(sample: Tensor, is_last: bool) -> range:
    """Return the dimensions to follow: all but batch and channels; of token numbers, all after the batch."""
    tokens = sample.dim() == 2 and not sample.dtype.is_floating_point and not sample.dtype.is_complex
    return range(1, sample.dim() - 1) if is_last and not tokens else range(1 if tokens else 2, sample.dim())


def _float_type(model: nn.Module) -> torch.dtype:
    return next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.get_default_dtype())


def _name(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"input_size has the key {shown(key)}; an input's name must be a string")
    return key


def parameter_names(model: nn.Module, count: int) -> list[str]:
    """Return the names of the first `count` parameters of a model's forward pass; "input0", … where it has none."""
    try:
        parameters: Any = inspect.signature(model.forward).parameters.values()
    except (TypeError, ValueError):
        parameters = ()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names + [f"input{i}" for i in range(len(names), count)]
