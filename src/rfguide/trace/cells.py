"""What a traced tensor carries: its spans, and the memory that it shares with other tensors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.errors import TraceError
from rfguide.forms import Steps
from rfguide.trace import reach as reaches
from rfguide.trace import spans as sp
from rfguide.trace import tables
from rfguide.trace.reach import NOTHING, Reach
from rfguide.trace.roles import Roles
from rfguide.trace.spans import Span


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """What a tensor depends on: one span for each axis of each input.

    Attributes:
        spans: In the order of the inputs' axes.
        roles: What each dimension stands for.
        unknown: The op that was read as global because rfguide does not know it; "" if none was.
    """

    spans: tuple[Span, ...]
    roles: Roles
    unknown: str = ""

    def with_spans(self, spans: Sequence[Span], roles: Roles | None = None) -> "Track":
        """Return the track with other spans."""
        return replace(self, spans=tuple(spans), roles=self.roles if roles is None else roles)


class Memory:
    """The memory that a tensor and its views share, and what its cells depend on at the moment."""

    __slots__ = ("bytes", "end", "is_dense", "offset", "shape", "stride", "track", "version")

    def __init__(self, tensor: Tensor, track: Track) -> None:
        self.shape, self.stride, self.offset = tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())
        self.bytes, self.is_dense = tensor.itemsize, is_dense(tensor)
        self.end = end(self.shape, self.stride, self.offset)
        self.track = track
        self.version = 0

    def is_all(self, tensor: Tensor) -> bool:
        """Whether a tensor is the whole of this memory, in its shape."""
        return (
            tensor.itemsize == self.bytes
            and tuple(tensor.shape) == self.shape
            and tensor.stride() == self.stride
            and tensor.storage_offset() == self.offset
        )

    def read(self, tensor: Tensor, roles: Roles) -> Track:
        """Return what the cells of a view depend on now.

        Raises:
            TraceError: If the view shows numbers of another size, or reaches beyond what is known of the memory.
        """
        self._check(tensor)
        return Track(tuple(self._read(tensor, span) for span in self.track.spans), roles, self.track.unknown)

    def write(self, tensor: Tensor, new: Track) -> None:
        """Take in what was written to a view.

        Raises:
            TraceError: As for `read`, or if the view shows a cell twice: which value stays is not defined.
        """
        self._check(tensor)
        if not self.is_all(tensor) and self._box(tensor) is None and _overlaps(tensor):
            raise TraceError("writes to a view that shows the same cell several times")
        self.version += 1
        spans = tuple(self._write(tensor, old, span) for old, span in zip(self.track.spans, new.spans, strict=True))
        self.track = Track(spans, self.track.roles, self.track.unknown or new.unknown)

    def _check(self, tensor: Tensor) -> None:
        """Refuse a view that is not of this memory's cells: numpy would read and write beside its arrays."""
        if tensor.itemsize != self.bytes:
            raise TraceError(
                "writes to a tensor that another shows as numbers of another kind (`.real`, a complex view)"
            )
        if self._box(tensor) is not None or not tensor.numel():
            return
        first = int(tensor.storage_offset())
        if not (self.is_dense and self.offset <= first and end(tensor.shape, tensor.stride(), first) <= self.end):
            raise TraceError("a view reaches beyond the tensor that it was made of, where rfguide cannot follow")

    def _flat(self, array: Any, fill: Any) -> tuple[Any, Any]:
        """Lay an array out as the memory is; return the memory and the array as a view of it."""
        flat = np.full(self.end, fill, np.int32)
        whole = _strided(flat, self.shape, self.stride, self.offset)
        whole[...] = array
        return flat, whole

    def _read(self, tensor: Tensor, span: Span) -> Span:
        if span.is_empty:
            return sp.empty(tensor.dim())
        box = self._box(tensor)
        if box is not None:
            # A window of the whole: slice what differs, keep the rest as it is.
            for dim, (first, step, count) in enumerate(box):
                span = sp.gather(span, dim, tables.sliced(self.shape[dim], first, step, count))
            return span
        sides = []
        for array in (span.lo, span.hi):
            flat, _ = self._flat(array, 0)
            view = _strided(flat, tensor.shape, tensor.stride(), tensor.storage_offset())
            sides.append(sp.shrink(view.copy(), range(tensor.dim())))
        return Span(sides[0], sides[1], (_blur(span, range(tensor.dim())),))

    def _write(self, tensor: Tensor, old: Span, new: Span) -> Span:
        if old.is_empty and new.is_empty:
            return old
        if self.is_all(tensor):
            return new
        box = self._box(tensor)
        rank = len(self.shape)
        if box is not None:
            return _written(old, new, box, self.shape)
        sides = []
        for was, now, fill in ((old.lo, new.lo, sp.NONE_LO), (old.hi, new.hi, sp.NONE_HI)):
            flat, whole = self._flat(was, fill)
            _strided(flat, tensor.shape, tensor.stride(), tensor.storage_offset())[...] = now
            sides.append(sp.shrink(whole.copy(), range(rank)))
        return Span(sides[0], sides[1], (_blur(old, range(rank)) if new.is_empty else reaches.lost(range(rank)),))

    def _box(self, tensor: Tensor) -> list[tuple[int, int, int]] | None:
        """Return (first, step, count) per dimension if the tensor is a strided window of the whole, else None."""
        if tensor.dim() != len(self.shape):
            return None
        left = tensor.storage_offset() - self.offset
        order = sorted(range(tensor.dim()), key=lambda d: -self.stride[d])
        box: list[tuple[int, int, int]] = [(0, 1, 1)] * tensor.dim()
        for d in order:
            stride = self.stride[d]
            first = left // stride if stride and self.shape[d] > 1 else 0
            left -= first * stride
            count = tensor.shape[d]
            step, odd = divmod(tensor.stride(d), stride) if stride and count > 1 else (1, 0)
            if odd or step < 1 or first + (count - 1) * step >= self.shape[d]:
                return None
            box[d] = (first, step, count)
        return box if left == 0 else None


def end(shape: Sequence[int], stride: Sequence[int], offset: int) -> int:
    """Return the place behind the last cell of a tensor."""
    return offset + sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) + 1 if 0 not in shape else offset


def _overlaps(tensor: Tensor) -> bool:
    """Whether a tensor shows a cell of its memory several times."""
    places = np.zeros((1,) * tensor.dim(), np.int64)
    for d, (n, s) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        places = places + s * np.arange(n).reshape([-1 if axis == d else 1 for axis in range(tensor.dim())])
    return len(np.unique(places)) < tensor.numel()


def _written(old: Span, new: Span, box: list[tuple[int, int, int]], shape: Sequence[int]) -> Span:
    """Return the span of a whole after a window of it is overwritten."""
    cut = [d for d, (_, _, count) in enumerate(box) if count != shape[d]]
    window = tuple(
        slice(first, first + (count - 1) * step + 1, step) if d in cut else slice(None)
        for d, (first, step, count) in enumerate(box)
    )
    sides = []
    for was, now in ((old.lo, new.lo), (old.hi, new.hi)):
        rest = np.broadcast_shapes(
            tuple(1 if d in cut else n for d, n in enumerate(was.shape)),
            tuple(1 if d in cut else n for d, n in enumerate(now.shape)),
        )
        full = np.broadcast_to(was, [shape[d] if d in cut else n for d, n in enumerate(rest)]).copy()
        full[window] = now
        sides.append(full)
    return Span(sides[0], sides[1], *_labels(old, new, window, cut, shape, box))


def _labels(
    old: Span,
    new: Span,
    window: tuple[slice, ...],
    cut: list[int],
    shape: Sequence[int],
    box: list[tuple[int, int, int]],
) -> tuple[tuple[Reach, ...], Any]:
    """Return the closed forms of a whole after a window of it is overwritten, and which cell has which."""
    if old.is_empty and len(new.reaches) == 1:
        # A constant that is filled in: around the window is padding.
        found = new.reaches[0]
        for d in cut:
            first, step, count = box[d]
            inverse = Steps(1, 1, ((-first,),)) if step == 1 else None
            found = reaches.stepped(found, d, count, shape[d], inverse)
        if not any(d in found.dims for d in cut) and cut:
            return _mixed((NOTHING,), None, (found,), None, window, cut, shape)
        return (found,), None
    # What is filled in beside may be the same pattern moved: padding that wraps does that.
    shifted = tuple(_shift_back(r, cut, box, shape) for r in new.reaches)
    if any(d in r.dims for r in (*old.reaches, *new.reaches) for d in cut):
        if len(old.reaches) == len(shifted) == 1 and reaches.alike(old.reaches[0], shifted[0]):
            return old.reaches, None
        return (reaches.lost(frozenset[int]().union(*(r.dims for r in (*old.reaches, *new.reaches)))),), None
    return _mixed(old.reaches, old.label, new.reaches, new.label, window, cut, shape)


def _shift_back(reach: Reach, cut: list[int], box: list[tuple[int, int, int]], shape: Sequence[int]) -> Reach:
    for d in cut:
        first, step, count = box[d]
        reach = reaches.stepped(reach, d, count, shape[d], Steps(1, 1, ((-first,),)) if step == 1 else None)
    return reach


def _mixed(
    olds: tuple[Reach, ...],
    old_label: Any,
    news: tuple[Reach, ...],
    new_label: Any,
    window: tuple[slice, ...],
    cut: list[int],
    shape: Sequence[int],
) -> tuple[tuple[Reach, ...], Any]:
    rank = len(shape)
    was = np.zeros((1,) * rank, np.int32) if old_label is None else old_label
    now = np.zeros((1,) * rank, np.int32) if new_label is None else new_label
    rest = np.broadcast_shapes(
        tuple(1 if d in cut else n for d, n in enumerate(was.shape)),
        tuple(1 if d in cut else n for d, n in enumerate(now.shape)),
    )
    full = np.broadcast_to(was, [shape[d] if d in cut else n for d, n in enumerate(rest)]).copy()
    full[window] = now + len(olds)
    return sp.relabel(full, (*olds, *news))


def _blur(span: Span, dims: Sequence[int]) -> Reach:
    """Return the one closed form that survives when data is moved in a way that no form follows."""
    if len(span.reaches) == 1 and not span.reaches[0].dims:
        return span.reaches[0]
    return reaches.lost(dims)


def _strided(flat: Any, shape: Sequence[int], stride: Sequence[int], offset: Any) -> Any:
    return np.lib.stride_tricks.as_strided(flat[offset:], tuple(shape), [s * flat.itemsize for s in stride])


# Says of a tensor on the meta device, made of a constant, that it depends on no cell.
HOLLOW = "_rfguide_hollow"


class Cell:
    """The note that a traced tensor carries under the attribute `_rfguide`."""

    __slots__ = ("masked", "memory", "pooled", "track", "version")

    def __init__(self, track: Track) -> None:
        self.track = track
        self.memory: Memory | None = None
        self.version = 0
        # How low constant masks have set scores, or which weights are 0; holds for this track alone: see masks.py.
        self.masked: tuple[str, Tensor, Track] | None = None
        # For the places that a max pooling found: what goes back along each axis, see max_unpool.
        self.pooled: tuple[Any, ...] | None = None


def cell_of(tensor: Tensor) -> Cell | None:
    """Return the note of a tensor; None for a constant."""
    return tensor.__dict__.get("_rfguide")


def track_of(tensor: Tensor) -> Track:
    """Return what a traced tensor depends on, its views' writes included.

    Raises:
        NotImplementedError: If the tensor is a constant; a rule that does not expect one does not hold for it.
    """
    cell = cell_of(tensor)
    if cell is None:
        raise NotImplementedError
    memory = cell.memory
    if memory is not None and cell.version != memory.version:
        cell.track = memory.track if memory.is_all(tensor) else memory.read(tensor, cell.track.roles)
        cell.version = memory.version
    return cell.track


def is_constant(tensor: Tensor) -> bool:
    """Whether a traced tensor depends on no cell: a constant without values."""
    return all(span.is_empty for span in track_of(tensor).spans)


def attach(tensor: Tensor, track: Track) -> Tensor:
    """Note what a new tensor depends on; return the tensor."""
    tensor.__dict__["_rfguide"] = Cell(track)
    return tensor


def attach_view(view: Tensor, base: Tensor, track: Track) -> Tensor:
    """Note what a view of a traced tensor depends on; a write to one shows in the other."""
    attach(view, track)
    return link(view, base)


def link(view: Tensor, base: Tensor) -> Tensor:
    """Note that a traced tensor is a view of another; return the view."""
    cell: Cell = view.__dict__["_rfguide"]
    cell.memory = memory_of(base)
    cell.version = cell.memory.version
    return view


def memory_of(tensor: Tensor) -> Memory:
    """Return the memory that a traced tensor shares with its views, present and future."""
    cell: Cell = tensor.__dict__["_rfguide"]
    if cell.memory is None:
        cell.memory = Memory(tensor, cell.track)
    return cell.memory


def attach_shared(tensor: Tensor, memory: Memory) -> Tensor:
    """Note of a tensor that it shows cells of a memory; return the tensor."""
    roles = memory.track.roles if tensor.dim() == len(memory.shape) else ("s",) * tensor.dim()
    attach(tensor, memory.track if memory.is_all(tensor) else memory.read(tensor, roles))
    cell: Cell = tensor.__dict__["_rfguide"]
    cell.memory, cell.version = memory, memory.version
    return tensor


def write(tensor: Tensor, track: Track) -> None:
    """Note what is written to a traced tensor in place."""
    cell: Cell = tensor.__dict__["_rfguide"]
    if cell.memory is None:
        # What the dimensions of a constant stand for is a guess; what is written over it knows.
        roles = track.roles if is_constant(tensor) and len(track.roles) == tensor.dim() else cell.track.roles
        cell.track = Track(track.spans, roles, cell.track.unknown or track.unknown)
        return
    cell.memory.write(tensor, track)
    track_of(tensor)


def like(tensor: Tensor) -> Tensor:
    """Return a new tensor of a tensor's shape and type on the meta device, its strides kept where torch would."""
    # torch.empty_like decides this in Python on the meta device, ten times as slowly.
    if tensor.is_contiguous():
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta")
    if is_dense(tensor):
        return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return torch.empty_like(tensor, device="meta")


def is_dense(tensor: Tensor) -> bool:
    """Whether a tensor fills its memory without gaps, its dimensions in any order."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if stride != expected:
                return False
            expected *= size
    return True


def laid_out(tensor: Tensor, shape: Sequence[int]) -> Tensor:
    """Return a new tensor of a shape, channels last if a tensor has them so and contiguous if not: as kernels do."""
    if not tensor.is_contiguous() and len(shape) == tensor.dim() and is_channels_last(tensor):
        last = _CHANNELS_LAST[tensor.dim()]
        return torch.empty(shape, dtype=tensor.dtype, device="meta", memory_format=last)
    return torch.empty(shape, dtype=tensor.dtype, device="meta")


def is_channels_last(tensor: Tensor) -> bool:
    """Tell whether a map of images or volumes has the channels of each place side by side in memory."""
    last = _CHANNELS_LAST.get(tensor.dim())
    return last is not None and tensor.is_contiguous(memory_format=last)


_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


def plain(tensor: Tensor) -> Tensor:
    """Return a tensor of the same geometry on the meta device: what a meta kernel takes."""
    if tensor.device.type == "meta":
        return tensor
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
