"""Which cells of one axis each output cell reads: one table per op and geometry, built once.

A table says for each output cell the first cell that it reads and how many, a fixed number of cells apart: it
takes as much room as the output, however long the windows are. Cells outside the axis are padding and
contribute nothing; they are in no table.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rfguide.forms import LONGEST_PERIOD, Steps
from rfguide.layers import Layer
from rfguide.sizes import adaptive_windows

Cells = NDArray[np.int64]
Array = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Which cells each output cell reads, and the same as a pattern without ends.

    Attributes:
        first: The first cell that each output cell reads; 0 where it reads none.
        count: How many cells each output cell reads; 0 where it reads padding alone.
        gap: From one cell that is read to the next.
        size: Cells of the axis that is read.
        step: The pattern for the closed form; None if there is none.
        blind: The output cells that read padding alone; None if there are none.
        is_move: Whether no output cell reads more than one cell, those outside the axis counted.
        is_identity: Whether each output cell is the cell at its own place.
    """

    first: Cells
    count: Cells
    gap: int
    size: int
    step: Layer | Steps | None
    blind: NDArray[np.bool_] | None
    is_move: bool
    is_identity: bool
    # What this table makes of closed forms it has met: looked up by object, which hashing a form is too slow for.
    known: dict[tuple[int, int], tuple[Any, Any]] = field(default_factory=dict)

    @property
    def out(self) -> int:
        """Number of output cells."""
        return len(self.first)

    def read(self, array: Array, pick: "np.ufunc", none: np.int32) -> Array:
        """Return the minimum or maximum (`pick`) of what each output cell reads, along the last dimension.

        Minima of 1, 2, 4, … neighbours are made one from the other; two of them that overlap cover any window.
        """
        if self.is_move:
            result = array.take(self.first, axis=-1)
        else:
            result = np.empty((*array.shape[:-1], self.out), array.dtype)
            power, most = 1, int(self.count.max())
            while power <= most:
                rows = np.flatnonzero((self.count >= power) & (self.count < 2 * power))
                left, right = self.first[rows], self.first[rows] + (self.count[rows] - power) * self.gap
                result[..., rows] = pick(array.take(left, axis=-1), array.take(right, axis=-1))
                reach = min(power * self.gap, array.shape[-1])
                array = pick(array[..., : array.shape[-1] - reach], array[..., reach:])
                power *= 2
        if self.blind is not None:
            result[..., self.blind] = none
        return result


def _table(first: Cells, count: Cells, gap: int, size: int, step: Layer | Steps | None) -> Table:
    """Return the table of windows of which some cells may lie outside the axis."""
    # Before the cells outside are left out: a dilated kernel of which one tap lies on the map is no move.
    is_move = bool((count <= 1).all())
    before = np.maximum(-(first // gap), 0)
    count = np.maximum(np.minimum(count, (size - 1 - first) // gap + 1) - before, 0)
    blind = count == 0
    first = np.where(blind, 0, first + before * gap)
    same = is_move and len(first) == size and not blind.any() and bool((first == np.arange(size)).all())
    return Table(first, count, gap, size, step, blind if blind.any() else None, is_move, same)


def _between(first: Cells, last: Cells, size: int, step: Layer | Steps | None) -> Table:
    """Return the table of windows without holes."""
    return _table(first, last - first + 1, 1, size, step)


@lru_cache(maxsize=1024)
def window(size: int, out: int, kernel_size: int, stride: int, before: int, dilation: int) -> Table:
    """A convolution or pooling."""
    step: Layer | Steps
    if before >= 0:
        step = Layer(kernel_size, stride=stride, padding=before, dilation=dilation)
    else:
        step = Steps(1, stride, (tuple(range(-before, -before + (kernel_size - 1) * dilation + 1, dilation)),))
    first = np.arange(out) * stride - before
    return _table(first, np.full(out, kernel_size), dilation, size, step)


@lru_cache(maxsize=1024)
def transposed(size: int, out: int, kernel_size: int, stride: int, padding: int, dilation: int) -> Table:
    """A transposed convolution: input cell i writes to i * stride - padding + tap * dilation."""
    taps = tuple(
        tuple(
            (i + padding - j * dilation) // stride
            for j in range(kernel_size)
            if not (i + padding - j * dilation) % stride
        )
        for i in range(stride)
    )
    phase, block = (np.arange(out) % stride).tolist(), np.arange(out) // stride
    first = np.array([taps[i][-1] if taps[i] else 0 for i in phase], np.int64) + block
    count = np.array([len(taps[i]) for i in phase], np.int64)
    # From one tap that lies on an input cell to the next, what is read moves by the same number of cells.
    return _table(first, count, dilation // gcd(dilation, stride), size, Steps(stride, 1, taps))


@lru_cache(maxsize=1024)
def adaptive(size: int, out: int) -> Table:
    """An adaptive pooling: the axis is shared out, neighbours may overlap."""
    windows = adaptive_windows(size, out)
    ends = np.array(windows, np.int64)
    share = Fraction(size, out)
    if share.denominator == 1:
        return _between(ends[:, 0], ends[:, 1], size, Layer(share.numerator, stride=share.numerator))
    outs = share.denominator
    step = Steps(outs, share.numerator, tuple(tuple(range(f, last + 1)) for f, last in windows[:outs]))
    return _between(ends[:, 0], ends[:, 1], size, step)


def move(cells: Sequence[int] | Cells, size: int, step: Layer | Steps | None) -> Table:
    """A rearrangement: each output cell is a copy of one cell, or padding (any number outside the axis)."""
    first = np.asarray(cells, dtype=np.int64).reshape(-1)
    return _table(first, np.ones_like(first), 1, size, step)


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
def prefix(size: int) -> Table:
    """A running sum: cell i reads cells 0 to i."""
    places = np.arange(size)
    return _between(np.zeros_like(places), places, size, None)


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


def _pattern(
    ratio: Fraction, taps: Callable[[int], Sequence[int]], first: Cells, last: Cells, size: int
) -> Steps | None:
    """Return the pattern of the taps, unless a position that torch rounded lands in another cell somewhere inside."""
    if not ratio or max(ratio.numerator, ratio.denominator) > LONGEST_PERIOD:
        return None
    period = [taps(i) for i in range(ratio.denominator)]
    for i, ends in enumerate(zip(first.tolist(), last.tolist(), strict=True)):
        block, phase = divmod(i, ratio.denominator)
        low, high = period[phase][0] + block * ratio.numerator, period[phase][-1] + block * ratio.numerator
        if low >= 0 and high < size and (low, high) != ends:
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

        steps = _pattern(meant, taps, cells, cells, size)
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
    first, last = (np.clip(floor + end, 0, size - 1) for end in (around[0], around[-1]))

    def taps(i: int) -> list[int]:
        return [int(((i + exact_half) * meant - exact_half) // 1) + k for k in around]

    return _between(first, last, size, _pattern(meant, taps, first, last, size))


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
    reach = (2 if cubic else 1) * max(meant, Fraction(1))
    half = Fraction(1, 2)

    def taps(i: int) -> range:
        middle = (i + half) * meant
        return range(int((middle - reach + half) // 1), int((middle + reach + half) // 1))

    return _between(first, last, size, _pattern(meant, taps, first, last, size))
