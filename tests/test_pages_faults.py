"""Proof that a page cannot lie: one fault at a time in a good page, each found and named by page and line."""

from pathlib import Path

import pytest

import rfguide
import rfguide.sizes
from rfguide._site import store
from rfguide._site.catalogue import ENTRIES
from rfguide._site.check import problems
from rfguide._site.grammar import parse

GOOD = (Path(__file__).parent / "data/good.md").read_text(encoding="utf-8")


def found(text: str, path: str = "docs/en/good.md") -> list[str]:
    return [str(problem) for problem in problems(parse(text, path))]


def test_the_good_page_holds():
    assert found(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "map of 112<!--",
            "map of 111<!--",
            "docs/en/good.md:7: the text says '111', but output_size(224, 7, stride=2, padding=3) is 112",
            id="wrong number in prose",
        ),
        pytest.param(
            "**1,792**<!--",
            "**11,792**<!--",
            "docs/en/good.md:29: the text says '**11,792**', but parameters is 1792",
            id="a digit too many before a right number",
        ),
        pytest.param(
            "(32, 16)\n",
            "(32, 15)\n",
            "docs/en/good.md:24: the page says '(32, 15)', the block prints '(32, 16)'",
            id="wrong output line",
        ),
        pytest.param(
            "```text\n2\n(32, 16)\n```\n",
            "",
            "docs/en/good.md:12: the block prints '2', but no ```text fence follows it",
            id="deleted output block",
        ),
        pytest.param(
            "n + 2p",
            "n - 2p",
            "docs/en/good.md:34: the formula gives -1 for n=1, k=1, s=1, p=1, d=1, but output_size is 3",
            id="changed sign in a formula",
        ),
        pytest.param(
            r"\left\lfloor \frac{n + 2p - d(k-1) - 1}{s} \right\rfloor",
            r"\left\lceil \frac{n + 2p - d(k-1) - 1}{s} \right\rceil",
            "docs/en/good.md:34: the formula gives 2 for n=1, k=1, s=3, p=1, d=1, but output_size is 1",
            id="ceil for floor",
        ),
        pytest.param(
            r"\frac{n + 2p",
            r"\fraq{n + 2p",
            r"docs/en/good.md:34: the formula cannot be read: unknown command \fraq",
            id="unknown LaTeX command",
        ),
        pytest.param(
            "$k - 1$",
            r"$k \minos 1$",
            r"docs/en/good.md:8: \minos is no LaTeX that can be shown",
            id="unknown LaTeX command in a sentence",
        ),
        pytest.param(
            "(padding=2 would fit)",
            "(padding=3 would fit)",
            "docs/en/good.md:41: the block raises GeometryError: kernel_size=5, dilation=1 spans 5 cells;"
            " input_size=2, padding=1 has 4 (padding=2 would fit)",
            id="changed error text",
        ),
        pytest.param(
            "<!-- figure: A kernel of 3 cells on an axis of 5, stride 2: it fits at cells 0 and 2. -->\n",
            "",
            "docs/en/good.md:12: the block draws 1 figure(s), the page shows 0"
            " (<!-- figure: alt text --> after the block)",
            id="missing figure comment",
        ),
        pytest.param(
            "plot_places(5, 3, stride=2)  # two places\n",
            "",
            "docs/en/good.md:26: the block draws 0 figure(s), the page shows 1"
            " (<!-- figure: alt text --> after the block)",
            id="missing figure",
        ),
        pytest.param(
            "    ```text\n    2\n",
            "    ```text\n    3\n",
            "docs/en/good.md:55: the page says '3', the block prints '2'",
            id="wrong output inside a content tab",
        ),
        pytest.param(
            "## Count {#count}",
            "## Count",
            "docs/en/good.md:10: the heading 'Count' needs an id of its own: ## Count {#id}",
            id="heading without an id",
        ),
        pytest.param(
            "<!-- formula: output_size(n, k, s, p, d) -->\n",
            "",
            "docs/en/good.md:33: a displayed formula needs <!-- formula: name(symbols) --> above it"
            " (or <!-- skip: next, reason -->)",
            id="formula that nothing checks",
        ),
        pytest.param(
            "<!--= parameters -->",
            "<!-- parameters -->",
            "docs/en/good.md:29: unknown comment <!-- parameters -->;"
            " it may be figure, formula, skip, explorer: … or = expression",
            id="number that nothing checks",
        ),
        pytest.param(
            "print(output_sizes(",
            "print(output_siz(",
            "docs/en/good.md:18: the block raises NameError: name 'output_siz' is not defined",
            id="block that fails",
        ),
    ],
)
def test_each_fault_is_named_with_page_and_line(old, new, message):
    assert GOOD.count(old) == 1
    assert message in found(GOOD.replace(old, new))


@pytest.mark.parametrize(
    "info", ["py", "pycon", 'python title="sizes.py"', "python hl_lines=1", "Python", "{.python}", "", "python3"]
)
def test_a_fence_that_would_not_run_is_refused(info):
    bad = GOOD.replace("```python\nfrom", f"```{info}\nfrom")
    assert any(
        line.startswith(
            f"docs/en/good.md:12: the fence ```{info} would not be run: the info string must be exactly python"
        )
        for line in found(bad)
    )


def test_a_fence_may_say_why_it_is_not_run():
    assert found(GOOD + "\n<!-- skip: next, commands for a shell -->\n\n```bash\nmake serve\n```\n") == []
    assert found(GOOD + "\n<!-- skip: next -->\n\n```bash\nmake serve\n```\n") == [
        "docs/en/good.md:60: write <!-- skip: next, reason -->, with the reason"
    ]


def test_an_off_by_one_in_the_library_breaks_its_pages(monkeypatch):
    right = rfguide.output_size
    monkeypatch.setattr(rfguide, "output_size", lambda *args, **options: right(*args, **options) + 1)
    monkeypatch.setattr(store, "_memory", {})
    monkeypatch.setattr(store, "library_at_start", lambda: "a library that is off by one")
    monkeypatch.setenv("CI", "true")
    monkeypatch.delitem(ENTRIES["output_size"].__dict__, "values", raising=False)
    try:
        assert found(GOOD)[:3] == [
            "docs/en/good.md:7: the text says '112', but output_size(224, 7, stride=2, padding=3) is 113",
            "docs/en/good.md:23: the page says '2', the block prints '3'",
            "docs/en/good.md:34: the formula gives 1 for n=1, k=1, s=1, p=0, d=1, but output_size is 2",
        ]
    finally:
        del ENTRIES["output_size"].__dict__["values"]


def test_a_label_without_chinese_is_found_on_the_chinese_page():
    block = '```python\nimport matplotlib.pyplot as plt\n\nplt.title("an unheard-of label", color="#1b2430")\n```\n'
    page = f"# T {{#t}}\n\n{block}\n<!-- figure: 图 -->\n"
    assert found(page, "docs/en/t.md") == []
    assert found(page, "docs/zh/t.md") == [
        "docs/zh/t.md:9: the figure label 'an unheard-of label' has no Chinese; add it to rfguide/_site/labels.py"
    ]


def test_a_colour_without_a_dark_twin_is_found():
    block = '```python\nimport matplotlib.pyplot as plt\n\nplt.plot([1, 2], color="#123456")\n```\n'
    assert found(f"# T {{#t}}\n\n{block}\n<!-- figure: A line. -->\n", "docs/en/t.md") == [
        "docs/en/t.md:9: #123456 is no colour of rfguide.plot.LIGHT and has no dark twin"
    ]


def test_pytest_gives_every_line_of_a_page_to_some_example(request):
    """So that no problem, whatever its line, gets lost between the examples that `conftest.py` cuts."""
    (conftest,) = {
        plugin
        for plugin in request.config.pluginmanager.get_plugins()
        if getattr(plugin, "__file__", None) == str(Path(__file__).parents[1] / "conftest.py")
    }
    for path in sorted(Path(__file__).parents[1].glob("docs/*/**/*.md")):
        text = path.read_text(encoding="utf-8")
        regions = list(conftest.page_parts(type("Document", (), {"path": str(path)})))
        lines = [line for region in regions for line in range(region.parsed[0], region.parsed[1] + 1)]
        assert lines == list(range(1, text.count("\n") + 2)), path
