"""Each wrong number is refused in one whole line that names the argument, the rule and what would fit."""

import re

import numpy as np
import pytest
import torch

from rfguide import GeometryError
from rfguide.errors import LARGEST, at_least, pair, whole


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(3, 3, id="int"),
        pytest.param(np.int32(3), 3, id="numpy"),
        pytest.param(torch.tensor(3), 3, id="torch"),
        pytest.param(-LARGEST, -LARGEST, id="smallest"),
    ],
)
def test_integers_of_any_library_become_ints_of_python(value, expected):
    (number,) = whole(unit=value)
    assert number == expected
    assert type(number) is int


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(1.0, "stride=1.0 must be an integer, not float", id="float"),
        pytest.param(float("nan"), "stride=nan must be an integer, not float", id="nan"),
        pytest.param(True, "stride=True must be an integer, not bool", id="bool"),
        pytest.param(np.True_, "stride=np.True_ must be an integer, not bool", id="numpy bool"),
        pytest.param(torch.tensor(True), "stride=tensor(True) must be an integer, not Tensor", id="torch bool"),
        pytest.param("2", "stride='2' must be an integer, not str", id="string"),
        pytest.param(None, "stride=None must be an integer, not NoneType", id="None"),
        pytest.param((2, 2), "stride=(2, 2) must be an integer, not tuple", id="pair"),
        pytest.param(2 + 0j, "stride=(2+0j) must be an integer, not complex", id="complex"),
    ],
)
def test_a_wrong_type_is_a_type_error(value, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        at_least(1, stride=value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(0, "stride=0 must be at least 1", id="zero"),
        pytest.param(-3, "stride=-3 must be at least 1", id="negative"),
        pytest.param(2**63, "stride has 64 bits; torch's sizes end at 2**63 - 1", id="2**63"),
        pytest.param(-(2**63), "stride has 64 bits; torch's sizes end at 2**63 - 1", id="-2**63"),
        # Python raises ValueError when asked to print this one; the message must not try.
        pytest.param(10**5000, "stride has 16610 bits; torch's sizes end at 2**63 - 1", id="10**5000"),
    ],
)
def test_an_integer_out_of_range_is_a_geometry_error(value, message):
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        at_least(1, stride=value)


def test_the_first_wrong_number_is_the_one_named():
    with pytest.raises(GeometryError, match=r"^dilation=0 must be at least 1$"):
        at_least(1, stride=1, dilation=0, kernel_size=-1)


def test_a_geometry_error_is_a_value_error():
    assert issubclass(GeometryError, ValueError)


@pytest.mark.parametrize(
    ("value", "expected"), [(0, (0, 0)), (2, (2, 2)), ((0, 2), (0, 2)), ([1, 0], (1, 0)), (np.int64(1), (1, 1))]
)
def test_one_padding_or_two_make_a_pair(value, expected):
    assert pair(0, padding=value) == expected


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ((1,), GeometryError, "padding=(1,) has 1 numbers; it must be one integer or a pair (before, after)"),
        ((1, 2, 3), GeometryError, "padding=(1, 2, 3) has 3 numbers; it must be one integer or a pair (before, after)"),
        ((), GeometryError, "padding=() has 0 numbers; it must be one integer or a pair (before, after)"),
        (-1, GeometryError, "padding=-1 must be at least 0"),
        ((0, -1), GeometryError, "padding[1]=-1 must be at least 0"),
        ((0.5, 0), TypeError, "padding[0]=0.5 must be an integer, not float"),
        (None, TypeError, "padding=None must be an integer, not NoneType"),
        (
            "same",
            TypeError,
            "padding='same' must be an integer or a pair (before, after), not str; "
            "same_padding(kernel_size) gives the pair that keeps the size",
        ),
    ],
)
def test_a_padding_that_is_no_pair_is_refused(value, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        pair(0, padding=value)
