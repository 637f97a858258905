"""Two languages, one page: whatever is no prose must be the same in both."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from fractions import Fraction
from itertools import zip_longest

from rfguide._site.grammar import Page, Part, Problem, read
from rfguide._site.grounds import said_by_section
from rfguide._site.numbers import Token
from rfguide._site.runner import without_comments

Seen = tuple[Part, Hashable]


def drift(page: Page, twin: Page) -> list[Problem]:
    """Return where the twin says something else than the page: the first difference of each kind."""
    found = []
    for kind, look in KINDS.items():
        ours, theirs = list(look(page)), list(look(twin))
        for (_, expected), (part, came) in zip(ours, theirs, strict=False):
            if came != expected:
                said, meant = _first_difference(came, expected)
                found.append(Problem(twin.path, part.line, f"{kind} {said!r} is {meant!r} in {page.path}"))
                break
        else:
            if len(ours) > len(theirs):
                part, expected = ours[len(theirs)]
                last = theirs[-1][0].line if theirs else 1
                found.append(
                    Problem(twin.path, last, f"{kind} {expected!r} of {page.path}:{part.line} has no counterpart")
                )
            elif len(theirs) > len(ours):
                part, came = theirs[len(ours)]
                found.append(Problem(twin.path, part.line, f"{kind} {came!r} is not in {page.path}"))
    return sorted(found)


def twin_of(page: Page) -> Page | None:
    """Return the page of the other language, if there is one."""
    here, there = ("en", "zh") if "/en/" in page.path else ("zh", "en")
    file = page.root / page.path.replace(f"/{here}/", f"/{there}/", 1)
    return read(file) if f"/{here}/" in page.path and file.is_file() else None


def lacking(page: Page, twin: Page) -> Iterator[Problem]:
    """Yield the numbers that a section says, in digits, more often than its twin does in digits and in words."""
    for (line, ours), (_, theirs) in zip(said_by_section(page), said_by_section(twin), strict=False):
        surplus = _digits(ours) - _digits(theirs)
        for value, times in sorted(surplus.items()):
            if times > max(0, _words(theirs)[value] - _words(ours)[value]):  # "one" is a number only sometimes
                yield Problem(page.path, line, f"this section says {value} more often than its twin in {twin.path}")


def _words(said: list[Token]) -> Counter[Fraction]:
    return Counter(token.value for token in said if not token.in_digits)


def _digits(said: list[Token]) -> Counter[Fraction]:
    return Counter(token.value for token in said if token.in_digits)


def _first_difference(came: Hashable, expected: Hashable) -> tuple[Hashable, Hashable]:
    """Return the first lines that differ, of two texts."""
    if isinstance(came, str) and isinstance(expected, str):
        lines = zip_longest(came.splitlines(), expected.splitlines())
        return next((pair for pair in lines if pair[0] != pair[1]), (came, expected))
    return came, expected


def _code(page: Page) -> Iterator[Seen]:
    for block in page.blocks:
        yield block.code, without_comments(block.code.text)


def _outputs(page: Page) -> Iterator[Seen]:
    for block in page.blocks:
        if block.output:
            yield block.output, block.output.text


def _figures(page: Page) -> Iterator[Seen]:
    for number, block in enumerate(page.blocks, 1):
        for figure in block.figures:
            yield figure, f"of block {number}"


def _numbers(page: Page) -> Iterator[Seen]:
    """Numbers by section: within one, the order of a sentence is each language's own."""
    starts = [heading.start for heading in page.headings]
    section = {number: sum(start < number.start for start in starts) for number in page.numbers}
    for number in sorted(page.numbers, key=lambda one: (section[one], one.expression)):
        shown = re.search(r"[\d.,/−-]*\d$", number.shown.rstrip("*_`"))
        yield number, (section[number], number.expression, shown[0] if shown else "")


def _formulas(page: Page) -> Iterator[Seen]:
    for math in page.maths:
        if not math.inline:
            yield math, (math.latex, math.call)


def _headings(page: Page) -> Iterator[Seen]:
    for heading in page.headings:
        yield heading, (heading.level, heading.id)


def _links(page: Page) -> Iterator[Seen]:
    """Where links lead, by section, whatever their order in the sentences."""
    starts = [heading.start for heading in page.headings]
    section = {link: sum(start < link.start for start in starts) for link in page.links}
    for link in sorted(page.links, key=lambda one: (section[one], one.target)):
        yield link, link.target


def _explorers(page: Page) -> Iterator[Seen]:
    for comment in page.comments:
        if comment.kind == "explorer":
            yield comment, comment.text


KINDS: dict[str, Callable[[Page], Iterator[Seen]]] = {
    "the code": _code,
    "the output": _outputs,
    "the figure": _figures,
    "the number": _numbers,
    "the formula": _formulas,
    "the heading": _headings,
    "the link": _links,
    "the explorer": _explorers,
}
