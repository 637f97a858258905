"""Normalisation: statistics over whole axes make a map global, unless running statistics stand in for them."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rfguide.errors import GeometryError
from rfguide.trace.cells import Track, attach, cell_of, laid_out, track_of
from rfguide.trace.roles import unit_dims
from rfguide.trace.rules import Op, Operand, Run, reduce_spans, rule, sp, united, unknown_in
from rfguide.trace.spans import Span


def _with_affine(
    run: Run, out: Tensor, track: Track, spans: Sequence[Span], affine: Sequence[Tensor | None], dim: int
) -> Track:
    """Take in a scale and a shift that the network makes itself; their last dimension lies along `dim`."""
    made = [p for p in affine if p is not None and cell_of(p) is not None]
    if not made:
        return track.with_spans(spans)
    operands: list[Operand] = [(out, spans, out.shape)]
    for p in made:
        behind = [1] * (out.dim() - 1 - dim)
        moved = []
        for span in track_of(p).spans:
            for _ in behind:
                span = sp.unsqueeze(span, span.rank)
            moved.append(span)
        operands.append((p.reshape([*p.shape, *behind]), moved, [*p.shape, *behind]))
    both = [track, *map(track_of, made)]
    return Track(tuple(united(run, operands, out.shape)), track.roles, unknown_in(both))


@rule(
    """native_batch_norm.default _native_batch_norm_legit.default _native_batch_norm_legit.no_stats
    _native_batch_norm_legit_functional.default _native_batch_norm_legit_no_training.default
    _batch_norm_with_update.default _batch_norm_no_update.default cudnn_batch_norm.default"""
)
def batch_norm(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """In evaluation a scale per channel; in training mean and variance of the whole batch come in."""
    x, weight, bias = args[:3]
    name = op._schema.name
    if "no_training" in name or "no_update" in name:
        training = False
    elif "with_update" in name:
        training = True
    else:
        training = bool(args[3] if op._overloadname == "no_stats" else args[5])
    for parameter in (weight, bias):
        if parameter is not None and parameter.shape[0] != x.shape[1]:
            raise GeometryError(
                f"a map of shape {tuple(x.shape)} has {x.shape[1]} channels; the norm has {parameter.shape[0]}"
            )
    track = track_of(x) if cell_of(x) is not None else run.nothing(x)
    spans: Sequence[Span] = track.spans
    if training:
        if run.ignore_global:
            run.ignored()
        else:
            spans = reduce_spans(track, [0, *range(2, x.dim())], x.shape, run.because())
    out = laid_out(x, x.shape)
    attach(out, _with_affine(run, out, track, spans, (weight, bias), 1))
    rest = [d for d in range(x.dim()) if d != 1]
    statistics = _statistics(run, track, rest, x.shape, [x.shape[1]] if training else [0], rest)
    return (out, *(statistics() for _ in op._schema.returns[1:]))


def _statistics(
    run: Run, track: Track, dims: Sequence[int], old: Sequence[int], new: Sequence[int], gone: Sequence[int]
) -> Callable[[], Tensor]:
    """Return what makes a mean or a deviation over some dimensions; those that are gone leave the tensor."""
    spans = [sp.squeeze(span, gone) for span in reduce_spans(track, dims, old, run.because())]
    roles = tuple(role for d, role in enumerate(track.roles) if d not in gone)
    return lambda: attach(torch.empty(new, device="meta"), track.with_spans(spans, roles))


@rule("native_group_norm.default")
def group_norm(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Mean and variance over the channels of a group and over all axes."""
    x, weight, bias, _, _, _, groups, _ = args
    track = track_of(x) if cell_of(x) is not None else run.nothing(x)
    out = laid_out(x, x.shape)
    shape = (x.shape[0], groups, x.shape[1] // groups, *x.shape[2:])
    rest, inside = range(2, x.dim()), range(2, len(shape))
    split = [([0], [0]), ([1], [1, 2]), *(([d], [d + 1]) for d in rest)]
    merge = [([0], [0]), ([1, 2], [1]), *(([d + 1], [d]) for d in rest)]
    apart = [sp.regroup(span, split, x.shape, shape) for span in track.spans]
    means = [sp.reduce(span, inside, shape, run.because()) for span in apart]
    spans: Sequence[Span]
    if run.ignore_global:
        run.ignored()
        spans = track.spans
    else:
        spans = [sp.regroup(span, merge, shape, x.shape) for span in means]
    attach(out, _with_affine(run, out, track, spans, (weight, bias), 1))
    # A dimension of channels in groups, and the cells within them, are gone from the statistics.
    spans = [sp.squeeze(span, inside) for span in means]
    return out, *(attach(torch.empty(shape[:2], device="meta"), track.with_spans(spans, ("b", "c"))) for _ in "12")


@rule("native_layer_norm.default _fused_rms_norm.default")
def layer_norm(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Mean and variance over the last dimensions: channels alone, or space as well."""
    x, normalized = args[0], args[1]
    if list(x.shape[x.dim() - len(normalized) :]) != list(normalized):
        raise GeometryError(f"a map of shape {tuple(x.shape)} does not end in the norm's {tuple(normalized)}")
    track = track_of(x) if cell_of(x) is not None else run.nothing(x)
    dims = range(x.dim() - len(normalized), x.dim())
    spans: Sequence[Span] = track.spans
    if run.ignore_global and set(dims) & set(unit_dims(track.roles)):
        run.ignored()
    else:
        spans = reduce_spans(track, dims, x.shape, run.because())
    out = torch.empty(x.shape, dtype=x.dtype, device="meta")
    affine = [p for p in args[2:4] if isinstance(p, Tensor)]
    attach(out, _with_affine(run, out, track, spans, affine, x.dim() - 1))
    shape = [*x.shape[: dims.start], *(1 for _ in dims)]
    statistics = _statistics(run, track, dims, x.shape, shape, ())
    return (out, *(statistics() for _ in op._schema.returns[1:]))
