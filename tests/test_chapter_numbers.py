"""Chapters have the numbers that the nav gives them: in their titles, and wherever a link names one."""

from pathlib import Path

import pytest

from rfguide._site.chapters import chapters, misnumbered
from rfguide._site.grammar import parse, read

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*/**/*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT / "docs").as_posix())
def test_no_page_gives_a_chapter_another_number(path):
    assert list(map(str, misnumbered(read(path, ROOT)))) == []


@pytest.mark.parametrize("shown", ["chapter 5", "Chapter 5", "5", "第 5 章"])
def test_a_link_with_a_wrong_number_is_named(shown):
    page = parse(f"# A\n\nMore in [{shown}](learn/position.md#derive).\n", "docs/en/questions.md")
    message = f"docs/en/questions.md:3: the text says {shown!r}, but position.md is chapter 4 in the nav"
    assert list(map(str, misnumbered(page))) == [message]


def test_a_title_without_its_number_is_named():
    for title in ("Position", "3 · Position"):
        (problem,) = misnumbered(parse(f"# {title} {{#position}}\n", "docs/en/learn/position.md"))
        assert str(problem) == "docs/en/learn/position.md:1: the title of this chapter begins '4 · ', as the nav counts"
    assert chapters()[4] == "position.md"
