"""Receptive fields: worked values, the definition walked back window by window, torch's impulse responses, laws."""

import dataclasses
import re
import time
from fractions import Fraction
from itertools import pairwise, product

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rfguide import GeometryError, Layer, ReceptiveField, input_cells, output_sizes, receptive_fields
from rfguide.networks import NET, STACKS

PADDINGS = st.integers(0, 3) | st.tuples(st.integers(0, 3), st.integers(0, 3))
LAYERS = st.builds(Layer, st.integers(1, 4), stride=st.integers(1, 3), padding=PADDINGS, dilation=st.integers(1, 3))
CHAINS = st.lists(LAYERS, max_size=4)
FIELDS = st.builds(ReceptiveField, st.integers(1, 50), st.integers(1, 20), st.integers(-50, 50))


def sizes(*layers: Layer) -> list[int]:
    return [field.size for field in receptive_fields(layers)]


# Worked values


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        pytest.param([Layer(3)] * 3, [3, 5, 7], id="three 3×3 see 7 (Q3)"),
        pytest.param([Layer(2)] * 2, [2, 3], id="two 2×2 see 3"),
        pytest.param(NET, [3, 4, 8, 10], id="the article's Net (C21, C30)"),
        pytest.param([NET[0], NET[2]], [3, 5], id="5 is conv2 without the pool (C22)"),
        pytest.param([Layer(3), Layer(3, stride=2)], [3, 5], id="the own stride is no part (C47)"),
        pytest.param([Layer(3, dilation=d) for d in (2, 2, 2)], [5, 9, 13], id="dilation 2, 2, 2"),
        pytest.param(
            [Layer(3, dilation=d) for d in (1, 2, 4, 8, 16)], [3, 7, 15, 31, 63], id="63 in five layers (C59)"
        ),
        pytest.param(
            [Layer(3), Layer(2), Layer(3, dilation=2), Layer(2)],
            [3, 4, 8, 9],
            id="dilated twin of Net falls short (Q27)",
        ),
        pytest.param(
            [Layer(3), Layer(2), Layer(3, dilation=2), Layer(2, dilation=2)],
            [3, 4, 8, 10],
            id="dilated twin of Net (Q27)",
        ),
    ],
)
def test_worked_sizes(layers, expected):
    assert sizes(*layers) == expected


@pytest.mark.parametrize(("target", "plain", "dilated"), [(32, 16, 5), (64, 32, 6), (128, 64, 7)])
def test_how_many_layers_reach_a_target(target, plain, dilated):
    """Chapter 12: so many 3×3 layers, or so many with dilations 1, 2, 4, …, and not one fewer."""
    assert sizes(*[Layer(3)] * (plain - 1))[-1] < target <= sizes(*[Layer(3)] * plain)[-1]
    doubling = [Layer(3, dilation=2**i) for i in range(dilated)]
    assert sizes(*doubling[:-1])[-1] < target <= sizes(*doubling)[-1]


def test_the_articles_net_region_by_region():
    """Claims, reference table: regions before clipping are [u-1, u+1], [2u-1, 2u+2], [2u-3, 2u+4], [4u-3, 4u+6]."""
    starts = [(1, -1, 1), (2, -1, 2), (2, -3, 4), (4, -3, 6)]
    for field, (step, first, last) in zip(receptive_fields(NET), starts, strict=True):
        for unit in range(8):
            assert field.region(unit) == (step * unit + first, step * unit + last)
    assert [field.center(0) for field in receptive_fields(NET)] == [0, Fraction(1, 2), Fraction(1, 2), Fraction(3, 2)]


def test_the_articles_net_at_the_border():
    """Claims: pool2's units see 7, 10, …, 10, 7 of 32 cells, so 28 of the 64 units see padding."""
    seen = [len(input_cells(NET, unit, input_size=32)) for unit in range(8)]
    assert seen == [7, 10, 10, 10, 10, 10, 10, 7]
    whole = sum(count == 10 for count in seen)
    assert 64 - whole**2 == 28


@pytest.mark.parametrize(
    ("name", "unit", "region", "inside"),
    [
        pytest.param("vgg16", 0, (-90, 121), 1, id="VGG-16 at 224: 1 unit of 7 (1 of 49) is whole"),
        pytest.param("resnet50", 0, (-213, 213), 0, id="ResNet-50 at 224: unit 0 sees 0 to 213 (Q6)"),
        pytest.param("mobilenet_v1", 3, (-61, 253), 0, id="MobileNet v1 at 224: wider than the image"),
    ],
)
def test_regions_of_the_last_trunk_map_at_224(name, unit, region, inside):
    layers = [layer for layer in STACKS[name].layers if layer.name != "fc6"]
    field = receptive_fields(layers)[-1]
    assert field.region(unit) == region
    units = range(output_sizes(224, layers)[-1])
    assert sum(field.region(u)[0] >= 0 and field.region(u)[1] < 224 for u in units) == inside


def test_centres_of_resnet50_sit_on_multiples_of_32():
    """Chapter 4 (Q21): 32u, not 32u + 16; VGG-16's pool5 has 32u + 15.5."""
    resnet = receptive_fields(STACKS["resnet50"].layers)[-1]
    vgg = receptive_fields(STACKS["vgg16"].layers[:-1])[-1]
    assert [resnet.center(unit) for unit in range(7)] == [32 * unit for unit in range(7)]
    assert [vgg.center(unit) for unit in range(7)] == [32 * unit + Fraction(31, 2) for unit in range(7)]


@pytest.mark.parametrize(
    ("dilations", "span", "used"),
    [
        pytest.param((2, 2, 2), 13, 7, id="2, 2, 2: 7 of 13"),
        pytest.param((1, 2, 5), 17, 17, id="1, 2, 5: no holes"),
        pytest.param((1, 2, 3), 13, 13, id="1, 2, 3: no holes"),
        pytest.param((1, 2, 9), 25, 21, id="1, 2, 9: 21 of 25"),
    ],
)
def test_dilation_leaves_holes(dilations, span, used):
    layers = [Layer(3, dilation=d) for d in dilations]
    assert (sizes(*layers)[-1], len(input_cells(layers, 0))) == (span, used)


def test_the_best_dilations_of_three_layers_without_holes_are_powers_of_the_kernel():
    """Chapter 5: by trying all of them, k = 3 reaches 27 with 1, 3, 9 in any order."""
    reached = {}
    for dilations in product(range(1, 10), repeat=3):
        layers = [Layer(3, dilation=d) for d in dilations]
        if len(input_cells(layers, 0)) == sizes(*layers)[-1]:
            reached[dilations] = sizes(*layers)[-1]
    best = max(reached.values())
    assert best == 27
    assert {tuple(sorted(d)) for d, size in reached.items() if size == best} == {(1, 3, 9)}


# The definition


@given(CHAINS, st.integers(-20, 20))
def test_the_region_runs_from_the_first_to_the_last_cell_of_the_definition(layers, unit):
    field = (ReceptiveField(), *receptive_fields(layers))[-1]
    cells = input_cells(layers, unit)
    assert (cells[0], cells[-1]) == field.region(unit)
    assert field.size == cells[-1] - cells[0] + 1


@given(CHAINS, st.integers(1, 30), st.data())
def test_padding_only_takes_cells_away(layers, input_size, data):
    """At the border a unit sees a part of its region; away from it, all that the definition says."""
    try:
        units = (input_size, *output_sizes(input_size, layers))[-1]
    except GeometryError:
        assume(False)
    unit = data.draw(st.integers(0, units - 1))
    field = (ReceptiveField(), *receptive_fields(layers))[-1]
    endless, real = input_cells(layers, unit), input_cells(layers, unit, input_size=input_size)
    assert set(real) <= set(endless) & set(range(input_size))
    first, last = field.region(unit)
    if first >= 0 and last < input_size:
        assert real == endless


@given(st.lists(LAYERS, min_size=1, max_size=3), st.integers(1, 12), st.data())
def test_torch_reaches_the_same_cells_with_positive_weights(layers, input_size, data):
    """Third method: convolve each unit impulse in torch and see which units it touches."""
    try:
        units = output_sizes(input_size, layers)[-1]
    except GeometryError:
        assume(False)
    maps = torch.eye(input_size, dtype=torch.float64).unsqueeze(1)
    for layer in layers:
        padded = torch.nn.functional.pad(maps, (layer.before, layer.after))
        weight = torch.ones(1, 1, layer.kernel_size, dtype=torch.float64)
        maps = torch.nn.functional.conv1d(padded, weight, stride=layer.stride, dilation=layer.dilation)
    unit = data.draw(st.integers(0, units - 1))
    touched = maps[:, 0, unit].nonzero().flatten().tolist()
    assert list(input_cells(layers, unit, input_size=input_size)) == touched


def test_a_unit_whose_window_lies_in_padding_sees_nothing():
    assert input_cells([Layer(1, padding=1)], 0, input_size=3) == ()
    assert receptive_fields([Layer(1, padding=1)])[0].region(0) == (-1, -1)


# Laws


@given(CHAINS, CHAINS)
def test_fields_compose(first, second):
    """A stack on a stack is one stack: r = r1 + (r2 - 1) S1, S = S1 S2, P = P1 + P2 S1."""
    below = (ReceptiveField(), *receptive_fields(first))[-1]
    above = (ReceptiveField(), *receptive_fields(second))[-1]
    whole = (ReceptiveField(), *receptive_fields([*first, *second]))[-1]
    assert whole == ReceptiveField(
        size=below.size + (above.size - 1) * below.stride,
        stride=below.stride * above.stride,
        padding=below.padding + above.padding * below.stride,
    )


@given(CHAINS)
def test_walking_from_the_unit_to_the_image_gives_the_same_size(layers):
    """The top-down recurrence D' = (D - 1) s + e, which the article ran the wrong way round (C25)."""
    cells = 1
    for layer in reversed(layers):
        cells = (cells - 1) * layer.stride + layer.extent
    assert cells == (ReceptiveField(), *receptive_fields(layers))[-1].size


@given(CHAINS)
def test_padding_moves_a_field_and_never_resizes_it(layers):
    bare = [dataclasses.replace(layer, padding=0) for layer in layers]
    for padded, plain in zip(receptive_fields(layers), receptive_fields(bare), strict=True):
        assert (padded.size, padded.stride) == (plain.size, plain.stride)
        assert padded.region(0)[0] == plain.region(0)[0] - padded.padding


@given(st.lists(LAYERS, min_size=1, max_size=4), st.integers(1, 5))
def test_the_last_stride_changes_the_steps_and_not_the_size(layers, stride):
    other = [*layers[:-1], dataclasses.replace(layers[-1], stride=stride)]
    assert receptive_fields(layers)[-1].size == receptive_fields(other)[-1].size


@given(FIELDS, st.integers(-100, 100))
def test_neighbouring_regions_are_a_stride_apart_and_centred_between_their_ends(field, unit):
    (first, last), (next_first, next_last) = field.region(unit), field.region(unit + 1)
    assert (next_first - first, next_last - last) == (field.stride, field.stride)
    assert last - first + 1 == field.size
    assert field.center(unit) - first == last - field.center(unit)


@given(CHAINS)
def test_fields_never_shrink(layers):
    assert all(a <= b for a, b in pairwise([1, *sizes(*layers)]))


def test_an_empty_stack_leaves_the_input_cell_itself():
    assert receptive_fields([]) == ()
    assert input_cells([], 7) == (7,)
    assert ReceptiveField().region(7) == (7, 7)


def test_fields_are_values():
    field = ReceptiveField(size=10, stride=4, padding=3)
    assert field == receptive_fields(NET)[-1]
    assert len({field, receptive_fields(NET)[-1]}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError, match=r"^cannot assign to field 'size'$"):
        field.size = 8


# Bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"size": 0}, GeometryError, "size=0 must be at least 1"),
        ({"stride": -2}, GeometryError, "stride=-2 must be at least 1"),
        ({"size": 2**63}, GeometryError, "size has 64 bits; torch's sizes end at 2**63 - 1"),
        ({"padding": -(2**63)}, GeometryError, "padding has 64 bits; torch's sizes end at 2**63 - 1"),
        ({"size": 3.0}, TypeError, "size=3.0 must be an integer, not float"),
        ({"padding": True}, TypeError, "padding=True must be an integer, not bool"),
        ({"padding": (1, 1)}, TypeError, "padding=(1, 1) must be an integer, not tuple"),
        ({"stride": "2"}, TypeError, "stride='2' must be an integer, not str"),
        ({"stride": None}, TypeError, "stride=None must be an integer, not NoneType"),
    ],
)
def test_no_field_has_these_numbers(arguments, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ReceptiveField(**arguments)


@pytest.mark.parametrize("ask", [ReceptiveField().region, ReceptiveField().center, lambda unit: input_cells(NET, unit)])
@pytest.mark.parametrize(
    ("unit", "error", "message"),
    [
        (0.5, TypeError, "unit=0.5 must be an integer, not float"),
        (None, TypeError, "unit=None must be an integer, not NoneType"),
        ((0, 0), TypeError, "unit=(0, 0) must be an integer, not tuple"),
        (10**30, GeometryError, "unit has 100 bits; torch's sizes end at 2**63 - 1"),
    ],
)
def test_a_unit_is_one_integer(ask, unit, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ask(unit)


@pytest.mark.parametrize("unit", [-1, 8])
def test_a_map_has_only_its_own_units(unit):
    with pytest.raises(GeometryError, match=rf"^unit={unit} must be from 0 to 7: the last map has 8 units$"):
        input_cells(NET, unit, input_size=32)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ReceptiveField().through(3), "layer=3 must be a Layer, not int"),
        (lambda: receptive_fields([3]), "layers[0]=3 must be a Layer, not int"),
        (lambda: input_cells([(3, 1)], 0), "layers[0]=(3, 1) must be a Layer, not tuple"),
        (lambda: receptive_fields(3), "layers=3 must be a sequence of Layer, not int"),
    ],
)
def test_only_layers_make_a_stack(call, message):
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        call()


def test_a_field_too_large_for_64_bits_is_refused_not_wrapped():
    with pytest.raises(GeometryError, match=r"^size has 80 bits; torch's sizes end at 2\*\*63 - 1$"):
        receptive_fields([Layer(2**40, dilation=2**40), Layer(3)])


def walked(layers, unit, input_size):
    """The definition, cell by cell."""
    sizes = [None] * len(layers) if input_size is None else [input_size, *output_sizes(input_size, layers)][:-1]
    cells = {unit}
    for layer, size in zip(reversed(layers), reversed(sizes), strict=True):
        taps = [tap * layer.dilation - layer.before for tap in range(layer.kernel_size)]
        cells = {cell * layer.stride + tap for cell in cells for tap in taps}
        cells = {cell for cell in cells if size is None or 0 <= cell < size}
    return tuple(sorted(cells))


GAPPED = st.builds(
    Layer,
    st.integers(1, 5),
    stride=st.integers(1, 7),
    padding=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    dilation=st.integers(1, 6),
)


@settings(max_examples=400)
@given(st.lists(GAPPED, max_size=5), st.integers(0, 200), st.data())
def test_runs_of_cells_are_the_cells_of_the_definition(layers, input_size, data):
    assert input_cells(layers, -3) == walked(layers, -3, None)
    try:
        last = [input_size, *output_sizes(input_size, layers)][-1]
    except GeometryError:
        return
    unit = data.draw(st.integers(0, last - 1)) if last else 0
    if last:
        assert input_cells(layers, unit, input_size=input_size) == walked(layers, unit, input_size)


def test_a_deep_stack_takes_no_longer_than_its_layers_and_what_never_ends_is_refused():
    """Cell by cell, 20,000 layers take half a minute, and a kernel of 10**9 the memory of the machine."""
    start = time.process_time()
    assert len(input_cells([Layer(3)] * 20_000, 0)) == 40_001
    assert len(input_cells([Layer(3, dilation=2), Layer(3, dilation=3)] * 10_000, 0)) == 100_001 - 2  # no 1
    assert input_cells([Layer(10**9, padding=5 * 10**8)], 3, input_size=5) == (0, 1, 2, 3, 4)
    assert time.process_time() - start < 10
    for layers in ([Layer(10**9)], [Layer(10**9, dilation=2)], [Layer(2**30, dilation=3), Layer(2, dilation=2)]):
        with pytest.raises(GeometryError, match=r"input cells=\d+ must be at most 4194304$"):
            input_cells(layers, 0)
