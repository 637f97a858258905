"""`check` compares every number that the table prints; and a trace holds the names that it answers to."""

import pytest
from torch import nn

import rfguide


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
