"""Hooks and modes belong to the thread that traces; other threads run and trace models at the same time."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import nn

import rfguide
from rfguide import probe


def network(depth):
    layers = [layer for _ in range(depth) for layer in (nn.Conv2d(2, 2, 3, padding=1), nn.ReLU())]
    return nn.Sequential(*layers).eval()


@pytest.fixture
def restless():
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_sixteen_threads_each_get_the_table_of_a_lone_run(restless):
    models = [network(1 + i % 4) for i in range(16)]
    shape = (1, 2, 12, 12)
    alone = [str(rfguide.trace(model, shape)) for model in models]
    measured = [probe.nan(model, shape, (5, 5)) for model in models[:4]]
    start = threading.Barrier(16)

    def work(i):
        start.wait()
        found = []
        for _ in range(4):
            if i % 4 == 3:
                with torch.no_grad():
                    models[i](torch.zeros(shape))
            elif i % 4 == 2:
                found.append(probe.nan(network(3), shape, (5, 5)) == measured[2])
            else:
                found.append(str(rfguide.trace(models[i], shape)) == alone[i])
        return all(found)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(16)))
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_threads_may_trace_one_model():
    model = network(3)
    alone = str(rfguide.trace(model, (1, 2, 12, 12)))
    with ThreadPoolExecutor(8) as pool:
        tables = pool.map(lambda _: str(rfguide.trace(model, (1, 2, 12, 12))), range(16))
    assert set(tables) == {alone}


class Spreads(nn.Module):
    """Runs its layer in a thread of its own."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3)

    def forward(self, x):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(self.conv, x).result() + x[..., 1:-1]


def test_a_model_with_threads_of_its_own_is_refused():
    with pytest.raises(rfguide.TraceError, match="threads of its own"):
        rfguide.trace(Spreads(), (1, 1, 8))
