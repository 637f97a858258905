"""A reader who copies every block that they see, from top to bottom, gets what the page shows."""

import re
from pathlib import Path

import pytest

from rfguide._site.grammar import Block, Page, parse
from rfguide._site.runner import _run

ROOT = Path(__file__).parents[1]
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))
OPENS = re.compile(r"^( *)(===\+?|\?\?\?\+?|!!!) ?.*$")


def hidden(lines: list[str]) -> set[int]:
    """The lines, from 1, inside folded boxes and inside tabs other than the first of their group."""
    found: set[int] = set()
    boxes: list[tuple[int, bool]] = []  # indents of the boxes around a line, and whether each is closed
    last_tab: dict[int, bool] = {}  # the indents at which the line before belongs to a group of tabs
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        while boxes and indent <= boxes[-1][0]:
            boxes.pop()
        if opens := OPENS.match(line):
            tab = opens[2].startswith("===")
            boxes.append((indent, opens[2] == "???" or (tab and last_tab.get(indent, False))))
            last_tab = {**{other: on for other, on in last_tab.items() if other < indent}, indent: tab}
        else:
            last_tab = {other: on for other, on in last_tab.items() if other < indent}
        if any(closed for _, closed in boxes):
            found.add(number)
    return found


def seen(page: Page) -> list[Block]:
    unseen = hidden(page.text.split("\n"))
    return [block for block in page.blocks if block.code.line not in unseen]


def copied(page: Page) -> list[str]:
    """What differs when only the visible blocks are run."""
    blocks = seen(page)
    only = type(page)(**{**vars(page), "blocks": blocks, "numbers": []})
    return [
        f"{page.path}:{block.code.line}: {given.error}"
        for block, given in zip(blocks, _run(only).given, strict=True)
        if given.error and given.error.splitlines()[-1] not in (block.output.text if block.output else "")
    ]


def page(text: str) -> Page:
    return parse(f"# T {{#t}}\n\n{text}", "docs/en/t.md")


@pytest.mark.parametrize(
    "box", ['=== "One"\n\n    Text.\n\n=== "Two"\n', '??? success "Answer"\n'], ids=["second tab", "folded answer"]
)
def test_what_a_closed_box_defines_is_missed(box):
    closed = f"{box}\n    ```python\n    x = 1\n    ```\n\nText.\n\n```python\nx\n```\n"
    assert copied(page(closed))[0].endswith("NameError: name 'x' is not defined")
    assert copied(page(closed.replace("???", "???+").replace('"One"\n\n    Text.\n\n=== ', ""))) == []


@pytest.mark.parametrize("path", [path for path in PAGES if "/labs/" not in path and "docs/en/" in path])
def test_the_visible_blocks_run_in_their_order(path):
    assert copied(parse((ROOT / path).read_text(encoding="utf-8"), path)) == []


@pytest.mark.parametrize("path", [path for path in PAGES if "docs/en/" in path])
def test_a_page_and_its_twin_show_the_same_blocks(path):
    twin = path.replace("docs/en/", "docs/zh/")
    pair = [parse((ROOT / one).read_text(encoding="utf-8"), one) for one in (path, twin)]
    places = [[page.blocks.index(block) for block in seen(page)] for page in pair]
    assert places[0] == places[1]
