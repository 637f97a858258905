"""The effective field: against counting ways, against torch's own gradient, and by its laws."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rfguide import GeometryError, Layer, TraceError, effective_std, probe
from rfguide.torch_networks import Net


def ways(layers):
    """Count the ways from each input cell to unit 0, one window at a time."""
    counts = {0: 1}
    for layer in reversed(layers):
        before = {}
        for cell, number in counts.items():
            for tap in range(layer.kernel_size):
                place = cell * layer.stride + tap * layer.dilation
                before[place] = before.get(place, 0) + number
        counts = before
    return counts


LAYERS = st.builds(Layer, st.integers(1, 5), stride=st.integers(1, 3), dilation=st.integers(1, 3))


@given(st.lists(LAYERS, max_size=5))
def test_the_closed_form_is_the_deviation_of_the_counted_ways(layers):
    counts = ways(layers)
    total = sum(counts.values())
    mean = sum(cell * number for cell, number in counts.items()) / total
    variance = sum((cell - mean) ** 2 * number for cell, number in counts.items()) / total
    assert effective_std(layers) == pytest.approx(math.sqrt(variance))


@pytest.mark.parametrize(("depth", "std"), [(5, 1.83), (10, 2.58), (20, 3.65), (40, 5.16)])
def test_depth_by_the_root(depth, std):
    assert round(effective_std([Layer(3)] * depth), 2) == std


def uniform(depth):
    model = nn.Sequential(*[nn.Conv1d(1, 1, 3, padding=1, bias=False) for _ in range(depth)])
    for module in model:
        nn.init.constant_(module.weight, 1 / 3)
    return model


def test_uniform_kernels_weigh_cells_by_their_ways():
    found = probe.effective(uniform(10), (1, 1, 64), samples=2)
    counts = ways([Layer(3)] * 10)
    assert found.unit == (32,)
    assert found.weights[22:43] == pytest.approx(np.array([counts[c] for c in range(21)]) / 3**10)
    assert found.center == pytest.approx((32.0,))
    assert found.std == pytest.approx((effective_std([Layer(3)] * 10),))


def test_squares_make_a_bell_narrower_by_the_root_of_two():
    wide, narrow = (probe.effective(uniform(10), (1, 1, 64), samples=1, power=p).std[0] for p in (1, 2))
    assert wide / narrow == pytest.approx(math.sqrt(2), rel=0.02)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(any), st.floats(0.01, 1.0))
def test_extent_is_the_shortest_run_that_holds_the_share(weights, share):
    shares = np.array(weights) / sum(weights)
    runs = [
        end - start
        for start in range(len(shares))
        for end in range(start + 1, len(shares) + 1)
        if shares[start:end].sum() >= share - 1e-9
    ]
    assert probe.Effective(shares, (0,)).extent(share) == (min(runs),)


def test_inputs_of_your_own_are_averaged_each_by_itself():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1))
    images = torch.randn(3, 2, 9, 9)
    total = torch.zeros(9, 9)
    for image in images:
        one = image[None].clone().requires_grad_()
        model(one)[0, :, 4, 5].sum().backward()
        total += one.grad.abs().sum(dim=(0, 1))
    found = probe.effective(model, (1, 2, 9, 9), (4, 5), inputs=images)
    assert found.weights == pytest.approx((total / total.sum()).numpy(), rel=1e-4)
    assert images.grad is None


def test_the_model_and_the_dice_stay_as_they_were():
    model, state = Net().train(), torch.get_rng_state()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = probe.effective(model, (1, 3, 32, 32), samples=3, seed=5)
    assert np.array_equal(first.weights, probe.effective(model, (1, 3, 32, 32), samples=3, seed=5).weights)
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_progress_is_told(capsys):
    seen = []
    probe.effective(uniform(1), (1, 1, 8), samples=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    probe.effective(uniform(1), (1, 1, 8), samples=2, progress=True)
    assert capsys.readouterr().err == "\rsample 1 of 2\rsample 2 of 2\n"


def test_no_gradient_has_no_shares():
    dead = nn.Conv1d(1, 1, 3)
    nn.init.zeros_(dead.weight)
    message = "output: the gradient of unit (3,) is 0 or no number in all samples, so it has no shares"
    with pytest.raises(TraceError, match=re.escape(message.removeprefix("output"))):
        probe.effective(dead, (1, 1, 8))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"power": 3}, GeometryError, "power=3 must be 1, the size of the gradient, or 2, its square"),
        ({"samples": 0}, GeometryError, "samples=0 must be at least 1"),
        ({"inputs": [1]}, TypeError, "inputs must be a tensor with samples in its first dimension, not list"),
    ],
)
def test_wrong_questions(options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        probe.effective(uniform(1), (1, 1, 8), **options)


@pytest.mark.parametrize("share", [0, 1.5, -1.0])
def test_a_share_is_above_0_and_up_to_1(share):
    with pytest.raises(GeometryError, match=f"^fraction={share} must be above 0 and up to 1$"):
        probe.Effective(np.ones(1), (0,)).extent(share)
