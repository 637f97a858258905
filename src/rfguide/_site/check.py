"""Compare what a page says with what its code gives; every difference names the page and the line."""

import ast
import difflib
import re
from collections.abc import Iterator

from rfguide._site.formulas import fault
from rfguide._site.grammar import Block, Page, Problem
from rfguide._site.runner import Given, Run, run

TOKEN = re.compile(r"(\S+)$")


def problems(page: Page) -> list[Problem]:
    """Return all that does not hold on the page, in the order of its lines."""
    return sorted([*page.problems, *differences(page, run(page))])


def differences(page: Page, given: Run) -> Iterator[Problem]:
    """Yield the differences between a page and what its code gave."""
    for block, result in zip(page.blocks, given.given, strict=True):
        yield from _block(page, block, result)
    for math in page.maths:
        if math.call and (reason := fault(math.latex, math.call)):
            yield Problem(page.path, math.line, reason)
    for number in page.numbers:
        place = f"{number.blocks}:{number.expression}"
        if reason := given.failures.get(place):
            yield Problem(page.path, number.line, f"{number.expression} cannot be evaluated: {reason}")
        elif not _ends_with(number.shown, given.values[place]):
            shown = TOKEN.search(number.shown)
            value = given.values[place][0]
            yield Problem(
                page.path,
                number.line,
                f"the text says {shown[1] if shown else 'nothing'!r}, but {number.expression} is {value}",
            )


def _ends_with(shown: str, texts: tuple[str, ...]) -> bool:
    """Tell whether the prose ends with one of the texts, and not with more digits than it."""
    shown = shown.rstrip("*_`")
    for text in texts:
        if shown.endswith(text):
            before = shown[: len(shown) - len(text)][-1:]
            if not (text[0].isalnum() and ((before.isascii() and before.isalnum()) or before in tuple(".,-−"))):
                return True
    return False


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
