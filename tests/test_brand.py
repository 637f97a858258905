"""The site's look has the pictures' colours, and its images are those that the script draws."""

import re
import struct
from pathlib import Path

import pytest

from rfguide._site.brand import IMAGES, logo, readme
from rfguide.plot import DARK, LIGHT

STYLE = (Path(__file__).parents[1] / "docs" / "assets" / "stylesheets" / "rfguide.css").read_text(encoding="utf-8")


def variables(selector):
    block = re.search(re.escape(selector) + r" \{([^}]*)\}", STYLE)[1]
    return dict(re.findall(r"--rf-(\w+): (#[0-9a-f]{6});", block))


@pytest.mark.parametrize(
    ("selector", "palette"),
    [
        pytest.param(":root", LIGHT, id="light"),
        pytest.param('[data-md-color-scheme="slate"]', DARK, id="dark"),
    ],
)
def test_the_style_sheet_has_the_palette(selector, palette):
    colours = variables(selector)
    assert {role: colours.get(role) for role in palette} == palette


def test_colours_are_written_down_once():
    rest = re.sub(r"--rf-\w+: #[0-9a-f]{6};", "", STYLE)
    assert re.findall("#[0-9a-f]{3,8};", rest) == []


def test_the_style_sheet_asks_no_one():
    """What it asks for is its own: the formulas' font, beside it."""
    assert re.findall(r"url\(([^)]*)\)|(@import|https?:)", STYLE) == [('"../fonts/stix-two-math-rfguide.woff2"', "")]


@pytest.mark.parametrize("name", ["logo.svg", "favicon.svg"])
def test_the_mark_is_drawn_by_the_script(name):
    assert (IMAGES / name).read_text(encoding="utf-8") == logo()


def test_the_picture_of_the_readme_is_drawn_by_the_script():
    assert {path.name: path.read_text(encoding="utf-8") for path in IMAGES.glob("readme-*.svg")} == readme()


@pytest.mark.parametrize(
    ("name", "size"), [("social-en.png", (1200, 630)), ("social-zh.png", (1200, 630)), ("touch-icon.png", (180, 180))]
)
def test_images_have_the_size_that_others_expect(name, size):
    assert struct.unpack(">II", (IMAGES / name).read_bytes()[16:24]) == size
