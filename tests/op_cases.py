"""One small model for each kind of op that `trace` has a rule for; shared by the tests of ops and of planted errors."""

import torch
import torch.nn.functional as F
from torch import nn


class Fn(nn.Module):
    """A function, with modules it may use, as a model."""

    def __init__(self, function, *modules):
        super().__init__()
        self.function = function
        self.parts = nn.ModuleList(modules)

    def forward(self, *inputs):
        return self.function(*inputs, *self.parts)


def seq(*modules):
    return nn.Sequential(*modules)


def tokens(x):
    return x.flatten(2).transpose(1, 2)


def weighted(scores, values):
    """Attention written out with einsum."""
    return torch.einsum("nij,njc->nic", scores.softmax(-1), values)


def written(x):
    out = torch.zeros_like(x)
    out[:, :, 1:] = x[:, :, :-1]
    return out


def filled_in_parts(x):
    """Temporal shift: some channels move on, some back, the rest stay."""
    out = torch.empty_like(x)
    out[:, 0, :-1], out[:, 0, -1] = x[:, 0, 1:], 0
    out[:, 1, 1:], out[:, 1, 0] = x[:, 1, :-1], 0
    out[:, 2:] = x[:, 2:]
    return out


def windows(x, size=2):
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // size, size, w // size, size).permute(0, 2, 4, 3, 5, 1).reshape(-1, size * size, c)
    x = F.scaled_dot_product_attention(x, x, x)
    return x.reshape(n, h // size, w // size, size, size, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def grid_attention(x, size=2):
    """Attention between cells a grid step apart (MaxViT)."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, size, h // size, size, w // size).permute(0, 3, 5, 2, 4, 1).reshape(-1, size * size, c)
    x = F.scaled_dot_product_attention(x, x, x)
    return x.reshape(n, h // size, w // size, size, size, c).permute(0, 5, 3, 1, 4, 2).reshape(n, c, h, w)


def in_place(x):
    y = x * 1
    y[:, :, ::2] *= 2
    y[:, :, 1:] += x[:, :, :-1]
    y.view(y.shape[0], -1)[:, 0] = 0
    return y


MASK = torch.arange(8) > 3
PAIRS = (torch.arange(6) // 2)[:, None].expand(1, 2, 6, 8)
HANN = torch.hann_window(8)
MAP = (1, 2, 6, 8)
PAD = {"circular": (1, 2, 2, 0), "reflect": (1, 2, 2, 0), "replicate": (3, 0, 1, 2), "constant": (1, -1, 0, 2)}

CASES = {
    "convolution": (seq(nn.Conv2d(2, 3, 3, 2, 1)), (1, 2, 9, 8)),
    "window in padding alone": (seq(nn.Conv2d(2, 3, 1, 1, 2), nn.Conv2d(3, 3, 1, 2, 1)), (1, 2, 5, 6)),
    "same padding, even": (
        seq(nn.Conv2d(2, 3, 4, padding="same"), nn.Conv2d(3, 3, (2, 5), padding="same", dilation=(1, 2))),
        MAP,
    ),
    "padding modes": (
        seq(*(nn.Conv2d(2, 2, 3, padding=(2, 1), padding_mode=m) for m in ("circular", "reflect", "replicate"))),
        (1, 2, 7, 6),
    ),
    "groups": (seq(nn.Conv2d(2, 4, (3, 1), groups=2), nn.Conv2d(4, 8, (1, 3), groups=4)), MAP),
    "1-D causal": (seq(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(2, 3, 3, dilation=2)), (1, 2, 20)),
    "3-D": (seq(nn.Conv3d(2, 3, 3, 2, 1), nn.MaxPool3d(2), nn.ConvTranspose3d(3, 2, 2, 2)), (1, 2, 9, 8, 7)),
    "transposed": (seq(nn.Conv2d(2, 3, 3, 2, 1), nn.ConvTranspose2d(3, 2, 3, 2, 1, output_padding=1)), (1, 2, 9, 8)),
    "transposed, holes": (seq(nn.ConvTranspose2d(2, 2, (2, 3), (3, 2), dilation=(1, 3), groups=2)), (1, 2, 4, 3)),
    "kernel made by the network": (
        Fn(lambda x: F.conv2d(x, x[:, :, :2, :2].mean((2, 3), keepdim=True).expand(3, 2, 2, 2))),
        MAP,
    ),
    "bias made by the network": (
        Fn(lambda x: F.conv2d(torch.ones(1, 2, 5, 5), torch.ones(2, 2, 3, 3), x[0, :, 0, 0])),
        MAP,
    ),
    "transposed, kernel made by the network": (
        Fn(lambda x: F.conv_transpose2d(x, x.mean((2, 3))[0, :, None, None, None].expand(2, 3, 2, 2))),
        MAP,
    ),
    "ceil mode": (seq(nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.AvgPool2d(3, 2, ceil_mode=True)), (1, 2, 14, 15)),
    "dilated pooling": (seq(nn.MaxPool2d(2, 1, dilation=(2, 3))), MAP),
    "1-D pooling": (seq(nn.MaxPool1d(3, 2, 1), nn.AvgPool1d(2)), (1, 2, 15)),
    "lp pooling": (seq(nn.LPPool2d(2, 2)), MAP),
    "adaptive": (seq(nn.AdaptiveAvgPool2d((5, 3)), nn.AdaptiveMaxPool2d((2, 3))), (1, 2, 9, 8)),
    "adaptive 1-D, 3-D": (
        seq(nn.AdaptiveAvgPool3d((2, 3, 1)), nn.Flatten(3), nn.Flatten(1, 2), nn.AdaptiveMaxPool1d(2)),
        (1, 2, 5, 4, 3),
    ),
    "adaptive to one row": (seq(nn.AdaptiveMaxPool2d((1, 3))), MAP),
    "global pooling": (seq(nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 4)), MAP),
    "nearest, bilinear": (
        seq(nn.Upsample(scale_factor=2), nn.Conv2d(2, 2, 3), nn.Upsample(scale_factor=2, mode="bilinear")),
        MAP,
    ),
    "odd scales": (seq(nn.Upsample(scale_factor=1.7, mode="bilinear"), nn.Upsample(size=(7, 11), mode="bicubic")), MAP),
    "aligned corners": (
        seq(
            nn.Upsample(size=(14, 5), mode="bilinear", align_corners=True),
            nn.Upsample(size=(9, 9), mode="bicubic", align_corners=True),
        ),
        MAP,
    ),
    "nearest at odd scales": (
        seq(nn.Upsample(scale_factor=2.5), nn.Upsample(size=(14, 5), mode="nearest-exact"), nn.Upsample(size=(5, 9))),
        MAP,
    ),
    "area": (seq(nn.Upsample(size=(4, 11), mode="area")), MAP),
    "linear in 1-D, 3-D": (
        seq(nn.Upsample(size=5, mode="trilinear"), nn.Flatten(3), nn.Flatten(1, 2), nn.Upsample(size=3, mode="linear")),
        (1, 2, 3, 2, 2),
    ),
    "antialiased": (
        Fn(
            lambda x: F.interpolate(
                F.interpolate(x, size=(5, 11), mode="bilinear", antialias=True),
                size=(9, 4),
                mode="bicubic",
                antialias=True,
            )
        ),
        (1, 2, 13, 8),
    ),
    "pixel shuffles": (
        seq(
            nn.Conv2d(2, 8, 3, 2),
            nn.PixelShuffle(2),
            nn.PixelUnshuffle(2),
            nn.ChannelShuffle(2),
            nn.Conv2d(8, 8, 3, groups=4),
        ),
        (1, 2, 14, 11),
    ),
    "branches of one channel each": (Fn(lambda x: torch.cat([F.max_pool2d(x, 3, 1, 1), x], 1).chunk(2, 1)[1] + x), MAP),
    "shuffled branches": (
        seq(
            Fn(lambda x: torch.cat([F.max_pool2d(x, 3, 1, 1), x], 1)),
            nn.ChannelShuffle(2),
            nn.Conv2d(4, 4, 1, groups=2),
            Fn(lambda x: x[:, 2:]),
        ),
        MAP,
    ),
    "cat along an axis": (Fn(lambda x: torch.cat([x[:, :, 3:], torch.ones(1, 2, 2, 8), x[:, :, :2]], 2)), MAP),
    "stack": (Fn(lambda x: torch.stack([x, x.roll(1, 2)], 2).flatten(1, 2)), MAP),
    "unfold": (seq(nn.Unfold(3, 2, 1, 2)), (1, 2, 9, 8)),
    "unfold and fold": (seq(nn.Unfold(3, 1, 1, 2), nn.Fold((9, 8), 3, 1, 1, 2)), (1, 2, 9, 8)),
    "tensor unfold": (Fn(lambda x: x.unfold(2, 3, 2).mean(-1)), (1, 2, 9, 8)),
    "batch norm": (seq(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)), MAP),
    "batch norm in training": (seq(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)).train(), MAP),
    "group norm": (seq(nn.Conv2d(2, 4, 3), nn.GroupNorm(2, 4)), MAP),
    "instance norm": (seq(nn.Conv2d(2, 4, 3), nn.InstanceNorm2d(4)), MAP),
    "layer norm over space": (seq(nn.LayerNorm([2, 6, 8])), MAP),
    "layer norm over a row": (seq(nn.LayerNorm(8)), MAP),
    "layer norm over channels": (
        Fn(lambda x, norm: norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2), nn.LayerNorm(2)),
        MAP,
    ),
    "rms norm": (Fn(lambda x, norm: norm(x.movedim(1, -1)), nn.RMSNorm(2)), MAP),
    "norm with a scale made by the network": (
        Fn(lambda x: F.layer_norm(torch.ones(4, 2), (2,), x[0, :, 0, 0], x[0, :, 1, 1])),
        MAP,
    ),
    "local response norm": (seq(nn.Conv2d(2, 4, 3), nn.LocalResponseNorm(2)), MAP),
    "roll": (Fn(lambda x: torch.roll(F.max_pool2d(x, 2), (1, -2), (2, 3))), (1, 2, 10, 12)),
    "roll over all": (Fn(lambda x: torch.roll(x, 3)), (1, 1, 3, 4)),
    "flip": (Fn(lambda x: torch.flip(F.max_pool2d(x, 2), (2,))), (1, 2, 10, 12)),
    "repeat": (Fn(lambda x: x.repeat(1, 1, 2, 1).repeat_interleave(2, 3)), MAP),
    "pads": (Fn(lambda x: sum(F.pad(x, p, mode=m).sum(1, keepdim=True)[:, :, :6, :6] for m, p in PAD.items())), MAP),
    "transformer layer": (
        Fn(lambda x, layer: layer(tokens(x)), nn.TransformerEncoderLayer(2, 1, 4, batch_first=True)),
        (1, 2, 3, 4),
    ),
    "multi-head attention": (
        Fn(lambda x, m: m(tokens(x), tokens(x), tokens(x))[0], nn.MultiheadAttention(2, 1, batch_first=True)),
        (1, 2, 3, 4),
    ),
    "attention written out": (Fn(lambda x: (lambda t: weighted(t @ t.transpose(1, 2), t))(tokens(x))), (1, 2, 3, 4)),
    "window attention": (Fn(lambda x: windows(F.max_pool2d(x, 2))), (1, 2, 8, 8)),
    "shifted window attention": (Fn(lambda x: windows(x.roll((-1, -1), (2, 3))).roll((1, 1), (2, 3))), (1, 2, 4, 6)),
    "grid attention": (Fn(lambda x: grid_attention(x)), (1, 2, 4, 6)),
    "squeeze and excite": (
        Fn(lambda x, fc: x * torch.sigmoid(fc(x.mean((2, 3))))[..., None, None], nn.Linear(2, 2)),
        MAP,
    ),
    "row mean": (Fn(lambda x: x.sum(2).softmax(-1)), MAP),
    "maxima": (
        Fn(
            lambda x: x.amax(2, keepdim=True) + x.max(3, keepdim=True)[0] + x.min(),
        ),
        MAP,
    ),
    "variances": (
        Fn(lambda x: (x - x.mean(2, keepdim=True)) / (x.var(2, keepdim=True) + x.norm(dim=2, keepdim=True))),
        MAP,
    ),
    "running sums": (Fn(lambda x: F.max_pool2d(x, 2).cumsum(2)), (1, 2, 10, 4)),
    "products": (
        Fn(
            lambda x: (
                torch.ones(3, 6) @ (x @ torch.ones(8, 4))
                + torch.baddbmm(x[0, :, :3, :4], torch.ones(2, 3, 2), torch.ones(2, 2, 4))
            )
        ),
        MAP,
    ),
    "vectors": (
        Fn(
            lambda x: (
                (x[0, 0] @ torch.ones(8))
                + torch.dot(x[0, 0, 0], x[0, 1, 1])
                + torch.addmv(x[0, 0, :, 0], torch.ones(6, 2), torch.ones(2))
            )
        ),
        MAP,
    ),
    "einsum": (Fn(lambda x: torch.einsum("bchw,dc->bdhw", x, torch.ones(3, 2))), MAP),
    "bilinear layer": (Fn(lambda x, b: b(x[:, 0], x[:, 1]), nn.Bilinear(8, 8, 3)), MAP),
    "linear along an axis": (seq(nn.Linear(8, 3)), MAP),
    "fourier": (Fn(lambda x: torch.fft.irfft2(torch.fft.rfft2(x))), (1, 2, 4, 8)),
    "fourier along rows": (Fn(lambda x: torch.view_as_real(torch.fft.fft(x)).sum(-1)), (1, 2, 4, 8)),
    "recurrent": (Fn(lambda x, lstm: lstm(x.transpose(1, 2))[0], nn.LSTM(2, 3, batch_first=True)), (1, 2, 6)),
    "recurrent, both ways": (
        Fn(lambda x, gru: gru(x.transpose(1, 2))[0], nn.GRU(2, 3, batch_first=True, bidirectional=True)),
        (1, 2, 6),
    ),
    "plain recurrent": (Fn(lambda x, rnn: rnn(x.transpose(1, 2))[0], nn.RNN(2, 3, batch_first=True)), (1, 2, 5)),
    "gated linear unit": (seq(nn.Conv2d(2, 4, 3), nn.GLU(1)), MAP),
    "activations": (
        seq(
            nn.ReLU(inplace=True),
            nn.PReLU(),
            nn.GELU(),
            nn.SiLU(inplace=True),
            nn.ELU(),
            nn.Softplus(),
            nn.LogSigmoid(),
            nn.Tanhshrink(),
            nn.Hardswish(inplace=True),
            nn.Mish(),
            nn.Dropout(),
            nn.RReLU(),
            nn.Threshold(0.1, 1.0),
        ),
        MAP,
    ),
    "in training": (seq(nn.Dropout(0.5), nn.Dropout2d(0.5), nn.RReLU(), nn.AlphaDropout(0.1)).train(), MAP),
    "where a constant mask": (Fn(lambda x: torch.where(MASK, x, F.max_pool2d(x, 3, 1, 1))), MAP),
    "where a constant": (Fn(lambda x: torch.where(MASK, F.max_pool2d(x, 3, 1, 1), 0.0)), MAP),
    "where by channel": (
        Fn(
            lambda x: torch.where(torch.tensor([True, False])[:, None, None], F.max_pool2d(x, 3, 1, 1), x).chunk(2, 1)[
                1
            ]
        ),
        MAP,
    ),
    "masked fill": (Fn(lambda x: x.masked_fill(MASK, 0.0).masked_fill_(MASK.flip(0)[:6, None], 1.0)), MAP),
    "triangles": (
        Fn(lambda x: x.tril() + x.triu(1).transpose(2, 3)[:, :, :6, :].repeat(1, 1, 1, 2)[..., :8]),
        (1, 2, 6, 8),
    ),
    "written into a constant": (Fn(written), MAP),
    "temporal shift": (Fn(filled_in_parts), (1, 4, 6)),
    "in place on views": (Fn(in_place), MAP),
    "slices": (Fn(lambda x: x[:, :, 1::2, :-2] + x[:, :, :-1:2, 2:]), MAP),
    "unbind and select": (Fn(lambda x: sum(x.unbind(2)) + x[:, :, 1] + x.select(2, -1)), MAP),
    "split": (Fn(lambda x: torch.cat(x.split([1, 4, 3], 3)[::-1], 3)), MAP),
    "diagonal": (Fn(lambda x: torch.diagonal(F.max_pool2d(x, 2), dim1=2, dim2=3)), (1, 2, 8, 6)),
    "as_strided": (Fn(lambda x: x.as_strided((1, 2, 3, 4), (96, 48, 16, 2), 1)), MAP),
    "index by lists": (Fn(lambda x: x[:, :, [0, 2, 4]][:, :, :, MASK]), MAP),
    "index by pairs": (Fn(lambda x: x[:, :, [0, 2, 5], [1, 3, 7]]), MAP),
    "index select": (Fn(lambda x: x.index_select(2, torch.tensor([4, 1, 0]))), MAP),
    "index put": (Fn(lambda x: (lambda y: (y.__setitem__((0, 1, [0, 2], [1, 3]), x[0, 0, 5, :2]), y)[1])(x * 1)), MAP),
    "gather": (Fn(lambda x: x.gather(2, torch.tensor([[[[0, 1, 2, 3, 4, 5, 0, 1]]]]).expand(1, 2, 1, 8))), MAP),
    "take along": (Fn(lambda x: torch.take_along_dim(x, torch.tensor([3, 1]).view(1, 1, 2, 1), 2)), MAP),
    "rows added up at constant places": (
        Fn(
            lambda x: (
                torch.zeros(1, 2, 3, 8).scatter_add(2, PAIRS, x)
                + torch.zeros(1, 2, 3, 8).scatter_reduce(2, PAIRS, x, "amax", include_self=False)
                + x[:, :, :3].index_add(2, torch.tensor([0, 0, 2]), x[:, :, 3:])
            )
        ),
        MAP,
    ),
    "rows put at constant places": (
        Fn(
            lambda x: (
                torch.zeros_like(x).scatter(2, torch.tensor([0, 2, 1, 3, 5, 4])[:, None].expand(1, 2, 6, 8), x)
                + x.index_copy(2, torch.tensor([0, 5]), x[:, :, 2:4])
                + x.index_fill(2, torch.tensor([1]), 0.0).masked_scatter(MASK, x.flip(3))
            )
        ),
        MAP,
    ),
    "taken from constant places": (
        Fn(lambda x: torch.rot90(x, 1, (2, 3))[:, :, :, :4] + x.take(torch.arange(64).reshape(1, 2, 8, 4) % 50)),
        MAP,
    ),
    "blocks and diagonals": (
        Fn(
            lambda x: torch.block_diag(x[0, 0], x[0, 1]).unsqueeze(0) + torch.diag_embed(x[:, 0, 0].repeat(1, 2))[:, 4:]
        ),
        MAP,
    ),
    "parts overwritten, as an exported program does": (
        Fn(
            lambda x: (
                torch.ops.aten.copy(torch.zeros(1, 2, 6, 6), x[..., 2:])
                + torch.slice_scatter(x, x[:, :, :2], 2, 3, 5)[..., :6]
                + torch.select_scatter(torch.zeros(1, 2, 6, 6), x[:, :, 0, 2:], 2, 3)
                + torch.diagonal_scatter(x[..., :6], x[:, :, :, 0], 0, 2, 3)
            )
        ),
        MAP,
    ),
    "index put, out of place": (
        Fn(lambda x: torch.ops.aten.index_put(x, [None, None, torch.tensor([0, 3])], x[:, :, 1:3])),
        MAP,
    ),
    "distances": (
        Fn(
            lambda x: (
                torch.cdist(x[0], x[0].roll(1, 1))
                + torch.cdist(x[0], torch.ones(6, 8), p=1)
                + torch.cdist(x[0].repeat(1, 6, 1), torch.zeros(2, 6, 8))[:, :6]
            )
        ),
        MAP,
    ),
    "cross product": (Fn(lambda x: torch.linalg.cross(x, x.roll(1, 3), dim=2)), (1, 2, 3, 4)),
    "short-time Fourier transform and back": (
        Fn(
            lambda x: (
                torch.istft(torch.stft(x[:, 0], 8, 4, window=HANN, return_complex=True), 8, 4, window=HANN)
                + torch.istft(
                    torch.stft(x[:, 0], 8, 2, center=False, return_complex=True), 8, 2, center=False, length=32
                )
            )
        ),
        (1, 1, 32),
    ),
    "a fixed warp": (
        Fn(lambda x: F.grid_sample(x, torch.linspace(-1.1, 1.3, 30).reshape(1, 5, 3, 2), align_corners=False)),
        MAP,
    ),
    "positions by a matrix": (
        Fn(lambda x: F.affine_grid(x[:, 0, :2, :3], (1, 2, 4, 5), align_corners=False)),
        MAP,
    ),
    "inner products": (
        Fn(
            lambda x: (
                torch.inner(x, torch.ones(3, 8)) + torch.linalg.multi_dot([x[0, 0], torch.ones(8, 2), torch.ones(2, 3)])
            )
        ),
        MAP,
    ),
    "quantiles": (
        Fn(lambda x: x.quantile(0.5, 2) + torch.quantile(x, torch.tensor([0.1, 0.9]), 2).sum(0) + x.quantile(0.5)),
        MAP,
    ),
    "token embedding of constants": (Fn(lambda x: F.embedding(torch.tensor([[0, 5]]), x[0, 0])), MAP),
    "complex numbers": (
        Fn(lambda x: torch.complex(x, x).abs() + torch.view_as_complex(torch.stack([x, x], -1)).real.roll(1, 2)),
        MAP,
    ),
    "meshes": (
        Fn(
            lambda x: (
                x + torch.linspace(0, 1, 8, device=x.device) * torch.arange(6, device=x.device)[:, None] + x.new_ones(8)
            )
        ),
        MAP,
    ),
    "numpy style": (
        Fn(lambda x: x.mT.swapaxes(2, 3).unsqueeze(0).squeeze(0).contiguous().to(torch.float64).float()),
        MAP,
    ),
    "detached": (Fn(lambda x: x.detach()[:, :, 1:]), MAP),
    "groups that differ": (
        Fn(
            lambda x, conv: conv(torch.cat([F.max_pool2d(x, 3, 1, 1), x], 1)).chunk(2, 1)[1],
            nn.Conv2d(4, 4, 1, groups=2),
        ),
        MAP,
    ),
    "log softmax": (Fn(lambda x: x.log_softmax(2)), MAP),
    "one unit reduced": (Fn(lambda x: x.prod(2).logsumexp(-1) + x.std((2, 3)) + torch.var_mean(x, (2, 3))[0]), MAP),
    "divisions that round": (
        Fn(lambda x: x // 2 + (x.clone().floor_divide_(2) % 3).fmod(2) + torch.div(3, x + 9, rounding_mode="trunc")),
        MAP,
    ),
    "comparisons": (Fn(lambda x: torch.where(x > 0, x, -x)), MAP),
    "upsampled in 1-D": (seq(nn.Upsample(scale_factor=2), nn.ReflectionPad1d(2), nn.ReplicationPad1d(1)), (1, 2, 7)),
    "upsampled in 3-D": (
        seq(nn.Upsample(size=(3, 5, 4)), nn.ReplicationPad3d(1), nn.ReflectionPad3d(1)),
        (1, 2, 2, 3, 3),
    ),
}

# Places that the network computes: NaN in an index says nothing, but any cell along the axis may be meant.
COMPUTED = {
    "counts": Fn(lambda x: (x > 0).sum(2) + x.argmax(2) + x.count_nonzero(2)),
    "sorted": Fn(lambda x: x.sort(2)[0] + x.topk(6, 2)[0] + x.median(2, keepdim=True)[0]),
    "scattered": Fn(lambda x: torch.zeros_like(x).scatter(2, x.long(), x)),
    "indexed": Fn(lambda x: x[:, :, x[0, 0, :, 0].long()]),
    "gathered": Fn(lambda x: x.gather(2, x.long())),
    "inverted": Fn(
        lambda x: (
            torch.linalg.inv(x[..., :6])
            + torch.linalg.pinv(x[..., :6])
            + torch.matrix_exp(x[..., :6])
            + torch.linalg.svd(x[..., :6])[0]
            + torch.linalg.det(x[..., :6])[..., None, None]
            + torch.linalg.slogdet(x[..., :6])[1][..., None, None]
        )
    ),
    "quantised": Fn(
        lambda x: (
            torch.fake_quantize_per_tensor_affine(x.sum(2), 0.1, 0, 0, 255)
            + torch.fake_quantize_per_channel_affine(
                x.sum(2), torch.ones(2), torch.zeros(2, dtype=torch.int32), 1, 0, 255
            )
        )
    ),
    "searched": Fn(
        lambda x: (
            torch.searchsorted(x.mT.contiguous(), torch.zeros(1, 2, 8, 3))
            + torch.bucketize(torch.zeros(3), x[0, 0, :, 0])
        )
    ),
    "renormed": Fn(lambda x: torch.renorm(x, 2, 1, 1.0)),
    "solved": Fn(lambda x: torch.linalg.solve(x[..., :6], x[..., 2:])),
    "warped": Fn(
        lambda x, fc: F.grid_sample(
            x, F.affine_grid(fc(x.flatten(1)).view(1, 2, 3), x.shape, align_corners=True), align_corners=True
        ),
        nn.Linear(96, 6),
    ),
    "unpooled": Fn(lambda x: F.max_unpool2d(*F.max_pool2d(x, (6, 2), return_indices=True), (6, 2))),
    "sampled": Fn(lambda x: F.grid_sample(x, x.permute(0, 2, 3, 1))),
}
