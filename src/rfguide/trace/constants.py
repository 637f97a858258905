"""Tensors that depend on no input: small ones get real values, for masks, indices and control flow.

The input lives on the meta device, so a constant made "on the input's device" would have no values; it is
made on the CPU instead. Large ones (weights that are standardised, say) stay hollow: a shape without values.
The model's own tensors are never written to: a write goes to a copy that lives as long as the trace.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import TraceError
from rfguide.trace import spans as sp
from rfguide.trace.cells import HOLLOW, Track, attach, end
from rfguide.trace.names import modules_of
from rfguide.trace.rules import Op, on_meta, tensors

# Bytes up to which a constant is computed: a mask of truth values for 8,192 tokens, one of numbers for 4,096.
LARGEST = 2**26
# Elements of all operands up to which that holds for ops that take more than one step for each element.
LARGEST_COSTLY = 2**20
_COSTLY = re.compile(
    r"mm|bmm|convolution|_?linalg|einsum|_?fft|inverse|cholesky|sort|cdist|matrix|mv$|dot$|quantile|svd|qr$"
)

Geometry = tuple[tuple[int, ...], tuple[int, ...], int]

_READS = {
    "_local_scalar_dense", "item", "equal", "allclose", "is_nonzero", "nonzero", "nonzero_numpy", "masked_select",
    "_unique2", "unique_dim", "unique_consecutive", "bincount", "histc", "_is_all_true", "_is_any_true",
}  # fmt: skip


def reads_values(op: Op) -> bool:
    """Whether what an op returns to Python, or the shape of its output, depends on values."""
    return op._schema.name.split("::")[1] in _READS


@cache
def written_places(op: Op) -> tuple[tuple[int, str], ...]:
    """The arguments that an op writes to: place and name."""
    return tuple(
        (i, a.name) for i, a in enumerate(op._schema.arguments) if a.alias_info is not None and a.alias_info.is_write
    )


def written(op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Iterator[Tensor]:
    """Yield the tensors that an op writes to."""
    for place, name in written_places(op):
        yield from tensors([kwargs[name] if name in kwargs else args[place] if place < len(args) else None])


@cache
def is_view(op: Op) -> bool:
    """Whether what an op returns shares memory with an argument, which it does not write to."""
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
        self._axes = axes
        self._token = object()  # of this run
        # The model's own tensors that have no values, by storage, which is kept alive.
        meta = (t.untyped_storage() for t in _held(model) if t.device.type == "meta")
        self._hollow = {storage._cdata: storage for storage in meta}
        # Copies of tensors that were there before and have been written to, by storage; and these storages.
        self._copies: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}
        # The tensor that each storage was first seen as, as (shape, strides, offset), beside the storage.
        self._first: dict[int, tuple[torch.UntypedStorage, Geometry]] = {}

    def run(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return what an op gives on constants."""
        operands = list(tensors([*args, *kwargs.values()]))
        if not operands:
            return self._noted(self._made(op, args, kwargs))
        hollow = any(t.device.type == "meta" for t in operands)
        if hollow and reads_values(op):
            raise TraceError("needs the value of a tensor that has none here: it is on the meta device, or too large")
        writes = written_places(op)
        if not hollow and not writes and not is_view(op) and _is_too_large(op, args, kwargs, operands):
            hollow = True
        if hollow:
            if writes and not all(t.device.type == "meta" for t in operands):
                # A value that is not known is written to a constant: leave the constant be.
                return self._target(op, args, kwargs)
            if _takes_device(op):
                kwargs = {**kwargs, "device": torch.device("meta")}
            if is_view(op):
                return self._hollow_view(op, args, kwargs)
            return self.hollow(on_meta(op, args, kwargs))
        return self._computed(op, args, kwargs, operands)

    def _hollow_view(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Return a view of a constant without values; what is written to one shows in the other."""
        self._see(args[0])
        out = op(*args, **kwargs)
        for view in tensors([out]):
            setattr(view, HOLLOW, True)
        return out

    def _computed(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any], operands: list[Tensor]) -> Any:
        if _takes_device(op):
            kwargs = {**kwargs, "device": torch.device("cpu")}
        writes = written_places(op)
        for tensor in written(op, args, kwargs):
            self._claim(op, tensor)
        target = self._target(op, args, kwargs) if writes else None
        if is_view(op):
            if op is torch.ops.aten.lift_fresh.default:  # `torch.tensor` and its like: made out of sight, by the model
                self._noted(operands[0])
            self._see(operands[0])
        args = [self._swap(a) for a in args]
        kwargs = {k: self._swap(v) for k, v in kwargs.items()}
        out = op(*args, **kwargs)
        if target is not None:
            return target if isinstance(out, Tensor) else out
        return out if is_view(op) else self._noted(out)

    def _noted(self, out: Any) -> Any:
        """Note on the storages of an output that the model has made them in this run: it may write to them."""
        for tensor in tensors([out]):
            if tensor.device.type == "cpu":
                storage: Any = tensor.untyped_storage()
                storage.rfguide_made = (self._token, _geometry(tensor))
        return out

    def _is_made(self, storage: Any) -> bool:
        return getattr(storage, "rfguide_made", (None,))[0] is self._token

    def _see(self, tensor: Tensor) -> None:
        """Note the shape in which a storage that was there before is first seen: its views come later."""
        storage = tensor.untyped_storage()
        if not self._is_made(storage):
            self._first.setdefault(storage._cdata, (storage, _geometry(tensor)))

    def home(self, tensor: Tensor) -> torch.UntypedStorage:
        """Return the storage that holds a constant's values now."""
        storage = tensor.untyped_storage()
        return self._copies[storage._cdata][1] if storage._cdata in self._copies else storage

    def geometry(self, tensor: Tensor) -> Tensor:
        """Return the tensor that a constant is a view of (or one of its shape and strides)."""
        self._see(tensor)
        home: Any = self.home(tensor)
        shape, stride, offset = home.rfguide_made[1] if self._is_made(home) else self._first[home._cdata][1]
        if end(shape, stride, offset) * tensor.itemsize > home.nbytes():
            return tensor  # first seen as numbers of another kind
        return tensor.as_strided(shape, stride, offset)

    def is_hollow(self, tensor: Tensor) -> bool:
        """Whether a tensor without values and without a note is one of the model's own, or a constant by `plain`."""
        return tensor.untyped_storage()._cdata in self._hollow or hasattr(tensor, HOLLOW)

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
        place, name = written_places(op)[0]
        return kwargs[name] if name in kwargs else args[place]

    def _claim(self, op: Op, tensor: Tensor) -> None:
        """Copy a tensor that was there before the run, and that an op is about to write to."""
        storage = tensor.untyped_storage()
        if self._is_made(storage) or storage._cdata in self._copies:
            return
        if torch.Tag.inplace_view in op.tags:
            raise TraceError("changes the shape of a tensor that is not its own, in place")
        self._see(tensor)
        copy: Any = storage.clone()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        copy.rfguide_made = (self._token, self._first[storage._cdata][1])
        self._copies[storage._cdata] = storage, copy

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
                value = empty.set_(copy[1], value.storage_offset(), value.shape, value.stride())
        if isinstance(value, torch.nn.Parameter):
            value = value.detach()
        return value if value.device.type == "cpu" else value.cpu()


def _geometry(tensor: Tensor) -> Geometry:
    return tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())


def _held(model: nn.Module) -> Iterator[Tensor]:
    """Yield the tensors that a model holds: parameters, buffers and plain attributes."""
    yield from model.parameters()
    yield from model.buffers()
    for _, module in modules_of(model):
        yield from tensors(module.__dict__.values())
