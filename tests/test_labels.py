"""The words in pictures: every one that a plot function writes has its Chinese, and no other passes."""

import re
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest

from rfguide import Layer, plot
from rfguide._site.labels import CHINESE, PAGES, UnknownLabel, chinese, svg_in_chinese
from rfguide.networks import NET

CALLS = [
    SimpleNamespace(name="conv1", op="Conv2d", shape=(1, 16, 32, 32), sources=["input"], is_move=False),
    SimpleNamespace(name="relu()#2", op="relu", shape=(1, 16, 32, 32), sources=["conv1"], is_move=False),
]
NAMELESS = [Layer(3, padding=1), Layer(2, stride=2)]

# One picture or more of each function, with every kind of word it can write.
PICTURES = {
    "plot_places": [lambda: plot.plot_places(6, 3, stride=2, padding=1)],
    "plot_stack": [lambda: plot.plot_stack(NET, 16), lambda: plot.plot_stack(NAMELESS, 8)],
    "plot_overlap": [lambda: plot.plot_overlap(NAMELESS), lambda: plot.plot_overlap([Layer(17)])],
    "plot_paths": [lambda: plot.plot_paths({"conv1": [Layer(3)], "pool": [Layer(2)]})],
    "plot_region": [lambda: plot.plot_region({"layer4.2": ((0, 4), (-1, 3))}, 8)],
    "plot_field": [lambda: plot.plot_field(NET, 4, 32), lambda: plot.plot_field(NAMELESS, 1, 8)],
    "plot_holes": [lambda: plot.plot_holes([Layer(3, dilation=2)])],
    "plot_gradient": [lambda: plot.plot_gradient([[1, 2], [3, 4]], ((0, 1), (0, 1)))],
    "plot_maps": [lambda: plot.plot_maps([[[1, 2], [3, 4]]])],
    "plot_window": [lambda: plot.plot_window([[[1]]], [[[2]]], 0.5)],
    "plot_growth": [lambda: plot.plot_growth(NET), lambda: plot.plot_growth(NAMELESS * 6)],
    "plot_structure": [lambda: plot.plot_structure(CALLS)],
    "plot_visible": [lambda: plot.plot_visible(NET, 32)],
}


def words(svg: str) -> list[str]:
    return re.findall(r"<text\b[^>]*>([^<]*)</text>", svg)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def test_every_plot_function_is_looked_at():
    assert set(PICTURES) == {name for name in plot.__all__ if name.startswith("plot_")}


@pytest.mark.parametrize("name", PICTURES)
def test_every_word_of_a_picture_has_its_chinese(name):
    for draw in PICTURES[name]:
        svg = plot.svg(draw())
        in_chinese = words(svg_in_chinese(svg))
        assert len(in_chinese) == len(words(svg))
        assert not set(in_chinese) & set(CHINESE)  # nothing that has a translation is left in English


def test_no_entry_is_idle():
    written = {word for draws in PICTURES.values() for draw in draws for word in words(plot.svg(draw()))}
    assert set(CHINESE) <= written


@pytest.mark.parametrize("label", ["Input", "conv 1", "layers", "r 8", "unit 4", "a b"])
def test_a_word_without_chinese_is_an_error(label):
    message = f"the figure label {label!r} has no Chinese; add it to rfguide/_site/labels.py"
    with pytest.raises(UnknownLabel, match=f"^{re.escape(message)}$"):
        svg_in_chinese(f'<text x="0">{label}</text>')


@pytest.mark.parametrize(
    "label",
    [
        "conv1",
        "relu()",
        "relu()#2",
        "pool1 (2)",
        "layer4.2.conv3",
        "stride=2",
        "r 8, j 2",
        "Conv2d",
        "ReLU",
        "conv1: 3 × 3",
        "−2.5",
    ],
)
def test_code_and_numbers_stay_as_they_are(label):
    assert chinese(label) == label


def test_chinese_words_are_written_by_someone_who_reads_them():
    assert all(re.search("[\u4e00-\u9fff]", text) for text in (*CHINESE.values(), *PAGES.values()))
    assert not any(re.search("[A-Za-z]{2}", text) for text in (*CHINESE.values(), *PAGES.values()))


def test_signs_that_xml_escapes_survive():
    assert svg_in_chinese("<text>3 &lt; 4 &amp; 5</text>") == "<text>3 &lt; 4 &amp; 5</text>"


@pytest.mark.parametrize("label", PAGES)
def test_chinese_words_fit_where_the_english_ones_stand(label):
    """A picture's room is measured in DejaVu's letters, 0.6 em on average; readers see 0.5 em, and 1 em a character."""
    width = sum(1.0 if "\u4e00" <= sign <= "\u9fff" else 0.5 for sign in PAGES[label])
    assert width <= 0.6 * len(label)
