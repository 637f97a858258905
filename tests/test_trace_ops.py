"""Every op that `trace` has a rule for, on a small model: each unit of each map against NaN in each input cell."""

import pytest

import rfguide
from nan_oracle import differences
from op_cases import CASES


@pytest.fixture(autouse=True)
def _in_evaluation():
    for name, (model, _) in CASES.items():
        model.train("training" in name)


@pytest.mark.parametrize("case", CASES)
def test_every_unit_sees_what_nan_shows(case):
    model, shape = CASES[case]
    assert differences(model, rfguide.trace(model, shape), [shape]) == []
