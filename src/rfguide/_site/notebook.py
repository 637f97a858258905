"""The same page as a notebook: text in Markdown cells, code in code cells; for readers to download, for labs to run."""

import hashlib
import re
from collections.abc import Collection
from itertools import count
from urllib.parse import urljoin

import nbformat

from rfguide._site.grammar import Page
from rfguide._site.splice import Edit, apply

TITLED = re.compile(r'^ *(?:===\+?|\?\?\?\+?|!!!)[^"]*"(?P<title>[^"]*)"\s*$')
BLOCK = re.compile(r"^(?P<indent> *)(?:===|\?\?\?|!!!)")
HEADING_ID = re.compile(r"^(#{1,6} .*?)\s*\{\s*#[\w-]+\s*\}\s*$", re.MULTILINE)
CUT = "\x00"


def notebook(page: Page, address: str, raising: Collection[int] = ()) -> nbformat.NotebookNode:
    """Return the page as a notebook without outputs.

    Args:
        page: The page.
        address: The page's own on the site.
        raising: Which of its blocks raise an error, as they are meant to.
    """
    blocks = count()
    edits: list[Edit] = []
    for block in page.blocks:
        edits.append((block.code.start, block.code.end, f"{CUT}code{CUT}{block.code.text}{CUT}"))
        if block.output:
            edits.append((block.output.start, block.output.end, ""))
    edits += [
        (comment.start, comment.end, f"[→]({address})" if comment.kind == "explorer" else "")
        for comment in page.comments
    ]
    edits += [(number.start, number.end, "") for number in page.numbers]
    edits += [
        (link.start, link.end, urljoin(address, _as_url(link.target)))
        for link in page.links
        if not re.match(r"[a-z]+:", link.target)
    ]
    text = apply(page.text, edits)
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    cells = []
    for number, part in enumerate(re.split(f"{CUT}(code{CUT}[^{CUT}]*){CUT}", text)):
        if part.startswith(f"code{CUT}"):
            cell = nbformat.v4.new_code_cell(part.removeprefix(f"code{CUT}").strip("\n"))
            if next(blocks) in raising:
                cell.metadata["tags"] = ["raises-exception"]  # "Run all" goes on after it
        elif source := _plain(part):
            cell = nbformat.v4.new_markdown_cell(source)
        else:
            continue
        cell["id"] = hashlib.sha256(f"{page.path} {number}".encode()).hexdigest()[:8]
        cells.append(cell)
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)


def _as_url(target: str) -> str:
    """Turn the path of a page into its address; from a page, which has a folder of its own, that is one level up."""
    path, mark, anchor = target.partition("#")
    if path.endswith(".md"):
        path = f"../{path.removesuffix('.md').removesuffix('index')}"
        path = path if path.endswith("/") else f"{path}/"
    return f"{path}{mark}{anchor}"


def _plain(markdown: str) -> str:
    """Turn the tabs and boxes of the site into headed paragraphs, which every notebook shows."""
    lines = []
    depth = 0
    for line in markdown.splitlines():
        if block := BLOCK.match(line):
            depth = len(block["indent"]) + 4
            titled = TITLED.match(line)
            lines.append(f"**{titled['title']}**" if titled else "")
            continue
        if line.strip() and not line.startswith(" " * depth):
            depth = 0
        lines.append(line[depth:] if line.strip() else "")
    text = HEADING_ID.sub(r"\1", "\n".join(lines))
    return re.sub(r"\n{3,}", "\n\n", text).strip()
