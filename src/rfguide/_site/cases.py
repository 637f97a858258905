"""What the catalogue tries formulas on, and the second answers: torch itself, or counts that know no formula."""

import itertools
import random
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rfguide import GeometryError, Layer, ReceptiveField, input_cells, output_sizes, receptive_fields
from rfguide._site.latex import Indexed, Value

if TYPE_CHECKING:
    import torch

Case = Mapping[str, Any]


def grid(**ranges: Iterable[int]) -> Callable[[], Iterator[Case]]:
    """Every combination of the symbols' values."""
    return lambda: (dict(zip(ranges, values, strict=True)) for values in itertools.product(*ranges.values()))


def sizes() -> Iterator[Case]:
    """Axes and kernels that fit, small ones all, large ones at random."""
    small = itertools.product(range(1, 10), range(1, 5), range(1, 4), range(3), range(1, 4))
    draw = random.Random(1)
    large = ([draw.randint(1, top) for top in (512, 13, 8, 6, 5)] for _ in range(200))
    for n, k, s, p, d in itertools.chain(small, large):
        if d * (k - 1) + 1 <= n + 2 * p:
            yield {"n": n, "k": k, "s": s, "p": p, "d": d}


def pool_sizes() -> Iterator[Case]:
    """Poolings as torch allows them: padding at most half the kernel."""
    return (case for case in sizes() if 2 * case["p"] <= case["k"])


def transposed_sizes() -> Iterator[Case]:
    for n, k, s, p, d, o in itertools.product(range(1, 7), range(1, 5), range(1, 4), range(3), range(1, 4), range(3)):
        if o < max(s, d) and (n - 1) * s + d * (k - 1) + 1 + o > 2 * p:
            yield {"n": n, "k": k, "s": s, "p": p, "d": d, "o": o}


def backwards() -> Iterator[Case]:
    """Layers and an output size m that some input gives; every input from 1 cell on counts, so none is cut off."""
    for m, k, s, p, d in itertools.product((1, 2, 5), range(1, 5), range(1, 4), range(3), range(1, 4)):
        if (m - 1) * s + d * (k - 1) + 1 - 2 * p >= 1:
            yield {"m": m, "k": k, "s": s, "p": p, "d": d}


def adaptive_cells() -> Iterator[Case]:
    """Every output cell i of adaptive poolings from n cells to m."""
    for n, m in itertools.product((1, 4, 7, 10), (1, 2, 3, 7)):
        for i in range(m):
            yield {"i": i, "n": n, "m": m}


def stacks(*, strides: bool = True) -> Iterator[tuple[Layer, ...]]:
    """Random stacks of one to six layers, the same each time."""
    draw = random.Random(2)
    for _ in range(60):
        yield tuple(
            Layer(
                draw.randint(1, 5),
                stride=draw.randint(1, 3) if strides else 1,
                padding=draw.randint(0, 3) if strides else 0,
                dilation=draw.randint(1, 3) if strides else 1,
            )
            for _ in range(draw.randint(1, 6))
        )


def along(layers: tuple[Layer, ...]) -> dict[str, Value]:
    """The symbols of a stack: k, s, p, d from 1 to L, and r, j, P, D from 0 to L."""
    fields = (ReceptiveField(), *receptive_fields(layers))
    return {
        "k": Indexed(tuple(layer.kernel_size for layer in layers), 1),
        "s": Indexed(tuple(layer.stride for layer in layers), 1),
        "p": Indexed(tuple(layer.before for layer in layers), 1),
        "d": Indexed(tuple(layer.dilation for layer in layers), 1),
        "r": Indexed(tuple(field.size for field in fields), 0),
        "j": Indexed(tuple(field.stride for field in fields), 0),
        "P": Indexed(tuple(field.padding for field in fields), 0),
        "D": Indexed((*(receptive_fields(layers[at:])[-1].size for at in range(len(layers))), 1), 0),
        "L": len(layers),
    }


def plain_stacks() -> Iterator[Case]:
    """Stacks with stride 1 and no dilation."""
    return (along(layers) for layers in stacks(strides=False))


def strided_stacks() -> Iterator[Case]:
    """Stacks with strides and padding, without dilation."""
    for layers in stacks():
        yield along(tuple(Layer(layer.kernel_size, stride=layer.stride, padding=layer.padding) for layer in layers))


def dilated_stacks() -> Iterator[Case]:
    return (along(layers) for layers in stacks())


def steps(of: Callable[[], Iterator[Case]]) -> Callable[[], Iterator[Case]]:
    """Every layer `l` of every stack: for recurrences."""
    return lambda: ({**case, "l": layer} for case in of() for layer in range(1, case["L"] + 1))


def units() -> Iterator[Case]:
    """Units of the last map: u, and its field's r, j, P; `layers` is the stack, for the oracle."""
    for layers in stacks():
        field = receptive_fields(layers)[-1]
        for unit in range(4):
            yield {"u": unit, "r": field.size, "j": field.stride, "P": field.padding, "layers": layers}


def two_layers() -> Iterator[Case]:
    """Units above two layers, with the strides and paddings of both."""
    for layers in stacks():
        if len(layers) == 2:
            for unit in range(4):
                yield {**along(layers), "u": unit, "layers": layers}


def branches() -> Iterator[Case]:
    """Units where two paths meet: the first and last cells a and b that each path sees, from path 1 to path 2."""
    for paths in itertools.combinations([layers for layers in stacks() if len(layers) < 4], 2):
        for unit in (0, 3):
            regions = [receptive_fields(path)[-1].region(unit) for path in paths]
            yield {
                "a": Indexed(tuple(first for first, _ in regions), 1),
                "b": Indexed(tuple(last for _, last in regions), 1),
                "u": unit,
                "layers": paths,
            }


def clipped() -> Iterator[Case]:
    """Fields from a to b that hang over an axis of n cells by some or none, and see one or more of it."""
    for n, width in itertools.product((1, 4, 9), (1, 3, 6)):
        for b in range(n + width - 1):
            yield {"a": b - width + 1, "b": b, "n": n}


def clipped_stacks() -> Iterator[Case]:
    """Units of stacks without holes on images of every small size, odd ones too, with padding at any depth."""
    draw = random.Random(3)
    for _ in range(40):
        kernels = [draw.randint(1, 4) for _ in range(draw.randint(1, 4))]
        layers = tuple(Layer(k, stride=draw.randint(1, k), padding=draw.randint(0, k // 2)) for k in kernels)
        size = draw.randint(5, 24)
        try:
            maps = (size, *output_sizes(size, layers))
        except GeometryError:
            continue
        for unit in sorted({0, maps[-1] - 1}):
            cells = [input_cells(layers[at:], unit, input_size=maps[at]) for at in range(len(layers))] + [(unit,)]
            if all(cells):
                yield {
                    **along(layers),
                    "a": Indexed(tuple(each[0] for each in cells), 0),
                    "b": Indexed(tuple(each[-1] for each in cells), 0),
                    "n": Indexed(maps, 0),
                    "layers": layers,
                    "u": unit,
                }


# ------------------------------------------------------------------------------- oracles: torch or counting


def torch_cells(layers: tuple[Layer, ...], unit: int, size: int) -> list[int]:
    """The cells that a unit of torch's own convolutions depends on, by the gradient of their ones."""
    import torch

    image = values = torch.ones(1, 1, size, requires_grad=True)
    for layer in layers:
        ones = torch.ones(1, 1, layer.kernel_size)
        values = torch.nn.functional.conv1d(values, ones, stride=layer.stride, padding=layer.before)
    (gradient,) = torch.autograd.grad(values[0, 0, unit], image)
    cells: list[int] = gradient[0, 0].nonzero().flatten().tolist()
    return cells


def torch_conv(n: int, k: int, s: int, p: int, d: int) -> int:
    """The length that torch's own convolution returns."""
    import torch

    conv = torch.nn.Conv1d(1, 1, k, stride=s, padding=p, dilation=d, device="meta")
    return int(conv(torch.empty(1, 1, n, device="meta")).shape[-1])


def torch_pool(n: int, k: int, s: int, p: int, d: int) -> int:
    """The length that torch's own pooling returns with ceil_mode."""
    import torch

    pool = torch.nn.MaxPool1d(k, stride=s, padding=p, dilation=d, ceil_mode=True)
    return int(pool(torch.empty(1, 1, n, device="meta")).shape[-1])


def torch_transposed(n: int, k: int, s: int, p: int, d: int, o: int) -> int:
    """The length that torch's own transposed convolution returns."""
    import torch

    conv = torch.nn.ConvTranspose1d(1, 1, k, stride=s, padding=p, dilation=d, output_padding=o, device="meta")
    return int(conv(torch.empty(1, 1, n, device="meta")).shape[-1])


def torch_conv2d(c_in: int, c_out: int, k: int, *, bias: bool = False) -> "torch.nn.Conv2d":
    """A convolution of torch, to ask for its weights."""
    import torch

    return torch.nn.Conv2d(c_in, c_out, k, bias=bias, device="meta")


def torch_bytes(value: int, channels: int, height: int, width: int) -> int:
    """Bytes of torch's tensor of so many values of so many bytes each."""
    import torch

    kinds = {1: torch.uint8, 2: torch.float16, 4: torch.float32, 8: torch.float64}
    return torch.empty(channels, height, width, dtype=kinds[value], device="meta").nbytes


def torch_inputs(m: int, k: int, s: int, p: int, d: int) -> list[int]:
    """Every input length from which torch's own convolution makes `m` values."""
    fitting = range(max(1, d * (k - 1) + 1 - 2 * p), m * s + d * k + 1)
    return [n for n in fitting if torch_conv(n, k, s, p, d) == m]


def torch_same(k: int, d: int) -> tuple[int, int]:
    """The padding before and after that torch's `padding="same"` puts: where the first and last taps reach."""
    import torch

    conv = torch.nn.Conv1d(1, 1, k, padding="same", dilation=d, bias=False)
    torch.nn.init.ones_(conv.weight)
    pulse = torch.zeros(1, 1, 41)
    pulse[0, 0, 20] = 1
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch says that an even extent costs it a copy
        reached = conv(pulse)[0, 0].nonzero().flatten().tolist()
    return reached[-1] - 20, 20 - reached[0]


def torch_adaptive(i: int, n: int, m: int) -> tuple[int, int]:
    """The first and last cell that output `i` of torch's adaptive pooling reads, by its gradient."""
    import torch

    axis = torch.zeros(1, 1, n, requires_grad=True)
    (gradient,) = torch.autograd.grad(torch.nn.functional.adaptive_avg_pool1d(axis, m)[0, 0, i], axis)
    read = gradient[0, 0].nonzero().flatten().tolist()
    return read[0], read[-1]


def weights_and_biases(c_in: int, c_out: int, k: int) -> int:
    """Count every weight of every filter, one by one, and one bias a filter."""
    taps = itertools.product(range(c_out), range(c_in), range(k), range(k))
    return len([*taps]) + c_out


def multiplications(c_in: int, c_out: int, k: int, h: int, w: int) -> int:
    """Count every product of a weight and a value, one by one."""
    return len([*itertools.product(range(h), range(w), range(c_out), range(c_in), range(k), range(k))])


def torch_overlap(a: int, b: int, n: int) -> int:
    """The sum of n ones under a window of ones from a to b, as torch adds it up."""
    import torch

    window = torch.ones(1, 1, b - a + 1)
    return int(torch.nn.functional.conv1d(torch.ones(1, 1, n), window, padding=b - a)[0, 0, b])


def hull(cells: list[int]) -> int:
    """Cells from the first to the last, both counted."""
    return max(cells) - min(cells) + 1


def first_cell_seen(layers: tuple[Layer, ...], unit: int) -> int:
    """The first cell that a unit depends on, walked back window by window."""
    return input_cells(layers, unit)[0]


def last_cell_seen(layers: tuple[Layer, ...], unit: int) -> int:
    """The last cell that a unit depends on, walked back window by window."""
    return input_cells(layers, unit)[-1]


def span(layers: tuple[Layer, ...]) -> int:
    """Cells from the first to the last that a unit depends on, both counted."""
    return last_cell_seen(layers, 0) - first_cell_seen(layers, 0) + 1


def as_layers(
    k: Indexed, s: Indexed | None = None, p: Indexed | None = None, d: Indexed | None = None
) -> tuple[Layer, ...]:
    """The stack that the symbols describe."""
    ones = (1,) * len(k.values)
    zeros = (0,) * len(k.values)
    rows = zip(k.values, s.values if s else ones, p.values if p else zeros, d.values if d else ones, strict=True)
    return tuple(Layer(kernel, stride=stride, padding=padding, dilation=step) for kernel, stride, padding, step in rows)
