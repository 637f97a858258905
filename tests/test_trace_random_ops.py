"""Small random modules, kind by kind: what `trace` says of each unit, against what real values show."""

import math

import pytest
import torch
from hypothesis import HealthCheck, Phase, assume, event, given, note, settings
from hypothesis import strategies as st

import rfguide
from random_ops import KINDS, NUMBERS, wrongs

SETTINGS = settings(
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    print_blob=True,
)


def hold(kind, case):
    """No unit sees more than the trace says, and shape and type are the real ones; a refusal is an answer too."""
    model, x = case
    try:
        with torch.no_grad():
            model(x.clone())
    except (RuntimeError, IndexError, ValueError, TypeError):
        assume(False)  # torch itself does not take it
    note(f"{kind} {tuple(x.shape)}")
    try:
        trace = rfguide.trace(model, x)
    except (rfguide.TraceError, rfguide.GeometryError) as error:
        event(f"refused: {str(error)[:60]}")
        return
    # NaN in a value comes through a weight of 0; under masks, other numbers alone tell.
    narrow, wide = wrongs(model, x, trace, NUMBERS if kind == "masks" else (*NUMBERS, math.nan))
    assert narrow == []
    event("too wide" if wide else "exact")


@pytest.mark.parametrize("kind", KINDS)
def test_no_unit_sees_more_than_the_trace_says(kind):
    @settings(SETTINGS, max_examples=25)
    @given(KINDS[kind]())
    def run(case):
        hold(kind, case)

    run()


@pytest.mark.long
@settings(SETTINGS, max_examples=4000)
@given(st.sampled_from(sorted(KINDS)).flatmap(lambda kind: st.tuples(st.just(kind), KINDS[kind]())))
def test_thousands_of_modules(case):
    torch.set_num_threads(1)
    hold(*case)
