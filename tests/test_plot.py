"""Each picture, drawn on an Axes that is not the current one and read back, against the library and by counting."""

import re
from collections import namedtuple
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rfguide
from rfguide import GeometryError, Layer, ReceptiveField, input_cells, output_size, output_sizes, plot, receptive_fields
from rfguide.networks import NET
from rfguide.plot import drawn

Call = namedtuple("Call", "name op shape sources is_move", defaults=[False])
LAYERS = st.builds(
    Layer, st.integers(1, 3), stride=st.integers(1, 2), padding=st.integers(0, 2), dilation=st.integers(1, 2)
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    """An Axes that `plt.gca()` does not return."""
    _, mine = plt.subplots()
    plt.subplots()
    return mine


def axis_of(places):
    return [x for x, _ in places]


DRAW = {
    "plot_places": lambda ax: plot.plot_places(6, 3, stride=2, ax=ax),
    "plot_stack": lambda ax: plot.plot_stack(NET, 16, ax=ax),
    "plot_overlap": lambda ax: plot.plot_overlap(NET, ax=ax),
    "plot_paths": lambda ax: plot.plot_paths({"conv": [Layer(3)]}, ax=ax),
    "plot_region": lambda ax: plot.plot_region({"conv1": ((0, 2), (0, 2))}, 8, ax=ax),
    "plot_field": lambda ax: plot.plot_field(NET, 4, 32, ax=ax),
    "plot_holes": lambda ax: plot.plot_holes([Layer(3, dilation=2)], ax=ax),
    "plot_gradient": lambda ax: plot.plot_gradient([[1.0]], ax=ax),
    "plot_maps": lambda ax: plot.plot_maps([[[1.0]]], ax=ax),
    "plot_window": lambda ax: plot.plot_window([[[1]]], [[[1]]], ax=ax),
    "plot_structure": lambda ax: plot.plot_structure([Call("conv1", "Conv2d", (1, 1, 8, 8), ["input"])], ax=ax),
    "plot_growth": lambda ax: plot.plot_growth(NET, ax=ax),
    "plot_visible": lambda ax: plot.plot_visible(NET, 32, ax=ax),
}


def test_every_plot_function_is_tried():
    assert set(DRAW) == {name for name in plot.__all__ if name.startswith("plot_")}


@pytest.mark.parametrize("name", DRAW)
def test_it_draws_on_the_axes_it_is_given_and_on_no_other(name, ax):
    other = plt.gca()
    figures = plt.get_fignums()
    assert DRAW[name](ax) is ax
    assert ax.has_data() or ax.collections or ax.patches
    assert not other.has_data()
    assert not other.texts
    assert plt.get_fignums() == figures


@pytest.mark.parametrize("name", DRAW)
def test_its_first_line_says_what_it_draws(name):
    assert re.match("Draw ", getattr(plot, name).__doc__)


def test_places_by_hand(ax):
    """Dumoulin and Visin's case of an input cell that is never read: 6 cells, kernel 3, stride 2."""
    plot.plot_places(6, 3, stride=2, ax=ax)
    assert axis_of(drawn(ax, "field")) == [0, 1, 2, 2, 3, 4]
    assert axis_of(drawn(ax, "unused")) == [5]
    assert axis_of(drawn(ax, "misfit")) == [4, 5, 6]


def test_places_hatch_the_padding_that_is_read_and_cross_out_the_rest(ax):
    plot.plot_places(4, 3, stride=2, padding=(1, 1), ax=ax)
    assert axis_of(drawn(ax, "padding")) == [-1]
    assert axis_of(drawn(ax, "unused")) == [4]


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
def test_places_are_as_many_as_the_output_has_units(n, k, s, p, d):
    try:
        places = output_size(n, k, stride=s, padding=p, dilation=d)
    except GeometryError:
        return
    ax = plot.plot_places(n, k, stride=s, padding=p, dilation=d)
    assert len(drawn(ax, "unit")) == places
    assert sorted(axis_of(drawn(ax, "field"))) == sorted(i * s - p + t * d for i in range(places) for t in range(k))
    shown = axis_of(drawn(ax, "input") + drawn(ax, "padding") + drawn(ax, "unused"))
    assert sorted(shown) == list(range(-p, n + p))
    plt.close("all")


def test_a_stack_shows_the_cone_of_the_article_s_unit(ax):
    plot.plot_stack(NET, 32, 4, ax=ax)
    assert axis_of(drawn(ax, "used")) == list(range(13, 23))
    assert axis_of(drawn(ax, "unit")) == [17.5]  # 4·4 + 1.5, the middle of 13…22


def test_a_stack_connects_each_unit_with_its_window(ax):
    """Two 3-wide layers: unit 2 stands above pixel 4 and reads the units above pixels 3 to 5."""
    plot.plot_stack([Layer(3), Layer(3)], 9, 2, ax=ax)
    (connections,) = [c for c in ax.collections if c.get_label() == "connection"]
    ends = [(above, below) for (above, _), (below, _) in connections.get_segments()]
    first = [(unit, pixel) for unit in (3, 4, 5) for pixel in (unit - 1, unit, unit + 1)]
    assert ends == [*first, (4, 3), (4, 4), (4, 5)]


@settings(deadline=None, max_examples=30)
@given(st.lists(LAYERS, min_size=1, max_size=3), st.integers(4, 12), st.data())
def test_a_stack_uses_exactly_the_cells_of_the_unit(layers, n, data):
    try:
        units = output_sizes(n, layers)[-1]
    except GeometryError:
        return
    unit = data.draw(st.integers(0, units - 1))
    ax = plot.plot_stack(layers, n, unit)
    assert tuple(axis_of(drawn(ax, "used"))) == input_cells(layers, unit, input_size=n)
    assert axis_of(drawn(ax, "unit")) == [float(receptive_fields(layers)[-1].center(unit))]
    (region,) = [line for line in ax.lines if line.get_label() == "region"]
    first, last = receptive_fields(layers)[-1].region(unit)
    assert list(region.get_xdata()) == [first - 0.5, last + 0.5]
    plt.close("all")


def test_a_stack_has_no_such_unit():
    with pytest.raises(GeometryError, match=r"^unit=8 must be from 0 to 7: the last map has 8 units$"):
        plot.plot_stack(NET, 32, 8)


def test_routes_by_hand(ax):
    plot.plot_overlap([Layer(3), Layer(3)], ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [1, 2, 3, 2, 1]


def test_routes_of_dilated_layers_leave_holes_without_a_route(ax):
    plot.plot_overlap([Layer(3, dilation=2), Layer(2, dilation=2)], ax=ax)
    assert [bar.get_height() for bar in ax.patches] == [1, 0, 2, 0, 2, 0, 1]


@settings(deadline=None, max_examples=30)
@given(st.lists(LAYERS, min_size=1, max_size=3))
def test_routes_are_the_product_of_the_windows(layers):
    """Ones convolved with ones: each route picks one tap of each layer."""
    expected = np.ones(1)
    for field, layer in zip((ReceptiveField(), *receptive_fields(layers)), layers, strict=False):
        taps = np.zeros((layer.kernel_size - 1) * layer.dilation * field.stride + 1)
        taps[:: layer.dilation * field.stride] = 1
        expected = np.convolve(expected, taps)
    ax = plot.plot_overlap(layers)
    assert [bar.get_height() for bar in ax.patches] == expected.tolist()
    plt.close("all")


def test_paths_of_different_middle(ax):
    """A 3/2 convolution with padding 1 beside a 2/2 pooling: centres 10 and 10.5 at unit 5."""
    plot.plot_paths({"conv": [Layer(3, stride=2, padding=1)], "pool": [Layer(2, stride=2)]}, unit=5, ax=ax)
    assert {line.get_label(): line.get_xdata()[0] for line in ax.lines} == {"center conv": 10, "center pool": 10.5}
    assert axis_of(drawn(ax, "conv")) == [9, 10, 11]
    assert axis_of(drawn(ax, "pool")) == [10, 11]
    assert axis_of(drawn(ax, "together")) == [9, 10, 11]


def test_paths_must_meet_in_step():
    message = "paths meet with different effective strides (a: 2, b: 1); they must be equal"
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        plot.plot_paths({"a": [Layer(2, stride=2)], "b": []})
    with pytest.raises(GeometryError, match=r"^paths=\{\} must hold at least one path$"):
        plot.plot_paths({})


def box_of(patch):
    return patch.get_y() + 0.5, patch.get_x() + 0.5, patch.get_height(), patch.get_width()


def test_a_field_is_where_the_library_puts_it(ax):
    plot.plot_field(NET, (4, 0), 32, ax=ax)
    boxes = {patch.get_label(): box_of(patch) for patch in ax.patches}
    assert boxes["pool2"] == (13, -3, 10, 10)
    assert boxes["padding"] == (13, -3, 10, 3)


@settings(deadline=None, max_examples=40)
@given(st.lists(LAYERS, min_size=1, max_size=4), st.integers(4, 16), st.data())
def test_fields_on_the_way_lie_inside_each_other(layers, n, data):
    try:
        units = output_sizes(n, layers)[-1]
    except GeometryError:
        return
    unit = data.draw(st.integers(0, units - 1))
    ax = plot.plot_field(layers, unit, n)
    boxes = {patch.get_label(): box_of(patch) for patch in ax.patches}
    nested = [boxes[f"layer {depth}"] for depth in range(1, len(layers) + 1)]
    assert [size for *_, size in nested] == [field.size for field in receptive_fields(layers)]
    for (_, x, _, w), (_, X, _, W) in pairwise(nested):
        assert x >= X
        assert x + w <= X + W
    plt.close("all")


def test_what_lies_outside_is_hatched_without_overlap(ax):
    plot.plot_region({"conv1": ((-2, 9), (-1, 3))}, (8, 6), ax=ax)
    hatched = [box_of(patch) for patch in ax.patches if patch.get_hatch()]
    cells = [(y + i, x + j) for y, x, h, w in hatched for i in range(int(h)) for j in range(int(w))]
    inside = {(y, x) for y in range(8) for x in range(6)}
    assert len(cells) == len(set(cells))
    assert set(cells) == {(y, x) for y in range(-2, 10) for x in range(-1, 4)} - inside


def test_a_field_of_many_layers_shows_the_last_only(ax):
    plot.plot_field([Layer(3)] * 7, 0, 20, ax=ax)
    assert [text.get_text() for text in ax.texts if "×" in text.get_text()] == ["layer 7: 15 × 15"]


def test_layers_of_one_name_are_told_apart(ax):
    plot.plot_field([Layer(3, name="conv"), Layer(3, name="conv")], 0, 8, ax=ax)
    assert [text.get_text() for text in ax.texts][-2:] == ["conv (1): 3 × 3", "conv (2): 5 × 5"]


def test_an_image_lies_below_its_region(ax):
    photo = np.arange(64).reshape(8, 8)
    plot.plot_region({"conv1": ((0, 2), (1, 3))}, 8, image=photo, ax=ax)
    assert ax.images[0].get_array().tolist() == photo.tolist()


def test_regions_must_be_there_and_of_two_axes():
    with pytest.raises(GeometryError, match=r"^regions=\{\} must hold at least one region$"):
        plot.plot_region({}, 8)
    message = "input_size=(8, 8, 8) has 3 numbers; it must be one integer or a pair (row, column)"
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        plot.plot_region({"conv1": ((0, 1), (0, 1))}, (8, 8, 8))


@pytest.mark.parametrize(
    ("dilations", "used", "span", "share"),
    [
        pytest.param((2, 2, 2), 7, 13, 29, id="learning path 5: 2 2 2"),
        pytest.param((1, 2, 5), 17, 17, 100, id="learning path 5: 1 2 5"),
        pytest.param((1, 2, 3), 13, 13, 100, id="learning path 5: 1 2 3"),
        pytest.param((1, 2, 9), 21, 25, 71, id="learning path 5: 1 2 9"),
    ],
)
def test_holes_are_counted(dilations, used, span, share, ax):
    plot.plot_holes([Layer(3, dilation=d) for d in dilations], ax=ax)
    assert len(drawn(ax, "used")) == used**2
    assert len(drawn(ax, "hole")) == span**2 - used**2
    assert ax.texts[0].get_text() == f"{used**2} of {span**2} pixels, {share} %"


def test_visible_cells_of_the_article_s_last_map(ax):
    plot.plot_visible(NET, 32, ax=ax)
    seen, lost = ax.containers
    assert [bar.get_height() for bar in seen] == [7, 10, 10, 10, 10, 10, 10, 7]
    assert [(bar.get_y(), bar.get_height()) for bar in lost] == [(7, 3), (7, 3)]


def test_a_traced_map_shows_the_same_as_its_layers(ax):
    torch_networks = pytest.importorskip("rfguide.torch_networks")
    traced = rfguide.trace(torch_networks.Net(), (1, 3, 32, 32))["pool#2"]
    plot.plot_visible(traced, axis=1, ax=ax)
    seen, lost = ax.containers
    assert [bar.get_height() for bar in seen] == [7, 10, 10, 10, 10, 10, 10, 7]
    assert [bar.get_height() for bar in lost] == [3, 3]
    with pytest.raises(GeometryError, match=r"^axis=2 is no axis of a map with units \(8, 8\) and 2 input axes$"):
        plot.plot_visible(traced, axis=2)


def test_units_without_a_single_field_have_lost_nothing(ax):
    """Adaptive windows of 10 cells in 7: 2 2 3 2 3 2 2."""
    nn = pytest.importorskip("torch.nn")
    plot.plot_visible(rfguide.trace(nn.AdaptiveAvgPool1d(7), (1, 1, 10)).output, ax=ax)
    (seen,) = ax.containers
    assert [bar.get_height() for bar in seen] == [b - a + 1 for a, b in rfguide.adaptive_windows(10, 7)]


def test_layers_alone_do_not_say_where_the_input_ends():
    message = "input_size is missing: how much a unit sees depends on where the input ends"
    with pytest.raises(GeometryError, match=f"^{message}$"):
        plot.plot_visible(NET)


@pytest.mark.parametrize("region", [((0, 1), None), ((0, 1),)], ids=["sees nothing", "one axis"])
def test_a_region_has_two_axes_and_sees_something(region):
    message = f"the region of 'conv1' is {region}; it must be rows and columns, each (first, last)"
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        plot.plot_region({"conv1": region}, 8)


def test_without_padding_nothing_is_lost(ax):
    plot.plot_visible([Layer(3)], 6, ax=ax)
    assert len(ax.containers) == 1
    assert ax.get_legend() is None


def test_growth_of_the_article_s_net(ax):
    plot.plot_growth(NET, claims={"own stride": [3, 5, 7, 9]}, ax=ax)
    truth, claim = ax.lines
    assert list(truth.get_ydata()) == [1, 3, 4, 8, 10]
    assert (list(claim.get_xdata()), list(claim.get_ydata())) == ([1, 2, 3, 4], [3, 5, 7, 9])
    assert [label.get_text() for label in ax.get_xticklabels()] == ["image", "conv1", "pool1", "conv2", "pool2"]


def test_strong_values_are_opaque_and_signs_have_colours(ax):
    plot.plot_maps([[[0.0, 2.0, -4.0]]], ax=ax)
    zero, half, most = ax.images[0].get_array()[0].tolist()
    assert (zero[3], half[3], most[3]) == (0, 128, 255)
    assert half[:3] != most[:3]


def test_maps_share_one_scale_and_take_one_sample_of_torch(ax):
    torch = pytest.importorskip("torch")
    maps = torch.tensor([[[[1.0]], [[4.0]]]], requires_grad=True)
    plot.plot_maps(maps, ax=ax)
    assert [image.get_array()[0, 0, 3] for image in ax.images] == [64, 255]


def test_maps_of_nothing_but_zeros_are_clear(ax):
    plot.plot_maps([[[0.0]]], ax=ax)
    assert ax.images[0].get_array()[0, 0, 3] == 0


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (
            lambda: plot.plot_maps(np.zeros((2, 3, 4, 4))),
            "maps of shape (2, 3, 4, 4) must be channels × rows × columns, of one sample",
        ),
        (lambda: plot.plot_gradient(np.zeros(3)), "gradient has 1 axes; it must have rows and columns"),
        (
            lambda: plot.plot_window(np.zeros((1, 2, 2)), np.zeros((1, 3, 3))),
            "window of shape (1, 2, 2) and kernel of shape (1, 3, 3) must both be channels × rows × columns",
        ),
        (lambda: plot.plot_maps([[[1.0]]], columns=0), "columns=0 must be at least 1"),
    ],
    ids=["maps", "gradient", "window", "columns"],
)
def test_shapes_that_no_picture_has(draw, message):
    with pytest.raises(GeometryError, match=f"^{re.escape(message)}$"):
        draw()


def test_a_gradient_keeps_its_box(ax):
    plot.plot_gradient(np.eye(5), ((1, 3), (0, 2)), ax=ax)
    (box,) = [patch for patch in ax.patches if patch.get_label() == "region"]
    assert box_of(box) == (1, 0, 3, 3)
    assert ax.images[0].get_array()[..., 3].tolist() == (255 * np.eye(5)).tolist()


def test_a_window_is_multiplied_and_summed_as_torch_does(ax):
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    window, kernel = (torch.randint(-9, 10, (3, 3, 3), generator=generator).double() for _ in range(2))
    plot.plot_window(window, kernel, 0.25, ax=ax)
    written = ax.texts[-1].get_text().replace("−", "-").split("=")[-1]
    assert (
        float(written) == torch.nn.functional.conv2d(window[None], kernel[None], torch.tensor([0.25]).double()).item()
    )
    products = [float(t.get_text().replace("−", "-")) for t in ax.texts if re.fullmatch(r"−?[\d.]+", t.get_text())][
        -27:
    ]
    assert products == (window * kernel).flatten().tolist()


BLOCK = [
    Call("conv1", "Conv2d", (1, 8, 16, 16), ["input"]),
    Call("block.conv", "Conv2d", (1, 8, 16, 16), ["conv1"]),
    Call("block.relu()", "relu", (1, 8, 16, 16), ["block.conv"]),
    Call("block.add()", "add", (1, 8, 16, 16), ["block.relu()", "conv1"]),
    Call("block", "Block", (1, 8, 16, 16), ["conv1"]),
    Call("identity", "Identity", (1, 8, 16, 16), []),
    Call("flatten()", "flatten", (1, 2048), ["block.add()"], True),
]


def test_arrows_are_what_feeds_what(ax):
    plot.plot_structure(BLOCK, ax=ax)
    arrows = [line for line in ax.lines if line.get_label() != "_head"]
    assert [arrow.get_label() for arrow in arrows] == [
        "input → conv1",
        "conv1 → block.conv",
        "block.conv → block.relu()",
        "block.relu() → block.add()",
        "conv1 → block.add()",
    ]
    past = [arrow for arrow in arrows if len(arrow.get_xdata()) > 2]
    assert [arrow.get_label() for arrow in past] == ["conv1 → block.add()"]


def test_what_holds_other_calls_or_hands_on_its_input_has_no_box(ax):
    plot.plot_structure(BLOCK, ax=ax)
    names = [text.get_text() for text in ax.texts if text.get_fontweight() == "bold"]
    assert names == ["conv1", "block.conv", "block.relu()", "block.add()"]
    assert len(ax.patches) == 5  # with the input's


@given(st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=3), min_size=1, max_size=8))
def test_arrows_past_boxes_do_not_run_in_each_other(sources):
    calls = [
        Call(f"f{row}", "add", (1, 1), sorted({f"f{s % row}" if row else "input" for s in feeding}))
        for row, feeding in enumerate(sources)
    ]
    ax = plot.plot_structure(calls)
    spans = {}
    for line in ax.lines:
        if len(line.get_xdata()) > 2:
            spans.setdefault(line.get_xdata()[1], []).append((line.get_ydata()[1], line.get_ydata()[2]))
    for lane in spans.values():
        assert all(one[1] <= other[0] for one, other in pairwise(sorted(lane)))
    plt.close("all")


def test_a_structure_needs_a_call():
    with pytest.raises(GeometryError, match=r"^there is no call to draw$"):
        plot.plot_structure([])


def test_the_article_s_net_is_a_chain(ax):
    torch_networks = pytest.importorskip("rfguide.torch_networks")
    plot.plot_structure(rfguide.trace(torch_networks.Net(), (1, 3, 32, 32)), ax=ax)
    arrows = [line.get_label() for line in ax.lines if line.get_label() != "_head"]
    chain = ["x", "conv1", "relu()", "pool", "conv2", "relu()#2", "pool#2"]
    assert arrows == [f"{one} → {other}" for one, other in pairwise(chain)]
