"""`trace` as a user meets it: names, sizes, tables, several inputs, wrappers, and the model left as it was."""

import copy
import csv
import io
import json
import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import rfguide
from nan_oracle import differences
from rfguide import Layer, ReceptiveField, TraceError, receptive_fields
from rfguide.torch_networks import Net


class Fn(nn.Module):
    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, *inputs, **named):
        return self.function(*inputs, *self.parts, **named)


@pytest.fixture(scope="module")
def net():
    return rfguide.trace(Net(), (1, 3, 32, 32))


def test_calls_are_named_in_order_of_completion(net):
    assert list(net) == ["conv1", "relu()", "pool", "conv2", "relu()#2", "pool#2"]
    assert len(net) == 6
    assert "pool#2" in net
    assert "pool#3" not in net
    assert net.output is net["pool#2"]


def test_the_articles_net(net):
    assert [m.size for m in net.values()] == [(3, 3), (3, 3), (4, 4), (8, 8), (8, 8), (10, 10)]
    assert net["pool#2"].fields == (ReceptiveField(size=10, stride=4, padding=3),) * 2
    assert net["pool#2"].visible((0, 4)) == ((0, 6), (13, 22))
    assert net["conv2"].shape == (1, 32, 16, 16)
    assert net["conv2"].nbytes == 4 * 32 * 16 * 16
    assert (net["conv2"].params, net["relu()"].params) == (4640, 0)
    assert net["conv2"].inputs == ("x",)


def test_containers_are_calls_too():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(2, 2, 3)

        def forward(self, x):
            return F.relu(self.conv(x)) + 1

    t = rfguide.trace(nn.Sequential(Block(), nn.Sequential(Block(), nn.ReLU())), (1, 2, 9, 9))
    assert list(t) == [
        "0.conv", "0.relu()", "0.add()", "0",
        "1.0.conv", "1.0.relu()", "1.0.add()", "1.0", "1.1", "1",
    ]  # fmt: skip
    assert t["1"].params == t["1.0.conv"].params == 38
    assert t["1"].macs == t["1.0.conv"].macs == 2 * 2 * 9 * 25


def test_a_call_with_several_results_has_a_map_for_each():
    t = rfguide.trace(Fn(lambda x, lstm: lstm(x.transpose(1, 2)), nn.LSTM(2, 3, batch_first=True)), (1, 2, 5))
    assert list(t) == ["transpose()", "parts.0[0]", "parts.0[1.0]", "parts.0[1.1]"]
    assert t["parts.0"] is t["parts.0[0]"]
    assert [m.shape for m in t.outputs] == [(1, 5, 3), (1, 1, 3), (1, 1, 3)]
    assert t.output.visible(2) == ((0, 2),)


def test_an_unknown_name_offers_near_ones(net):
    with pytest.raises(KeyError, match=r"no call is named 'pool#3' among 6; near it: pool#2, pool"):
        net["pool#3"]
    with pytest.raises(KeyError, match="no call is named 'zzz' among 6; the first is conv1"):
        net["zzz"]


LAYERS = st.builds(
    Layer,
    st.integers(1, 5),
    stride=st.integers(1, 3),
    padding=st.integers(0, 3),
    dilation=st.integers(1, 3),
)


@given(st.lists(LAYERS, max_size=7))
@settings(deadline=None)
def test_a_chain_has_the_fields_of_its_layers(layers):
    modules = [nn.Conv1d(1, 1, a.kernel_size, a.stride, a.before, a.dilation) for a in layers]
    # The largest field of seven such layers: 1 + 12 * (1 + 3 + ... + 3**6) = 13,117 cells.
    t = rfguide.trace(nn.Sequential(nn.ReLU(), *modules), (1, 1, 13_117))
    assert [t[str(i)].fields[0] for i in range(1, len(layers) + 1)] == list(receptive_fields(layers))


def test_unet_2015():
    """Ronneberger et al. 2015, valid convolutions: 388 units per axis, of which 100 see 188 cells and 288 see 204."""

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.up = nn.MaxPool2d(2), nn.ModuleList(nn.ConvTranspose2d(1, 1, 2, 2) for _ in range(4))
            self.down = nn.ModuleList(nn.Sequential(nn.Conv2d(1, 1, 3), nn.Conv2d(1, 1, 3)) for _ in range(5))
            self.merge = nn.ModuleList(nn.Sequential(nn.Conv2d(2, 1, 3), nn.Conv2d(1, 1, 3)) for _ in range(4))

        def forward(self, x):
            skips = []
            for level in self.down[:-1]:
                skips.append(level(x))
                x = self.pool(skips[-1])
            x = self.down[-1](x)
            for up, merge in zip(self.up, self.merge, strict=True):
                x, skip = up(x), skips.pop()
                cut = (skip.shape[-1] - x.shape[-1]) // 2
                x = merge(torch.cat([skip[:, :, cut : cut + x.shape[-1], cut : cut + x.shape[-1]], x], 1))
            return x

    m = rfguide.trace(UNet(), (1, 1, 572, 572)).output
    assert m.shape == (1, 1, 388, 388)
    assert m.size == (204, 204)
    assert m.fields == (None, None)
    assert len(m.phases[0]) == 16
    sizes = [last - first + 1 for (first, last), _ in (m.visible((u, 0)) for u in range(388))]
    assert {size: sizes.count(size) for size in set(sizes)} == {188: 100, 204: 288}
    assert sizes == [m.phases[0][u % 16].size for u in range(388)]


def test_a_unit_that_sees_only_padding_sees_nothing():
    m = rfguide.trace(nn.Conv1d(1, 1, 1, padding=2), (1, 1, 3)).output
    assert [m.visible(u) for u in range(7)] == [(None,), (None,), ((0, 0),), ((1, 1),), ((2, 2),), (None,), (None,)]


def test_batch_statistics_make_a_map_global_and_say_so():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    m = rfguide.trace(model, (1, 3, 9, 9)).output
    assert m.is_global
    assert m.global_because == "1 (BatchNorm2d)"
    assert m.size == (9, 9)
    assert m.fields == (None, None)
    assert rfguide.trace(model.eval(), (1, 3, 9, 9)).output.size == (3, 3)


def test_global_along_one_axis_alone():
    m = rfguide.trace(Fn(lambda x: F.max_pool2d(x, 3).mean(2, keepdim=True)), (1, 1, 9, 12)).output
    assert not m.is_global
    assert m.global_because == "mean()"
    assert m.size == (9, 3)
    assert m.fields == (None, ReceptiveField(size=3, stride=3))


def conv():
    return nn.Conv2d(4, 4, 3)


def excited(x, fc, conv):
    return conv(x * fc(x.mean((2, 3))).sigmoid().view(1, 4, 1, 1).expand_as(x))


def standardised(x, conv):
    return conv((x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True))


GATES = {
    "squeeze and excite": Fn(
        lambda x, a, b: b(x * a(x.mean((2, 3), keepdim=True)).sigmoid()), nn.Conv2d(4, 4, 1), conv()
    ),
    "squeeze and excite by Linear": Fn(excited, nn.Linear(4, 4), conv()),
    "group norm": nn.Sequential(nn.GroupNorm(2, 4), conv()),
    "instance norm": nn.Sequential(nn.InstanceNorm2d(4), conv()),
    "layer norm over space": nn.Sequential(nn.LayerNorm((4, 9, 9)), conv()),
    "batch norm in training": nn.Sequential(nn.BatchNorm2d(4), conv()),
    "statistics by hand": Fn(standardised, conv()),
}


@pytest.mark.parametrize("gate", GATES)
def test_ignore_global_reads_gates_as_elementwise(gate):
    t = rfguide.trace(GATES[gate], (1, 4, 9, 9), ignore_global=True)
    assert t.output.fields == (ReceptiveField(size=3),) * 2
    assert t.output.visible((3, 3)) == ((3, 5), (3, 5))
    assert t.ignored
    assert t.with_gates.output.is_global
    assert "with gates" in str(t)
    assert "read as element-wise: " in str(t)


def residual_attention(x):
    tokens = x.flatten(2).transpose(1, 2)
    return tokens + F.scaled_dot_product_attention(tokens, tokens, tokens)


def test_ignore_global_leaves_attention_and_heads_global():
    assert rfguide.trace(Fn(residual_attention), (1, 4, 3, 3), ignore_global=True).output.is_global
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    assert rfguide.trace(head, (1, 4, 3, 3), ignore_global=True).output.is_global


def perturbed(model, shape, axis):
    """Return, for every element of the output, which cells along an axis change it: real numbers, no NaN."""
    torch.manual_seed(0)
    x = torch.randn(shape)
    with torch.no_grad():
        plain = model(x)
        changed = []
        for cell in range(shape[axis]):
            other = x.clone()
            other.select(axis, cell).add_(1)
            changed.append(model(other) != plain)
    return torch.stack(changed)


def attention_under(mask, fill):
    def forward(x):
        t = x.transpose(1, 2)
        scores = t @ t.transpose(1, 2)
        return F.dropout(fill(scores, mask).softmax(-1), 0.1, False) @ t

    return Fn(forward)


BEFORE = torch.ones(6, 6).tril().bool()
NEAR = (torch.arange(6)[:, None] - torch.arange(6)).abs() < 2
MHA = nn.MultiheadAttention(2, 1, batch_first=True).eval()
UNDER_A_MASK = {
    "causal": Fn(lambda x: (lambda t: F.scaled_dot_product_attention(t, t, t, is_causal=True))(x.mT[:, None])),
    "mask of truth": Fn(lambda x: (lambda t: F.scaled_dot_product_attention(t, t, t, attn_mask=NEAR))(x.mT[:, None])),
    "added": attention_under(torch.where(BEFORE, 0.0, -torch.inf), lambda s, m: s + m),
    "added in place": attention_under(torch.where(NEAR, 0.0, -1e9), lambda s, m: s.add_(m)),
    "filled": attention_under(BEFORE, lambda s, m: s.masked_fill(~m, -torch.inf)),
    "chosen": attention_under(NEAR, lambda s, m: torch.where(m, s, -torch.inf)),
    "multi-head": Fn(lambda x: MHA(x.mT, x.mT, x.mT, attn_mask=~BEFORE)[0]),
    "multi-head, no weights": Fn(lambda x: MHA(x.mT, x.mT, x.mT, attn_mask=~NEAR, need_weights=False)[0]),
}


@pytest.mark.parametrize("case", UNDER_A_MASK)
def test_attention_reads_what_its_mask_leaves(case):
    model = UNDER_A_MASK[case]
    m = rfguide.trace(model, (1, 2, 6)).output
    seen = perturbed(model, (1, 2, 6), 2)
    for unit in range(6):
        cells = seen[..., unit, :].flatten(1).any(1).nonzero().flatten().tolist()
        assert m.visible(unit if len(m.units) == 1 else (0, unit)) == ((min(cells), max(cells)),)
    assert not m.is_global


def test_a_soft_mask_leaves_every_token_in_sight():
    model = attention_under(torch.where(NEAR, 0.0, -100.0), lambda s, m: s + m)
    assert rfguide.trace(model, (1, 2, 6)).output.is_global


def test_several_inputs():
    model = Fn(lambda image, depth: torch.cat([F.max_pool2d(image, 2), depth], 1))
    model.forward = lambda image, depth: model.function(image, depth)
    t = rfguide.trace(model, ((1, 3, 8, 8), (1, 1, 4, 4)))
    assert t.inputs == ("image", "depth")
    assert t["max_pool2d()"].inputs == ("image",)
    m = t.output
    assert m.inputs == ("image", "depth")
    assert m.input_name == "image"
    assert m.visible((1, 2)) == ((2, 3), (4, 5))
    assert m.visible((1, 2), input="depth") == ((1, 1), (2, 2))
    assert m.seen_from("depth").size == (1, 1)
    assert t["max_pool2d()"].visible((0, 0), input="depth") == (None, None)
    assert [row["inputs"] for row in t.rows()] == [["image"], ["image", "depth"]]


def test_inputs_by_name_and_vectors_beside_maps():
    class Conditioned(nn.Module):
        def forward(self, image, *, time):
            return image * time[:, :, None, None]

    t = rfguide.trace(Conditioned(), {"image": (1, 3, 8, 8), "time": (1, 3)})
    assert t.inputs == ("image",)
    assert t.output.size == (1, 1)


def test_several_inputs_against_nan():
    model = Fn(lambda a, b: F.max_pool2d(a, 2) + b[:, :, ::2])
    inputs = [(1, 1, 8, 6), (1, 1, 8, 3)]
    t = rfguide.trace(model, tuple(inputs))
    assert differences(model, t, inputs, 0) == []
    assert differences(model, t, inputs, 1) == []


def test_tokens_by_number():
    model = nn.Sequential(nn.Embedding(10, 4), Fn(lambda x: F.max_pool1d(x.transpose(1, 2), 3)))
    t = rfguide.trace(model, torch.zeros(2, 9, dtype=torch.long))
    assert t["0"].visible(4) == ((4, 4),)
    assert t.output.visible(1) == ((3, 5),)


class Tokens(nn.Module):
    """Patches as tokens and one more, attention in torch's own module, and back to a grid."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x):
        x = self.patches(x)
        tokens = torch.cat([self.token.expand(len(x), 1, 8), x.flatten(2).transpose(1, 2)], 1)
        tokens = tokens + self.attention(tokens, tokens, tokens)[0]
        return self.last(tokens[:, 1:].transpose(1, 2).reshape(x.shape))


@pytest.mark.parametrize("batch", [1, 2])
def test_a_unit_of_a_transformer_is_a_token_at_any_batch(batch):
    model = Tokens().eval()
    t = rfguide.trace(model, (batch, 3, 16, 12))
    assert {name: m.units for name, m in t.items()} == {
        "patches": (4, 3), "flatten()": (12,), "transpose()": (12,), "cat()": (13,), "attention[0]": (13,),
        "attention[1]": (13, 13), "add()": (13,), "getitem()": (12,), "transpose()#2": (12,), "reshape()": (4, 3),
        "last": (4, 3),
    }  # fmt: skip
    assert rfguide.check(model, (batch, 3, 16, 12), samples=20).agrees
    for name, m in t.items():
        unit = tuple(n - 1 for n in m.units)
        assert rfguide.probe.nan(model, (batch, 3, 16, 12), unit, name) == m.visible(unit), name
    assert t["cat()"].visible(12) == ((12, 15), (8, 11))
    assert t["add()"].visible(12) == ((0, 15), (0, 11))


def test_a_position_that_torch_rounds_has_no_closed_form():
    """6.5 · 106/13 is 53, but below it in float32: torch reads cell 52 there. What is said is what torch does."""
    model = nn.Upsample(13, mode="nearest-exact")
    t = rfguide.trace(model, (1, 1, 106))
    assert t.output.visible(6) == ((52, 52),)
    assert rfguide.check(model, (1, 1, 106), samples=13).agrees
    assert (t.output.size, t.output.region(6)) == ((None,), (None,))
    even = rfguide.trace(nn.Upsample(12, mode="nearest-exact"), (1, 1, 106)).output
    assert (even.size, even.region(6)) == ((1,), ((57, 57),))


def test_a_region_is_that_of_the_row_where_a_branch_skips_columns():
    gaps = nn.ConvTranspose2d(1, 1, 1, stride=2)
    model = Fn(lambda x, up, down: torch.cat([x, up(down(x))], 1), gaps, nn.AvgPool2d(3, 2, 1))
    m = rfguide.trace(model, (1, 1, 17, 17)).output
    assert m.visible((8, 8)) == m.region((8, 8)) == ((7, 9), (7, 9))
    assert (m.visible((8, 7)), m.region((8, 7))) == (((8, 8), (7, 7)), ((7, 9), (7, 7)))


def test_a_network_that_unpools_has_a_field_of_its_own():
    """SegNet in small: pooling of 2, a convolution, back to the places, a convolution."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
            self.inner, self.outer = (nn.Conv2d(3, 3, 3, padding=1) for _ in range(2))

        def forward(self, x):
            x, places = self.pool(x)
            return self.outer(self.unpool(self.inner(x), places))

    m = rfguide.trace(Net(), (1, 3, 32, 32)).output
    assert (m.size, m.visible((14, 15))) == ((8, 8), ((10, 17), (12, 19)))
    assert [field.size for field in m.phases[0]] == [8, 8]


@pytest.mark.parametrize(
    ("function", "size", "region"),
    [
        pytest.param(lambda x: x[:, :, :3, 2:7].mean((2, 3)), (3, 5), ((0, 2), (2, 6)), id="crop, then a mean"),
        pytest.param(lambda x: F.max_pool2d(x, 3, 3).mean((2, 3)), (18, 24), ((0, 17), (0, 23)), id="cells left over"),
        pytest.param(lambda x: x * x[:, :, :4].mean((2, 3), keepdim=True), (20, 25), ((0, 10), (0, 24)), id="gate"),
        pytest.param(lambda x: x[:, :, ::7].flip(2).sum(2), (15, 1), ((0, 14), (10, 10)), id="every seventh row"),
    ],
)
def test_a_map_is_global_only_where_every_unit_sees_every_cell(function, size, region):
    m = rfguide.trace(Fn(function), (1, 2, 20, 25)).output
    unit = (10, 10)[2 - len(m.units) :]
    assert (m.size, m.region(unit), m.visible(unit)) == (size, region, region)
    assert m.global_because
    assert not m.is_global


def test_a_mirrored_unit_counts_for_the_size_where_branches_disagree():
    """Unit u sees cells u and 2u + 3; the first two are mirrored ones, 2 and 1, which see more than -2 and -1 would."""

    def disagree(x):
        branches = x[..., :8] + x[..., 3::2][..., :8]
        return F.pad(branches, (2, 0), mode="reflect")[..., :2]

    m = rfguide.trace(Fn(disagree), (1, 1, 30)).output
    assert [m.visible(u) for u in range(2)] == [((2, 7),), ((1, 5),)]
    assert m.size == (6,)


def test_a_unit_takes_in_all_channels_also_where_they_hold_neighbours():
    m = rfguide.trace(nn.PixelUnshuffle(2), (1, 3, 12, 12)).output
    assert (m.units, m.size, m.visible((2, 5))) == ((6, 6), (2, 2), ((4, 5), (10, 11)))
    assert m.fields == (rfguide.ReceptiveField(2, 2, 0),) * 2
    one = rfguide.trace(nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.PixelUnshuffle(4)), (1, 3, 4, 4)).output
    assert (one.size, one.visible((0, 0)), one.region((0, 0))) == ((6, 6), ((0, 3), (0, 3)), ((-1, 4), (-1, 4)))


def test_frames_that_are_made_into_a_batch_stay_units():
    def each_frame(x, conv):
        return conv(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(x), -1)).transpose(1, 2)

    model = Fn(each_frame, nn.Conv2d(3, 4, 3))
    t = rfguide.trace(model, (1, 3, 5, 9, 8))
    assert (t["parts.0"].units, t.output.units) == ((5, 7, 6), (5, 7, 6))
    assert t.output.visible((3, 1, 2)) == t.output.region((3, 1, 2)) == ((3, 3), (1, 3), (2, 4))
    assert rfguide.check(model, (1, 3, 5, 9, 8), samples=9).agrees


def test_functions_that_trace_replaces_keep_their_names():
    model = Fn(
        lambda x: x.quantile(0.5, 2) + torch.take_along_dim(x, torch.zeros(1, 3, 1, 8, dtype=torch.long), 2)[:, :, 0]
    )
    assert list(rfguide.trace(model, (1, 3, 4, 8))) == ["quantile()", "take_along_dim()", "getitem()", "add()"]
    assert rfguide.check(model, (1, 3, 4, 8)).agrees


def test_mixed_precision_is_left_out():
    def mixed(x, conv):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return conv(x)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert rfguide.trace(Fn(mixed, nn.Conv2d(3, 4, 3)), (1, 3, 8, 8)).output.size == (3, 3)
        assert torch.is_autocast_enabled("cpu")
    assert not torch.is_autocast_enabled("cpu")


@pytest.mark.parametrize("decomposed", [False, True])
def test_an_exported_program_may_assert_write_parts_and_recur(decomposed):
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn = nn.GRU(3, 4, batch_first=True)

        def forward(self, x):
            shifted = torch.zeros_like(x)
            shifted[:, :2, 1:] = x[:, :2, :-1]
            shifted[:, 2:] = x[:, 2:]
            return shifted.to(torch.float64).float(), self.rnn(x.mT)[0]

    program = torch.export.export(Shift(), (torch.ones(1, 3, 6),))
    shifted, rnn = rfguide.trace((program.run_decompositions() if decomposed else program).module(), (1, 3, 6)).outputs
    assert shifted.visible(4) == ((3, 4),)
    assert shifted.visible(0) == ((0, 0),)
    assert rnn.visible(4) == ((0, 4),)


SAMPLE = torch.empty(1, 3, 32, 32)


@pytest.mark.parametrize(
    "size",
    [tuple(SAMPLE.shape), list(SAMPLE.shape), SAMPLE.shape, SAMPLE, (SAMPLE,)],
    ids=["tuple", "list", "torch.Size", "tensor", "tuple of a tensor"],
)
def test_ways_to_give_the_input(size):
    assert rfguide.trace(Net(), size).output.size == (10, 10)


def test_half_precision():
    m = rfguide.trace(Net().half(), (1, 3, 32, 32)).output
    assert m.size == (10, 10)
    assert m.nbytes == 2 * 32 * 64


def test_a_model_on_the_meta_device():
    with torch.device("meta"):
        model = Net()
    assert rfguide.trace(model, (1, 3, 32, 32)).output.size == (10, 10)


def test_wrappers_are_looked_through():
    names = list(rfguide.trace(Net(), (1, 3, 32, 32)))
    assert list(rfguide.trace(nn.DataParallel(Net()), (1, 3, 32, 32))) == names
    assert list(rfguide.trace(torch.compile(Net()), (1, 3, 32, 32))) == names
    inside = nn.Sequential(torch.compile(Net()), nn.ReLU())
    assert rfguide.trace(inside, (1, 3, 32, 32)).output.size == (10, 10)


@pytest.mark.parametrize("wrapped", [lambda m: m, nn.DataParallel, torch.compile], ids=["bare", "parallel", "compiled"])
def test_a_model_of_one_layer_is_its_own_only_call(wrapped):
    layer = nn.Conv2d(3, 8, 3, stride=2)
    t = rfguide.trace(wrapped(layer), (1, 3, 9, 9))
    assert list(t) == ["Conv2d"]
    assert (t.output.name, t.output.params, t.output.macs) == ("Conv2d", 8 * 3 * 9 + 8, 8 * 4 * 4 * 3 * 9)
    assert t.output.visible((1, 2)) == ((2, 4), (4, 6))
    assert rfguide.check(wrapped(layer), (1, 3, 9, 9)).agrees


def test_an_exported_program():
    program = torch.export.export(Net().eval(), (torch.ones(1, 3, 32, 32),))
    t = rfguide.trace(program.module(), (1, 3, 32, 32))
    assert t.output.size == (10, 10)
    assert [m.op for m in t.values() if not m.is_move][:3] == ["conv2d", "relu", "max_pool2d"]


@pytest.mark.parametrize(
    "compiled", [torch.jit.script, lambda net: torch.jit.trace(net, SAMPLE)], ids=["script", "trace"]
)
def test_a_torchscript_model(compiled):
    assert rfguide.trace(compiled(Net().eval()), (1, 3, 32, 32)).output.size == (10, 10)


def test_until_stops_before_a_call():
    t = rfguide.trace(Net(), (1, 3, 32, 32), until="conv2")
    assert list(t) == ["conv1", "relu()", "pool"]
    assert t.output is t["pool"]
    assert list(rfguide.trace(Net(), (1, 3, 32, 32), until="relu()#2"))[-1] == "conv2"


def test_control_flow_on_shapes_and_constants():
    def forward(x, conv):
        for _ in range(x.shape[-1] // 4):
            x = conv(x)
        step = torch.arange(3, device=x.device).sum()
        return x[:, :, step:] if step > 2 and x.size(2) > 3 else x

    t = rfguide.trace(Fn(forward, nn.Conv2d(2, 2, 3, padding=1)), (1, 2, 8, 8))
    assert t.output.size == (5, 5)
    assert t.output.visible((0, 0)) == ((1, 5), (0, 2))


def test_macs_are_those_of_torchs_counter():
    model = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, groups=1), nn.Conv2d(4, 8, 3, groups=4), nn.ConvTranspose2d(8, 4, 2, 2),
        nn.Flatten(2), nn.Linear(24 * 24, 5), nn.Linear(5, 3),
    )  # fmt: skip
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.ones(2, 3, 14, 14))
    t = rfguide.trace(model, (2, 3, 14, 14))
    assert t.macs * 2 == counter.get_total_flops()
    assert t.macs == sum(m.macs for m in t.values())


class Greedy(nn.Module):
    """Does to itself what a forward pass should not."""

    def __init__(self, fail=False):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2)
        self.register_buffer("steps", torch.zeros(3))
        self.register_buffer("mean", torch.zeros(2))
        self.calls, self.cache, self.fail = 0, [], fail

    def forward(self, x):
        self.calls += 1
        self.steps += 1
        self.steps[0] = 7
        x = F.dropout(self.norm(self.conv(x)), 0.5)
        self.mean.copy_(x.mean((0, 2, 3)))
        self.mean[0] = x.amax()
        self.cache.append(x)
        self.last = x
        self.eval()
        self.conv.weight.requires_grad_(False)
        random.random(), np.random.random(), torch.rand(3)
        if self.fail:
            raise RuntimeError("no")
        return x * self.steps[0] + torch.rand_like(x)


@pytest.mark.parametrize("fail", [False, True])
def test_the_model_comes_back_untouched(fail):
    model = Greedy(fail)
    handle = model.conv.register_forward_hook(lambda *_: None)
    before = copy.deepcopy(model.state_dict())
    attributes = [dict(m.__dict__) for m in model.modules()]
    flags = [p.requires_grad for p in model.parameters()]
    generators = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    if fail:
        with pytest.raises(TraceError, match=r"^Greedy: RuntimeError: no$"):
            rfguide.trace(model, (1, 2, 8, 8))
    else:
        assert rfguide.trace(model, (1, 2, 8, 8)).output.is_global
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name
    for module, kept in zip(model.modules(), attributes, strict=True):
        assert module.__dict__.keys() == kept.keys()
        assert all(module.__dict__[k] is v for k, v in kept.items())
    assert model.training
    assert model.cache == []
    assert [p.requires_grad for p in model.parameters()] == flags
    assert list(model.conv._forward_hooks) == [handle.id]
    assert torch.equal(torch.get_rng_state(), generators[0])
    assert random.getstate() == generators[1]
    assert (np.random.get_state()[1] == generators[2]).all()
    assert not any(hasattr(t, "_rfguide") for t in [*model.parameters(), *model.buffers()])
    assert torch.is_grad_enabled()


def test_the_table_reads_well(net):
    assert (
        str(net)
        == """\
name      op         output      field  stride  padding  parameters       MACs
────────  ─────────  ──────────  ─────  ──────  ───────  ──────────  ─────────
conv1     Conv2d     1×16×32×32      3       1        1         448    442,368
relu()    relu       1×16×32×32      3       1        1
pool      MaxPool2d  1×16×16×16      4       2        1
conv2     Conv2d     1×32×16×16      8       2        3       4,640  1,179,648
relu()#2  relu       1×32×16×16      8       2        3
pool#2    MaxPool2d  1×32×8×8       10       4        3

Net: 5,088 parameters, 1,622,016 MACs"""
    )


@pytest.mark.parametrize("width", [20, 40, 60, 79])
def test_the_table_fits_a_narrow_terminal(net, width):
    from rfguide.trace.table import text

    lines = text(net, width).splitlines()
    assert max(map(len, lines)) <= width
    assert all(name in lines[i + 2] for i, name in enumerate(net))


def test_rows_for_programs(net):
    rows = json.loads(net.to_json())
    assert rows[-1] == {
        "name": "pool#2",
        "op": "MaxPool2d",
        "output": [1, 32, 8, 8],
        "size": [10, 10],
        "stride": [4, 4],
        "padding": [3, 3],
        "is_global": False,
        "global_because": "",
        "unknown": "",
        "params": 0,
        "macs": 0,
        "nbytes": 8192,
    }
    table = list(csv.DictReader(io.StringIO(net.to_csv())))
    assert [row["name"] for row in table] == list(net)
    assert table[0]["size"] == "3×3"
    assert net.to_markdown().splitlines()[2] == "| `conv1` | Conv2d | 1×16×32×32 | 3 | 1 | 1 | 448 | 442,368 |"


def test_the_table_explains_its_marks():
    model = nn.Sequential(nn.Conv2d(1, 1, 3), Fn(lambda x: x + x.flip(2)), nn.AdaptiveAvgPool2d(1))
    text = str(rfguide.trace(model, (1, 1, 8, 8)))
    assert "?×3" in text
    assert "?: no closed form describes the field; visible(unit) is exact all the same" in text
    assert "all: every unit sees the whole input, from 2 on because of 2 (AdaptiveAvgPool2d)" in text
