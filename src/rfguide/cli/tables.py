"""Rows as text for a terminal, Markdown, JSON or CSV."""

import shutil
import sys
from collections.abc import Sequence
from typing import Any, Literal

from rfguide.tables import csv_text, json_text

Form = Literal["text", "json", "csv", "markdown"]
Row = dict[str, Any]


def render(rows: Sequence[Row], form: Form, heads: dict[str, str] | None = None) -> str:
    """Return rows with the same keys in one of the forms; `heads` names the columns for people."""
    if form == "json":
        return json_text(rows)
    if form == "csv":
        return csv_text(rows).rstrip("\n")
    names = list(rows[0]) if rows else []
    titles = [(heads or {}).get(name, name.replace("_", " ")) for name in names]
    lines = [titles, *([_plain(value) for value in row.values()] for row in rows)]
    numbers = [all(row[name] is None or type(row[name]) is int for row in rows) for name in names]
    if form == "markdown":
        rule = [" ---: " if number else " :--- " for number in numbers]
        cells = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
        return "\n".join([cells[0], "|" + "|".join(rule) + "|", *cells[1:]])
    return _text(lines, numbers)


def _text(lines: Sequence[Sequence[str]], numbers: Sequence[bool]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if sys.stdout.isatty():
        # What is too wide for the terminal goes from the first column, which holds names.
        wider = sum(widths) + 2 * (len(widths) - 1) - shutil.get_terminal_size().columns
        if wider > 0:
            widths[0] = max(8, widths[0] - wider)
    shown = [
        "  ".join(
            cell.rjust(width) if number else _cut(cell, width).ljust(width)
            for cell, width, number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([shown[0], "  ".join("─" * width for width in widths), *shown[1:]])


def _cut(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _plain(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)
