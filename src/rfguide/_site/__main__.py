"""The author's tool: `python -m rfguide._site check PAGE…` and `… fill PAGE…`."""

import sys
from pathlib import Path

import click

from rfguide._site.check import problems
from rfguide._site.fill import filled
from rfguide._site.grammar import read

PAGES = click.argument("pages", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def main() -> None:
    """Check the pages of the site, or write into them what their code prints."""


@main.command()
@PAGES
def check(pages: tuple[Path, ...]) -> None:
    """Run each page and print what does not hold, as page:line: what."""
    found = [problem for path in pages for problem in problems(read(path))]
    for problem in found:
        click.echo(problem)
    click.echo(f"{len(pages)} page(s), {len(found)} problem(s)", err=True)
    sys.exit(1 if found else 0)


@main.command()
@PAGES
def fill(pages: tuple[Path, ...]) -> None:
    """Write the real outputs into the text fences; read them before you believe them."""
    for path in pages:
        text = filled(read(path))
        if text != path.read_text(encoding="utf-8"):
            path.write_text(text, encoding="utf-8")
            click.echo(f"{path}: filled")


if __name__ == "__main__":
    main(prog_name="python -m rfguide._site")
