"""The ground that pictures stand on: an Axes in units of cells, cells of one kind, a key, and reading back."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import ParamSpec

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from rfguide.errors import at_most, shown
from rfguide.plot.palette import SMALL, WIDTH, WORDS, ink, settings

P = ParamSpec("P")
Point = tuple[float, float]

HATCHED = {"padding": "////", "unused": "xxxx"}
# What one picture shows of anything, cells or bars; more cannot be told apart, and takes minutes to draw.
MOST_DRAWN = 20_000
SIDE = 0.88  # of a cell, so that neighbours stand apart


def picture(function: Callable[P, Axes]) -> Callable[P, Axes]:
    """Run a plot function with the settings of the theme in force, whatever matplotlib's own are."""

    @wraps(function)
    def drawing(*args: P.args, **kwargs: P.kwargs) -> Axes:
        ax = kwargs.get("ax")
        if ax is not None and not isinstance(ax, Axes):
            raise TypeError(f"ax={shown(ax)} must be an Axes of matplotlib, not {type(ax).__name__}")
        ours = settings()
        theirs = {name: mpl.rcParams[name] for name in ours}
        # No `rc_context`, which gives back all settings: in a notebook the first figure chooses the backend, and that
        # makes matplotlib interactive, without which no later figure is shown.
        mpl.rcParams.update(ours)
        try:
            return function(*args, **kwargs)
        finally:
            mpl.rcParams.update(theirs)

    return drawing


def drawable(**counts: int) -> None:
    """Refuse to draw more of something than a picture shows."""
    at_most(MOST_DRAWN, **counts)


def canvas(ax: Axes | None, left: float, right: float, bottom: float, top: float) -> Axes:
    """Return an Axes without frame or ticks whose unit is one cell; rows run down where bottom is above top."""
    if ax is None:
        size = (WIDTH, WIDTH * abs(top - bottom) / (right - left))
        figure = plt.figure(figsize=size)
        ax = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    return ax


def room(ax: Axes | None) -> float:
    """Return how wide an Axes is in points: that of the figure to come if it is still to be made."""
    if ax is None:
        return WIDTH * 72
    return float(ax.get_window_extent().width / ax.figure.dpi * 72)


def signed(number: int) -> str:
    """Write an integer with a true minus sign."""
    return str(number).replace("-", "−")


def cells(ax: Axes, kind: str, centers: Iterable[Point], *, side: float = SIDE, fill: str | None = None) -> None:
    """Draw square cells of one kind, all in its colour; `drawn` finds them again by the kind."""
    half = side / 2
    corners = [
        [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)] for x, y in centers
    ]
    if not corners:
        return
    hatch = HATCHED.get(kind)
    line = ink("warn" if kind == "unused" else "padding")
    ax.add_collection(
        PolyCollection(
            corners,
            facecolors="none" if hatch else ink(fill or kind),
            edgecolors=line,
            linewidths=0.7,
            hatch=hatch,
            label=kind,
            zorder=2,
        ),
        autolim=False,
    )


def outlines(ax: Axes, kind: str, centers: Iterable[Point], *, role: str = "padding", dashed: bool = False) -> None:
    """Draw the outlines of empty cells."""
    half = SIDE / 2
    corners = [
        [(x - half, y - half), (x + half, y - half), (x + half, y + half), (x - half, y + half)] for x, y in centers
    ]
    if corners:
        ax.add_collection(
            PolyCollection(
                corners,
                facecolors="none",
                edgecolors=ink(role),
                linewidths=0.9,
                linestyles="--" if dashed else "-",
                label=kind,
                zorder=2,
            ),
            autolim=False,
        )


def numbers(ax: Axes, labels: Iterable[tuple[Point, object]], cell: float, *, role: str = "text") -> None:
    """Write a number in each cell if cells of so many points have room for it."""
    words = [(point, str(label)) for point, label in labels]
    longest = max((len(word) for _, word in words), default=1)
    size = min(WORDS, 1.25 * cell / max(longest, 2))
    if size < 7.5:
        return
    for (x, y), word in words:
        ax.text(x, y, word, size=size, color=ink(role), ha="center", va="center_baseline", zorder=4)


def key(ax: Axes, y: float, entries: Sequence[tuple[str, str]], *, left: float, cell: float) -> None:
    """Explain kinds of cells in one line: a cell of each kind and its word."""
    x = left
    side = min(1.0, 13 / cell)
    for kind, word in entries:
        if kind == "hole":
            outlines(ax, "key", [(x + side / 2, y)], role="padding")
        else:
            _swatch(ax, kind, x + side / 2, y, side)
        ax.text(x + side + 5 / cell, y, word, size=SMALL, va="center_baseline", ha="left")
        x += side + (5 + 16 + len(word) * SMALL * 0.56) / cell


def _swatch(ax: Axes, kind: str, x: float, y: float, side: float) -> None:
    cells(ax, kind, [(x, y)], side=side)
    ax.collections[-1].set_label("key")


def drawn(ax: Axes, kind: str) -> list[Point]:
    """Return the centres of the cells of one kind in a picture: what it shows, read back.

    Kinds are the colours' names (`"input"`, `"map"`, `"field"`, `"used"`, `"unit"`), `"padding"`,
    `"unused"` and `"hole"`. Places are (x, y) in cells; zero-based, as on the picture.

    Examples:
        >>> from rfguide.plot import drawn, plot_places
        >>> [x for x, y in drawn(plot_places(6, 3, stride=2), "unused")]
        [5.0]
    """
    if not isinstance(ax, Axes):
        raise TypeError(f"ax={shown(ax)} must be an Axes of matplotlib, not {type(ax).__name__}")
    centers = []
    for collection in ax.collections:
        if collection.get_label() == kind:
            for path in collection.get_paths():
                box = path.get_extents()
                centers.append((round(float(box.x0 + box.x1) / 2, 6), round(float(box.y0 + box.y1) / 2, 6)))
    return sorted(centers)
