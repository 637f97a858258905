"""One axis at a time: the places of a kernel, a stack of maps, routes and paths."""

from collections import Counter
from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from rfguide.errors import GeometryError, at_least, pair, shown, whole
from rfguide.fields import ReceptiveField, input_cells, receptive_fields
from rfguide.layers import Layer, stack
from rfguide.plot.canvas import canvas, cells, drawable, key, numbers, outlines, picture, room, signed
from rfguide.plot.palette import SMALL, WORDS, ink
from rfguide.sizes import output_size, output_sizes


@picture
def plot_places(
    input_size: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    ax: Axes | None = None,
) -> Axes:
    """Draw each place of a kernel along one axis, one row a place, its output unit beside it.

    Padding is hatched; cells that no place reads are crossed out, above the place that does not fit.

    Args:
        input_size: Cells along the axis, before padding.
        kernel_size: Cells the kernel reads.
        stride: Cells from one place to the next.
        padding: Cells added at each end, or a pair (before, after).
        dilation: Cells from one cell the kernel reads to the next.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If no kernel fits (see `rfguide.output_size`).

    Examples:
        >>> from rfguide.plot import drawn, plot_places
        >>> ax = plot_places(5, 3, stride=2)
        >>> [x for x, y in drawn(ax, "field")]
        [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]
        >>> len(drawn(ax, "unit"))
        2
    """
    places = output_size(input_size, kernel_size, stride=stride, padding=padding, dilation=dilation)
    before, after = pair(0, padding=padding)
    drawable(cells=input_size + before + after + (places + 1) * kernel_size)
    layer = Layer(kernel_size, stride=stride, padding=(before, after), dilation=dilation)
    windows = [input_cells([layer], unit) for unit in range(places + 1)]
    end = input_size + after
    # Cells after the last place's window; the gaps inside dilated windows are another matter.
    unused = range(windows[places - 1][-1] + 1, end)
    rows = windows if unused else windows[:places]

    right = max(end, rows[-1][-1] + 1) + 2.0
    cell = room(ax) / (right + before + 0.5)
    ax = canvas(ax, -before - 0.7, right - 0.2, -len(rows) - (2.4 if before or after or unused else 0.9), 1.7)
    inside = [cell for cell in range(input_size) if cell not in unused]
    cells(ax, "input", [(x, 0) for x in inside])
    cells(ax, "padding", [(x, 0) for x in range(-before, end) if x not in range(input_size) and x not in unused])
    cells(ax, "unused", [(x, 0) for x in unused])
    numbers(ax, [((x, 0), x) for x in inside], cell)
    out = right - 1.0
    for row, window in enumerate(rows):
        y = -row - 1.4
        fits = row < places
        if fits:
            ax.plot([window[0], window[-1]], [y, y], color=ink("accent"), lw=1, zorder=1)
            cells(ax, "field", [(x, y) for x in window])
            cells(ax, "unit", [(out, y)])
            numbers(ax, [((out, y), row)], cell)
        else:
            outlines(ax, "misfit", [(x, y) for x in window], role="warn", dashed=True)
            ax.text(out, y, "×", color=ink("warn"), ha="center", va="center_baseline", size=WORDS)
    ax.text(-before - 0.5, 0.75, "input", ha="left", va="bottom", size=SMALL, color=ink("muted"))
    ax.text(right - 0.5, 0.75, "output", ha="right", va="bottom", size=SMALL, color=ink("muted"))
    entries = [("padding", "padding")] * bool(before or after) + [("unused", "unused")] * bool(unused)
    key(ax, -len(rows) - 1.7, entries, left=-before - 0.5, cell=cell)
    return ax


def _cone(layers: Sequence[Layer], unit: int, sizes: Sequence[int]) -> list[list[tuple[int, int]]]:
    """Return, map by map from the input, the pairs (unit, cell of the map before) that a unit of the last map reads."""
    reached = {unit}
    cone: list[list[tuple[int, int]]] = []
    for layer, size in zip(reversed(layers), reversed(sizes), strict=True):
        connections = [(above, below) for above in sorted(reached) for below in input_cells([layer], above)]
        cone.append(connections)
        reached = {below for _, below in connections if below in range(size)}
    return cone[::-1]


@picture
def plot_stack(layers: Sequence[Layer], input_size: int, unit: int | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw every map of a stack as a row of cells at their centres on the image, and all that one unit reads.

    The image is the bottom row. A unit stands above the middle of its field, so the distance
    between neighbours is the effective stride. Beside each row stand its receptive field size r
    and effective stride j.

    Args:
        layers: The stack, first layer first.
        input_size: Cells of the image along the axis.
        unit: A unit of the last map; its middle one if not given.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If a kernel does not fit, or the last map has no such unit.

    Examples:
        >>> from rfguide import Layer
        >>> from rfguide.plot import drawn, plot_stack
        >>> ax = plot_stack([Layer(3, name="conv1"), Layer(3, name="conv2")], 9, unit=2)
        >>> [x for x, y in drawn(ax, "used")]
        [2.0, 3.0, 4.0, 5.0, 6.0]
    """
    layers = stack(layers)
    fields = (ReceptiveField(), *receptive_fields(layers))
    sizes = (*at_least(1, input_size=input_size), *output_sizes(input_size, layers))
    drawable(cells=sum(sizes) + fields[-1].size)
    unit = (sizes[-1] - 1) // 2 if unit is None else unit
    input_cells(layers, unit, input_size=input_size)  # raises what the reader should see if there is no such unit
    cone = _cone(layers, unit, sizes[:-1])
    first, last = fields[-1].region(unit)

    leftmost, rightmost = min(first, 0) - 0.8, max(last + 1, input_size) - 0.2
    labels = 62 * (rightmost - leftmost) / (room(ax) - 62)  # 62 points for the words beside the rows
    cell = room(ax) / (rightmost - leftmost + labels)
    step = max(2.3, 46 / cell)
    ax = canvas(ax, leftmost - labels, rightmost, -0.8 - 26 / cell, step * len(layers) + max(0.8, 18 / cell))

    segments = []
    for depth, (field, size) in enumerate(zip(fields, sizes, strict=True)):
        y = depth * step
        at = {u: (float(field.center(u)), y) for u in range(size)}
        kind = "map" if depth else "input"
        read = {below for _, below in cone[depth]} if depth < len(layers) else {unit}
        role = "unit" if depth == len(layers) else "field" if depth else "used"
        cells(ax, kind, [place for u, place in at.items() if u not in read])
        cells(ax, role, [at[u] for u in sorted(read) if u in at])
        cells(ax, "padding", [(float(field.center(u)), y) for u in sorted(read) if u not in at])
        numbers(ax, [(place, u) for u, place in at.items()], cell)
        if depth:
            below = fields[depth - 1]
            segments += [
                [(float(field.center(above)), y - 0.44), (float(below.center(under)), y - step + 0.44)]
                for above, under in cone[depth - 1]
            ]
        name = (layers[depth - 1].name or f"layer {depth}") if depth else "image"
        x = leftmost - labels + 4 / cell
        ax.text(x, y + 7 / cell, name, va="center_baseline", size=WORDS)
        ax.text(
            x, y - 8 / cell, f"r {field.size}, j {field.stride}", va="center_baseline", size=SMALL, color=ink("muted")
        )
    ax.add_collection(LineCollection(segments, colors=ink("accent"), linewidths=0.8, label="connection", zorder=1))

    y = -0.5 - 9 / cell
    ax.plot([first - 0.5, last + 0.5], [y, y], color=ink("accent"), lw=1.6, marker="|", ms=7, label="region")
    ax.text(
        (first + last) / 2,
        y - 4 / cell,
        f"{signed(first)} … {signed(last)}",
        ha="center",
        va="top",
        size=SMALL,
        color=ink("accent"),
    )
    return ax


@picture
def plot_overlap(layers: Sequence[Layer], *, ax: Axes | None = None) -> Axes:
    """Draw by how many routes each cell of its field reaches one unit.

    A route goes from the cell through one tap of each layer's window. The middle of a field has more
    routes than its rim, which is where the effective receptive field comes from.

    Examples:
        >>> from rfguide import Layer
        >>> from rfguide.plot import plot_overlap
        >>> ax = plot_overlap([Layer(3), Layer(3)])
        >>> [int(bar.get_height()) for bar in ax.patches]
        [1, 2, 3, 2, 1]
    """
    layers = stack(layers)
    drawable(cells=(ReceptiveField(), *receptive_fields(layers))[-1].size)
    routes = Counter({0: 1})
    for layer in reversed(layers):
        routes_below: Counter[int] = Counter()
        for unit, count in routes.items():
            for below in input_cells([layer], unit):
                routes_below[below] += count
        routes = routes_below
    first, last = receptive_fields(layers)[-1].region(0) if layers else (0, 0)
    across = range(first, last + 1)
    if ax is None:
        ax = canvas(None, 0, 1.6, 0, 1)
        ax.set_position((0.13, 0.2, 0.84, 0.74))
    ax.set_axis_on()
    ax.set_aspect("auto")
    bars = ax.bar(
        [x - first for x in across], [routes[x] for x in across], width=SIDE_BAR, color=ink("used"), ec=ink("padding")
    )
    ax.set_xlim(-0.7, len(across) - 0.3)
    ax.set_ylim(0, max(routes.values()) * 1.18)
    if len(across) <= 15:
        ax.bar_label(bars, fontsize=WORDS, padding=2)
        ax.set_xticks(range(len(across)))
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    else:
        ax.set_ylabel("routes")
    ax.tick_params(length=0)
    ax.set_xlabel("cell of the field")
    return ax


SIDE_BAR = 0.88

PATH_ROLES = ("accent2", "accent", "accent3")


@picture
def plot_paths(paths: Mapping[str, Sequence[Layer]], *, unit: int = 0, ax: Axes | None = None) -> Axes:
    """Draw what one unit sees through each of several paths that meet in it, and through all together.

    A row for each path: its cells, and a mark at the middle of its field. The last row is the union.

    Args:
        paths: A name and the layers of each path from the input to where they meet (none: a shortcut).
        unit: The unit where they meet.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If there is no path, or two arrive with different effective strides.

    Examples:
        >>> from rfguide import Layer
        >>> from rfguide.plot import drawn, plot_paths
        >>> ax = plot_paths({"3×3": [Layer(3, padding=1)], "shortcut": []}, unit=4)
        >>> [x for x, y in drawn(ax, "together")]
        [3.0, 4.0, 5.0]
    """
    if not isinstance(paths, Mapping):
        raise TypeError(f"paths={shown(paths)} must be a mapping of names to layers, not {type(paths).__name__}")
    paths = {str(name): stack(layers) for name, layers in paths.items()}
    (unit,) = whole(unit=unit)
    if not paths:
        raise GeometryError("paths={} must hold at least one path")
    fields = {name: (ReceptiveField(), *receptive_fields(layers))[-1] for name, layers in paths.items()}
    drawable(cells=sum(field.size for field in fields.values()))
    strides = {name: field.stride for name, field in fields.items()}
    if len(set(strides.values())) > 1:
        arrivals = ", ".join(f"{name}: {stride}" for name, stride in strides.items())
        raise GeometryError(f"paths meet with different effective strides ({arrivals}); they must be equal")
    seen = {name: input_cells(layers, unit) for name, layers in paths.items()}
    together = sorted({cell for row in seen.values() for cell in row})

    drawable(cells=together[-1] - together[0])
    middle = (together[0] + together[-1]) / 2
    half = max(together[-1] - together[0] + 1.6, 9) / 2  # a few cells do not grow to fill the picture
    left, right = middle - half, middle + half
    longest = max(len(name) for name in (*paths, "together"))
    beside = longest * WORDS * 0.6 + 10
    labels = beside * (right - left) / (room(ax) - beside)
    cell = room(ax) / (right - left + labels)
    step = max(1.35, 24 / cell)
    bottom = -step * (len(paths) + 0.35)
    ax = canvas(ax, left - labels, right, bottom - 0.5 - 22 / cell, 0.5 + 14 / cell)
    for row, (name, read) in enumerate(seen.items()):
        y = -row * step
        role = PATH_ROLES[row % len(PATH_ROLES)]
        first, last = fields[name].region(unit)
        cells(ax, name, [(x, y) for x in read], fill=role)
        outlines(ax, "hole", [(x, y) for x in range(first, last + 1) if x not in read])
        ax.plot(
            [float(fields[name].center(unit))],
            [y + 0.5 + 5 / cell],
            marker="v",
            ms=6,
            color=ink(role),
            ls="none",
            label=f"center {name}",
        )
        ax.text(left - labels + 4 / cell, y, name, va="center_baseline", size=WORDS, color=ink(role))
    cells(ax, "together", [(x, bottom) for x in together], fill="used")
    outlines(ax, "hole", [(x, bottom) for x in range(together[0], together[-1] + 1) if x not in together])
    ax.text(left - labels + 4 / cell, bottom, "together", va="center_baseline", size=WORDS)
    for x in together if half < 9 else (together[0], together[-1]):
        ax.text(x, bottom - 0.5 - 4 / cell, signed(x), ha="center", va="top", size=SMALL, color=ink("muted"))
    return ax
