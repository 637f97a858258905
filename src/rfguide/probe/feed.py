"""Running somebody's model on real values and looking at its maps, so that nothing of the model changes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import TraceError, whole
from rfguide.trace.inputs import parameter_names, read, unwrapped
from rfguide.trace.keeper import kept


@dataclass(frozen=True)
class Feed:
    """The inputs of a run, and the one that the question is about.

    Attributes:
        args: Tensors given by position.
        kwargs: Tensors given by name.
        names: What the inputs are called, in this order.
        dims: Which dimensions of each input count cells; inputs of integers have none, for they hold no NaN.
        probed: The input that the question is about.
        is_given: Whether its values came from the caller.
    """

    args: tuple[Tensor, ...]
    kwargs: dict[str, Tensor]
    names: tuple[str, ...]
    dims: dict[str, tuple[int, ...]]
    probed: str
    is_given: bool

    def tensor(self, name: str) -> Tensor:
        """Return an input by its name."""
        return dict(zip(self.names, [*self.args, *self.kwargs.values()], strict=True))[name]

    def with_tensor(self, name: str, tensor: Tensor) -> "Feed":
        """Return the same inputs with another tensor for one of them."""
        place = self.names.index(name)
        args = tuple(tensor if place == i else one for i, one in enumerate(self.args))
        kwargs = {key: tensor if key == name else one for key, one in self.kwargs.items()}
        return replace(self, args=args, kwargs=kwargs)


def feed(model: nn.Module, input_size: Any, input: str | None, seed: int) -> Feed:
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
    model = unwrapped(model)
    example = next((tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()), None)
    if example is not None and example.is_meta:
        raise TraceError("the model is on the meta device and has no values to measure; rfguide.trace can follow it")
    wanted = read(model, input_size)
    given = _given(input_size)
    generator = torch.Generator().manual_seed(seed)
    device = torch.device("cpu") if example is None else example.device
    tensors = [
        value.detach().clone()
        if isinstance(value, Tensor)
        else torch.randn(like.shape, generator=generator).to(device, like.dtype)
        for value, like in zip(given, [*wanted.args, *wanted.kwargs.values()], strict=True)
    ]
    names = (*parameter_names(model, len(wanted.args)), *wanted.kwargs)
    dims = {
        name: tuple(axis.dim for axis in wanted.axes if axis.input == name)
        for name, tensor in zip(names, tensors, strict=True)
        if name in wanted.names and tensor.is_floating_point()
    }
    if input is not None and input not in wanted.names:
        raise TraceError(f"{input=} is not among the inputs that are followed: {', '.join(wanted.names)}")
    probed = next(iter(dims), None) if input is None else input
    if probed not in dims:
        name = input or wanted.names[0]
        kind = tensors[names.index(name)].dtype
        raise TraceError(f"input {name} is {kind}; a probe needs floating-point numbers, rfguide.trace does not")
    return Feed(
        args=tuple(tensors[: len(wanted.args)]),
        kwargs=dict(zip(wanted.kwargs, tensors[len(wanted.args) :], strict=True)),
        names=names,
        dims=dims,
        probed=probed,
        is_given=isinstance(given[names.index(probed)], Tensor),
    )


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
    with kept(model), _plain_arithmetic():
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, value in values:
                    if not torch.equal(buffer, value):
                        buffer.copy_(value)


@contextmanager
def _plain_arithmetic() -> Iterator[None]:
    """Turn off the libraries whose kernels multiply a value that belongs to a neighbour by 0.

    Winograd and FFT convolutions (NNPACK, cuDNN) mix a whole tile, and oneDNN's kernels for bfloat16 take
    taps in pairs: all are right for numbers, but NaN × 0 is NaN, and would reach units that do not depend on it.
    """
    onednn: Any = torch.backends.mkldnn
    before = onednn.enabled
    onednn.enabled = False
    try:
        with torch.backends.nnpack.flags(enabled=False), torch.backends.cudnn.flags(enabled=False):
            yield
    finally:
        onednn.enabled = before
