"""Shuffles, and windows laid out as data: pixel shuffle, channel shuffle, unfold and fold."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from rfguide.trace import tables
from rfguide.trace.cells import attach, track_of
from rfguide.trace.rules import Op, Run, bound, on_meta, rule, sp
from rfguide.trace.rules_views import moved
from rfguide.trace.spans import Span


@rule("unfold.default")
def unfold(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Windows along one dimension; the cells of a window become the last dimension."""
    x, dim, size, step = args
    out = op(*args)
    d = dim % x.dim()
    count = out.shape[d]
    track = track_of(x)
    change = windows_of(d, x.shape[d], count, size, step, 0, 1)
    return attach(out, moved(track, lambda s: change(s), out.dim(), (*track.roles, "s")))


@rule("unfold_backward.default")
def unfold_backward(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Windows added up at their places (the inverse of a short-time Fourier transform does that)."""
    x, sizes, dim, size, step = args
    out = on_meta(op, args, kwargs)
    track, d, last = track_of(x), dim % len(sizes), x.dim() - 1
    if any(span.varies(last) or any(last in reach.dims for reach in span.reaches) for span in track.spans):
        # The cells of a window differ; then it is more than a window.
        raise NotImplementedError
    table = tables.transposed(x.shape[d], sizes[d], size, step, 0, 1)
    return attach(out, moved(track, lambda s: sp.gather(sp.squeeze(s, [last]), d, table), last, track.roles[:-1]))


def windows_of(
    dim: int, size: int, count: int, kernel_size: int, stride: int, before: int, dilation: int
) -> Callable[[Span], Span]:
    """Return the change of a span to windows along one dimension; their cells become a new last dimension."""

    def change(span: Span) -> Span:
        places = []
        for tap in range(kernel_size):
            table = tables.sliced(size, tap * dilation - before, stride, count)
            places.append(sp.unsqueeze(sp.gather(span, dim, table), span.rank))
        return sp.concatenate(places, span.rank, [1] * kernel_size)

    return change


@rule("""pixel_shuffle.default pixel_unshuffle.default channel_shuffle.default native_channel_shuffle.default""")
def shuffle(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A view, a permutation and a view back."""
    x, r = args
    out = on_meta(op, args, kwargs)
    *front, c, h, w = x.shape
    n, name = len(front), op._schema.name
    if "channel" in name:
        (front, c, rest), n = ([x.shape[0]], x.shape[1], list(x.shape[2:])), 1
        split = [*front, r, c // r, *rest]
        order = [0, 2, 1, *range(3, len(split))]
    elif "unshuffle" in name:
        split = [*front, c, h // r, r, w // r, r]
        order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    else:
        split = [*front, c // r**2, r, r, h, w]
        order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    track = track_of(x)
    shape = tuple(x.shape)
    apart = sp.view_groups(shape, split)
    moved_shape = [split[d] for d in order]
    together = sp.view_groups(moved_shape, tuple(out.shape))

    def change(span: Span) -> Span:
        span = sp.permute(sp.regroup(span, apart, shape, split), order)
        return sp.regroup(span, together, moved_shape, out.shape)

    return attach(out, moved(track, change, out.dim(), track.roles))


@rule("im2col.default")
def im2col(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Windows of a map as columns: (N, C, H, W) becomes (N, C * taps, places)."""
    values = bound(op, args, kwargs)
    x = values["self"]
    kernel, stride, padding, dilation = (values[k] for k in ("kernel_size", "stride", "padding", "dilation"))
    out = on_meta(op, args, kwargs)
    batched = x if x.dim() == 4 else x.unsqueeze(0)
    n, c, *size = batched.shape
    counts = [(size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    changes = [windows_of(2 + i, size[i], counts[i], kernel[i], stride[i], padding[i], dilation[i]) for i in (0, 1)]
    shape = (n, c, *kernel, *counts)
    track = track_of(x)

    def change(span: Span) -> Span:
        span = sp.widen(span, 4)
        span = sp.permute(changes[1](changes[0](span)), [0, 1, 4, 5, 2, 3])
        span = sp.regroup(
            span,
            [([0], [0]), ([1, 2, 3], [1]), ([4, 5], [2])],
            shape,
            (n, shape[1] * kernel[0] * kernel[1], counts[0] * counts[1]),
        )
        return span if out.dim() == 3 else sp.squeeze(span, [0])

    units: Any = ((counts[0], "s"), (counts[1], "s"))
    channels: Any = ((c, "c"), (kernel[0] * kernel[1], "s"))
    return attach(out, moved(track, change, out.dim(), ("b", channels, units)[3 - out.dim() :]))


@rule("col2im.default")
def col2im(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Columns added back into a map at the places of their windows."""
    values = bound(op, args, kwargs)
    x, size = values["self"], values["output_size"]
    kernel, stride, padding, dilation = (values[k] for k in ("kernel_size", "stride", "padding", "dilation"))
    out = on_meta(op, args, kwargs)
    counts = [(size[i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    n = x.shape[0] if x.dim() == 3 else 1
    c = x.shape[-2] // (kernel[0] * kernel[1])
    shape = (n, c, *kernel, *counts)
    track = track_of(x)

    def change(span: Span) -> Span:
        span = sp.widen(span, 3)
        span = sp.regroup(span, [([0], [0]), ([1], [1, 2, 3]), ([2], [4, 5])], (n, x.shape[-2], x.shape[-1]), shape)
        for i in (0, 1):
            # Dimension 2 is the tap along axis i; without it, dimension 3 is the place of the window.
            places = []
            for tap in range(kernel[i]):
                one = sp.gather(span, 2, tables.sliced(kernel[i], tap, 1, 1)) if kernel[i] > 1 else span
                place = tables.transposed(counts[i], size[i], 1, stride[i], padding[i] - tap * dilation[i], 1)
                places.append(sp.gather(sp.squeeze(one, [2]), 3, place))
            span = sp.merge(places)
        return span

    return attach(out, moved(track, change, out.dim(), ("b", "c", "s", "s")[4 - out.dim() :]))
