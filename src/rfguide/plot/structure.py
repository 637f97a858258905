"""A network as its calls: a box for each, an arrow for each map that goes from one to another."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

from rfguide.errors import GeometryError, shown
from rfguide.plot.canvas import canvas, drawable, picture
from rfguide.plot.palette import SMALL, WIDTH, WORDS, ink

# In points: a box, the space below it, from one arrow past other boxes to the next.
ROW, GAP, LANE = 26.0, 18.0, 14.0


class Call(Protocol):
    """What the picture needs to know of a call; the maps of `rfguide.trace` are such calls."""

    @property
    def name(self) -> str:
        """Its name, as `rfguide.trace` gives it."""

    @property
    def op(self) -> str:
        """What it does."""

    @property
    def shape(self) -> Sequence[int]:
        """Shape of what comes out: samples, channels, then the spatial axes."""

    @property
    def sources(self) -> Sequence[str]:
        """Names of the calls, and inputs of the model, whose results go in; none if it hands on what it is given."""

    @property
    def is_move(self) -> bool:
        """Whether it only rearranges data."""


@picture
def plot_structure(trace: Mapping[str, Call] | Iterable[Call], *, ax: Axes | None = None) -> Axes:
    """Draw the calls of a model from top to bottom, each with the shape that comes out, and what feeds it.

    An arrow past other boxes is a skip. A module that contains other calls has no box of its own, nor has a
    call that only rearranges its input or hands it on.

    Args:
        trace: What `rfguide.trace` returns, or some of its maps.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If there is no call.

    Examples:
        >>> import rfguide
        >>> from rfguide.plot import plot_structure
        >>> from rfguide.torch_networks import Net
        >>> ax = plot_structure(rfguide.trace(Net(), (1, 3, 32, 32)))
        >>> [text.get_text() for text in ax.texts[:4]]
        ['x', 'conv1', 'Conv2d', '16 × 32 × 32']
        >>> [line.get_label() for line in ax.lines if line.get_label() != "_head"][-1]
        'relu()#2 → pool#2'
    """
    if not isinstance(trace, Mapping | Iterable) or isinstance(trace, str | bytes):
        raise TypeError(f"trace={shown(trace)} must be what rfguide.trace returns, not {type(trace).__name__}")
    calls = list(trace.values() if isinstance(trace, Mapping) else trace)
    for call in calls:
        if not all(hasattr(call, name) for name in ("name", "op", "shape", "sources", "is_move")):
            raise TypeError(f"trace holds {shown(call)}; it must hold maps of rfguide.trace")
    drawable(calls=len(calls))
    containers = {name[:dot] for name in (call.name for call in calls) for dot in range(len(name)) if name[dot] == "."}
    calls = [call for call in calls if call.sources and not call.is_move and call.name not in containers]
    if not calls:
        raise GeometryError("there is no call to draw")
    named = {call.name for call in calls}
    inputs = list(dict.fromkeys(source for call in calls for source in call.sources if source not in named))
    order = {name: row for row, name in enumerate([*inputs, *(call.name for call in calls)])}
    arrows = [(source, call.name) for call in calls for source in call.sources]
    lanes = _lanes([(order[source], order[target]) for source, target in arrows])

    width = WIDTH * 72 - 6 - LANE * (max(lanes.values(), default=-1) + 1.5)
    pitch = ROW + GAP
    ax = canvas(ax, 0, WIDTH * 72, pitch * len(order) - GAP + 4, -4)
    for name, row in order.items():
        _box(ax, row * pitch, width, "input" if name in inputs else "map")
    for name in inputs:
        ax.text(14, order[name] * pitch + ROW / 2, name, va="center_baseline", size=WORDS)
    for call in calls:
        y = order[call.name] * pitch + ROW / 2
        size = min(WORDS, 0.40 * width / (0.62 * len(call.name)))
        ax.text(14, y, call.name, va="center_baseline", size=size, weight="bold")
        ax.text(3 + 0.44 * width, y, call.op, va="center_baseline", size=SMALL, color=ink("text"))
        shape = " × ".join(map(str, call.shape[1:]))
        ax.text(3 + width - 10, y, shape, va="center_baseline", ha="right", size=SMALL)
    for source, target in arrows:
        _arrow(
            ax, order[source], order[target], lanes.get((order[source], order[target])), width, f"{source} → {target}"
        )
    return ax


def _lanes(arrows: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Give each arrow past other boxes the first lane that is free all the way, short ones first."""
    lanes: dict[tuple[int, int], int] = {}
    for first, last in sorted(
        {arrow for arrow in arrows if arrow[1] > arrow[0] + 1}, key=lambda arrow: arrow[1] - arrow[0]
    ):
        taken = {lane for (a, b), lane in lanes.items() if a < last and first < b}
        lanes[first, last] = next(lane for lane in range(len(lanes) + 1) if lane not in taken)
    return lanes


def _box(ax: Axes, top: float, width: float, role: str) -> None:
    ax.add_patch(
        FancyBboxPatch(
            (3, top), width, ROW, boxstyle="round,pad=0,rounding_size=5", fc=ink(role), ec=ink("padding"), lw=0.8
        )
    )


def _arrow(ax: Axes, source: int, target: int, lane: int | None, width: float, label: str) -> None:
    """Draw from box to box: straight down to the next one, along its lane past others."""
    pitch = ROW + GAP
    if lane is None:
        x, y = 3 + width / 2, target * pitch - 1
        ax.plot([x, x], [source * pitch + ROW, y - 3], color=ink("accent2"), lw=1.5, label=label, zorder=1)
        ax.plot([x], [y - 3.5], color=ink("accent2"), marker="v", ms=6, ls="none", label="_head")
        return
    side = 3 + width
    x = side + LANE * (lane + 1)
    start, end = source * pitch + ROW * 0.68, target * pitch + ROW * 0.32
    ax.plot([side, x, x, side + 5], [start, start, end, end], color=ink("accent"), lw=1.5, label=label, zorder=1)
    ax.plot([side + 4.5], [end], color=ink("accent"), marker="<", ms=6, ls="none", label="_head")
