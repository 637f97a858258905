"""Models to measure with, written from their papers in torchvision's layout (no weights, nothing downloaded)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Bottleneck(nn.Module):
    """1×1, 3×3 (with the stride), 1×1, and the shortcut around them."""

    def __init__(self, channels: int, width: int, stride: int, shortcut: nn.Module | None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, width * 4, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Add the shortcut before the last ReLU."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        x = self.bn3(self.conv3(x))
        x += shortcut
        return self.relu(x)


class ResNet(nn.Module):
    """ResNet with bottlenecks (He et al. 2015), the stride in the 3×3 as in torchvision."""

    def __init__(self, blocks: tuple[int, int, int, int], classes: int = 1000) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for number, (count, width) in enumerate(zip(blocks, (64, 128, 256, 512), strict=True), 1):
            stage = []
            for i in range(count):
                stride = 2 if i == 0 and number > 1 else 1
                shortcut = None
                if i == 0:
                    shortcut = nn.Sequential(
                        nn.Conv2d(channels, width * 4, 1, stride, bias=False), nn.BatchNorm2d(width * 4)
                    )
                stage.append(Bottleneck(channels, width, stride, shortcut))
                channels = width * 4
            self.add_module(f"layer{number}", nn.Sequential(*stage))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Stem, four stages, head."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def resnet50() -> ResNet:
    """50 layers."""
    return ResNet((3, 4, 6, 3))


def resnet101() -> ResNet:
    """101 layers."""
    return ResNet((3, 4, 23, 3))


def resnet152() -> ResNet:
    """152 layers."""
    return ResNet((3, 8, 36, 3))


class Attention(nn.Module):
    """Multi-head self-attention written out, with an optional table of relative positions (Swin)."""

    def __init__(self, width: int, heads: int, window: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        if window is not None:
            self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
            place = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
            apart = (place[:, :, None] - place[:, None, :]).permute(1, 2, 0) + window - 1
            self.register_buffer("index", apart[..., 0] * (2 * window - 1) + apart[..., 1])
        self.window = window

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Tokens (B, L, C) to tokens; `mask` has one L×L matrix for each window."""
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q * (c // self.heads) ** -0.5) @ k.transpose(-2, -1)
        if self.window is not None:
            scores = scores + self.table[self.index.flatten()].view(n, n, -1).permute(2, 0, 1).unsqueeze(0)
        if mask is not None:
            scores = scores.view(b // len(mask), len(mask), self.heads, n, n) + mask[:, None]
            scores = scores.view(-1, self.heads, n, n)
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


class Mlp(nn.Sequential):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class ViT(nn.Module):
    """ViT-B/16 (Dosovitskiy et al. 2020)."""

    def __init__(self, size: int = 224, patch: int = 16, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        self.blocks = nn.ModuleList(
            nn.ModuleList([nn.LayerNorm(width), Attention(width, heads), nn.LayerNorm(width), Mlp(width)])
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Classify by the first token."""
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        for norm1, attention, norm2, mlp in self.blocks:
            x = x + attention(norm1(x))
            x = x + mlp(norm2(x))
        return self.head(self.norm(x)[:, 0])


class SwinBlock(nn.Module):
    """Attention within windows, shifted in every second block."""

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention, self.mlp = Attention(width, heads, window), Mlp(width)

    def _windows(self, x: Tensor) -> Tensor:
        b, h, w, c = x.shape
        m = self.window
        return x.view(b, h // m, m, w // m, m, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, m * m, c)

    def _mask(self, h: int, w: int, device: torch.device) -> Tensor:
        number = torch.zeros(1, h, w, 1, device=device)
        cuts = (slice(0, -self.window), slice(-self.window, -self.shift), slice(-self.shift, None))
        for i, rows in enumerate(cuts):
            for j, columns in enumerate(cuts):
                number[:, rows, columns] = 3 * i + j
        windows = self._windows(number).squeeze(-1)
        apart = windows[:, None] - windows[:, :, None]
        return apart.masked_fill(apart != 0, -100.0)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, H, W, C) to maps."""
        b, h, w, c = x.shape
        m, shift = self.window, self.shift if min(x.shape[1:3]) > self.window else 0
        y = self.norm1(x)
        if shift:
            y = torch.roll(y, (-shift, -shift), (1, 2))
        y = self.attention(self._windows(y), self._mask(h, w, x.device) if shift else None)
        y = y.view(b, h // m, w // m, m, m, c).permute(0, 1, 3, 2, 4, 5).reshape(b, h, w, c)
        if shift:
            y = torch.roll(y, (shift, shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Swin(nn.Module):
    """Swin-T (Liu et al. 2021)."""

    def __init__(
        self,
        width: int = 96,
        depths: tuple[int, ...] = (2, 2, 6, 2),
        heads: tuple[int, ...] = (3, 6, 12, 24),
        window: int = 7,
    ) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.norm0 = nn.LayerNorm(width)
        self.stages, self.merges = nn.ModuleList(), nn.ModuleList()
        for i, (depth, count) in enumerate(zip(depths, heads, strict=True)):
            if i:
                self.merges.append(nn.Sequential(nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)))
                width *= 2
            self.stages.append(
                nn.Sequential(*(SwinBlock(width, count, window, (j % 2) * (window // 2)) for j in range(depth)))
            )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Four stages, with 2×2 patches merged between them."""
        x = self.norm0(self.patch(x).permute(0, 2, 3, 1))
        for i, stage in enumerate(self.stages):
            if i:
                parts = [x[:, a::2, b::2] for b in (0, 1) for a in (0, 1)]
                x = self.merges[i - 1](torch.cat(parts, -1))
            x = stage(x)
        return self.head(self.norm(x).mean((1, 2)))


class DenseNet(nn.Module):
    """DenseNet-121 (Huang et al. 2016): every layer reads all maps before it in its block."""

    def __init__(self, blocks: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.blocks, self.between = nn.ModuleList(), nn.ModuleList()
        channels = 64
        for i, count in enumerate(blocks):
            if i:
                self.between.append(
                    nn.Sequential(
                        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels // 2, 1), nn.AvgPool2d(2)
                    )
                )
                channels //= 2
            block = nn.ModuleList()
            for _ in range(count):
                block.append(
                    nn.Sequential(
                        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 4 * growth, 1, bias=False),
                        nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False),
                    )
                )  # fmt: skip
                channels += growth
            self.blocks.append(block)
        self.norm = nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, 1000)

    def forward(self, x: Tensor) -> Tensor:
        """Dense blocks with transitions between them."""
        x = self.stem(x)
        for i, block in enumerate(self.blocks):
            if i:
                x = self.between[i - 1](x)
            maps = [x]
            for layer in block:
                maps.append(layer(torch.cat(maps, 1)))
            x = torch.cat(maps, 1)
        return self.fc(F.adaptive_avg_pool2d(F.relu(self.norm(x)), 1).flatten(1))
