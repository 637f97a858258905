"""The table of a trace: for people (text, Markdown) and for programs (JSON, CSV)."""

import shutil
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from rfguide import tables

if TYPE_CHECKING:
    from rfguide.trace.result import Map, Trace

_HEADS = {
    "name": "name", "op": "op", "output": "output", "size": "field", "stride": "stride", "padding": "padding",
    "with_gates": "with gates", "params": "parameters", "macs": "MACs",
}  # fmt: skip
_LEFT = {"name", "op", "output"}
# What a narrow terminal does without, first things first.
_SPARE = ("macs", "params", "padding", "op", "stride", "output")


def rows(trace: "Trace") -> list[dict[str, object]]:
    """Return one row per map, as plain values; pure rearrangements of data are left out."""
    return [_row(trace, m) for m in _listed(trace)]


def _listed(trace: "Trace") -> list["Map"]:
    return [m for m in trace.values() if not m.is_move]


def _row(trace: "Trace", m: "Map") -> dict[str, object]:
    row: dict[str, object] = {"name": m.name, "op": m.op, "output": list(m.shape)}
    if len(trace.inputs) > 1:
        row["inputs"] = list(m.inputs)
    row |= {
        "size": list(m.size),
        "stride": [_plain(s) for s in strides(m)],
        "padding": [f.padding if f else None for f in m.fields],
        "is_global": m.is_global,
        "global_because": m.global_because,
        "unknown": m.unknown,
        "params": m.params,
        "macs": m.macs,
        "nbytes": m.nbytes,
    }
    if trace.with_gates is not None and m.name in trace.with_gates:
        row["size_with_gates"] = list(trace.with_gates[m.name].size)
    return row


def strides(m: "Map") -> list[Fraction | None]:
    """Return the effective stride along each axis: input cells from unit to unit, on average over a period."""
    result: list[Fraction | None] = []
    for phases in m.phases:
        seen = [field for field in phases if field]
        result.append(Fraction(seen[0].stride, len(phases)) if seen else None)
    return result


def _plain(value: Fraction | None) -> int | str | None:
    return value if value is None else int(value) if value.denominator == 1 else str(value)


def _axes(values: Sequence[object]) -> str:
    texts = ["?" if v is None else str(v) for v in values]
    return texts[0] if len(set(texts)) == 1 else "×".join(texts)


def _cells(trace: "Trace", m: "Map") -> dict[str, str]:
    size = "all" if m.is_global and not m.unknown else _axes(m.size)
    known = any(m.phases)
    cells = {
        "name": m.name,
        "op": m.op,
        "output": "×".join(map(str, m.shape)),
        "size": size,
        "stride": _axes(strides(m)).replace("?", "–") if known else "–",
        "padding": _axes([f.padding if f else None for f in m.fields]).replace("?", "–") if known else "–",
        "params": f"{m.params:,}" if m.params else "",
        "macs": f"{m.macs:,}" if m.macs else "",
    }
    if trace.with_gates is not None:
        other = trace.with_gates.get(m.name)
        cells["with_gates"] = "" if other is None else "all" if other.is_global else _axes(other.size)
    return cells


def _notes(trace: "Trace") -> list[str]:
    listed = _listed(trace)
    notes = [f"{trace.model}: {trace.params:,} parameters, {trace.macs:,} MACs"]
    first = next((m for m in listed if m.is_global and not m.unknown), None)
    if first:
        notes.append(f"all: every unit sees the whole input, from {first.name} on because of {first.global_because}")
    if any(None in m.size and not m.unknown for m in listed):
        notes.append("?: no closed form describes the field; visible(unit) is exact all the same")
    marked = next((m for m in listed if m.unknown), None)
    if marked:
        notes.append(f"from {marked.name} on nothing is vouched for: rfguide does not know {marked.unknown}")
    if trace.ignored:
        more = f" and {len(trace.ignored) - 1} more" if len(trace.ignored) > 1 else ""
        notes.append(f"read as element-wise: {trace.ignored[0]}{more}")
    return notes


def _columns(trace: "Trace") -> list[str]:
    return [name for name in _HEADS if name != "with_gates" or trace.with_gates is not None]


def text(trace: "Trace", width: int | None = None) -> str:
    """Return the table as plain text; on a terminal no wider than that."""
    if width is None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    columns = _columns(trace)
    lines = [{name: _HEADS[name] for name in columns}, *(_cells(trace, m) for m in _listed(trace))]
    widths = {name: max(len(line.get(name, "")) for line in lines) for name in columns}

    def total() -> int:
        return sum(widths[name] for name in columns) + 2 * (len(columns) - 1)

    if width is not None and total() > width:
        widths["name"] = max(16, widths["name"] - (total() - width))
        for name in _SPARE:
            if total() > width:
                columns.remove(name)
        widths["name"] = max(8, widths["name"] - max(0, total() - width))
    shown = []
    for line in lines:
        cells = []
        for name in columns:
            cell = _shortened(line.get(name, ""), widths[name])
            cells.append(cell.ljust(widths[name]) if name in _LEFT else cell.rjust(widths[name]))
        shown.append("  ".join(cells).rstrip())
    shown.insert(1, "  ".join("─" * widths[name] for name in columns))
    notes = _notes(trace)
    if width is not None:
        notes = [note if len(note) <= width else note[: width - 1] + "…" for note in notes]
    return "\n".join([*shown, "", *notes])


def _shortened(cell: str, width: int) -> str:
    return cell if len(cell) <= width else "…" + cell[len(cell) - width + 1 :]


def markdown(trace: "Trace") -> str:
    """Return the table as Markdown."""
    columns = _columns(trace)
    lines = [
        "| " + " | ".join(_HEADS[name] for name in columns) + " |",
        "|" + "|".join(" :--- " if name in _LEFT else " ---: " for name in columns) + "|",
    ]
    for m in _listed(trace):
        cells = _cells(trace, m)
        cells["name"] = f"`{cells['name']}`"
        lines.append("| " + " | ".join(cells.get(name, "").replace("|", "\\|") for name in columns) + " |")
    return "\n".join([*lines, "", *_notes(trace)])


def json_text(trace: "Trace") -> str:
    """Return the rows as a JSON array."""
    return tables.json_text(rows(trace))


def csv_text(trace: "Trace") -> str:
    """Return the rows as CSV; a list becomes its numbers with × between them."""
    return tables.csv_text(rows(trace))
