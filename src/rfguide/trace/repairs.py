"""Arguments that torch would move to the meta device before any op is dispatched, and lose their values.

The input is on the meta device, constants are on the CPU. A few functions put their arguments on the
input's device, or compare devices, on the way to their ops; their arguments are put right first.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from rfguide.errors import TraceError
from rfguide.trace.cells import HOLLOW, attach, attach_view, cell_of, plain, track_of
from rfguide.trace.spans import empty

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _listed(value: Any) -> Any:
    """A list as an index becomes a tensor on the CPU; torch would make it on the input's device."""
    if isinstance(value, list | range):
        return torch.tensor(list(value), dtype=torch.long if not value else None, device="cpu")
    return value


def _index(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    place = args[1]
    fixed = tuple(map(_listed, place)) if isinstance(place, tuple) else _listed(place)
    return (args[0], fixed, *args[2:]), kwargs


def _on_cpu(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    return args, {**kwargs, "device": torch.device("cpu")}


def _wrapped(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Circular padding where one side takes cells away; torch then wraps memory that nothing was written to.

    Raises:
        TraceError: If that happens.
    """
    given: dict[str, Any] = dict(zip(("input", "pad", "mode"), args, strict=False)) | kwargs
    if given.get("mode") == "circular":
        x, sides = given["input"], given["pad"]
        for i in range(0, len(sides), 2):
            left, right = sides[i : i + 2]
            body = x.shape[-1 - i // 2] + min(left, 0) + min(right, 0)
            if max(left, right) > body:
                raise TraceError(
                    f"circular padding by {(left, right)} wraps more cells than it leaves: {body} (up to that many fit)"
                )
    return args, kwargs


def _all_hollow(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Every constant loses its values: some functions compare the devices of their operands."""

    def swap(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return type(value)(swap(v) for v in value)
        if not isinstance(value, Tensor) or cell_of(value) is not None or value.device.type == "meta":
            return value
        hollow = plain(value)
        setattr(hollow, HOLLOW, True)
        return hollow

    # Under the dispatch mode a constant would be made on the CPU after all.
    with _disable_current_modes():
        return tuple(swap(a) for a in args), {k: swap(v) for k, v in kwargs.items()}


def _attention(query_first: bool) -> Callable[[tuple[Any, ...], dict[str, Any]], Arguments]:
    """A query, key or value that is a constant loses its values beside one that is traced; the mask keeps its own."""

    def repair(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        named = {name: kwargs[name] for name in ("query", "key", "value") if name in kwargs}
        traced = next((t for t in (*args[:3], *named.values()) if cell_of(t) is not None), None)
        if traced is None:
            return args, kwargs

        def hollow(tensor: Tensor) -> Tensor:
            if cell_of(tensor) is not None:
                return tensor
            rank = tensor.dim()
            batch = ("b", *"c" * (rank - 3))[: rank - 2]
            roles = ("s", *batch, "c") if query_first else (*batch, "s", "c")
            nothing = track_of(traced).with_spans([empty(rank) for _ in track_of(traced).spans], roles)
            return attach(plain(tensor), nothing)

        with _disable_current_modes():
            swapped: dict[str, Any] = {name: hollow(value) for name, value in named.items()}
            return (*map(hollow, args[:3]), *args[3:]), {**kwargs, **swapped}

    return repair


def _take_along(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """`torch.take_along_dim` by its definition; torch's own compares devices."""
    x = input
    if dim is None:
        return torch.gather(x.flatten(), 0, indices.flatten())
    shapes = [tuple(1 if d == dim % x.dim() else n for d, n in enumerate(t.shape)) for t in (x, indices)]
    wide = np.broadcast_shapes(*shapes)
    sizes = [[t.shape[d] if d == dim % x.dim() else n for d, n in enumerate(wide)] for t in (x, indices)]
    return torch.gather(x.expand(sizes[0]), dim, indices.expand(sizes[1]))


def _quantile(input: Tensor, q: float | Tensor, dim: int | None = None, keepdim: bool = False, **how: Any) -> Tensor:
    """`torch.quantile` as far as dependence goes: it reads all along a dimension. Torch's own compares devices."""
    x = input
    if dim is None:
        value = x.flatten().amax(0)
        value = value.reshape([1] * x.dim()) if keepdim else value
    else:
        value = x.amax(dim, keepdim)
    return value if not isinstance(q, Tensor) or not q.dim() else torch.stack([value] * len(q))


def _istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """`torch.istft` as far as dependence goes; torch's own looks at the window's values to see that none is lost."""
    hop, before = hop_length or n_fft // 4, n_fft // 2 if center else 0
    frames = torch.fft.irfft(input.mT, n_fft)
    size = n_fft + hop * (frames.shape[-2] - 1)
    waves = torch.ops.aten.unfold_backward(frames, [*frames.shape[:-2], size], frames.dim() - 2, n_fft, hop)
    last = size - before if length is None else before + length
    result: Tensor = waves[..., before:last]
    return F.pad(result, (0, max(0, last - size)))


# Where a tensor is: on the CPU, for all that the model can see, as are the constants that it makes there.
ANSWERS: dict[Any, Any] = {
    Tensor.device.__get__: torch.device("cpu"),
    Tensor.is_meta.__get__: False,  # type: ignore[attr-defined]  # likewise
    Tensor.is_cpu.__get__: True,  # type: ignore[attr-defined]  # likewise
    Tensor.get_device: -1,
}
# What leaves torch, by way of numpy or of the memory itself.
LEAVING = frozenset(
    [
        *(Tensor.numpy, Tensor.__array__, Tensor.tolist, Tensor.__dlpack__, Tensor.data_ptr, Tensor.set_),
        *(Tensor.untyped_storage, Tensor.storage, Tensor._typed_storage),
    ]
)


def _assigned(target: Tensor, source: Tensor) -> None:
    """`target.data = source`: no op is dispatched, and both show the same memory from now on."""
    if cell_of(target) is None or cell_of(source) is None:
        raise TraceError("assigns to the `data` of a tensor, where rfguide cannot follow")
    Tensor.data.__set__(target, source)  # type: ignore[attr-defined]  # a setter of C
    attach_view(target, source, track_of(source))


_QUANTILES = (torch.quantile, torch.nanquantile, Tensor.quantile, Tensor.nanquantile)
REPLACED: dict[Any, Callable[..., Any]] = {
    torch.take_along_dim: _take_along,
    Tensor.take_along_dim: _take_along,
    torch.ops.aten.take_along_dim.default: _take_along,
    **dict.fromkeys(_QUANTILES, _quantile),
    Tensor.data.__set__: _assigned,  # type: ignore[attr-defined]  # a setter of C
    **dict.fromkeys((torch.istft, Tensor.istft), _istft),
}

# They compare the devices of their operands. Exported programs call the recurrent ones by their ops.
_STRICT = (
    *(torch.lstm, torch.gru, torch.rnn_tanh, torch.rnn_relu, torch.lstm_cell, torch.gru_cell, torch.rnn_tanh_cell),
    *(getattr(torch.ops.aten, name).input for name in ("lstm", "gru", "rnn_tanh", "rnn_relu")),
    *(torch.stft, Tensor.stft, torch.cdist, torch.inner, Tensor.inner, torch.linalg.multi_dot, torch.chain_matmul),
)

REPAIRS: dict[Any, Callable[[tuple[Any, ...], dict[str, Any]], Arguments]] = {
    Tensor.__getitem__: _index,
    Tensor.__setitem__: _index,
    F.pad: _wrapped,
    torch.tensor: _on_cpu,
    torch.as_tensor: _on_cpu,
    Tensor.new_tensor: _on_cpu,
    **dict.fromkeys(_STRICT, _all_hollow),
    F.scaled_dot_product_attention: _attention(query_first=False),
    F.multi_head_attention_forward: _attention(query_first=True),
}
