"""A short way to write a stack of layers: "conv3p1 pool2/2 conv3p1"."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from rfguide.errors import MOST_LAYERS, GeometryError, at_most, shown
from rfguide.layers import Layer, stack
from rfguide.networks import STACKS

_WORD = re.compile(r"(?P<kind>conv|pool)(?P<kernel>[0-9]+)(?P<options>(?:[/pd][0-9:]+)*)(?:\*(?P<times>[0-9]+))?")
_OPTION = re.compile(r"([/pd])([0-9:]+)")
_MEANING = {"/": "stride", "p": "padding", "d": "dilation"}
_GRAMMAR = "conv3, pool2/2, conv7/2p3, conv3p2d2, conv2p1:0 or conv3p1*17"


def parse(text: str) -> tuple[Layer, ...]:
    """Return the layers that a text names, first layer first.

    Words stand between spaces. Each is `conv` or `pool` and the kernel size, then in any order `/` and the
    stride, `p` and the padding, `d` and the dilation; `p1:0` pads 1 before and 0 after; `*17` repeats the
    layer. A convolution's stride is 1 unless given; a pool must say its own, since some pools step by their
    kernel size and some by 1. The text may also be one name from `rfguide.networks.STACKS`.

    Layers are called conv1, pool1, conv2, … in their order.

    Raises:
        GeometryError: If a word is none of these, or no layer can have its numbers.
        TypeError: If it is no text.

    Examples:
        >>> from rfguide import receptive_fields
        >>> from rfguide.notation import parse
        >>> [(layer.name, layer.stride) for layer in parse("conv3p1 pool2/2 conv3p1 pool2/2")]
        [('conv1', 1), ('pool1', 2), ('conv2', 1), ('pool2', 2)]
        >>> receptive_fields(parse("conv3*17"))[-1].size
        35
        >>> receptive_fields(parse("resnet50"))[-1].size
        427
    """
    if not isinstance(text, str):
        raise TypeError(f"stack={shown(text)} must be a text such as 'conv3 pool2/2', not {type(text).__name__}")
    words = text.split()
    if len(words) == 1 and words[0] in STACKS:
        return STACKS[words[0]].layers
    if not words:
        raise GeometryError(f"the stack has no layers; a layer is {_GRAMMAR}")
    counts = {"conv": 0, "pool": 0}
    layers: list[Layer] = []
    for number, word in enumerate(words, start=1):
        match = _WORD.fullmatch(word)
        if match is None:
            known = "" if len(words) > 1 else f", and a whole stack {', '.join(list(STACKS)[:3])}, …"
            raise GeometryError(f"{shown(word)} (word {number}) is no layer; a layer is {_GRAMMAR}{known}")
        kind, times = match["kind"], _number(word, match["times"] or "1")
        options = _options(word, match["options"])
        if kind == "pool" and "stride" not in options:
            kernel = match["kernel"]
            raise GeometryError(
                f"{shown(word)} (word {number}) needs its stride: {word}/{kernel} steps by its kernel, as in torch"
            )
        if times < 1:
            raise GeometryError(f"{shown(word)} (word {number}) is repeated {times} times; it must be at least once")
        at_most(MOST_LAYERS, layers=len(layers) + times)
        kernel_size = _number(word, match["kernel"])
        for _ in range(times):
            counts[kind] += 1
            try:
                layers.append(Layer(kernel_size, name=f"{kind}{counts[kind]}", **options))
            except GeometryError as error:
                raise GeometryError(f"{shown(word)} (word {number}): {error}") from None
    return tuple(layers)


def written(layers: Iterable[Layer]) -> str:
    """Return the text that `parse` reads as these layers, all of them called conv.

    Raises:
        TypeError: If one is no `Layer`.

    Examples:
        >>> written([Layer(7, stride=2, padding=3), Layer(3), Layer(3), Layer(2, padding=(0, 1), dilation=4)])
        'conv7/2p3 conv3*2 conv2p0:1d4'
    """
    words = [_word(layer) for layer in stack(layers)]
    runs = [(word, len(list(same))) for word, same in groupby(words)]
    return " ".join(word if times == 1 else f"{word}*{times}" for word, times in runs)


def _word(layer: Layer) -> str:
    stride = f"/{layer.stride}" if layer.stride > 1 else ""
    both = str(layer.before) if layer.before == layer.after else f"{layer.before}:{layer.after}"
    padding = f"p{both}" if layer.before or layer.after else ""
    dilation = f"d{layer.dilation}" if layer.dilation > 1 else ""
    return f"conv{layer.kernel_size}{stride}{padding}{dilation}"


def _options(word: str, text: str) -> dict[str, Any]:
    """Return a word's stride, padding and dilation, those that it gives."""
    found: dict[str, Any] = {}
    for sign, value in _OPTION.findall(text):
        name = _MEANING[sign]
        if name in found:
            raise GeometryError(f"{shown(word)} gives its {name} twice")
        parts = value.split(":")
        if not all(parts) or len(parts) > (2 if sign == "p" else 1):
            raise GeometryError(f"{shown(word)}: {sign}{value} is no {name}; {_GRAMMAR} are layers")
        numbers = [_number(word, part) for part in parts]
        found[name] = numbers[0] if len(numbers) == 1 else tuple(numbers)
    return found


def _number(word: str, digits: str) -> int:
    if len(digits) > 4000:  # more than Python reads
        raise GeometryError(f"{shown(word)} holds a number of {len(digits)} digits; torch's sizes end at 2**63 - 1")
    return int(digits)
