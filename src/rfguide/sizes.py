"""Sizes of feature maps, one axis at a time."""

from collections.abc import Iterable

from rfguide.errors import MOST_CELLS, GeometryError, at_least, at_most, pair, shown
from rfguide.layers import Layer, stack


def output_size(
    input_size: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
    ceil_mode: bool = False,
) -> int:
    r"""Return the number of places where a kernel fits along one axis.

    A kernel of $k$ cells with dilation $d$ spans $e = d(k - 1) + 1$ cells, so
    $n_\text{out} = \lfloor (n_\text{in} + 2p - e) / s \rfloor + 1$, for
    convolution and pooling alike (same rule as `torch.nn.Conv2d`).

    Args:
        input_size: Cells along the axis, before padding.
        kernel_size: Cells the kernel reads.
        stride: Cells from one place to the next.
        padding: Cells added at each end, or a pair (before, after).
        dilation: Cells from one cell the kernel reads to the next.
        ceil_mode: Let a last window hang over the end, as torch's poolings do: round up, but
            drop a window that would start in the padding after the last cell.

    Raises:
        GeometryError: If a number is below its minimum or the kernel does not fit.
        TypeError: If a number is not an integer or `ceil_mode` is no truth value.

    Examples:
        >>> from rfguide import output_size
        >>> output_size(224, 7, stride=2, padding=3)
        112
        >>> output_size(112, 3, stride=2), output_size(112, 3, stride=2, ceil_mode=True)
        (55, 56)
    """
    input_size, kernel_size, stride, dilation = at_least(
        1, input_size=input_size, kernel_size=kernel_size, stride=stride, dilation=dilation
    )
    before, after = pair(0, padding=padding)
    if not isinstance(ceil_mode, bool):
        raise TypeError(f"ceil_mode={shown(ceil_mode)} must be True or False, not {type(ceil_mode).__name__}")
    if ceil_mode and max(before, after) > kernel_size // 2:
        raise GeometryError(
            f"{padding=} must be at most half of {kernel_size=} with ceil_mode, as in torch's poolings "
            f"(padding={kernel_size // 2} would fit)"
        )
    extent = dilation * (kernel_size - 1) + 1
    room = input_size + before + after - extent
    # With ceil_mode even the only window may hang over, by less than a stride.
    if room < 0 and not (ceil_mode and -room < stride):
        raise GeometryError(
            f"{kernel_size=}, {dilation=} spans {extent} cells; "
            f"{input_size=}, {padding=} has {input_size + before + after} "
            f"(padding={(extent - input_size + 1) // 2} would fit)"
        )
    if not ceil_mode:
        return room // stride + 1
    places = -(-room // stride) + 1
    starts_after_the_end = (places - 1) * stride >= input_size + before
    return places - starts_after_the_end


def transposed_output_size(
    input_size: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
) -> int:
    r"""Return the size after a transposed convolution, along one axis.

    $n_\text{out} = (n_\text{in} - 1)s - 2p + d(k - 1) + p_\text{out} + 1$ (same rule as
    `torch.nn.ConvTranspose2d`). With stride $s$, a convolution maps $s$ input sizes to one
    size; `output_padding` chooses to which of them to go back. It adds no zeros.

    Args:
        input_size: Cells along the axis.
        kernel_size: Cells that each input cell writes to.
        stride: Output cells from one input cell's place to the next.
        padding: Output cells taken off at each end.
        output_padding: Output cells added back at the end; less than the stride or the dilation.
        dilation: Output cells from one that an input cell writes to the next.

    Raises:
        GeometryError: If a number is out of range or nothing is left of the output.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import output_size, transposed_output_size
        >>> output_size(31, 3, stride=2, padding=1), output_size(32, 3, stride=2, padding=1)
        (16, 16)
        >>> transposed_output_size(16, 3, stride=2, padding=1)
        31
        >>> transposed_output_size(16, 3, stride=2, padding=1, output_padding=1)
        32
    """
    input_size, kernel_size, stride, dilation = at_least(
        1, input_size=input_size, kernel_size=kernel_size, stride=stride, dilation=dilation
    )
    padding, output_padding = at_least(0, padding=padding, output_padding=output_padding)
    if output_padding >= max(stride, dilation):
        raise GeometryError(
            f"{output_padding=} must be less than {stride=} or {dilation=} "
            f"(at most {max(stride, dilation) - 1} would fit)"
        )
    written = (input_size - 1) * stride + dilation * (kernel_size - 1) + 1 + output_padding
    if written <= 2 * padding:
        raise GeometryError(
            f"{padding=} takes off {2 * padding} cells of {written} (padding={(written - 1) // 2} would fit)"
        )
    return written - 2 * padding


def same_padding(kernel_size: int, *, dilation: int = 1) -> tuple[int, int]:
    """Return the padding (before, after) that keeps the size at stride 1, as torch's `padding="same"` puts it.

    The kernel's extent less 1 is shared out; when it is odd, the extra cell goes after the last one.

    Raises:
        GeometryError: If a number is below 1.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import output_size, same_padding
        >>> same_padding(3), same_padding(4), same_padding(3, dilation=2)
        ((1, 1), (1, 2), (2, 2))
        >>> output_size(224, 4, padding=same_padding(4))
        224
    """
    kernel_size, dilation = at_least(1, kernel_size=kernel_size, dilation=dilation)
    total = dilation * (kernel_size - 1)
    return total // 2, total - total // 2


def input_sizes(
    output_size: int,
    kernel_size: int,
    *,
    stride: int = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int = 1,
) -> range:
    """Return every input size that gives this output size: `stride` of them, less those below 1.

    Raises:
        GeometryError: If a number is below its minimum or no input size gives this output.
        TypeError: If a number is not an integer.

    Examples:
        >>> from rfguide import input_sizes
        >>> list(input_sizes(16, 3, stride=2, padding=1))
        [31, 32]
    """
    output_size, kernel_size, stride, dilation = at_least(
        1, output_size=output_size, kernel_size=kernel_size, stride=stride, dilation=dilation
    )
    before, after = pair(0, padding=padding)
    smallest = (output_size - 1) * stride + dilation * (kernel_size - 1) + 1 - before - after
    if smallest + stride <= 1:
        raise GeometryError(
            f"{output_size=} is too small for {padding=}: one input cell already gives "
            f"{(before + after - dilation * (kernel_size - 1)) // stride + 1}"
        )
    return range(max(1, smallest), smallest + stride)


def output_sizes(input_size: int, layers: Iterable[Layer]) -> tuple[int, ...]:
    """Return the size after each layer of a stack, one axis.

    Raises:
        GeometryError: If a layer's kernel does not fit; the message starts with the layer's name or number.
        TypeError: If the input size is not an integer or a layer is not a `Layer`.

    Examples:
        >>> from rfguide import Layer, output_sizes
        >>> output_sizes(32, [Layer(3, padding=1), Layer(2, stride=2)])
        (32, 16)
    """
    sizes = list(at_least(1, input_size=input_size))
    for number, layer in enumerate(stack(layers)):
        try:
            sizes.append(
                output_size(
                    sizes[-1],
                    layer.kernel_size,
                    stride=layer.stride,
                    padding=layer.padding,
                    dilation=layer.dilation,
                )
            )
        except GeometryError as error:
            raise GeometryError(f"layer {layer.name or number}: {error}") from None
    return tuple(sizes[1:])


def adaptive_windows(input_size: int, output_size: int) -> tuple[tuple[int, int], ...]:
    r"""Return the window (first, last) that each output cell of an adaptive pooling reads.

    Output cell $i$ of $m$ reads input cells $\lfloor i\,n/m \rfloor$ to $\lceil (i+1)n/m \rceil - 1$,
    so the windows differ in size and overlap when $m$ does not divide $n$ (same rule as
    `torch.nn.AdaptiveAvgPool1d`).

    Raises:
        GeometryError: If a size is below 1, or there are more than 2**22 windows.
        TypeError: If a size is not an integer.

    Examples:
        >>> from rfguide import adaptive_windows
        >>> adaptive_windows(10, 7)
        ((0, 1), (1, 2), (2, 4), (4, 5), (5, 7), (7, 8), (8, 9))
    """
    input_size, output_size = at_least(1, input_size=input_size, output_size=output_size)
    at_most(MOST_CELLS, output_size=output_size)
    return tuple(
        (i * input_size // output_size, -(-(i + 1) * input_size // output_size) - 1) for i in range(output_size)
    )
