"""Formulas in docstrings, for the API pages: the same MathML as in the pages."""

import griffe

from rfguide._site.grammar import parse
from rfguide._site.mathml import mathml
from rfguide._site.splice import apply


class Formulas(griffe.Extension):
    """Turn $…$ in every docstring that is collected into MathML."""

    def on_instance(self, *, obj: griffe.Object, **_: object) -> None:
        if obj.docstring:
            obj.docstring.value = with_formulas(obj.docstring.value)


def with_formulas(docstring: str) -> str:
    r"""Return the docstring with its formulas as MathML.

    Examples:
        >>> from rfguide._site.docstrings import with_formulas
        >>> with_formulas("Of $k$ cells.")
        'Of <math><mi>k</mi></math> cells.'
    """
    edits = []
    for math in parse(docstring, "docstring").maths:
        element = mathml(math.latex, inline=math.inline)
        starts_line = not docstring[docstring.rfind("\n", 0, math.start) + 1 : math.start].strip()
        edits.append((math.start, math.end, f"<span>{element}</span>" if starts_line else element))
    return apply(docstring, edits)
