"""Random networks: chains and branches of everything that moves a receptive field, in 1-D to 3-D."""

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import nn

LARGEST_AXIS = 40
LARGEST_MAP = 30_000


class Do(nn.Module):
    """A function as a module; its text is what a failing example prints."""

    def __init__(self, text, function):
        super().__init__()
        self.text, self.function = text, function

    def forward(self, x):
        return self.function(x)

    def extra_repr(self):
        return self.text


class Together(nn.Module):
    """Branches side by side, cropped to the smallest, then added or concatenated."""

    def __init__(self, branches, how):
        super().__init__()
        self.branches, self.how = nn.ModuleList(branches), how

    def forward(self, x):
        maps = [branch(x) for branch in self.branches]
        room = [min(sizes) for sizes in zip(*(m.shape[2:] for m in maps), strict=True)]
        maps = [m[(..., *(slice(n) for n in room))] for m in maps]
        if self.how == "add":
            channels = min(m.shape[1] for m in maps)
            return sum(m[:, :channels] for m in maps[1:]) + maps[0][:, :channels]
        return torch.cat(maps, 1)

    def extra_repr(self):
        return self.how


class Wide(nn.Module):
    """Kernels 1, 3, 5, … side by side, concatenated, shuffled, mixed in groups; a slice of the channels is taken."""

    def __init__(self, channels, axes, order, group, taken):
        super().__init__()
        many, self.order, self.taken = len(order), order, taken
        self.branches = nn.ModuleList(conv(axes)(channels, 1, 2 * k + 1, padding=k) for k in range(many))
        self.mix = conv(axes)(many, many // group, 1, groups=many // group)

    def forward(self, x):
        return self.mix(torch.cat([branch(x) for branch in self.branches], 1)[:, self.order])[:, self.taken]

    def extra_repr(self):
        return f"order {self.order}, {self.taken}"


def conv(axes):
    return (nn.Conv1d, nn.Conv2d, nn.Conv3d)[axes - 1]


def transposed(axes):
    return (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)[axes - 1]


def pools(axes):
    return ((nn.MaxPool1d, nn.AvgPool1d), (nn.MaxPool2d, nn.AvgPool2d), (nn.MaxPool3d, nn.AvgPool3d))[axes - 1]


def each(axes, numbers):
    return st.tuples(*[numbers] * axes)


@st.composite
def convolutions(draw, channels, axes):
    groups = draw(st.sampled_from([g for g in (1, 1, 2, 3, channels) if channels % g == 0]))
    out = groups * draw(st.integers(1, 3))
    kernel = draw(each(axes, st.integers(1, 4)))
    dilation = draw(each(axes, st.sampled_from([1, 1, 2, 3])))
    if draw(st.integers(0, 4)) == 0:
        return conv(axes)(channels, out, kernel, padding="same", dilation=dilation, groups=groups)
    stride = draw(each(axes, st.sampled_from([1, 1, 2, 3])))
    padding = draw(each(axes, st.integers(0, 3)))
    mode = draw(st.sampled_from(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"]))
    return conv(axes)(channels, out, kernel, stride, padding, dilation, groups, padding_mode=mode)


@st.composite
def pooling(draw, axes):
    which = draw(st.sampled_from(pools(axes)))
    kernel = draw(each(axes, st.integers(1, 4)))
    stride = draw(each(axes, st.integers(1, 3)))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    return which(kernel, stride, padding, ceil_mode=draw(st.booleans()))


@st.composite
def upsampling(draw, channels, axes):
    kind = draw(st.sampled_from(["transposed", "transposed", "nearest", "linear", "size", "shuffle", "area", "exact"]))
    if kind == "transposed":
        stride = draw(each(axes, st.integers(1, 3)))
        kernel = draw(each(axes, st.integers(1, 4)))
        dilation = draw(each(axes, st.sampled_from([1, 1, 2])))
        padding = tuple(draw(st.integers(0, min(2, d * (k - 1)))) for k, d in zip(kernel, dilation, strict=True))
        extra = tuple(draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True))
        groups = draw(st.sampled_from([g for g in (1, 2) if channels % g == 0]))
        return transposed(axes)(channels, 2 * groups, kernel, stride, padding, extra, groups, dilation=dilation)
    module = draw(interpolations(channels, axes, kind))
    return Do(str(module), lambda x: module(x.float()).to(x.dtype))


@st.composite
def interpolations(draw, channels, axes, kind):
    """Interpolation, which runs in float32: in float64 torch's own kernels differ among themselves at exact ties."""
    linear = ("linear", "bilinear", "trilinear")[axes - 1]
    if kind == "nearest":
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 3, 1.5, 2.5])))
    if kind == "linear":
        mode = linear if axes != 2 else draw(st.sampled_from([linear, "bicubic"]))
        aligned = draw(st.booleans())
        return nn.Upsample(scale_factor=draw(st.sampled_from([2, 3, 1.5])), mode=mode, align_corners=aligned)
    size = draw(each(axes, st.integers(2, 20)))
    if kind == "size":
        return nn.Upsample(size=size, mode=draw(st.sampled_from(["nearest", linear])))
    if kind == "area":
        return nn.Upsample(size=size, mode="area")
    if kind == "exact":
        return nn.Upsample(size=size, mode="nearest-exact")
    if axes == 2 and channels % 4 == 0:
        return nn.PixelShuffle(2)
    return nn.Upsample(scale_factor=2)


def pairs(x, axis):
    """Neighbours along an axis, two by two, as channels: space to depth by hand."""
    half = x.shape[axis] // 2
    return x.narrow(axis, 0, 2 * half).unflatten(axis, (half, 2)).movedim(axis + 1, 2).flatten(1, 2)


@st.composite
def moves(draw, channels, axes):
    """Crops, pads, shifts, shuffles: data is moved, nothing is computed."""
    axis = draw(st.integers(2, axes + 1))
    kind = draw(
        st.sampled_from(
            ["crop", "step", "pad", "roll", "flip", "unshuffle", "pairs", "shuffle", "split", "last", "tokens"]
        )
    )
    if kind == "crop":
        a, b = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        return Do(f"crop axis {axis}: {a}, {b}", lambda x: x.narrow(axis, a, x.shape[axis] - a - b))
    if kind == "step":
        a, s = draw(st.integers(0, 2)), draw(st.integers(2, 3))
        at = (slice(None),) * axis + (slice(a, None, s),)
        return Do(f"axis {axis}: [{a}::{s}]", lambda x: x[at])
    if kind == "pad":
        numbers = [draw(st.integers(-1, 2)) for _ in range(2 * axes)]
        mode = draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
        if mode != "constant":
            numbers = [max(n, 0) for n in numbers]
        return Do(f"pad {numbers} {mode}", lambda x: F.pad(x, numbers, mode=mode))
    if kind == "roll":
        shift = draw(st.integers(-3, 3))
        return Do(f"roll {shift} along {axis}", lambda x: torch.roll(x, shift, axis))
    if kind == "flip":
        return Do(f"flip {axis}", lambda x: torch.flip(x, (axis,)))
    if kind == "unshuffle" and axes == 2:
        return Do("unshuffle", lambda x: F.pixel_unshuffle(x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2], 2))
    if kind == "pairs":
        return Do(f"pairs along {axis} as channels", lambda x: pairs(x, axis))
    if kind == "shuffle" and channels % 2 == 0:
        return nn.ChannelShuffle(2)
    if kind == "split" and channels > 1:
        which = draw(st.integers(0, 1))
        return Do(f"chunk {which}", lambda x: x.chunk(2, 1)[which])
    if kind == "tokens":
        return Do(
            "to tokens and back", lambda x: x.flatten(2).transpose(1, 2).transpose(1, 2).unflatten(2, x.shape[2:])
        )
    return Do("channels last and back", lambda x: x.movedim(1, -1).relu().movedim(-1, 1))


@st.composite
def layers(draw, channels, axes):
    kind = draw(st.integers(0, 9))
    if kind <= 3:
        return draw(convolutions(channels, axes))
    if kind <= 5:
        return draw(pooling(axes))
    if kind <= 6:
        return draw(upsampling(channels, axes))
    if kind <= 8:
        return draw(moves(channels, axes))
    return draw(
        st.sampled_from(
            [
                nn.ReLU(),
                nn.ReLU(inplace=True),
                nn.GELU(),
                (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)[axes - 1](channels),
                (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[axes - 1](draw(st.integers(2, 7))),
                (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d)[axes - 1](draw(st.integers(2, 7))),
            ]
        )
    )


@st.composite
def wide(draw, channels, axes):
    """1 to 150 branches on one axis, where they are quick to run; fewer on more."""
    group = draw(st.integers(1, 3))
    many = group * draw(st.integers(1, (150, 12, 6)[axes - 1] // group))
    order = list(range(many))
    if draw(st.booleans()):
        draw(st.randoms(use_true_random=False)).shuffle(order)
    start = draw(st.integers(0, many // group - 1))
    return Wide(channels, axes, order, group, slice(start, start + draw(st.integers(1, 4))))


def shape_after(module, shape):
    """Return the shape that a module makes, None where torch refuses or the map is out of bounds."""
    try:
        with torch.no_grad():
            out = tuple(module.to("meta")(torch.empty(shape, device="meta")).shape)
    except (RuntimeError, ValueError):
        return None
    finally:
        module.to_empty(device="cpu")
    fits = all(1 <= n <= LARGEST_AXIS for n in out[2:]) and 0 < out[1] <= 12 and torch.Size(out).numel() <= LARGEST_MAP
    return out if fits else None


@st.composite
def chains(draw, shape, depth, nested):
    """A sequence of layers and branches that fits the shape; layers that do not fit are left out."""
    modules = []
    for _ in range(depth):
        axes, channels = len(shape) - 2, shape[1]
        if nested and draw(st.integers(0, 3)) == 0:
            branches = [
                draw(chains(shape, draw(st.integers(0, 2)), nested - 1)) for _ in range(draw(st.integers(2, 3)))
            ]
            module = Together(branches, draw(st.sampled_from(["add", "cat"])))
        elif nested and draw(st.integers(0, 29)) == 7:  # they are slow to run: seldom, and never as the simplest
            module = draw(wide(channels, axes))
        else:
            module = draw(layers(channels, axes))
        after = shape_after(module, shape)
        if after is not None:
            modules.append(module)
            shape = after
    return nn.Sequential(*modules)


@st.composite
def networks(draw):
    """A network with weights that cannot cancel, in evaluation mode, and a sample of its input.

    It is in float64: matrix products in float32 may smear one NaN over its neighbours (MKL on AVX-512 does).
    """
    axes = draw(st.sampled_from([1, 1, 2, 2, 2, 3]))
    sizes = [draw(st.integers(1, (24, 14, 8)[axes - 1])) for _ in range(axes)]
    shape = (1, draw(st.integers(1, 4)), *sizes)
    model = draw(chains(shape, draw(st.integers(1, 6)), 2))
    with torch.no_grad():
        for tensor in [*model.parameters(), *model.buffers()]:
            if tensor.is_floating_point():
                tensor.fill_(0.5)
            else:
                tensor.zero_()
    return model.double().eval(), torch.ones(shape, dtype=torch.float64)
