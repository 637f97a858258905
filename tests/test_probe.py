"""The probes against counting and worked values; they lie where it is said; the model comes back as it was."""

import itertools
import random
import re

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import rfguide
from rfguide import GeometryError, Layer, TraceError, input_cells, output_sizes, probe, receptive_fields
from rfguide.networks import NET
from rfguide.probe import Difference, Report
from rfguide.torch_networks import Net
from rfguide.trace import Map

IMAGE = (1, 3, 32, 32)


def function(forward, *modules: nn.Module) -> nn.Module:
    """A module that runs a function; its modules are called "0", "1", …"""

    class Function(nn.Module):
        def __init__(self):
            super().__init__()
            for number, module in enumerate(modules):
                self.add_module(str(number), module)

        def forward(self, *args, **kwargs):
            return forward(*modules, *args, **kwargs)

    return Function()


# The NaN probe


@pytest.mark.parametrize("call", range(4), ids=["conv1", "pool", "conv2", "pool#2"])
@pytest.mark.parametrize("unit", [0, 1, 4, 7])
def test_nan_measures_the_articles_net_as_the_definition_counts_it(call, unit):
    """Claims C20 to C30: 3, 4, 8, 10 cells in the middle, fewer at the border."""
    name = ["conv1", "pool", "conv2", "pool#2"][call]
    cells = input_cells(NET[: call + 1], unit, input_size=32)
    region = (cells[0], cells[-1])
    assert probe.nan(Net(), IMAGE, (unit, unit), layer=name) == (region, region)


def test_nan_takes_calls_of_functions_and_the_output():
    net = Net()
    assert probe.nan(net, IMAGE, (4, 4), layer="relu()") == probe.nan(net, IMAGE, (4, 4), layer="conv1")
    assert probe.nan(net, IMAGE, (4, 4), layer="relu()#2") == probe.nan(net, IMAGE, (4, 4), layer="conv2")
    assert probe.nan(net, IMAGE, (4, 4)) == probe.nan(net, IMAGE, [4, 4], layer="pool#2") == ((13, 22), (13, 22))


@settings(max_examples=60)
@given(
    st.lists(
        st.lists(
            st.builds(
                Layer,
                st.integers(1, 3),
                stride=st.integers(1, 2),
                padding=st.integers(0, 2) | st.tuples(st.integers(0, 2), st.integers(0, 2)),
                dilation=st.integers(1, 2),
            ),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=3,
    ),
    st.integers(1, 9),
    st.data(),
)
def test_nan_measures_what_counting_gives_on_random_stacks_of_one_to_three_axes(axes, size, data):
    """Axis by axis: the first list of layers is the first axis of the model, and so on."""
    try:
        units = [output_sizes(size, layers)[-1] for layers in axes]
    except GeometryError:
        assume(False)
    kinds = (F.conv1d, F.conv2d, F.conv3d)[len(axes) - 1]

    def forward(image):
        for layers in zip(*axes, strict=True):
            pads = [n for layer in reversed(layers) for n in (layer.before, layer.after)]
            weight = torch.ones(1, 1, *(layer.kernel_size for layer in layers))
            stride, dilation = [layer.stride for layer in layers], [layer.dilation for layer in layers]
            image = kinds(F.pad(image, pads), weight, stride=stride, dilation=dilation)
        return image

    unit = tuple(data.draw(st.integers(0, n - 1)) for n in units)
    cells = [input_cells(layers, u, input_size=size) for layers, u in zip(axes, unit, strict=True)]
    expected = tuple((c[0], c[-1]) for c in cells) if all(cells) else (None,) * len(axes)
    assert probe.nan(function(forward), (1, 1, *[size] * len(axes)), unit) == expected


def test_a_unit_of_one_axis_may_be_an_integer():
    model = nn.Conv1d(2, 2, 3)
    assert probe.nan(model, (1, 2, 9), 4) == probe.nan(model, (1, 2, 9), (4,)) == ((4, 6),)
    assert probe.gradient(model, (1, 2, 9), 4).shape == (9,)


@pytest.mark.parametrize(
    ("model", "input_size", "unit", "expected"),
    [
        pytest.param(nn.Conv2d(1, 1, (3, 1)), (1, 1, 9, 9), (2, 5), ((2, 4), (5, 5)), id="axes differ"),
        pytest.param(nn.Conv1d(1, 1, 3, dilation=3), (1, 1, 12), 2, ((2, 8),), id="holes are inside the hull"),
        pytest.param(nn.Conv1d(1, 1, 3, dilation=3, padding=3), (1, 1, 4), 0, ((0, 3),), id="clipped"),
        pytest.param(nn.Conv1d(1, 1, 1, padding=1), (1, 1, 4), 0, (None,), id="padding alone"),
        pytest.param(nn.Conv2d(1, 1, 1, padding=(1, 0)), (1, 1, 4, 4), (0, 2), (None, None), id="a row of padding"),
        pytest.param(nn.AdaptiveAvgPool1d(1), (1, 1, 7), 0, ((0, 6),), id="global pooling"),
        pytest.param(
            nn.Sequential(nn.Conv1d(1, 1, 3), nn.Softmax(2)), (1, 1, 9), 3, ((0, 8),), id="softmax over space"
        ),
        pytest.param(nn.GroupNorm(1, 2), (1, 2, 6), 3, ((0, 5),), id="group norm"),
        pytest.param(nn.BatchNorm1d(2).eval(), (1, 2, 6), 3, ((3, 3),), id="batch norm, evaluating"),
        pytest.param(nn.BatchNorm1d(2), (1, 2, 6), 3, ((0, 5),), id="batch norm, training"),
        pytest.param(nn.Upsample(scale_factor=2), (1, 1, 6), 5, ((2, 2),), id="nearest"),
        pytest.param(nn.ConvTranspose1d(1, 1, 3, stride=2, padding=1), (1, 1, 6), 5, ((2, 3),), id="transposed"),
        pytest.param(nn.Conv3d(1, 1, (1, 2, 3)), (1, 1, 5, 5, 5), (4, 3, 2), ((4, 4), (3, 4), (2, 4)), id="video"),
        pytest.param(nn.Flatten(2), (1, 1, 4, 5), 7, ((1, 1), (2, 2)), id="fewer axes out than in"),
        pytest.param(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), (1, 3, 4), (), ((0, 3),), id="no axis left"),
    ],
)
def test_nan_on_one_layer_of_each_kind(model, input_size, unit, expected):
    assert probe.nan(model, input_size, unit) == expected


@pytest.mark.parametrize("kernel", [0.0, -1.0])
def test_nan_shows_structure_whatever_the_weights(kernel):
    """Chapter 9: with all weights 0 NaN still finds all 100 pixels; the gradient finds none."""
    net = Net()
    for parameter in net.parameters():
        nn.init.constant_(parameter, kernel)
    assert probe.nan(net, IMAGE, (4, 4)) == ((13, 22), (13, 22))
    assert not probe.gradient(net, IMAGE, (4, 4)).any()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_models_of_other_float_types_are_probed_as_they_are(dtype):
    net = Net().to(dtype)
    assert probe.nan(net, IMAGE, (4, 4)) == ((13, 22), (13, 22))
    assert probe.gradient(net, IMAGE, (4, 4)).dtype == np.float64
    assert {parameter.dtype for parameter in net.parameters()} == {dtype}


def test_a_sample_tensor_is_used_and_not_written_into():
    image = torch.randn(2, 3, 32, 32)
    before = image.clone()
    model = nn.Sequential(nn.ReLU(inplace=True), Net())
    assert probe.nan(model, image, (4, 4)) == ((13, 22), (13, 22))
    probe.gradient(model, image, (4, 4))
    assert torch.equal(image, before)
    assert not image.requires_grad


def test_several_inputs_are_told_apart_by_name():
    model = function(lambda conv, image, mask=None: conv(image) + mask, nn.Conv1d(1, 1, 3, padding=1))
    sizes = {"image": (1, 1, 8), "mask": (1, 1, 8)}
    assert probe.nan(model, sizes, 4) == probe.nan(model, sizes, 4, input="image") == ((3, 5),)
    assert probe.nan(model, sizes, 4, input="mask") == ((4, 4),)
    assert (probe.gradient(model, sizes, 4, input="mask") > 0).tolist() == [False] * 4 + [True] + [False] * 3
    with pytest.raises(TraceError, match=r"^input='depth' is not among the inputs that are followed: image, mask$"):
        probe.nan(model, sizes, 4, input="depth")


def test_an_input_of_integers_is_passed_over_or_refused():
    model = function(
        lambda conv, table, image, kind: conv(image) + table(kind)[:, :, None], nn.Conv1d(1, 1, 3), nn.Embedding(5, 1)
    )
    kinds = torch.tensor([2])
    assert probe.nan(model, ((1, 1, 8), kinds), 2) == ((2, 4),)
    message = "input input is torch.int64; a probe needs floating-point numbers, rfguide.trace does not"
    with pytest.raises(TraceError, match=f"^{message}$"):
        probe.nan(nn.Embedding(9, 4), torch.zeros(1, 6, dtype=torch.int64), (2,))


def test_a_unit_of_tokens_is_one_token():
    """ViT in one line: patches of 4, then attention over all of them."""
    patches = nn.Conv2d(3, 8, 4, stride=4)
    attention = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    model = function(lambda p, a, x: a(p(x).flatten(2).transpose(1, 2)), patches, attention)
    assert probe.nan(model, (1, 3, 16, 16), 5, layer="transpose()") == ((4, 7), (4, 7))
    assert probe.nan(model, (1, 3, 16, 16), 5) == ((0, 15), (0, 15))
    seen = probe.gradient(model, (1, 3, 16, 16), 5, layer="transpose()").nonzero()
    assert [(places.min(), places.max()) for places in seen] == [(4, 7), (4, 7)]


def test_where_trace_cannot_follow_units_are_counted_after_batch_and_channels():
    """Rows of the last dimension are tokens, but only a trace, or the caller, would know."""
    model = function(lambda x: (x if float(x.abs().sum()) else -x).transpose(1, 2).cumsum(1))
    assert probe.nan(model, (1, 3, 6), 2) == ((0, 5),)
    assert probe.nan(model, (1, 3, 6), 2, unit_dims=(1,)) == ((0, 2),)


# How the NaN probe lies


@pytest.mark.parametrize(
    "swallow",
    [
        pytest.param(lambda x: x.nan_to_num(), id="nan_to_num"),
        pytest.param(lambda x: torch.where(x > 0, 1.0, 0.0), id="where on a comparison"),
        pytest.param(lambda x: (x > 0).float(), id="comparison"),
    ],
)
def test_nan_is_swallowed_as_documented(swallow):
    assert probe.nan(function(swallow), (1, 1, 8), 3) == (None,)


def test_nan_reads_a_weight_of_0_as_a_path():
    """A causal mask puts 0 on later positions, and NaN × 0 is NaN; the gradient tells the difference."""

    def attend(x):
        scores = (x.transpose(1, 2) @ x).masked_fill(torch.ones(6, 6).triu(1).bool(), -torch.inf)
        return (scores.softmax(2) @ x.transpose(1, 2)).transpose(1, 2)

    model = function(attend)
    assert probe.nan(model, (1, 2, 6), 2) == ((0, 5),)
    assert (probe.gradient(model, (1, 2, 6), 2) > 0).tolist() == [True] * 3 + [False] * 3


# The gradient probe


def test_the_gradient_of_one_channel_misses_much_of_the_field():
    """Chapter 9 (Q19): of 100 pixels one channel shows 45 or so, at most 64, and sometimes none at all."""
    found = []
    for seed in range(60):
        torch.manual_seed(seed)
        found.append(int((probe.gradient(Net(), IMAGE, (4, 4), channel=0, seed=seed) > 0).sum()))
    assert 0 in found
    assert max(found) == 64
    assert 35 < np.mean(found) < 55


def test_all_channels_show_nearly_the_whole_field_and_the_skeleton_all_of_it():
    """Chapter 9: all channels 99.9 of 100 on average, positive weights with average pooling 100."""
    found = []
    for seed in range(20):
        torch.manual_seed(seed)
        net = Net()
        found.append(int((probe.gradient(net, IMAGE, (4, 4), seed=seed) > 0).sum()))
        skeleton = probe.gradient(net, IMAGE, (4, 4), linear=True, seed=seed)
        rows, columns = np.nonzero(skeleton)
        assert (rows.min(), rows.max(), columns.min(), columns.max(), len(rows)) == (13, 22, 13, 22, 100)
    assert 98 < np.mean(found) <= 100


@pytest.mark.parametrize(
    ("layers", "paths"),
    [
        pytest.param([nn.Conv1d(1, 1, 3), nn.Conv1d(1, 1, 3)], [1, 2, 3, 2, 1], id="two convolutions (chapter 2)"),
        pytest.param([nn.Conv1d(1, 1, 3), nn.ReLU(), nn.MaxPool1d(2)], [1, 2, 2, 1], id="ReLU and max pooling"),
        pytest.param([nn.Conv1d(1, 1, 2, dilation=2), nn.Sigmoid()], [1, 0, 1], id="holes show"),
        pytest.param([nn.MaxPool1d(2, stride=1, dilation=3)], [1, 0, 0, 1], id="dilated max pooling"),
        pytest.param([nn.MaxPool1d(3, stride=2, ceil_mode=True)], [1, 1, 1], id="ceil_mode"),
        pytest.param([nn.Conv1d(1, 1, 2), nn.BatchNorm1d(1).eval(), nn.GELU()], [1, 1], id="batch norm, GELU"),
    ],
)
def test_the_skeleton_counts_paths(layers, paths):
    """The gradient of the skeleton is the number of paths, divided by all taps on the way."""
    gradient = probe.gradient(nn.Sequential(*layers), (1, 1, 9), 0, linear=True)
    assert gradient.sum() == pytest.approx(1, rel=1e-4)
    np.testing.assert_allclose(gradient[: len(paths)] * sum(paths), paths, rtol=1e-4)
    assert not gradient[len(paths) :].any()


def test_a_window_that_hangs_over_the_end_averages_what_is_left():
    model = nn.MaxPool1d(2, ceil_mode=True)
    assert probe.gradient(model, (1, 1, 9), 4, linear=True).tolist() == [0] * 8 + [0.5]


def test_the_skeleton_reads_functions_as_it_reads_modules():
    torch.manual_seed(0)
    conv = nn.Conv2d(1, 2, 3)
    by_function = function(lambda c, x: F.adaptive_max_pool2d(F.max_pool2d(F.relu6(c(x)), 2), 2), conv)
    by_module = nn.Sequential(conv, nn.ReLU6(), nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2))
    one, other = (probe.gradient(m, (1, 1, 12, 12), (1, 0), linear=True) for m in (by_function, by_module))
    np.testing.assert_array_equal(one, other)
    assert one.any()


def test_saturated_activations_hide_the_field_from_the_gradient_but_not_from_the_skeleton():
    """Chapter 9: ReLU6 saturates on large inputs."""
    model = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU6())
    nn.init.constant_(model[0].weight, 1)
    image = torch.full((1, 1, 9), 100.0)
    assert not probe.gradient(model, image, 3).any()
    assert (probe.gradient(model, image, 3, linear=True) > 0).sum() == 3


def test_gradients_of_a_linear_layer_are_its_weights():
    conv = nn.Conv1d(2, 3, 3)
    gradient = probe.gradient(conv, (1, 2, 7), 2)
    np.testing.assert_allclose(gradient[2:5], conv.weight.detach().sum(0).abs().sum(0), rtol=1e-5)
    one = probe.gradient(conv, (1, 2, 7), 2, channel=1)
    np.testing.assert_allclose(one[2:5], conv.weight.detach()[1].abs().sum(0), rtol=1e-5)


def test_samples_are_averaged_whether_drawn_or_given():
    model = nn.Sequential(nn.Conv1d(1, 1, 3), nn.ReLU())
    singles = [probe.gradient(model, (1, 1, 9), 3, seed=seed) for seed in (5, 6, 7)]
    np.testing.assert_allclose(probe.gradient(model, (1, 1, 9), 3, samples=3, seed=5), np.mean(singles, axis=0))
    batch = torch.randn(4, 1, 9)
    each = [probe.gradient(model, image[None], 3) for image in batch]
    np.testing.assert_allclose(probe.gradient(model, batch, 3), np.mean(each, axis=0))
    message = "samples=3 needs a shape, to fill with random values; a tensor's own samples are averaged"
    with pytest.raises(GeometryError, match=f"^{message}$"):
        probe.gradient(model, batch, 3, samples=3)


def test_the_same_seed_gives_the_same_gradient():
    net = Net()
    one, two, other = (probe.gradient(net, IMAGE, (4, 4), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_a_unit_that_the_input_does_not_reach_has_gradient_0():
    model = nn.Conv1d(1, 1, 1, padding=1)
    assert probe.gradient(model, (1, 1, 4), 0).tolist() == [0, 0, 0, 0]


# The model comes back as it was


def state(model: nn.Module) -> object:
    values = {name: tensor.clone() for name, tensor in model.state_dict(keep_vars=True).items()}
    hooks = [(dict(m._forward_hooks), dict(m._forward_pre_hooks)) for m in model.modules()]
    modes = [m.training for m in model.modules()]
    attributes = [sorted(m.__dict__) for m in model.modules()]
    grads = [(p.requires_grad, p.grad, id(p)) for p in model.parameters()]
    dice = (torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist())
    settings = (torch.is_grad_enabled(), torch.backends.cudnn.enabled, torch._C._get_nnpack_enabled())
    return values, hooks, modes, attributes, grads, dice, settings


def same(one: object, other: object) -> bool:
    (values, *rest), (others, *others_rest) = one, other
    return rest == others_rest and all(torch.equal(values[name], others[name]) for name in values | others)


class Restless(nn.Module):
    """Everything that a forward pass may change: statistics, dice, attributes; it may fail as well."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.spectral_norm(nn.Conv1d(1, 2, 3))
        self.norm = nn.BatchNorm1d(2)
        self.drop = nn.Dropout(0.1)
        self.register_buffer("calls", torch.zeros(()))
        self.fails = False

    def forward(self, x):
        self.calls += 1
        self.last = x
        random.random()
        if self.fails:
            self.norm.train(False)
            raise ValueError("no more")
        return self.drop(self.norm(self.conv(x)))


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda model: probe.nan(model, (2, 1, 9), 3), id="nan"),
        pytest.param(lambda model: probe.nan(model, (2, 1, 9), 3, layer="conv"), id="nan at a layer"),
        pytest.param(lambda model: probe.gradient(model, (2, 1, 9), 3), id="gradient"),
        pytest.param(lambda model: probe.gradient(model, (2, 1, 9), 3, linear=True), id="skeleton"),
        pytest.param(lambda model: rfguide.check(model, (2, 1, 9)), id="check"),
    ],
)
@pytest.mark.parametrize("fails", [False, True], ids=["works", "raises"])
@pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
def test_the_model_and_all_dice_are_untouched(ask, fails, training):
    model = Restless().train(training)
    model.drop.train(not training)  # modes differ from module to module
    model.conv.parametrizations.weight.original.requires_grad_(False)
    model.norm.register_forward_hook(lambda *_: None)
    model.fails = fails
    before = state(model)
    if fails:
        with pytest.raises(TraceError, match=r"ValueError: no more$"):
            ask(model)
    else:
        ask(model)
    assert same(before, state(model))
    assert not hasattr(model, "last")


def test_the_skeleton_leaves_the_weights_themselves():
    net = Net()
    before = {name: (id(p), p.clone()) for name, p in net.named_parameters()}
    probe.gradient(net, IMAGE, (4, 4), linear=True)
    for name, parameter in net.named_parameters():
        assert id(parameter) == before[name][0]
        assert torch.equal(parameter, before[name][1])
        assert parameter.grad is None
    with pytest.raises(GeometryError, match=r"^unit=\(4,\) has 1 numbers; the output has 2 axes of \(8, 8\) units$"):
        probe.gradient(net, IMAGE, 4, linear=True)
    assert all(id(parameter) == before[name][0] for name, parameter in net.named_parameters())


def test_wrappers_are_looked_through():
    net = Net()
    for wrapped in (nn.DataParallel(net), torch.compile(net, backend="eager")):
        assert probe.nan(wrapped, IMAGE, (4, 4), layer="conv2") == ((5, 12), (5, 12))


# Bad input


@pytest.mark.parametrize("ask", [probe.nan, probe.gradient])
@pytest.mark.parametrize(
    ("unit", "options", "error", "message"),
    [
        ((8, 0), {}, GeometryError, "unit[0]=8 must be from 0 to 7: the output has (8, 8) units"),
        ((0, -1), {}, GeometryError, "unit[1]=-1 must be from 0 to 7: the output has (8, 8) units"),
        ((0, 0, 0), {}, GeometryError, "unit=(0, 0, 0) has 3 numbers; the output has 2 axes of (8, 8) units"),
        (3, {}, GeometryError, "unit=(3,) has 1 numbers; the output has 2 axes of (8, 8) units"),
        ((32, 0), {"layer": "conv1"}, GeometryError, "unit[0]=32 must be from 0 to 31: conv1 has (32, 32) units"),
        ((0.5, 0), {}, TypeError, "unit[0]=0.5 must be an integer, not float"),
        (None, {}, TypeError, "unit=None must be an integer, not NoneType"),
        ("44", {}, TypeError, "unit='44' must be an integer, not str"),
        (
            (0, 0),
            {"layer": "conv3"},
            TraceError,
            "layer='conv3' is no call of the model; it makes conv1, relu(), pool, conv2, relu()#2, pool#2",
        ),
        (
            (0, 0),
            {"layer": "pool#3"},
            TraceError,
            "layer='pool#3' is no call of the model; it makes conv1, relu(), pool, conv2, relu()#2, pool#2",
        ),
        ((0, 0), {"seed": 0.5}, TypeError, "seed=0.5 must be an integer, not float"),
    ],
)
def test_units_and_layers_that_are_not_there(ask, unit, options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ask(Net(), IMAGE, unit, **options)


@pytest.mark.parametrize("ask", [probe.nan, probe.gradient, lambda m, i, u: rfguide.check(m, i)])
@pytest.mark.parametrize(
    ("model", "input_size", "error", "message"),
    [
        pytest.param(lambda x: x, IMAGE, TypeError, "model must be a torch.nn.Module, not function", id="function"),
        pytest.param(Net().to("meta"), IMAGE, TraceError, None, id="meta device"),
        pytest.param(Net(), (1, 3), GeometryError, None, id="no axis"),
        pytest.param(Net(), (), GeometryError, None, id="empty"),
        pytest.param(Net(), "1,3,32,32", TypeError, None, id="string"),
        pytest.param(Net(), (1, 3, 0, 32), GeometryError, "input_size[2]=0 must be at least 1", id="zero"),
        pytest.param(Net(), (1, 4, 32, 32), TraceError, None, id="four channels"),
        pytest.param(function(lambda x: None), IMAGE, TraceError, None, id="returns nothing"),
    ],
)
def test_models_and_inputs_that_cannot_be_probed(ask, model, input_size, error, message):
    with pytest.raises(error) as caught:
        ask(model, input_size, (0, 0))
    assert "\n" not in str(caught.value)
    if message is not None:
        assert str(caught.value) == message


def test_what_the_model_raises_is_told_in_one_line_with_its_place():
    with pytest.raises(TraceError, match=r"^conv1 \(Conv2d\): RuntimeError: .*expected input\[1, 4, 32, 32\]"):
        probe.nan(Net(), (1, 4, 32, 32), (0, 0))


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: (x * 2).long(), "unit (3,) of the output is torch.int64, in which no NaN can show"),
        (lambda x: x / 0 * 0, "unit (3,) of the output is NaN before any NaN is put in: the model makes its own"),
        (lambda x: {}, "the model returns dict, which holds no tensor"),
    ],
)
def test_maps_in_which_nan_tells_nothing(forward, message):
    with pytest.raises(TraceError, match=f"^{re.escape(message)}$"):
        probe.nan(function(forward), (1, 1, 8), 3)


@pytest.mark.parametrize(
    ("forward", "options", "error", "message"),
    [
        (lambda x: x, {"channel": 2}, GeometryError, "channel=2 must be from 0 to 1: the output has 2 channels"),
        (lambda x: x, {"channel": -1}, GeometryError, "channel=-1 must be at least 0"),
        (lambda x: x, {"channel": 0.0}, TypeError, "channel=0.0 must be an integer, not float"),
        (lambda x: x, {"samples": 0}, GeometryError, "samples=0 must be at least 1"),
        (
            lambda x: x.detach(),
            {},
            TraceError,
            "the output has no gradient: the model detaches what it computes, or it is no real number",
        ),
    ],
)
def test_gradients_that_cannot_be_taken(forward, options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        probe.gradient(function(forward), (1, 2, 8), 3, **options)


# check


def test_check_agrees_on_the_articles_net_and_says_how_much_it_has_seen():
    report = rfguide.check(Net(), IMAGE)
    assert report == Report(maps=6, units=30, passes=64)
    assert report
    assert report.agrees
    assert str(report) == "trace and the NaN probe agree on 30 units of 6 maps (64 forward passes)"


def test_check_covers_every_unit_if_asked_for_enough():
    report = rfguide.check(nn.Conv1d(1, 1, 3, padding=1), (1, 1, 8), samples=500)
    assert report.agrees
    assert (report.maps, report.units) == (1, 8)


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(nn.Sequential(nn.Conv2d(3, 4, 3, padding=2, dilation=2), nn.MaxPool2d(3, 2, 1)), id="dilation"),
        pytest.param(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(3), nn.Conv2d(4, 2, 2)), id="adaptive"),
        pytest.param(nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(3, 4, 1), nn.Upsample(scale_factor=3)), id="upsampling"),
        pytest.param(nn.Sequential(nn.Conv2d(3, 4, 1, padding=1), nn.ReLU(inplace=True)), id="units that see nothing"),
        pytest.param(nn.Sequential(nn.Flatten(), nn.Linear(3 * 12 * 10, 2)), id="no axis left"),
    ],
)
def test_check_agrees_on_models_of_many_kinds(model):
    report = rfguide.check(model, (1, 3, 12, 10), samples=9)
    assert report.agrees, str(report)


def test_check_compares_functions_under_their_own_numbers():
    """What the check itself does to a map (it takes a unit, for one) must not count as a call of the model."""

    def forward(conv, x):
        y = conv(x)[:, :, 1:-1]
        y += x[:, :, 1:-1]
        out = torch.zeros_like(x).relu()  # a shape is all that comes from the input: no map yet
        out[:, :, 2:6] = y[:, :, 1:5]
        return torch.cat([out.roll(1, 2), x.relu()], dim=1).relu()

    report = rfguide.check(function(forward, nn.Conv1d(1, 1, 3, padding=1)), (1, 1, 8), samples=8)
    assert report.agrees, str(report)
    assert report.maps == 9  # 0, getitem(), getitem()#2, add_(), getitem()#3, roll(), relu(), cat(), relu()#2


def test_check_takes_every_output():
    model = function(lambda conv, x: (conv(x), [x + 1, {"deep": conv(x) * 2}]), nn.Conv1d(1, 1, 3, padding=1))
    report = rfguide.check(model, (1, 1, 8), samples=8)
    assert report.agrees, str(report)
    assert (report.maps, report.units) == (4, 32)  # 0, add(), 0#2, mul()


def test_check_takes_every_floating_input():
    model = function(lambda conv, x, y: conv(x) + y.flip(2), nn.Conv1d(1, 1, 3, padding=1))
    assert rfguide.check(model, ((1, 1, 8), (1, 1, 8)), samples=8).agrees


@pytest.mark.parametrize(("end", "offset"), [(0, -1), (0, 1), (1, -1), (1, 1)])
def test_check_finds_a_field_that_is_wrong_by_one_cell(monkeypatch, end, offset):
    """The test of the test: trace's answer for conv2, middle unit, is falsified by one cell at one end."""
    true = Map.visible

    def wrong(self, unit, *, input=None):
        regions = list(true(self, unit, input=input))
        if self.name == "conv2" and unit == (8, 8):
            region = list(regions[1])
            region[end] += offset
            regions[1] = tuple(region)
        return tuple(regions)

    monkeypatch.setattr(Map, "visible", wrong)
    report = rfguide.check(Net(), IMAGE)
    assert not report
    assert not report.agrees
    falsified = [13, 20]
    falsified[end] += offset
    assert report.difference == Difference("conv2", (8, 8), "x", ((13, 20), tuple(falsified)), ((13, 20), (13, 20)))
    assert str(report) == (
        f"conv2, unit (8, 8): trace says cells ((13, 20), ({falsified[0]}, {falsified[1]})) of x, "
        "the NaN probe measures ((13, 20), (13, 20))"
    )


def test_check_names_the_first_map_that_is_wrong(monkeypatch):
    """One wrong map makes those after it wrong; the middle unit of all maps is falsified from conv2 on."""
    true = Map.visible

    def wrong(self, unit, *, input=None):
        first, second = true(self, unit, input=input)
        return (first, second) if self.name in ("conv1", "relu()", "pool") else ((first[0], first[1] - 1), second)

    monkeypatch.setattr(Map, "visible", wrong)
    assert rfguide.check(Net(), IMAGE).difference.name == "conv2"


def test_check_names_the_first_map_even_if_a_later_one_is_found_first(monkeypatch):
    """pool#2 is found wrong by the NaN that conv1 asks for, long before conv2's own."""
    true = Map.visible
    falsified = {("conv2", (8, 8)): ((13, 19), (13, 20)), ("pool#2", (0, 0)): ((0, 1), (0, 6))}
    monkeypatch.setattr(
        Map, "visible", lambda self, unit, *, input=None: falsified.get((self.name, unit)) or true(self, unit)
    )
    assert rfguide.check(Net(), IMAGE).difference.name == "conv2"


def test_check_finds_a_unit_that_is_said_to_see_nothing(monkeypatch):
    monkeypatch.setattr(Map, "visible", lambda self, unit, *, input=None: (None,))
    report = rfguide.check(nn.Conv1d(1, 1, 3), (1, 1, 8))
    assert str(report) == "Conv1d, unit (0,): trace says cells (None,) of input, the NaN probe measures ((0, 2),)"


def test_check_finds_a_call_that_a_run_on_values_does_not_make():
    """A model that makes another call from its second run on."""
    runs = itertools.count()
    model = function(lambda conv, x: F.pad(x, (-1, -1)) if next(runs) else conv(x), nn.Conv1d(1, 1, 3))
    report = rfguide.check(model, (1, 1, 8))
    assert str(report) == "0: trace lists this call, but a run on real values makes no such call"


def test_check_tells_its_progress():
    steps = []
    report = rfguide.check(Net(), IMAGE, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(number, report.passes) for number in range(1, report.passes + 1)]


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9, 33])
@pytest.mark.parametrize("unit", ["first", "middle", "last"])
def test_the_nan_probe_tells_its_progress_and_never_more_than_it_said(size, unit):
    steps = []
    place = {"first": 0, "middle": size // 2, "last": size - 1}[unit]
    probe.nan(nn.Conv1d(1, 1, 3, padding=1), (1, 1, size), place, progress=lambda *step: steps.append(step))
    assert [done for done, _ in steps] == list(range(1, len(steps) + 1))
    assert {total for _, total in steps} == {2 + 2 * len(bin(size - 1)[2:].lstrip("0"))}
    assert len(steps) <= steps[0][1]


def test_the_gradient_probe_tells_its_progress():
    steps = []
    probe.gradient(nn.Conv1d(1, 1, 3), (1, 1, 8), 2, samples=3, progress=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_check_needs_a_sample():
    with pytest.raises(GeometryError, match=r"^samples=0 must be at least 1$"):
        rfguide.check(Net(), IMAGE, samples=0)


def test_four_methods_agree_on_the_articles_net():
    """Formula, counting, trace and NaN: chapter 0's table."""
    net, names = Net(), ["conv1", "pool", "conv2", "pool#2"]
    formula = [field.size for field in receptive_fields(NET)]
    counted = [len(input_cells(NET[: n + 1], 4)) for n in range(4)]
    traced = [rfguide.trace(net, IMAGE)[name].size[0] for name in names]
    measured = [last - first + 1 for first, last in (probe.nan(net, IMAGE, (4, 4), layer=name)[0] for name in names)]
    assert formula == counted == traced == measured == [3, 4, 8, 10]
