"""Random networks: what `trace` says of every unit of every map, against NaN put into every input cell."""

import tracemalloc
from copy import deepcopy
from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, event, given, note, settings
from torch import nn

import rfguide
from nan_oracle import differences, interior_differences
from random_networks import Do, networks
from rfguide.probe.columns import compared

SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)


def hold_against_nan(model, sample):
    note(f"{tuple(sample.shape)}\n{model}")
    trace = rfguide.trace(model, sample)
    assert differences(model, trace, [sample], batched=True) == []
    assert [(name, wrong) for name, m in trace.items() if (wrong := columns_differ(m, sample))] == []
    if not any(word in str(model) for word in ("roll", "circular")):  # what wraps round sees both ends
        assert [name for name, m in trace.items() if not bounds(m)] == []


def columns_differ(m, sample):
    """Return what `check` finds wrong in a map's columns, given that all it says of units is right."""
    return compared(m, sample.shape[2:], list(product(*map(range, m.units)))[:: max(1, len(m.units))]).wrong


def bounds(m):
    """Whether no unit of a map sees more cells than its size says, which is that before clipping."""
    regions = map(m.visible, product(*map(range, m.units)))
    return all(
        seen is None or size is None or seen[1] - seen[0] < size
        for region in regions
        for seen, size in zip(region, m.size, strict=True)
    )


def takes(model, sample):
    """Whether the model itself takes such an input: a pixel unshuffle needs an even map.

    Asked without values: maps of a large input may take gigabytes.
    """
    try:
        with torch.no_grad():
            deepcopy(model).to("meta")(sample.to("meta"))
    except RuntimeError:
        return False
    return True


def hold_closed_form_against_exact(model, sample):
    """On a large input the closed form must be what interior units see: nothing is clipped there."""
    agreed = 0
    for axis in range(sample.dim() - 2):
        sizes = [n + (300 if a == axis else 50) for a, n in enumerate(sample.shape[2:])]
        large = sample.new_empty(1).expand(*sample.shape[:2], *sizes)
        note(f"{tuple(large.shape)}\n{model}")
        if not takes(model, large):
            event("large input: does not fit")
            continue
        found, more = interior_differences(rfguide.trace(model, large), axis, margin=100, margin_across=20)
        assert found == []
        agreed += more
    event("interior units: " + ("some" if agreed else "none"))


@given(networks())
@settings(SETTINGS, max_examples=200)
def test_every_unit_of_every_map_sees_what_nan_shows(network):
    hold_against_nan(*network)


@given(networks())
@settings(SETTINGS, max_examples=100)
def test_interior_units_see_their_closed_form(network):
    hold_closed_form_against_exact(*network)


@pytest.mark.long
@given(networks())
@settings(SETTINGS, max_examples=2500)
def test_thousands_of_networks(network):
    torch.set_num_threads(1)
    hold_against_nan(*network)
    hold_closed_form_against_exact(*network)


class Wide(nn.Module):
    """Kernels 1, 3, 5, … side by side, mixed two by two."""

    def __init__(self, branches):
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv1d(1, 1, 2 * k + 1, padding=k) for k in range(branches))
        self.pairs = nn.Conv1d(branches, branches // 2, 1, groups=branches // 2)

    def forward(self, x):
        y = self.pairs(torch.cat([branch(x) for branch in self.branches], 1))
        return tuple(y.split(1, 1))


@pytest.mark.parametrize("branches", [2, 62, 64, 66, 70, 150])
def test_a_concatenation_may_be_as_wide_as_it_likes(branches):
    """Each pair of channels has the size of its larger kernel, however many closed forms stand side by side."""
    trace = rfguide.trace(Wide(branches), (1, 1, 700))
    assert [m.size for m in trace.outputs] == [(4 * pair + 3,) for pair in range(branches // 2)]
    assert [m.visible(350) for m in trace.outputs] == [
        ((350 - 2 * pair - 1, 350 + 2 * pair + 1),) for pair in range(branches // 2)
    ]


LONG = {
    "running sum": (lambda x: x.cumsum(-1), 20_000),
    "convolution": (nn.Conv1d(1, 1, 4096), 48_000),
    "transposed convolution": (nn.ConvTranspose1d(1, 1, 4096, stride=2), 24_000),
    "pooling": (nn.AvgPool1d(4096, 1), 48_000),
    "adaptive pooling": (nn.AdaptiveAvgPool1d(7), 48_000),
    "windows as data": (lambda x: x.unfold(-1, 1024, 256), 48_000),
}


@pytest.mark.parametrize("case", LONG)
def test_no_table_grows_with_the_square_of_a_size(case):
    function, size = LONG[case]
    model = function if isinstance(function, nn.Module) else Do(case, function)
    tracemalloc.start()
    rfguide.trace(model, (1, 1, size))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6  # a table of size × size, or of size × kernel, takes more than 1 GB
