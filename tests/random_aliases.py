"""Random small modules that write through views: every way to show memory again, every way to write to it."""

import torch
from hypothesis import strategies as st
from torch import nn

from random_ops import near, sample

PLACES = ("map", "zeros", "literal", "numpy", "attribute", "buffer")
ENDS = ("base", "view", "both", "sum")


@st.composite
def views(draw, depth):
    """Ways to show a tensor's memory in another form; each takes any shape, and fails where it does not fit."""
    last = draw(st.sampled_from([-1, -2]))
    start, step, size = draw(st.integers(0, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3))
    other = draw(st.sampled_from([0, 1, -3]))
    kinds = [
        lambda t: t[..., start:],
        lambda t: t[..., start::step],
        lambda t: t[:, start % 2 :],
        lambda t: t.select(last, start),
        lambda t: t.narrow(last, start, size),
        lambda t: t.transpose(last, other),
        lambda t: t[0].t(),
        lambda t: t.mT,
        lambda t: t.view(-1),
        lambda t: t.view(t.shape[0], -1),
        lambda t: t.reshape(t.shape[0], -1),
        lambda t: t.flatten(1),
        lambda t: t.unfold(last, size, step),
        lambda t: t.unfold(last, size, size),
        lambda t: t.as_strided((2, size), (size + start, step)),
        lambda t: t.as_strided((size, 2), (step, size + start), start),
        lambda t: t.squeeze(),
        lambda t: t.squeeze(0),
        lambda t: t.unsqueeze(last),
        lambda t: t.expand(2, *t.shape),
        lambda t: t.chunk(2, last)[-1],
        lambda t: t.split(size, last)[0],
        lambda t: t.tensor_split(2, last)[1],
        lambda t: t.unbind(last)[0],
        lambda t: t.diagonal(dim1=-2, dim2=-1),
        lambda t: t.diagonal(start - 1, -1, -2),
        lambda t: t.movedim(last, 0),
        lambda t: t.permute(*reversed(range(t.dim()))),
        lambda t: t.data,
        lambda t: t.detach(),
        lambda t: t.view_as(t),
        lambda t: torch.view_as_complex(t.unflatten(-1, (-1, 2))).real,
        lambda t: torch.view_as_complex(t.unflatten(-1, (-1, 2))).imag,
        lambda t: t.real,
        lambda t: t[:].transpose_(last, other),
        lambda t: t[:].squeeze_(),
        lambda t: t[:].unsqueeze_(0),
        lambda t: t[0].t_(),
        lambda t: t.contiguous(),
    ]
    return [draw(st.sampled_from(kinds)) for _ in range(draw(st.integers(0, depth)))]


def fitted(y, shape):
    """Return elements of a tensor in a shape."""
    count = torch.Size(shape).numel()
    return y.reshape(-1).repeat(-(-count // y.numel()))[:count].reshape(shape)


@st.composite
def writes(draw):
    """Ways to write to a tensor in place, with another tensor at hand."""
    number, start = draw(st.sampled_from([0.0, 0.5, -2.0])), draw(st.integers(0, 2))
    step = draw(st.integers(1, 2))

    def assign(v, y):
        v[..., start::step] = y[..., start::step]

    def assign_all(v, y):
        v[...] = y

    def assign_number(v, y):
        v[..., start] = number

    def assign_places(v, y):
        v[..., torch.tensor([start, 0])] = y[..., [start, 0]]

    def assign_where(v, y):
        v[torch.arange(v.numel()).reshape(v.shape) % 2 == 0] = number

    def add_to(v, y):
        v += y

    def add_part(v, y):
        v[..., start:] += y[..., start:]

    return draw(
        st.sampled_from(
            [
                lambda v, y: v.copy_(y),
                lambda v, y: v.copy_(y[..., :1]),
                lambda v, y: v.add_(y),
                lambda v, y: v.mul_(y),
                lambda v, y: v.mul_(number),
                lambda v, y: v.add_(v.flip(-1)),
                lambda v, y: v.fill_(number),
                lambda v, y: v.fill_(y.reshape(-1)[0]),
                lambda v, y: v.zero_(),
                lambda v, y: v.relu_(),
                lambda v, y: v.masked_fill_(torch.arange(v.shape[-1]) < start, number),
                lambda v, y: v.masked_fill_(v > y, number),
                lambda v, y: v.index_fill_(-1, torch.tensor([start]), number),
                lambda v, y: v.index_copy_(-1, torch.tensor([start]), y[..., :1]),
                lambda v, y: v.index_add_(-1, torch.tensor([start]), y[..., :1]),
                lambda v, y: v.scatter_(-1, torch.zeros(v.shape, dtype=torch.int64), y[..., :1]),
                lambda v, y: v.clamp_(min=y),
                lambda v, y: v.cumsum_(-1),
                lambda v, y: v.lerp_(y, 0.3),
                lambda v, y: v.addcmul_(y, y),
                lambda v, y: torch.add(y, y.flip(-1), out=v),
                lambda v, y: torch.cumsum(y, -1, out=v),
                lambda v, y: torch.mul(v, y, out=v),
                lambda v, y: torch._foreach_add_([v], [y]),
                lambda v, y: torch._foreach_mul_([v, v.view_as(v)], 2.0),
                lambda v, y: torch._foreach_copy_([v], [y]),
                assign, assign_all, assign_number, assign_places, assign_where, add_to, add_part,
            ]
        )
    )  # fmt: skip


class Writes(nn.Module):
    """Writes a traced map, in steps, through views of a tensor from one of several places."""

    def __init__(self, shape, place, steps, end, k):
        super().__init__()
        self.shape, self.place, self.steps, self.end, self.k = shape, place, steps, end, k
        self.array = sample(shape, 5).numpy()
        self.plain = sample(shape, 6)
        self.register_buffer("state", sample(shape, 7))

    def base(self, x):
        return {
            "map": lambda: near(x, self.k) * 1,
            "zeros": lambda: torch.zeros(self.shape),
            "literal": lambda: torch.tensor(self.plain.tolist()),
            "numpy": lambda: torch.from_numpy(self.array.copy()),
            "attribute": lambda: self.plain,
            "buffer": lambda: self.state,
        }[self.place]()

    def forward(self, x):
        self.plain.copy_(sample(self.shape, 6))  # what one run leaves there is not what the next one finds
        self.state.copy_(sample(self.shape, 7))
        base = self.base(x)
        view = base
        for shown, write, is_new in self.steps:
            view = base if is_new else view
            for show in shown:
                view = show(view)
            if not view.numel():
                raise ValueError("nothing is written")
            write(view, fitted(near(x, self.k), view.shape))
        return {
            "base": lambda: base * 1,
            "view": lambda: view * 1,
            "both": lambda: (base * 1, view * 1),
            "sum": lambda: base.sum(-1) + x.sum(-1) * 0,
        }[self.end]()


@st.composite
def aliases(draw):
    shape = draw(st.sampled_from([(1, 2, 4), (1, 1, 6), (1, 2, 2, 4), (1, 3, 3), (2, 2, 4), (1, 2, 4, 2)]))
    place, end = draw(st.sampled_from(PLACES)), draw(st.sampled_from(ENDS))
    steps = [(draw(views(3)), draw(writes()), draw(st.booleans())) for _ in range(draw(st.integers(1, 3)))]
    model = Writes(shape, place, steps, end, draw(st.integers(0, 1)))
    return model, sample(shape, draw(st.integers(0, 9)))
