"""`tiling`: what tiles give is what one pass over the whole image gives, bit for bit."""

import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from torch import nn

import rfguide
from random_networks import Do, networks
from rfguide import GeometryError, TraceError, tiling
from rfguide.torch_networks import Net


class UNet(nn.Module):
    """A U-Net of a few channels; skips are cropped to fit where convolutions have no padding."""

    def __init__(self, depth, *, padding, up, axes=2):
        super().__init__()
        conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]
        back = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1]
        self.pool = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[axes - 1]
        self.down = nn.ModuleList([conv(1 if i == 0 else 2, 2, 3, padding=padding) for i in range(depth)])
        self.middle = conv(2, 2, 3, padding=padding)
        self.up = nn.ModuleList(
            [back(2, 2, 2, 2) if up == "transposed" else nn.Upsample(scale_factor=2, mode=up) for _ in range(depth)]
        )
        self.decoder = nn.ModuleList([conv(4, 2, 3, padding=padding) for _ in range(depth)])

    def forward(self, x):
        skips = []
        for layer in self.down:
            skips.append(layer(x).relu())
            x = self.pool(skips[-1], 2)
        x = self.middle(x)
        for up, layer in zip(self.up, self.decoder, strict=True):
            x, skip = up(x), skips.pop()
            for dim in range(2, x.dim()):
                skip = skip.narrow(dim, (skip.shape[dim] - x.shape[dim]) // 2, x.shape[dim])
            x = layer(torch.cat([skip, x], 1))
        return x


def whole_numbers(model):
    """Give a model small whole numbers for weights, in float64: no sum is rounded, in whatever order it is taken."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.copy_(torch.randint(-2, 3, tensor.shape, generator=generator))
    return model.double().eval()


def image(shape):
    return torch.randint(-3, 4, shape, generator=torch.Generator().manual_seed(1)).double()


CASES = {
    "net": (Net(), (1, 3, 64, 48), 16),
    "net, odd sizes": (Net(), (1, 3, 61, 47), 8),
    "one convolution": (nn.Conv2d(1, 1, 5, padding=2), (1, 1, 20, 30), (7, 9)),
    "even kernel": (nn.Conv1d(1, 2, 4, stride=2), (1, 1, 101), 10),
    "more padding after": (nn.Conv1d(1, 2, 4, padding="same"), (1, 1, 40), 7),
    "dilation": (nn.Conv1d(1, 2, 3, dilation=5, padding=5), (1, 1, 90), 11),
    "causal": (nn.Sequential(nn.ConstantPad1d((8, 0), 0.0), nn.Conv1d(1, 1, 3, dilation=4)), (1, 1, 64), 16),
    "stride 3": (nn.Sequential(nn.Conv1d(1, 2, 3, 3), nn.Conv1d(2, 2, 3, padding=1)), (1, 1, 100), 30),
    "gaps": (nn.ConvTranspose1d(1, 2, 1, 2), (1, 1, 25), 8),
    "stride wider than the kernel": (nn.Conv1d(1, 1, 2, 5), (1, 1, 83), 20),
    "pooling that hangs over": (nn.MaxPool2d(3, 2, ceil_mode=True), (1, 2, 31, 28), 8),
    "two and three": (nn.Sequential(nn.MaxPool1d(2), nn.Conv1d(1, 1, 3), nn.AvgPool1d(4)), (1, 1, 120), 24),
    "transposed": (nn.ConvTranspose1d(1, 2, 4, 2, 1), (1, 1, 50), 9),
    "transposed, stride 3": (nn.ConvTranspose2d(1, 1, 3, 3), (1, 1, 12, 15), 4),
    "nearest": (nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.Upsample(scale_factor=2)), (1, 1, 22, 18), 5),
    "bilinear": (nn.Upsample(scale_factor=2, mode="bilinear"), (1, 1, 32, 16), 8),
    "pixel shuffle": (nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.PixelShuffle(2)), (1, 1, 20, 24), 6),
    "pixel unshuffle": (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 1, 3, padding=1)), (1, 1, 20, 24), 6),
    "volume": (nn.Sequential(nn.Conv3d(1, 2, 3, padding=1), nn.MaxPool3d(2)), (1, 1, 12, 16, 10), 4),
    "U-Net, padded": (UNet(3, padding=1, up="transposed"), (1, 1, 96, 80), 16),
    "U-Net, nearest": (UNet(2, padding=1, up="nearest"), (1, 1, 64, 64), 16),
    "U-Net, without padding": (UNet(2, padding=0, up="transposed"), (1, 1, 92, 108), 20),
    "U-Net of a sound": (UNet(3, padding=1, up="transposed", axes=1), (1, 1, 320), 40),
    "U-Net of a volume": (UNet(1, padding=1, up="transposed", axes=3), (1, 1, 16, 24, 16), 8),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_tiles_give_what_the_whole_gives_to_the_last_bit(case):
    model, shape, tile = CASES[case]
    model, whole = whole_numbers(model), image(shape)
    plan = tiling(model, shape, tile)
    assert len(plan.tiles) > 1
    with torch.no_grad():
        assert torch.equal(plan.run(model, whole), model(whole))


@given(networks())
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_networks_are_stitched_or_refused(network):
    # Averages and normalisation divide, and interpolation is in float32: their sums are rounded.
    model, sample = network
    model, whole = whole_numbers(model), image((*sample.shape[:2], *(n + 24 for n in sample.shape[2:])))
    try:
        traced = rfguide.trace(model, whole.shape)
        alignment = tiling(traced, whole.shape, 2**20 * 3**6 * 5 * 7).alignment
        plan = tiling(traced, whole.shape, tuple(a * max(1, 8 // a) for a in alignment))
        stitched = plan.run(model, whole)
    except (TraceError, GeometryError):
        return
    with torch.no_grad():
        torch.testing.assert_close(stitched, model(whole), rtol=1e-4, atol=1e-4)


def test_the_halo_is_what_nan_measures_beyond_the_tile():
    model = UNet(3, padding=1, up="transposed").eval()
    plan = tiling(model, (1, 1, 96, 96), 16)
    seen = [rfguide.probe.nan(model, (1, 1, 96, 96), (unit, 48))[0] for unit in (40, 55)]  # a tile in the middle
    assert plan.alignment == (8, 8)
    assert plan.halo[0] == (40 - seen[0][0], seen[1][1] - 55)
    for one in plan.tiles:
        assert all(first % 8 == 0 for first, _ in one.crop)


def test_a_start_that_is_not_aligned_is_wrong_however_large_the_halo():
    model, whole = whole_numbers(UNet(3, padding=1, up="transposed")), image((1, 1, 160, 160))
    with torch.no_grad():
        right = model(whole)[..., 64:96, 64:96]
        assert torch.equal(model(whole[..., 32:128, 32:128])[..., 32:64, 32:64], right)
        assert not torch.equal(model(whole[..., 28:132, 28:132])[..., 36:68, 36:68], right)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.AdaptiveAvgPool2d(1)), "is global"),
        (nn.Sequential(nn.Conv2d(1, 1, 3), nn.InstanceNorm2d(1)), "is global"),
        (nn.AdaptiveAvgPool2d(4), "is no window of the whole image's map"),
        (Do("turned", lambda x: x.transpose(2, 3)), "has no fields that repeat"),
    ],
)
def test_what_no_tile_can_hold_is_refused_by_name(model, message):
    with pytest.raises(TraceError, match=message):
        tiling(model.eval(), (1, 1, 32, 32), 8)


def test_wrong_questions():
    with pytest.raises(
        GeometryError, match=re.escape("tile=6 must be a multiple of 4, the model's strides together (4 or 8")
    ):
        tiling(Net().eval(), (1, 3, 32, 32), 6)
    plan = tiling(Net().eval(), (1, 3, 32, 32), 8)
    with pytest.raises(
        GeometryError, match=re.escape("image of shape (1, 3, 32, 31); the tiling is for (1, 3, 32, 32)")
    ):
        plan.run(Net().eval(), torch.zeros(1, 3, 32, 31))
    with pytest.raises(TraceError, match="other calls than the one that the tiling was made for"):
        plan.run(nn.Conv2d(3, 3, 3), torch.zeros(1, 3, 32, 32))
    with pytest.raises(TypeError, match="must be a shape"):
        tiling(Net(), 32, 8)
