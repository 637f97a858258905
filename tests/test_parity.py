"""English and Chinese are equals: the same pages, and on each page the same code, outputs, numbers and links."""

from pathlib import Path

import pytest

from rfguide._site.grammar import parse, read
from rfguide._site.parity import drift, lacking

ROOT = Path(__file__).parents[1]
DATA = Path(__file__).parent / "data"
PAGES = sorted(path.relative_to(ROOT / "docs/en").as_posix() for path in (ROOT / "docs/en").rglob("*.md"))


def test_both_languages_have_the_same_pages():
    assert sorted(path.relative_to(ROOT / "docs/zh").as_posix() for path in (ROOT / "docs/zh").rglob("*.md")) == PAGES


@pytest.mark.parametrize("page", [pytest.param(page, id=page) for page in PAGES])
def test_the_languages_agree(page):
    english, chinese = read(ROOT / "docs/en" / page, ROOT), read(ROOT / "docs/zh" / page, ROOT)
    found = [*drift(english, chinese), *lacking(english, chinese), *lacking(chinese, english)]
    if found:
        pytest.fail("\n".join(map(str, found)))


def test_the_readmes_agree():
    found = drift(read(ROOT / "README.md", ROOT), read(ROOT / "README.zh.md", ROOT))
    assert not [problem for problem in found if "the link" not in problem.message], "\n".join(map(str, found))


ENGLISH = (DATA / "good.md").read_text(encoding="utf-8")
CHINESE = (DATA / "good.zh.md").read_text(encoding="utf-8")


def drifts(chinese: str) -> list[str]:
    found = drift(parse(ENGLISH, "docs/en/good.md"), parse(chinese, "docs/zh/good.md"))
    return [str(problem) for problem in found]


def test_the_good_page_does_not_drift():
    assert drifts(CHINESE) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "padding=2))",
            "padding=1))",
            "docs/zh/good.md:50: the code 'print(output_size(2, 5, padding=1))'"
            " is 'print(output_size(2, 5, padding=2))' in docs/en/good.md",
            id="code",
        ),
        pytest.param(
            "(32, 16)\n",
            "(32, 17)\n",
            "docs/zh/good.md:22: the output '(32, 17)' is '(32, 16)' in docs/en/good.md",
            id="output",
        ),
        pytest.param(
            "112<!--",
            "113<!--",
            "docs/zh/good.md:7: the number (1, 'output_size(224, 7, stride=2, padding=3)', '113')"
            " is (1, 'output_size(224, 7, stride=2, padding=3)', '112') in docs/en/good.md",
            id="number",
        ),
        pytest.param(
            "112<!--= output_size(224, 7, stride=2, padding=3) -->",
            "112",
            "docs/zh/good.md:29: the number (2, 'parameters', '1,792')"
            " is (1, 'output_size(224, 7, stride=2, padding=3)', '112') in docs/en/good.md",
            id="number no longer checked",
        ),
        pytest.param(
            "{#edge}",
            "{#rand}",
            "docs/zh/good.md:36: the heading (2, 'rand') is (2, 'edge') in docs/en/good.md",
            id="heading",
        ),
        pytest.param(
            "other.md#there",
            "other.md",
            "docs/zh/good.md:58: the link 'other.md' is 'other.md#there' in docs/en/good.md",
            id="link",
        ),
        pytest.param(
            "<!-- figure: 3 格的卷积核在 5 格的轴上，步幅 2：能放在第 0 格和第 2 格。 -->\n",
            "",
            "docs/zh/good.md:1: the figure 'of block 1' of docs/en/good.md:27 has no counterpart",
            id="figure",
        ),
    ],
)
def test_drift_is_named_with_page_and_line(old, new, message):
    assert CHINESE.count(old) == 1
    assert drifts(CHINESE.replace(old, new)) == [message]


def test_comments_in_code_may_differ():
    assert drifts(CHINESE.replace("# 两个位置", "# 这里有两个位置")) == []


def test_a_number_that_only_one_language_says_is_named():
    english = parse("# A {#a}\n\n## B {#b}\n\nThree layers see 7 pixels, twice 3 and 1.\n", "docs/en/a.md")
    for said, lacks in (("三层看到 7 个像素，即 3 的两倍加 1。", []), ("三层看到 8 个像素，即 3 的两倍加 1。", [7, 8])):
        chinese = parse(f"# A {{#a}}\n\n## B {{#b}}\n\n{said}\n", "docs/zh/a.md")
        found = [*lacking(english, chinese), *lacking(chinese, english)]
        pages = ("docs/en/a.md", "docs/zh/a.md")
        expected = [
            f"{page}:3: this section says {value} more often than its twin in {twin}"
            for page, twin, value in zip(pages, pages[::-1], lacks, strict=False)
        ]
        assert list(map(str, found)) == expected
