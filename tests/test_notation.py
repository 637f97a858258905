"""The short way to write a stack: what each word means, and what is no word."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfguide import GeometryError, Layer, receptive_fields
from rfguide.networks import NET, STACKS
from rfguide.notation import parse, written


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        pytest.param("conv3", [Layer(3, name="conv1")], id="a convolution"),
        pytest.param("pool2/2", [Layer(2, stride=2, name="pool1")], id="a pool says its stride"),
        pytest.param("conv3/2p1d2", [Layer(3, stride=2, padding=1, dilation=2, name="conv1")], id="everything"),
        pytest.param("conv3d2p1/2", [Layer(3, stride=2, padding=1, dilation=2, name="conv1")], id="in any order"),
        pytest.param("conv2p1:0", [Layer(2, padding=(1, 0), name="conv1")], id="causal padding"),
        pytest.param("conv11/4p2", [Layer(11, stride=4, padding=2, name="conv1")], id="AlexNet's first"),
        pytest.param("conv3*2", [Layer(3, name="conv1"), Layer(3, name="conv2")], id="repeated"),
        pytest.param(
            "  conv3   pool2/2\nconv1 ",
            [Layer(3, name="conv1"), Layer(2, stride=2, name="pool1"), Layer(1, name="conv2")],
            id="any space between words",
        ),
        pytest.param("conv3p1 pool2/2 conv3p1 pool2/2", NET, id="the article's Net"),
        pytest.param("conv3p1*17", STACKS["dncnn"].layers, id="DnCNN"),
    ],
)
def test_a_text_is_these_layers(text, layers):
    assert parse(text) == tuple(layers)


@pytest.mark.parametrize("name", STACKS)
def test_a_name_is_its_stack(name):
    assert parse(name) == STACKS[name].layers


@given(
    st.lists(
        st.builds(
            Layer,
            st.integers(1, 11),
            stride=st.integers(1, 4),
            padding=st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3)),
            dilation=st.integers(1, 9),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read_back(layers):
    def word(layer):
        pads = f"{layer.before}:{layer.after}"
        return f"conv{layer.kernel_size}/{layer.stride}p{pads}d{layer.dilation}"

    read = parse(" ".join(map(word, layers)))
    assert receptive_fields(read) == receptive_fields(layers)
    assert [(layer.before, layer.after) for layer in read] == [(layer.before, layer.after) for layer in layers]


WORDS = "conv3, pool2/2, conv7/2p3, conv3p2d2, conv2p1:0 or conv3p1*17"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"the stack has no layers; a layer is {WORDS}"),
        ("  ", f"the stack has no layers; a layer is {WORDS}"),
        ("vgg", f"'vgg' (word 1) is no layer; a layer is {WORDS}, and a whole stack net, lenet5, alexnet, …"),
        ("conv3 relu", f"'relu' (word 2) is no layer; a layer is {WORDS}"),
        ("conv3 vgg16", f"'vgg16' (word 2) is no layer; a layer is {WORDS}"),
        ("conv", f"'conv' (word 1) is no layer; a layer is {WORDS}, and a whole stack net, lenet5, alexnet, …"),
        ("conv3x3 conv3", f"'conv3x3' (word 1) is no layer; a layer is {WORDS}"),
        ("conv-3 conv3", f"'conv-3' (word 1) is no layer; a layer is {WORDS}"),
        ("conv3s2 conv3", f"'conv3s2' (word 1) is no layer; a layer is {WORDS}"),
        ("pool2", "'pool2' (word 1) needs its stride: pool2/2 steps by its kernel, as in torch"),
        ("conv3 pool3p1", "'pool3p1' (word 2) needs its stride: pool3p1/3 steps by its kernel, as in torch"),
        ("conv0", "'conv0' (word 1): kernel_size=0 must be at least 1"),
        ("conv3/0", "'conv3/0' (word 1): stride=0 must be at least 1"),
        ("conv3d0", "'conv3d0' (word 1): dilation=0 must be at least 1"),
        ("conv3/2/2", "'conv3/2/2' gives its stride twice"),
        ("conv3p1p2", "'conv3p1p2' gives its padding twice"),
        ("conv3/2:1", f"'conv3/2:1': /2:1 is no stride; {WORDS} are layers"),
        ("conv3p1:2:3", f"'conv3p1:2:3': p1:2:3 is no padding; {WORDS} are layers"),
        ("conv3p:1", f"'conv3p:1': p:1 is no padding; {WORDS} are layers"),
        ("conv3*0", "'conv3*0' (word 1) is repeated 0 times; it must be at least once"),
    ],
)
def test_what_is_no_stack_is_refused(text, message):
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        parse(text)


def test_the_stride_offered_for_a_pool_works():
    assert parse("pool2/2") == (Layer(2, stride=2, name="pool1"),)
    assert parse("pool3p1/3") == (Layer(3, stride=3, padding=1, name="pool1"),)


def test_every_layer_offered_is_one():
    for word in re.split(r", | or ", WORDS):
        assert parse(word)


def test_a_stack_is_a_text():
    with pytest.raises(TypeError, match=r"^stack=3 must be a text such as 'conv3 pool2/2', not int$"):
        parse(3)


@given(
    st.lists(
        st.builds(
            Layer,
            st.integers(1, 9),
            stride=st.integers(1, 4),
            padding=st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3)),
            dilation=st.integers(1, 4),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read_as_the_same_layers(layers):
    assert [replace(layer, name="") for layer in parse(written(layers))] == layers
