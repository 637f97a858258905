"""Views and other moves of data: the spans move as the data does."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from rfguide.trace import reach as reaches
from rfguide.trace import roles as ro
from rfguide.trace import tables
from rfguide.trace.cells import Track, attach, attach_view, cell_of, like, memory_of, track_of
from rfguide.trace.roles import Roles
from rfguide.trace.rules import Op, Run, on_meta, roles_in, rule, sp, unknown_in
from rfguide.trace.spans import Span


def moved(track: Track, change: Callable[[Span], Span], rank: int, roles: Roles) -> Track:
    """Return the track after a move of data; spans that are empty only change their rank."""
    return track.with_spans([sp.empty(rank) if s.is_empty else change(s) for s in track.spans], roles)


def along(track: Track, dim: int, table: tables.Table) -> Track:
    """Return the track after each cell along one dimension reads the cells that a table says."""
    return moved(track, lambda s: sp.gather(s, dim, table), len(track.roles), track.roles)


@rule("view.default _unsafe_view.default _reshape_alias.default")
def view(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The same elements in another shape."""
    x = args[0]
    out = op(*args, **kwargs)
    return attach_view(out, x, reshaped(track_of(x), tuple(x.shape), tuple(out.shape)))


def reshaped(track: Track, old: tuple[int, ...], new: tuple[int, ...]) -> Track:
    """Return the track after a change of shape."""
    if old == new:
        return track
    if 0 in old:
        return track.with_spans([sp.empty(len(new)) for _ in track.spans], ("s",) * len(new))
    groups = sp.view_groups(old, new)
    return moved(track, lambda s: sp.regroup(s, groups, old, new), len(new), ro.regroup(track.roles, groups, old, new))


@rule("permute.default transpose.int t.default")
def permute(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Dimensions in another order."""
    x = args[0]
    out = op(*args, **kwargs)
    order = list(range(x.dim()))
    name = op._schema.name.split("::")[1]
    if name == "permute":
        order = [d % x.dim() for d in args[1]]
    elif name == "t":
        order.reverse()
    elif order:
        a, b = args[1:3]
        order[a], order[b] = order[b], order[a]
    track = track_of(x)
    roles = ro.led(tuple(track.roles[d] for d in order), out.shape)
    return attach_view(out, x, moved(track, lambda s: sp.permute(s, order), x.dim(), roles))


@rule("unsqueeze.default")
def unsqueeze(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A new dimension of one cell."""
    x, dim = args
    out = op(x, dim)
    track, d = track_of(x), dim % out.dim()
    roles = (*track.roles[:d], ro.added(track.roles, d), *track.roles[d:])
    return attach_view(out, x, moved(track, lambda s: sp.unsqueeze(s, d), out.dim(), roles))


@rule("squeeze.default squeeze.dim squeeze.dims")
def squeeze(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Dimensions of one cell leave."""
    x = args[0]
    out = op(*args)
    given = range(x.dim()) if len(args) == 1 else ([args[1]] if isinstance(args[1], int) else args[1])
    dims = {d % x.dim() for d in given if x.dim() and x.shape[d] == 1}
    track = track_of(x)
    roles = tuple(role for d, role in enumerate(track.roles) if d not in dims)
    return attach_view(out, x, moved(track, lambda s: sp.squeeze(s, sorted(dims)), out.dim(), roles))


@rule("expand.default")
def expand(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A dimension of one cell is repeated without a copy."""
    x = args[0]
    out = op(*args, **kwargs)
    track, rank = track_of(x), out.dim()
    old = (1,) * (rank - x.dim()) + tuple(x.shape)
    roles = ("s",) * (rank - x.dim()) + track.roles
    return attach_view(out, x, moved(track, lambda s: sp.expand(sp.widen(s, rank), old, out.shape), rank, roles))


@rule("alias.default detach.default _conj.default")
def alias(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The same tensor under another name."""
    out = op(*args, **kwargs)
    return attach_view(out, args[0], track_of(args[0]))


@rule("slice.Tensor")
def cut(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Every step-th cell of a range along one dimension."""
    x = args[0]
    out = op(*args, **kwargs)
    dim = (args[1] if len(args) > 1 else 0) % x.dim()
    start = args[2] if len(args) > 2 and args[2] is not None else 0
    step = args[4] if len(args) > 4 else 1
    size = x.shape[dim]
    start = max(0, start + size) if start < 0 else min(start, size)
    return attach_view(out, x, sliced(track_of(x), dim, size, start, step, out.shape[dim]))


def sliced(track: Track, dim: int, size: int, start: int, step: int, count: int) -> Track:
    """Return the track of a range of cells along one dimension."""
    if start == 0 and step == 1 and count == size:
        return track
    if count == 0:
        return track.with_spans([sp.empty(len(track.roles)) for _ in track.spans])
    return along(track, dim, tables.sliced(size, start, step, count))


@rule("split.Tensor split_with_sizes.default unsafe_split.Tensor")
def split(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Pieces along one dimension."""
    x = args[0]
    out = op(*args, **kwargs)
    dim = (kwargs.get("dim", args[2] if len(args) > 2 else 0)) % x.dim()
    track, start = track_of(x), 0
    for piece in out:
        attach_view(piece, x, sliced(track, dim, x.shape[dim], start, 1, piece.shape[dim]))
        start += piece.shape[dim]
    return out


def selected(track: Track, dim: int, size: int, index: int) -> Track:
    """Return the track of one index of a dimension, which leaves."""

    def pick(span: Span) -> Span:
        span = sp.spread(span, dim, size)
        found = tuple(reaches.selected(r, dim, size, index) for r in span.reaches)
        label = span.label
        if label is not None and label.shape[dim] > 1:
            label = label.take([index], axis=dim)
        if label is not None:
            found, label = sp.relabel(label, found)
        one = span.with_sides(lambda a, none: a.take([index], axis=dim) if a.shape[dim] > 1 else a, found, label)
        return sp.squeeze(one, [dim])

    roles = track.roles[:dim] + track.roles[dim + 1 :]
    return moved(track, pick, len(roles), roles)


@rule("select.int")
def select(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """One index of a dimension."""
    x, dim, index = args
    out = op(x, dim, index)
    d = dim % x.dim()
    return attach_view(out, x, selected(track_of(x), d, x.shape[d], index % x.shape[d]))


@rule("unbind.int")
def unbind(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Every index of a dimension, one tensor each."""
    x = args[0]
    out = op(*args, **kwargs)
    d = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % x.dim()
    track = track_of(x)
    for index, piece in enumerate(out):
        attach_view(piece, x, selected(track, d, x.shape[d], index))
    return out


@rule("""diagonal.default as_strided.default view_as_real.default view_as_complex.default real.default imag.default""")
def by_memory(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A view that is read off the memory that it shares, or a change between complex numbers and pairs."""
    x = args[0]
    out = op(*args, **kwargs)
    track, name = track_of(x), op._schema.name.split("::")[1]
    if name == "view_as_real":
        return attach(out, moved(track, lambda s: sp.unsqueeze(s, x.dim()), out.dim(), (*track.roles, "c")))
    if name == "view_as_complex":
        last = x.dim() - 1
        if any(span.varies(last) for span in track.spans):
            # The parts of the number depend on different cells; they cannot be told apart again.
            raise NotImplementedError
        return attach(
            out, moved(track, lambda s: sp.squeeze(sp.reduce(s, [last], x.shape, ""), [last]), last, track.roles[:-1])
        )
    if name in ("real", "imag"):
        return attach(out, track)
    memory = memory_of(x)
    roles = track.roles if out.dim() == x.dim() else tuple(_role(x, track.roles, *own) for own in geometry(out))
    return attach_view(out, x, memory.read(out, roles))


def geometry(x: Tensor) -> list[tuple[int, int]]:
    """Return size and stride of each dimension."""
    return list(zip(x.shape, x.stride(), strict=True))


def _role(x: Tensor, roles: Roles, size: int, stride: int) -> ro.Role:
    """Return the role of the dimension that has this size and stride; units if there is none."""
    found = [role for role, own in zip(roles, geometry(x), strict=True) if own == (size, stride)]
    return found[0] if found else "s"


@rule("cat.default")
def concatenate(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Tensors one after another along a dimension."""
    pieces = [t for t in args[0] if tuple(t.shape) != (0,)]
    dim = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % pieces[0].dim()
    shape = _joined_shape(pieces, dim)
    # As for a Linear layer: the shape by hand where it is plain.
    out = on_meta(op, args, kwargs) if shape is None else torch.empty(shape, dtype=pieces[0].dtype, device="meta")
    return attach(out, joined(pieces, dim))


def _joined_shape(pieces: Sequence[Tensor], dim: int) -> list[int] | None:
    """Return the shape of tensors one after another; None if they differ otherwise, or are laid out in other ways."""
    first = pieces[0]
    shape = list(first.shape)
    shape[dim] = sum(piece.shape[dim] for piece in pieces if piece.dim() == first.dim())
    for piece in pieces:
        others = [*piece.shape[:dim], *piece.shape[dim + 1 :]]
        if piece.dtype != first.dtype or others != [*shape[:dim], *shape[dim + 1 :]]:
            return None
        # Four or five dimensions keep channels last if they come so.
        if piece.dim() in (4, 5) and not piece.is_contiguous() and piece.stride(1) <= piece.stride(-1):
            return None
    return shape


def joined(pieces: Sequence[Tensor], dim: int) -> Track:
    """Return the track of tensors one after another."""
    tracks = [track_of(t) if cell_of(t) is not None else None for t in pieces]
    traced = [track for track in tracks if track is not None]
    sizes = [t.shape[dim] for t in pieces]
    rank = pieces[0].dim()
    spans = []
    for axis in range(len(traced[0].spans)):
        found = [sp.empty(rank) if track is None else track.spans[axis] for track in tracks]
        spans.append(found[0] if all(s.is_empty for s in found) else sp.concatenate(found, dim, sizes))
    return Track(tuple(spans), roles_in(traced), unknown_in(traced))


@rule("stack.default")
def stack(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Tensors side by side along a new dimension."""
    out = on_meta(op, args, kwargs)
    dim = (args[1] if len(args) > 1 else kwargs.get("dim", 0)) % out.dim()
    pieces = []
    for x in args[0]:
        piece = torch.empty([*x.shape[:dim], 1, *x.shape[dim:]], device="meta")
        if cell_of(x) is not None:
            track = track_of(x)
            roles = (*track.roles[:dim], "s", *track.roles[dim:])
            attach(piece, moved(track, lambda s: sp.unsqueeze(s, dim), out.dim(), roles))
        pieces.append(piece)
    return attach(out, joined(pieces, dim))


@rule("flip.default roll.default")
def turned(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """Cells in reverse order, or moved on with the last ones to the front."""
    x = args[0]
    out = like(x)
    track = track_of(x)
    if "flip" in op._schema.name:
        found = [(d % x.dim(), tables.move(range(x.shape[d])[::-1], x.shape[d], None)) for d in args[1]]
    else:
        shifts, dims = list(args[1]), list(args[2] if len(args) > 2 else [])
        if not dims:
            flat = reshaped(track, tuple(x.shape), (x.numel(),))
            table = tables.rolled(x.numel(), shifts[0])
            back = reshaped(along(flat, 0, table), (x.numel(),), tuple(x.shape))
            out = torch.empty(x.shape, dtype=x.dtype, device="meta")
            return attach(out, back.with_spans(back.spans, track.roles))
        found = [(d % x.dim(), tables.rolled(x.shape[d], n)) for n, d in zip(shifts, dims, strict=True)]
    for d, table in found:
        track = along(track, d, table)
    return attach(out, track)


@rule("repeat.default")
def repeat(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The whole tensor several times along each dimension."""
    x, times = args
    out = on_meta(op, args, kwargs)
    rank = out.dim()
    track = track_of(x)
    shape = (1,) * (rank - x.dim()) + tuple(x.shape)

    def change(span: Span) -> Span:
        span = sp.widen(span, rank)
        for d, n in enumerate(times):
            if n > 1:
                span = sp.gather(span, d, tables.move(list(range(shape[d])) * n, shape[d], None))
        return span

    return attach(out, moved(track, change, rank, ("s",) * (rank - x.dim()) + track.roles))


@rule("constant_pad_nd.default")
def pad(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """A constant around the cells; a negative number takes cells away."""
    x, numbers = args[:2]
    out = on_meta(op, args, kwargs)
    track = track_of(x)
    for i in range(len(numbers) // 2):
        d = x.dim() - 1 - i
        if numbers[2 * i] or numbers[2 * i + 1]:
            table = tables.sliced(x.shape[d], -numbers[2 * i], 1, out.shape[d])
            track = along(track, d, table)
    return attach(out, track)


@rule(*(f"{kind}_pad{n}d.default" for kind in ("reflection", "replication") for n in (1, 2, 3)))
def pad_with_cells(run: Run, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Tensor:
    """The cells near an end, mirrored or repeated beyond it."""
    x, numbers = args
    out = on_meta(op, args, kwargs)
    make = tables.mirrored if "reflection" in op._schema.name else tables.replicated
    track = track_of(x)
    for i in range(len(numbers) // 2):
        d = x.dim() - 1 - i
        table = make(x.shape[d], numbers[2 * i], numbers[2 * i + 1])
        track = along(track, d, table)
    return attach(out, track)
