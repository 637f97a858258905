"""Writes through whatever shows the same memory, and what leaves the trace's sight: the exact answer or a refusal."""

import math
import threading
import warnings

import numpy as np
import pytest
import torch
from torch import nn

import nan_oracle
import rfguide
from rfguide.trace.cells import Memory, attach, track_of

SHAPE = (1, 1, 8)


class Fn(nn.Module):
    """A model of one function, with a cache that is a plain attribute and a view of its second half."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.cache = torch.zeros(SHAPE)
        self.half = self.cache[..., 4:]

    def forward(self, x):
        return self.function(self, x)


@torch.library.custom_op("rfguide_tests::add_reversed_", mutates_args=("a",))
def add_reversed_(a: torch.Tensor, b: torch.Tensor) -> None:
    a.add_(b.flip(-1))


@add_reversed_.register_fake
def _(a, b):
    return None


class Sub(torch.Tensor):
    pass


def literal(m, x):
    torch.zeros(3)
    b = torch.tensor([[[0.0] * 8]])
    b[..., :5] = x[..., :5]
    return b


def from_numpy(m, x):
    b = torch.from_numpy(np.zeros(SHAPE, np.float32))
    b[..., 2:] = x[..., :6]
    return b


def cache(m, x):
    m.cache[..., :4] = x[..., :4]
    return m.cache + 0


def cache_by_its_half(m, x):
    m.half[..., :2] = x[..., :2]
    return m.cache + 0


def cache_in_two_steps(m, x):
    m.cache[..., :2] = 1.0
    m.cache[..., 4:] = x[..., :4]
    return m.cache + 0


def data_assigned(m, x):
    y = x * 1
    y.data = x.flip(-1)
    return y + 0


def data_written(m, x):
    y = x * 1
    y.data[..., :4] = x[..., 4:]
    return y


def unfolded(m, x):
    y = x * 1
    y.unfold(-1, 2, 2)[..., 0] = x.flip(-1)[..., :4]
    return y


def squeezed(m, x):
    y = x * 1
    y.view(1, 1, 8).squeeze_(0)[...] = x.flip(-1)[0]
    return y


def turned(m, x):
    y = x.repeat(1, 8, 1)
    y[:].transpose_(1, 2)
    return y


def turned_and_written(m, x):
    y = x[0].repeat(8, 1)
    y[:].t_()[0] = x.flip(-1)[0, 0]
    return y


def strided_beside_a_view(m, x):
    y = x * 1
    y[..., 2:5].as_strided((1, 1, 3), (8, 8, 1), 5).copy_(x[..., :3])
    return y


def into_a_new_tensor(m, x):
    z = torch.empty_like(x)
    torch.add(x, x.flip(-1), out=z)
    return z


def into_a_constant(m, x):
    z = torch.zeros(SHAPE)
    torch.mul(x, 2, out=z[...])
    return z


def by_device(m, x):
    is_on_cpu = x.device.type == "cpu" and not x.is_meta and not x.is_cuda and x.get_device() == -1
    return x.flip(-1) + torch.zeros(8, device=x.device) if is_on_cpu else x


def without_autocast(m, x):
    with torch.autocast(x.device.type, enabled=False):
        return x.to(x.device) * 2


def caught(m, x):
    try:
        torch.relu(x.view(3))
    except RuntimeError:
        return x.flip(-1)
    return x


ANSWERED = [
    *(literal, from_numpy, cache, cache_by_its_half, cache_in_two_steps, data_assigned, data_written, unfolded),
    *(squeezed, turned, turned_and_written, strided_beside_a_view, into_a_new_tensor, into_a_constant, by_device),
    *(without_autocast, caught),
]


@pytest.mark.parametrize("function", ANSWERED, ids=lambda f: f.__name__)
def test_a_write_to_one_reaches_all_that_show_the_memory(function):
    model = Fn(function)
    out = rfguide.trace(model, SHAPE).output
    assert not model.cache.any()
    assert "_rfguide" not in model.cache.__dict__
    dirty = []
    for cell in range(8):
        x = torch.ones(SHAPE)
        x[..., cell] = math.nan
        with torch.no_grad():
            dirty.append(Fn(function)(x).isnan())
    first, last = nan_oracle.hulls(torch.stack(dirty), out.unit_dims)
    for unit in np.ndindex(*out.units):
        seen = (int(first[unit]), int(last[unit]))
        assert out.visible(unit) == (seen if seen[0] <= seen[1] else None,)


def two_of_numpy(m, x):
    shared = np.zeros(SHAPE, np.float32)
    one, other = torch.from_numpy(shared), torch.from_numpy(shared)
    one[..., :4] = x[..., :4]
    return other + x


def in_a_thread(m, x):
    found = []
    thread = threading.Thread(target=lambda: found.append(x.flip(-1)))
    thread.start()
    thread.join()
    return found[0] + x


def real_parts_written(m, x):
    y = torch.complex(x, x)
    torch.view_as_real(y)[..., 0] = x.flip(-1)
    return y.abs()


def strided_beyond(m, x):
    return x.clone()[..., 2:5].as_strided((1, 1, 3), (8, 8, 1), 6)


def one_cell_several_times(m, x):
    y = x * 1
    y.as_strided((1, 1, 6, 3), (8, 8, 1, 1)).copy_(x[..., :3].expand(1, 1, 6, 3))
    return y


def for_each(m, x):
    y = x * 1
    torch._foreach_add_([y], [x.flip(-1)])
    return y


def custom(m, x):
    y = x * 1
    add_reversed_(y, x)
    return y


def statistics(m, x):
    return torch.native_layer_norm(x, [8], None, None, 1e-5)[1] + x


def numpy_of_the_input(m, x):
    return torch.from_numpy(x.numpy())


def numpy_of_a_constant(m, x):
    b = torch.zeros(SHAPE)
    b[...] = x
    return torch.from_numpy(b.numpy()) + x


def listed(m, x):
    b = torch.zeros(SHAPE)
    b[...] = x
    return torch.tensor(b.tolist()) + x


REFUSED = {
    two_of_numpy: "through numpy",
    in_a_thread: "cannot follow",
    real_parts_written: "numbers of another kind",
    strided_beyond: "beyond the tensor",
    one_cell_several_times: "same cell several times",
    for_each: "does not know what _foreach_add_",
    custom: "does not know what rfguide_tests::add_reversed_",
    (lambda m, x: x.as_subclass(Sub) + x): "cannot follow",
    (lambda m, x: nn.Parameter(x * 1) + 1): "cannot follow",
    (lambda m, x: x.clone().set_(x.flip(-1))): "set_",
    (lambda m, x: x.clone().view(8).resize_(4)): "resize_",
    numpy_of_the_input: "numpy() takes them out of torch",
    numpy_of_a_constant: "numpy() takes them out of torch",
    listed: "tolist() takes them out of torch",
    (lambda m, x: torch.zeros(SHAPE)): "nothing that depends on its input",
    (lambda m, x: torch.zeros_like(x)): "nothing that depends on its input",
}


@pytest.mark.parametrize(("function", "reason"), REFUSED.items(), ids=lambda f: getattr(f, "__name__", ""))
def test_what_leaves_the_sight_of_the_trace_is_refused(function, reason):
    with pytest.raises(rfguide.TraceError) as caught:
        rfguide.trace(Fn(function), SHAPE)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("function", [for_each, custom], ids=lambda f: f.__name__)
def test_an_unknown_op_widens_and_marks_what_it_writes_to(function):
    out = rfguide.trace(Fn(function), SHAPE, unknown="global").output
    assert out.unknown
    assert [out.visible(u) for u in range(8)] == [((0, 7),)] * 8


def test_a_constant_beside_a_real_output_is_an_answer():
    t = rfguide.trace(Fn(lambda m, x: (torch.zeros(SHAPE), x * 2)), SHAPE)
    assert [m.visible(3) for m in t.outputs] == [(None,), ((3, 3),)]


def test_a_statistic_that_nothing_reads_is_no_fault():
    t = rfguide.trace(Fn(lambda m, x: torch.native_layer_norm(x, [8], None, None, 1e-5)[0]), SHAPE)
    assert t.output.visible(0) == ((0, 7),)


def test_the_output_is_the_tensor_that_was_returned():
    """A comparison shares the dependence of what it compares; so does an activation written in place."""

    class Compares(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv1d(1, 1, 3)

        def forward(self, x):
            y = self.conv(x)
            assert (y > 0) is not None
            return y

    out = rfguide.trace(Compares(), SHAPE).output
    assert (out.name, out.dtype, out.nbytes) == ("conv", torch.float32, 24)
    assert rfguide.trace(Fn(lambda m, x: (x * 2).relu_()), SHAPE).output.name == "relu_()"


class Catches(nn.Module):
    """Falls back on a second layer where the first raises."""

    def __init__(self, *, is_hopeless=False):
        super().__init__()
        self.first, self.second = Raises(), nn.Conv1d(1, 1, 3)
        self.third = Raises() if is_hopeless else nn.Identity()

    def forward(self, x):
        try:
            x = self.first(x)
        except KeyError:
            x = torch.relu(x)
        return self.third(self.second(x))


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ReLU()

    def forward(self, x):
        raise KeyError("nothing here")


def test_a_call_that_raised_leaves_no_name_behind():
    assert list(rfguide.trace(Catches(), SHAPE)) == ["relu()", "second", "third"]
    seen = []
    from rfguide.probe import feed, watch

    model = Catches()
    watch.run(model, feed.feed(model, SHAPE, None, 0), lambda name, tensor: seen.append(name))
    assert seen == ["relu()", "second", "third", "the output"]


def test_the_error_keeps_the_name_of_the_call_that_raised():
    with pytest.raises(rfguide.TraceError, match=r"^third \(Raises\): KeyError: 'nothing here'$"):
        rfguide.trace(Catches(is_hopeless=True), SHAPE)


@pytest.mark.parametrize("offset", [0, 90, -8])
def test_memory_never_reads_or_writes_beside_its_arrays(offset):
    """A view that is not of the memory's cells, as a reused number of a storage would give it."""
    whole = torch.empty(100, device="meta")
    base = whole[8:40]
    attach(base, rfguide.trace(Fn(lambda m, x: x * 1), (1, 1, 32)).output._track)
    flat = track_of(base).with_spans([], ("s",))
    memory = Memory(base, flat)
    view = whole.as_strided((2, 6), (6, 1), 8 + offset) if offset >= 0 else whole[:12].view(2, 6)
    if offset == 0:
        memory.write(view, flat)
        return
    for action in (lambda: memory.read(view, ("s", "s")), lambda: memory.write(view, flat)):
        with pytest.raises(rfguide.TraceError, match="beyond the tensor"):
            action()


def test_no_warning_comes_of_reading_storages():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rfguide.trace(Fn(cache), SHAPE)
