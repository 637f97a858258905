"""`check`: what `trace` computes, held against what the NaN probe measures."""

import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from rfguide.errors import at_least
from rfguide.probe.columns import Wrong, compared
from rfguide.probe.feed import Feed, feed, untouched
from rfguide.probe.nans import Progress, is_nan, measure, planted
from rfguide.probe.units import at_unit
from rfguide.probe.watch import OUTPUT, Done, run
from rfguide.trace import Map, Trace, trace

# Which cells become NaN: an input, one of its dimensions, the first cell and the one after the last.
_Planting = tuple[str, int, int, int]
# A map and a unit on it.
_Place = tuple[str, tuple[int, ...]]
# What a map says that its tensor shows without a NaN.
_OF_RUN: dict[str, Callable[[Map, Tensor], tuple[int, ...]]] = {
    "shape": lambda one, tensor: tuple(tensor.shape),
    "units": lambda one, tensor: tuple(tensor.shape[dim] for dim in one.unit_dims),
}


@dataclass(frozen=True)
class Difference:
    """A number on which computing and measuring disagree.

    Attributes:
        name: The map, as `trace` names it.
        unit: The unit on it; none for what is said of the map as a whole.
        input: The input whose cells are meant.
        traced: What the column says.
        measured: What the NaN probe measures; None if a run on real values makes no such call.
        column: Which number it is: "visible", or a column of the table: "size", "stride", "padding", "region",
            "is_global", "shape", "units".
    """

    name: str
    unit: tuple[int, ...]
    input: str
    traced: object
    measured: object
    column: str = "visible"

    def __str__(self) -> str:
        if self.measured is None:
            return f"{self.name}: trace lists this call, but a run on real values makes no such call"
        if self.column in _OF_RUN:
            return f"{self.name}: trace says {self.column} {self.traced}, a run on real values gives {self.measured}"
        if self.column != "visible":
            return (
                f"{self.name}, unit {self.unit}: trace says {self.column} {self.traced}, "
                f"the NaN probe measures {self.measured}"
            )
        return (
            f"{self.name}, unit {self.unit}: trace says cells {self.traced} of {self.input}, "
            f"the NaN probe measures {self.measured}"
        )


@dataclass(frozen=True)
class Report:
    """What a check has found; prints as one line, and is true if trace and probe agree: `assert check(…)`.

    Attributes:
        maps: Number of maps that were compared.
        units: Number of units that were compared, on all maps.
        passes: Forward passes that it took.
        difference: The first in the order of the calls, None if there is none.
        uncompared: Maps whose size, stride and padding could not be compared along all axes: on this input no
            neighbours in the middle are clear of every border, or one number of a unit counts along both axes (tokens).
    """

    maps: int
    units: int
    passes: int
    difference: Difference | None = None
    uncompared: int = 0

    @property
    def agrees(self) -> bool:
        """Whether trace and probe say the same of all units."""
        return self.difference is None

    def __bool__(self) -> bool:
        return self.agrees

    def __str__(self) -> str:
        if self.difference is not None:
            return str(self.difference)
        text = f"trace and the NaN probe agree on {self.units} units of {self.maps} maps ({self.passes} forward passes)"
        if self.uncompared:
            text += f"; size, stride and padding of {self.uncompared} of them could not be compared on this input"
        return text


def check(
    model: nn.Module,
    input_size: Any,
    *,
    samples: int = 3,
    layers: Iterable[str] | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Hold `trace` against the NaN probe, on units of every map of a model.

    For each unit, `trace` says which input cells are the first and the last that it depends on. NaN in all
    cells up to the first must reach it and in all cells before the first must not; likewise from the other
    end. Units of all maps share the forward passes.

    The columns of the table are compared as well: shape and units with the tensors of a run; size, stride, padding
    and `region` with what neighbours in the middle of the map see, if the input is large enough that no border
    cuts what they see (`Report.uncompared` counts the maps where it is not); "all" with every sampled unit.

    Both may be right and yet differ: NaN shows structure, and is swallowed by some ops (see `nan`).

    Args:
        model: Any module; it runs in the mode it is in and comes back as it was.
        input_size: As for `trace`.
        samples: Units per map: the first, the last, the middle one, then random ones.
        layers: The calls whose maps to compare, named as in `trace`; all if not given.
        seed: Seed of the random units and values, from generators of their own.
        progress: Called with the forward passes done and their total after each.

    Raises:
        GeometryError: If `samples` is below 1 or the input has no size that fits.
        TraceError: If `trace` refuses the model, or the model raises.
        TypeError: If an argument has the wrong type.

    Examples:
        >>> import rfguide
        >>> from rfguide.torch_networks import Net
        >>> print(rfguide.check(Net().eval(), (1, 3, 32, 32)))
        trace and the NaN probe agree on 30 units of 6 maps (64 forward passes)
    """
    (samples,) = at_least(1, samples=samples)
    traced = trace(model, input_size)
    maps = _maps(traced) if layers is None else {name: traced[name] for name in layers}
    fed = feed(model, input_size, None, seed)
    seen: set[str] = set()
    sampled = _sampled(maps, samples, random.Random(seed))
    wrong, uncompared = _columns(maps, fed, sampled)
    with untouched(model), torch.no_grad():
        questions = _questions(maps, fed, sampled)
        asked = dict.fromkeys((name, unit) for expected in questions.values() for name, unit in expected)
        order = {name: number for number, name in enumerate(maps)}
        spoilt: tuple[_Place, str] | None = None
        for number, (planting, expected) in enumerate(questions.items(), start=1):
            found = _wrong(model, fed, planting, expected, maps, seen, wrong)
            # What is wrong on one map is wrong on those that come from it: the first map is the one to name.
            if found is not None and (
                spoilt is None or (order[found[0]], found[1]) < (order[spoilt[0][0]], spoilt[0][1])
            ):
                spoilt = found, planting[0]
            if progress is not None:
                progress(number, len(questions))
        if spoilt is not None and ((noted := wrong.get(spoilt[0][0])) is None or noted.column not in _OF_RUN):
            # A column is held against what units see: where that is wrong, it is the one to name.
            wrong[spoilt[0][0]] = _difference(model, fed, spoilt[1], maps, spoilt[0])
    difference = next((wrong[name] for name in maps if name in wrong), None)
    measured = {name for name, _ in asked}
    unseen = next((name for name in maps if name in measured - seen), None)
    if difference is None and unseen is not None:
        difference = Difference(unseen, (), maps[unseen].input_name, (), None)
    return Report(len(measured), len(asked), len(questions), difference, len(uncompared))


def _maps(traced: Trace) -> dict[str, Map]:
    """Return all maps by the name of their call, and what the model returns if no call returned it."""
    known = set(map(id, traced.values()))
    return dict(traced) | {
        OUTPUT + one.name.removeprefix("output"): one for one in traced.outputs if id(one) not in known
    }


def _sampled(maps: dict[str, Map], samples: int, dice: random.Random) -> dict[str, list[tuple[int, ...]]]:
    """Return the units of each map to measure; of integers none, no NaN shows in them."""
    return {name: _units(one.units, samples, dice) for name, one in maps.items() if one.dtype.is_floating_point}


def _columns(
    maps: dict[str, Map], fed: Feed, sampled: dict[str, list[tuple[int, ...]]]
) -> tuple[dict[str, Difference], list[str]]:
    """Compare the columns of all maps with what units see; return what differs, and the maps that do not tell.

    The units that columns were compared with are put among those to measure.
    """
    wrong, uncompared = {}, []
    for name, units in sampled.items():
        one = maps[name]
        if one.input_name not in fed.dims or one.unknown:
            continue
        sizes = [fed.tensor(one.input_name).shape[dim] for dim in fed.dims[one.input_name]]
        found = compared(one, sizes, units)
        units[:] = dict.fromkeys([*units, *found.units])
        if found.wrong is not None:
            wrong[name] = _of_column(one, name, found.wrong)
        if found.is_partial:
            uncompared.append(name)
    return wrong, uncompared


def _of_column(one: Map, name: str, wrong: Wrong) -> Difference:
    return Difference(name, wrong.unit, one.input_name, wrong.traced, wrong.measured, wrong.column)


def _questions(
    maps: dict[str, Map], fed: Feed, sampled: dict[str, list[tuple[int, ...]]]
) -> dict[_Planting, dict[_Place, bool]]:
    """Return which cells to spoil, and for each which units must turn NaN and which must not."""
    questions: dict[_Planting, dict[_Place, bool]] = defaultdict(dict)
    for name, units in sampled.items():
        one = maps[name]
        for unit in units:
            place = (name, unit)
            for input, dims in fed.dims.items():
                for dim, region in zip(dims, one.visible(unit, input=input), strict=True):
                    size = fed.tensor(input).shape[dim]
                    if region is None:
                        questions[input, dim, 0, size][place] = False
                        continue
                    first, last = region
                    # From the left, NaN reaches the unit with the first cell and not before; likewise from the right.
                    questions[input, dim, 0, first + 1][place] = True
                    questions[input, dim, last, size][place] = True
                    if first > 0:
                        questions[input, dim, 0, first][place] = False
                    if last < size - 1:
                        questions[input, dim, last + 1, size][place] = False
    return questions


def _units(sizes: tuple[int, ...], samples: int, dice: random.Random) -> list[tuple[int, ...]]:
    """Return the first unit of a map, the last, the middle one, then random ones; each once."""
    total = math.prod(sizes)
    chosen = [tuple(0 for _ in sizes), tuple(n - 1 for n in sizes), tuple(n // 2 for n in sizes)]
    chosen += [_place(number, sizes) for number in dice.sample(range(total), min(samples, total))]
    return list(dict.fromkeys(chosen))[: min(samples, total)]


def _place(number: int, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the index of a unit, counted along the last axis first."""
    index = []
    for size in reversed(sizes):
        number, place = divmod(number, size)
        index.append(place)
    return tuple(reversed(index))


def _wrong(
    model: nn.Module,
    fed: Feed,
    planting: _Planting,
    expected: dict[_Place, bool],
    maps: dict[str, Map],
    seen: set[str],
    wrong: dict[str, Difference],
) -> _Place | None:
    """Run the model with NaN planted; return the first unit that does not turn out as expected.

    A map whose tensor is not as said is noted as wrong: its units cannot be found in it.
    """
    input, dim, start, stop = planting
    units: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for name, unit in expected:
        units[name].append(unit)
    found: list[_Place] = []

    def see(name: str, tensor: Tensor) -> None:
        seen.add(name)
        if name not in maps:
            return
        for column, shown in _OF_RUN.items():
            said = getattr(maps[name], column)
            if said != (given := shown(maps[name], tensor)):
                wrong[name] = Difference(name, (), maps[name].input_name, said, given, column)
                return
        for unit in units.get(name, ()):
            pick = _picker(maps[name], unit)
            if is_nan(tensor, pick, name) != expected[name, unit]:
                found.append((name, unit))
                raise Done

    run(model, fed.with_tensor(input, planted(fed.tensor(input), dim, range(start, stop))), see)
    return found[0] if found else None


def _picker(one: Map, unit: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    return lambda tensor: at_unit(tensor, unit, one.unit_dims, one.name)


def _difference(model: nn.Module, fed: Feed, input: str, maps: dict[str, Map], place: _Place) -> Difference:
    name, unit = place
    one = maps[name]
    measured = measure(model, replace(fed, probed=input), name, _picker(one, unit), f"unit {unit} of {name}")
    return Difference(name, unit, input, one.visible(unit, input=input), measured)
