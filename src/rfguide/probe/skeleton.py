"""A model's skeleton: which paths there are, its own values set aside."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from rfguide.sizes import output_size


class _Skeleton(TorchFunctionMode):
    """Reads activations as doing nothing and max pooling as averaging, in modules and functional calls alike."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = getattr(func, "__name__", "").strip("_")
        kwargs = kwargs or {}
        if name in _ACTIVATIONS:
            return args[0] if args else kwargs["input"]
        if name in _MAX_POOLS:
            return _average(*args, **kwargs)
        if name in _ADAPTIVE_MAX_POOLS:
            return getattr(F, name.replace("max", "avg"))(*args[:2], **{k: v for k, v in kwargs.items() if k in _SIZES})
        return func(*args, **kwargs)


_ACTIVATIONS = {
    *("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus"),
    *("hardswish", "hardtanh", "hardsigmoid", "sigmoid", "tanh", "logsigmoid", "softsign", "tanhshrink"),
    *("threshold", "hardshrink", "softshrink"),
}
_MAX_POOLS = {f"max_pool{axes}d" for axes in (1, 2, 3)}
_ADAPTIVE_MAX_POOLS = {f"adaptive_max_pool{axes}d" for axes in (1, 2, 3)}
_SIZES = ("input", "output_size")


def _average(
    input: Tensor,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor:
    """Average where max pooling would take the largest: a depthwise convolution, since no average pooling dilates."""
    axes = input.ndim - 2
    kernel_size, padding, dilation = (_each(axes, value) for value in (kernel_size, padding, dilation))
    stride = _each(axes, kernel_size if stride is None or stride == () or stride == [] else stride)
    pads: list[int] = []
    for n, k, s, p, d in reversed(list(zip(input.shape[2:], kernel_size, stride, padding, dilation, strict=True))):
        places = output_size(n, k, stride=s, padding=p, dilation=d, ceil_mode=ceil_mode)
        pads += [p, (places - 1) * s + d * (k - 1) + 1 - n - p]  # a last window that hangs over, or cells left over
    channels = input.shape[1]
    weight = torch.full((channels, 1, *kernel_size), 1 / math.prod(kernel_size), dtype=input.dtype, device=input.device)
    convolution = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    averaged: Tensor = convolution(F.pad(input, pads), weight, stride=stride, dilation=dilation, groups=channels)
    return averaged


def _each(axes: int, value: int | Sequence[int]) -> tuple[int, ...]:
    values = (value,) if isinstance(value, int) else tuple(value)
    return values * axes if len(values) == 1 else values


@contextmanager
def skeleton(model: nn.Module) -> Iterator[None]:
    """Run the model as its skeleton: averaging weights, activations that do nothing, averages for max pooling.

    The model's own parameters are replaced, not written to; `untouched`, around this, puts them back.
    """
    for module in model.modules():
        for name, parameter in module._parameters.items():
            if parameter is not None:
                module._parameters[name] = nn.Parameter(_averaging(name, parameter.detach()), requires_grad=False)
        for name, buffer in module._buffers.items():
            if buffer is not None and name in ("running_mean", "running_var"):
                module._buffers[name] = _averaging(name, buffer)
    with _Skeleton():
        yield


def _averaging(name: str, value: Tensor) -> Tensor:
    """Return what a parameter or buffer becomes: 1 / taps, a bias or mean 0, a scale or variance 1."""
    if not value.is_floating_point():
        return value
    if name.endswith(("bias", "running_mean")):
        return torch.zeros_like(value)
    return torch.full_like(value, 1 / value[0].numel() if value.ndim > 1 else 1.0)
