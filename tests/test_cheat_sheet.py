"""The cheat sheet: every formula that stands on any page stands on it, and every entry of the catalogue."""

import re
from pathlib import Path

import pytest

from rfguide._site.catalogue import ENTRIES
from rfguide._site.grammar import read

DOCS = Path(__file__).parents[1] / "docs"


def formulas(path: Path) -> set[str]:
    """Return the names of the functions that a page's formulas must equal."""
    return {math.call.partition("(")[0] for math in read(path).maths if math.call}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_formula_of_the_site_is_on_the_cheat_sheet(language):
    missing = {
        (name, path.name)
        for path in (DOCS / language).rglob("*.md")
        for name in formulas(path) - formulas(DOCS / language / "cheat-sheet.md")
    }
    assert missing == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_entry_of_the_catalogue_is_on_the_cheat_sheet(language):
    assert set(ENTRIES) - formulas(DOCS / language / "cheat-sheet.md") == set()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["cheat-sheet/", "zh/cheat-sheet/"])
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_two_sheets(chromium, address, path, paper):
    page = chromium.new_page()
    try:
        page.goto(address + path)
        pdf = page.pdf(format=paper, prefer_css_page_size=True)
    finally:
        page.close()
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 2
