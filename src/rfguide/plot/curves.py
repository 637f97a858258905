"""Numbers along depth and along a map."""

from collections.abc import Mapping, Sequence
from typing import Protocol, cast

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rfguide.errors import GeometryError, at_least, series, shown, whole
from rfguide.fields import ReceptiveField, input_cells, receptive_fields
from rfguide.layers import Layer, stack
from rfguide.plot.canvas import HATCHED, drawable, picture
from rfguide.plot.palette import SMALL, WIDTH, WORDS, ink
from rfguide.sizes import output_sizes


@picture
def plot_growth(
    layers: Sequence[Layer], *, claims: Mapping[str, Sequence[int]] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how the receptive field grows from the input to the last layer.

    Args:
        layers: The stack, first layer first.
        claims: Sizes after each layer that somebody else gives, by name; drawn dashed, as what they are.
        ax: Where to draw; a new figure if not given.

    Examples:
        >>> from rfguide.networks import NET
        >>> from rfguide.plot import plot_growth
        >>> ax = plot_growth(NET, claims={"own stride": [3, 5, 7, 9]})
        >>> [int(size) for size in ax.lines[0].get_ydata()]
        [1, 3, 4, 8, 10]
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(WIDTH, 3.2), layout="constrained")
    layers = stack(layers)
    drawable(layers=len(layers))
    claims = _claims(claims)
    sizes = [field.size for field in (ReceptiveField(), *receptive_fields(layers))]
    depths = range(len(sizes))
    few = len(sizes) <= 8
    ax.plot(depths, sizes, color=ink("accent"), lw=2, marker="o", ms=6 if few else 3, zorder=3)
    if few:
        for depth, size in zip(depths, sizes, strict=True):
            rivals = [claim[depth - 1] - size for claim in (claims or {}).values() if 0 < depth <= len(claim)]
            above = min((gap for gap in rivals if gap > 0), default=None)
            below = min((-gap for gap in rivals if gap < 0), default=None)
            crowded = above is not None and (below is None or above < below)
            offset, side = ((6, -9), "left") if crowded else ((-3, 11), "right" if rivals else "center")
            ax.annotate(str(size), (depth, size), offset, textcoords="offset points", ha=side, va="center", size=WORDS)
    for (name, claim), style in zip((claims or {}).items(), ("--", ":", "-.") * len(claims or {}), strict=False):
        ax.plot(range(1, len(claim) + 1), claim, color=ink("warn"), lw=1.4, ls=style, marker="x", ms=6, label=name)
        ax.annotate(
            name,
            (len(claim), claim[-1]),
            (8, 0),
            textcoords="offset points",
            va="center",
            size=SMALL,
            color=ink("warn"),
        )
    if few:
        ax.set_xticks(depths, ["image", *(layer.name or f"layer {i}" for i, layer in enumerate(layers, 1))])
    else:
        ax.set_xlabel("layer")
    ax.set_ylim(0, max([*sizes, *(size for claim in (claims or {}).values() for size in claim)]) * 1.14)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_ylabel("receptive field (input cells)")
    ax.margins(x=0.06)
    return ax


def _claims(claims: Mapping[str, Sequence[int]] | None) -> dict[str, tuple[int, ...]]:
    if claims is None:
        return {}
    if not isinstance(claims, Mapping):
        raise TypeError(f"claims={shown(claims)} must be a mapping of names to sizes, not {type(claims).__name__}")
    found = {str(name): series(0, **{f"claims[{shown(name)}]": sizes}) for name, sizes in claims.items()}
    if () in found.values():
        raise GeometryError("claims hold no size; each must hold one after each layer")
    return found


class SeenMap(Protocol):
    """What the picture needs to know of a feature map; the maps of `rfguide.trace` are such maps."""

    @property
    def units(self) -> tuple[int, ...]:
        """How many units there are along each axis."""

    @property
    def fields(self) -> tuple[ReceptiveField | None, ...]:
        """The field along each axis; None where there is no single one."""

    def visible(self, unit: Sequence[int]) -> tuple[tuple[int, int] | None, ...]:
        """Return the first and last input cell that a unit depends on, along each axis."""


@picture
def plot_visible(
    layers: Sequence[Layer] | SeenMap, input_size: int | None = None, *, axis: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw how many input cells each unit of a map really sees, and how many of its field it loses to padding.

    Of a traced map it counts from the first cell that a unit sees to the last; the units are those along one
    axis, in the middle of the others.

    Args:
        layers: The stack, first layer first; or a map of a trace, `rfguide.trace(...)["layer4"]`.
        input_size: Cells of the input along the axis; a traced map knows its own.
        axis: The axis of a traced map.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If a kernel does not fit, the map has no such axis, or the input size is missing.

    Examples:
        >>> from rfguide.networks import NET
        >>> from rfguide.plot import plot_visible
        >>> ax = plot_visible(NET, 32)
        >>> [int(bar.get_height()) for bar in ax.containers[0]]
        [7, 10, 10, 10, 10, 10, 10, 7]
    """
    if all(hasattr(layers, name) for name in ("units", "fields", "visible")):
        seen, field_size = _seen_of_map(cast(SeenMap, layers), axis)
    elif input_size is None:
        raise GeometryError("input_size is missing: how much a unit sees depends on where the input ends")
    else:
        layers = stack(cast(Sequence[Layer], layers))
        units_of_stack = range((*at_least(1, input_size=input_size), *output_sizes(input_size, layers))[-1])
        drawable(units=units_of_stack.stop)
        seen = [len(input_cells(layers, unit, input_size=input_size)) for unit in units_of_stack]
        field_size = len(input_cells(layers, 0))
    if ax is None:
        _, ax = plt.subplots(figsize=(WIDTH, 3.0), layout="constrained")
    units = range(len(seen))
    # Where no single field describes the units, who sees less has not lost anything.
    hidden = [unit for unit in units if field_size is not None and seen[unit] < field_size]
    bars = ax.bar(units, seen, width=0.84, color=ink("used"), ec=ink("padding"), lw=0.7, label="seen")
    if len(units) <= 16:
        ax.set_xticks(units)
        ax.bar_label(bars, label_type="center", fontsize=WORDS if len(units) <= 10 else SMALL)
    ax.tick_params(axis="x", length=0)
    ax.set_ylim(0, (field_size or max(seen)) * 1.04)
    ax.set_xlabel("unit")
    ax.set_ylabel("input cells")
    if hidden:
        ax.bar(
            hidden,
            [(field_size or 0) - seen[unit] for unit in hidden],
            bottom=[seen[unit] for unit in hidden],
            width=0.84,
            fc="none",
            ec=ink("padding"),
            lw=0.7,
            hatch=HATCHED["padding"],
            label="lost to padding",
        )
        ax.legend(
            loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, frameon=False, fontsize=SMALL, handlelength=1.2
        )
    return ax


def _seen_of_map(map_: SeenMap, axis: int) -> tuple[list[int], int | None]:
    """Return what each unit sees along an axis, and the size of their field if they have a single one."""
    (axis,) = whole(axis=axis)
    if axis not in range(len(map_.units)) or len(map_.units) != len(map_.fields):
        raise GeometryError(f"{axis=} is no axis of a map with units {map_.units} and {len(map_.fields)} input axes")
    middle = [count // 2 for count in map_.units]
    regions = [map_.visible([*middle[:axis], unit, *middle[axis + 1 :]])[axis] for unit in range(map_.units[axis])]
    seen = [region[1] - region[0] + 1 if region else 0 for region in regions]
    field = map_.fields[axis]
    return seen, None if field is None else field.size
