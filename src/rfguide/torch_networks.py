"""Networks as torch modules, ready to copy: the article's, and two with branches (needs torch)."""

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from rfguide.errors import GeometryError, shown


class Net(nn.Module):
    """Two 3×3 convolutions, each followed by ReLU and the same 2×2 max pooling: `rfguide.networks.NET` in torch.

    It has one pooling module but calls it twice, which is where tools that count modules go wrong.

    Shape:
        Input: `(N, 3, H, W)`. Output: `(N, 32, H // 4, W // 4)`.

    Examples:
        >>> import torch
        >>> from rfguide.torch_networks import Net
        >>> tuple(Net()(torch.zeros(1, 3, 32, 32)).shape)
        (1, 32, 8, 8)
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, kernel_size=3, stride=1, padding=1)
        self.conv2 = nn.Conv2d(16, 32, kernel_size=3, stride=1, padding=1)
        self.pool = nn.MaxPool2d(kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the 32 maps after the second pooling."""
        x = self.pool(torch.relu(self.conv1(x)))
        output: Tensor = self.pool(torch.relu(self.conv2(x)))
        return output


_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}


class Residual(nn.Module):
    """Some convolutions in a row, and beside them a shortcut; the two are added.

    Its submodules have torchvision's names (`conv1`, `bn1`, … `downsample`).

    Args:
        channels: Channels of the input, then after each convolution.
        kernel_sizes: Kernel size of each convolution.
        strides: Stride of each convolution.
    """

    def __init__(self, channels: tuple[int, ...], kernel_sizes: tuple[int, ...], strides: tuple[int, ...]) -> None:
        super().__init__()
        self.length = len(kernel_sizes)
        for i, (k, s) in enumerate(zip(kernel_sizes, strides, strict=True)):
            conv = nn.Conv2d(channels[i], channels[i + 1], k, stride=s, padding=k // 2, bias=False)
            self.add_module(f"conv{i + 1}", conv)
            self.add_module(f"bn{i + 1}", nn.BatchNorm2d(channels[i + 1]))
        self.downsample = nn.Sequential()
        if 2 in strides or channels[0] != channels[-1]:
            conv = nn.Conv2d(channels[0], channels[-1], 1, stride=max(strides), bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(channels[-1]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways, after a ReLU."""
        y = x
        for i in range(1, self.length + 1):
            y = self.get_submodule(f"bn{i}")(self.get_submodule(f"conv{i}")(y))
            if i < self.length:
                y = torch.relu(y)
        return torch.relu(y + self.downsample(x))


class ResNet(nn.Module):
    """The trunk of a ResNet, up to `layer4`, with torchvision's layout and names.

    Sources: He, Zhang, Ren, Sun 2015, arXiv:1512.03385, table 1; `torchvision.models.resnet`.

    Args:
        depth: 18, 34, 50, 101 or 152.
        stride_in_1x1: Whether a bottleneck takes its stride in the first 1×1, as in the paper ("v1"), instead of
            the 3×3, as in torchvision ("v1.5"). ResNet-18 and 34 have no bottlenecks.

    Raises:
        GeometryError: If there is no such depth.

    Shape:
        Input: `(N, 3, H, W)`. Output: `(N, 512, H / 32, W / 32)`, with 2048 channels from ResNet-50 on.

    Examples:
        >>> import torch
        >>> from rfguide.torch_networks import ResNet
        >>> tuple(ResNet(18)(torch.zeros(1, 3, 64, 64)).shape)
        (1, 512, 2, 2)
    """

    def __init__(self, depth: int, *, stride_in_1x1: bool = False) -> None:
        super().__init__()
        if type(depth) is not int or depth not in _BLOCKS:
            raise GeometryError(f"depth={shown(depth)} must be one of {', '.join(map(str, _BLOCKS))}")
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        channels = 64
        for stage, count in enumerate(_BLOCKS[depth]):
            width = 64 * 2**stage
            blocks = []
            for block in range(count):
                stride = 2 if stage > 0 and block == 0 else 1
                if depth < 50:
                    blocks.append(Residual((channels, width, width), (3, 3), (stride, 1)))
                else:
                    strides = (stride, 1, 1) if stride_in_1x1 else (1, stride, 1)
                    blocks.append(Residual((channels, width, width, 4 * width), (1, 3, 1), strides))
                channels = width if depth < 50 else 4 * width
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps of `layer4`."""
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        for stage in range(1, 5):
            x = self.get_submodule(f"layer{stage}")(x)
        return x


class _Conv(nn.Sequential):
    """A convolution that keeps the size (or halves it), batch norm and a leaky ReLU: the brick of Darknet."""

    def __init__(self, channels: int, filters: int, kernel_size: int, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(channels, filters, kernel_size, stride=stride, padding=kernel_size // 2, bias=False),
            nn.BatchNorm2d(filters),
            nn.LeakyReLU(0.1),
        )


class _Shortcut(nn.Module):
    """Darknet's residual block: a 1×1, a 3×3, and the input added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(_Conv(channels, channels // 2, 1), _Conv(channels // 2, channels, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Return the input plus what the two convolutions make of it."""
        output: Tensor = x + self.body(x)
        return output


def _darknet(channels: int, counts: tuple[int, ...]) -> nn.Sequential:
    """Return stages of a halving convolution and so many residual blocks; each doubles the channels."""
    layers: list[nn.Module] = []
    for count in counts:
        layers += [_Conv(channels, 2 * channels, 3, stride=2), *(_Shortcut(2 * channels) for _ in range(count))]
        channels *= 2
    return nn.Sequential(*layers)


def _neck(channels: int, filters: int) -> nn.Sequential:
    """Return the five convolutions, 1×1 and 3×3 in turn, before a head and the next upsampling."""
    layers: list[nn.Module] = [_Conv(channels, filters, 1)]
    for _ in range(2):
        layers += [_Conv(filters, 2 * filters, 3), _Conv(2 * filters, filters, 1)]
    return nn.Sequential(*layers)


def _head(filters: int) -> nn.Sequential:
    """Return a head: 3 boxes a unit, each with 4 numbers for the box, one for the object and 80 for its class."""
    return nn.Sequential(_Conv(filters, 2 * filters, 3), nn.Conv2d(2 * filters, 255, 1))


class YOLOv3(nn.Module):
    """YOLOv3: Darknet-53, and three heads that also read, upsampled, what the coarser heads have seen.

    The modules `head32`, `head16` and `head8` are called after the pixels from one of their units to the next.
    Source: Redmon, Farhadi 2018, arXiv:1804.02767; `cfg/yolov3.cfg` of pjreddie/darknet.

    Shape:
        Input: `(N, 3, H, W)`, both divisible by 32. Output: three maps of 255 channels, of H / 32, H / 16 and H / 8.

    Examples:
        >>> import torch
        >>> from rfguide.torch_networks import YOLOv3
        >>> [tuple(head.shape[1:]) for head in YOLOv3().eval()(torch.zeros(1, 3, 32, 32))]
        [(255, 1, 1), (255, 2, 2), (255, 4, 4)]
    """

    def __init__(self) -> None:
        super().__init__()
        self.to8 = nn.Sequential(_Conv(3, 32, 3), _darknet(32, (1, 2, 8)))
        self.to16 = _darknet(256, (8,))
        self.to32 = _darknet(512, (4,))
        self.neck32, self.neck16, self.neck8 = _neck(1024, 512), _neck(768, 256), _neck(384, 128)
        self.up16, self.up8 = _Conv(512, 256, 1), _Conv(256, 128, 1)
        self.head32, self.head16, self.head8 = _head(512), _head(256), _head(128)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the maps of the three heads, the coarsest first."""
        at8 = self.to8(x)
        at16 = self.to16(at8)
        at32 = self.neck32(self.to32(at16))
        at16 = self.neck16(torch.cat((interpolate(self.up16(at32), scale_factor=2), at16), dim=1))
        at8 = self.neck8(torch.cat((interpolate(self.up8(at16), scale_factor=2), at8), dim=1))
        return self.head32(at32), self.head16(at16), self.head8(at8)
