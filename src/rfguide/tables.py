"""Rows for programs: one dialect of JSON and CSV for everything that rfguide prints or returns."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

Rows = Sequence[Mapping[str, object]]


def json_text(rows: Rows) -> str:
    """Return rows as a JSON array of objects, one value a line.

    Examples:
        >>> json_text([{"name": "conv1", "size": None}]).split()
        ['[', '{', '"name":', '"conv1",', '"size":', 'null', '}', ']']
    """
    return json.dumps(list(rows), ensure_ascii=False, indent=1)


def csv_text(rows: Rows) -> str:
    r"""Return rows as CSV with a header line: nothing is blank, truth is true or false, × stands between a list's.

    Examples:
        >>> csv_text([{"name": "conv1", "size": (3, 5), "is_global": False, "unknown": None}])
        'name,size,is_global,unknown\nconv1,3×5,false,\n'
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if rows:
        writer.writerow(rows[0])
    writer.writerows([_plain(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _plain(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return "×".join(map(_plain, value))
    return str(value)
