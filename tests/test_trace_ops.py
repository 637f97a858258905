"""Every op that `trace` has a rule for, on a small model: each unit of each map against NaN in each input cell."""

import sys
from itertools import product

import numpy as np
import pytest
import torch
import torch.nn.functional as F
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
        return tables._table(np.roll(table.cells, 1, axis=0), table.size, table.step)

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
