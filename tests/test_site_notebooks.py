"""The notebooks that readers download: each runs from top to bottom in a fresh kernel and shows every figure."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from built_site import SITE
from rfguide._site.grammar import parse
from rfguide._site.runner import run, without_comments

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS / "en") for path in (DOCS / "en").rglob("*.md"))


def read(language: str, page: Path):
    path = DOCS / language / page
    return parse(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())


WITH_CODE = [page for page in PAGES if read("en", page).blocks]


def offered(language: str, page: Path) -> nbformat.NotebookNode:
    """The notebook beside the page on the built site."""
    folder = page.with_suffix("") if page.stem != "index" else page.parent
    return nbformat.read(SITE / ("zh" if language == "zh" else "") / folder / f"{page.stem}.ipynb", as_version=4)


def code(made: nbformat.NotebookNode) -> list[tuple[str, list[str]]]:
    """What runs: each cell without comments, and its tags."""
    cells = [cell for cell in made.cells if cell.cell_type == "code"]
    return [(without_comments(cell.source), cell.metadata.get("tags", [])) for cell in cells]


@contextmanager
def a_readers_environment() -> Iterator[None]:
    """The tests draw into files; a reader's kernel chooses for itself."""
    kept = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if kept is not None:
            os.environ["MPLBACKEND"] = kept


@pytest.mark.browser  # it looks at the built site
@pytest.mark.parametrize("page", WITH_CODE, ids=str)
def test_a_notebook_runs_to_its_end_and_shows_every_figure(site, tmp_path, page):
    made = offered("en", page)
    with a_readers_environment():
        client = NotebookClient(made, timeout=None, startup_timeout=600, resources={"metadata": {"path": tmp_path}})
        client.km = client.create_kernel_manager()
        client.km.transport, client.km.ip = "ipc", str(tmp_path / "kernel")
        client.execute()
    cells = [cell for cell in made.cells if cell.cell_type == "code"]
    shown = [sum("image/png" in output.get("data", {}) for output in cell.outputs) for cell in cells]
    assert shown == [len(one.figures) for one in run(read("en", page)).given]


@pytest.mark.browser
@pytest.mark.parametrize("page", WITH_CODE, ids=str)
def test_the_chinese_notebook_runs_the_same_code(site, page):
    """So what holds for the one that was run holds for its twin."""
    assert code(offered("zh", page)) == code(offered("en", page))
