"""`check` compares every number that the table prints; and a trace holds the names that it answers to."""

from dataclasses import replace

import pytest
import torch
from torch import nn

import rfguide
from rfguide.trace import Map


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[0]


@pytest.mark.parametrize("name", ["lstm", "lstm[0]", "lstm[1.0]", "lst", "", 0, None, ["lstm"]])
def test_a_name_is_in_a_trace_if_it_can_be_asked_for(name):
    trace = rfguide.trace(Recurrent(), (1, 7, 3))
    assert (name in trace) == (trace.get(name) is not None) == str(name).startswith("lstm")


IMAGE = (1, 3, 40, 40)


def net():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1)).eval()


def at_two(change):
    """Return a property or method that falsifies what the last map says."""

    def falsified(true):
        if isinstance(true, property):
            return property(lambda self: change(true.fget(self)) if self.name == "2" else true.fget(self))
        return lambda self, unit: change(true(self, unit)) if self.name == "2" else true(self, unit)

    return falsified


def more(value):
    return value[0], value[1] + 1


def other_field(**changes):
    def change(phases):
        return phases[0], tuple(replace(field, **changes) for field in phases[1])

    return change


BROKEN = {
    "size": ("size", more, 8, 9),
    "size, too small": ("size", lambda size: (size[0] - 1, size[1]), 8, 7),
    "stride": ("phases", other_field(stride=4), "2", "4"),
    "stride of too many phases": ("phases", lambda phases: (phases[0], phases[1] * 3), "2", "2/3"),
    "padding": ("phases", other_field(padding=2), "3", 2),
    "region": ("region", lambda regions: (regions[0], (regions[1][0], regions[1][1] + 1)), (15, 22), (15, 23)),
    "is_global": ("is_global", lambda value: not value, False, True),
    "units": ("units", lambda units: (units[0], units[1] - 1), (20, 20), (20, 19)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_check_finds_and_names_each_column_that_is_wrong(monkeypatch, case):
    attribute, change, measured, traced = BROKEN[case]
    assert rfguide.check(net(), IMAGE)
    monkeypatch.setattr(Map, attribute, at_two(change)(vars(Map)[attribute]))
    report = rfguide.check(net(), IMAGE)
    assert not report
    found = report.difference
    column = case.split()[0].strip(",")
    assert (found.name, found.column, found.traced, found.measured) == ("2", column, traced, measured)
    assert f"{column} {traced}" in str(report)
    assert str(report).endswith(str(measured))


def test_check_finds_a_shape_that_is_wrong(monkeypatch):
    true = Map.__init__

    def falsified(self, name, op, shape, *rest, **more):
        true(self, name, op, (*shape[:-1], shape[-1] - 1) if name == "2" else shape, *rest, **more)

    monkeypatch.setattr(Map, "__init__", falsified)
    assert str(rfguide.check(net(), IMAGE)) == (
        "2: trace says shape (1, 4, 20, 19), a run on real values gives (1, 4, 20, 20)"
    )


def test_a_global_map_must_not_be_said_to_be_local(monkeypatch):
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.AdaptiveAvgPool2d(1))
    monkeypatch.setattr(Map, "is_global", property(lambda self: False))
    monkeypatch.setattr(Map, "size", property(lambda self: (3, 3)))
    found = rfguide.check(model, IMAGE).difference
    assert (found.name, found.column, found.traced, found.measured) == ("1", "is_global", False, True)


class Wide(nn.Module):
    """Kernels 1, 3, 5, … side by side, mixed two by two; one channel is taken."""

    def __init__(self, branches, channel):
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv1d(1, 1, 2 * k + 1, padding=k) for k in range(branches))
        self.pairs = nn.Conv1d(branches, branches // 2, 1, groups=branches // 2)
        self.channel = channel

    def forward(self, x):
        return self.pairs(torch.cat([branch(x) for branch in self.branches], 1))[:, self.channel : self.channel + 1]


@pytest.mark.parametrize("told", [139, 125, 1])
def test_check_finds_a_size_that_went_wrong_among_seventy_branches(monkeypatch, told):
    assert rfguide.check(Wide(70, 31), (1, 1, 300), samples=1)
    true = Map.size.fget
    monkeypatch.setattr(Map, "size", property(lambda self: (told,) if self.op == "getitem" else true(self)))
    found = rfguide.check(Wide(70, 31), (1, 1, 300), samples=1).difference
    assert (found.name, found.column, found.traced, found.measured) == ("getitem()", "size", told, 127)


def test_check_says_how_many_maps_the_border_cuts_everywhere():
    model = nn.Sequential(nn.Conv1d(1, 1, 3, padding=1), nn.Conv1d(1, 1, 9, padding=4))
    report = rfguide.check(model, (1, 1, 8))
    assert report
    assert report.uncompared == 1
    assert str(report).endswith("; size, stride and padding of 1 of them could not be compared on this input")
    assert rfguide.check(model, (1, 1, 40)).uncompared == 0


MODELS = {
    "phases": nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.MaxPool2d(2), nn.Upsample(scale_factor=3)),
    "holes": nn.Sequential(nn.ConvTranspose2d(3, 4, 1, stride=2), nn.Conv2d(4, 4, 3, padding=1)),
    "cropped and padded": nn.Sequential(nn.ZeroPad2d(-5), nn.Conv2d(3, 4, 9, padding=4)),
    "cropped short": nn.Sequential(nn.ZeroPad2d(-16), nn.Conv2d(3, 4, 9, padding=4)),
    "wrapped": nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular"),
    "mirrored": nn.Conv2d(3, 4, 5, padding=2, padding_mode="reflect"),
    "global": nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)),
    "cropped and global": nn.Sequential(nn.ZeroPad2d(-3), nn.AdaptiveAvgPool2d(1)),
    "one axis global": nn.AdaptiveAvgPool2d((None, 1)),
    "adaptive": nn.AdaptiveMaxPool2d(7),
}


@pytest.mark.parametrize("case", MODELS)
def test_check_raises_no_false_alarm(case):
    report = rfguide.check(MODELS[case].eval(), IMAGE)
    assert report, str(report)
