"""Every op that `trace` has a rule for, on a small model: each unit of each map against NaN in each input cell."""

import sys
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rfguide
from nan_oracle import differences
from op_cases import CASES, COMPUTED, MAP, Fn
from rfguide.trace import tables
from rfguide.trace.cells import attach, cell_of, track_of
from rfguide.trace.rules import RULES, tensors
from rfguide.trace.rules_pointwise import find, pointwise
from rfguide.trace.spans import Span

dispatch = sys.modules["rfguide.trace.dispatch"]


@pytest.fixture(autouse=True)
def _mode():
    for name, (model, _) in CASES.items():
        model.train("training" in name)


@pytest.mark.parametrize("case", CASES)
def test_every_unit_sees_what_nan_shows(case):
    model, shape = CASES[case]
    assert differences(model, rfguide.trace(model, shape), [shape]) == []


@pytest.mark.parametrize("case", COMPUTED)
def test_a_computed_place_may_be_any_cell(case):
    m = rfguide.trace(COMPUTED[case], MAP).output
    assert {m.visible(unit)[0] for unit in product(*map(range, m.units))} == {(0, 5)}
    assert m.size[0] == 6


def moved_by(model, x, cell):
    """Return which units change, for any of the inputs of a batch, when one cell of the first channel does."""
    changed = torch.tensor(False)
    with torch.no_grad():
        before = model(x)
        for value in (-9.0, 9.0):
            y = x.clone()
            y[(slice(None), 0, *cell)] = value
            changed = changed | (model(y) != before).any(dim=(0, 1))
    return changed


@pytest.mark.parametrize("geometry", [(2, 2, 0), (3, 2, 1), (2, 3, 0)], ids=["side by side", "overlapping", "gaps"])
def test_max_unpooling_may_put_a_maximum_wherever_its_window_lies(geometry):
    """NaN hides the other places of a window, so another oracle: a cell made the largest, then the smallest."""
    pool, unpool = nn.MaxPool2d(*geometry, return_indices=True), nn.MaxUnpool2d(*geometry)

    def back(x, conv):
        values, places = pool(conv(x))
        return unpool(values * 2, places, output_size=x.shape)

    model, units = Fn(back, nn.Conv2d(1, 1, 1)), list(product(range(7), range(6)))
    x = torch.randn(500, 1, 7, 6, generator=torch.Generator().manual_seed(0))
    by_cell = {cell: moved_by(model, x, cell) for cell in units}
    m = rfguide.trace(model, x).output
    for unit in units:
        cells = [cell for cell, changed in by_cell.items() if changed[unit]]
        seen = tuple((min(places), max(places)) for places in zip(*cells, strict=True)) or (None, None)
        assert m.visible(unit) == seen, unit


def test_max_unpooling_with_places_of_unknown_origin_is_refused():
    model = Fn(lambda x: F.max_unpool2d(x[:, :, ::2, ::2], torch.zeros(1, 2, 3, 4, dtype=torch.long), 2))
    with pytest.raises(rfguide.TraceError, match=r"^max_unpool2d\(\): rfguide does not know what max_unpool2d reads; "):
        rfguide.trace(model, MAP)


def layouts(model, x):
    """Return the layout of the output on real values, and in a trace."""
    found = []

    def kept(x, model):
        found.append(layout(model(x)))
        return model(x)

    with torch.no_grad():
        kept(x, model)
    rfguide.trace(Fn(kept, model), x)
    return found[0], found[1]


@pytest.mark.parametrize("case", CASES)
def test_the_output_has_the_layout_that_torch_gives(case):
    model, shape = CASES[case]
    real, traced = layouts(model, torch.ones(shape))
    assert traced == real


TURNED = torch.ones(1, 9, 4).transpose(1, 2)
LAST = torch.ones(1, 4, 6, 5).to(memory_format=torch.channels_last)
LAST_3D = torch.ones(1, 4, 6, 5, 3).to(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nn.GroupNorm(2, 4), TURNED),
        (nn.BatchNorm1d(4).eval(), TURNED),
        (nn.BatchNorm2d(4).eval(), LAST),
        (nn.BatchNorm3d(4).eval(), LAST_3D),
        (nn.LayerNorm(9), TURNED),
        (nn.LayerNorm(5), LAST),
        (nn.Conv1d(4, 6, 3), TURNED),
        (nn.Conv2d(4, 6, 3), LAST),
        (nn.Conv3d(4, 6, 3), LAST_3D),
        (nn.MaxPool2d(2), LAST),
        (nn.MaxPool2d(3, 2, 1, ceil_mode=True), torch.ones(1, 4, 6, 5)),
        (nn.MaxPool2d(2), torch.ones(1, 4, 5, 6).transpose(2, 3)),
        (nn.Upsample(scale_factor=2), LAST),
        (nn.Upsample(scale_factor=1.7, mode="bilinear"), LAST),
        (nn.Upsample((7, 3), mode="bicubic"), torch.ones(1, 4, 5, 6).transpose(2, 3)),
        (nn.Upsample(scale_factor=2, mode="trilinear"), LAST_3D),
        (nn.Upsample(11, mode="linear"), TURNED),
        (nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(), nn.BatchNorm2d(4).eval()), LAST),
        (Fn(lambda x: torch.cat([x, x], 1)), LAST),
        (Fn(lambda x: torch.cat([x, x], 2)), TURNED),
        (Fn(lambda x: torch.cat([x[:, :, ::2], x[:, :, 1::2]], 1)), torch.ones(1, 4, 6, 5)),
        (Fn(lambda x: x.roll(1, 2)), LAST),
        (Fn(lambda x: x.roll(1)), TURNED),
        (Fn(lambda x: x.flip(2)), LAST),
        (Fn(lambda x: x.mean(0)), LAST),
        (Fn(lambda x: x.sum((1, 2), keepdim=True)), LAST_3D),
    ],
    ids=lambda value: "" if isinstance(value, torch.Tensor) else str(value),
)
def test_a_layer_lays_out_its_map_as_torch_does(layer, x):
    """A view of a map may be possible in one layout only."""
    real, traced = layouts(layer, x)
    assert traced == real


@given(
    st.sampled_from([torch.add, torch.sub, torch.mul, torch.div]),
    st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.booleans()), min_size=1, max_size=4),
    st.integers(0, 3),
    st.permutations(range(4)),
    st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_arithmetic_gives_the_shape_and_strides_that_torch_gives(function, axes, missing, order, turned):
    """Two maps, each with some axes of one cell, one perhaps without its first axes, laid out in memory anyhow."""
    one = torch.ones([1 if alone else n for n, alone, _ in axes])
    two = torch.ones([1 if alone else n for n, _, alone in axes][missing:])
    one = one.permute([d for d in order if d < one.dim()]).contiguous().permute(inverse(order, one.dim()))
    found = []

    def model(x, y):
        found.append(function(*((y, x) if turned else (x, y))))
        found.append(function(x, 2.0))
        return found[-1]

    model(one.to("meta"), two.to("meta"))
    rfguide.trace(Fn(lambda x: model(x[0, 0], two)), one[None, None])
    assert [*map(layout, found[2:])] == [*map(layout, found[:2])]


def layout(tensor):
    """Return type, sizes and strides; the stride of an axis of one cell says nothing."""
    return tensor.dtype, [(n, step) for n, step in zip(tensor.shape, tensor.stride(), strict=True) if n > 1]


def inverse(order, rank):
    kept = [d for d in order if d < rank]
    return [kept.index(d) for d in range(rank)]


def rules_used(model, shape, monkeypatch):
    used = set()

    def noting(op):
        rule = find(op)
        used.add(rule)
        return rule

    monkeypatch.setattr(dispatch, "find", noting)
    rfguide.trace(model, shape)
    return used


@pytest.fixture(scope="module")
def users():
    """The cases that use each rule."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, (model, shape) in [*CASES.items(), *((n, (m, MAP)) for n, m in COMPUTED.items())]:
            for rule in rules_used(model, shape, patch):
                found.setdefault(rule, []).append(name)
    return found


RULE_NAMES = sorted({rule.__name__ for rule in RULES.values()} | {"pointwise"})


@pytest.mark.parametrize("name", RULE_NAMES)
def test_a_planted_error_in_a_rule_is_caught(name, users, monkeypatch):
    """The test of the test: each rule, spoiled so that all it returns is one cell off, makes a case fail."""
    (rule,) = {r for r in (*RULES.values(), pointwise) if r.__name__ == name}

    def spoiled(op):
        found = find(op)
        return found if found is not rule else off_by_one(rule)

    monkeypatch.setattr(dispatch, "find", spoiled)
    assert any(fails(case) for case in users[rule])


def fails(case):
    if case in COMPUTED:
        m = rfguide.trace(COMPUTED[case], MAP).output
        return {m.visible(unit)[0] for unit in product(*map(range, m.units))} != {(0, 5)}
    model, shape = CASES[case]
    return bool(differences(model, rfguide.trace(model, shape), [shape]))


def off_by_one(rule):
    def wrong(run, op, args, kwargs):
        out = rule(run, op, args, kwargs)
        for tensor in tensors([out]):
            if cell_of(tensor) is not None:
                track = track_of(tensor)
                attach(tensor, track.with_spans([moved(span) for span in track.spans]))
        return out

    return wrong


def moved(span):
    if span.is_empty:
        cell = np.zeros_like(span.lo)
        return Span(cell, cell, span.reaches, span.label)
    seen = span.lo <= span.hi
    return Span(np.where(seen, span.lo + 1, span.lo), np.where(seen, span.hi + 1, span.hi), span.reaches, span.label)


BUILDERS = [name for name, value in vars(tables).items() if hasattr(value, "cache_info") or name == "move"]


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_planted_error_in_a_table_is_caught(builder, monkeypatch):
    """Each table of windows, with all its rows one output cell too late."""
    build = getattr(tables, builder)
    used = []

    def late(*args, **kwargs):
        used.append(args)
        table = build(*args, **kwargs)
        return tables._table(np.roll(table.first, 1), np.roll(table.count, 1), table.gap, table.size, table.step)

    def plainly(*args, **kwargs):
        used.append(args)
        return build(*args, **kwargs)

    for case, (model, shape) in CASES.items():
        used.clear()
        monkeypatch.setattr(tables, builder, plainly)
        rfguide.trace(model, shape)
        if used:
            monkeypatch.setattr(tables, builder, late)
            if fails(case):
                return
    pytest.fail("no case notices")
