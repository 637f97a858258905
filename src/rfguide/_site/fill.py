"""Write what a page's code prints into the page: the author's help, never part of a build."""

from textwrap import indent

from rfguide._site.grammar import Page
from rfguide._site.runner import run


def filled(page: Page) -> str:
    """Return the page's text with every text fence as its block prints it; missing ones are added."""
    text = page.text
    for block, given in reversed(list(zip(page.blocks, run(page).given, strict=True))):
        body = given.text.rstrip()
        output, code = block.output, block.code
        fence = indent(
            f"```{output.info if output else 'text'}\n{body}\n```\n", code.indent, lambda line: bool(line.strip())
        )
        if output and body:
            text = text[: output.start] + fence + text[output.end :]
        elif output:
            text = text[: output.start].rstrip() + "\n" + text[output.end :]
        elif body:
            text = text[: code.end] + "\n" + fence + text[code.end :]
    return text
