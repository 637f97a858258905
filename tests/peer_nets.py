"""The nets that receptive-field tools were measured on, each with the right size of its last map's field.

A field does not depend on how many channels there are, so `narrow` makes every net thin enough for NaN to be
sent through it once for each input cell. The page "Other tools" and the tests build them from here.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rfguide.torch_networks import Net


@dataclass(frozen=True)
class Peer:
    """One net of the comparison.

    Attributes:
        title: What the table calls it.
        make: Builds it; the argument divides all channel counts.
        channels: Channels of its input.
        size: An input large enough that a unit sees its whole field, one number per axis.
        right: The right size of the last map's field per axis; "whole" where every unit sees the whole input.
    """

    title: str
    make: Callable[[int], nn.Module]
    channels: int
    size: tuple[int, ...]
    right: tuple[int, ...] | str


def thin(channels: int, narrow: int) -> int:
    return max(1, channels // narrow)


def article(narrow: int) -> nn.Module:
    return Net()


def article_sequential(narrow: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


def vgg16(narrow: int) -> nn.Module:
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if width:
            layers += [nn.Conv2d(channels, thin(width, narrow), 3, padding=1), nn.ReLU()]
            channels = thin(width, narrow)
        else:
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


def alexnet(narrow: int) -> nn.Module:
    a, b, c, d, e = (thin(n, narrow) for n in (64, 192, 384, 256, 256))
    return nn.Sequential(
        nn.Conv2d(3, a, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(b, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, d, 3, padding=1), nn.ReLU(),
        nn.Conv2d(d, e, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip


class Residual(nn.Module):
    """Two 3×3 convolutions, or 1×1, 3×3, 1×1, and the shortcut around them."""

    def __init__(self, channels: int, width: int, stride: int, expand: int) -> None:
        super().__init__()
        out = width * expand
        kernels = [(3, stride), (3, 1)] if expand == 1 else [(1, 1), (3, stride), (1, 1)]
        widths = [channels, *[width] * (len(kernels) - 1), out]
        layers: list[nn.Module] = []
        for (k, s), a, b in zip(kernels, widths, widths[1:], strict=False):
            layers += [nn.Conv2d(a, b, k, s, k // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        self.body = nn.Sequential(*layers[:-1])
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels != out:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.body(x) + self.shortcut(x))


def resnet(narrow: int, blocks: tuple[int, ...], expand: int) -> nn.Module:
    channels = thin(64, narrow)
    layers: list[nn.Module] = [
        nn.Conv2d(3, channels, 7, 2, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
    ]  # fmt: skip
    for number, count in enumerate(blocks):
        width = thin(64 * 2**number, narrow)
        for i in range(count):
            layers.append(Residual(channels, width, 2 if i == 0 and number else 1, expand))
            channels = width * expand
    return nn.Sequential(*layers)


def dilated(narrow: int, axes: int = 2) -> nn.Module:
    conv = nn.Conv2d if axes == 2 else nn.Conv1d
    return nn.Sequential(*(conv(1 if d > 1 else 3, 1, 3, padding=d, dilation=d) for d in (1, 2, 4, 8)))


class Branches(nn.Module):
    """Branches that read one map, concatenated."""

    def __init__(self, stem: nn.Module, *branches: nn.Module) -> None:
        super().__init__()
        self.stem, self.branches = stem, nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        maps = [branch(x) for branch in self.branches]
        size = [min(n) for n in zip(*(m.shape[2:] for m in maps), strict=True)]
        return torch.cat([m[:, :, : size[0], : size[1]] for m in maps], 1)


def two_branches(narrow: int) -> nn.Module:
    return Branches(
        nn.Conv2d(3, 4, 7, 2, 3),
        nn.Conv2d(4, 4, 3, padding=1),
        nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 5, padding=2)),
    )


def unaligned(narrow: int) -> nn.Module:
    """Fields of 5 and 4 cells, two cells apart at one end: together 6."""
    return Branches(nn.Identity(), nn.Conv2d(3, 4, 5, 2, 2), nn.Conv2d(3, 4, 4, 2))


class UNet(nn.Module):
    """Three levels, two 3×3 convolutions at each, 2×2 pooling down, ×2 up, skips concatenated."""

    def __init__(self, up: Callable[[], nn.Module]) -> None:
        super().__init__()

        def double(channels: int) -> nn.Module:
            first, second = nn.Conv2d(channels, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)
            return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())

        self.down = nn.ModuleList([double(3), double(4), double(4)])
        self.up, self.merge = nn.ModuleList([up(), up()]), nn.ModuleList([double(8), double(8)])

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for level in self.down[:-1]:
            skips.append(level(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.down[-1](x)
        for up, merge in zip(self.up, self.merge, strict=True):
            x = merge(torch.cat([skips.pop(), up(x)], 1))
        return x


class SqueezeExcite(nn.Module):
    """A gate per channel from the mean of the whole map."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.fc(self.pool(x)))


class SelfAttention(nn.Module):
    """Every token reads every token."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.attention = nn.Conv2d(3, 8, 4, 4), nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch(x)
        tokens = x.flatten(2).transpose(1, 2)
        return self.attention(tokens, tokens, tokens)[0].transpose(1, 2).view_as(x)


def mobilenet(narrow: int) -> nn.Module:
    channels = thin(32, narrow)
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 3, 2, 1), nn.ReLU6()]
    for width, stride in zip(
        (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024), (1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1), strict=True
    ):
        out = thin(width, narrow)
        layers += [
            nn.Conv2d(channels, channels, 3, stride, 1, groups=channels),
            nn.ReLU6(),
            nn.Conv2d(channels, out, 1),
            nn.ReLU6(),
        ]
        channels = out
    return nn.Sequential(*layers)


def adaptive(narrow: int) -> nn.Module:
    """Field 15 at stride 1, then windows of 5: 19 inside, 12 at the border."""
    convs = [nn.Conv2d(3 if d == 1 else 1, 1, 3, padding=d, dilation=d) for d in (1, 2, 4)]
    return nn.Sequential(*convs, nn.AdaptiveAvgPool2d(5))


def bilinear() -> nn.Module:
    return nn.Upsample(scale_factor=2, mode="bilinear")


def even_same() -> nn.Module:
    return nn.Sequential(*(nn.Conv2d(3, 3, 4, padding="same") for _ in range(3)))


def ceil_mode() -> nn.Module:
    pools = [nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(2)]
    return nn.Sequential(pools[0], nn.Conv2d(3, 3, 3), pools[1], nn.Conv2d(3, 3, 3))


def wavenet() -> nn.Module:
    """Kernels of 2 that reach back 1, 2, 4, … 64 cells, padded before the first cell alone."""
    layers: list[nn.Module] = []
    for d in (1, 2, 4, 8, 16, 32, 64):
        layers += [nn.ConstantPad1d((d, 0), 0.0), nn.Conv1d(2, 2, 2, dilation=d)]
    return nn.Sequential(*layers)


def three_d() -> nn.Module:
    convs = [nn.Conv3d(2 if i == 0 else 4, 4, 3, padding=1) for i in range(2)]
    return nn.Sequential(convs[0], nn.MaxPool3d(2), convs[1], nn.MaxPool3d(2))


def excited() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), SqueezeExcite(4), nn.Conv2d(4, 4, 3, padding=1))


PEERS = (
    Peer("the article's Net, one pool module used twice", article, 3, (24, 24), (10, 10)),
    Peer("the same as Sequential", article_sequential, 3, (24, 24), (10, 10)),
    Peer("VGG16", vgg16, 3, (288, 288), (212, 212)),
    Peer("AlexNet", alexnet, 3, (256, 256), (195, 195)),
    Peer("ResNet-18", lambda n: resnet(n, (2, 2, 2, 2), 1), 3, (512, 512), (435, 435)),
    Peer("ResNet-50, torchvision layout", lambda n: resnet(n, (3, 4, 6, 3), 4), 3, (512, 512), (427, 427)),
    Peer("dilated stack", dilated, 3, (40, 40), (31, 31)),
    Peer("two branches", two_branches, 3, (32, 32), (19, 19)),
    Peer("unaligned branches", unaligned, 3, (16, 16), (6, 6)),
    Peer("U-Net, transposed conv", lambda n: UNet(lambda: nn.ConvTranspose2d(4, 4, 2, 2)), 3, (64, 64), (44, 44)),
    Peer("U-Net, bilinear", lambda n: UNet(bilinear), 3, (72, 72), (52, 52)),
    Peer(
        "asymmetric kernels", lambda n: nn.Sequential(nn.Conv2d(3, 4, (3, 5)), nn.Conv2d(4, 4, 5)), 3, (16, 16), (7, 9)
    ),
    Peer('padding="same", even kernel', lambda n: even_same(), 3, (16, 16), (10, 10)),
    Peer("ceil_mode pooling", lambda n: ceil_mode(), 3, (32, 32), (19, 19)),
    Peer("adaptive pooling", adaptive, 3, (25, 25), (19, 19)),
    Peer("WaveNet, 1-D causal", lambda n: wavenet(), 2, (300,), (128,)),
    Peer("1-D dilated", lambda n: dilated(n, 1), 3, (40,), (31,)),
    Peer("3-D", lambda n: three_d(), 2, (20, 20, 20), (10, 10, 10)),
    Peer("MobileNet v1", mobilenet, 3, (384, 384), (315, 315)),
    Peer("Linear head", lambda n: nn.Sequential(Net(), nn.Flatten(), nn.Linear(32 * 36, 10)), 3, (24, 24), "whole"),
    Peer("SE block", lambda n: excited(), 3, (16, 16), "whole"),
    Peer("self-attention", lambda n: SelfAttention(), 3, (16, 16), "whole"),
)
