"""What feeds what in a traced model, against models whose wiring is plain to see."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import rfguide
from rfguide.torch_networks import Net


def sources(model, input_size=(1, 4, 8, 8)):
    return {name: call.sources for name, call in rfguide.trace(model.eval(), input_size).items()}


class Wired(nn.Module):
    """A model whose forward pass is the function that it is given."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.wiring = forward
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Tensor:
        return self.wiring(self, x)


def test_the_article_s_net_is_a_chain():
    chain = ["x", "conv1", "relu()", "pool", "conv2", "relu()#2", "pool#2"]
    assert sources(Net(), (1, 3, 32, 32)) == {name: (before,) for before, name in pairwise(chain)}


def test_a_skip_joins_two():
    model = Wired(lambda m, x: m.conv(x) + x, conv=nn.Conv2d(4, 4, 3, padding=1))
    assert sources(model) == {"conv": ("x",), "add()": ("conv", "x")}


def test_what_a_container_returns_comes_from_the_call_inside():
    model = Wired(lambda m, x: torch.cat([m.block(x), x], 1), block=nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU()))
    assert sources(model) == {
        "block.0": ("x",),
        "block.1": ("block.0",),
        "block": ("x",),
        "cat()": ("block.1", "x"),
    }


@pytest.mark.parametrize("same", [nn.Identity(), nn.Dropout(), nn.Sequential()], ids=lambda m: type(m).__name__)
def test_what_hands_on_its_input_is_looked_through(same):
    model = Wired(lambda m, x: m.conv(x) + m.same(x), conv=nn.Conv2d(4, 4, 1), same=same)
    found = sources(model)
    assert found["add()"] == ("conv", "x")
    assert found["same"] == ()


@pytest.mark.parametrize(
    "act",
    [nn.ReLU(inplace=True), nn.ReLU()],
    ids=["in place", "not in place"],
)
def test_a_module_in_place_is_a_call_of_its_own(act):
    model = Wired(lambda m, x: m.pool(m.act(m.conv(x))), conv=nn.Conv2d(4, 4, 1), act=act, pool=nn.MaxPool2d(2))
    assert sources(model) == {"conv": ("x",), "act": ("conv",), "pool": ("act",)}


def test_functions_in_place_are_calls_of_their_own():
    def wiring(m, x):
        y = torch.relu_(m.conv(x))
        y += x
        return torch.nn.functional.relu(y, inplace=True)

    found = sources(Wired(wiring, conv=nn.Conv2d(4, 4, 1)))
    assert found["relu_()"] == ("conv",)
    assert found["add_()"] == ("relu_()", "x")
    assert found["relu()"] == ("add_()",)


def test_moves_of_data_are_looked_through():
    model = Wired(lambda m, x: m.last(m.conv(x).flatten(1)), conv=nn.Conv2d(4, 4, 1), last=nn.Linear(256, 2))
    assert sources(model)["last"] == ("conv",)


def test_writing_into_a_part_counts():
    def wiring(m, x):
        y = m.conv(x)
        y[:, :2] = m.other(x)
        return torch.relu(y)

    found = sources(Wired(wiring, conv=nn.Conv2d(4, 4, 1), other=nn.Conv2d(4, 2, 1)))
    assert found["relu()"] == ("conv", "other")


def test_two_inputs_by_name():
    class Two(nn.Module):
        def forward(self, left, right):
            return left * right

    found = {name: call.sources for name, call in rfguide.trace(Two(), ((1, 1, 4, 4), (1, 1, 4, 4))).items()}
    assert found == {"mul()": ("left", "right")}


def test_a_global_map_names_the_call_that_made_it_global_whatever_was_traced_before():
    """Reaches are united through a cache: one that is whole for another reason must not come back instead."""
    pooled = nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1))
    dense = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(8 * 36, 4))
    for model, reason in [(pooled, "1 (AdaptiveAvgPool2d)"), (dense, "2 (Linear)"), (pooled, "1 (AdaptiveAvgPool2d)")]:
        assert rfguide.trace(model, (1, 3, 8, 8)).output.global_because == reason
