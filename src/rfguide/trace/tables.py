"""Which cells of one axis each output cell reads: one table per op and geometry, built once.

Cells outside the axis are padding and contribute nothing. Where what is read overlaps from cell to cell (windows,
running sums) it is not written out: memory grows with the axis, never with the axis times the window.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from rfguide.forms import LONGEST_PERIOD, Steps
from rfguide.layers import Layer
from rfguide.sizes import adaptive_windows

Cells = NDArray[np.int64]
Side = NDArray[np.int32]

# "No cell" among first cells, and among last cells.
NONE_LO = np.int32(2**30)
NONE_HI = np.int32(-1)


class Reading(Protocol):
    """The smallest or the largest cell that each output cell reads, of the cells along an array's last dimension."""

    def __call__(self, array: Side, none: np.int32) -> Side:
        """Return the array after it is read; `none` is what stands for no cell, and says which end is asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """One row of cells for each output cell; the number after the last cell stands for padding."""

    cells: Cells

    def __call__(self, array: Side, none: np.int32) -> Side:
        """Read as `Reading` says."""
        array = np.concatenate([array, np.full((*array.shape[:-1], 1), none)], axis=-1)
        if self.cells.shape[1] == 1:
            return array[..., self.cells[:, 0]]
        read: Side = _end(none).reduce(array[..., self.cells], axis=-1)
        return read


@dataclass(frozen=True, slots=True)
class Window:
    """A window that slides: output cell i reads i * stride - before + tap * dilation for each tap."""

    out: int
    kernel_size: int
    stride: int
    before: int
    dilation: int

    def __call__(self, array: Side, none: np.int32) -> Side:
        """Read as `Reading` says: windows twice as wide in each step, so that the kernel's size costs its logarithm."""
        end, size = _end(none), array.shape[-1]
        last = (self.out - 1) * self.stride - self.before + (self.kernel_size - 1) * self.dilation
        left, right = max(0, self.before), max(0, last + 1 - size)
        shape = array.shape[:-1]
        array = np.concatenate([np.full((*shape, left), none), array, np.full((*shape, right), none)], axis=-1)
        array = array[..., left - self.before :]
        taps = 1
        while taps < self.kernel_size:
            step = min(taps, self.kernel_size - taps)
            array = end(array[..., : array.shape[-1] - step * self.dilation], array[..., step * self.dilation :])
            taps += step
        return array[..., :: self.stride][..., : self.out]


class Running:
    """A running sum: cell i reads cells 0 to i."""

    def __call__(self, array: Side, none: np.int32) -> Side:
        """Read as `Reading` says."""
        read: Side = _end(none).accumulate(array, axis=-1)
        return read


def _end(none: np.int32) -> Any:
    return np.minimum if none == NONE_LO else np.maximum


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Which cells each output cell reads, and the same as a pattern without ends.

    Attributes:
        read: How output cells come from cells.
        size: Cells of the axis that is read.
        out: Number of output cells.
        step: The pattern for the closed form; None if there is none.
        blind: The output cells that read padding alone.
        is_move: Whether each output cell is a copy of one cell, or padding.
        is_identity: Whether each output cell is the cell at its own place.
    """

    read: Reading
    size: int
    out: int
    step: Layer | Steps | None
    blind: NDArray[np.bool_] | None
    is_move: bool = False
    is_identity: bool = False
    # What this table makes of closed forms it has met: looked up by object, which hashing a form is too slow for.
    known: dict[tuple[int, int], tuple[Any, Any]] = field(default_factory=dict)


def _blind(read: Reading, size: int) -> NDArray[np.bool_] | None:
    blind = read(np.zeros(size, np.int32), NONE_LO) == NONE_LO
    return blind if blind.any() else None


def _table(cells: Cells, size: int, step: Layer | Steps | None) -> Table:
    cells = np.where((cells < 0) | (cells >= size), size, cells)
    same = cells.shape == (size, 1) and bool((cells[:, 0] == np.arange(size)).all())
    read = Listed(cells)
    return Table(read, size, len(cells), step, _blind(read, size), is_move=cells.shape[1] == 1, is_identity=same)


@lru_cache(maxsize=1024)
def window(size: int, out: int, kernel_size: int, stride: int, before: int, dilation: int) -> Table:
    """A convolution or pooling."""
    step: Layer | Steps
    if before >= 0:
        step = Layer(kernel_size, stride=stride, padding=before, dilation=dilation)
    else:
        step = Steps(1, stride, (tuple(range(-before, -before + (kernel_size - 1) * dilation + 1, dilation)),))
    if kernel_size == 1:
        return _table(np.arange(out)[:, None] * stride - before, size, step)
    read = Window(out, kernel_size, stride, before, dilation)
    return Table(read, size, out, step, _blind(read, size))


@lru_cache(maxsize=1024)
def transposed(size: int, out: int, kernel_size: int, stride: int, padding: int, dilation: int) -> Table:
    """A transposed convolution: input cell i writes to i * stride - padding + tap * dilation."""
    reach = np.arange(out)[:, None] + padding - np.arange(kernel_size) * dilation
    taps = tuple(
        tuple(
            (i + padding - j * dilation) // stride
            for j in range(kernel_size)
            if not (i + padding - j * dilation) % stride
        )
        for i in range(stride)
    )
    return _table(np.where(reach % stride, -1, reach // stride), size, Steps(stride, 1, taps))


@lru_cache(maxsize=1024)
def adaptive(size: int, out: int) -> Table:
    """An adaptive pooling: the axis is shared out, neighbours may overlap."""
    windows = adaptive_windows(size, out)
    longest = max(last - first + 1 for first, last in windows)
    cells = np.array([[first + min(j, last - first) for j in range(longest)] for first, last in windows])
    share = Fraction(size, out)
    if share.denominator == 1:
        return _table(cells, size, Layer(share.numerator, stride=share.numerator))
    outs = share.denominator
    step = Steps(outs, share.numerator, tuple(tuple(range(f, last + 1)) for f, last in windows[:outs]))
    return _table(cells, size, step)


def move(cells: Sequence[int] | Cells, size: int, step: Layer | Steps | None) -> Table:
    """A rearrangement: each output cell is a copy of one cell, or padding (any number outside the axis)."""
    return _table(np.asarray(cells, dtype=np.int64).reshape(-1, 1), size, step)


@lru_cache(maxsize=1024)
def sliced(size: int, start: int, step: int, out: int) -> Table:
    """Every `step`-th cell from `start`; a negative start is padding, as is what hangs over the end."""
    return move(np.arange(out) * step + start, size, Steps(1, step, ((start,),)))


@lru_cache(maxsize=1024)
def rolled(size: int, shift: int) -> Table:
    """Cells moved on by `shift`, the last ones to the front."""
    shift %= size
    # Either way round is the same move; the shorter one is what the closed form should say.
    shorter = shift if shift * 2 <= size else shift - size
    return move((np.arange(size) - shift) % size, size, Steps(1, 1, ((-shorter,),)))


@lru_cache(maxsize=1024)
def others(size: int) -> Table:
    """Each output cell reads every cell but the one at its own place."""
    return _table(np.array([[j for j in range(size) if j != i] for i in range(size)]), size, None)


@lru_cache(maxsize=1024)
def mirrored(size: int, before: int, after: int) -> Table:
    """Padding that mirrors the cells without repeating the outermost one."""
    cells = np.abs(np.arange(-before, size + after))
    cells = np.where(cells >= size, 2 * (size - 1) - cells, cells)
    return move(cells, size, Steps(1, 1, ((-before,),)))


@lru_cache(maxsize=1024)
def replicated(size: int, before: int, after: int) -> Table:
    """Padding that repeats the outermost cell."""
    return move(np.clip(np.arange(-before, size + after), 0, size - 1), size, Steps(1, 1, ((-before,),)))


@lru_cache(maxsize=1024)
def repeated(size: int, times: int) -> Table:
    """Each cell `times` times in a row: a pixel shuffle, seen along one axis."""
    return move(np.arange(size * times) // times, size, Steps(times, 1, ((0,),) * times))


@lru_cache(maxsize=1024)
def running(size: int) -> Table:
    """A running sum: cell i reads cells 0 to i."""
    return Table(Running(), size, size, None, None, is_identity=size == 1)


# torch computes positions in the precision of the map (halves in float32); numpy's type of it.
Float = Any


def _ratio(size: int, out: int, scale: float | None, align_corners: bool, real: Float) -> tuple[Any, Fraction]:
    """Input cells per output cell, as torch rounds it and as it is meant."""
    if align_corners:
        if out < 2:
            return real(0), Fraction(0)
        return real(size - 1) / real(out - 1), Fraction(size - 1, out - 1)
    if scale is not None and scale > 0:
        return real(1.0 / scale), 1 / Fraction(scale).limit_denominator(10**6)
    return real(size) / real(out), Fraction(size, out)


def _pattern(ratio: Fraction, taps: Callable[[int], Sequence[int]], cells: Cells, size: int) -> Steps | None:
    """Return the pattern of the taps, unless a position that torch rounded lands in another cell somewhere inside."""
    if not ratio or max(ratio.numerator, ratio.denominator) > LONGEST_PERIOD:
        return None
    period = [taps(i) for i in range(ratio.denominator)]
    for i, (first, last) in enumerate(zip(cells.min(axis=1).tolist(), cells.max(axis=1).tolist(), strict=True)):
        block, phase = divmod(i, ratio.denominator)
        low, high = period[phase][0] + block * ratio.numerator, period[phase][-1] + block * ratio.numerator
        if low >= 0 and high < size and (low, high) != (first, last):
            return None
    return Steps(ratio.denominator, ratio.numerator, tuple(map(tuple, period)))


@lru_cache(maxsize=1024)
def nearest(
    size: int, out: int, scale: float | None, exact: bool, real: torch.dtype, axes: int, channels_last: bool
) -> Table:
    """Interpolation by the nearest cell: floor(i * ratio), or floor((i + 1/2) * ratio) if exact.

    Torch rounds in ways of its own for each layout in memory, and copies or doubles whatever factor is given where the
    sizes say so: what it does to the numbers of the cells is asked of it.
    """
    op = getattr(torch.ops.aten, f"_upsample_nearest_exact{axes}d" if exact else f"upsample_nearest{axes}d").default
    rest = [1] * (axes - 1)
    # One channel lies in memory as channels last do, two do not.
    numbers = (
        torch.arange(size, dtype=real).reshape(1, 1, size, *rest).expand(1, 1 if channels_last else 2, size, *rest)
    )
    found = op(numbers.contiguous(), [out, *rest], scale, *[None for _ in rest])
    cells = found[0, 0].reshape(-1).to(torch.int64).numpy()
    shift = Fraction(1, 2) if exact else Fraction(0)
    given = Fraction(size, out) if scale is None else 1 / Fraction(scale).limit_denominator(10**6)
    for meant in (given, Fraction(size, out)):

        def taps(i: int, meant: Fraction = meant) -> list[int]:
            return [int((i + shift) * meant // 1)]

        steps = _pattern(meant, taps, cells[:, None], size)
        if steps is not None:
            break
    return move(cells, size, steps)


def _positions(out: int, ratio: Any, half: float, real: Float) -> Any:
    """Return (i + half) * ratio - half.

    In float32 it is rounded once, as the fused multiply-add of torch's kernels does: float64 holds the product.
    """
    return ((np.arange(out) + half) * np.float64(ratio) - half).astype(real)


@lru_cache(maxsize=1024)
def interpolated(size: int, out: int, scale: float | None, align_corners: bool, cubic: bool, real: Float) -> Table:
    """Linear (two cells) or cubic (four cells) interpolation; a cell of weight 0 is read as well.

    The source position of cell i is (i + 1/2) * ratio - 1/2, or i * ratio with aligned corners.
    """
    ratio, meant = _ratio(size, out, scale, align_corners, real)
    if size == out and not cubic:
        return move(np.arange(out), size, Steps(1, 1, ((0,),)))
    exact_half = Fraction(0) if align_corners else Fraction(1, 2)
    position = _positions(out, ratio, float(exact_half), real)
    around = (-1, 0, 1, 2) if cubic else (0, 1)
    if not cubic:
        position = np.maximum(position, real(0))
    floor = np.floor(position).astype(np.int64)
    if not cubic:
        floor = np.minimum(floor, size - 1)
    cells = np.clip(floor[:, None] + np.array(around), 0, size - 1)

    def taps(i: int) -> list[int]:
        return [int(((i + exact_half) * meant - exact_half) // 1) + k for k in around]

    return _table(cells, size, _pattern(meant, taps, cells, size))


@lru_cache(maxsize=1024)
def smoothed(size: int, out: int, scale: float | None, align_corners: bool, cubic: bool, real: Float) -> Table:
    """Antialiased linear or cubic interpolation: the kernel widens with the ratio (same rule as torch's _aa ops)."""
    ratio, meant = _ratio(size, out, scale, align_corners, real)
    if size == out:
        return move(np.arange(out), size, Steps(1, 1, ((0,),)))
    one, rounding = real(1), real(0.5)
    width = real(2 if cubic else 1) * max(ratio, one)
    centre = ratio * (np.arange(out, dtype=real) + rounding)
    first = np.maximum((centre - width + rounding).astype(np.int64), 0)
    last = np.minimum((centre + width + rounding).astype(np.int64), size) - 1
    longest = int((last - first).max()) + 1
    cells = np.minimum(first[:, None] + np.arange(longest), last[:, None])
    reach = (2 if cubic else 1) * max(meant, Fraction(1))
    half = Fraction(1, 2)

    def taps(i: int) -> range:
        middle = (i + half) * meant
        return range(int((middle - reach + half) // 1), int((middle + reach + half) // 1))

    return _table(cells, size, _pattern(meant, taps, cells, size))
