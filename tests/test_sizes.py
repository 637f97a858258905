"""Sizes of maps against pencil and paper, against counting, against torch's own output, and by their laws."""

import re

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from rfguide import (
    GeometryError,
    Layer,
    adaptive_windows,
    input_sizes,
    output_size,
    output_sizes,
    same_padding,
    transposed_output_size,
)

SIZES = st.integers(1, 40)
KERNELS = st.integers(1, 7)
STRIDES = st.integers(1, 5)
DILATIONS = st.integers(1, 4)
PADDINGS = st.integers(0, 6)
PAIRS = PADDINGS | st.tuples(PADDINGS, PADDINGS)
BAD = [
    pytest.param(0, GeometryError, "=0 must be at least 1", id="zero"),
    pytest.param(-5, GeometryError, "=-5 must be at least 1", id="negative"),
    pytest.param(2**63, GeometryError, " has 64 bits; torch's sizes end at 2**63 - 1", id="huge"),
    pytest.param(3.0, TypeError, "=3.0 must be an integer, not float", id="float"),
    pytest.param(True, TypeError, "=True must be an integer, not bool", id="bool"),
    pytest.param("3", TypeError, "='3' must be an integer, not str", id="string"),
    pytest.param(None, TypeError, "=None must be an integer, not NoneType", id="None"),
]


# output_size


def count_places(n: int, k: int, *, stride: int, before: int, after: int, dilation: int) -> int:
    """Slide the kernel along the padded axis: the definition, not the formula."""
    axis = range(-before, n + after)
    return sum(start + dilation * (k - 1) in axis for start in axis[::stride])


@pytest.mark.parametrize(
    ("n", "k", "options", "expected"),
    [
        pytest.param(5, 3, {}, 3, id="by hand"),
        pytest.param(6, 3, {"stride": 2}, 2, id="last cell unused"),
        pytest.param(5, 2, {"stride": 2}, 2, id="pool on an odd map (C40)"),
        pytest.param(10, 3, {"stride": 2}, 4, id="4.5 is rounded down (C31)"),
        pytest.param(224, 3, {"padding": 1}, 224, id="article's 224 example (C55)"),
        pytest.param(224, 7, {"stride": 2, "padding": 3}, 112, id="ResNet stem"),
        pytest.param(224, 11, {"stride": 4, "padding": 2}, 55, id="AlexNet, 55.25"),
        pytest.param(112, 3, {"stride": 2}, 55, id="floor (Q22)"),
        pytest.param(112, 3, {"stride": 2, "ceil_mode": True}, 56, id="ceil (Q22)"),
        pytest.param(16, 1, {"stride": 2, "padding": 0, "ceil_mode": True}, 8, id="ceil drops a window past the end"),
        pytest.param(16_000, 400, {"stride": 320}, 49, id="wav2vec 2.0 as one window"),
        pytest.param(400, 400, {"stride": 320}, 1, id="exactly one frame"),
        pytest.param(224, 4, {"padding": (1, 2)}, 224, id="same padding of an even kernel"),
    ],
)
def test_worked_examples(n, k, options, expected):
    assert output_size(n, k, **options) == expected


@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 1), (2, 0), (0, 3)])
def test_the_largest_sizes_torch_knows_are_exact(before, after):
    n = 2**63 - 1
    assert output_size(n, 3, padding=(before, after)) == n + before + after - 2


@given(SIZES, KERNELS, STRIDES, PADDINGS, PADDINGS, DILATIONS)
def test_the_formula_counts_the_places(n, k, stride, before, after, dilation):
    assume(places := count_places(n, k, stride=stride, before=before, after=after, dilation=dilation))
    assert output_size(n, k, stride=stride, padding=(before, after), dilation=dilation) == places


@given(st.integers(2, 7), STRIDES, DILATIONS, st.data())
def test_no_places_is_an_error_whose_fix_works(k, stride, dilation, data):
    extent = dilation * (k - 1) + 1
    n = data.draw(st.integers(1, extent - 1))
    before = data.draw(st.integers(0, extent - 1 - n))
    after = data.draw(st.integers(0, extent - 1 - n - before))
    options = {"stride": stride, "dilation": dilation}
    assert count_places(n, k, before=before, after=after, **options) == 0
    with pytest.raises(GeometryError) as caught:
        output_size(n, k, padding=(before, after), **options)
    (offered,) = re.findall(r"\(padding=(\d+) would fit\)$", str(caught.value))
    assert output_size(n, k, padding=int(offered), **options) == count_places(
        n, k, before=int(offered), after=int(offered), **options
    )


def axes(**ranges: st.SearchStrategy) -> st.SearchStrategy:
    """One to three axes of a layer, each number drawn for each axis on its own."""
    one = st.fixed_dictionaries(ranges)
    return st.lists(one, min_size=1, max_size=3)


def pools(**ranges: st.SearchStrategy) -> st.SearchStrategy:
    """The same for a pooling, whose padding torch limits to half the kernel."""

    def with_padding(numbers: list[dict[str, int]]) -> st.SearchStrategy:
        halves = [st.integers(0, axis["kernel_size"] // 2) for axis in numbers]
        return st.tuples(*halves).map(
            lambda paddings: [axis | {"padding": p} for axis, p in zip(numbers, paddings, strict=True)]
        )

    return axes(**ranges).flatmap(with_padding)


def column(axes: list[dict[str, int]], name: str) -> tuple[int, ...]:
    return tuple(axis[name] for axis in axes)


def shape_or_refusal(function, *arguments, **options):
    """What torch returns, or None where it refuses."""
    try:
        return tuple(function(*arguments, **options).shape[2:])
    except RuntimeError:
        return None


def sizes_or_refusal(function, axes, **options):
    try:
        return tuple(function(**axis, **options) for axis in axes)
    except GeometryError:
        return None


@settings(max_examples=300)
@given(
    axes(
        input_size=st.integers(1, 9),
        kernel_size=st.integers(1, 4),
        stride=st.integers(1, 3),
        dilation=st.integers(1, 3),
        padding=st.integers(0, 3),
    )
)
def test_torch_convolutions_have_these_sizes_and_refuse_what_we_refuse(axes):
    convolution = (F.conv1d, F.conv2d, F.conv3d)[len(axes) - 1]
    options = {name: column(axes, name) for name in ("stride", "padding", "dilation")}
    image = torch.zeros(1, 1, *column(axes, "input_size"))
    weight = torch.zeros(1, 1, *column(axes, "kernel_size"))
    assert sizes_or_refusal(output_size, axes) == shape_or_refusal(convolution, image, weight, **options)


@settings(max_examples=400)
@given(
    pools(
        input_size=st.integers(1, 9),
        kernel_size=st.integers(1, 5),
        stride=st.integers(1, 6),
        dilation=st.integers(1, 3),
    ),
    st.booleans(),
)
def test_torch_max_pooling_has_these_sizes_and_refuses_what_we_refuse(axes, ceil_mode):
    pooling = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[len(axes) - 1]
    options = {name: column(axes, name) for name in ("kernel_size", "stride", "padding", "dilation")}
    shape = shape_or_refusal(pooling, torch.zeros(1, 1, *column(axes, "input_size")), ceil_mode=ceil_mode, **options)
    assert sizes_or_refusal(output_size, axes, ceil_mode=ceil_mode) == shape


@settings(max_examples=300)
@given(pools(input_size=st.integers(1, 9), kernel_size=st.integers(1, 5), stride=st.integers(1, 6)), st.booleans())
def test_torch_average_pooling_has_these_sizes(axes, ceil_mode):
    pooling = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[len(axes) - 1]
    options = {name: column(axes, name) for name in ("kernel_size", "stride", "padding")}
    shape = shape_or_refusal(pooling, torch.zeros(1, 1, *column(axes, "input_size")), ceil_mode=ceil_mode, **options)
    # avg_pool3d also refuses a kernel wider than the image before padding, which no other pooling does.
    wider = len(axes) == 3 and any(axis["kernel_size"] > axis["input_size"] for axis in axes)
    assert sizes_or_refusal(output_size, axes, ceil_mode=ceil_mode) == shape or (wider and shape is None)


def test_torch_documents_17_for_the_ceil_edge_case_but_makes_16():
    # The shape formula on the pages of torch's poolings, taken by its word, rounds up to 17 (Q22).
    pool = torch.nn.MaxPool1d(1, stride=2, ceil_mode=True)
    n = 32
    by_its_word = -(-(n - 1) // 2) + 1
    assert by_its_word == 17
    assert output_size(n, 1, stride=2, ceil_mode=True) == pool(torch.zeros(1, 1, n)).shape[-1] == 16


@given(SIZES, KERNELS, STRIDES, DILATIONS, st.data())
def test_ceil_mode_adds_at_most_one_window_and_only_when_cells_are_left(n, k, stride, dilation, data):
    padding = data.draw(st.integers(0, k // 2))
    room = n + 2 * padding - dilation * (k - 1) - 1
    assume(room >= 0)
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    more = output_size(n, k, ceil_mode=True, **options) - output_size(n, k, **options)
    assert more in ({0, 1} if room % stride else {0})


def test_ceil_mode_refuses_the_padding_that_torchs_poolings_refuse():
    message = (
        "padding=2 must be at most half of kernel_size=3 with ceil_mode, as in torch's poolings (padding=1 would fit)"
    )
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        output_size(9, 3, padding=2, ceil_mode=True)
    assert output_size(9, 3, padding=1, ceil_mode=True) == 9


@given(SIZES, KERNELS, PAIRS, DILATIONS)
def test_stride_1_then_keeping_every_s_th_place_is_stride_s(n, k, padding, dilation):
    try:
        places = output_size(n, k, padding=padding, dilation=dilation)
    except GeometryError:
        return
    for stride in range(1, 6):
        assert output_size(n, k, stride=stride, padding=padding, dilation=dilation) == len(range(0, places, stride))


def test_a_kernel_wider_than_the_axis_is_refused_with_the_padding_that_fits():
    message = "kernel_size=5, dilation=1 spans 5 cells; input_size=2, padding=1 has 4 (padding=2 would fit)"
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        output_size(2, 5, padding=1)
    assert output_size(2, 5, padding=2) == 2


@pytest.mark.parametrize("argument", ["input_size", "kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(("value", "error", "rule"), BAD)
def test_output_size_refuses_bad_numbers(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        output_size(**{"input_size": 9, "kernel_size": 3, argument: value})


@pytest.mark.parametrize(
    ("padding", "error", "message"),
    [
        (-1, GeometryError, "padding=-1 must be at least 0"),
        ((1, 2, 3), GeometryError, "padding=(1, 2, 3) has 3 numbers; it must be one integer or a pair (before, after)"),
        ((1, 1.5), TypeError, "padding[1]=1.5 must be an integer, not float"),
        (2**64, GeometryError, "padding has 65 bits; torch's sizes end at 2**63 - 1"),
    ],
)
def test_output_size_refuses_bad_padding(padding, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        output_size(9, 3, padding=padding)


def test_ceil_mode_is_a_truth_value_because_the_string_false_is_true():
    with pytest.raises(TypeError, match=r"^ceil_mode='False' must be True or False, not str$"):
        output_size(9, 3, ceil_mode="False")


# transposed_output_size


@pytest.mark.parametrize(
    ("n", "k", "options", "expected"),
    [
        pytest.param(16, 3, {"stride": 2, "padding": 1}, 31, id="back to the smaller size (Q24)"),
        pytest.param(16, 3, {"stride": 2, "padding": 1, "output_padding": 1}, 32, id="back to the larger (Q24)"),
        pytest.param(28, 2, {"stride": 2}, 56, id="U-Net's up-convolution"),
        pytest.param(4, 4, {"stride": 2, "padding": 1}, 8, id="DCGAN generator"),
        pytest.param(1, 4, {}, 4, id="DCGAN's first layer"),
    ],
)
def test_worked_transposed_sizes(n, k, options, expected):
    assert transposed_output_size(n, k, **options) == expected


@given(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS)
def test_a_transposed_convolution_writes_the_cells_from_the_first_to_the_last(n, k, stride, padding, dilation):
    written = {i * stride + tap * dilation for i in range(n) for tap in range(k)}
    kept = range(padding, max(written) + 1 - padding)
    if len(kept):
        assert transposed_output_size(n, k, stride=stride, padding=padding, dilation=dilation) == len(kept)
    else:
        with pytest.raises(GeometryError) as caught:
            transposed_output_size(n, k, stride=stride, padding=padding, dilation=dilation)
        (offered,) = re.findall(r"\(padding=(\d+) would fit\)$", str(caught.value))
        fitting = int(offered)
        assert transposed_output_size(n, k, stride=stride, padding=fitting, dilation=dilation) >= 1


@settings(max_examples=300)
@given(
    axes(
        input_size=st.integers(1, 6),
        kernel_size=st.integers(1, 4),
        stride=st.integers(1, 3),
        dilation=st.integers(1, 3),
        padding=st.integers(0, 3),
        output_padding=st.integers(0, 2),
    )
)
def test_torch_transposed_convolutions_have_these_sizes_and_refuse_what_we_refuse(axes):
    convolution = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[len(axes) - 1]
    options = {name: column(axes, name) for name in ("stride", "padding", "output_padding", "dilation")}
    image = torch.zeros(1, 1, *column(axes, "input_size"))
    weight = torch.zeros(1, 1, *column(axes, "kernel_size"))
    shape = shape_or_refusal(convolution, image, weight, **options)
    # torch lets one axis of a map be empty; rfguide does not.
    assert sizes_or_refusal(transposed_output_size, axes) == (None if shape and 0 in shape else shape)


@given(SIZES, KERNELS, STRIDES, PADDINGS, DILATIONS)
def test_output_padding_chooses_among_the_sizes_that_a_convolution_cannot_tell_apart(n, k, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    try:
        small = transposed_output_size(n, k, **options)
    except GeometryError:
        return
    back = [transposed_output_size(n, k, output_padding=extra, **options) for extra in range(stride)]
    assert back == list(range(small, small + stride)) == list(input_sizes(n, k, **options))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_padding": 1}, "output_padding=1 must be less than stride=1 or dilation=1 (at most 0 would fit)"),
        (
            {"output_padding": 3, "stride": 2, "dilation": 3},
            "output_padding=3 must be less than stride=2 or dilation=3 (at most 2 would fit)",
        ),
        ({"padding": 3}, "padding=3 takes off 6 cells of 6 (padding=2 would fit)"),
    ],
)
def test_transposed_output_size_refuses_what_torch_refuses(options, message):
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        transposed_output_size(4, 3, **options)
    fixed = {"output_padding": options.get("output_padding", 0) - 1} if "output_padding" in options else {"padding": 2}
    assert transposed_output_size(4, 3, **{**options, **fixed}) >= 1


@pytest.mark.parametrize("argument", ["input_size", "kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(("value", "error", "rule"), BAD)
def test_transposed_output_size_refuses_bad_numbers(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        transposed_output_size(**{"input_size": 9, "kernel_size": 3, argument: value})


@pytest.mark.parametrize("argument", ["padding", "output_padding"])
def test_transposed_output_size_refuses_negative_and_paired_padding(argument):
    with pytest.raises(GeometryError, match=f"^{argument}=-1 must be at least 0$"):
        transposed_output_size(9, 3, **{argument: -1})
    with pytest.raises(TypeError, match=rf"^{argument}=\(1, 1\) must be an integer, not tuple$"):
        transposed_output_size(9, 3, **{argument: (1, 1)})


# same_padding, input_sizes, output_sizes, adaptive_windows


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")  # that it copies is no news
@pytest.mark.parametrize("axes", [1, 2, 3])
@given(n=st.integers(1, 9), k=KERNELS, d=DILATIONS)
@settings(max_examples=60)
def test_same_padding_is_where_torch_puts_it(axes, n, k, d):
    """An impulse shows on which side torch pads more: compare values, not only shapes."""
    before, after = same_padding(k, dilation=d)
    axis = torch.arange(1.0, n + 1).reshape(1, 1, -1, *[1] * (axes - 1))
    weight = torch.rand(1, 1, k, *[1] * (axes - 1))
    convolution = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]
    ours = convolution(F.pad(axis, (*[0, 0] * (axes - 1), before, after)), weight, dilation=(d, *[1] * (axes - 1)))
    theirs = convolution(axis, weight, padding="same", dilation=(d, *[1] * (axes - 1)))
    torch.testing.assert_close(ours, theirs)
    assert output_size(n, k, padding=(before, after), dilation=d) == n == theirs.shape[2]


@pytest.mark.parametrize("argument", ["kernel_size", "dilation"])
@pytest.mark.parametrize(("value", "error", "rule"), BAD)
def test_same_padding_refuses_bad_numbers(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        same_padding(**{"kernel_size": 3, argument: value})


@given(st.integers(1, 20), KERNELS, STRIDES, PAIRS, DILATIONS)
def test_input_sizes_are_all_sizes_that_give_the_output(m, k, stride, padding, dilation):
    options = {"stride": stride, "padding": padding, "dilation": dilation}

    def gives(n):
        try:
            return output_size(n, k, **options)
        except GeometryError:
            return 0

    searched = [n for n in range(1, 150) if gives(n) == m]
    if searched:
        assert list(input_sizes(m, k, **options)) == searched
    else:
        message = f"output_size={m} is too small for {padding=}: one input cell already gives {gives(1)}"
        with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
            input_sizes(m, k, **options)


@pytest.mark.parametrize("argument", ["output_size", "kernel_size", "stride", "dilation"])
@pytest.mark.parametrize(("value", "error", "rule"), BAD)
def test_input_sizes_refuses_bad_numbers(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        input_sizes(**{"output_size": 9, "kernel_size": 3, argument: value})


@given(st.integers(20, 60), st.lists(st.builds(Layer, st.integers(1, 3), stride=st.integers(1, 2), padding=PAIRS)))
def test_sizes_along_a_stack_are_sizes_one_by_one(n, layers):
    by_hand, size = [], n
    for layer in layers:
        try:
            size = output_size(size, layer.kernel_size, stride=layer.stride, padding=layer.padding)
        except GeometryError as error:
            message = f"layer {len(by_hand)}: {error}"
            with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
                output_sizes(n, layers)
            return
        by_hand.append(size)
    assert output_sizes(n, layers) == tuple(by_hand)


def test_a_layer_that_does_not_fit_is_named():
    layers = [Layer(3, name="conv1"), Layer(7, name="conv2")]
    message = (
        "layer conv2: kernel_size=7, dilation=1 spans 7 cells; input_size=3, padding=0 has 3 (padding=2 would fit)"
    )
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        output_sizes(5, layers)
    assert output_sizes(5, [layers[0], Layer(7, padding=2)]) == (3, 1)


def test_a_stack_of_something_else_is_refused():
    with pytest.raises(TypeError, match=r"^layers\[0\]=3 must be a Layer, not int$"):
        output_sizes(32, [3])
    with pytest.raises(TypeError, match=r"^input_size='32' must be an integer, not str$"):
        output_sizes("32", [])


@pytest.mark.parametrize(
    ("n", "m", "windows"),
    [
        pytest.param(10, 7, ((0, 1), (1, 2), (2, 4), (4, 5), (5, 7), (7, 8), (8, 9)), id="by hand"),
        pytest.param(7, 7, tuple((i, i) for i in range(7)), id="ResNet at 224: nothing to do"),
        pytest.param(8, 1, ((0, 7),), id="global pooling"),
        pytest.param(2, 4, ((0, 0), (0, 0), (1, 1), (1, 1)), id="more out than in: cells repeat"),
    ],
)
def test_worked_adaptive_windows(n, m, windows):
    assert adaptive_windows(n, m) == windows


@pytest.mark.parametrize("axes", [1, 2, 3])
@given(n=st.integers(1, 12), m=st.integers(1, 12))
@settings(max_examples=60)
def test_adaptive_windows_are_the_cells_torch_averages(axes, n, m):
    """Average the identity: row i of the result is 1 / length on the window of output i, 0 elsewhere."""
    pooling = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)[axes - 1]
    cells = torch.eye(n, dtype=torch.float64).reshape(n, 1, n, *[1] * (axes - 1))
    means = pooling(cells, (m, *[1] * (axes - 1)) if axes > 1 else m).reshape(n, m).T
    for (first, last), row in zip(adaptive_windows(n, m), means, strict=True):
        expected = torch.zeros(n, dtype=torch.float64)
        expected[first : last + 1] = 1 / (last + 1 - first)
        torch.testing.assert_close(row, expected)


@pytest.mark.parametrize("argument", ["input_size", "output_size"])
@pytest.mark.parametrize(("value", "error", "rule"), BAD)
def test_adaptive_windows_refuses_bad_numbers(argument, value, error, rule):
    with pytest.raises(error, match=f"^{re.escape(argument + rule)}$"):
        adaptive_windows(**{"input_size": 9, "output_size": 3, argument: value})
