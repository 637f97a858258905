"""Names of calls: qualified names of modules, "pool#2" the second time; functions by the module that calls them."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

# Functions that only rearrange or rename; they count as calls but say nothing new in a table.
MOVES = frozenset(
    [
        "view",
        "reshape",
        "permute",
        "transpose",
        "t",
        "flatten",
        "unflatten",
        "squeeze",
        "unsqueeze",
        "contiguous",
        "expand",
        "expand_as",
        "to",
        "detach",
        "clone",
        "float",
        "half",
        "double",
        "bfloat16",
        "type",
        "type_as",
        "view_as",
        "reshape_as",
        "swapaxes",
        "movedim",
        "chunk",
        "split",
        "unbind",
        "getitem",
        "alias",
        "split_with_sizes",
        "requires_grad_",
        "cpu",
        "cuda",
        "T",
        "mT",
        "swapdims",
        "moveaxis",
        "narrow",
        "select",
    ]
)
# What Python calls an operator, and what torch calls the function.
_OPERATORS = {
    "radd": "add", "iadd": "add_", "rsub": "rsub", "isub": "sub_", "rmul": "mul", "imul": "mul_", "truediv": "div",
    "rtruediv": "div", "itruediv": "div_", "rmatmul": "matmul", "rpow": "pow", "invert": "bitwise_not",
}  # fmt: skip
# The attribute by which an error that passes through the model keeps the name of the call that raised it.
_BLAMED = "_rfguide_call"
# Functions that return no map.
_SILENT = frozenset(
    ["get", "set", "setitem", "size", "dim", "numel", "stride", "is_floating_point", "len", "bool", "item", "repr"]
)


@lru_cache(maxsize=2048)
def function_name(function: Any) -> tuple[str, bool]:
    """Return the name of a torch function, "" if it returns no map, and whether it only moves data."""
    name = getattr(function, "__name__", "") or type(function).__name__
    name = name.split(".")[0]
    if name.startswith("__") and name.endswith("__"):
        name = name.strip("_")
        name = _OPERATORS.get(name, name)
    return ("" if name in _SILENT else name), name in MOVES


def is_closed(module: nn.Module) -> bool:
    """Whether a module is one of torch's or Keras's own: the functions inside it are not listed."""
    return type(module).__module__.startswith(("torch.", "keras.")) and not type(module).__module__.startswith(
        "torch.fx"
    )


def modules_of(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield a model's modules with their qualified names; layers of Keras, which torch does not see, by theirs."""
    seen: set[int] = set()
    pending = list(model.named_modules())[::-1]
    while pending:
        path, module = pending.pop()
        if id(module) not in seen:
            seen.add(id(module))
            yield path, module
            layers = getattr(module, "_layers", ()) if _is_keras(module) else ()
            inside = [one for one in layers if isinstance(one, nn.Module)]
            pending += [(f"{path}.{one.name}" if path else str(one.name), one) for one in inside[::-1]]


def _is_keras(module: nn.Module) -> bool:
    return any(base.__module__.startswith("keras.") for base in type(module).__mro__)


def tensors_of(output: Any) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of an output with their keys: numbers in tuples, names in mappings."""
    if isinstance(output, Tensor):
        yield "0", output
        return
    items: Any = ()
    if isinstance(output, Mapping):
        items = output.items()
    elif isinstance(output, list | tuple):
        items = enumerate(output)
    elif is_dataclass(output) and not isinstance(output, type):
        items = ((f.name, getattr(output, f.name)) for f in fields(output))
    for key, value in items:
        if isinstance(value, Tensor):
            yield str(key), value
        else:
            for inner, tensor in tensors_of(value):
                yield f"{key}.{inner}", tensor


@dataclass(slots=True)
class Entered:
    """A module that is being called."""

    module: nn.Module
    path: str
    name: str
    macs: int
    is_root: bool
    is_closed: bool


class Names:
    """The stack of modules that are being called, and how often each name has been used."""

    def __init__(self, model: nn.Module) -> None:
        self._root = model
        self._paths = {id(module): path for path, module in modules_of(model)}
        self._stack: list[Entered] = []
        self._counts: dict[str, int] = {}
        self._function = ""
        self.is_closed = is_closed(model)

    def _numbered(self, base: str) -> str:
        count = self._counts.get(base, 0)
        return base if not count else f"{base}#{count + 1}"

    def enter(self, module: nn.Module, macs: int) -> str:
        """Note that a module is called; return the name that this call will have."""
        path = self._paths.get(id(module))
        if path is None:
            # A module made on the fly, in the model's forward pass.
            path = self._join(type(module).__name__ + "()")
        is_root = not self._stack and module is self._root
        name = self._numbered(path)
        self._stack.append(Entered(module, path, name, macs, is_root, is_closed(module)))
        self.is_closed = self._stack[-1].is_closed
        return name

    def leave(self, module: nn.Module, output: Any) -> Entered | None:
        """Note that a module's call is over; return it if it is complete, None if it raised."""
        error = sys.exception() if output is None else None
        if error is not None:
            self.blame(error)
        while self._stack:
            entered = self._stack.pop()
            if entered.module is module:
                break
        else:
            return None
        self.is_closed = self._stack[-1].is_closed if self._stack else is_closed(self._root)
        if error is not None:
            return None
        # The name is given out at completion: a module that calls itself completes the inner call first.
        entered.name = self._numbered(entered.path)
        if entered.is_root and not self._counts:  # a model that is one layer is its own only call
            entered.name, entered.is_root = type(module).__name__, False
        self._counts[entered.path] = self._counts.get(entered.path, 0) + 1
        return entered

    def blame(self, error: BaseException) -> None:
        """Note on an error the call that is being made, unless it comes from a call inside."""
        if not hasattr(error, _BLAMED):
            setattr(error, _BLAMED, self.label())

    def blamed(self, error: BaseException) -> str:
        """Return the call that raised an error."""
        return str(getattr(error, _BLAMED, "")) or self.label()

    def _join(self, last: str) -> str:
        path = self._stack[-1].path if self._stack else ""
        return f"{path}.{last}" if path else last

    @contextmanager
    def function(self, function: str) -> Iterator[str]:
        """Note that a function is being called; yield the name that this call will have if it returns a map."""
        before, self._function = self._function, self._join(f"{function}()")
        try:
            yield self._numbered(self._function)
        except Exception as error:
            self.blame(error)
            raise
        finally:
            self._function = before

    def count_function(self) -> None:
        """Note that the function has returned a map."""
        self._counts[self._function] = self._counts.get(self._function, 0) + 1

    def until(self) -> str:
        """Return the name of the call that is being made, as `until` takes it."""
        if self._function:
            return self._numbered(self._function)
        return self._stack[-1].name if self._stack else ""

    def label(self) -> str:
        """Return the call that is being made, with its kind: "layer4.0.pool (AvgPool2d)"."""
        if self._function:
            return self._numbered(self._function)
        if not self._stack:
            return type(self._root).__name__
        entered = self._stack[-1]
        kind = type(entered.module).__name__
        return kind if entered.is_root else f"{entered.name} ({kind})"
