"""Random writes through random views: what `trace` says of each unit, against what real values show."""

import pytest
import torch
from hypothesis import given, settings

from random_aliases import aliases
from test_trace_random_ops import SETTINGS, hold


@settings(SETTINGS, max_examples=150)
@given(aliases())
def test_a_write_through_a_view_reaches_all_that_show_the_memory(case):
    hold("aliases", case)


@pytest.mark.long
@settings(SETTINGS, max_examples=4000)
@given(aliases())
def test_thousands_of_writes(case):
    torch.set_num_threads(1)
    hold("aliases", case)
