"""LaTeX to MathML: formulas without a script, readable by a screen reader."""

import re
from functools import cache

from latex2mathml.converter import convert


class Unreadable(ValueError):
    """LaTeX that does not become MathML."""


@cache
def mathml(latex: str, *, inline: bool) -> str:
    r"""Return a formula as a `<math>` element.

    Raises:
        Unreadable: If something in it is not understood; a command that is left over counts.

    Examples:
        >>> from rfguide._site.mathml import mathml
        >>> mathml("k - 1", inline=True)
        '<math><mi>k</mi><mo>−</mo><mn>1</mn></math>'
        >>> mathml(r"\fraq{1}{2}", inline=True)
        Traceback (most recent call last):
        rfguide._site.mathml.Unreadable: \fraq is no LaTeX that can be shown
    """
    try:
        element = convert(latex, display="inline" if inline else "block")
    except Exception as error:
        raise Unreadable(f"the formula cannot be shown: {type(error).__name__} {error}") from error
    if left := re.search(r"\\[A-Za-z]*", element):
        raise Unreadable(f"{left[0]} is no LaTeX that can be shown")
    element = element.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "").replace(' display="inline"', "")
    element = re.sub(r"^(<math[^>]*>)<mrow>(.*)</mrow></math>$", r"\1\2</math>", element)
    element = re.sub("<mo>(min|max)</mo>", r"<mi>\1</mi>", element)  # as an operator it would stand apart
    # Markdown reads what stands between the tags: nothing there may look like emphasis.
    return re.sub(r"&#x([0-9A-F]+);", lambda code: _character(int(code[1], 16)), element)


def _character(code: int) -> str:
    return f"&#{code};" if chr(code) in "<>&*_`[]!" else chr(code)
