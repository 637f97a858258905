"""Finding the model that a command line names."""

import importlib
import importlib.util
import sys
from ast import literal_eval
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from torch import nn

_SHAPES = "package.module:callable, file.py:callable or program.pt2"


def load(target: str, arguments: Mapping[str, Any], *, train: bool) -> "nn.Module":
    """Return the model: what `package.module:callable` returns, or the program in a `.pt2` file.

    It is in evaluation mode unless `train` is set; an exported program stays in the mode it was exported in.

    Raises:
        click.ClickException: If there is no such thing, or it returns no model.
    """
    if target.endswith(".pt2"):
        return _exported(target, arguments)
    from torch import nn

    place, _, name = target.rpartition(":")
    if not place or not name:
        raise click.ClickException(f"{target!r} names no model; it must be {_SHAPES}")
    module = _file(Path(place)) if place.endswith(".py") else _package(place)
    try:
        found = reduce(getattr, name.split("."), module)
    except AttributeError:
        names = [one for one in vars(module) if not one.startswith("_") and callable(getattr(module, one))]
        few = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        raise click.ClickException(f"{place} has no {name!r}; it has {few or 'nothing to call'}") from None
    model = found
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise click.ClickException(f"{target} is {type(found).__name__}, neither a model nor callable")
        try:
            model = found(**arguments)
        except Exception as error:
            raise click.ClickException(f"{target} raises {type(error).__name__}: {error}") from error
    if not isinstance(model, nn.Module):
        raise click.ClickException(f"{target} returns {type(model).__name__}, not a torch.nn.Module")
    return model.train(train)


def _package(place: str) -> ModuleType:
    # As `python -m` does: modules of the folder one stands in can be named.
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        return importlib.import_module(place)
    except Exception as error:
        raise click.ClickException(f"cannot import {place}: {type(error).__name__}: {error}") from error


def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise click.ClickException(f"there is no file {path}")
    # As `python file.py` does: the file can import its neighbours.
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise click.ClickException(f"cannot run {path}: {type(error).__name__}: {error}") from error
    return module


def _exported(target: str, arguments: Mapping[str, Any]) -> "nn.Module":
    import torch

    if arguments:
        raise click.ClickException("--arg has no meaning for an exported program, which is complete")
    if not Path(target).is_file():
        raise click.ClickException(f"there is no file {target}")
    try:
        return torch.export.load(target).module()
    except Exception as error:
        raise click.ClickException(f"cannot read {target}: {type(error).__name__}: {error}") from error


def arguments(pairs: tuple[str, ...]) -> dict[str, Any]:
    """Read `--arg key=value`: values as Python writes them, anything else as text.

    Raises:
        click.ClickException: If there is no `=`.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, sign, value = pair.partition("=")
        if not sign or not key.isidentifier():
            raise click.ClickException(f"--arg {pair!r} must be key=value, such as depth=18")
        try:
            found[key] = literal_eval(value)
        except (ValueError, SyntaxError):
            found[key] = value
    return found


def batched(sizes: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Return the inputs' shapes with a batch of one."""
    return tuple((1, *size) for size in sizes)
