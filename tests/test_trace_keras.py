"""Models of Keras 3 on its torch backend, unchanged: channels last, maps by the names of layers, numbers as NaN shows.

One pass with NaN in all rows up to one spoils the units whose first cell is at or before it, and no others; one
with NaN in all columns from one on, those whose last cell is at or after it: every unit of every map in two passes.
"""

import math
import os

os.environ["KERAS_BACKEND"] = "torch"  # read when Keras is first imported

import keras
import numpy as np
import pytest
import torch

import rfguide
from rfguide import probe
from rfguide.probe.feed import feed, untouched
from rfguide.probe.watch import OUTPUT, run

# The names of two layers, as Keras prints them; the size of the input.
MODELS = {
    "VGG16": (("block3_conv1", "block5_pool"), 32),
    "ResNet50": (("conv1_bn", "conv3_block2_3_conv"), 64),
    "MobileNetV2": (("Conv1", "block_5_add"), 64),
    "EfficientNetB0": (("stem_conv", "block4a_dwconv"), 64),
    "DenseNet121": (("conv1_conv", "pool3_pool"), 64),
    "InceptionV3": (("mixed0", "mixed10"), 75),
    "Xception": (("block1_conv1", "block14_sepconv2"), 71),
    "ConvNeXtTiny": (("convnext_tiny_stem", "convnext_tiny_stage_1_block_2_depthwise_conv"), 64),
}


def application(name):
    return getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(None, None, 3))


def spoilt(model, shape, axis, cells):
    """Return which elements of each map are NaN when some cells of the input are."""
    x = torch.ones(shape)
    x.transpose(0, axis)[cells] = math.nan
    maps = {}
    with untouched(model), torch.no_grad():
        fed = feed(model, x, None, 0)
        run(model, fed, lambda name, tensor: maps.update({name: tensor.isnan()}))
    return maps


def sides(m, axis):
    """Return the first and the last cell of every unit of a map along an axis."""
    seen = [m.visible(unit)[axis - 1] or (math.inf, -math.inf) for unit in np.ndindex(*m.units)]
    return [np.array(side).reshape(m.units) for side in zip(*seen, strict=True)]


@pytest.mark.parametrize("name", MODELS)
def test_every_unit_of_every_layer_sees_what_nan_shows(name):
    layers, size = MODELS[name]
    model, shape = application(name), (1, size, size, 3)
    t = rfguide.trace(model, shape)
    assert [(a.dim, a.size) for a in t.axes] == [(1, size), (2, size)]
    assert [layer for layer in layers if layer in t] == list(layers)
    assert {layer.name for layer in model.layers} - set(t) <= {model.layers[0].name}  # the input is no call
    rows = spoilt(model, shape, 1, slice(0, size // 3))
    columns = spoilt(model, shape, 2, slice(size // 2, None))
    compared = 0
    for key, m in t.items():
        others = tuple(d for d in range(len(m.shape)) if d not in m.unit_dims)
        first, _ = sides(m, 1)
        _, last = sides(m, 2)
        assert np.array_equal(rows[key].numpy().any(axis=others), first < size // 3), key
        assert np.array_equal(columns[key].numpy().any(axis=others), last >= size // 2), key
        compared += first.size
    assert compared > 100
    assert set(rows) - {OUTPUT} == set(t)


def test_a_probe_and_a_trace_agree_on_a_layer_by_its_name():
    model = application("MobileNetV2")
    shape = (1, 48, 48, 3)
    m = rfguide.trace(model, shape)["block_1_project"]
    assert (m.shape, m.units) == ((1, 12, 12, 24), (12, 12))
    assert m.visible((1, 11)) == probe.nan(model, shape, (1, 11), layer="block_1_project")


def test_layers_inside_a_model_inside_a_model_are_named_by_both():
    inner = keras.Sequential([keras.layers.Conv1D(2, 3, name="conv"), keras.layers.ReLU(name="relu")], name="block")
    model = keras.Sequential([keras.Input((16, 1)), inner, keras.layers.MaxPooling1D(2, name="pool")])
    t = rfguide.trace(model, (1, 16, 1))
    assert list(t) == ["block.conv", "block.relu", "block", "pool"]
    assert (t["pool"].size, t["pool"].visible(0)) == ((4,), ((0, 3),))
    assert t["block.conv"].params == 8


def test_channels_first_is_read_as_it_says():
    model = keras.Sequential([keras.Input((3, 16, 16)), keras.layers.Conv2D(4, 3, data_format="channels_first")])
    out = rfguide.trace(model, (1, 3, 16, 16)).output
    assert (out.shape, out.units, out.visible((0, 13))) == ((1, 4, 14, 14), (14, 14), ((0, 2), (13, 15)))


class HandMade(torch.nn.Module):
    """A module of torch that says the same as Keras does."""

    data_format = "channels_last"

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)


def test_any_module_may_say_that_channels_come_last():
    out = rfguide.trace(HandMade(), (1, 8, 8, 3)).output
    assert (out.units, out.visible((5, 0))) == ((6, 6), ((5, 7), (0, 2)))
