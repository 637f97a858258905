r"""What the formulas on the pages must equal: for each name, the library's answer and a second one.

A page writes `<!-- formula: output_size(n, k, s, p, d) -->` above `$$ … $$` (or right after `$…$`).
The formula is evaluated on every case of the entry `output_size` and compared with the library's
function; `tests/test_formulas.py` compares that function with the entry's oracle, which is torch
itself or a count that does not know the formula.

To add an entry, write the function that the formula must equal, taking the symbols as a page would
list them, and decorate it with `entry(cases, oracle)`. A case gives each symbol a value: an integer,
or `Indexed(values, first)` for a sequence such as $k_1, k_2, …$. Symbols beyond those that the page
lists (the index `l` of a recurrence, the depth `L`) are in the case under their own names.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import product

import rfguide
from rfguide import Layer, ReceptiveField, receptive_fields
from rfguide._site.cases import (
    Case,
    adaptive_cells,
    as_layers,
    backwards,
    branches,
    clipped,
    clipped_stacks,
    dilated_stacks,
    first_cell_seen,
    grid,
    hull,
    last_cell_seen,
    multiplications,
    plain_stacks,
    pool_sizes,
    sizes,
    span,
    steps,
    strided_stacks,
    torch_adaptive,
    torch_bytes,
    torch_cells,
    torch_conv,
    torch_conv2d,
    torch_inputs,
    torch_overlap,
    torch_pool,
    torch_same,
    torch_transposed,
    transposed_sizes,
    two_layers,
    units,
    weights_and_biases,
)
from rfguide._site.latex import Indexed

Result = int | Fraction
Function = Callable[..., Result]


@dataclass(frozen=True)
class Entry:
    """A function that formulas are compared with."""

    name: str
    function: Function
    oracle: Function
    make_cases: Callable[[], Iterable[Case]]

    @property
    def symbols(self) -> tuple[str, ...]:
        """What a page lists, in order."""
        parameters = inspect.signature(self.function).parameters.values()
        return tuple(one.name for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD)

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return tuple(self.make_cases())

    @cached_property
    def values(self) -> tuple[Result, ...]:
        return tuple(call(self.function, case) for case in self.cases)


def call(function: Function, case: Case) -> Result:
    """Call a function with the symbols that it asks for."""
    return function(**{name: case[name] for name in inspect.signature(function).parameters})


ENTRIES: dict[str, Entry] = {}


def entry(cases: Callable[[], Iterable[Case]], oracle: Function) -> Callable[[Function], Function]:
    """Put a function into the catalogue under its own name."""

    def put(function: Function) -> Function:
        name = function.__name__
        assert name not in ENTRIES, f"{name} is in the catalogue already"
        ENTRIES[name] = Entry(name, function, oracle, cases)
        return function

    return put


# -------------------------------------------------------------------------------------- sizes of one layer


@entry(sizes, torch_conv)
def output_size(n: int, k: int, s: int, p: int, d: int) -> int:
    return rfguide.output_size(n, k, stride=s, padding=p, dilation=d)


@entry(pool_sizes, torch_pool)
def pool_output_size(n: int, k: int, s: int, p: int, d: int) -> int:
    return rfguide.output_size(n, k, stride=s, padding=p, dilation=d, ceil_mode=True)


@entry(transposed_sizes, torch_transposed)
def transposed_output_size(n: int, k: int, s: int, p: int, d: int, o: int) -> int:
    return rfguide.transposed_output_size(n, k, stride=s, padding=p, dilation=d, output_padding=o)


@entry(grid(k=range(1, 12), d=range(1, 6)), lambda k, d: len(range(d * k - d + 1)))
def extent(k: int, d: int) -> int:
    return Layer(k, dilation=d).extent


@entry(grid(c=(1, 3, 8), k=range(1, 6)), lambda c, k: len([*product(range(c), range(c), range(k), range(k))]))
def weights(c: int, k: int) -> int:
    return torch_conv2d(c, c, k).weight.numel()


# ------------------------------------------------------------------- what a layer costs, and sizes backwards


@entry(grid(c_in=(1, 3, 8), c_out=(1, 16), k=range(1, 6)), weights_and_biases)
def parameters(c_in: int, c_out: int, k: int) -> int:
    return sum(one.numel() for one in torch_conv2d(c_in, c_out, k, bias=True).parameters())


@entry(grid(c_in=(1, 3), c_out=(1, 4), k=(1, 2, 3), h=(1, 5), w=(2, 4)), multiplications)
def macs(c_in: int, c_out: int, k: int, h: int, w: int) -> int:
    return rfguide.trace(torch_conv2d(c_in, c_out, k), (1, c_in, h + k - 1, w + k - 1)).macs


@entry(
    grid(b=(1, 2, 4, 8), c=(1, 64), h=(1, 7), w=(5, 8)), lambda b, c, h, w: b * len([*product(*map(range, (c, h, w)))])
)
def map_bytes(b: int, c: int, h: int, w: int) -> int:
    return torch_bytes(b, c, h, w)


@entry(backwards, lambda m, k, s, p, d: min(torch_inputs(m, k, s, p, d)))
def smallest_input(m: int, k: int, s: int, p: int, d: int) -> int:
    return min(rfguide.input_sizes(m, k, stride=s, padding=p, dilation=d))


@entry(backwards, lambda m, k, s, p, d: max(torch_inputs(m, k, s, p, d)))
def largest_input(m: int, k: int, s: int, p: int, d: int) -> int:
    return max(rfguide.input_sizes(m, k, stride=s, padding=p, dilation=d))


@entry(grid(k=range(1, 7), d=range(1, 4)), lambda k, d: torch_same(k, d)[0])
def same_padding_before(k: int, d: int) -> int:
    return rfguide.same_padding(k, dilation=d)[0]


@entry(grid(k=range(1, 7), d=range(1, 4)), lambda k, d: torch_same(k, d)[1])
def same_padding_after(k: int, d: int) -> int:
    return rfguide.same_padding(k, dilation=d)[1]


@entry(adaptive_cells, lambda i, n, m: torch_adaptive(i, n, m)[0])
def adaptive_first(i: int, n: int, m: int) -> int:
    return rfguide.adaptive_windows(n, m)[i][0]


@entry(adaptive_cells, lambda i, n, m: torch_adaptive(i, n, m)[1])
def adaptive_last(i: int, n: int, m: int) -> int:
    return rfguide.adaptive_windows(n, m)[i][1]


# ------------------------------------------------------------------------ how the field grows along a stack
# k, s, p, d run from layer 1 to layer L, and r, j, P from 0 (the input) to L; D_l is what one unit of the last
# map needs of map l. The oracle walks back from a unit, window by window, and knows none of these formulas.


@entry(plain_stacks, lambda k: span(as_layers(k)))
def stacked_field(k: Indexed) -> int:
    return receptive_fields(as_layers(k))[-1].size


@entry(strided_stacks, lambda k, s: span(as_layers(k, s)))
def closed_form(k: Indexed, s: Indexed) -> int:
    return receptive_fields(as_layers(k, s))[-1].size


@entry(dilated_stacks, lambda k, s, d: span(as_layers(k, s, d=d)))
def field_size(k: Indexed, s: Indexed, d: Indexed) -> int:
    return receptive_fields(as_layers(k, s, d=d))[-1].size


@entry(steps(strided_stacks), lambda k, s, l: span(as_layers(k, s)[:l]))
def bottom_up(r: Indexed, k: Indexed, j: Indexed, *, s: Indexed, l: int) -> int:
    return receptive_fields(as_layers(k, s))[l - 1].size


@entry(steps(dilated_stacks), lambda k, s, d, l: span(as_layers(k, s, d=d)[:l]))
def bottom_up_dilated(r: Indexed, k: Indexed, d: Indexed, j: Indexed, *, s: Indexed, l: int) -> int:
    return receptive_fields(as_layers(k, s, d=d))[l - 1].size


@entry(
    steps(dilated_stacks),
    lambda k, s, l: first_cell_seen(as_layers(k, s)[:l], 1) - first_cell_seen(as_layers(k, s)[:l], 0),
)
def next_jump(s: Indexed, j: Indexed, *, k: Indexed, l: int) -> int:
    return receptive_fields(as_layers(k, s))[l - 1].stride


@entry(steps(dilated_stacks), lambda k, s, p, l: -first_cell_seen(as_layers(k, s, p)[:l], 0))
def next_padding(P: Indexed, p: Indexed, j: Indexed, *, k: Indexed, s: Indexed, l: int) -> int:
    return receptive_fields(as_layers(k, s, p))[l - 1].padding


@entry(dilated_stacks, lambda k, s, p: -first_cell_seen(as_layers(k, s, p), 0))
def effective_padding(p: Indexed, s: Indexed, *, k: Indexed) -> int:
    return receptive_fields(as_layers(k, s, p))[-1].padding


@entry(steps(strided_stacks), lambda k, s, l: span(as_layers(k, s)[l - 1 :]))
def top_down(D: Indexed, s: Indexed, k: Indexed, *, l: int) -> int:
    return receptive_fields(as_layers(k, s)[l - 1 :])[-1].size


# ------------------------------------------------------------------------------- where the field of a unit lies


@entry(two_layers, lambda layers, u: first_cell_seen(layers, u))
def first_of_two(u: int, s: Indexed, p: Indexed) -> int:
    return receptive_fields(as_layers(Indexed((1, 1), 1), s, p))[-1].region(u)[0]


@entry(units, lambda layers, u: first_cell_seen(layers, u))
def first_cell(u: int, j: int, P: int) -> int:
    return ReceptiveField(stride=j, padding=P).region(u)[0]


@entry(units, lambda layers, u: last_cell_seen(layers, u))
def last_cell(u: int, j: int, P: int, r: int) -> int:
    return ReceptiveField(size=r, stride=j, padding=P).region(u)[1]


@entry(units, lambda layers, u: Fraction(first_cell_seen(layers, u) + last_cell_seen(layers, u), 2))
def center(u: int, j: int, P: int, r: int) -> Fraction:
    return ReceptiveField(size=r, stride=j, padding=P).center(u)


@entry(branches, lambda layers, u: hull([cell for path in layers for cell in rfguide.input_cells(path, u)]))
def union_size(a: Indexed, b: Indexed) -> int:
    return hull([cell for first, last in zip(a.values, b.values, strict=True) for cell in range(first, last + 1)])


@entry(clipped, torch_overlap)
def visible_cells(a: int, b: int, n: int) -> int:
    return len(rfguide.input_cells([Layer(b - a + 1, padding=b - a)], b, input_size=n))


# Along a stack, from the unit down: the cells a_l to b_l of map l that it sees, without holes and clipped at each map.


@entry(steps(clipped_stacks), lambda layers, u, n, l: torch_cells(layers[l - 1 :], u, n[l - 1])[0])
def clipped_first(a: Indexed, s: Indexed, p: Indexed, *, layers: tuple[Layer, ...], u: int, n: Indexed, l: int) -> int:
    return rfguide.input_cells(layers[l - 1 :], u, input_size=n[l - 1])[0]


@entry(steps(clipped_stacks), lambda layers, u, n, l: torch_cells(layers[l - 1 :], u, n[l - 1])[-1])
def clipped_last(
    b: Indexed, s: Indexed, p: Indexed, k: Indexed, n: Indexed, *, layers: tuple[Layer, ...], u: int, l: int
) -> int:
    return rfguide.input_cells(layers[l - 1 :], u, input_size=n[l - 1])[-1]
