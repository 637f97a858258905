"""Colours with one meaning each, light and dark, and a picture as SVG in either."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from io import StringIO
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rfguide.errors import GeometryError, shown

# Fills (input, map, field, used, unit) carry dark text in LIGHT and light text in DARK; the accents,
# `warn` and `muted` are for lines and words. No two roles share a colour, so that a picture drawn in
# one palette can be turned into the other by exchanging the codes.
LIGHT = {
    "text": "#1b2430",
    "muted": "#566272",
    "background": "#ffffff",
    "surface": "#f5f7fa",
    "grid": "#ccd4de",
    "input": "#cfe2f6",  # cells of the image
    "map": "#e4e7ee",  # units of a feature map
    "field": "#ffd79a",  # what the unit in question can see
    "used": "#f7a541",  # what it really reads
    "padding": "#7f8b9b",  # hatching of cells that are not there
    "unit": "#f29bbb",  # the unit in question
    "accent": "#b24a06",  # the outline of its field
    "accent2": "#1f68ad",
    "accent3": "#6d1f5e",
    "warn": "#bd1f2d",  # what is wrong, or does not fit
}
DARK = {
    "text": "#e6ebf2",
    "muted": "#a3afbe",
    "background": "#12161d",
    "surface": "#1a2029",
    "grid": "#3b4554",
    "input": "#1f3f63",
    "map": "#2f3745",
    "field": "#6b4210",
    "used": "#985404",
    "padding": "#76828f",
    "unit": "#9c2f60",
    "accent": "#f6a04d",
    "accent2": "#6fb4f5",
    "accent3": "#f5a6d3",
    "warn": "#ff7d78",
}
_PALETTES = {"light": LIGHT, "dark": DARK}
_DARK_TWIN = {LIGHT[role]: DARK[role] for role in LIGHT}
_current: ContextVar[dict[str, str]] = ContextVar("palette", default=LIGHT)

# A picture 4.8 inches wide with 12-point words still reads on a phone, where it is shown at three quarters.
WIDTH = 4.8
WORDS = 12.0
SMALL = 10.5
FONTS = (
    "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, "
    "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
)


def ink(role: str) -> str:
    """Return the colour of a role in the theme in force."""
    return _current.get()[role]


def settings() -> Any:  # matplotlib 3.11 types the keys of its settings one by one, older ones as str
    """Return matplotlib's settings for the theme in force."""
    return {
        "figure.facecolor": ink("background"),
        "figure.constrained_layout.h_pad": 0.03,
        "figure.constrained_layout.w_pad": 0.03,
        "axes.facecolor": "none",
        "axes.edgecolor": ink("padding"),
        "axes.labelcolor": ink("text"),
        "axes.titlecolor": ink("text"),
        "axes.titlesize": WORDS,
        "axes.labelsize": WORDS,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": ink("text"),
        "xtick.color": ink("padding"),
        "ytick.color": ink("padding"),
        "xtick.labelcolor": ink("text"),
        "ytick.labelcolor": ink("text"),
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": WORDS,
        "hatch.linewidth": 0.8,
    }


@contextmanager
def theme(name: Literal["light", "dark"]) -> Iterator[None]:
    """Draw in this theme until the block ends.

    Raises:
        GeometryError: If there is no such theme.

    Examples:
        >>> from rfguide.plot import DARK, plot_places, theme
        >>> from matplotlib.colors import to_hex
        >>> with theme("dark"):
        ...     ax = plot_places(5, 3)
        >>> to_hex(ax.figure.get_facecolor()) == DARK["background"]
        True
    """
    if not isinstance(name, str) or name not in _PALETTES:
        raise GeometryError(f"theme {shown(name)} does not exist; there are {', '.join(map(repr, _PALETTES))}")
    token = _current.set(_PALETTES[name])
    try:
        with mpl.rc_context(settings()):
            yield
    finally:
        _current.reset(token)


def svg(picture: Axes | Figure, *, dark: bool = False) -> str:
    """Return a picture as SVG text: transparent, its words as text, the same each time.

    Args:
        picture: The figure, or any Axes on it.
        dark: Exchange each colour of `LIGHT` for its twin in `DARK`.

    Examples:
        >>> from rfguide.plot import LIGHT, plot_places, svg
        >>> ax = plot_places(5, 3)
        >>> LIGHT["field"] in svg(ax), LIGHT["field"] in svg(ax, dark=True)
        (True, False)
    """
    if not isinstance(picture, Axes | Figure):
        raise TypeError(f"picture={shown(picture)} must be an Axes or a Figure, not {type(picture).__name__}")
    figure = picture.get_figure(root=True) if isinstance(picture, Axes) else picture
    assert figure is not None, "the Axes has been removed from its figure"
    text = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "rfguide", "image.composite_image": False}):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    # Said once for the picture, not in each word: sizes are measured in DejaVu Sans, which comes with
    # matplotlib and is wider than what readers have.
    plain = re.sub(r"font-family: [^;\"]*; ?", "", text.getvalue())
    plain = plain.replace("<svg ", f'<svg font-family="{FONTS}" ', 1)
    if not dark:
        return plain
    return re.sub(r"#[0-9a-f]{6}\b", lambda code: _DARK_TWIN.get(code[0], code[0]), plain)
