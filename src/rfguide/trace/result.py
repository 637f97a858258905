"""What a trace gives back: a `Trace`, which holds a `Map` for every call."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from math import prod
from operator import index
from typing import Any

import numpy as np
import torch

from rfguide.errors import GeometryError, TraceError
from rfguide.fields import ReceptiveField
from rfguide.forms import Form, hull
from rfguide.trace import table
from rfguide.trace.cells import Track
from rfguide.trace.inputs import Axis
from rfguide.trace.reach import NOTHING, Reach, joined, over_dimension, united
from rfguide.trace.roles import unit_dims
from rfguide.trace.spans import Array, Sides, Span, pooled

Region = tuple[int, int]


class Map:
    """One feature map: what a call returned, and which input cells each of its units depends on.

    A *unit* is one place of the map, over all its channels. Its index has one number for each dimension
    that is neither batch nor channels: (row, column) in a map of shape (N, C, H, W), one number in a
    sequence of tokens (N, L, C), none in the scores of a classifier (N, K).

    All per-axis results follow the axes of one input, `input_name`; `seen_from` chooses another.

    Attributes:
        name: The call's name in the trace.
        op: The module's class, or the function's name.
        shape: The tensor's shape.
        params: Parameters of the module, its children's included; 0 for a function.
        macs: Multiplications of the call, each with one addition.
        dtype: The type of its numbers.
        nbytes: Bytes that the tensor takes.
        input_name: The input whose axes the results follow.
        inputs: The inputs that the map depends on.
        sources: The calls, and inputs of the model, whose results went in; empty for a call that gave back what
            it was given. Functions that only move data (`flatten`) are looked through.
        is_move: Whether the call is such a function.
        unit_dims: The dimensions of the tensor that a unit's index counts.
    """

    def __init__(
        self,
        name: str,
        op: str,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        track: Track,
        axes: Sequence[Axis],
        *,
        params: int = 0,
        macs: int = 0,
        is_move: bool = False,
        sources: tuple[str, ...] = (),
        input_name: str = "",
    ) -> None:
        self.name, self.op, self.shape, self.params, self.macs = name, op, shape, params, macs
        self.is_move, self.sources = is_move, sources
        self.nbytes = torch.Size(shape).numel() * dtype.itemsize
        self.dtype, self._track, self._axes = dtype, track, tuple(axes)
        seen = dict.fromkeys(a.input for a, s in zip(self._axes, track.spans, strict=True) if not s.is_empty)
        self.inputs: tuple[str, ...] = tuple(seen)
        self.input_name = input_name or next(iter(seen), self._axes[0].input)
        self._mine: list[tuple[Axis, Span]] = [
            (a, s) for a, s in zip(self._axes, track.spans, strict=True) if a.input == self.input_name
        ]
        self.unit_dims = unit_dims(track.roles)

    def seen_from(self, input: str) -> "Map":
        """Return the same map with its results along the axes of another input.

        Raises:
            TraceError: If the model has no such input, or none of its axes is followed.
        """
        names = list(dict.fromkeys(axis.input for axis in self._axes))
        if input not in names:
            raise TraceError(f"{input=} is not among the inputs that are followed: {', '.join(names)}")
        return Map(
            self.name, self.op, self.shape, self.dtype, self._track, self._axes,
            params=self.params, macs=self.macs, is_move=self.is_move, sources=self.sources, input_name=input,
        )  # fmt: skip

    @property
    def units(self) -> tuple[int, ...]:
        """How many units there are along each dimension that a unit's index counts."""
        return tuple(self.shape[d] for d in self.unit_dims)

    def visible(self, unit: int | Sequence[int], *, input: str | None = None) -> tuple[Region | None, ...]:
        """Return the first and the last input cell that a unit really depends on, along each axis.

        Exact, over all channels, inside the input: padding is no cell. Both cells count, from 0. None stands
        where the unit depends on no input cell. Between the two there may be holes (dilation).

        Args:
            unit: The index of the unit, one number for each of `units`; an integer will do for one.
            input: An input of a model that has several; `input_name` unless given.

        Raises:
            GeometryError: If the map has no such unit.
            TypeError: If the unit is no index.
        """
        if input is not None and input != self.input_name:
            return self.seen_from(input).visible(unit)
        place = self._place(unit)
        return tuple(_region(span, place) for _, span in self._mine)

    def _place(self, unit: int | Sequence[int]) -> dict[int, int]:
        wanted = f"an index of {len(self.unit_dims)} integers" if len(self.unit_dims) != 1 else "an integer"
        given: Sequence[Any] = unit if isinstance(unit, tuple | list | torch.Size) else (unit,)
        try:
            if any(isinstance(u, bool) for u in given):
                raise TypeError
            numbers = [index(u) for u in given]
        except TypeError:
            raise TypeError(f"unit={given!r} must be {wanted}") from None
        if len(numbers) != len(self.unit_dims):
            raise GeometryError(f"unit={tuple(numbers)} must be {wanted}: {self.name} has {self.units} units")
        for u, n in zip(numbers, self.units, strict=True):
            if u not in range(n):
                raise GeometryError(f"unit={tuple(numbers)} is outside {self.name}, which has {self.units} units")
        return dict(zip(self.unit_dims, numbers, strict=True))

    @property
    def size(self) -> tuple[int | None, ...]:
        """Size of the receptive field along each axis, in input cells, before clipping: the largest of its phases.

        On an axis where an op is global (`global_because`): the most that a unit really sees, the input's own length
        unless cells are left out before. Where branches of different effective strides meet, the largest among the
        map's own units. None where no closed form describes the field, or it depends on no cell.
        """
        return tuple(self._size(axis, span) for axis, span in self._mine)

    def _size(self, axis: Axis, span: Span) -> int | None:
        if self.unknown:
            return None
        sizes: list[int] = []
        for reach in self._reaches(span):
            if reach.whole:
                sizes.append(self._widest(axis, span))
            elif reach.unknown is not None:
                return None
            elif len(reach.parts) == 1:
                sizes.append(reach.parts[0].form.size)
            elif reach.parts:
                dims = {d for part in reach.parts for d, _, _ in part.digits}
                counted = self._counted(reach)
                if counted is None or len(dims) != 1:
                    return None
                (dim,) = dims
                hulls = (hull([form.region(u if d >= 0 else 0) for d, form in counted]) for u in range(self.shape[dim]))
                sizes += [last - first + 1 for first, last in filter(None, hulls)]
                # Padding that mirrors cells brings in those of other units, which may see more.
                sizes.append(self._widest(axis, span))
        return max(sizes, default=None)

    def _counted(self, reach: Reach) -> list[tuple[int, Form]] | None:
        """Return the forms of a reach, each with the dimension that counts its units (-1: it is unit 0 for all)."""
        result = []
        for part in reach.parts:
            d = part.digits[0][0] if part.digits else -1
            form = over_dimension(part, d, self.shape[d]) if part.digits else part.form
            if form is None:
                return None
            result.append((d, form))
        return result

    def region(self, unit: int | Sequence[int]) -> tuple[Region | None, ...]:
        """Return a unit's field along each axis before clipping, by the closed form; cells may lie outside the input.

        Each axis by itself: what units at this place along it see, wherever they are along the others. Only where a
        branch leaves out rows or columns (a transposed convolution with gaps) may the unit itself see less.
        None where no closed form describes it (`size` is None), or it sees nothing. Where an op is global: `visible`.

        Raises:
            GeometryError: If the map has no such unit.
            TypeError: If the unit is no index.
        """
        place = self._place(unit)
        return tuple(self._region(span, place) for _, span in self._mine)

    def _region(self, span: Span, place: dict[int, int]) -> Region | None:
        (reach, *others) = self._reaches(span)
        if self.unknown or others:
            return None
        if reach.whole:
            return _region(span, place)
        counted = self._counted(reach) if reach.unknown is None else None
        return hull([form.region(place[d] if d >= 0 else 0) for d, form in counted]) if counted else None

    @property
    def fields(self) -> tuple[ReceptiveField | None, ...]:
        """The `ReceptiveField` along each axis; None where units do not share one.

        That is so where the map is global, and where units take turns (`phases`).
        """
        return tuple(p[0] if p and len(p) == 1 else None for p in self.phases)

    @property
    def phases(self) -> tuple[tuple[ReceptiveField | None, ...], ...]:
        """The fields of one period along each axis: unit u covers `phases[u % p].region(u // p)`, p of them.

        One where all units share a field; several after upsampling; None among them is a unit that sees
        nothing. Empty where no closed form counts units along one dimension of the map.
        """
        return tuple(form.fields if (form := self._form(span)) else () for _, span in self._mine)

    def _form(self, span: Span) -> Form | None:
        (reach, *others) = self._reaches(span)
        if self.unknown or others or reach.whole or reach.unknown is not None or len(reach.parts) != 1:
            return None
        (part,) = reach.parts
        if not part.digits:
            # One unit was picked out: the form is its own, and says nothing of others.
            return part.form if prod(self.units) == 1 else None
        d = part.digits[0][0]
        return over_dimension(part, d, self.shape[d])

    @property
    def is_global(self) -> bool:
        """Whether every unit sees the whole image because an op on the way is global: pooling, attention, Linear.

        Not if cells are left out before: by a crop, or by a window that no longer fits at the end.
        """
        return all(
            all(r.whole for r in self._reaches(span)) and self._sees_all(axis, span) for axis, span in self._mine
        )

    def _sees_all(self, axis: Axis, span: Span) -> bool:
        lo, hi = self._ends(axis, span)
        return bool((lo == 0).all() and (hi == axis.size - 1).all())

    def _widest(self, axis: Axis, span: Span) -> int:
        lo, hi = self._ends(axis, span)
        return int((hi - lo).max()) + 1

    def _ends(self, axis: Axis, span: Span) -> Sides:
        """Return the first and the last cell of every unit, over all channels."""
        others = tuple(d for d in range(span.rank) if d not in self.unit_dims)
        lows = [lo.min(axis=others, keepdims=True) for lo, _ in span.pieces]
        highs = [hi.max(axis=others, keepdims=True) for _, hi in span.pieces]
        # One piece that sees an end everywhere will do: the others need not be laid over it.
        lo = next((low for low in lows if not low.max()), None)
        hi = next((high for high in highs if high.min() == axis.size - 1), None)
        return reduce(np.minimum, lows) if lo is None else lo, reduce(np.maximum, highs) if hi is None else hi

    def _reaches(self, span: Span) -> list[Reach]:
        """Return the closed forms of the units, each united over channels: one, or several if units differ in kind."""
        others = [d for d in range(span.rank) if d not in self.unit_dims]
        if span.label is not None and any(span.label.shape[d] > 1 for d in self.unit_dims):
            found, _ = pooled(span.reaches, span.label, tuple(others))
        else:
            result = NOTHING
            for reach in span.reaches:
                result = joined(result, reach)
            found = (result,)
        return [united(reach, others, self.shape) for reach in found]

    @property
    def global_because(self) -> str:
        """The call that made the map global along an axis; "" if none did."""
        found = (r.because for _, span in self._mine for r in self._reaches(span) if r.whole)
        return next(found, "")

    @property
    def unknown(self) -> str:
        """The op that was read as global because rfguide does not know it; "" if all are known."""
        return self._track.unknown

    def __repr__(self) -> str:
        return f"<Map {self.name!r}: {self.op}, shape {self.shape}, size {self.size}>"


def _region(span: Span, place: dict[int, int]) -> Region | None:
    def at(side: Array) -> Array:
        """Return the cells of all channels of the unit."""
        found: Array = side[
            tuple((place[d] if n > 1 else 0) if d in place else slice(None) for d, n in enumerate(side.shape))
        ]
        return found

    lo, hi = (min(int(at(lo).min()) for lo, _ in span.pieces), max(int(at(hi).max()) for _, hi in span.pieces))
    return (lo, hi) if lo <= hi else None


class Trace(Mapping[str, Map]):
    """The maps of a model, by the names of the calls that returned them, in order of completion.

    `print(t)` is a table. A call that returned several tensors has one map for each, "lstm[0]", "lstm[1]";
    its bare name stands for the first.

    Attributes:
        output: The map that the model returned (the first of several); with `until`, the last one traced.
        outputs: All maps that the model returned.
        ignored: The calls that `ignore_global` read as element-wise.
        with_gates: With `ignore_global`, the trace that takes those calls as they are; else None.
    """

    def __init__(
        self,
        maps: Sequence[Map],
        outputs: Sequence[Map],
        *,
        model: str,
        axes: Sequence[Axis],
        params: int,
        macs: int,
        ignored: Sequence[str] = (),
        with_gates: "Trace | None" = None,
    ) -> None:
        self._maps = {m.name: m for m in maps}
        self.outputs = tuple(outputs)
        self.model, self.axes, self.params, self.macs = model, tuple(axes), params, macs
        self.ignored, self.with_gates = tuple(ignored), with_gates

    @property
    def output(self) -> Map:
        """The map that the model returned."""
        return self.outputs[0]

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that are followed."""
        return tuple(dict.fromkeys(axis.input for axis in self.axes))

    def __getitem__(self, name: str) -> Map:
        try:
            return self._maps[name]
        except (KeyError, TypeError):
            pass
        first = self._first(name) if isinstance(name, str) else None
        if first is not None:
            return first
        near = get_close_matches(str(name), self._maps, 3, 0.5)
        near += [n for n in self._maps if str(name) and str(name) in n and n not in near][: 3 - len(near)]
        hint = f"; near it: {', '.join(near)}" if near else f"; the first is {next(iter(self._maps), 'none')}"
        raise KeyError(f"no call is named {name!r} among {len(self._maps)}{hint}")

    def _first(self, name: str) -> Map | None:
        """Return the first of several maps of a call, by its bare name."""
        return next((m for n, m in self._maps.items() if n.startswith(f"{name}[")), None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._maps)

    def __len__(self) -> int:
        return len(self._maps)

    def __contains__(self, name: object) -> bool:
        # The calls that `__getitem__` finds, a bare name of several tensors too.
        return isinstance(name, str) and (name in self._maps or self._first(name) is not None)

    def __str__(self) -> str:
        return table.text(self)

    def __repr__(self) -> str:
        return f"<Trace of {self.model}: {len(self)} maps>"

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of the table, as plain values: what `to_json` and `to_csv` write."""
        return table.rows(self)

    def to_markdown(self) -> str:
        """Return the table as Markdown."""
        return table.markdown(self)

    def to_json(self) -> str:
        """Return the rows as a JSON array of objects."""
        return table.json_text(self)

    def to_csv(self) -> str:
        """Return the rows as CSV with a header line."""
        return table.csv_text(self)
