"""What a page may say, and that whatever only looks like it is refused by line."""

import pytest

from rfguide._site.grammar import parse


def problems(text: str, path: str = "docs/en/t.md") -> list[str]:
    return [str(problem) for problem in parse(text, path).problems]


def test_parts_know_their_lines():
    page = parse(
        '# T {#t}\n\nSays 2<!--= 1 + 1 --> and $k$.\n\n=== "Tab"\n\n    ```python\n    x = 1\n\n    y = 2\n    ```\n',
        "t.md",
    )
    assert [(number.line, number.expression, number.blocks) for number in page.numbers] == [(3, "1 + 1", 0)]
    assert [(math.line, math.latex) for math in page.maths] == [(3, "k")]
    assert [(block.code.line, block.code.text) for block in page.blocks] == [(7, "x = 1\n\ny = 2\n")]


@pytest.mark.parametrize(
    "text",
    [
        "Code spans say nothing: `2<!--= 1 -->`, `$k`, ``` `$` ``` and `<!-- figure: x -->`.\n",
        "It costs \\$5, and $k$, $k_1$ and 2$L$ are formulas.\n",
        "$k$个单元，核为$k$。\n",
        "<!-- skip: next, shown as it is written -->\n\n````markdown\n```python\n1 / 0\n```\n\n2<!--= 3 -->\n````\n",
        "---\ntitle: Front matter\n---\n",
        "A rule stands alone:\n\n---\n\nSo.\n",
        "<!-- formula: f(k) -->\n$$ k\n+ 1 $$\n",
        "$k + 1$<!-- formula: f(k) --> in a sentence.\n",
    ],
)
def test_what_is_fine(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("It costs $5.\n", r"a $ that opens or closes no formula (write \$ for the sign itself)"),
        ("<!--\nhidden\n-->\n", "a comment must end on the line it begins on"),
        ("<!-- note to self -->\n",
         "unknown comment <!-- note to self -->; it may be figure, formula, skip, explorer: … or = expression"),
        ("Text <!-- figure: x -->\n", "<!-- figure: … --> must stand alone on its line"),
        ("<!-- figure: x -->\n", "figure: no block above draws it"),
        ("<!-- formula: f(k) -->\n\ntext\n", "formula: but no $$ … $$ follows"),
        ("<!-- skip: next, why -->\n\ntext\n", "skip: next, but no fence and no formula follows"),
        ("Text <!-- formula: f(k) -->\n", "formula: f(k) must follow $…$ directly, or stand alone above $$ … $$"),
        ("$$ k\n\ntext\n", "the formula $$ is never closed"),
        ("```python\nx = 1\n", "the fence ```python is never closed"),
        ("```text\n1\n```\n",
         "a ```text fence stands right after the ```python fence that prints it; this one follows none "
         "(or write <!-- skip: next, reason --> above it)"),
        ("# Title\n", "the heading 'Title' needs an id of its own: ## Title {#id}"),
    ],
)  # fmt: skip
def test_what_is_refused(text, message):
    assert f"docs/en/t.md:1: {message}" in problems(text)


def test_a_heading_is_written_one_way():
    assert problems("Title\n=====\n") == [
        "docs/en/t.md:2: a heading is written with # marks and {#id}; a rule has a blank line above it"
    ]


def test_a_readme_has_headings_without_ids():
    assert problems("# Title\n\n## Part\n", "README.md") == []
