"""Convolution, pooling and interpolation: each output cell reads a window of cells along each axis."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rfguide.errors import GeometryError
from rfguide.sizes import output_size, transposed_output_size
from rfguide.trace import tables
from rfguide.trace.cells import Track, attach, cell_of, is_channels_last, laid_out, track_of
from rfguide.trace.rules import Op, Operand, Run, attach_all, bound, on_meta, reduce_spans, rule, sp, united, unknown_in
from rfguide.trace.spans import Span
from rfguide.trace.tables import Table

_output_size = lru_cache(maxsize=4096)(output_size)
_transposed_size = lru_cache(maxsize=4096)(transposed_output_size)


def windowed(spans: Sequence[Span], first: int, found: Sequence[Table]) -> list[Span]:
    """Return the spans after one table along each dimension from `first` on."""
    result = []
    for span in spans:
        if not span.is_empty:
            for dim, table in enumerate(found, first):
                span = sp.gather(span, dim, table)
        result.append(span)
    return result


def _each(value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


@rule("convolution.default _convolution.default _convolution.deprecated")
def convolution(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Each output channel of a group reads a window of all input channels of that group."""
    x, weight, bias, stride, padding, dilation, is_transposed, output_padding, groups = args[:9]
    axes = weight.dim() - 2
    stride, padding, dilation = (_each(v, axes) for v in (stride, padding, dilation))
    kernel, size = weight.shape[2:], x.shape[2:]
    channels = weight.shape[0] if is_transposed else weight.shape[1] * groups
    if x.dim() != weight.dim():
        raise GeometryError(f"a map of shape {tuple(x.shape)} has {x.dim() - 2} axes; the kernel has {axes}")
    track = track_of(x) if cell_of(x) else None
    if track is not None and track.roles[1] == "b":
        raise GeometryError(
            f"a map of shape {tuple(x.shape[1:])} has no batch dimension; {(1, *x.shape[1:])} would fit"
        )
    if x.shape[1] != channels:
        raise GeometryError(f"a map of shape {tuple(x.shape)} has {x.shape[1]} channels; the kernel reads {channels}")
    if is_transposed:
        extra = _each(output_padding, axes)
        out_size = [
            _transposed_size(n, k, stride=s, padding=p, dilation=d, output_padding=e)
            for n, k, s, p, d, e in zip(size, kernel, stride, padding, dilation, extra, strict=True)
        ]
        found = [tables.transposed(*g) for g in zip(size, out_size, kernel, stride, padding, dilation, strict=True)]
        out_channels = weight.shape[1] * groups
    else:
        out_size = [
            _output_size(n, k, stride=s, padding=p, dilation=d)
            for n, k, s, p, d in zip(size, kernel, stride, padding, dilation, strict=True)
        ]
        found = [tables.window(*g) for g in zip(size, out_size, kernel, stride, padding, dilation, strict=True)]
        out_channels = weight.shape[0]
    shape = (x.shape[0], out_channels, *out_size)
    # In 3-D the kernels for the CPU do not keep channels last.
    out = laid_out(x, shape) if axes == 2 else torch.empty(shape, dtype=x.dtype, device="meta")
    cells = 1
    for n in size if is_transposed else out_size:
        cells *= n
    # Every weight is used once for each output cell (transposed: for each input cell) of every image.
    run.macs += x.shape[0] * cells * weight.numel()
    operands: list[Operand] = []
    if track is not None:
        mixed = [span if span.is_empty else mix_channels(span, x.shape, groups, out_channels) for span in track.spans]
        operands.append((out, windowed(mixed, 2, found), out.shape))
    tracks = [] if track is None else [track]
    for parameter in (weight, bias):
        # A kernel that the network makes itself.
        if parameter is not None and cell_of(parameter) is not None:
            made = track_of(parameter)
            tracks.append(made)
            is_mixed = is_transposed and parameter is weight
            if is_mixed and (any(t.blind is not None for t in found) or _varies_by_tap(made)):
                # Near the ends, and between strides, an output cell reads only some of the taps.
                raise NotImplementedError
            spans = _kernel(made, parameter, 0 if is_mixed else 1, run.because(), axes)
            operands.append((out, spans, (1, 1 if is_mixed else out_channels, *[1] * axes)))
    # Rows that were made into a batch (a convolution of each frame) stay units.
    roles = ("b" if track is None else track.roles[0], "c", *("s" for _ in range(axes)))
    if len(operands) == 1 and track is not None:
        return attach(out, Track(tuple(operands[0][1]), roles, track.unknown))
    return attach(out, Track(tuple(united(run, operands, out.shape)), roles, unknown_in(tracks)))


def _varies_by_tap(track: Track) -> bool:
    return any(span.varies(d) for span in track.spans for d in range(2, span.rank))


def _kernel(track: Track, parameter: Tensor, first: int, because: str, axes: int) -> list[Span]:
    """Return what the output channels depend on through their kernels, with one cell along each axis."""
    result = []
    for span in reduce_spans(track, range(first, parameter.dim()), parameter.shape, because):
        span = sp.squeeze(span, range(1, parameter.dim()))
        for _ in range(axes):
            span = sp.unsqueeze(span, 1)
        result.append(sp.unsqueeze(span, 0))
    return result


def mix_channels(span: Span, shape: Sequence[int], groups: int, out_channels: int) -> Span:
    """Return the span after each output channel reads all channels of its group."""
    if not span.varies(1) and not any(1 in reach.dims for reach in span.reaches):
        return span
    if groups == 1:
        return sp.reduce(span, (1,), shape, "")
    split = (shape[0], groups, shape[1] // groups, *shape[2:])
    rest = range(2, len(shape))
    span = sp.regroup(span, [([0], [0]), ([1], [1, 2]), *(([d], [d + 1]) for d in rest)], shape, split)
    span = sp.squeeze(sp.reduce(span, (2,), split, ""), (2,))
    return sp.gather(span, 1, tables.repeated(groups, out_channels // groups))


@rule(
    """max_pool2d_with_indices.default max_pool3d_with_indices.default avg_pool1d.default avg_pool2d.default
    avg_pool3d.default"""
)
def pool(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Maximum or mean of a window; with ceil_mode the last window may hang over the end."""
    values = bound(op, args, kwargs)
    x, kernel = values["self"], values["kernel_size"]
    axes = int(op._schema.name.split("pool")[1][0])
    kernel = _each(kernel, axes)
    stride = _each(values["stride"], axes) if values["stride"] not in ([], None) else kernel
    padding, dilation = _each(values["padding"], axes), _each(values.get("dilation", 1), axes)
    front = x.dim() - axes
    out: Any = None
    if op is torch.ops.aten.max_pool2d_with_indices.default and front == 2:
        out = _maxima(x, kernel, stride, padding, dilation, values["ceil_mode"])
    if out is None:
        out = on_meta(op, args, kwargs)
    first = out[0] if isinstance(out, tuple) else out
    found = [
        tables.window(*g)
        for g in zip(x.shape[front:], first.shape[front:], kernel, stride, padding, dilation, strict=True)
    ]
    track = track_of(x)
    attach_all(out, track.with_spans(windowed(track.spans, front, found)))
    if isinstance(out, tuple) and (places := cell_of(out[1])) is not None:
        geometry = zip(first.shape[front:], x.shape[front:], kernel, stride, padding, dilation, strict=True)
        places.pooled = tuple(geometry)
    return out


def _maxima(
    x: Tensor, kernel: list[int], stride: list[int], padding: list[int], dilation: list[int], ceil_mode: bool
) -> tuple[Tensor, Tensor] | None:
    """Return the maps of a common max pooling, none for others: torch's own way imports sympy, a third of a second."""
    if not _is_plain(x) or any(
        not 0 <= 2 * p <= k or s < 1 or d < 1 for k, s, p, d in zip(kernel, stride, padding, dilation, strict=True)
    ):
        return None
    try:
        size = [
            _output_size(n, k, stride=s, padding=p, dilation=d, ceil_mode=ceil_mode)
            for n, k, s, p, d in zip(x.shape[2:], kernel, stride, padding, dilation, strict=True)
        ]
    except GeometryError:
        return None  # torch says it in its own words
    maxima = laid_out(x, (*x.shape[:2], *size))
    return maxima, torch.empty_strided(maxima.shape, maxima.stride(), dtype=torch.int64, device="meta")


@rule("max_unpool2d.default max_unpool3d.default")
def max_unpool(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Maxima put back where a max pooling found them: a cell may get that of each window that it lies in."""
    values, places = args[:2]
    out = on_meta(op, args, kwargs)
    cell = cell_of(places)
    if cell is None or cell.pooled is None:
        raise NotImplementedError
    front = out.dim() - len(cell.pooled)
    if [(n, m) for n, m, *_ in cell.pooled] != list(zip(values.shape[front:], out.shape[front:], strict=True)):
        raise NotImplementedError
    found = [tables.transposed(*geometry) for geometry in cell.pooled]
    traced = [t for t in (values, places) if cell_of(t) is not None]
    operands: list[Operand] = [(t, windowed(track_of(t).spans, front, found), out.shape) for t in traced]
    tracks = [track_of(t) for t in traced]
    return attach(out, Track(tuple(united(run, operands, out.shape)), tracks[0].roles, unknown_in(tracks)))


@rule(
    """_adaptive_avg_pool2d.default _adaptive_avg_pool3d.default adaptive_max_pool2d.default
    adaptive_max_pool3d.default adaptive_avg_pool2d.default adaptive_avg_pool3d.default"""
)
def adaptive_pool(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Maximum or mean of a share of each axis; one share is the whole axis."""
    x = args[0]
    out = on_meta(op, args, kwargs)
    first = out[0] if isinstance(out, tuple) else out
    axes = int(op._schema.name[-2])
    front = x.dim() - axes
    track = track_of(x)
    spans: Sequence[Span] = track.spans
    all_of_it = [d for d in range(front, x.dim()) if first.shape[d] == 1]
    if all_of_it:
        spans = reduce_spans(track, all_of_it, x.shape, run.because())
    result = []
    for span in spans:
        for d in range(front, x.dim()):
            if d not in all_of_it:
                span = sp.gather(span, d, tables.adaptive(x.shape[d], first.shape[d]))
        result.append(span)
    return attach_all(out, track.with_spans(result))


_KINDS = {"linear1d": False, "bilinear2d": False, "trilinear3d": False, "bicubic2d": True}


def _resized(op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Return a map of the new size; torch's own way imports its compiler for means, sympy for nearest cells."""
    values = bound(op, args, kwargs)
    x = _map(values)
    size = values["output_size"]
    if size is None and values["scale_factors"] is not None:
        size = [int(n * scale) for n, scale in zip(x.shape[2:], values["scale_factors"], strict=True)]
    if size is not None and len(size) == x.dim() - 2 and all(m > 0 for m in size) and _is_plain(x):
        return laid_out(x, (*x.shape[:2], *size))
    out: Tensor = on_meta(op, args, kwargs)
    return out


def _is_plain(x: Tensor) -> bool:
    return all(x.shape) and (x.is_contiguous() or is_channels_last(x))


def _upsampled(out: Tensor, x: Tensor, made: Any) -> Tensor:
    track = track_of(x)
    found = [made(axis, x.shape[axis + 2], out.shape[axis + 2]) for axis in range(x.dim() - 2)]
    return attach(out, track.with_spans(windowed(track.spans, 2, found)))


def _real(x: Tensor) -> tables.Float:
    return np.float64 if x.dtype == torch.float64 else np.float32


def _map(values: dict[str, Any]) -> Tensor:
    x: Tensor = values["self"] if "self" in values else values["input"]
    return x


def _scales(values: dict[str, Any], axes: int) -> list[float | None]:
    if "scale_factors" in values:
        return list(values["scale_factors"] or [None] * axes)
    given = [value for name, value in values.items() if name.startswith("scales")]
    return given or [None] * axes


@rule(
    *(
        f"{name}{n}d.{o}"
        for n in (1, 2, 3)
        for name in ("upsample_nearest", "_upsample_nearest_exact")
        for o in ("default", "vec")
    )
)
def nearest(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A copy of the nearest cell."""
    values = bound(op, args, kwargs)
    x = _map(values)
    scales = _scales(values, x.dim() - 2)
    exact, axes = "exact" in op._schema.name, x.dim() - 2
    # Half precision is computed in single.
    real = torch.float64 if x.dtype == torch.float64 else torch.float32
    return _upsampled(
        _resized(op, args, kwargs),
        x,
        lambda i, n, m: tables.nearest(n, m, scales[i], exact, real, axes, is_channels_last(x)),
    )


@rule(
    *(f"upsample_{name}.{o}" for name in _KINDS for o in ("default", "vec")),
    *(f"_upsample_{name}2d_aa.{o}" for name in ("bilinear", "bicubic") for o in ("default", "vec")),
)
def interpolation(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A weighted mean of the two (cubic: four) nearest cells; antialiased, under a kernel as wide as the ratio."""
    values = bound(op, args, kwargs)
    x = _map(values)
    scales = _scales(values, x.dim() - 2)
    cubic, align = "cubic" in op._schema.name, values["align_corners"]
    real = _real(x)
    is_smooth = "_aa" in op._schema.name
    table = tables.smoothed if is_smooth else tables.interpolated
    out = _resized(op, args, kwargs)
    if is_smooth and out.shape[3] == 1 and out.shape[2] not in (1, x.shape[2]):
        # Torch gives a map of one column the windows of its first row throughout.
        raise NotImplementedError
    return _upsampled(out, x, lambda i, n, m: table(n, m, scales[i], align, cubic, real))
