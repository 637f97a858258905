"""The table of rules: what each op of torch means for spans. The modules `rules_*` fill it.

A rule takes the run, the op and its arguments, and returns the op's output on the meta device with its
track attached. Nothing is computed on data: an op's own meta kernel, or a formula here, gives the shape.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from rfguide.trace import roles as ro
from rfguide.trace import spans as sp
from rfguide.trace.cells import Track, attach, cell_of, plain, track_of
from rfguide.trace.roles import Roles
from rfguide.trace.spans import Span


class Run(Protocol):
    """What a rule may ask of the run."""

    ignore_global: bool
    macs: int

    def because(self) -> str:
        """Name the call that is being made, for `global_because`."""

    def nothing(self, tensor: Tensor) -> Track:
        """Return the track of a constant."""

    def ignored(self) -> None:
        """Note that the call that is being made was read as element-wise."""


Op = Any
Rule = Callable[[Run, Op, Sequence[Any], dict[str, Any]], Any]
RULES: dict[Op, Rule] = {}


def ops(name: str) -> list[Op]:
    """Return the overloads that a name stands for: "relu.default", or "sum" for all that return new tensors."""
    packet = getattr(torch.ops.aten, name.split(".")[0], None)
    if packet is None:
        return []
    if "." in name:
        overload = name.split(".")[1]
        return [getattr(packet, overload)] if overload in packet.overloads() else []
    found = [getattr(packet, overload) for overload in packet.overloads()]
    return [op for op in found if not op._schema.is_mutable]


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Enter a rule in the table under names of ops, several in a string; those that torch lacks are passed over."""

    def enter(function: Rule) -> Rule:
        for name in " ".join(names).split():
            for op in ops(name):
                RULES[op] = function
        return function

    return enter


def bound(op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return an op's arguments by name, defaults filled in."""
    parameters = op._schema.arguments
    values = {p.name: p.default_value for p in parameters if p.has_default_value()}
    values.update(zip((p.name for p in parameters), args, strict=False))
    values.update(kwargs)
    return values


def tensors(args: Iterable[Any]) -> Iterator[Tensor]:
    """Yield the tensors among an op's arguments, those in lists too."""
    for arg in args:
        if isinstance(arg, Tensor):
            yield arg
        elif isinstance(arg, list | tuple):
            yield from tensors(arg)


def is_traced(value: object) -> bool:
    """Whether a value is a tensor that depends on an input."""
    return isinstance(value, Tensor) and cell_of(value) is not None


def on_meta(op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call an op's meta kernel for the shape of its output."""

    def swap(value: Any) -> Any:
        if isinstance(value, Tensor):
            return plain(value)
        if isinstance(value, list | tuple):
            return type(value)(swap(v) for v in value)
        return value

    if kwargs:
        kwargs = {k: torch.device("meta") if k == "device" else swap(v) for k, v in kwargs.items()}
    return op(*[swap(arg) for arg in args], **kwargs)


def attach_all(out: Any, track: Track) -> Any:
    """Attach one track to every tensor of an output of one shape."""
    for tensor in tensors([out]):
        attach(tensor, track.with_spans(track.spans))  # each its own: a map is known by its track
    return out


Operand = tuple[Tensor, Sequence[Span], Sequence[int]]


def united(run: Run, operands: Sequence[Operand], shape: Sequence[int]) -> list[Span]:
    """Return the union of operands broadcast to one shape; each is a tensor, its spans and their shape."""
    rank = len(shape)
    result = []
    for axis in range(len(operands[0][1])):
        found = []
        for tensor, spans, old in operands:
            span = spans[axis]
            if span.is_empty:
                continue
            span = sp.widen(span, rank)
            if tuple(old) != tuple(shape):
                span = sp.expand(span, (1,) * (rank - len(old)) + tuple(old), shape)
            found.append((tensor, span))
        if run.ignore_global and len(found) > 1:
            found = _without_gates(run, found, rank)
        result.append(sp.merge([span for _, span in found]) if found else sp.empty(rank))
    return result


def _without_gates(run: Run, found: list[tuple[Tensor, Span]], rank: int) -> list[tuple[Tensor, Span]]:
    """Leave out what is global and the same for all units, where another operand is local."""
    local = {d for _, span in found for r in span.reaches for d in r.dims}
    if not local:
        return found
    kept = [pair for pair in found if not (_is_whole(pair[1]) and _is_repeated(pair[0], rank, local))]
    if not kept or len(kept) == len(found):
        return found
    run.ignored()
    return kept


def _is_whole(span: Span) -> bool:
    return all(reach.whole for reach in span.reaches)


def _is_repeated(tensor: Tensor, rank: int, dims: Iterable[int]) -> bool:
    more = rank - tensor.dim()
    return all(d < more or tensor.shape[d - more] == 1 or tensor.stride(d - more) == 0 for d in dims)


def elementwise(run: Run, operands: Iterable[Tensor], shape: Sequence[int]) -> Track:
    """Return the track of an element-wise op: each element depends on what its operands depend on."""
    traced = [tensor for tensor in operands if cell_of(tensor) is not None]
    tracks = [track_of(tensor) for tensor in traced]
    if len(traced) == 1 and tuple(traced[0].shape) == tuple(shape):
        return tracks[0]
    spans = united(
        run,
        [(tensor, track.spans, tensor.shape) for tensor, track in zip(traced, tracks, strict=True)],
        shape,
    )
    return Track(tuple(spans), _roles(traced, tracks, shape), unknown_in(tracks))


def _roles(traced: Sequence[Tensor], tracks: Sequence[Track], shape: Sequence[int]) -> Roles:
    rank = len(shape)
    best = max(range(len(traced)), key=lambda i: (depends(tracks[i]), traced[i].dim(), traced[i].numel()))
    return ("s",) * (rank - traced[best].dim()) + tracks[best].roles


def depends(track: Track) -> bool:
    """Whether a track follows any cell: what the dimensions of a constant without values stand for is but a guess."""
    return not all(span.is_empty for span in track.spans)


def roles_in(tracks: Sequence[Track]) -> Roles:
    """Return the roles of the first track that depends on an input."""
    return next(filter(depends, tracks), tracks[0]).roles


def unknown_in(tracks: Iterable[Track]) -> str:
    """Return the first op among the tracks that rfguide does not know."""
    return next((track.unknown for track in tracks if track.unknown), "")


def reduce_spans(track: Track, dims: Sequence[int], shape: Sequence[int], because: str) -> list[Span]:
    """Return the spans after a sum over dimensions that stay with one cell."""
    return [span if span.is_empty else sp.reduce(span, dims, shape, because) for span in track.spans]


def wrap(dims: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """Return dimensions counted from the front; none given are all."""
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        return tuple(range(rank))
    if isinstance(dims, int):
        dims = [dims]
    return tuple(sorted({d % rank if rank else 0 for d in dims}))


__all__ = ["RULES", "Op", "Rule", "Run", "ro", "rule", "sp"]
