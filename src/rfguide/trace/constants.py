"""Tensors that depend on no input: small ones get real values, for masks, indices and control flow.

The input lives on the meta device, so a constant made "on the input's device" would have no values; it is
made on the CPU instead. Large ones (weights that are standardised, say) stay hollow: a shape without values.
The model's own tensors are never written to: a write goes to a copy that lives as long as the trace.
"""

import re
from collections.abc import Sequence
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import TraceError
from rfguide.trace import spans as sp
from rfguide.trace.cells import Track, attach
from rfguide.trace.rules import Op, on_meta, tensors

# Bytes up to which a constant is computed: a mask of truth values for 8,192 tokens, one of numbers for 4,096.
LARGEST = 2**26
# Elements of all operands up to which that holds for ops that take more than one step for each element.
LARGEST_COSTLY = 2**20
_COSTLY = re.compile(
    r"mm|bmm|convolution|_?linalg|einsum|_?fft|inverse|cholesky|sort|cdist|matrix|mv$|dot$|quantile|svd|qr$"
)

_READS = {
    "_local_scalar_dense", "item", "equal", "allclose", "is_nonzero", "nonzero", "nonzero_numpy", "masked_select",
    "_unique2", "unique_dim", "unique_consecutive", "bincount", "histc", "_is_all_true", "_is_any_true",
}  # fmt: skip


def reads_values(op: Op) -> bool:
    """Whether what an op returns to Python, or the shape of its output, depends on values."""
    return op._schema.name.split("::")[1] in _READS


@cache
def _writes(op: Op) -> tuple[tuple[int, str], ...]:
    """The arguments that an op writes to: place and name."""
    return tuple(
        (i, a.name) for i, a in enumerate(op._schema.arguments) if a.alias_info is not None and a.alias_info.is_write
    )


@cache
def _is_view(op: Op) -> bool:
    return any(a.alias_info is not None and not a.alias_info.is_write for a in op._schema.arguments)


@cache
def _takes_device(op: Op) -> bool:
    return any(a.name == "device" for a in op._schema.arguments)


def _is_too_large(op: Op, args: Sequence[Any], kwargs: dict[str, Any], operands: Sequence[Tensor]) -> bool:
    """Whether a constant takes too much time or memory to be computed."""
    if _COSTLY.search(op._schema.name.split("::")[1]) and sum(t.numel() for t in operands) > LARGEST_COSTLY:
        return True
    if any(t.nbytes > LARGEST for t in operands):
        return True
    # Small operands can make a large result: rows beside columns.
    if prod(t.numel() for t in operands) * 8 <= LARGEST or reads_values(op):
        return False
    try:
        return any(t.nbytes > LARGEST for t in tensors([on_meta(op, args, kwargs)]))
    except NotImplementedError:
        return False


class Constants:
    """Runs the ops of which no operand depends on an input."""

    def __init__(self, model: nn.Module, axes: int) -> None:
        self._model, self._axes = model, axes
        self._owned: set[int] | None = None
        # Copies of the model's tensors that its forward pass has written to, by storage.
        self._copies: dict[int, torch.UntypedStorage] = {}
        # The tensor that each storage was made for, as (shape, strides): views of it come later.
        self._first: dict[int, tuple[torch.Size, tuple[int, ...]]] = {}

    def run(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what an op gives on constants."""
        operands = list(tensors([*args, *kwargs.values()]))
        if not operands:
            return self._noted(self._made(op, args, kwargs))
        hollow = any(t.device.type == "meta" for t in operands)
        if hollow and reads_values(op):
            raise TraceError("needs the value of a tensor that has none here: it is on the meta device, or too large")
        writes = _writes(op)
        if not hollow and not writes and not _is_view(op) and _is_too_large(op, args, kwargs, operands):
            hollow = True
        if hollow:
            if writes and not all(t.device.type == "meta" for t in operands):
                # A value that is not known is written to a constant: leave the constant be.
                return self._target(op, args, kwargs)
            if _takes_device(op):
                kwargs = {**kwargs, "device": torch.device("meta")}
            return self.hollow(on_meta(op, args, kwargs))
        if _takes_device(op):
            kwargs = {**kwargs, "device": torch.device("cpu")}
        if writes:
            self._claim(op, args, kwargs)
        target = self._target(op, args, kwargs) if writes else None
        args = [self._swap(a) for a in args]
        kwargs = {k: self._swap(v) for k, v in kwargs.items()}
        out = op(*args, **kwargs)
        if target is not None:
            return target if isinstance(out, Tensor) else out
        return out if _is_view(op) else self._noted(out)

    def _tensors(self) -> list[Tensor]:
        """Return the model's own tensors that have values."""
        return [t for t in [*self._model.parameters(), *self._model.buffers()] if t.device.type != "meta"]

    def _noted(self, out: Any) -> Any:
        if isinstance(out, Tensor) and out.device.type == "cpu":
            self._first[out.untyped_storage()._cdata] = (out.shape, out.stride())
        return out

    def geometry(self, tensor: Tensor) -> Tensor:
        """Return the tensor that a constant is a view of (or one of its shape and strides)."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        for owned in self._tensors():
            if owned.untyped_storage()._cdata == key:
                return owned
        shape, stride = self._first.get(key, (tensor.shape, tensor.stride()))
        return tensor.as_strided(shape, stride, 0) if key in self._first else tensor

    def hollow(self, out: Any) -> Any:
        """Note that tensors depend on no cell, so that views of them and writes to them can be followed."""
        for tensor in tensors([out]):
            attach(tensor, self.track(tensor))
        return out

    def track(self, tensor: Tensor) -> Track:
        """Return the track of a tensor that depends on no cell."""
        rank = tensor.dim()
        roles = ("b", "c", *("s" for _ in tensor.shape[2:]))[:rank]
        return Track((sp.empty(rank),) * self._axes, roles)

    def _made(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        if not _takes_device(op):
            return op(*args, **kwargs)
        shape = args[0] if args and isinstance(args[0], list | tuple) else ()
        kind = kwargs.get("dtype") or torch.get_default_dtype()
        device = "meta" if prod(n for n in shape if isinstance(n, int)) * kind.itemsize > LARGEST else "cpu"
        out = op(*args, **{**kwargs, "device": torch.device(device)})
        return self.hollow(out) if device == "meta" else out

    @staticmethod
    def _target(op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        place, name = _writes(op)[0]
        return kwargs[name] if name in kwargs else args[place]

    def _claim(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
        """Copy the model's tensors that an op is about to write to."""
        if self._owned is None:
            self._owned = {t.untyped_storage()._cdata for t in self._tensors()}
        for place, name in _writes(op):
            for tensor in tensors([kwargs[name] if name in kwargs else args[place]]):
                storage = tensor.untyped_storage()
                if storage._cdata in self._owned and storage._cdata not in self._copies:
                    self._copies[storage._cdata] = storage.clone()  # type: ignore[no-untyped-call]  # torch leaves it untyped

    def _swap(self, value: Any) -> Any:
        """Put the copy in place of a tensor that was written to, and bring it to the CPU."""
        if isinstance(value, list | tuple):
            return type(value)(self._swap(v) for v in value)
        if not isinstance(value, Tensor):
            return value
        if self._copies:
            copy = self._copies.get(value.untyped_storage()._cdata)
            if copy is not None:
                empty = torch.empty(0, dtype=value.dtype, device=value.device)
                value = empty.set_(copy, value.storage_offset(), value.shape, value.stride())
        if isinstance(value, torch.nn.Parameter):
            value = value.detach()
        return value if value.device.type == "cpu" else value.cpu()
