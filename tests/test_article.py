"""The article's claims: all there, in order, in both languages, each with its verdict and its check."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from rfguide._site.grammar import Page, read

DOCS = Path(__file__).parents[1] / "docs"
VERDICTS = {
    "en": {"✓ right": "right", "◐ incomplete": "incomplete", "✗ wrong": "wrong", "≠ inconsistent": "inconsistent"},
    "zh": {"✓ 正确": "right", "◐ 不完整": "incomplete", "✗ 错误": "wrong", "≠ 自相矛盾": "inconsistent"},
}
OPINION = {"en": "opinion", "zh": "观点"}
LINK = re.compile(r"\((?:claims[\w-]*\.md)?#(c\d+)\)")
CLAIM = re.compile(r"(?P<id>C\d+) (?P<verdict>.+?)(?:: |：)(?P<claim>.+)")


@dataclass
class Claim:
    """One claim: its block runs from its heading to the next one."""

    id: str
    anchor: str | None
    verdict: str
    text: str
    checked: bool


def page(language: str, name: str = "claims") -> Page:
    return read(DOCS / language / "article" / f"{name}.md")


def claims(language: str) -> list[Claim]:
    """Read the claims off the headings of the three pages, with the text below each."""
    found = []
    for source in (page(language, name) for name in ("claims", "claims-rules", "claims-sizes")):
        for heading, following in zip(source.headings, [*source.headings[1:], None], strict=True):
            if not (match := CLAIM.fullmatch(heading.title)):
                continue
            end = following.start if following else len(source.text)
            parts = (*source.numbers, *(block.code for block in source.blocks))
            checked = any(heading.start < part.start < end for part in parts)
            text = source.text[heading.start : end]
            found.append(Claim(match["id"], heading.id, VERDICTS[language][match["verdict"]], text, checked))
    return found


@pytest.fixture(params=["en", "zh"])
def language(request):
    return request.param


def test_all_sixty_claims_stand_in_order_each_with_its_anchor(language):
    assert [claim.id for claim in claims(language)] == [f"C{number}" for number in range(1, 61)]
    assert all(claim.anchor == claim.id.lower() for claim in claims(language))


def test_the_verdicts_are_the_same_in_both_languages():
    english, chinese = ({claim.id: claim.verdict for claim in claims(language)} for language in ("en", "zh"))
    assert english == chinese


def test_the_tally_counts_the_verdicts_and_links_every_claim(language):
    text = page(language).text
    by_verdict = {
        verdict: [c.anchor for c in claims(language) if c.verdict == verdict]
        for verdict in ("right", "incomplete", "wrong", "inconsistent")
    }
    for label, verdict in VERDICTS[language].items():
        (row,) = re.findall(rf"^\| {label.replace(' ', '&nbsp;')} \| (\d+) \| (.+) \|$", text, flags=re.MULTILINE)
        assert LINK.findall(row[1]) == by_verdict[verdict]
        assert int(row[0]) == len(by_verdict[verdict])


def test_the_counts_of_the_verdicts():
    assert Counter(claim.verdict for claim in claims("en")) == {
        "right": 26,
        "incomplete": 15,
        "wrong": 14,
        "inconsistent": 5,
    }


def test_every_claim_has_a_check_or_says_that_it_is_an_opinion(language):
    """A check is a cell, a verified number, or a link to a claim that has one."""
    checked = {claim.anchor: claim.checked for claim in claims(language)}
    for claim in claims(language):
        linked = LINK.findall(claim.text)
        opinion = OPINION[language] in claim.text
        assert claim.checked or opinion or any(checked[anchor] for anchor in linked), claim.id


def test_no_wrong_claim_is_an_opinion(language):
    assert not [
        c.id for c in claims(language) if c.verdict in ("wrong", "inconsistent") and OPINION[language] in c.text
    ]


def test_every_claim_leads_on_to_the_page_that_explains_it(language):
    leads = r"\]\((?:\.\./learn/[\w-]+|relations|net)\.md(?:#[\w-]+)?\)"
    assert [claim.id for claim in claims(language) if not re.search(leads, claim.text)] == []


@pytest.mark.parametrize("rule", ["article_rule_2", "article_section_4"])
def test_the_wrong_rules_are_run_and_fail(rule):
    """The exhibits as the page defines them, run on the article's own network, differ from the right sizes."""
    from rfguide import receptive_fields
    from rfguide.networks import NET

    (code,) = (block.code.text for block in page("en", "claims-rules").blocks if f"def {rule}(" in block.code.text)
    names: dict[str, object] = {"NET": NET}
    exec(code.split("\nconvolutions =")[0], names)
    sizes = names["forwards"](names[rule], NET)
    assert sizes != [field.size for field in receptive_fields(NET)]
