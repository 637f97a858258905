"""The explorer without its script: the same state as SVG, with the sentence that says it, drawn by the library.

`embed` returns the element with this picture inside; the script, where it runs, takes the picture's place.
The arithmetic here is the library's own. docs/assets/explorer/geometry.js is its twin, and
tests/test_explorer_twin.py holds the two against each other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from itertools import product as pairs
from math import prod, sqrt
from typing import Any

from rfguide.errors import GeometryError, at_least, pair
from rfguide.forms import INPUT, LONGEST_PERIOD, Form, Steps, through
from rfguide.layers import Layer
from rfguide.networks import NET, STACKS
from rfguide.sizes import output_size, transposed_output_size

CAPTION = {"en": "image", "zh": "图像"}
TYPES = ("conv", "pool", "transposed", "upsample")
MOST_LAYERS = 64
# Beyond this, sums of numbers are no longer exact in a browser: what they would say is unknown there.
LARGEST = 2**52
MOST_TAPS = 65536


@dataclass(frozen=True, slots=True)
class Result:
    """What the explorer says of one map; None is unknown, or no single number."""

    output_size: int | None
    size: int | None
    stride: int | None
    padding: int | None


@dataclass(frozen=True, slots=True)
class State:
    """What a link says: a stack, and the unit in question."""

    axes: int
    input_size: int
    layers: tuple[Mapping[str, Any], ...]
    map: int
    unit: tuple[int, int]


def complete(layer: Mapping[str, Any]) -> dict[str, Any]:
    """Return the layer with every number; nearest upsampling is a transposed convolution whose kernel is its stride."""
    usual = {"type": "conv", "kernel_size": None, "padding": 0, "dilation": 1, "output_padding": 0, "ceil_mode": False}
    whole = {**usual, "stride": 1, **layer}
    if whole["type"] != "pool":
        whole["ceil_mode"] = False
    if whole["type"] == "upsample":
        factor = layer.get("stride", layer.get("kernel_size"))
        whole |= {"kernel_size": factor, "stride": factor, "padding": 0, "dilation": 1, "output_padding": 0}
    return whole


def results(input_size: Any, layers: Sequence[Mapping[str, Any]]) -> list[Result]:
    """Return what the explorer says of each map.

    Raises:
        GeometryError: If a number is out of range or a kernel does not fit.
        TypeError: If a number is not an integer.

    Examples:
        >>> results(32, [{"kernel_size": 3, "padding": 1}, {"type": "pool", "kernel_size": 2, "stride": 2}])[-1]
        Result(output_size=16, size=4, stride=2, padding=1)
    """
    (size,) = at_least(1, input_size=input_size)
    if len(layers) > MOST_LAYERS:
        raise GeometryError(f"layers={len(layers)} must be at most {MOST_LAYERS}")
    form: Form | None = INPUT
    found = []
    for layer in map(complete, layers):
        if layer["type"] not in TYPES:
            raise GeometryError(f"type={layer['type']!r} must be one of {', '.join(TYPES)}")
        size = _size(size, layer)
        form = form and _deeper(form, layer)
        single = form.fields[0] if form and len(form.fields) == 1 else None
        found.append(
            Result(
                output_size=size if size <= LARGEST else None,
                size=form.size if form else None,
                stride=single.stride if single else None,
                padding=single.padding if single else None,
            )
        )
    return found


def _size(size: int, layer: Mapping[str, Any]) -> int:
    numbers = {name: layer[name] for name in ("stride", "padding", "dilation")}
    kernel_size = layer["kernel_size"]
    if layer["type"] == "upsample":
        at_least(1, stride=kernel_size)
    if layer["type"] in ("transposed", "upsample"):
        return transposed_output_size(size, kernel_size, output_padding=layer["output_padding"], **numbers)
    if layer["type"] == "pool":
        at_least(1, input_size=size, kernel_size=kernel_size, stride=numbers["stride"], dilation=numbers["dilation"])
        (padding,) = at_least(0, padding=numbers["padding"])
        # With ceil_mode the library says the same itself.
        if padding > kernel_size // 2 and layer["ceil_mode"] is False:
            raise GeometryError(
                f"{padding=} must be at most half of {kernel_size=}, as in torch's poolings "
                f"(padding={kernel_size // 2} would fit)"
            )
    return output_size(size, kernel_size, ceil_mode=layer["ceil_mode"], **numbers)


def _deeper(form: Form, layer: Mapping[str, Any]) -> Form | None:
    """Return the form one layer deeper; None where it is not known exactly."""
    kernel_size, stride, dilation = layer["kernel_size"], layer["stride"], layer["dilation"]
    step: Layer | Steps
    try:
        if layer["type"] in ("conv", "pool"):
            step = Layer(kernel_size, stride=stride, padding=layer["padding"], dilation=dilation)
            if len(form.fields) > 1 and len(form.fields) * kernel_size > MOST_TAPS:
                return None
        else:
            if stride > LONGEST_PERIOD or len(form.fields) * stride * kernel_size > MOST_TAPS:
                return None
            step = Steps(stride, 1, tuple(_taps(layer, unit) for unit in range(stride)))
        deeper = through(form, step)
    except GeometryError:  # numbers that no browser holds
        return None
    fields = [field for field in deeper.fields if field] if deeper else []
    ends = [end for field in fields for end in (field.stride, *field.region(0))]
    # None too where the period outgrows every bound, or where no unit sees anything.
    return deeper if fields and all(abs(end) <= LARGEST for end in ends) else None


def _taps(layer: Mapping[str, Any], unit: int) -> tuple[int, ...]:
    """Return the cells of the map before that a unit reads, in order, those of padding included."""
    stride = layer["stride"]
    before = pair(0, padding=layer["padding"])[0]
    steps = [tap * layer["dilation"] for tap in range(layer["kernel_size"])]
    if layer["type"] in ("conv", "pool"):
        return tuple(unit * stride - before + step for step in steps)
    return tuple((unit + before - step) // stride for step in reversed(steps) if (unit + before - step) % stride == 0)


# A stack as the text of a link


def write(input_size: int, layers: Sequence[Layer | Mapping[str, Any]], unit: str, *, axes: int = 2) -> str:
    """Return the link's text for a stack; of the library's layers, those whose name begins with pool are poolings."""
    return f"{axes}d.{input_size}{''.join(map(_part, layers))}@{unit}"


def _part(layer: Layer | Mapping[str, Any]) -> str:
    if isinstance(layer, Layer):
        kind = "pool" if "pool" in layer.name else "conv"
        layer = {name: getattr(layer, name) for name in ("kernel_size", "stride", "padding", "dilation")} | {
            "type": kind
        }
    whole = complete(layer)
    padding = whole["padding"]
    shown = str(padding) if isinstance(padding, int) else "-".join(map(str, padding))
    numbers = (whole["kernel_size"], whole["stride"], shown, whole["dilation"], whole["output_padding"])
    return f"~{whole['type'][0]}{'.'.join(map(str, numbers))}{'c' if whole['ceil_mode'] else ''}"


def read(text: str) -> State:
    """Return the state that a link's text tells.

    Raises:
        ValueError: If the text is damaged.
    """
    head = re.fullmatch(r"([12])d\.(\d{1,5})((?:~[^~@]+)*)@(\d+)\.(\d+)\.(\d+)", text)
    if not head:
        raise ValueError(f"{text!r} is no stack")
    axes, input_size, place, row, column = map(int, head.group(1, 2, 4, 5, 6))
    return State(axes, input_size, tuple(map(_layer, head[3].split("~")[1:])), place, (row, column))


def _layer(part: str) -> dict[str, Any]:
    number = r"(\d{1,5})"
    found = re.fullmatch(rf"([cptu]){number}\.{number}\.{number}(?:-{number})?\.{number}\.{number}(c?)", part)
    if not found:
        raise ValueError(f"{part!r} is no layer")
    kernel_size, stride, before, dilation, output_padding = map(int, found.group(2, 3, 4, 6, 7))
    return {
        "type": next(kind for kind in TYPES if kind[0] == found[1]),
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": [before, int(found[5])] if found[5] else before,
        "dilation": dilation,
        "output_padding": output_padding,
        "ceil_mode": bool(found[8]),
    }


_CONV = Layer(3, padding=1, name="conv")
_POOL = Layer(2, stride=2, name="pool")
_UP = {"type": "transposed", "kernel_size": 2, "stride": 2}
_UNET: list[Any] = [*[_CONV, _CONV, _POOL] * 2, _CONV, _CONV, *[_UP, _CONV] * 2]
PRESETS = {
    "net": write(32, NET, "4.4.4"),
    "alexnet": write(224, STACKS["alexnet"].layers[:8], "8.3.3"),
    "vgg16": write(224, STACKS["vgg16"].layers[:18], "18.3.3"),
    "resnet": write(64, STACKS["resnet18"].layers[:4], "4.8.8"),
    "resnet50": write(224, STACKS["resnet50"].layers, "50.3.3"),
    "dncnn": write(40, STACKS["dncnn"].layers, "17.20.20"),
    "dilated": write(32, [Layer(3, padding=d, dilation=d) for d in (1, 2, 4, 8)], "4.16.16"),
    "unet": write(32, _UNET, "8.4.4"),
    "wavenet": write(32, [Layer(2, padding=(d, 0), dilation=d) for d in (1, 2, 4, 8)], "4.24.24", axes=1),
    "wavenet10": write(1024, [Layer(2, padding=(2**i, 0), dilation=2**i) for i in range(10)], "10.1023.1023", axes=1),
    # What a chapter starts from; these are not in the explorer's own list.
    "one-layer": write(8, [Layer(3)], "1.2.2"),
    "holes": write(32, [Layer(3, padding=d, dilation=d) for d in (1, 2, 5)], "3.16.16"),
    "two-windows": write(9, [Layer(3), Layer(3)], "2.2.2", axes=1),
}

# What a unit sees, counted


@dataclass(frozen=True, slots=True)
class Seen:
    """What a unit sees of one map along one axis: cells of the map, padding that is read, all if no map had an edge."""

    cells: tuple[int, ...]
    padded: tuple[int, ...] = ()
    field: tuple[int, ...] = ()

    @property
    def read(self) -> tuple[int, ...]:
        """Cells and padding together."""
        return tuple(sorted((*self.cells, *self.padded)))


def seen(state: State, sizes: Sequence[int], unit: int) -> list[Seen]:
    """Return what the unit along one axis sees on each map, from the input to its own."""
    maps = [Seen((unit,), (), (unit,))]
    for number in range(state.map - 1, -1, -1):
        layer, here = complete(state.layers[number]), maps[0]
        read = sorted({tap for cell in here.cells for tap in _taps(layer, cell)})
        field = sorted({tap for cell in here.field for tap in _taps(layer, cell)})
        inside = range(sizes[number])
        # Beside what a transposed convolution reads there is no padding, just nothing.
        beside = [] if layer["type"] in ("transposed", "upsample") else [cell for cell in read if cell not in inside]
        maps.insert(0, Seen(tuple(cell for cell in read if cell in inside), tuple(beside), tuple(field)))
    return maps


def names(layers: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the explorer calls the layers: conv1, pool1, conv2 and so on."""
    kinds = [complete(layer)["type"] for layer in layers]
    return [f"{kind}{kinds[: place + 1].count(kind)}" for place, kind in enumerate(kinds)]


# Words: docs/assets/explorer/words.*.js have the same, and a browser test compares the sentences


def _product(counts: Sequence[int]) -> str:
    return " × ".join(map(str, counts)) + (f" = {prod(counts)}" if len(counts) > 1 else "")


def _some(count: str, one: str) -> str:
    return f"{count} {one}{'' if count == '1' or count.endswith('= 1') else 's'}"


def _range(cells: Sequence[int]) -> str:
    return f"{cells[0]}–{cells[-1]}" if len(cells) > 1 else str(cells[0])


def sentence(state: State, language: str) -> str:
    """Return the sentence that says what the unit reads and sees."""
    sizes = [state.input_size, *_sizes(state)]
    axes = [seen(state, sizes, unit) for unit in state.unit[-state.axes :]]
    own = names(state.layers)[state.map - 1]
    place = f"({', '.join(map(str, state.unit))})" if state.axes > 1 else str(state.unit[1])
    read = [len(axis[-2].read) for axis in axes]
    cells = [len(axis[0].cells) for axis in axes]
    ranges = [_range(axis[0].cells) for axis in axes]
    whole = prod(len(axis[0].field) for axis in axes)
    padded = prod(read) - prod(len(axis[-2].cells) for axis in axes)
    lost = whole - prod(cells)
    skipped = prod(axis[0].field[-1] - axis[0].field[0] + 1 for axis in axes) - whole
    before = names(state.layers)[state.map - 2] if state.map > 1 else ""
    if language == "zh":
        where = f"第 {ranges[0]} 行，第 {ranges[1]} 列" if state.axes > 1 else f"第 {ranges[0]} 格"
        return (
            f"{own} 的单元 {place} 读取{f' {before} ' if before else '图像'}的 {_product(read)} 格"
            f"{f'，其中 {padded} 格是填充' if padded else ''}。"
            f"它看到图像的 {_product(cells)} 个像素：{where}。"
            f"{f'感受野的 {whole} 个像素中，有 {lost} 个被边界截去。' if lost else ''}"
            f"{f'其间跳过 {skipped} 个像素。' if skipped else ''}"
        )
    where = f"rows {ranges[0]}, columns {ranges[1]}" if state.axes > 1 else ranges[0]
    sees, taken, left = _some(_product(cells), "pixel"), _some(str(whole), "pixel"), _some(str(skipped), "pixel")
    return (
        f"Unit {place} of {own} reads {_some(_product(read), 'cell')} of {before or 'the image'}"
        f"{f', {padded} of them padding' if padded else ''}. "
        f"It sees {sees} of the image: {where}."
        f"{f' The border takes {lost} of the {taken} of its field.' if lost else ''}"
        f"{f' It skips {left} in between.' if skipped else ''}"
    )


def _sizes(state: State) -> list[int]:
    sizes = [result.output_size for result in results(state.input_size, state.layers)]
    return [size for size in sizes if size is not None]


# The picture

SIDE, GAP, BAND, ROOM = 100.0, 16.0, 9.0, 26.0


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of a drawn map: where its cell 0 begins, how wide a cell is, and what to show."""

    size: int
    before: int
    after: int
    origin: float
    cell: float
    seen: Seen

    def span(self, cells: Sequence[int]) -> tuple[float, float]:
        """Return where a run of cells begins and how long it is."""
        return self.origin + cells[0] * self.cell, (cells[-1] - cells[0] + 1) * self.cell


def picture(state: State, key: str) -> str:
    """Return the state as one SVG; `key` makes its ids its own."""
    sizes = [state.input_size, *_sizes(state)]
    sights = [seen(state, sizes, unit) for unit in state.unit[-state.axes :]]
    # Maps after the unit's own show nothing of it.
    sights = [[*sight, *[Seen(())] * (len(sizes) - len(sight))] for sight in sights]
    rings = [
        _ring(complete(layer), size, after) for layer, size, after in zip(state.layers, sizes, sizes[1:], strict=False)
    ]
    rings.append((0, 0))
    draw = _strips if state.axes == 1 else _grids
    width, height, shapes = draw(state, sizes, rings, sights, key)
    lines = '<path d="M-1 1 1-1M0 3 3 0M2 4 4 2" style="stroke:var(--rf-padding);stroke-width:.6"/>'
    hatch = f'<pattern id="{key}" width="3" height="3" patternUnits="userSpaceOnUse">{lines}</pattern>'
    box = f'viewBox="0 0 {width:.1f} {height:.1f}" style="width:100%;height:auto;max-height:18em"'
    return f'<svg {box} aria-hidden="true"><defs>{hatch}</defs>{shapes}</svg>'


def _ring(layer: Mapping[str, Any], size: int, after: int) -> tuple[int, int]:
    if layer["type"] in ("transposed", "upsample"):
        return 0, 0
    before, end = pair(0, padding=layer["padding"])
    return before, max(end, _taps(layer, after - 1)[-1] + 1 - size)


def _rect(x: tuple[float, float], y: tuple[float, float], style: str) -> str:
    return f'<rect x="{x[0]:.2f}" y="{y[0]:.2f}" width="{x[1]:.2f}" height="{y[1]:.2f}" style="{style}"/>'


def _map(rows: Axis, columns: Axis, ground: str, kind: str, key: str) -> str:
    """Draw one map: ground, padding, what is marked, grid, outline."""
    shapes = []
    if rows.before + rows.after + columns.before + columns.after:
        around = [axis.span((-axis.before, axis.size + axis.after - 1)) for axis in (columns, rows)]
        shapes.append(_rect(around[0], around[1], f"fill:url(#{key})"))
    inside = [axis.span((0, axis.size - 1)) for axis in (columns, rows)]
    shapes.append(_rect(inside[0], inside[1], f"fill:var(--rf-{ground})"))
    hull = None
    if rows.seen.read and columns.seen.read:
        hull = columns.span(columns.seen.read), rows.span(rows.seen.read)
        shapes.append(_rect(*hull, f"fill:var(--rf-{'field' if kind == 'used' else kind})"))
        if kind == "used":
            runs = pairs(_runs(rows.seen.cells), _runs(columns.seen.cells))
            boxes = [(*columns.span(column), *rows.span(row)) for row, column in runs]
            path = "".join(f"M{x:.2f} {y:.2f}h{w:.2f}v{h:.2f}h{-w:.2f}z" for x, w, y, h in boxes)
            shapes.append(f'<path d="{path}" style="fill:var(--rf-used)"/>')
    grid = [
        f"M{columns.origin + i * columns.cell:.2f} {inside[1][0]:.2f}v{inside[1][1]:.2f}"
        for i in range(columns.size + 1)
    ]
    grid += [f"M{inside[0][0]:.2f} {rows.origin + i * rows.cell:.2f}h{inside[0][1]:.2f}" for i in range(rows.size + 1)]
    shapes.append(f'<path d="{"".join(grid)}" style="stroke:var(--rf-grid);stroke-width:.3"/>')
    if hull:
        shapes.append(
            _rect(*hull, f"fill:none;stroke:var(--rf-{'accent' if kind == 'used' else 'text'});stroke-width:1")
        )
    return "".join(shapes)


def _runs(cells: Sequence[int]) -> list[tuple[int, int]]:
    """Return neighbouring cells as (first, last)."""
    found: list[tuple[int, int]] = []
    for cell in cells:
        if found and found[-1][1] == cell - 1:
            found[-1] = found[-1][0], cell
        else:
            found.append((cell, cell))
    return found


Drawn = tuple[float, float, str]


def _grids(
    state: State, sizes: Sequence[int], rings: Sequence[tuple[int, int]], sights: list[list[Seen]], key: str
) -> Drawn:
    """Draw the maps side by side, and a beam from what is read to who reads it."""
    counts = [size + sum(ring) for size, ring in zip(sizes, rings, strict=True)]
    sides = [SIDE * max(0.5, sqrt(count / counts[0])) for count in counts]
    height, x = max(sides), 0.0
    shapes, drawn = [], []
    for number, (size, ring, side, count) in enumerate(zip(sizes, rings, sides, counts, strict=True)):
        cell = side / count
        y = height - side
        rows, columns = (
            Axis(size, *ring, origin=start + ring[0] * cell, cell=cell, seen=sight[number])
            for start, sight in zip((y, x), sights, strict=True)
        )
        kind = "used" if number < state.map else "unit"
        shapes.append(_map(rows, columns, "map" if number else "input", kind, key))
        drawn.append((rows, columns))
        x += side + GAP
    for (rows, columns), (up, on) in pairwise(drawn[: state.map + 1]):
        if all(axis.seen.read for axis in (rows, columns, up, on)):
            (left, wide), (top, tall) = columns.span(columns.seen.read), rows.span(rows.seen.read)
            (right, _), (high, low) = on.span(on.seen.read), up.span(up.seen.read)
            near, far = left + wide, f"{right:.2f} {high:.2f}v{low:.2f}"
            style = "fill:var(--rf-used);fill-opacity:.3;stroke:var(--rf-accent);stroke-width:.5"
            beam = f"M{near:.2f} {top:.2f}L{far}L{near:.2f} {top + tall:.2f}Z"
            shapes.append(f'<path d="{beam}" style="{style}"/>')
    return x - GAP, height, "".join(shapes)


def _strips(
    state: State, sizes: Sequence[int], rings: Sequence[tuple[int, int]], sights: list[list[Seen]], key: str
) -> Drawn:
    """Draw the maps one above the other, the input lowest, and a line for each cell that a unit reads."""
    length = 4 * SIDE
    before, after = (max(ring[end] / size for ring, size in zip(rings, sizes, strict=True)) for end in (0, 1))
    height = len(sizes) * (BAND + ROOM) - ROOM
    shapes, drawn = [], []
    for number, (size, ring) in enumerate(zip(sizes, rings, strict=True)):
        cell = length / (1 + before + after) / size
        columns = Axis(size, *ring, origin=before * cell * size, cell=cell, seen=sights[0][number])
        top = height - BAND - number * (BAND + ROOM)
        rows = Axis(1, 0, 0, origin=top, cell=BAND, seen=Seen((0,)))
        kind = "used" if number < state.map else "unit"
        shapes.append(_map(rows, columns, "map" if number else "input", kind, key))
        drawn.append((rows, columns))
    for number, ((rows, columns), (up, on)) in enumerate(pairwise(drawn)):
        layer = complete(state.layers[number])
        faint: list[str] = []
        strong: list[str] = []
        for unit, tap in ((reader, cell) for reader in range(on.size) for cell in _taps(layer, reader)):
            marked = number < state.map and unit in on.seen.cells and tap in columns.seen.read
            x, end = columns.origin + (tap + 0.5) * columns.cell, on.origin + (unit + 0.5) * on.cell
            (strong if marked else faint).append(f"M{x:.1f} {rows.origin:.1f}L{end:.1f} {up.origin + BAND:.1f}")
        shapes.insert(0, f'<path d="{"".join(faint)}" style="stroke:var(--rf-grid);stroke-width:.5"/>')
        shapes.append(f'<path d="{"".join(strong)}" style="stroke:var(--rf-accent);stroke-width:.8"/>')
    return length, height, "".join(shapes)


def embed(options: str, language: str) -> str:
    """Return the explorer's element as HTML, with its picture and sentence for readers without scripts.

    Args:
        options: Words and pairs, such as `preset=net compact`: a `preset` or a `stack` (a link's text);
            `compact` leaves out the controls, `linked` keeps the state in the page's address.
        language: "en" or "zh".

    Raises:
        ValueError: If an option, a preset or a language does not exist, or the stack is damaged.
    """
    if language not in CAPTION:
        raise ValueError(f"language {language!r} is neither 'en' nor 'zh'")
    given = dict(word.partition("=")[::2] for word in options.split())
    if unknown := set(given) - {"preset", "stack", "compact", "linked"}:
        raise ValueError(f"{', '.join(sorted(unknown))}: no such option (there are preset, stack, compact, linked)")
    preset = given.get("preset", "net")
    if preset not in PRESETS:
        raise ValueError(f"preset {preset!r} does not exist; there are {', '.join(PRESETS)}")
    text = given.get("stack", PRESETS[preset])
    state = read(text)
    key = f"rf-{reduce(lambda code, letter: (code * 31 + ord(letter)) % 2**32, options, 7):x}"
    sizes = [state.input_size, *_sizes(state)]
    sights = zip(
        [CAPTION[language], *names(state.layers)], sizes, [None, *results(state.input_size, state.layers)], strict=True
    )
    captions = " → ".join(
        f"{name} {' × '.join([str(size)] * state.axes)}{f', r {found.size}' if found else ''}"
        for name, size, found in sights
    )
    flags = "".join(f" {flag}" for flag in ("compact", "linked") if flag in given)
    start = f'<rf-explorer lang="{language}" preset="{preset}" stack="{text}"{flags}>'
    words = f"<p><small>{captions}</small></p><p>{sentence(state, language)}</p>"
    return f'<div class="rf-explorer">{start}{picture(state, key)}{words}</rf-explorer></div>'
