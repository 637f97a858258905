"""Collect every example in docstrings, pages and READMEs, so that `pytest` runs them all.

Docstrings hold `>>>` examples, as Python's own. Pages hold the grammar of `rfguide._site.grammar`: each
block, number, formula and problem of a page is a test that names its line. Both are Sybil's to collect.
"""

import os
import random
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection
from xdist.scheduler import LoadScopeScheduling

from rfguide._site.check import problems
from rfguide._site.grammar import Problem, read

ROOT = Path(__file__).parent


@cache
def found_on(path: str) -> list[Problem]:
    """Read and run a page, once; its code shares a run with its twin's."""
    return problems(read(Path(path), ROOT))


def holds(example: Example) -> str | None:
    """Say what does not hold on the lines of this part of the page; nothing if all does."""
    first, last = example.parsed
    return "\n".join(str(one) for one in found_on(example.path) if first <= one.line <= last) or None


def page_parts(document: Document) -> Iterable[Region]:
    """Cut a page into parts between which nothing is left out: each starts at a block, number or formula."""
    page = read(Path(document.path), ROOT)
    starts = {(part.line, part.start) for part in (*page.numbers, *page.maths)}
    starts |= {(block.code.line, block.code.start) for block in page.blocks}
    lines = dict(sorted(starts, reverse=True))  # the first part of each line stands for the line
    lines.setdefault(1, 0)
    ordered = sorted(lines)
    total = page.text.count("\n") + 1
    for line, after in zip(ordered, [*ordered[1:], total + 1], strict=True):
        end = lines[after] if after in lines else len(page.text)
        yield Region(lines[line], end, parsed=(line, after - 1), evaluator=holds)


class Scheduling(LoadScopeScheduling):
    """With `-n`, the examples of a file stay together and in order, as do a page and its twin; tests go anywhere."""

    def _split_scope(self, nodeid: str) -> str:
        path, _, example = nodeid.partition("::")
        return re.sub("^docs/(en|zh)/", "docs/", path) if example.startswith("sybil:") else nodeid


@pytest.hookimpl(optionalhook=True)  # xdist's
def pytest_xdist_make_scheduler(config: Any, log: Any) -> LoadScopeScheduling:
    """Tell xdist how to share out the tests."""
    return Scheduling(config, log)


def pytest_configure() -> None:
    """Choose an order for this run; the processes of `-n` inherit it. `RFGUIDE_ORDER=… pytest` repeats one."""
    os.environ.setdefault("RFGUIDE_ORDER", str(random.SystemRandom().randrange(10**6)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle files, and tests inside a file, so that none leans on another; a page keeps its order."""
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    chance = random.Random(os.environ["RFGUIDE_ORDER"])
    groups = [files[name] for name in sorted(files)]
    chance.shuffle(groups)
    for group in groups:
        if not any("::sybil:" in item.nodeid for item in group):
            chance.shuffle(group)
    items[:] = [item for group in groups for item in group]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to repeat the order."""
    terminalreporter.write_line(f"in the order RFGUIDE_ORDER={os.environ['RFGUIDE_ORDER']}")


docstrings = Sybil(
    parsers=[DocTestParser()],
    patterns=["*.py"],
    path=str(ROOT / "src"),
    document_types={".py": PythonDocStringDocument},
    name="docstrings",
)
pages = Sybil(parsers=[page_parts], patterns=["*.md"], path=str(ROOT / "docs"), name="pages")
readmes = Sybil(parsers=[page_parts], patterns=["README.md", "README.zh.md"], path=str(ROOT), name="readmes")

pytest_collect_file = SybilCollection([docstrings, pages, readmes]).pytest()
