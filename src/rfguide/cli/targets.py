"""Finding the model that a command line names."""

import importlib
import importlib.util
import logging
import sys
import warnings
from ast import literal_eval
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from inspect import signature
from os.path import isfile  # Path.is_file raises where a name is too long
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from rfguide.cli.app import Failure

if TYPE_CHECKING:
    from torch import nn

_SHAPES = "package.module:callable, file.py:callable or program.pt2"


def load(target: str, arguments: Mapping[str, Any], *, train: bool) -> "nn.Module":
    """Return the model: what `package.module:callable` returns, or the program in a `.pt2` file.

    It is in evaluation mode unless `train` is set; an exported program stays in the mode it was exported in.

    Raises:
        click.ClickException: If there is no such thing, or it is no model.
        Failure: If the file, the package or the callable raises or ends Python.
    """
    if target.endswith(".pt2"):
        return _exported(target, arguments)
    from torch import nn

    place, _, name = target.rpartition(":")
    is_file = place.endswith(".py")
    if not name or not (is_file or all(part.isidentifier() for part in place.split("."))):
        raise click.ClickException(f"{target!r} names no model; it must be {_SHAPES}")
    module = _file(place) if is_file else _package(place)
    found = _named(module, place, name)
    if not isinstance(found, nn.Module):
        if not callable(found):
            raise click.ClickException(f"{target} is {type(found).__name__}, neither a model nor callable")
        with strangers_code(f"{target} raises"):
            _takes(target, found, arguments)
            found = found(**arguments)
    if not isinstance(found, nn.Module):
        raise click.ClickException(f"{target} returns {type(found).__name__}, not a torch.nn.Module")
    return found.train(train)


@contextmanager
def strangers_code(what: str) -> Iterator[None]:
    """Run code that is not ours: whatever it raises, and an end of Python, is a failure in one line."""
    try:
        yield
    except click.ClickException:
        raise
    except (Exception, SystemExit) as error:
        raise Failure(f"{what} {type(error).__name__}: {error}") from error


def _named(module: ModuleType, place: str, name: str) -> Any:
    with strangers_code(f"{place} raises"):
        try:
            return reduce(getattr, name.split("."), module)
        except AttributeError:
            names = [one for one, value in vars(module).items() if not one.startswith("_") and callable(value)]
            few = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
            raise click.ClickException(f"{place} has no {name!r}; it has {few or 'nothing to call'}") from None


def _takes(target: str, function: Any, arguments: Mapping[str, Any]) -> None:
    """Look that a callable takes these arguments, where Python knows what it takes."""
    try:
        signature(function).bind(**arguments)
    except ValueError:
        return  # some built-in callables do not say
    except TypeError as error:
        raise click.ClickException(f"{target} does not take these --arg: {error}") from None


def _package(place: str) -> ModuleType:
    # Modules of the folder one stands in can be named, but none of them takes the place of an installed one.
    if "" not in sys.path:
        sys.path.append("")
    with strangers_code(f"cannot import {place}:"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            if not f"{place}.".startswith(f"{error.name}."):
                raise  # it is there and misses another
            raise click.ClickException(f"cannot import {place}: {type(error).__name__}: {error}") from None


def _file(place: str) -> ModuleType:
    if not isfile(place):
        raise click.ClickException(f"there is no file {place}")
    path = Path(place)
    # The file can import its neighbours, but neither they nor it take the place of an installed module: torch imports
    # many of its own late, and a file may well be called random.py.
    sys.path.append(str(path.resolve().parent))
    name = f"rfguide_model_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None  # the name ends in .py
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    with strangers_code(f"cannot run {place}:"):
        spec.loader.exec_module(module)
    return module


def _exported(target: str, arguments: Mapping[str, Any]) -> "nn.Module":
    import torch

    if arguments:
        raise click.ClickException("--arg has no meaning for an exported program, which is complete")
    if not isfile(target):
        raise click.ClickException(f"there is no file {target}")
    logging.disable()  # torch logs a traceback before it raises
    try:
        with strangers_code(f"cannot read {target}:"), warnings.catch_warnings(action="ignore"):
            return torch.export.load(target).module()
    finally:
        logging.disable(logging.NOTSET)


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
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):  # what literal_eval documents
            found[key] = value
    return found


def batched(sizes: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """Return the inputs' shapes with a batch of one."""
    return tuple((1, *size) for size in sizes)
