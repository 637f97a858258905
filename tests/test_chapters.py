"""The learning path: its numbers stand on its pages. All pages: short sentences, no term before its definition."""

import re
from functools import cache
from pathlib import Path

import pytest

from rfguide import input_cells, receptive_fields
from rfguide._site.grammar import Page, parse
from rfguide.networks import STACKS

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
    ("feature-maps", "224, kernel 3, padding 1", "224.0 224"),
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

# A term, and the page that defines it: there its first use stands in bold or italics, and no page before it uses it.
# (English pattern, Chinese pattern, page)
TERMS = [
    (r"receptive fields?", "感受野", "learn/three-rules.md"),
    (r"convolutions?", "卷积(?!网络|核)", "learn/three-rules.md"),
    (r"kernels?", "卷积核", "learn/three-rules.md"),
    (r"weights?", "权重", "learn/three-rules.md"),
    (r"poolings?", "池化", "learn/three-rules.md"),
    (r"(?<!effective )strides?", "(?<!有效)步幅", "learn/three-rules.md"),
    (r"feature maps?", "特征图", "learn/three-rules.md"),
    (r"padding", "填充", "learn/three-rules.md"),
    (r"channels?", "(?<!颜色)通道", "learn/feature-maps.md"),
    (r"units?", "单元", "learn/feature-maps.md"),
    (r"bias(?:es)?", "偏置", "learn/feature-maps.md"),
    (r"filters?", "滤波器", "learn/feature-maps.md"),
    (r"parameters?", "参数", "learn/feature-maps.md"),
    (r"dilations?", "膨胀", "learn/feature-maps.md"),
    (r"extent", "跨度", "learn/feature-maps.md"),
    (r"hooks?", "钩子", "learn/feature-maps.md"),
    (r"batch", "批量", "learn/feature-maps.md"),
    (r"NaN probe", "NaN 探针", "learn/two-windows.md"),
    (r"gradient probe", "梯度探针", "learn/two-windows.md"),
    (r"effective strides?", "有效步幅", "learn/stride.md"),
    (r"jumps?", "跳距", "learn/stride.md"),
    (r"dense layers?", "全连接层", "learn/stride.md"),
    (r"effective padding", "有效填充", "learn/position.md"),
    (r"patch(?:es)?", "图块|图像块", "learn/stride.md"),
    (r"anchors?", "锚框", "learn/position.md"),
    (r"gridding", "网格效应", "learn/dilation.md"),
    (r"residual blocks?", "残差块", "learn/branches.md"),
    (r"shortcuts?", "捷径", "learn/branches.md"),
    (r"branch(?:es)?", "分支", "learn/branches.md"),
    (r"union", "并集", "learn/branches.md"),
    (r"heads?", "检测头", "learn/branches.md"),
    (r"upsampling", "上采样", "explorer.md"),
    (r"MACs?", "乘加", "article/relations.md"),
    (r"transposed convolutions?", "转置卷积", "questions.md"),
    (r"skip connections?", "跳跃连接", "learn/branches.md"),
]
WORDS = 24  # an English sentence has under 25 words
CHARACTERS = 45  # in a Chinese sentence, up to 。？！ or ；: about what 24 English words say
CLAUSE = 30  # between any two marks


@cache
def nav() -> tuple[str, ...]:
    """Paths of all pages in the order of the nav, such as `learn/stride.md`."""
    listed = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2].partition("\n\n")[0]
    return tuple(re.findall(r"[\w/-]+\.md", listed))


@cache
def path() -> tuple[str, ...]:
    """The pages that a reader goes through from the first to the last; guides and reference are for looking up."""
    return tuple(page for page in nav() if not page.startswith(("index", "guides/", "reference/", "verified")))


@cache
def page(name: str, language: str = "en") -> Page:
    file = ROOT / "docs" / language / name
    return parse(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix())


def marked(text: str) -> str:
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
    text = re.sub(r"<(kbd)>(.*?)</\1>", r"\2", text)
    text = re.sub(r"`[^`]*`", "code", text)
    return re.sub(r"\$[^$\n]+\$", "x", text)


def prose(text: str) -> str:
    """Return a page's running text, as plain text."""
    return re.sub(r"[*_]", "", marked(text))


def paragraphs(text: str) -> list[str]:
    """Cut the prose where a sentence ends in any case: after a paragraph, an item of a list, a legend's symbol."""
    return re.split(r"\n\s*\n|\n(?= *(?:[*-]|\d+\.) )| · ", prose(text))


def sentences(text: str) -> list[str]:
    """Cut the prose into English sentences."""
    return [
        " ".join(sentence.split())
        for paragraph in paragraphs(text)
        for sentence in re.split(r"(?<=[.?!])[\"”)]*\s+", " ".join(paragraph.split()))
        if re.search(r"\w", sentence)
    ]


def words(sentence: str) -> int:
    return len([word for word in sentence.split() if re.search(r"\w", word)])


def chinese(text: str, marks: str) -> list[str]:
    """Cut Chinese prose at the marks."""
    return [part for each in paragraphs(text) for part in re.split(f"[{marks}]", "".join(each.split())) if part]


def characters(sentence: str) -> int:
    """Count Chinese characters; a foreign word or a number is one."""
    return len(re.findall(r"[\u4e00-\u9fff]|[A-Za-z0-9_.,×′²−-]+", sentence))


def verified(name: str, language: str) -> str:
    """What the page's code prints and the numbers that its prose has checked, one line each, single spaces."""
    read = page(name, language)
    lines = [line for block in read.blocks if block.output for line in block.output.text.splitlines()]
    lines += [re.sub(r"^.*[ *(|（，\u4e00-\u9fff]", "", number.shown) for number in read.numbers]
    return "\n".join(" ".join(line.split()) for line in lines)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("chapter", "what", "number"), REQUIRED, ids=lambda value: value)
def test_a_number_of_the_learning_path_stands_on_its_page(chapter, what, number, language):
    pattern = rf"(?<![\d.,]){re.escape(number)}(?![\d.]|,\d)"
    shown = verified(f"learn/{chapter}.md", language)
    assert re.search(pattern, shown), f"{chapter} shows {what} nowhere as {number!r}"


@pytest.mark.parametrize("chapter", CONFIRMED)
def test_a_chapter_asks_formula_count_model_and_both_probes(chapter):
    code = "\n".join(block.code.text for block in page(f"learn/{chapter}.md").blocks)
    used = ["receptive_fields(", "input_cells(", "rfguide.trace(", "rfguide.probe.nan(", "rfguide.probe.gradient("]
    assert [call for call in used if call not in code] == []


@pytest.mark.parametrize("name", nav())
def test_english_sentences_have_under_25_words(name):
    long = [sentence for sentence in sentences(page(name).text) if words(sentence) > WORDS]
    assert long == []


@pytest.mark.parametrize("name", nav())
def test_chinese_sentences_and_clauses_are_short(name):
    text = page(name, "zh").text
    long = [sentence for sentence in chinese(text, "。？！；") if characters(sentence) > CHARACTERS]
    long += [clause for clause in chinese(text, "。？！；，、：（）—…") if characters(clause) > CLAUSE]
    assert long == []


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("term", TERMS, ids=lambda term: term[0])
def test_no_term_comes_before_its_definition(term, language):
    """On no page before; and on its own page the definition, in bold or italics, is the first use."""
    english, chinese, home = term
    pattern = re.compile(rf"(?i:(?<![\w-])(?:{english})\b)" if language == "en" else chinese)
    early = [name for name in path()[: path().index(home)] if pattern.search(prose(page(name, language).text))]
    assert early == []

    text = re.sub(r'《.*?》|\(".*?"\)', "", marked(page(home, language).text), flags=re.DOTALL)  # the article's title
    emphasized = [range(*match.span()) for match in re.finditer(r"\*\*[^*]+\*\*|(?<!\*)\*(?=[^\s*])[^*]+\*", text)]
    first = pattern.search(text)
    assert first, f"{home} does not use {english}"
    around = " ".join(text[max(0, first.start() - 60) : first.end() + 20].split())
    assert any(first.start() in each for each in emphasized), f"{home} does not define {english} first: …{around}…"


@pytest.mark.parametrize("name", nav())
def test_chinese_emphasis_shows_on_a_code_host_too(name):
    """CommonMark ends no emphasis between a mark and a character: **是？**所以 keeps its stars."""
    text = re.sub(r"<!--.*?-->", "", FENCE.sub("", page(name, "zh").text))
    text = re.sub(r"`[^`\n]*`", "`code`", text)
    lost = []
    for match in re.finditer(r"(\*\*?)(?![\s*])([^*\n]+)(?<!\s)\1(?!\*)", text):
        before, after = text[match.start() - 1], text[match.end()]
        first, last = match[2][0], match[2][-1]
        if (before.isalnum() and not first.isalnum()) or (after.isalnum() and not last.isalnum()):
            lost.append(before + match[0] + after)
    assert lost == []


def test_every_stage_of_the_resnets_is_confirmed_by_formula_and_by_counting():
    """The chapter on branches prints them from traces alone."""
    output = {block.output.text for block in page("learn/branches.md").blocks if block.output}
    (printed,) = (text for text in output if text.startswith("ResNet-18: "))
    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
    lines = []
    for depth, blocks in counts.items():
        layers = STACKS[f"resnet{depth}"].layers
        last = [
            max(i for i, layer in enumerate(layers, 1) if layer.name.startswith(f"layer{stage}.{count - 1}."))
            for stage, count in enumerate(blocks, 1)
        ]
        formula = [receptive_fields(layers[:end])[-1].size for end in last]
        cells = [input_cells(layers[:end], 0) for end in last]
        assert formula == [each[-1] - each[0] + 1 for each in cells]
        lines.append(f"ResNet-{depth}: {' '.join(map(str, formula))}")
    assert printed.splitlines() == lines


def test_a_sentence_is_counted_as_a_reader_counts():
    text = "Point at `a b c` and $x + y$.\n\n```python\nlong = 1\n```\n\n* One [two three](four.md). Five\n  six!"
    assert [(sentence, words(sentence)) for sentence in sentences(text)] == [
        ("Point at code and x.", 5),
        ("One two three.", 3),
        ("Five six!", 2),
    ]


def test_a_chinese_sentence_is_cut_at_its_marks():
    text = "`a b` 看到 7×7 个像素，\n共 49 个；*真的*。\n\n$n$ 输入 · $m$ 输出"
    assert chinese(text, "。？！；") == ["code看到7×7个像素，共49个", "真的", "x输入", "x输出"]
    assert [characters(each) for each in chinese(text, "。；，")] == [7, 3, 2, 3, 3]
