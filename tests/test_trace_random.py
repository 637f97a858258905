"""Random networks: what `trace` says of every unit of every map, against NaN put into every input cell."""

import pytest
import torch
from hypothesis import HealthCheck, event, given, note, settings
from nan_oracle import differences, interior_differences
from random_networks import networks

import rfguide

SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    print_blob=True,
)


def hold_against_nan(model, shape):
    note(f"{shape}\n{model}")
    trace = rfguide.trace(model, shape)
    assert differences(model, trace, [shape], batched=True) == []
    return trace


def hold_closed_form_against_exact(model, shape):
    """On a large input the closed form must be what interior units see: nothing is clipped there."""
    large = (1, shape[1], *(n + 400 for n in shape[2:]))
    note(f"{large}\n{model}")
    try:
        trace = rfguide.trace(model, large)
    except rfguide.TraceError as error:
        # Reflection and crops always fit a larger input; only memory of the shapes could be in the way.
        raise AssertionError(error) from error
    found, agreed = interior_differences(trace, margin=120)
    assert found == []
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
