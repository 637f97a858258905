"""A unit is one place over all channels: what the dimensions of a map stand for, with layouts written by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import rfguide
from zoo import ENTRIES


class Fn(nn.Module):
    """A function as a model."""

    def __init__(self, function, *parts):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(parts)

    def forward(self, x):
        return self.function(x, *self.parts)


def second(m, axes):
    """Return the places of a map of a convolution: batch, channels, then one dimension for each axis."""
    return m.shape[2:] if len(m.shape) == axes + 2 else None


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.package}: {entry.name}")
def test_in_a_network_of_convolutions_every_map_has_a_unit_for_each_place(entry):
    axes = len(entry.input_size) - 2
    with torch.device("meta"):
        model = entry.build()
    traced = rfguide.trace(model, entry.input_size)
    wrong = {
        name: (m.op, m.shape, m.units)
        for name, m in traced.items()
        if m.op not in ("view", "reshape", "transpose", "permute", "stack") and second(m, axes) not in (None, m.units)
    }
    assert not wrong


def conv_bn(i, o, k=1, s=1, groups=1):
    return nn.Sequential(nn.Conv2d(i, o, k, s, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o), nn.ReLU())


def shuffled(x, groups):
    n, c, h, w = x.shape
    return x.view(n, groups, c // groups, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


class ShuffleUnit(nn.Module):
    """A unit of ShuffleNet V2 (Ma et al. 2018) as torchvision lays it out."""

    def __init__(self, i, o, stride):
        super().__init__()
        self.stride, half = stride, o // 2
        if stride > 1:
            self.branch1 = nn.Sequential(conv_bn(i, i, 3, stride, groups=i), conv_bn(i, half))
        self.branch2 = nn.Sequential(
            conv_bn(i if stride > 1 else half, half), conv_bn(half, half, 3, stride, groups=half), conv_bn(half, half)
        )

    def forward(self, x):
        one, two = x.chunk(2, dim=1) if self.stride == 1 else (self.branch1(x), x)
        return shuffled(torch.cat((one, self.branch2(two)), dim=1), 2)


def test_a_unit_of_shufflenet_v2_is_a_place_of_its_map():
    net = nn.Sequential(
        conv_bn(3, 24, 3, 2), *(ShuffleUnit(24 if i == 0 else 116, 116, 2 - min(i, 1)) for i in range(4))
    )
    t = rfguide.trace(net.eval(), (1, 3, 64, 64))
    assert [t[str(i)].units for i in range(5)] == [(32, 32), *[(16, 16)] * 4]
    assert rfguide.probe.nan(net, (1, 3, 64, 64), (8, 8), "3") == t["3"].visible((8, 8))


def windows(x, k):
    """Windows of (N, H, W, C), put into the batch: (N · windows, k, k, C)."""
    n, h, w, c = x.shape
    return x.view(n, h // k, k, w // k, k, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, k, k, c)


def test_windows_in_the_batch_are_places_and_places_in_the_channels_are_channels():
    def merged(x, conv, norm):
        x = conv(x).permute(0, 2, 3, 1)
        inside = windows(x, 4)
        n, h, w, c = x.shape
        return inside, norm(x.reshape(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 4, 2, 5).flatten(3))

    t = rfguide.trace(Fn(merged, nn.Conv2d(3, 6, 3, padding=1), nn.LayerNorm(24)), (1, 3, 8, 12))
    assert [m.units for m in t.outputs] == [(6, 4, 4), (4, 6)]
    assert t.outputs[1].visible((0, 1)) == ((0, 2), (1, 4))


def test_rows_that_a_recurrent_layer_reads_as_a_batch_stay_places():
    def rows(x, lstm):
        n, c, h, w = x.shape
        return lstm(x.permute(0, 2, 3, 1).reshape(-1, w, c))[0].reshape(n, h, w, -1)

    t = rfguide.trace(Fn(rows, nn.LSTM(3, 2, batch_first=True)), (1, 3, 4, 5))
    assert t.output.units == (4, 5)
    assert t.output.visible((2, 3)) == ((2, 2), (0, 3))


def test_a_batch_that_becomes_groups_of_a_convolution_comes_back():
    """A convolution whose weights the network makes for each image, as CondConv does."""

    def each(x, make):
        n, c, h, w = x.shape
        weight = make(x.mean((2, 3))).view(n * 4, c, 1, 1)
        y = nn.functional.conv2d(x.reshape(1, n * c, h, w), weight, groups=n)
        return y.permute(1, 0, 2, 3).view(n, 4, h, w)

    for batch in (1, 2):
        assert rfguide.trace(Fn(each, nn.Linear(3, 12)), (batch, 3, 5, 6)).output.units == (5, 6)


def test_a_map_that_is_laid_flat_has_a_unit_for_each_element():
    t = rfguide.trace(Fn(lambda x: x.flatten(1)), (1, 3, 4, 5))
    assert t.output.units == (60,)
    assert t.output.visible(7) == ((1, 1), (2, 2))


class Tokens(nn.Module):
    """Patches, a class token before them, and attention whose bias a small network makes of relative positions."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.token = nn.Parameter(torch.zeros(1, 1, 8))
        self.bias = nn.Sequential(nn.Linear(1, 5), nn.ReLU(), nn.Linear(5, 2))
        place = torch.arange(13)
        self.register_buffer("between", (place[:, None] - place).abs())
        self.register_buffer("far", torch.linspace(0, 1, 13)[:, None])
        self.norm, self.last = nn.LayerNorm(8), nn.Linear(8, 8)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = self.norm(torch.cat((self.token.expand(len(x), -1, -1), x), 1))
        heads = x.unflatten(2, (2, 4)).transpose(1, 2)
        bias = self.bias(self.far)[self.between].permute(2, 0, 1)
        weights = (heads @ heads.mT + bias).softmax(-1)
        return self.last((weights @ heads).transpose(1, 2).flatten(2))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_tokens_are_units_with_and_without_weights(device):
    with torch.device(device):
        model = Tokens()
    t = rfguide.trace(model, (1, 3, 16, 12))
    assert {name: t[name].units for name in ("cat()", "norm", "softmax()", "last")} == {
        "cat()": (13,), "norm": (13,), "softmax()": (13, 13), "last": (13,)
    }  # fmt: skip
    assert t["norm"].visible(0) == (None, None)
    assert t["norm"].visible(12) == ((12, 15), (8, 11))
    assert t["last"].visible(0) == ((0, 15), (0, 11))


STEPS = {
    "shuffle": lambda x, g: shuffled(x, g) if x.shape[1] % g == 0 else x,
    "halves": lambda x, g: torch.cat(x.chunk(g, 1)[::-1], 1),
    "fewer": lambda x, g: x[:, : -g % x.shape[1] or None],
    "more": lambda x, g: torch.cat((x, x[:, :g]), 1),
    "flat": lambda x, g: x.flatten(2).view(x.shape),
    "tokens": lambda x, g: x.flatten(2).mT.contiguous().mT.unflatten(2, x.shape[2:]),
    "last": lambda x, g: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "heads": lambda x, g: x.view(x.shape[0], x.shape[1] // g if x.shape[1] % g == 0 else 1, -1, *x.shape[2:]).flatten(
        1, 2
    ),
    "rows": lambda x, g: x.transpose(1, 2).flatten(0, 1).unflatten(0, (len(x), -1)).transpose(1, 2),
}


@given(
    steps=st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.integers(2, 4)), max_size=8),
    channels=st.sampled_from([6, 7, 8, 12, 18, 29, 58]),
    batch=st.integers(1, 2),
)
@settings(deadline=None, max_examples=100)
def test_whatever_channels_go_through_a_unit_stays_a_place(steps, channels, batch):
    def walk(x):
        for name, g in steps:
            x = STEPS[name](x, g)
        return x * 1

    t = rfguide.trace(Fn(walk), (batch, channels, 4, 6))
    assert t.output.units == (4, 6)
    assert t.output.visible((1, 2)) == ((1, 1), (2, 2))


W = torch.ones(8, 8)
EINSUMS = {
    "nchw,co->nohw": (4, 6), "nchw,co->nhwo": (4, 6), "oc,nchw->nohw": (4, 6), "nchw,nchw->nhw": (4, 6),
    "nchw,ncij->nhwij": (4, 6, 4, 6), "nchw,nciw->nhiw": (4, 4, 6),
}  # fmt: skip


@pytest.mark.parametrize("text", EINSUMS)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_batch_of_one_stays_a_batch_through_einsum(text, batch):
    def product(x):
        sides = text.split("->")[0].split(",")
        return torch.einsum(text, *(x if len(side) == 4 else W for side in sides))

    assert rfguide.trace(Fn(product), (batch, 8, 4, 6)).output.units == EINSUMS[text]
