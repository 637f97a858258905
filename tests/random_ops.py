"""Random small modules, one generator for each kind of op whose rule needs care; and the truth about them.

The truth is what real values show: an input cell is read if NaN in it, or another number in it, changes a unit.
"""

import itertools
import math

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch.nn.attention import SDPBackend, sdpa_kernel

from op_cases import Fn
from rfguide.trace.names import tensors_of

NUMBERS = (-3.7, 0.3, 11.0)


def changed(model, x, numbers=(*NUMBERS, math.nan)):
    """Return the model's outputs and, for each, one boolean tensor per axis: which elements each cell changes."""
    with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):

        def run(value):
            try:
                return [tensor.clone() for _, tensor in tensors_of(model(value))]
            except RuntimeError:  # a matrix of NaN has no eigenvalues
                return before

        before = []
        before = run(x.clone())
        seen = [[] for _ in before]
        for axis in range(2, x.dim()):
            stacks = [[] for _ in before]
            for cell in range(x.shape[axis]):
                marks = [torch.zeros(t.shape, dtype=torch.bool) for t in before]
                for number in numbers:
                    y = x.clone()  # keeps the layout
                    y.select(axis, cell).fill_(number)
                    for mark, was, now in zip(marks, before, run(y), strict=True):
                        mark |= (was != now) & ~(was.isnan() & now.isnan())
                for stack, mark in zip(stacks, marks, strict=True):
                    stack.append(mark)
            for found, stack in zip(seen, stacks, strict=True):
                found.append(torch.stack(stack))
    return before, seen


def wrongs(model, x, trace, numbers=(*NUMBERS, math.nan)):
    """Return where a trace says too little, a wrong shape or a wrong type; and where it says too much."""
    narrow, wide = [], []
    before, seen = changed(model, x, numbers)
    maps = list(trace.outputs)
    if len(maps) != len(before):
        return [("outputs", len(before), len(maps))], []
    for k, (m, real, axes) in enumerate(zip(maps, before, seen, strict=True)):
        if m.shape != tuple(real.shape) or m.dtype != real.dtype:
            narrow.append((k, "shape", m.shape, m.dtype, tuple(real.shape), real.dtype))
            continue
        for axis, stack in enumerate(axes):
            others = [d + 1 for d in range(real.dim()) if d not in m.unit_dims]
            small = stack.any(dim=others) if others else stack
            for unit in itertools.product(*map(range, m.units)):
                here = m.visible(unit)[axis]
                cells = [c for c in range(x.shape[axis + 2]) if small[(c, *unit)]]
                there = (cells[0], cells[-1]) if cells else None
                if here == there:
                    continue
                inside = there is None or (here and here[0] <= there[0] and there[1] <= here[1])
                (wide if inside else narrow).append((k, axis, unit, here, there))
    return narrow, wide


def near(x, k):
    """Return a map each of whose cells depends on 2k + 1 cells around it along its last axis."""
    if not k:
        return x
    pad = F.pad(x.flatten(0, -2)[None], (k, k))
    return pad.unfold(-1, 2 * k + 1, 1).sum(-1)[0].view(x.shape) * 0.5


def sample(shape, seed=0, kind=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(kind)


# --- masks: what is set low before a softmax, and what happens to it afterwards

LOWS = (-math.inf, torch.finfo(torch.float32).min, -1e9, -65504.0, -100.0, 0.0, 1e9)


@st.composite
def truths(draw, n):
    """A constant mask over pairs of tokens, true where one may look; rows may be masked as a whole."""
    i, j = torch.arange(n)[:, None], torch.arange(n)
    kind = draw(st.sampled_from(["causal", "window", "prefix", "padding", "random", "row"]))
    mask = {
        "causal": j <= i,
        "window": (i - j).abs() <= 1,
        "prefix": (j <= i) | (j < 2),
        "padding": (j < n - 2).expand(n, n),
        "row": (j <= i) & (i != draw(st.integers(0, n - 1))),
        "random": torch.rand((n, n), generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) < 0.5,
    }[kind]
    return mask.clone()


@st.composite
def score_steps(draw, n):
    """One thing that is done to scores, or to weights, in place or not."""
    mask, fill = draw(truths(n)), draw(st.sampled_from(LOWS))
    bias = torch.zeros(n, n).masked_fill(~mask, fill)
    bias = bias.nan_to_num(neginf=-math.inf)
    number = draw(st.sampled_from([-1.0, 0.5, 2.0, 8.0]))
    other = draw(st.sampled_from([torch.zeros(n, n), bias]))

    def written(s, value):
        s = s.clone()
        s.view(-1, n, n)[:, 1:] = value if not isinstance(value, torch.Tensor) else value[1:]
        return s

    def put(s):
        s = s.clone()
        s[..., ~mask] = fill
        return s

    return draw(
        st.sampled_from(
            [
                *[lambda s: s.masked_fill(~mask, fill), lambda s: s + bias] * 3,
                lambda s: s.clone().masked_fill_(~mask, fill),
                lambda s: s.masked_fill(~mask, torch.tensor(fill)),
                lambda s: torch.where(mask, s, fill),
                lambda s: torch.where(~mask, torch.tensor(fill), s),
                lambda s: torch.where(mask, fill, s),
                lambda s: torch.add(s, bias, alpha=number),
                lambda s: torch.add(bias, s, alpha=number),
                lambda s: s.clone().add_(bias, alpha=number),
                lambda s: s - bias,
                lambda s: bias - s,
                lambda s: s * mask,
                lambda s: s * number,
                lambda s: s.clone().mul_(number),
                lambda s: s / number,
                lambda s: s.clone().div_(number),
                lambda s: -s,
                lambda s: s.clone().neg_(),
                lambda s: s.clamp(min=-5.0),
                lambda s: s.clone().clamp_(-5.0),
                lambda s: s.clamp_min(torch.finfo(torch.float32).min),
                lambda s: torch.maximum(s, torch.tensor(torch.finfo(torch.float32).min)),
                lambda s: s.relu(),
                lambda s: s.clone().relu_(),
                lambda s: s.sigmoid(),
                lambda s: s.clone().copy_(other),
                lambda s: s.clone().copy_(s.flip(-1)),
                lambda s: s.nan_to_num(0.0),
                lambda s: written(s, number),
                lambda s: written(s, other),
                lambda s: written(s, s.flip(-1)[0, 0] if s.dim() == 4 else s.flip(-1)[0]),
                put,
                lambda s: s.mT,
                lambda s: s.flip(-1),
                lambda s: s + s,
                lambda s: s - s.mT,
                lambda s: 1 / (s + 3),
                lambda s: s.tril(),
                lambda s: s.half().float(),
                lambda s: s.sigmoid().half().add(bias.clamp(-65504.0, 0.0).half()),
                lambda s: s.double(),
            ]
        )
    )


@st.composite
def masks(draw):
    n, heads = draw(st.integers(3, 6)), draw(st.booleans())
    before = draw(st.lists(score_steps(n), max_size=4))
    after = draw(st.lists(score_steps(n), max_size=2)) if draw(st.booleans()) else []
    k = draw(st.integers(0, 1))

    def model(x):
        t = near(x, k).mT
        if heads:
            t = torch.stack([t, t.flip(-1)], 1)
        s = t @ t.mT
        for step in before:
            s = step(s)
        s = s.softmax(-1)
        for step in after:
            s = step(s)
        return s.to(t.dtype) @ t

    return Fn(model), sample((1, 2, n), draw(st.integers(0, 9)))


# --- statistics as results, and functions of whole matrices


def _norms(draw, x):
    groups = draw(st.sampled_from([1, 2, 4]))
    training = draw(st.booleans())
    n, c, *rest = x.shape
    cells = math.prod(rest)
    weight, bias = torch.rand(c) + 0.5, torch.rand(c)
    given_ = draw(st.booleans())
    w, b = (weight, bias) if given_ else (None, None)
    own = [torch.rand(x.shape[-1]), torch.rand(x.shape[-1])] if given_ else [None, None]
    eye, last = torch.eye(c) * 5, x.dim() - 1
    dim, p = draw(st.integers(0, last)), draw(st.sampled_from([1.0, 2.0, 3.0]))
    keep = draw(st.booleans())

    def square(x):
        x = x.nan_to_num(7.0)  # some of what is computed of a matrix never ends on NaN
        m = x.flatten(2)[:, :, :c].mT if cells < c else x.flatten(2)
        return m @ m.mT + eye

    def hermitian(x):
        return torch.complex(square(x), square(x) - square(x).mT)

    return [
        lambda x: torch.native_layer_norm(x, x.shape[-1:], *own, 1e-5),
        lambda x: torch.native_layer_norm(x, x.shape[1:], None, None, 1e-5),
        lambda x: torch.native_group_norm(x, w, b, n, c, cells, groups, 1e-5),
        lambda x: torch.native_batch_norm(x, w, b, torch.zeros(c), torch.ones(c), training, 0.1, 1e-5),
        lambda x: torch.native_batch_norm(x, w, b, None, None, True, 0.1, 1e-5),
        lambda x: torch.renorm(x, p, dim, 0.7),
        lambda x: x.clone().renorm_(p, dim, 0.7),
        lambda x: torch.linalg.inv(square(x)),
        lambda x: torch.linalg.inv(hermitian(x)).real,
        lambda x: torch.linalg.inv(hermitian(x)).abs(),
        lambda x: torch.linalg.det(square(x))[:, None],
        lambda x: torch.det(square(x)),
        lambda x: torch.linalg.det(hermitian(x)).abs(),
        lambda x: square(x).logdet(),
        lambda x: torch.linalg.slogdet(square(x)),
        lambda x: torch.linalg.eigvalsh(square(x)),
        lambda x: torch.linalg.eigh(square(x)),
        lambda x: torch.linalg.eigvals(square(x)).abs(),
        lambda x: torch.linalg.cholesky(square(x)),
        lambda x: torch.linalg.qr(square(x)),
        lambda x: torch.linalg.svdvals(square(x)),
        lambda x: torch.linalg.matrix_norm(square(x), 2),
        lambda x: torch.linalg.matrix_norm(x, dim=(1, last)),
        lambda x: torch.linalg.matrix_power(square(x), 3),
        lambda x: torch.linalg.solve_triangular(square(x).tril(), x.flatten(2), upper=False),
        lambda x: torch.linalg.solve(square(x), x.flatten(2)),
        lambda x: torch.linalg.lu(square(x))[2],
        lambda x: torch.linalg.lu_factor(square(x))[0],
        lambda x: torch.linalg.lstsq(square(x), x.flatten(2))[0],
        lambda x: torch.linalg.pinv(square(x)),
        lambda x: torch.linalg.pinv(square(x), hermitian=True),
        lambda x: torch.cholesky_inverse(square(x)),
        lambda x: torch.linalg.cond(square(x)),
        lambda x: torch.trace(square(x)[0]),
        lambda x: torch.cov(x.flatten(2)[0]),
        lambda x: torch.corrcoef(x.flatten(2)[0]),
        lambda x: torch.linalg.vander(x[..., :3]),
        lambda x: torch.linalg.vecdot(x, x.flip(-1), dim=dim),
        lambda x: torch.var_mean(x, dim, keepdim=keep),
        lambda x: torch.std(x, (1, last), keepdim=keep),
        lambda x: torch.aminmax(x, dim=dim, keepdim=keep),
        lambda x: F.normalize(x, p, dim),
        lambda x: F.cosine_similarity(x, x.flip(-1), dim),
        lambda x: F.local_response_norm(x, 3),
        lambda x: F.instance_norm(x),
        lambda x: F.rms_norm(x, x.shape[-1:]),
        lambda x: torch.logcumsumexp(x, dim),
        lambda x: x.norm(p, dim, keepdim=keep),
        lambda x: torch.dist(x, x.flip(-1), p),
        lambda x: torch.pdist(x.flatten(2)[0]),
        lambda x: torch.nn.functional.pairwise_distance(x, x.flip(-1)),
        lambda x: torch.trapezoid(x, dim=dim),
        lambda x: torch.diff(x, dim=last),
        lambda x: torch.gradient(x, dim=last)[0],
        lambda x: torch.cummax(x, dim),
        lambda x: x.cummin(dim)[0],
        lambda x: torch.kthvalue(x, 1, dim, keep)[0],
        lambda x: x.median(dim, keep)[0],
        lambda x: x.logsumexp(dim, keep),
        lambda x: x.softmax(dim),
        lambda x: torch.baddbmm(square(x), square(x), square(x)),
    ]


@st.composite
def statistics(draw):
    shape = draw(st.sampled_from([(1, 4, 6), (1, 4, 3), (2, 4, 5), (1, 4, 3, 4)]))
    x = sample(shape, draw(st.integers(0, 9)))
    function, k = draw(st.sampled_from(_norms(draw, x))), draw(st.integers(0, 1))
    return Fn(lambda x: function(near(x, k))), x


# --- places given by constants


@st.composite
def places(draw, shape, size, kind=None):
    """A constant index into an axis."""
    low = 0 if draw(st.booleans()) else -size
    kind = kind or draw(st.sampled_from([torch.int64, torch.int32]))
    values = [draw(st.integers(low, size - 1)) for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=kind).reshape(shape)


@st.composite
def indices(draw):
    shape = draw(st.sampled_from([(1, 2, 5), (1, 3, 4), (2, 2, 3, 4), (1, 2, 4, 3)]))
    x = sample(shape, draw(st.integers(0, 9)))
    last, n = x.dim() - 1, shape[-1]
    dim = draw(st.integers(0, last))
    size = shape[dim]
    k = draw(st.integers(0, 1))
    some = draw(places((draw(st.integers(1, 4)),), n))
    pair = draw(places((2, draw(st.integers(1, 3))), n))
    one = draw(places((), size, torch.int64)) % size
    few = draw(places((draw(st.integers(1, 4)),), size)) % size
    bits = torch.tensor([draw(st.booleans()) for _ in range(n)])
    grid = torch.rand(shape[1:], generator=torch.Generator().manual_seed(draw(st.integers(0, 99)))) < 0.5
    like = draw(places(shape, min(shape), torch.int64)) % min(shape)
    adds = draw(st.booleans())
    slot = [None] * last
    where = draw(places((draw(st.integers(1, 4)),), n, torch.int64))
    levels = torch.tensor([-0.5, 0.1, 0.8])

    def put(x):
        values = x[..., : len(where)] if len(where) <= n else x[..., :1].expand(*shape[:-1], len(where))
        return torch.ops.aten.index_put(x, [*slot, where], values, adds)

    def put_in_place(x):
        y = torch.zeros_like(x) if draw_zero else x * 1
        values = x[..., :1].expand(*shape[:-1], len(where)) if adds else x[..., : len(where)]
        if values.shape[-1] != len(where):
            values = x[..., :1].expand(*shape[:-1], len(where))
        return y.index_put_(
            (*[torch.arange(m).view(-1, *[1] * (last - d)) for d, m in enumerate(shape[:-1])], where),
            values,
            accumulate=adds,
        )

    draw_zero = draw(st.booleans())
    functions = [
        lambda x: x[..., some],
        lambda x: x[..., bits.to(torch.uint8)],
        lambda x: x[:, :, bits] if last == 2 else x[:, :, :, bits],
        lambda x: x[:, grid],
        lambda x: x[:, grid.to(torch.uint8)],
        lambda x: x[..., pair],
        lambda x: x[..., pair[0], pair[1]] if last == 3 else x[0, pair[0] % 2, pair[1]],
        lambda x: x[:, some % 2, ..., 0],
        lambda x: x[:, [0, 1], :, some[:1]] if last == 3 else x[:, [0, 1], some[:1]],
        lambda x: x[:, :, x[0, 0].flatten().argsort()[:2] % 2],
        lambda x: x[:, (x[0, 0].flatten()[:3] > 0).long(), some[:1]],
        lambda x: x[:, torch.arange(2)[:, None], (x[0, 0].flatten()[:3] > 0).long()],
        lambda x: x[0, :, some[0], ...],
        lambda x: x[:, :, some[0] % 3],
        lambda x: x.index_select(dim, one),
        lambda x: x.index_select(dim, few),
        lambda x: x.take(few % x.numel()),
        lambda x: x.gather(dim, like.narrow(last, 0, 2)),
        lambda x: x.gather(dim, (x > 0).long()),
        lambda x: torch.take_along_dim(x, like, dim),
        lambda x: torch.take_along_dim(input=x, indices=like, dim=dim),
        lambda x: torch.take_along_dim(x, like.narrow(0, 0, 1), dim=dim),
        lambda x: torch.quantile(input=x, q=0.3, dim=dim),
        lambda x: torch.quantile(x, torch.tensor([0.1, 0.5]), dim=dim, keepdim=True),
        lambda x: x.nanquantile(q=0.4, dim=last, keepdim=True),
        lambda x: torch.quantile(x, q=torch.tensor([0.1])),
        put,
        put_in_place,
        lambda x: x.scatter(dim, like, x.flip(-1)),
        lambda x: x.scatter_add(dim, like, x.flip(-1)),
        lambda x: x.scatter_reduce(dim, like, x.flip(-1), "amax", include_self=adds),
        lambda x: x.scatter(dim, like, 0.5),
        lambda x: x.scatter(dim, (x > 0).long(), 0.5),
        lambda x: x.index_add(dim, few, x.index_select(dim, few.flip(0))),
        lambda x: x.index_copy(dim, few[:1].long(), x.index_select(dim, few[-1:])),
        lambda x: x.index_fill(dim, few.long(), 0.5),
        lambda x: x.masked_scatter(grid, x.flip(-1)),
        lambda x: x.masked_fill(grid.to(torch.bool), 2.0),
        lambda x: torch.searchsorted(x.flatten()[:4].sort()[0], levels),
        lambda x: torch.searchsorted(x.sort(-1)[0], x.flip(-1)),
        lambda x: torch.searchsorted(levels, x),
        lambda x: torch.bucketize(x, levels),
        lambda x: torch.bucketize(levels, x.flatten()[:4].sort()[0]),
        lambda x: torch.bucketize(x, x.flatten()[:3].sort()[0]),
        lambda x: torch.searchsorted(x.cumsum(-1), torch.tensor(0.3).expand(*shape[:-1], 1)),
        lambda x: torch.searchsorted(levels, x, sorter=torch.tensor([0, 1, 2])),
        lambda x: torch.addbmm(x[0, :, :1].flatten(1)[:, :1], x.flatten(2), x.flatten(2).mT),
        lambda x: torch.addbmm(torch.ones(2, 1), x.flatten(2)[:, :2], x.flatten(2).mT, beta=0.5),
        lambda x: torch.addmm(x.flatten(2)[0, :, :1], x.flatten(2)[0], x.flatten(2)[0].mT),
        lambda x: torch.addmv(x.flatten(2)[0, :, 0], x.flatten(2)[0], x.flatten(2)[0, 0]),
        lambda x: torch.addr(x.flatten(2)[0, :, :1], x.flatten(2)[0, :, 1], x.flatten(2)[0, 0]),
        lambda x: torch.baddbmm(x.flatten(2)[:, :, :1], x.flatten(2), x.flatten(2).mT),
        lambda x: torch.ger(x.flatten(2)[0, 0], x.flatten(2)[0, 1]),
        lambda x: torch.chain_matmul(x.flatten(2)[0], x.flatten(2)[0].mT, x.flatten(2)[0]),
        lambda x: torch.tensordot(x, x.flip(-1), ([1, last], [1, last])),
        lambda x: torch.einsum("b...i,b...i->b...", x, x.flip(1)),
        lambda x: torch.einsum("bc...,bd...->b...cd", x, x),
        lambda x: torch.kron(x.flatten(2)[0], torch.ones(2, 2)),
        lambda x: x.flatten(2)[0].repeat_interleave(torch.arange(1, shape[1] + 1), 0),
        lambda x: x.repeat_interleave(2, dim),
        lambda x: x.tile(2),
        lambda x: x.unfold(last, 2, 1),
        lambda x: x.unique_consecutive(),
        lambda x: x.argsort(dim),
        lambda x: x.sort(dim, descending=True),
        lambda x: x.topk(1, dim),
        lambda x: x.roll((1, 1), (1, last)),
        lambda x: x.msort(),
    ]
    function = draw(st.sampled_from(functions))
    return Fn(lambda x: function(near(x, k))), x


# --- positions: interpolation and padding

FACTORS = (1.1, 1.29, 1.01, 1.5, 2.0, 0.5, 0.7, 1.9, 2.3, 3.0, 1 / 3, 0.99, 2.01)


@st.composite
def resizings(draw):
    axes = draw(st.integers(1, 2)) if draw(st.booleans()) else draw(st.integers(1, 3))
    linear = {1: ["linear"], 2: ["bilinear", "bicubic"], 3: ["trilinear"]}[axes]
    mode = draw(st.sampled_from(["nearest", "nearest", "nearest-exact", *linear, "area"]))
    shape = [draw(st.integers(1, 11 if axes < 3 else 4)) for _ in range(axes)]
    how = draw(st.sampled_from(["factor", "factors", "size"]))
    options = {}
    if how == "size":
        options["size"] = [draw(st.integers(1, 30 if axes < 3 else 6)) for _ in range(axes)]
    else:
        given_ = [draw(st.sampled_from(FACTORS)) for _ in range(axes)]
        options["scale_factor"] = given_[0] if how == "factor" else given_
        recompute = draw(st.sampled_from([None, None, False, True]))
        options["recompute_scale_factor"] = recompute
        scales = [given_[0]] * axes if how == "factor" else given_
        shape = [max(n, math.ceil(1 / s)) for n, s in zip(shape, scales, strict=True)]
    if mode in linear:
        options["align_corners"] = draw(st.sampled_from([None, False, True]))
        if options["align_corners"] and options.get("recompute_scale_factor") is False:
            options["align_corners"] = False
        if axes == 2:
            options["antialias"] = draw(st.booleans())
    kind = draw(st.sampled_from([torch.float32, torch.float32, torch.float64]))
    x = sample((1, draw(st.integers(1, 2)), *shape), kind=kind)
    if draw(st.booleans()) and axes > 1:
        x = x.to(memory_format=torch.channels_last if axes == 2 else torch.channels_last_3d)
    return Fn(lambda x: F.interpolate(x, mode=mode, **options)), x


@st.composite
def paddings(draw):
    axes = draw(st.integers(1, 3))
    mode = draw(st.sampled_from(["circular", "reflect", "replicate", "constant"]))
    shape = [draw(st.integers(2, 6)) for _ in range(axes)]
    used = draw(st.integers(1, axes))
    sides = []
    for n in shape[::-1][:used]:
        most = {"circular": n, "reflect": n - 1}.get(mode, n + 1)
        one = draw(st.integers(-n + 1, most))
        sides += [one, draw(st.integers(max(1 - n - min(one, 0), 1 - n - one), most))]
    used = axes if mode != "constant" else used
    sides += [0] * (2 * used - len(sides))
    return Fn(lambda x: F.pad(x, sides, mode=mode)), sample((1, 2, *shape))


# --- short-time Fourier transforms and back, several times


@st.composite
def spectra(draw):
    n_fft = draw(st.sampled_from([4, 6, 8]))
    hop = draw(st.integers(1, n_fft // 2))
    win_length = draw(st.sampled_from([None, n_fft, n_fft - 1, n_fft // 2]))
    center, n = draw(st.booleans()), draw(st.integers(n_fft + 1, 20))
    pad_mode = draw(st.sampled_from(["reflect", "constant", "replicate"]))
    length = draw(st.sampled_from([None, n, n - 1, n + 3]))
    window = (
        torch.ones(win_length or n_fft) if draw(st.booleans()) or not center else torch.hann_window(win_length or n_fft)
    )
    onesided, times = draw(st.booleans()), draw(st.integers(1, 2))
    last = draw(st.sampled_from(["wave", "spectrum", "magnitude"]))
    named, given_ = draw(st.booleans()), draw(st.booleans())

    def model(x):
        wave = x[:, 0]
        for turn in range(times):
            options = {
                "n_fft": n_fft,
                "hop_length": hop,
                "win_length": win_length,
                "window": window if given_ else None,
            }
            s = torch.stft(wave, **options, center=center, pad_mode=pad_mode, onesided=onesided, return_complex=True)
            if turn == times - 1 and last != "wave":
                return s.abs() if last == "magnitude" else torch.view_as_real(s)
            options |= {"center": center, "onesided": onesided, "length": length}
            wave = torch.istft(input=s, **options) if named else torch.istft(s, **options)
        return wave[:, None]

    return Fn(model), sample((1, 1, n), draw(st.integers(0, 9)), torch.float64 if not given_ else torch.float32)


# --- two tensors; fixed warps


@st.composite
def pairs(draw):
    shape = draw(st.sampled_from([(1, 2, 6), (1, 2, 3, 4)]))
    k = draw(st.integers(0, 2))
    names = "maximum minimum fmax fmin atan2 hypot logaddexp logaddexp2 copysign fmod remainder add sub mul xlogy"
    function = getattr(torch, draw(st.sampled_from([*names.split(), "max", "min", "true_divide", "gt", "float_power"])))
    turned = draw(st.booleans())
    other = draw(st.sampled_from(["rolled", "constant", "row", "column"]))

    def model(x):
        y = {
            "rolled": lambda: x.flip(-1),
            "constant": lambda: torch.linspace(-1, 1, shape[-1]),
            "row": lambda: x[..., :1],
            "column": lambda: x[:, :1],
        }[other]()
        one, two = (y, near(x, k)) if turned else (near(x, k), y)
        return function(one, two)

    return Fn(model), sample(shape, draw(st.integers(0, 9)))


@st.composite
def warps(draw):
    axes = draw(st.sampled_from([2, 2, 3]))
    shape = [draw(st.integers(1, 5 if axes == 2 else 3)) for _ in range(axes)]
    out = [draw(st.integers(1, 5 if axes == 2 else 3)) for _ in range(axes)]
    mode = draw(st.sampled_from(["bilinear", "nearest", *(["bicubic"] if axes == 2 else [])]))
    padding, align = draw(st.sampled_from(["zeros", "border", "reflection"])), draw(st.booleans())
    seed = draw(st.integers(0, 99))
    grid = torch.rand((1, *out, axes), generator=torch.Generator().manual_seed(seed)) * 3 - 1.5
    if draw(st.booleans()):
        theta = torch.eye(axes, axes + 1)[None] + 0.3 * sample((1, axes, axes + 1), seed)
        grid = F.affine_grid(theta, (1, 2, *out), align_corners=align)
    batch = draw(st.sampled_from([1, 1, 2]))
    grid = grid.expand(batch, *grid.shape[1:]) if batch == 1 else torch.cat([grid, grid.flip(1)])
    k = draw(st.integers(0, 1))
    model = Fn(lambda x: F.grid_sample(near(x, k), grid, mode, padding, align))
    return model, sample((batch, 2, *shape), seed)


KINDS = {
    "masks": masks, "statistics": statistics, "indices": indices, "resizings": resizings, "paddings": paddings,
    "spectra": spectra, "pairs": pairs, "warps": warps,
}  # fmt: skip
