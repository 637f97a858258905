"""A map sampled at constant positions: which cells torch reads for each output cell is asked of torch."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.trace import reach as reaches
from rfguide.trace import spans as sp
from rfguide.trace.cells import Track
from rfguide.trace.spans import Span

# Elements of one probe.
_LARGEST = 2**22

Ends = tuple[Any, Any]


def warped(track: Track, shape: Sequence[int], op: Any, grid: Any, options: Sequence[Any]) -> Track:
    """Return the track of a map of some shape after `grid_sample` at the positions of a constant grid."""
    positions = torch.from_numpy(grid).float() if grid.dtype == np.float16 else torch.from_numpy(grid)
    ends = [_ends(op, shape, axis, positions, options) for axis in range(len(shape) - 2)]
    spans = [span if span.is_empty else _sampled(span, ends) for span in track.spans]
    return track.with_spans(spans)


def _ends(op: Any, shape: Sequence[int], axis: int, grid: Tensor, options: Sequence[Any]) -> Ends:
    """Return the first and the last cell along an axis that each position reads; the first is larger if none is.

    Each channel of a probe has NaN in one cell: what reads it, with weight 0 as well, is NaN.
    """
    size = shape[axis + 2]
    places = grid[..., 0]
    first, last = torch.full(places.shape, size), torch.full(places.shape, -1)
    step = max(1, _LARGEST // max(int(np.prod(shape[2:])), places.numel()))
    for start in range(0, size, step):
        cells = torch.arange(start, min(size, start + step))
        probe = torch.zeros((1, len(cells), *shape[2:]), dtype=grid.dtype)
        for channel, cell in enumerate(cells.tolist()):
            probe[0, channel].select(axis, cell).fill_(torch.nan)
        for sample in range(len(grid)):
            read = op(probe, grid[sample : sample + 1], *options)[0].isnan()
            numbers = cells.reshape(-1, *[1] * (read.dim() - 1))
            first[sample] = torch.minimum(first[sample], torch.where(read, numbers, size).amin(0))
            last[sample] = torch.maximum(last[sample], torch.where(read, numbers, -1).amax(0))
    return first.numpy(), last.numpy()


def _sampled(span: Span, ends: Sequence[Ends]) -> Span:
    rank = len(ends) + 2
    widest = [int((last - first).max()) + 1 for first, last in ends]
    sides = []
    for array, none, unite in ((span.lo, sp.NONE_LO, np.minimum), (span.hi, sp.NONE_HI, np.maximum)):
        found: Any = np.full((1,) * rank, none)
        samples = np.arange(len(ends[0][0])).reshape(-1, *[1] * len(ends)) if array.shape[0] > 1 else 0
        for taps in product(*map(range, widest)):
            places: list[Any] = []
            blind: Any = False
            for axis, (tap, (first, last)) in enumerate(zip(taps, ends, strict=True)):
                blind = blind | (first > last)
                cell = np.clip(np.minimum(first + tap, last), 0, None)
                places.append(cell if array.shape[axis + 2] > 1 else np.zeros_like(cell))
            # Channels come last where indices stand on both sides of them.
            here = np.moveaxis(array[(samples, slice(None), *places)], -1, 1)
            found = unite(found, np.where(np.expand_dims(blind, 1), none, here))
        sides.append(sp.shrink(found, range(rank)))
    return Span(sides[0], sides[1], (reaches.lost(range(rank)),))
