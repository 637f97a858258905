"""Models and arguments that `trace` refuses: one clear line each, and the model is as it was."""

import copy
import re

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import rfguide
from rfguide import GeometryError, TraceError
from rfguide.torch_networks import Net


class Fn(nn.Module):
    def __init__(self, function, *modules):
        super().__init__()
        self.function, self.parts = function, nn.ModuleList(modules)

    def forward(self, *inputs):
        return self.function(*inputs, *self.parts)


def branch_on_value(x):
    return x if x.mean() > 0 else -x


def raises(x):
    raise ValueError("first line\nsecond line")


def asserts(x):
    assert x.shape[1] == 4, "four channels wanted"
    return x


class NoForward(nn.Module):
    pass


class Wrapped(nn.Module):
    """A layer in a container, so that its place has a name."""

    def __init__(self, layer):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), layer)

    def forward(self, x):
        return self.features(x)


@torch.library.custom_op("rfguide_tests::mystery", mutates_args=())
def mystery(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@mystery.register_fake
def _(x):
    return torch.empty_like(x)


@torch.library.custom_op("rfguide_tests::opaque", mutates_args=())
def opaque(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


IMAGE = (1, 3, 16, 16)
VALUES = "control flow or a shape depends on the input's values"
HINT = 'unknown="global" goes on and marks what follows'
WANTED = "a size such as (1, 3, 224, 224), a tensor, or a tuple of them"

MODELS = {
    # name: (model, input size, message)
    "branch on a value": (Fn(branch_on_value), IMAGE, f"Fn: {VALUES}"),
    "item": (Fn(lambda x: x * x.max().item()), IMAGE, VALUES),
    "tolist": (Fn(lambda x: x * x[0, 0, 0].tolist()[0]), IMAGE, VALUES),
    "numpy": (Fn(lambda x: x * float(x.numpy().mean())), IMAGE, VALUES),
    "int of a value": (Fn(lambda x: x[:, :, : int(x.sum())]), IMAGE, VALUES),
    "while on a value": (Fn(lambda x: next(x for _ in iter(lambda: bool(x.sum() < 0), True))), IMAGE, VALUES),
    "nonzero": (Fn(lambda x: x.nonzero()), IMAGE, VALUES),
    "mask from values": (
        Fn(lambda x: x[x > 0]),
        IMAGE,
        "the number of elements under a mask depends on the input's values",
    ),
    "masked select": (Fn(lambda x: x.masked_select(x > 0)), IMAGE, VALUES),
    "unique": (Fn(lambda x: x.unique()), IMAGE, VALUES),
    "equal": (Fn(lambda x: x if torch.equal(x, x) else -x), IMAGE, VALUES),
    "allclose": (Fn(lambda x: x if torch.allclose(x, x) else -x), IMAGE, VALUES),
    "raises": (Fn(raises), IMAGE, "Fn: ValueError: first line"),
    "assertion": (Fn(asserts), IMAGE, "Fn: AssertionError: four channels wanted"),
    "no forward": (
        NoForward(),
        IMAGE,
        'NoForward: NotImplementedError: Module [NoForward] is missing the required "forward" function',
    ),
    "wants two inputs": (
        Fn(lambda x, y: x + y),
        IMAGE,
        "Fn: TypeError: <lambda>() missing 1 required positional argument: 'y'",
    ),
    "given two inputs": (
        Net(),
        (IMAGE, IMAGE),
        "Net: TypeError: Net.forward() takes 2 positional arguments but 3 were given",
    ),
    "an unknown op": (
        Wrapped(Fn(lambda x: mystery(x))),
        IMAGE,
        "features.1.mystery(): rfguide does not know what rfguide_tests::mystery reads; "
        f'until="features.1.mystery()" stops before it, {HINT}',
    ),
    "an op without a meta kernel": (
        Fn(lambda x: opaque(x)),
        IMAGE,
        f'opaque(): rfguide does not know what rfguide_tests::opaque reads; until="opaque()" stops before it, {HINT}',
    ),
    "distances of pairs": (
        Fn(lambda x: torch.pdist(x[0, 0])),
        IMAGE,
        f'pdist(): rfguide does not know what _pdist_forward reads; until="pdist()" stops before it, {HINT}',
    ),
    "histogram": (Fn(lambda x: torch.histc(x)), IMAGE, VALUES),
    "unpooling to places of other origin": (
        Fn(lambda x: F.max_unpool2d(x, F.max_pool2d(x, 2, return_indices=True)[1] + 0, 2)),
        IMAGE,
        "max_unpool2d(): RuntimeError: ",
    ),
    "random pooling": (
        nn.FractionalMaxPool2d(2, output_size=4),
        IMAGE,
        f"FractionalMaxPool2d: rfguide does not know what fractional_max_pool2d reads; {HINT}",
    ),
    "returns a number": (Fn(lambda x: 3), IMAGE, "Fn: returns int, which holds no tensor"),
    "returns nothing": (Fn(lambda x: None), IMAGE, "Fn: returns NoneType, which holds no tensor"),
    "returns an empty list": (Fn(lambda x: []), IMAGE, "Fn: returns list, which holds no tensor"),
    "returns text": (Fn(lambda x: {"answer": "yes"}), IMAGE, "Fn: returns dict, which holds no tensor"),
    "too many channels": (
        Net(),
        (1, 4, 16, 16),
        "conv1 (Conv2d): a map of shape (1, 4, 16, 16) has 4 channels; the kernel reads 3",
    ),
    "no batch dimension": (
        Net(),
        (3, 16, 16),
        "conv1 (Conv2d): a map of shape (3, 16, 16) has no batch dimension; (1, 3, 16, 16) would fit",
    ),
    "an axis too many": (Net(), (1, 3, 16, 16, 16), "conv1 (Conv2d): RuntimeError: "),
    "an axis too few": (nn.Conv3d(3, 4, 3), (1, 3, 16, 16), "no batch dimension"),
    "input smaller than the kernel": (
        Wrapped(nn.Conv2d(4, 4, 5)),
        (1, 3, 6, 6),
        "features.1 (Conv2d): kernel_size=5, dilation=1 spans 5 cells; "
        "input_size=4, padding=0 has 4 (padding=1 would fit)",
    ),
    "input smaller than the pool": (nn.MaxPool2d(20), IMAGE, "MaxPool2d: RuntimeError: "),
    "head of another size": (nn.Sequential(nn.Flatten(), nn.Linear(10, 2)), IMAGE, "1 (Linear): RuntimeError: "),
    "norm of other channels": (
        nn.BatchNorm2d(4).eval(),
        IMAGE,
        "BatchNorm2d: RuntimeError: running_mean should contain 3 elements not 4",
    ),
    "group norm of other channels": (nn.GroupNorm(2, 4), IMAGE, "GroupNorm: RuntimeError: "),
    "layer norm of another size": (
        nn.LayerNorm(8),
        IMAGE,
        "LayerNorm: a map of shape (1, 3, 16, 16) does not end in the norm's (8,)",
    ),
    "view of another size": (Fn(lambda x: x.view(1, 7, -1)), IMAGE, "view(): RuntimeError: "),
    "cat of other sizes": (Fn(lambda x: torch.cat([x, x[:, :, 1:]], 1)), IMAGE, "cat(): RuntimeError: "),
    "add of other sizes": (Fn(lambda x: x + x[:, :, 1:]), IMAGE, "add(): RuntimeError: "),
    "reflection wider than the map": (nn.ReflectionPad2d(20), IMAGE, "ReflectionPad2d: RuntimeError: "),
    "index out of range": (Fn(lambda x: x[:, 5]), IMAGE, "getitem(): IndexError: "),
    "upsampling to nothing": (nn.Upsample(scale_factor=0.01), IMAGE, "Upsample: RuntimeError: "),
    "no such attribute": (Fn(lambda x: x.colour), IMAGE, "Fn: AttributeError: "),
    "an integer image into a convolution": (Net(), torch.zeros(IMAGE, dtype=torch.long), "conv1 (Conv2d): "),
    "a lazy layer": (
        nn.Sequential(nn.LazyConv2d(3, 3)),
        IMAGE,
        "0.weight has no shape yet: run the model once before it is traced",
    ),
    "gradients inside": (Fn(lambda x: torch.autograd.grad(x.sum(), x)[0]), IMAGE, "RuntimeError: "),
    "endless recursion": (Fn(lambda x: recurse(x)), IMAGE, "RecursionError: maximum recursion depth exceeded"),
    "division by zero": (
        Fn(lambda x: x * (1 // (x.shape[2] - 16))),
        IMAGE,
        "Fn: ZeroDivisionError: integer division or modulo by zero",
    ),
}


def recurse(x):
    return recurse(x)


ARGUMENTS = {
    # name: (arguments, options, error, message)
    "no model": ((None, IMAGE), {}, TypeError, "model must be a torch.nn.Module, not NoneType"),
    "a function": ((F.relu, IMAGE), {}, TypeError, "model must be a torch.nn.Module, not function"),
    "a class": ((Net, IMAGE), {}, TypeError, "model must be a torch.nn.Module, not type (call it to make one)"),
    "a state dict": ((Net().state_dict(), IMAGE), {}, TypeError, "model must be a torch.nn.Module, not OrderedDict"),
    "one number": ((Net(), 224), {}, TypeError, f"input_size=224 must be {WANTED}, not int"),
    "text": ((Net(), "224"), {}, TypeError, f"input_size='224' must be {WANTED}, not str"),
    "nothing": ((Net(), None), {}, TypeError, f"input_size=None must be {WANTED}, not NoneType"),
    "an empty tuple": ((Net(), ()), {}, GeometryError, f"input_size=() is empty; it must be {WANTED}"),
    "no axis": (
        (Net(), (1, 3)),
        {},
        GeometryError,
        "input_size=(1, 3) has no axis to follow: it must be batch, channels and one axis or more "
        "((1, 3, 224, 224) would fit)",
    ),
    "fractions": ((Net(), (1, 3, 16.0, 16)), {}, TypeError, "input_size[2]=16.0 must be an integer, not float"),
    "truth": ((Net(), (True, 3, 16, 16)), {}, TypeError, "input_size[0]=True must be an integer, not bool"),
    "zero": ((Net(), (1, 3, 0, 16)), {}, GeometryError, "input_size[2]=0 must be at least 1"),
    "negative": ((Net(), (1, 3, 16, -1)), {}, GeometryError, "input_size[3]=-1 must be at least 1"),
    "no batch": ((Net(), (0, 3, 16, 16)), {}, GeometryError, "input_size[0]=0 must be at least 1"),
    "a nested mix": (
        (Net(), (IMAGE, "x")),
        {},
        TypeError,
        "input_size has 'x'; each input must be a size or a tensor",
    ),
    "a number among sizes": (
        (Net(), (IMAGE, 3)),
        {},
        TypeError,
        "input_size has 3; each input must be a size or a tensor",
    ),
    "a key that is no name": (
        (Net(), {3: IMAGE}),
        {},
        TypeError,
        "input_size has the key 3; an input's name must be a string",
    ),
    "an empty dict": ((Net(), {}), {}, GeometryError, "input_size= has no axis to follow"),
    "a sparse tensor": (
        (Net(), torch.zeros(IMAGE).to_sparse()),
        {},
        TypeError,
        "input_size must be a dense tensor, not a sparse, quantized or nested one",
    ),
    "an unknown policy": (
        (Net(), IMAGE),
        {"unknown": "guess"},
        TypeError,
        'unknown=\'guess\' must be "error" or "global"',
    ),
    "ignore_global that is no truth": (
        (Net(), IMAGE),
        {"ignore_global": "yes"},
        TypeError,
        "ignore_global='yes' must be True or False",
    ),
    "until that is no name": ((Net(), IMAGE), {"until": 3}, TypeError, "until=3 must be the name of a call, not int"),
    "until that never comes": (
        (Net(), IMAGE),
        {"until": "layer9"},
        TraceError,
        "until='layer9' names no call that the model makes; its first calls are conv1, relu(), pool",
    ),
    "until the first call": (
        (Net(), IMAGE),
        {"until": "conv1"},
        TraceError,
        "until='conv1' stops before the first map",
    ),
}


def state(model):
    tensors = {} if any(map(torch.nn.parameter.is_lazy, model.parameters())) else copy.deepcopy(model.state_dict())
    return tensors, [dict(m.__dict__) for m in model.modules()], torch.get_rng_state()


@pytest.mark.parametrize("case", MODELS)
def test_a_model_is_refused_in_one_line(case):
    model, size, message = MODELS[case]
    tensors, attributes, generator = state(model)
    with pytest.raises(TraceError) as caught:
        rfguide.trace(model, size)
    line = str(caught.value)
    assert message in line
    assert "\n" not in line
    now = state(model)
    assert all(torch.equal(now[0][k], v) for k, v in tensors.items())
    assert [[*map(id, d.values())] for d in now[1]] == [[*map(id, d.values())] for d in attributes]
    assert torch.equal(now[2], generator)
    assert torch.is_grad_enabled()
    assert not torch.nn.modules.module._global_forward_hooks
    assert rfguide.trace(Net(), (1, 3, 32, 32)).output.size == (10, 10)


@pytest.mark.parametrize("case", ARGUMENTS)
def test_an_argument_is_refused_in_one_line(case):
    arguments, options, error, message = ARGUMENTS[case]
    with pytest.raises(error, match=f"^{re.escape(message)}") as caught:
        rfguide.trace(*arguments, **options)
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)


def test_there_are_at_least_sixty():
    assert len(MODELS) + len(ARGUMENTS) >= 60


def test_an_unknown_op_can_be_read_as_global_and_is_marked():
    model = Wrapped(nn.Sequential(Fn(lambda x: mystery(x)), nn.Conv2d(4, 2, 3)))
    t = rfguide.trace(model, IMAGE, unknown="global")
    assert t["features.0"].size == (3, 3)
    assert t["features.0"].unknown == ""
    for name in ("features.1.0.mystery()", "features.1.1", "features"):
        m = t[name]
        assert m.unknown == "rfguide_tests::mystery"
        assert m.size == (None, None)
        assert m.fields == (None, None)
        assert m.is_global
        assert m.visible((0, 0)) == ((0, 15), (0, 15))
    assert "from features.1.0.mystery() on nothing is vouched for: rfguide does not know rfguide_tests::mystery" in str(
        t
    )


def test_the_way_out_that_a_refusal_offers_works():
    model = Wrapped(Fn(lambda x: mystery(x)))
    with pytest.raises(TraceError) as caught:
        rfguide.trace(model, IMAGE)
    (name,) = re.findall(r'until="([^"]+)"', str(caught.value))
    assert list(rfguide.trace(model, IMAGE, until=name)) == ["features.0"]


UNITS = {
    "outside": ((8, 0), GeometryError, "unit=(8, 0) is outside pool#2, which has (8, 8) units"),
    "negative": ((0, -1), GeometryError, "unit=(0, -1) is outside pool#2, which has (8, 8) units"),
    "one number": (3, GeometryError, "unit=(3,) must be an index of 2 integers: pool#2 has (8, 8) units"),
    "three numbers": (
        (0, 0, 0),
        GeometryError,
        "unit=(0, 0, 0) must be an index of 2 integers: pool#2 has (8, 8) units",
    ),
    "a fraction": ((0.5, 0), TypeError, "unit=(0.5, 0) must be an index of 2 integers"),
    "text": ("ab", TypeError, "unit=('ab',) must be an index of 2 integers"),
    "truth": ((True, 0), TypeError, "unit=(True, 0) must be an index of 2 integers"),
    "nothing": (None, TypeError, "unit=(None,) must be an index of 2 integers"),
}


@pytest.mark.parametrize("case", UNITS)
def test_a_unit_is_refused_in_one_line(case):
    unit, error, message = UNITS[case]
    m = rfguide.trace(Net(), (1, 3, 32, 32)).output
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        m.visible(unit)


def test_an_input_that_is_not_followed():
    m = rfguide.trace(Net(), (1, 3, 32, 32)).output
    with pytest.raises(TraceError, match=r"^input='y' is not among the inputs that are followed: x$"):
        m.visible((0, 0), input="y")
