"""`designs` against every stack there is, counted one by one."""

import itertools
import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from rfguide import GeometryError, designs, input_cells
from rfguide.layers import Layer
from rfguide.sizes import same_padding


def every_stack(kernels, strides, dilations, max_layers):
    """All stacks, none left out: a layer with a stride is not dilated, as `designs` says."""
    choices = [
        Layer(k, stride=s, padding=same_padding(k, dilation=d), dilation=d)
        for k, s, d in itertools.product(kernels, strides, dilations)
        if d == 1 or (s == 1 and k > 1)
    ]
    for length in range(1, max_layers + 1):
        yield from itertools.product(choices, repeat=length)


def cost(layers, channels=8, image_channels=3, input_size=64):
    """Holes, parameters and multiplications, from torch's own modules."""
    modules, before = [], image_channels
    for layer in layers:
        modules.append(nn.Conv1d(before, channels, layer.kernel_size))
        before = channels
    parameters = sum(m.bias.numel() + m.weight.numel() * m.kernel_size[0] for m in modules)
    size, macs = input_size, 0
    for module, layer in zip(modules, layers, strict=True):
        size = -(-size // layer.stride)
        macs += module.weight.numel() * module.kernel_size[0] * size**2
    cells = input_cells([Layer(one.kernel_size, stride=one.stride, dilation=one.dilation) for one in layers], 0)
    return cells[-1] - cells[0] + 1 - len(cells) > 0, parameters, macs


SMALL = {"channels": 8, "input_size": 64}


@given(
    st.integers(1, 25),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.lists(st.sampled_from([1, 2, 3, 5]), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=2, unique=True),
    st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=2, unique=True),
    st.integers(1, 4),
    st.integers(0, 3),
)
def test_no_stack_comes_before_the_best(low, stride, kernels, strides, dilations, max_layers, more):
    fitting = []
    for layers in every_stack(kernels, strides, dilations, max_layers):
        cells = input_cells([Layer(one.kernel_size, stride=one.stride, dilation=one.dilation) for one in layers], 0)
        jump = torch.tensor([one.stride for one in layers]).prod().item()
        if low <= cells[-1] + 1 <= low + more and stride in (None, jump):
            fitting.append(cost(layers))
    wanted = {"stride": stride, "kernels": kernels, "strides": strides, "dilations": dilations}
    if not fitting:
        with pytest.raises(GeometryError, match="no stack of at most"):
            designs((low, low + more), **wanted, max_layers=max_layers, **SMALL)
        return
    found = designs((low, low + more), **wanted, max_layers=max_layers, count=5, **SMALL)
    assert [cost(one.layers) for one in found] == sorted(fitting)[:5]
    assert [(one.holes > 0, one.parameters, one.macs) for one in found] == sorted(fitting)[:5]


@pytest.mark.parametrize(
    ("size", "options", "count"),
    [
        pytest.param((32, 40), {"strides": (1,)}, 16, id="r >= 32: 16 plain 3x3"),
        pytest.param((32, 64), {"strides": (1,), "dilations": (1, 2, 4, 8, 16)}, 5, id="r >= 32: 5 dilated"),
        pytest.param((64, 130), {"strides": (1,), "dilations": (1, 2, 4, 8, 16, 32)}, 6, id="r >= 64: 6 dilated"),
        pytest.param((48, 52), {"stride": 4, "kernels": (3, 5, 7), "max_layers": 4}, 4, id="r = 50 ± 2, jump 4"),
    ],
)
def test_worked_examples(size, options, count):
    best = designs(size, **options)[0]
    assert len(best.layers) == count
    assert best.holes == 0


def test_a_design_as_torch_builds_it_has_the_output_size_and_the_interior_that_it_says():
    for best in designs((20, 24), stride=4, kernels=(3, 5), input_size=96, max_layers=4):
        convolutions = [nn.Conv2d(1, 1, one.kernel_size, one.stride, one.padding, one.dilation) for one in best.layers]
        with torch.no_grad():
            units = nn.Sequential(*convolutions)(torch.zeros(1, 1, 96, 96)).shape[-1]
        reach = input_cells([Layer(o.kernel_size, stride=o.stride) for o in best.layers], 0)[-1]
        inside = [u for u in range(units) if 0 <= u * 4 - best.field.padding <= 95 - reach]
        assert best.interior == (len(inside) / units) ** 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"size": 0}, "size=0 must be at least 1", id="nothing"),
        pytest.param({"size": (9, 3)}, "size=(9, 3) must be a pair (smallest, largest)", id="wrong way round"),
        pytest.param(
            {"size": (1, 2, 3)},
            "size=(1, 2, 3) has 3 numbers; it must be one integer or a pair (smallest, largest)",
            id="three",
        ),
        pytest.param({"size": 9, "kernels": ()}, "kernels is empty; it must hold at least one number", id="no kernel"),
        pytest.param(
            {"size": 32, "strides": (1,)},
            "no stack of at most 40 layers has a field of 32 with these kernels, strides and dilations",
            id="even, of odd kernels",
        ),
    ],
)
def test_wrong_questions(arguments, message):
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        designs(**arguments)
