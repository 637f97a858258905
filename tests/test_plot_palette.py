"""The two palettes: one colour per meaning, words that can be read, lines that colour-blind readers can tell apart."""

import re
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex, to_rgb

from rfguide.networks import NET
from rfguide.plot import DARK, LIGHT, plot_field, plot_growth, plot_places, plot_visible, svg, theme

PALETTES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
FILLS = ("background", "surface", "input", "map", "field", "used", "unit")
PAGES = ("background", "surface")

# Linear light seen without the red, the green, the blue cones (Machado, Oliveira, Fernandes 2009, severity 1).
BLIND = {
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour):
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]


def contrast(one, other):
    """WCAG 2.2's contrast ratio."""
    dark, light = sorted(
        0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (linear(colour) for colour in (one, other))
    )
    return (light + 0.05) / (dark + 0.05)


def lab(rgb):
    """CIE L*a*b* of linear sRGB, white D65."""
    r, g, b = (min(max(c, 0), 1) for c in rgb)
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen_by(kind, colour):
    rgb = linear(colour)
    if kind == "all cones":
        return lab(rgb)
    return lab([sum(m * c for m, c in zip(row, rgb, strict=True)) for row in BLIND[kind]])


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_the_palettes_have_the_same_roles_and_no_colour_twice():
    assert LIGHT.keys() == DARK.keys()
    assert len(set(LIGHT.values())) == len(LIGHT)
    assert not set(LIGHT.values()) & set(DARK.values())
    assert all(re.fullmatch("#[0-9a-f]{6}", code) for code in (*LIGHT.values(), *DARK.values()))


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the well-known grey that just fails


@pytest.mark.parametrize("palette", PALETTES)
def test_words_can_be_read(palette):
    pairs = [("text", fill) for fill in FILLS]
    pairs += [(words, page) for words in ("muted", "accent", "accent2", "accent3", "warn") for page in PAGES]
    faint = {pair: contrast(*map(palette.get, pair)) for pair in pairs}
    assert {pair: ratio for pair, ratio in faint.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("palette", PALETTES)
def test_hatching_and_cell_edges_stand_out_from_the_page(palette):
    assert all(contrast(palette["padding"], palette[page]) >= 3 for page in PAGES)


@pytest.mark.parametrize("palette", PALETTES)
@pytest.mark.parametrize("kind", ["all cones", *BLIND])
@pytest.mark.parametrize(
    "group", [("input", "map", "field", "used", "unit"), ("accent", "accent2", "accent3")], ids=str
)
def test_colours_that_meet_in_a_picture_differ_for_every_eye(palette, kind, group):
    distances = {
        pair: sum((a - b) ** 2 for a, b in zip(*(seen_by(kind, palette[role]) for role in pair), strict=True)) ** 0.5
        for pair in combinations(group, 2)
    }
    # A just noticeable difference is about 2.3; cells also differ by place and by what is written in them.
    assert {pair: distance for pair, distance in distances.items() if distance < 7} == {}


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plot_places(6, 3, stride=2, padding=1),
        lambda: plot_field(NET, 0, 32),
        lambda: plot_growth(NET),
        lambda: plot_visible(NET, 32),
    ],
    ids=["places", "field", "growth", "visible"],
)
def test_a_picture_has_no_colour_of_its_own(draw):
    ax = draw()
    assert set(re.findall("#[0-9a-f]{6}", svg(ax))) <= set(LIGHT.values())
    assert set(re.findall("#[0-9a-f]{6}", svg(ax, dark=True))) <= set(DARK.values())


def test_dark_is_light_with_the_colours_exchanged():
    ax = plot_places(6, 3, stride=2)
    with theme("dark"):
        twin = plot_places(6, 3, stride=2)
    ids = re.compile(r"\b[a-z][0-9a-f]{10}\b")  # hashes over the styles
    assert ids.sub("", svg(ax, dark=True)) == ids.sub("", svg(twin))


def test_the_same_picture_is_the_same_text():
    assert svg(plot_field(NET, 4, 32)) == svg(plot_field(NET, 4, 32))


def test_words_stay_words_in_the_font_of_the_reader():
    text = svg(plot_places(5, 3))
    assert ">output</text>" in text
    assert "DejaVu" not in text
    assert text.count("font-family") == 1


def test_a_theme_ends_with_its_block():
    before = mpl.rcParams.copy()
    with theme("dark"):
        assert to_hex(plot_places(5, 3).figure.get_facecolor()) == DARK["background"]
    assert to_hex(plot_places(5, 3).figure.get_facecolor()) == LIGHT["background"]
    assert mpl.rcParams == before


def test_there_is_no_third_theme():
    with pytest.raises(ValueError, match=r"^theme 'sepia' does not exist; there are 'light', 'dark'$"), theme("sepia"):
        pass
