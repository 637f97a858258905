"""Two axes: fields on an image, holes, gradient maps, feature maps, one window taken apart."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from rfguide.errors import LARGEST, GeometryError, at_least, at_most, shown
from rfguide.fields import ReceptiveField, input_cells, receptive_fields
from rfguide.layers import Layer, stack
from rfguide.plot.canvas import canvas, cells, drawable, outlines, picture, room, signed
from rfguide.plot.palette import SMALL, WORDS, ink
from rfguide.sizes import output_sizes

Pair = tuple[int, int]

# Values are shown by opacity, so that one raster serves both themes: what is near zero is near the page.
POSITIVE = (222, 110, 24)
NEGATIVE = (44, 122, 200)
OUTLINES = ("accent2", "accent3", "muted")


def two(number: int | Pair, name: str, minimum: int | None = None) -> Pair:
    """Read a number for both axes, or a pair (rows, columns)."""
    numbers = number if isinstance(number, tuple | list) else (number, number)
    if len(numbers) != 2:
        raise GeometryError(
            f"{name}={shown(number)} has {len(numbers)} numbers; it must be one integer or a pair (row, column)"
        )
    lowest = -LARGEST if minimum is None else minimum
    first, second = at_least(lowest, **{f"{name}[0]": numbers[0], f"{name}[1]": numbers[1]})
    return first, second


def array(values: Any) -> NDArray[Any]:
    """Return a tensor of torch or anything that numpy takes as an array."""
    try:
        found = np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)
        if found.dtype.kind not in "biuf":
            raise TypeError
    except Exception:  # whatever numpy and torch raise
        raise TypeError(f"{shown(values)} must be an array of real numbers, not {type(values).__name__}") from None
    if not found.size:
        raise GeometryError(f"an array of shape {found.shape} holds nothing to draw")
    return found


@picture
def plot_region(
    regions: Mapping[str, tuple[tuple[int, int], tuple[int, int]]],
    input_size: int | tuple[int, int],
    *,
    image: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw regions of an image, the last one filled; what lies outside the image is hatched.

    Args:
        regions: A name and the rows and columns of each region, as pairs (first, last), both
            inclusive, as `ReceptiveField.region` and the `visible` of a traced map give them.
        input_size: Cells of the image along an axis, or a pair (rows, columns).
        image: The image itself, an array of rows × columns (× colours); without it, plain cells.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If there is no region, one has not two axes or sees nothing, or a size is below 1.

    Examples:
        >>> from rfguide.plot import plot_region
        >>> ax = plot_region({"pool2": ((-3, 6), (13, 22))}, 32)
        >>> ax.texts[-1].get_text()
        'pool2: 10 × 10'
    """
    if not isinstance(regions, Mapping):
        raise TypeError(f"regions={shown(regions)} must be a mapping of names to regions, not {type(regions).__name__}")
    if not regions:
        raise GeometryError("regions={} must hold at least one region")
    rows, columns = two(input_size, "input_size", 1)
    regions = {str(name): _rows_and_columns(region, f"the region of {shown(name)}") for name, region in regions.items()}
    boxes = list(regions.values())
    top, bottom = min(0, *(r[0] for r, _ in boxes)), max(rows - 1, *(r[1] for r, _ in boxes))
    left, right = min(0, *(c[0] for _, c in boxes)), max(columns - 1, *(c[1] for _, c in boxes))
    pixels = None if image is None else array(image)
    if pixels is not None and not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise GeometryError(f"image of shape {pixels.shape} must be rows × columns, of 3 or 4 colours if of any")
    across = (right - left + 1) * room(ax) / (room(ax) - 40)  # 40 points for the numbers at the left
    cell = room(ax) / across
    below = (24 + 20 * len(boxes)) / cell
    ax = canvas(ax, right + 0.7 - across, right + 0.7, bottom + 0.5 + below, top - 0.7)

    if pixels is None:
        ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fc=ink("input"), ec="none", zorder=0))
    else:
        ax.imshow(pixels, extent=(-0.5, columns - 0.5, rows - 0.5, -0.5), cmap="gray", interpolation="none", zorder=0)
    *_, (rows_seen, columns_seen) = boxes
    _box(ax, rows_seen, columns_seen, fc=ink("field"), ec="none", alpha=0.85 if image is None else 0.45, zorder=1)
    if cell >= 4 and image is None:
        lines = [[(x - 0.5, -0.5), (x - 0.5, rows - 0.5)] for x in range(columns + 1)]
        lines += [[(-0.5, y - 0.5), (columns - 0.5, y - 0.5)] for y in range(rows + 1)]
        ax.add_collection(LineCollection(lines, colors=ink("padding"), linewidths=0.35, zorder=2))
    ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fc="none", ec=ink("muted"), lw=1, zorder=2))
    for y0, y1, x0, x1 in _outside(rows_seen, columns_seen, rows, columns):
        _box(ax, (y0, y1), (x0, x1), fc="none", ec=ink("padding"), hatch="////", lw=0, label="padding", zorder=1)
    for place, (name, (r, c)) in enumerate(regions.items()):
        last = place == len(boxes) - 1
        role = "accent" if last else OUTLINES[place % len(OUTLINES)]
        _box(ax, r, c, fc="none", ec=ink(role), lw=2, label=name, zorder=3)
        y = bottom + 0.5 + (34 + 20 * place) / cell
        ax.plot([left - 0.5, left - 0.5 + 16 / cell], [y, y], color=ink(role), lw=3, solid_capstyle="butt")
    _ends(ax, rows_seen, columns_seen, left=left - 0.5, bottom=bottom + 0.5, cell=cell)
    for place, (name, (r, c)) in enumerate(regions.items()):
        words = f"{name}: {r[1] - r[0] + 1} × {c[1] - c[0] + 1}"
        y = bottom + 0.5 + (34 + 20 * place) / cell
        ax.text(left - 0.5 + 22 / cell, y, words, va="center_baseline", size=WORDS)
    return ax


def _rows_and_columns(region: Any, name: str) -> tuple[Pair, Pair]:
    """Read a region: rows and columns, each (first, last)."""
    if not isinstance(region, tuple | list) or len(region) != 2 or not all(isinstance(r, tuple | list) for r in region):
        raise GeometryError(f"{name} is {shown(region)}; it must be rows and columns, each (first, last)")
    rows, columns = (two(ends, name) for ends in region)
    if rows[0] > rows[1] or columns[0] > columns[1]:
        raise GeometryError(f"{name} is {shown(region)}; its first row and column must not lie behind its last")
    return rows, columns


def _box(ax: Axes, rows: Pair, columns: Pair, **style: Any) -> None:
    ax.add_patch(
        Rectangle((columns[0] - 0.5, rows[0] - 0.5), columns[1] - columns[0] + 1, rows[1] - rows[0] + 1, **style)
    )


def _ends(ax: Axes, rows: Pair, columns: Pair, *, left: float, bottom: float, cell: float) -> None:
    """Write where a region begins and ends, beside and below the image."""
    for x in columns:
        ax.text(x, bottom + 4 / cell, signed(x), ha="center", va="top", size=SMALL, color=ink("accent"))
    for y in rows:
        ax.text(left - 5 / cell, y, signed(y), ha="right", va="center_baseline", size=SMALL, color=ink("accent"))


def _outside(rows: Pair, columns: Pair, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Cut the part of a region outside the image into up to four boxes (first and last row, first and last column)."""
    (top, bottom), (left, right) = rows, columns
    boxes = [
        (top, min(bottom, -1), left, right),
        (max(top, height), bottom, left, right),
        (max(top, 0), min(bottom, height - 1), left, min(right, -1)),
        (max(top, 0), min(bottom, height - 1), max(left, width), right),
    ]
    return [box for box in boxes if box[0] <= box[1] and box[2] <= box[3]]


@picture
def plot_field(
    layers: Sequence[Layer],
    unit: int | tuple[int, int],
    input_size: int | tuple[int, int],
    *,
    image: Any = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the field of a unit of the last map on the image, with the fields of units on the way nested inside.

    Of each earlier map it shows the unit in the middle of what the unit reads there. The part of the
    field that falls on padding is hatched. Of more than six layers it shows the last one only.

    Args:
        layers: The stack, first layer first; the same along both axes.
        unit: A unit of the last map, or a pair (row, column).
        input_size: Cells of the image along an axis, or a pair (rows, columns).
        image: The image itself, to lie below.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If a kernel does not fit, or the last map has no such unit.

    Examples:
        >>> from rfguide.networks import NET
        >>> from rfguide.plot import plot_field
        >>> ax = plot_field(NET, 4, 32)
        >>> [text.get_text() for text in ax.texts[-4:]]
        ['conv1: 3 × 3', 'pool1: 4 × 4', 'conv2: 8 × 8', 'pool2: 10 × 10']
        >>> [text.get_text() for text in ax.texts[:2]]
        ['13', '22']
    """
    layers = stack(layers)
    chosen = zip(two(unit, "unit"), two(input_size, "input_size", 1), strict=True)
    rows, columns = (_nested(layers, u, size) for u, size in chosen)
    names = [layer.name or f"layer {depth}" for depth, layer in enumerate(layers, 1)]
    if len(set(names)) < len(names):
        names = [f"{name} ({depth})" for depth, name in enumerate(names, 1)]
    regions = dict(zip(names, zip(rows, columns, strict=True), strict=True))
    if len(regions) > 6:
        regions = {names[-1]: regions[names[-1]]}
    return plot_region(regions, input_size, image=image, ax=ax)


def _nested(layers: Sequence[Layer], unit: int, input_size: int) -> list[Pair]:
    """Return one field for each layer, each inside the next: that of the middle unit of those it reads."""
    sizes = output_sizes(input_size, layers)
    input_cells(layers, unit, input_size=input_size)  # the check that there is such a unit
    regions = []
    for depth in range(len(layers), 0, -1):
        regions.append(receptive_fields(layers[:depth])[-1].region(unit))
        if depth > 1:
            window = input_cells([layers[depth - 1]], unit)
            # Padding counts only where a window holds nothing else.
            real = [cell for cell in window if cell in range(sizes[depth - 2])] or window
            unit = real[len(real) // 2]
    return regions[::-1]


@picture
def plot_holes(layers: Sequence[Layer], *, ax: Axes | None = None) -> Axes:
    """Draw which pixels inside its receptive field a unit really reads, and count them.

    Examples:
        >>> from rfguide import Layer
        >>> from rfguide.plot import drawn, plot_holes
        >>> ax = plot_holes([Layer(3, dilation=2)])
        >>> len(drawn(ax, "used")), len(drawn(ax, "hole"))
        (9, 16)
        >>> ax.texts[0].get_text()
        '9 of 25 pixels, 36 %'
    """
    layers = stack(layers)
    field = (ReceptiveField(), *receptive_fields(layers))[-1]
    at_most(1000, pixels_along_the_field=field.size)
    first, _ = field.region(0)
    used = {cell - first for cell in input_cells(layers, 0)}
    side = range(field.size)
    across = max(field.size, 12) + 0.4  # small fields keep small cells
    cell = room(ax) / across
    left = (field.size - 1) / 2 - across / 2
    ax = canvas(ax, left, left + across, field.size - 0.3 + 30 / cell, -0.7)
    cells(ax, "used", [(x, y) for y in side for x in side if x in used and y in used])
    outlines(ax, "hole", [(x, y) for y in side for x in side if x not in used or y not in used], role="grid")
    count, total = len(used) ** 2, field.size**2
    words = f"{count} of {total} pixels, {round(100 * count / total)} %"
    ax.text((field.size - 1) / 2, field.size - 0.3 + 6 / cell, words, ha="center", va="top", size=WORDS)
    return ax


def _raster(values: NDArray[Any], largest: float) -> NDArray[np.uint8]:
    """Turn values into colour (sign) and opacity (size, of the largest); not-a-number is clear."""
    strength = np.abs(np.nan_to_num(values)) / (largest or 1.0)
    colours = np.where((values < 0)[..., None], NEGATIVE, POSITIVE)
    return np.dstack([colours, np.round(255 * np.clip(strength, 0, 1))]).astype(np.uint8)


@picture
def plot_gradient(
    gradient: Any, region: tuple[tuple[int, int], tuple[int, int]] | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw how strongly each pixel moves a unit, with the box that theory draws around it.

    Args:
        gradient: Rows × columns, as `rfguide.probe.gradient` returns it.
        region: Rows and columns of the theoretical field, as pairs (first, last), both inclusive.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If the gradient has not two axes.

    Examples:
        >>> from rfguide.plot import plot_gradient
        >>> ax = plot_gradient([[0, 1, 0], [1, 2, 1], [0, 1, 0]], ((0, 2), (0, 2)))
        >>> ax.images[0].get_array()[1, :, 3].tolist()
        [128, 255, 128]
    """
    values = array(gradient).astype(float)
    if values.ndim != 2:
        raise GeometryError(f"gradient has {values.ndim} axes; it must have rows and columns")
    rows, columns = values.shape
    across = columns + 1 + columns * 30 / (room(ax) - 30)  # 30 points for the numbers at the left
    cell = room(ax) / across
    left, bottom = columns - across, rows + 24 / cell
    ax = canvas(ax, left, columns, bottom, -1.0)
    ax.imshow(_raster(values, float(np.abs(np.nan_to_num(values)).max())), interpolation="none", zorder=1)
    ax.set_xlim(left, columns)  # imshow has moved them
    ax.set_ylim(bottom, -1.0)
    ax.add_patch(Rectangle((-0.5, -0.5), columns, rows, fc="none", ec=ink("padding"), lw=1, zorder=2))
    if region is not None:
        region = _rows_and_columns(region, "region")
        _box(ax, *region, fc="none", ec=ink("accent"), lw=1.6, ls="--", label="region", zorder=3)
        _ends(ax, *region, left=-0.5, bottom=rows - 0.5, cell=cell)
    return ax


@picture
def plot_maps(maps: Any, *, columns: int = 4, ax: Axes | None = None) -> Axes:
    """Draw feature maps side by side, each with the number of its channel.

    All maps share one scale: the stronger the value, the stronger the colour; orange is positive, blue
    negative, and zero shows the page.

    Args:
        maps: Channels × rows × columns; an axis of one sample before them is dropped.
        columns: Maps in a row of the picture.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If the maps have not three axes, or there are several samples.

    Examples:
        >>> from rfguide.plot import plot_maps
        >>> ax = plot_maps([[[0, 1], [2, 4]], [[0, -4], [0, 0]]], columns=2)
        >>> ax.images[0].get_array()[..., 3].tolist()
        [[0, 64], [128, 255]]
        >>> [text.get_text() for text in ax.texts]
        ['0', '1']
    """
    (columns,) = at_least(1, columns=columns)
    values = array(maps).astype(float)
    if values.ndim == 4 and len(values) == 1:
        values = values[0]
    if values.ndim != 3:
        raise GeometryError(f"maps of shape {values.shape} must be channels × rows × columns, of one sample")
    channels, height, width = values.shape
    at_most(1000, channels=channels)
    columns = min(columns, channels)
    lines = -(-channels // columns)
    # Room between maps, in cells: a tenth of a map, and above each the number of its channel.
    gap = max(1, round(width / 10))
    across = columns * (width + gap) - gap
    cell = room(ax) / across
    line = height + 17 / cell
    ax = canvas(ax, -0.5, across - 0.5, lines * line - 0.5, -0.5)
    largest = float(np.abs(np.nan_to_num(values)).max())
    for channel, plane in enumerate(values):
        x = channel % columns * (width + gap) - 0.5
        y = channel // columns * line + 15 / cell - 0.5
        extent = (x, x + width, y + height, y)
        ax.imshow(_raster(plane, largest), extent=extent, interpolation="none", zorder=1)
        ax.add_patch(Rectangle((x, y), width, height, fc="none", ec=ink("grid"), lw=0.8, zorder=2))
        ax.text(x, y - 3 / cell, str(channel), size=SMALL, va="bottom", color=ink("muted"))
    ax.set_xlim(-0.5, across - 0.5)  # imshow has moved them
    ax.set_ylim(lines * line - 0.5, -0.5)
    return ax


@picture
def plot_window(window: Any, kernel: Any, bias: float = 0.0, *, ax: Axes | None = None) -> Axes:
    """Draw how one value of a map is made: a window times a kernel, channel by channel, summed, plus the bias.

    Args:
        window: What the kernel lies on, channels × rows × columns.
        kernel: The weights, of the same shape.
        bias: The number added at the end.
        ax: Where to draw; a new figure if not given.

    Raises:
        GeometryError: If the shapes differ or have not three axes.

    Examples:
        >>> from rfguide.plot import plot_window
        >>> ax = plot_window([[[1, 2], [3, 4]]], [[[1, 0], [0, -1]]], bias=0.5)
        >>> ax.texts[-1].get_text()
        'sum −3 + bias 0.5 = −2.5'
    """
    pixels, weights = array(window), array(kernel)
    if pixels.ndim != 3 or pixels.shape != weights.shape:
        raise GeometryError(
            f"window of shape {pixels.shape} and kernel of shape {weights.shape} must both be channels × rows × columns"
        )
    drawable(numbers=pixels.size)
    channels, height, width = pixels.shape
    bias = float(array(bias).reshape(-1)[0])
    products = pixels * weights
    blocks = (("input", pixels), ("map", weights), ("field", products))
    across = 3 * width + 2 * 1.1 + 0.2
    cell = room(ax) / across
    step = height + 0.5
    base = (channels - 1) * step + height
    ax = canvas(ax, -0.6, across - 0.6, base + 0.1 + 22 / cell, -0.5 - 22 / cell)
    largest = max(len(_number(v)) for _, block in blocks for v in block.flat)
    size = min(WORDS, 1.5 * cell / largest)
    for place, (kind, block) in enumerate(blocks):
        x0 = place * (width + 1.1)
        head = ("window", "kernel", "products")[place]
        ax.text(x0 + (width - 1) / 2, -0.5 - 5 / cell, head, ha="center", va="bottom", size=SMALL, color=ink("muted"))
        for c, plane in enumerate(block):
            spots = [(x0 + x, c * step + y) for y in range(height) for x in range(width)]
            cells(ax, kind, spots)
            for (x, y), value in zip(spots, plane.flat, strict=True):
                ax.text(x, y, _number(value), size=size, ha="center", va="center_baseline", zorder=4)
    for c in range(channels):
        for place, sign in enumerate("×="):
            x = place * (width + 1.1) + width + 0.05
            ax.text(x, c * step + (height - 1) / 2, sign, ha="center", va="center_baseline", size=WORDS + 2)
    total = products.sum()
    words = f"sum {_number(total)} + bias {_number(bias)} = {_number(total + bias)}"
    ax.text(across - 1.1, base - 0.4 + 8 / cell, words, ha="right", va="top", size=WORDS)
    return ax


def _number(value: float) -> str:
    """Write a value as short as two decimals allow, with a real minus sign."""
    text = f"{float(value):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")
