"""`Layer` holds exactly what one axis of a torch layer holds, and refuses what no layer can have."""

import copy
import dataclasses
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfguide import GeometryError, Layer, output_size, same_padding
from rfguide.layers import stack


@given(st.integers(1, 9), st.integers(1, 9))
def test_the_extent_runs_from_the_first_cell_read_to_the_last(kernel_size, dilation):
    cells = [tap * dilation for tap in range(kernel_size)]
    assert Layer(kernel_size, dilation=dilation).extent == cells[-1] - cells[0] + 1


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        pytest.param(Layer(3), "Layer(kernel_size=3, stride=1, padding=0, dilation=1, name='')", id="torch's defaults"),
        pytest.param(
            Layer(4, stride=2, padding=(1, 2), dilation=3, name="same"),
            "Layer(kernel_size=4, stride=2, padding=(1, 2), dilation=3, name='same')",
            id="everything set",
        ),
        pytest.param(
            Layer(np.int64(3), padding=[np.int64(1), 1]),
            "Layer(kernel_size=3, stride=1, padding=1, dilation=1, name='')",
            id="numpy integers and an even pair",
        ),
    ],
)
def test_the_repr_builds_the_layer_again(layer, expected):
    assert repr(layer) == expected
    assert eval(expected, {"Layer": Layer}) == layer


def test_both_ends_of_the_padding_can_be_read():
    assert (Layer(3, padding=1).before, Layer(3, padding=1).after) == (1, 1)
    assert (Layer(2, padding=(3, 0)).before, Layer(2, padding=(3, 0)).after) == (3, 0)


def test_an_equal_pair_is_the_same_layer_as_the_integer():
    assert Layer(3, padding=(1, 1)) == Layer(3, padding=1)
    assert len({Layer(3, padding=(1, 1)), Layer(3, padding=[1, 1]), Layer(3, padding=1)}) == 1


def test_numpy_integers_cannot_overflow():
    layer = Layer(np.int64(2**40), dilation=np.int64(2**40))
    assert layer.extent == 2**80 - 2**40 + 1


def test_a_layer_cannot_be_changed_but_can_be_copied_and_pickled():
    layer = Layer(3, padding=(0, 1), name="conv1")
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"^cannot assign to field 'stride'$"):
        layer.stride = 2
    assert copy.deepcopy(layer) == pickle.loads(pickle.dumps(layer)) == layer
    assert dataclasses.replace(layer, stride=2) == Layer(3, stride=2, padding=(0, 1), name="conv1")


def test_only_the_kernel_size_is_positional():
    with pytest.raises(TypeError, match="positional argument"):
        Layer(3, 2)


@pytest.mark.parametrize("argument", ["kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(
    ("value", "error", "rule"),
    [
        pytest.param(0, GeometryError, "=0 must be at least 1", id="zero"),
        pytest.param(-1, GeometryError, "=-1 must be at least 1", id="negative"),
        pytest.param(2**63, GeometryError, " has 64 bits; torch's sizes end at 2**63 - 1", id="huge"),
        pytest.param(3.0, TypeError, "=3.0 must be an integer, not float", id="float"),
        pytest.param(True, TypeError, "=True must be an integer, not bool", id="bool"),
        pytest.param("3", TypeError, "='3' must be an integer, not str", id="string"),
        pytest.param(None, TypeError, "=None must be an integer, not NoneType", id="None"),
        pytest.param((3, 3), TypeError, "=(3, 3) must be an integer, not tuple", id="two axes"),
    ],
)
def test_bad_numbers_are_refused(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        Layer(**{"kernel_size": 3, argument: value})


def test_bad_padding_and_names_are_refused_and_the_fix_offered_works():
    message = (
        "padding='same' must be an integer or a pair (before, after), not str; "
        "same_padding(kernel_size) gives the pair that keeps the size"
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        Layer(4, padding="same")
    layer = Layer(4, padding=same_padding(4))
    assert output_size(10, layer.kernel_size, padding=layer.padding) == 10
    with pytest.raises(TypeError, match=r"^name=3 must be a string, not int$"):
        Layer(3, name=3)


def test_a_stack_is_any_series_of_layers_and_nothing_else():
    layers = (Layer(3), Layer(2, stride=2))
    assert stack(layers) == stack(list(layers)) == stack(iter(layers)) == layers
    assert stack([]) == ()
    with pytest.raises(TypeError, match=r"^layers\[1\]=\(3, 1\) must be a Layer, not tuple$"):
        stack([Layer(3), (3, 1)])
    with pytest.raises(TypeError, match=r"^layers=3 must be a sequence of Layer, not int$"):
        stack(3)
