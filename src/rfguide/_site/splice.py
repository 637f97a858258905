"""From the Markdown of a page to the Markdown that a site builder reads: plain functions.

What the grammar adds is gone afterwards: numbers have lost their expressions, formulas are MathML,
figures are pictures, the explorer is its element. Any builder that reads Markdown can go on from here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from textwrap import indent

from rfguide._site.check import written_as
from rfguide._site.grammar import Block, Number, Page, PageError, Problem
from rfguide._site.labels import svg_in_chinese
from rfguide._site.mathml import mathml
from rfguide._site.runner import Run


@dataclass(frozen=True)
class Picture:
    """A figure of a page as a file of the site."""

    path: str  # under docs/
    svg: str


@dataclass(frozen=True)
class Spliced:
    """The finished Markdown and the pictures that it shows."""

    markdown: str
    pictures: tuple[Picture, ...]


Edit = tuple[int, int, str]
CLOSING = re.compile("[.,;:?)，。、；：？！）]+")


def spliced(page: Page, run: Run, language: str, name: str, to_root: str) -> Spliced:
    """Return the page's finished Markdown.

    Args:
        page: The page; it holds (`check.problems` finds nothing).
        run: What its code gave.
        language: "en" or "zh".
        name: What its pictures are called, such as "learn-stride".
        to_root: The way from the page to docs/, such as "../../".

    Raises:
        PageError: If an explorer cannot be shown.
    """
    edits: list[Edit] = []
    problems: list[Problem] = []
    edits += [_number(page, number, run) for number in page.numbers]
    for math in page.maths:
        element, end = mathml(math.latex, inline=math.inline), math.end
        # A line may break after <math>, and a full stop would begin the next one.
        if math.inline and (closing := CLOSING.match(page.text, end)):
            element, end = f'<span class="rf-glued">{element}{closing[0]}</span>', closing.end()
        edits.append((math.start, end, _placed(page, math.start, math.inline, math.indent, element)))
    for comment in page.comments:
        if comment.kind == "explorer":
            try:
                shown = indent(_explorer(comment.text, language), comment.indent)
            except ValueError as error:
                problems.append(Problem(page.path, comment.line, f"explorer: {error}"))
                continue
            edits.append((_line_start(page, comment.start), comment.end, shown))
        elif comment.kind != "figure":
            edits.append((comment.start, comment.end, ""))
    pictures: list[Picture] = []
    for block, given in zip(page.blocks, run.given, strict=True):
        edits += _output(block)
        for comment, (light, dark) in zip(block.figures, given.figures, strict=True):
            number = 1 + len(pictures) // 2
            paths = [f"assets/figures/{name}-{number}.{language}.{theme}.svg" for theme in ("light", "dark")]
            texts = [svg_in_chinese(svg) if language == "zh" else svg for svg in (light, dark)]
            pictures += [Picture(path, svg) for path, svg in zip(paths, texts, strict=True)]
            shown = "\n".join(
                f"{comment.indent}{_image(comment.text, to_root + path, theme, light)}"
                for path, theme in zip(paths, ("light", "dark"), strict=True)
            )
            edits.append((_line_start(page, comment.start), comment.end, shown))
    if problems:
        raise PageError(problems)
    return Spliced(apply(page.text, edits), tuple(pictures))


def apply(text: str, edits: list[Edit]) -> str:
    """Return the text with every stretch (start, end) replaced."""
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _line_start(page: Page, offset: int) -> int:
    return page.text.rfind("\n", 0, offset) + 1


def _number(page: Page, number: Number, run: Run) -> Edit:
    text = written_as(number.shown, run.values[f"{number.blocks}:{number.expression}"])
    assert text is not None, "the page holds"
    start = number.start - len(text)
    if page.text[start : number.start] != text:  # the number stands inside emphasis
        return number.start, number.end, ""
    span = f'<span class="rf-verified" title="{_attribute(number.expression)}">{text}</span>'
    return start, number.end, span


def _attribute(text: str) -> str:
    """Escape a text for an attribute that stands in Markdown, and perhaps in a table."""
    return re.sub(r"[|*_`\[\]\\]", lambda sign: f"&#{ord(sign[0])};", escape(text))


def _placed(page: Page, start: int, inline: bool, indentation: str, element: str) -> str:
    if not inline:
        return f"{indentation}{element}\n"
    # At the start of a line Markdown would take <math> for a block of its own; after a <span> it does not.
    at_line_start = not page.text[_line_start(page, start) : start].strip()
    return f"<span>{element}</span>" if at_line_start else element


def _output(block: Block) -> list[Edit]:
    if block.output is None:
        return []
    output = block.output
    if output.info == "markdown":
        return [(output.start, output.end, indent(output.text, output.indent))]
    fence = f"{output.indent}```{{ .text .no-copy }}\n"
    return [(output.start, output.start + len(output.indent) + len("```text\n"), fence)]


def _image(alt: str, path: str, theme: str, svg: str) -> str:
    width, height = _pixels(svg)
    alt = re.sub(r"([\[\]\\*_`])", r"\\\1", alt)
    return f'![{alt}]({path}#only-{theme}){{ width="{width}" height="{height}" loading="lazy" }}'


def _pixels(svg: str) -> tuple[int, int]:
    """Return the size that the picture gives for itself, in CSS pixels."""
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box, "matplotlib writes its size in points"
    return round(float(box[1]) * 4 / 3), round(float(box[2]) * 4 / 3)


def _explorer(options: str, language: str) -> str:
    from rfguide._site.explorer import embed

    embedded: Callable[[str, str], str] = embed
    return embedded(options, language)
