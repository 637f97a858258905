"""The chapters' numbers: their order in the nav gives them, and titles and links must agree."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from rfguide._site.grammar import Page, Problem

NAV = Path(__file__).parents[3] / "mkdocs.yml"
LISTED = re.compile(r"^ *- (learn/[\w-]+\.md)$", re.MULTILINE)
NUMBERED = re.compile(r"(?:chapter |第 ?)?(\d+)(?: ?章)?", re.IGNORECASE)
TITLE = re.compile(r"(\d+) · ")


@cache
def chapters() -> tuple[str, ...]:
    """Return the files of the chapters, from chapter 0 on, such as `stride.md`."""
    return tuple(PurePosixPath(path).name for path in LISTED.findall(NAV.read_text(encoding="utf-8")))


def misnumbered(page: Page) -> Iterator[Problem]:
    """Yield the titles and links of a page that give a chapter another number than the nav does."""
    path = PurePosixPath(page.path)
    if path.parent.name == "learn" and path.name in chapters():
        number = chapters().index(path.name)
        title = page.headings[0]
        if not (found := TITLE.match(title.title)) or int(found[1]) != number:
            yield Problem(page.path, title.line, f"the title of this chapter begins '{number} · ', as the nav counts")
    for link in page.links:
        yield from _link(page, link.line, link.target, page.text[: link.end])


def _link(page: Page, line: int, target: str, before: str) -> Iterator[Problem]:
    name = PurePosixPath(target.partition("#")[0]).name
    shown = before.rpartition("](")[0].rpartition("[")[2]
    said = NUMBERED.fullmatch(shown)
    if said and name in chapters() and int(said[1]) != (number := chapters().index(name)):
        yield Problem(page.path, line, f"the text says {shown!r}, but {name} is chapter {number} in the nav")
