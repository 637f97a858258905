"""Random networks: what `trace` says of every unit of every map, against NaN put into every input cell."""

from copy import deepcopy
from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, event, given, note, settings

import rfguide
from nan_oracle import differences, interior_differences
from random_networks import networks

SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)


def hold_against_nan(model, sample):
    note(f"{tuple(sample.shape)}\n{model}")
    trace = rfguide.trace(model, sample)
    assert differences(model, trace, [sample], batched=True) == []
    if not any(word in str(model) for word in ("roll", "circular")):  # what wraps round sees both ends
        assert [name for name, m in trace.items() if not bounds(m)] == []


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
