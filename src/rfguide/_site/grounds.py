"""No bare numbers: whatever number a page says is computed, or printed or given by the code that it stands beside.

A number in words that readers see has a ground if

* it is *computed*: `112<!--= output_size(224, 7, stride=2, padding=3) -->`, repeats such a number of its
  section, is given in the expression, or stands on one side of an equation that comes out: 4 + 2·2 = 8;
* it is *printed* by the block above or below it in its section, or *given* in that block's code or in a formula of
  the section that is compared with the library. A section without a block leads to the next one;
* it is *recalled*: from ten on, a number that any block of the page prints or gives. Several in a row
  (13 to 22; 3, 4, 8 and 10) are recalled together, as they stand in a line there;
* it is in a question, which says nothing yet, or in *plain language* (`numbers.PLAIN`).

What stands under Sources is read by people. Pages that are not through yet are in `PENDING`, which only shrinks.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path, PurePosixPath

from rfguide._site.chapters import NUMBERED, TITLE
from rfguide._site.grammar import Block, Page, Problem
from rfguide._site.numbers import Token, tokens
from rfguide._site.runner import Given, Run

ROOT = Path(__file__).parents[3]
PENDING: frozenset[str] = frozenset(
    {
        "en/article/claims-rules.md",
        "en/article/claims-sizes.md",
        "en/article/claims.md",
        "en/article/net.md",
        "en/article/relations.md",
        "en/guides/other-tools.md",
        "en/guides/your-model.md",
        "en/labs/feature-maps.md",
        "en/learn/branches.md",
        "en/learn/dilation.md",
        "en/learn/feature-maps.md",
        "en/learn/position.md",
        "en/learn/three-rules.md",
        "en/questions.md",
        "en/reference/api.md",
        "en/reference/command-line.md",
        "en/reference/plot.md",
        "en/reference/probe.md",
        "en/reference/symbols.md",
        "en/verified.md",
        "zh/article/claims-rules.md",
        "zh/article/claims-sizes.md",
        "zh/article/claims.md",
        "zh/article/net.md",
        "zh/article/relations.md",
        "zh/guides/other-tools.md",
        "zh/guides/your-model.md",
        "zh/labs/feature-maps.md",
        "zh/learn/branches.md",
        "zh/learn/dilation.md",
        "zh/learn/feature-maps.md",
        "zh/learn/position.md",
        "zh/learn/three-rules.md",
        "zh/questions.md",
        "zh/reference/command-line.md",
        "zh/reference/plot.md",
        "zh/reference/probe.md",
        "zh/reference/symbols.md",
        "zh/verified.md",
    }
)

LINKED = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)[^)]*\)")
HIDDEN = re.compile(r"<!--.*?-->|\{[^}\n]*\}|<[^>\n]+>|^ *\d+\. |https?://\S+|arXiv:\S+|doi:\S+", re.MULTILINE)
QUESTION = re.compile(r"[^.。！!?？\n|]*[?？]")
EQUATION = re.compile(r"(?P<left>(?:min|max|[\d(])[\d\s+−·×/(),minmax]*?) = (?P<right>[−-]?[\d,.]*\d)")
DRAWN = re.compile(r"<text\b[^>]*>([^<]*)</text>")
CHAPTER = re.compile(r"^# \d+ · |^ +heading_level: \d+", re.MULTILINE)
RECALLED = 10
# What may stand between two numbers of one row.
JOINED = re.compile(r"[*_` ]*(?:,|、|×|to|and|到|至|和|–|,? and|，)[*_` ]*(?:第 ?|像素 ?)?")
WAYS = (
    "compute it (<!--= expression -->), print it or give it in the code of its section, "
    "ask for it, or say it without a number"
)


@dataclass(frozen=True)
class Section:
    """A stretch of the page between two headings, and the numbers that its marks and formulas vouch for."""

    start: int
    end: int
    vouched: frozenset[Fraction]
    blocks: tuple[int, ...]
    leads_to: int | None  # the next block, if the section has none


def groundless(page: Page, given: Run) -> Iterator[Problem]:
    """Yield every number of the page's words that nothing vouches for."""
    if not page.in_site:
        return
    name = page.path.rpartition("docs/")[2]
    found = _bare(page, given)
    if name not in PENDING:
        yield from found
    elif next(found, None) is None:
        yield Problem(page.path, 1, f"every number of this page has a ground now: take {name} out of grounds.PENDING")


def _bare(page: Page, given: Run) -> Iterator[Problem]:
    rows = [_evidence(block, result) for block, result in zip(page.blocks, given.given, strict=True)]
    marked = [[[token.value for token in tokens(number.shown)[-1:]]] for number in page.numbers]
    for section in _sections(page):
        text = _visible(page, section)
        for row in _rows(text, tokens(text)):
            bare = [token for token in row if not computed(page, section.start + token.end)]
            if not bare or _asked(text, row[0].start) or _equal(text, row[0].start):
                continue
            near = [rows[number] for number in _near(page, section, section.start + row[0].start)]
            if not (_stands(row, bare, near, section.vouched) or _recalled(row, [*rows, *marked])):
                yield _problem(page, section.start + row[0].start, row)
    yield from _apart(page, rows, given)


def said_at(page: Page) -> list[tuple[int, Token]]:
    """Return the numbers of the page's words, each with the place where it begins in the page's text."""
    return [(one.start + token.start, token) for one in _sections(page) for token in tokens(_visible(page, one))]


def said_by_section(page: Page) -> list[tuple[int, list[Token]]]:
    """Return the line on which each section begins, and the numbers of its words."""
    return [(page.text.count("\n", 0, one.start) + 1, tokens(_visible(page, one))) for one in _sections(page)]


def _apart(page: Page, rows: list[list[list[Fraction]]], given: Run) -> Iterator[Problem]:
    """Descriptions may say what any block of the page shows; a picture's words what its own block gives or draws."""
    opening = re.match(r"\A---\n(.*?)\n---\n", page.text, re.DOTALL)
    described = opening[1] if opening else ""
    known = [row for each in rows for row in each]
    vouched = {token.value for number in page.numbers for token in tokens(number.shown)[-1:]}
    for line, text in enumerate(described.splitlines(), 2):
        if line and text.startswith(("title:", "description:")):
            for row in _rows(text, tokens(text)):
                if not (_stands(row, row, [known], frozenset(vouched)) or _equal(text, row[0].start)):
                    yield Problem(page.path, line, _says(row))
    for block, each, result in zip(page.blocks, rows, given.given, strict=True):
        labels = " ".join(label for light, _ in result.figures for label in DRAWN.findall(light))
        drawn = frozenset(token.value for token in tokens(labels))
        for figure in block.figures:
            for row in _rows(figure.text, tokens(figure.text)):
                if not (_stands(row, row, [each], drawn) or _recalled(row, rows)):
                    yield Problem(page.path, figure.line, _says(row))


def _sections(page: Page) -> Iterator[Section]:
    begins = [0, *(heading.start for heading in page.headings if heading.level > 1), len(page.text)]
    opening = re.match(r"\A---\n.*?\n---\n", page.text, re.DOTALL)
    begins[0] = opening.end() if opening else 0
    for start, end in pairwise(begins):
        if re.match(r"#+ .*\{#sources\}", page.text[start:end]):
            continue
        blocks = tuple(n for n, block in enumerate(page.blocks) if start <= block.code.start < end)
        after = [n for n, block in enumerate(page.blocks) if block.code.start >= end]
        vouched = {
            token.value
            for number in page.numbers
            if start <= number.start < end
            for token in (*tokens(number.shown)[-1:], *tokens(number.expression))
        } | {
            Fraction(digits)
            for math in page.maths
            if start <= math.start < end and math.call
            for digits in re.findall(r"\d+", math.latex)
        }
        yield Section(start, end, frozenset(vouched), blocks, after[0] if after and not blocks else None)


def _visible(page: Page, section: Section) -> str:
    """Return the section's text with everything blanked out that is no words, every character in its place."""
    text = page.text[section.start : section.end]
    parts = [(part.start, part.end) for part in (*page.fences, *page.maths)]
    for start, end in parts:
        if section.start <= start < section.end:
            text = _blank(text, start - section.start, end - section.start)
    text = LINKED.sub(lambda link: _link(page, link), text)
    text = CHAPTER.sub(lambda title: " " * len(title[0]), text)
    return HIDDEN.sub(lambda hidden: " " * len(hidden[0]), text)


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _link(page: Page, link: re.Match[str]) -> str:
    """Keep a link's words, unless they are a chapter's number, another page's title or an address."""
    words = link["text"]
    known = NUMBERED.fullmatch(words) or words == title_of(page.path, link["target"]) or "#" in words
    shown = " " * len(words) if known else words
    return f" {shown}{' ' * (len(link[0]) - len(words) - 1)}"


@cache
def title_of(path: str, target: str) -> str | None:
    """Return the title of the page that a link leads to, without its chapter's number."""
    file = ROOT / PurePosixPath(path).parent / target.partition("#")[0]
    if file.suffix != ".md" or not file.is_file():
        return None
    found = re.search(r"^# (.*?)(?: \{#.*)?$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return TITLE.sub("", found[1]) if found else None


def _rows(text: str, found: list[Token]) -> Iterator[list[Token]]:
    """Group numbers that are said in one breath."""
    row: list[Token] = []
    for token in found:
        if row and not JOINED.fullmatch(text[row[-1].end : token.start]):
            yield row
            row = []
        row.append(token)
    if row:
        yield row


def computed(page: Page, end: int) -> bool:
    """Whether an expression follows what ends there."""
    return re.match(r"[*_`]*<!--=", page.text[end:]) is not None


def _asked(text: str, at: int) -> bool:
    return any(found.start() <= at < found.end() for found in QUESTION.finditer(text))


def _equal(text: str, at: int) -> bool:
    """Whether the place is in an equation, and both its sides are equal."""
    for found in EQUATION.finditer(text):
        if found.start() <= at < found.end():
            left = found["left"].translate(str.maketrans("−·×", "-**"))
            try:
                value = eval(left, {"__builtins__": {}, "min": min, "max": max})  # digits and signs, as EQUATION says
            except (SyntaxError, TypeError, ZeroDivisionError):
                return False
            return bool(value == float(found["right"].replace(",", "").replace("−", "-")))
    return False


def _recalled(row: list[Token], rows: list[list[list[Fraction]]]) -> bool:
    """Whether the page shows these numbers anywhere, large enough, or enough of them in a row, to be no accident."""
    values = [token.value for token in row]
    lines = [line for block in rows for line in block]
    if len(set(values)) > 1:
        return any(values == line[at : at + len(values)] for line in lines for at in range(len(line)))
    return abs(values[0]) >= RECALLED and any(values[0] in line for line in lines)


def _near(page: Page, section: Section, at: int) -> list[int]:
    """Number the blocks right above and right below a place of the section."""
    above = [number for number in section.blocks if page.blocks[number].code.start < at]
    below = [number for number in section.blocks if page.blocks[number].code.start > at]
    leads = [] if section.leads_to is None else [section.leads_to]
    return [*above[-1:], *below[:1], *leads]


def _evidence(block: Block, given: Given) -> list[list[Fraction]]:
    """Return the numbers of each line that a block prints, that its code gives, and that it draws."""
    lines = [*given.text.splitlines(), *block.code.text.splitlines()]
    lines += [label for light, _ in given.figures for label in DRAWN.findall(light)]
    return [[token.value for token in tokens(re.sub(r"(?<=[A-Za-z_])\d+", "", line))] for line in lines]


def _stands(
    row: list[Token], bare: list[Token], near: Iterable[list[list[Fraction]]], vouched: frozenset[Fraction]
) -> bool:
    lines = [line for block in near for line in block]
    known = vouched | {value for line in lines for value in line}
    values = [token.value for token in row]
    if any(token.value not in known for token in bare):
        return False
    if len(set(values)) == 1 or all(value in vouched for value in values):
        return True
    return any(values == line[at : at + len(values)] for line in lines for at in range(len(line)))


def _says(row: list[Token]) -> str:
    said = ", ".join(token.text for token in row)
    return f"nothing here gives {said!r}: {WAYS}"


def _problem(page: Page, at: int, row: list[Token]) -> Problem:
    return Problem(page.path, page.text.count("\n", 0, at) + 1, _says(row))
