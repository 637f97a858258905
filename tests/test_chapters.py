"""The learning path: its numbers stand on its pages, its sentences are short, no term comes before its definition."""

import re
from functools import cache
from pathlib import Path

import pytest

from rfguide._site.grammar import Page, parse

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)

# What rows 0 to 6 of the learning path must show: chapter, what the number is, as printed or shown in verified prose.
REQUIRED = [
    ("three-rules", "prose", "conv1, conv2: 3 5"),
    ("three-rules", "measured", "measured: 3 4 8 10"),
    ("three-rules", "D′ in order", "D′ in order: 3 6 8 16"),
    ("three-rules", "own stride", "own stride: 3 5 7 9"),
    ("three-rules", "the NaN probe, unit (4, 4) of pool2", "rows (13, 22), columns (13, 22): 100 pixels"),
    ("feature-maps", "maps of conv1", "conv1 [1, 16, 32, 32]"),
    ("feature-maps", "maps of pool1", "pool [1, 16, 16, 16]"),
    ("feature-maps", "maps of conv2", "conv2 [1, 32, 16, 16]"),
    ("feature-maps", "maps of pool2", "pool [1, 32, 8, 8]"),
    ("feature-maps", "parameters of conv1", "448"),
    ("feature-maps", "parameters of conv2", "4,640"),
    ("feature-maps", "parameters of 64 filters", "1,792"),
    ("feature-maps", "memory of their maps", "12.25 MiB"),
    ("feature-maps", "64 maps of 224", "[1, 64, 224, 224]"),
    ("feature-maps", "5 cells, window 2, stride 2", "2"),
    ("feature-maps", "10 cells, kernel 3, stride 2", "4.5 4"),
    ("feature-maps", "AlexNet", "55.25 55"),
    ("feature-maps", "floor of 112", "55 55"),
    ("feature-maps", "ceiling of 112", "56 56"),
    ("feature-maps", "ceiling by the formula", "ceiling in the formula: 17"),
    ("feature-maps", "ceiling by torch", "torch: 16"),
    ("feature-maps", "weight with two groups", "[32, 8, 3, 3]"),
    ("two-windows", "stacks of 3×3, counted", "3 5 7"),
    ("two-windows", "2×2 on 2×2", "(2, 2) formula: 3 counted: 3"),
    ("two-windows", "overlap", "1 2 3 2 1"),
    ("two-windows", "weights of one 7×7, 64 maps", "200,704"),
    ("two-windows", "weights of three 3×3", "110,592"),
    ("two-windows", "weights of one 5×5", "102,400"),
    ("two-windows", "weights of two 3×3", "73,728"),
    ("two-windows", "DnCNN's layers", "17 layers: 35 counted: 35"),
    ("stride", "the article's net, k s r j", "conv1 3 1 3 1 3"),
    ("stride", "the article's net, k s r j", "pool1 2 2 4 2 4"),
    ("stride", "the article's net, k s r j", "conv2 3 1 8 2 8"),
    ("stride", "the article's net, k s r j", "pool2 2 2 10 4 10"),
    ("stride", "VGG-16's pools and fc6", "pools: 6 16 44 100 212 fc6: 404"),
    ("stride", "doubling at each pool", "308"),
    ("stride", "PatchGAN, n = 1", "field 16,"),
    ("stride", "PatchGAN, n = 2", "field 34,"),
    ("stride", "PatchGAN, n = 3", "field 70,"),
    ("stride", "PatchGAN, n = 4", "field 142,"),
    ("stride", "PatchGAN, n = 5", "field 286,"),
    ("stride", "CNN Explainer's last map", "16 of 64"),
    ("stride", "one strided layer moved", "3 7 11 15 19"),
    ("position", "unit 4 of pool2", "unit 4: pixels 13 22"),
    ("position", "ResNet-50's centres", "centres 0, 1, 2: 0.0 32.0 64.0"),
    ("position", "VGG-16's centres", "centres 0, 1, 2: 15.5 47.5 79.5"),
    ("position", "the unit on pixel 100", "nearest unit 25, centre 100.0"),
    ("position", "start error of one layer", "one layer: 1.0 instead of 0.0"),
    ("position", "start error of ResNet-50", "ResNet-50: 31.0 instead of 0.0"),
    ("border", "pool2, unit by unit", "7 10 10 10 10 10 10 7"),
    ("border", "units of pool2 that touch padding", "28 of 64"),
    ("border", "VGG-16 at 224, unit 0", "unit 0 sees 0 to 121"),
    ("border", "VGG-16's units inside", "1 of 49"),
    ("border", "ResNet-50's size", "size 427"),
    ("border", "ResNet-50 at 224, unit 0", "unit 0 sees 0 to 213"),
    ("border", "ResNet-50 at 224, all units", "214 224 224 224 224 224 224"),
    ("border", "ones through ones, corner and edge", "[[4 6 6 6 4]"),
    ("border", "ones through ones, inside", "[6 9 9 9 6]"),
    ("border", "share touched after 1 layer", "1 layers: 12%"),
    ("border", "share touched after 5 layers", "5 layers: 53%"),
    ("border", "share touched after 10 layers", "10 layers: 86%"),
    ("border", "share touched after 16 layers", "16 layers: 100%"),
    ("border", "padding 0, 1, 2: one size", "padding 2: size 8"),
    ("dilation", "2, 2, 2", "(2, 2, 2): span 13, read 7, of the square 29%"),
    ("dilation", "1, 2, 5", "(1, 2, 5): span 17, read 17"),
    ("dilation", "1, 2, 3", "(1, 2, 3): span 13, read 13"),
    ("dilation", "1, 2, 9", "(1, 2, 9): span 25, read 21, of the square 71%"),
    ("dilation", "the twin with the last pool forgotten", "3 4 8 9"),
    ("dilation", "the dilated twin", "dense 3 4 8 10"),
    ("dilation", "largest field without holes", "largest field without holes: 27"),
    ("dilation", "its dilations", "dilations, in any order: (1, 3, 9)"),
    ("branches", "ResNet-18", "435"),
    ("branches", "ResNet-34", "899"),
    ("branches", "ResNet-50, stage by stage", "35 91 267 427"),
    ("branches", "ResNet-50 v1, stage by stage", "35 99 291 483"),
    ("branches", "ResNet-101", "971"),
    ("branches", "ResNet-152", "1451"),
    ("branches", "shortcuts alone", "through shortcuts alone: 11"),
    ("branches", "routes through ResNet-50", "65,536"),
    ("branches", "Distill, figure 4, unit 0", "unit 0: span 7, real 5"),
    ("branches", "Distill, figure 4, unit 1", "unit 1: span 6, real 6"),
    ("branches", "Distill, figure 4, unit 2", "unit 2: span 5, real 5"),
    ("branches", "Distill, figure 4, unit 3", "unit 3: span 6, real 5"),
    ("branches", "centre of the convolution", "centre 10.0"),
    ("branches", "centre of the pooling", "centre 10.5"),
    ("branches", "YOLOv3 at 32", "effective stride 32: 917"),
    ("branches", "YOLOv3 at 16", "effective stride 16: 949"),
    ("branches", "YOLOv3 at 8", "effective stride 8: 949 981"),
    ("branches", "YOLOv3 without its upper branches", "533 213"),
]
CONFIRMED = ("two-windows", "stride", "position", "border", "dilation", "branches")

# A term, and the chapter that defines it: there it stands in bold or italics, and on no page before it stands at all.
# (English pattern, Chinese, chapter)
TERMS = [
    (r"receptive fields?", "感受野", "three-rules"),
    (r"units?", "单元", "feature-maps"),
    (r"NaN probe", "NaN 探针", "two-windows"),
    (r"gradient probe", "梯度探针", "two-windows"),
    (r"effective strides?", "有效步幅", "stride"),
    (r"jumps?", "跳距", "stride"),
    (r"effective padding", "有效填充", "position"),
    (r"gridding", "网格效应", "dilation"),
    (r"branch(?:es)?", "分支", "branches"),
    (r"union", "并集", "branches"),
]


@cache
def chapters() -> tuple[str, ...]:
    """Names of the chapters in the order of the nav, such as `stride`."""
    return tuple(re.findall(r"\blearn/([\w-]+)\.md", (ROOT / "mkdocs.yml").read_text(encoding="utf-8")))


@cache
def page(name: str, language: str = "en") -> Page:
    path = ROOT / "docs" / language / "learn" / f"{name}.md"
    return parse(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


def prose(text: str) -> str:
    """Return a page's running text, without code, displayed formulas, tables, headings and sources."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = FENCE.sub("", text)
    text = re.split(r"^## .*\{#sources\}$", text, flags=re.MULTILINE)[0]
    text = re.sub(r"<!--.*?-->", "", text)
    text = re.sub(r"^ *\$\$.*?\$\$$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^ *\|.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#+ .*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"^ *(?:=== |\?\?\? \w+ |!!! \w+ )\"(.*)\"$", r"\1.", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"\$[^$\n]+\$", "x", text)
    return re.sub(r"[*_]", "", text)


def sentences(text: str) -> list[str]:
    """Cut the prose into sentences; a paragraph or an item of a list ends one as well."""
    paragraphs = re.split(r"\n\s*\n|\n(?= *(?:[*-]|\d+\.) )", prose(text))
    return [
        " ".join(sentence.split())
        for paragraph in paragraphs
        for sentence in re.split(r"(?<=[.?!])[\"”)]*\s+", " ".join(paragraph.split()))
        if re.search(r"\w", sentence)
    ]


def words(sentence: str) -> int:
    return len([word for word in sentence.split() if re.search(r"\w", word)])


def verified(name: str) -> str:
    """What the page's code prints and the numbers that its prose has checked, one line each, single spaces."""
    read = page(name)
    lines = [line for block in read.blocks if block.output for line in block.output.text.splitlines()]
    lines += [number.shown.split()[-1].strip("*(|") for number in read.numbers]
    return "\n".join(" ".join(line.split()) for line in lines)


@pytest.mark.parametrize(("chapter", "what", "number"), REQUIRED, ids=lambda value: value)
def test_a_number_of_the_learning_path_stands_on_its_page(chapter, what, number):
    pattern = rf"(?<![\d.,]){re.escape(number)}(?![\d.]|,\d)"
    assert re.search(pattern, verified(chapter)), f"{chapter} shows {what} nowhere as {number!r}"


@pytest.mark.parametrize("chapter", CONFIRMED)
def test_a_chapter_asks_formula_count_model_and_both_probes(chapter):
    code = "\n".join(block.code.text for block in page(chapter).blocks)
    used = ["receptive_fields(", "input_cells(", "rfguide.trace(", "rfguide.probe.nan(", "rfguide.probe.gradient("]
    assert [call for call in used if call not in code] == []


@pytest.mark.parametrize("chapter", chapters())
def test_english_sentences_have_at_most_25_words(chapter):
    long = [sentence for sentence in sentences(page(chapter).text) if words(sentence) > 25]
    assert long == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("term", TERMS, ids=lambda term: term[0])
def test_no_term_comes_before_its_definition(term, language):
    english, chinese, home = term
    pattern = rf"(?i:\b(?:{english})\b)" if language == "en" else chinese
    assert home in chapters()
    assert re.search(rf"\*\*?[^*\n]*(?:{pattern})[^*\n]*\*\*?", page(home, language).text), f"{home} defines no {term}"
    before = chapters()[: chapters().index(home)]
    early = [name for name in before if re.search(pattern, prose(page(name, language).text))]
    assert early == []


def test_a_sentence_is_counted_as_a_reader_counts():
    text = "Point at `a b c` and $x + y$.\n\n```python\nlong = 1\n```\n\n* One [two three](four.md). Five\n  six!"
    assert [(sentence, words(sentence)) for sentence in sentences(text)] == [
        ("Point at code and x.", 5),
        ("One two three.", 3),
        ("Five six!", 2),
    ]
