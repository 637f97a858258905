"""rfguide: feature-map sizes and receptive fields that are computed, checked and never guessed.

Importing it loads neither torch, numpy nor matplotlib; `rfguide.trace`, `rfguide.probe` and
`rfguide.plot` load what they need when they are first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from rfguide.errors import GeometryError, TraceError
from rfguide.fields import ReceptiveField, effective_std, input_cells, receptive_fields
from rfguide.layers import Layer, Transposed
from rfguide.sizes import (
    adaptive_windows,
    input_sizes,
    output_size,
    output_sizes,
    same_padding,
    transposed_output_size,
)

if TYPE_CHECKING:
    from rfguide import plot, probe
    from rfguide.design import Design, designs
    from rfguide.forms import phases
    from rfguide.probe import check
    from rfguide.tiles import Tiling, tiling
    from rfguide.trace import trace

__version__ = "0.1.0"
__all__ = [
    "Design",
    "GeometryError",
    "Layer",
    "ReceptiveField",
    "Tiling",
    "TraceError",
    "Transposed",
    "adaptive_windows",
    "check",
    "designs",
    "effective_std",
    "input_cells",
    "input_sizes",
    "output_size",
    "output_sizes",
    "phases",
    "plot",
    "probe",
    "receptive_fields",
    "same_padding",
    "tiling",
    "trace",
    "transposed_output_size",
]

# Where each name lives that needs torch or matplotlib, or that few need; None is a module.
_LATE = {
    "Design": "design",
    "Tiling": "tiles",
    "check": "probe",
    "designs": "design",
    "phases": "forms",
    "plot": None,
    "probe": None,
    "tiling": "tiles",
}


def __getattr__(name: str) -> object:
    if name not in _LATE:
        raise AttributeError(f"module 'rfguide' has no attribute {name!r}")
    module = import_module(f"rfguide.{_LATE[name] or name}")
    value = getattr(module, name) if _LATE[name] else module
    globals()[name] = value
    return value


class _Package(ModuleType):
    """The package itself, in which `rfguide.trace` is the function although a subpackage has the same name."""

    @property
    def trace(self) -> object:
        return import_module("rfguide.trace").trace

    @trace.setter
    def trace(self, _: ModuleType) -> None:
        # Python binds a subpackage here when it is first imported; `from rfguide.trace import …` does not look here.
        pass


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
