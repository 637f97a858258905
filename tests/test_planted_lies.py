"""Lies, planted one at a time into real pages by a seeded generator: how many does the page's own check catch?

A lie in one language is compared with the twin; the same lie in both has only the page's own grounds against it.
"""

import random
from dataclasses import dataclass
from pathlib import Path

import pytest

from rfguide._site.grammar import Page, parse, read
from rfguide._site.grounds import PENDING, computed, groundless, said_at
from rfguide._site.numbers import ENGLISH, Token
from rfguide._site.parity import lacking, twin_of
from rfguide._site.runner import run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
LIES = 100
ENGLISH_WORDS = {value: word for word, value in reversed(ENGLISH.items())}


@dataclass(frozen=True)
class Lie:
    """A number of a page's words, and what stands there instead."""

    page: Page
    start: int
    end: int
    said: str

    def planted(self) -> Page:
        return parse(self.page.text[: self.start] + self.said + self.page.text[self.end :], self.page.path)


def bare(page: Page) -> list[tuple[int, Token]]:
    """The numbers of the page that no expression stands beside."""
    return [(at, token) for at, token in said_at(page) if not computed(page, at + len(token.text))]


def raised(page: Page, at: int, token: Token) -> Lie | None:
    """Raise a number by one, in digits or in words, if there is a next one to write."""
    following = token.value + 1
    if token.in_digits:
        said = str(following) if following.denominator == 1 else str(float(following))
        return Lie(page, at, at + len(token.text), said.replace("-", "−"))
    word = ENGLISH_WORDS.get(following)
    return Lie(page, at, at + len(token.text), word) if word else None


def lies(language: str, *, digits: bool, names: list[str] | None = None) -> list[Lie]:
    pages = [read(path, ROOT) for path in sorted((DOCS / language).rglob("*.md"))]
    pages = [page for page in pages if names is None or page.path.removeprefix("docs/") in names]
    found = [raised(page, at, token) for page in pages for at, token in bare(page) if token.in_digits == digits]
    drawn = [lie for lie in found if lie]
    return random.Random(13).sample(drawn, min(LIES, len(drawn)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_number_raised_in_one_language_is_caught(language):
    """At least 95 of 100, on any page, whether it is through or not."""
    planted = [lie.planted() for lie in lies(language, digits=True)]
    twins = {page.path: twin_of(page) for page in planted}
    caught = [bool([*lacking(page, twins[page.path]), *lacking(twins[page.path], page)]) for page in planted]
    assert len(caught) == LIES
    assert sum(caught) >= 95, [page.path for page, found in zip(planted, caught, strict=True) if not found]


@pytest.mark.parametrize(
    ("digits", "least"), [pytest.param(True, 50, id="digits"), pytest.param(False, 35, id="words")]
)
def test_a_number_raised_in_both_languages_is_caught_by_its_grounds(digits, least):
    """On the pages that are through; in hundredths, and only ever to be raised."""
    chapters = [path.relative_to(DOCS).as_posix() for path in (DOCS / "en/learn").glob("*.md")]
    planted = [lie.planted() for lie in lies("en", digits=digits, names=[n for n in chapters if n not in PENDING])]
    caught = sum(any(groundless(page, run(page))) for page in planted)
    assert planted
    assert 100 * caught >= least * len(planted), f"{caught} of {len(planted)}"
