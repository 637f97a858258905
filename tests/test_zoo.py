"""`trace` on real architectures: what the table of the zoo says, and the NaN probe on three units of the last map."""

import csv
import sys
from pathlib import Path

import pytest
import torch

import rfguide
from rfguide.trace import Map, Trace
from zoo import ENTRIES, Entry

TABLE = Path(__file__).parent / "data" / "zoo.csv"
COLUMNS = ["package", "family", "model", "input", "map", "shape", "size", "stride", "padding", "global"]


def last_map(traced: Trace, entry: Entry) -> Map:
    """Return the last map that has a place to point at: as many axes as the input, three units or more on each."""
    axes = len(entry.input_size) - 2
    return [m for m in traced.values() if len(m.shape) == axes + 2 and min(m.shape[2:]) >= 3][-1]


def row(entry: Entry, m: Map) -> dict[str, str]:
    """Return the map's line of the table; a number without a value is left out, never made up."""

    def each(values: object) -> str:
        return "×".join("" if value is None else str(value) for value in values)

    fields = m.fields
    return {
        "package": entry.package,
        "family": entry.family,
        "model": entry.name,
        "input": each(entry.input_size),
        "map": m.name,
        "shape": each(m.shape),
        "size": each(m.size),
        "stride": each(field and field.stride for field in fields),
        "padding": each(field and field.padding for field in fields),
        "global": "yes" if m.is_global else "",
    }


def known() -> dict[str, dict[str, str]]:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        return {line["model"]: line for line in csv.DictReader(lines)}


def test_the_zoo_is_wide_enough():
    assert len(ENTRIES) >= 60
    assert len({entry.family for entry in ENTRIES}) >= 20
    assert list(known()) == [entry.name for entry in ENTRIES]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.package}: {entry.name}")
def test_trace_agrees_with_the_table_and_the_probe(entry):
    torch.manual_seed(0)
    model = entry.build()
    m = last_map(rfguide.trace(model, entry.input_size), entry)
    assert row(entry, m) == known()[entry.name]
    report = rfguide.check(model, entry.input_size, layers=[m.name], samples=3)
    assert report.maps == 1
    assert report.units >= 3, report
    assert report.agrees, report


if __name__ == "__main__":  # writes the table anew: python tests/test_zoo.py
    with TABLE.open("w", encoding="utf-8", newline="") as lines:
        table = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
        table.writeheader()
        for entry in ENTRIES:
            traced = rfguide.trace(entry.build(), entry.input_size)
            table.writerow(row(entry, last_map(traced, entry)))
            print(entry.name, file=sys.stderr)
