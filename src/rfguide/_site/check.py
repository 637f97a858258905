"""Compare what a page says with what its code gives; every difference names the page and the line."""

import ast
import difflib
import re
from collections.abc import Iterator
from pathlib import Path

from rfguide._site.chapters import misnumbered
from rfguide._site.formulas import fault
from rfguide._site.grammar import Block, Comment, Math, Page, PageError, Problem
from rfguide._site.grounds import groundless
from rfguide._site.labels import UnknownLabel, svg_in_chinese
from rfguide._site.mathml import Unreadable, mathml
from rfguide._site.parity import lacking, twin_of
from rfguide._site.runner import Given, Run, run

COLOUR = re.compile(r"\b(?:fill|stroke|color)(?:: |=\")(#[0-9a-f]{6})\b")
TOKEN = re.compile(r"(\S+)$")
CONSTANT = re.compile(r"[\s(+-]*\d[\d._]*[\s)]*|['\"].*['\"]")


def problems(page: Page) -> list[Problem]:
    """Return all that does not hold on the page, in the order of its lines."""
    try:
        return sorted([*page.problems, *differences(page, run(page))])
    except PageError as error:  # it does not come to its end
        return sorted([*page.problems, *error.problems])


def differences(page: Page, given: Run) -> Iterator[Problem]:
    """Yield the differences between a page and what its code gave."""
    yield from misnumbered(page)
    yield from groundless(page, given)
    if twin := twin_of(page):
        yield from (*lacking(page, twin), *lacking(twin, page))
    for block, result in zip(page.blocks, given.given, strict=True):
        yield from _block(page, block, result)
    for math in page.maths:
        if reason := (math.call and fault(math.latex, math.call)) or _unreadable(math):
            yield Problem(page.path, math.line, reason)
    for number in page.numbers:
        place = f"{number.blocks}:{number.expression}"
        if CONSTANT.fullmatch(number.expression):
            reason = f"{number.expression} computes nothing: call or name something of the page, or reckon"
            yield Problem(page.path, number.line, reason)
        if reason := given.failures.get(place):
            yield Problem(page.path, number.line, f"{number.expression} cannot be evaluated: {reason}")
        elif written_as(number.shown, given.values[place]) is None:
            shown = TOKEN.search(number.shown)
            value = given.values[place][0]
            yield Problem(
                page.path,
                number.line,
                f"the text says {shown[1] if shown else 'nothing'!r}, but {number.expression} is {value}",
            )


def _unreadable(math: Math) -> str | None:
    try:
        mathml(math.latex, inline=math.inline)
    except Unreadable as error:
        return str(error)
    return None


def written_as(shown: str, texts: tuple[str, ...]) -> str | None:
    """Return the text with which the prose ends, provided that no more of a number stands before it.

    Examples:
        >>> from rfguide._site.check import written_as
        >>> written_as("an image of 1,792", ("1792", "1,792"))
        '1,792'
        >>> written_as("an image of 12", ("2",))
    """
    shown = shown.rstrip("*_`")
    for text in texts:
        if shown.endswith(text):
            before = shown[: len(shown) - len(text)][-1:]
            goes_on = (before.isascii() and before.isalnum()) or before in tuple(".,-−")
            if not (goes_on and text[0].isalnum()):
                return text
    return None


def _block(page: Page, block: Block, given: Given) -> Iterator[Problem]:
    code, output = block.code, block.output
    expected = output.text if output else ""
    if given.text.rstrip() != expected.rstrip():
        yield _difference(page, block, given)
    for warning in given.warned:
        yield Problem(page.path, code.line, f"the block warns: {warning}")
    if len(given.figures) != len(block.figures):
        line = block.figures[-1].line if block.figures else code.line
        yield Problem(
            page.path,
            line,
            f"the block draws {len(given.figures)} figure(s), the page shows {len(block.figures)} "
            "(<!-- figure: alt text --> after the block)",
        )
    for comment, (light, _) in zip(block.figures, given.figures, strict=False):
        yield from _figure(page, comment, light)


def _figure(page: Page, comment: Comment, light: str) -> Iterator[Problem]:
    from rfguide.plot import LIGHT

    if strange := sorted({colour[1] for colour in COLOUR.finditer(light)} - set(LIGHT.values())):
        yield Problem(
            page.path, comment.line, f"{', '.join(strange)} is no colour of rfguide.plot.LIGHT and has no dark twin"
        )
    if "zh" in Path(page.path).parts:
        try:
            svg_in_chinese(light)
        except UnknownLabel as error:
            yield Problem(page.path, comment.line, str(error))


def _difference(page: Page, block: Block, given: Given) -> Problem:
    code, output = block.code, block.output
    if given.error and (output is None or given.error.splitlines()[-1] not in output.text.splitlines()):
        return Problem(page.path, code.line + _line_of(code.text, given.statement), f"the block raises {given.error}")
    if output is None:
        first = given.text.splitlines()[0]
        return Problem(page.path, code.line, f"the block prints {first!r}, but no ```text fence follows it")
    expected, came = output.text.rstrip().splitlines(), given.text.rstrip().splitlines()
    for tag, start, end, other, last in difflib.SequenceMatcher(None, expected, came, autojunk=False).get_opcodes():
        if tag != "equal":
            says = "\n".join(expected[start:end]) or "nothing"
            gives = "\n".join(came[other:last]) or "nothing"
            return Problem(page.path, output.line + 1 + start, f"the page says {says!r}, the block prints {gives!r}")
    raise AssertionError("texts that differ have a line that differs")


def _line_of(source: str, statement: int) -> int:
    try:
        return ast.parse(source).body[statement].lineno
    except SyntaxError as error:
        return error.lineno or 1
