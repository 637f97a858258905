"""Hostile values everywhere: only documented errors come out, each in one short line, and nothing takes for ever."""

import inspect
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir
from dataclasses import dataclass

import matplotlib.pyplot as plt
import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

import rfguide
from rfguide import GeometryError, Layer, ReceptiveField, TraceError, networks, notation, plot, torch_networks
from rfguide.cli import main
from rfguide.errors import LONGEST, shown

DOCUMENTED = (GeometryError, TraceError, TypeError)
FEW = settings(max_examples=25, suppress_health_check=list(HealthCheck))


class Rude:
    """Says nothing about itself."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


@dataclass
class Hostile:
    """A value that Hypothesis can print: not all can."""

    value: object

    def __repr__(self) -> str:
        return shown(self.value)


def one_of(values: list[object]) -> st.SearchStrategy[Hostile]:
    return st.integers(0, len(values) - 1).map(lambda place: Hostile(values[place]))


def several(kind: type) -> Callable[[list[Hostile]], Hostile]:
    return lambda parts: Hostile(kind(part.value for part in parts))


TEXTS = ["", "two\nlines", "nul\0", "\udcff", "３", "٣", "9" * 5000, "x" * 100_000, "–", "3,4", "-1", "1e9", "nan"]
HUGE = [2**31, 2**62, 2**63 - 1, 2**63, -(2**63), 10**9, 10**5000]
SMALL = [0, 1, 2, 3, 5, 7, 32, -1, -7]
ODD = [True, False, 1.5, float("nan"), float("inf"), None, 2j, b"\0\n", Rude(), *TEXTS]
NESTED = [(), [], {}, (1, 2), [3, 3], ((0, 2), (1, 3)), [[1, 2], [3, 4]], [[[1.0]]], {"a": [1, 2]}, {"a": ()}, range(9)]
GOOD = [[Layer(3), Layer(2, stride=2)], {"a": [Layer(3)], "b": []}, Layer(3, padding=1), [Layer(10**9)], networks.NET]
TENSORS = [torch.zeros(2, 3), torch.zeros(1, 2, 4, 4), torch.zeros(0), torch.zeros(2, 2, 2)]
SCALARS = one_of([*SMALL, *SMALL, *HUGE, *ODD])
LISTS = st.lists(SCALARS, max_size=3)
VALUES = one_of([*SMALL, *HUGE, *ODD, *NESTED, *GOOD, *TENSORS]) | LISTS.map(several(list)) | LISTS.map(several(tuple))


def only_documented(call: Callable[[], object]) -> None:
    """Call; what is raised must be documented and fit on one line."""
    with warnings.catch_warnings(action="ignore"):
        try:
            call()
        except DOCUMENTED as error:
            message = str(error)
            # Python's own words about a call's arguments are not ours.
            assert message.isprintable(), message
            assert len(message) <= LONGEST, message
        finally:
            plt.close("all")


CALLABLES = {
    **{name: getattr(rfguide, name) for name in rfguide.__all__ if inspect.isfunction(getattr(rfguide, name))},
    **{f"networks.{name}": getattr(networks, name) for name in ("vgg", "resnet", "patchgan", "causal", "wavenet")},
    **{f"plot.{name}": getattr(plot, name) for name in plot.__all__ if callable(getattr(plot, name))},
    "Layer": Layer,
    "ReceptiveField": ReceptiveField,
    "notation.parse": notation.parse,
    "ReceptiveField.region": ReceptiveField(3).region,
    "ReceptiveField.center": ReceptiveField(3).center,
    "ReceptiveField.through": ReceptiveField(3).through,
    "ResNet": torch_networks.ResNet,
}


@pytest.mark.parametrize("name", CALLABLES)
@FEW
@given(st.data())
def test_hostile_arguments_meet_documented_errors(name, data):
    function = CALLABLES[name]
    positional, named = [], {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is not inspect.Parameter.empty and data.draw(st.booleans()):
            continue
        value = data.draw(VALUES, label=parameter.name).value
        if parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD and not named:
            positional.append(value)
        else:
            named[parameter.name] = value
    only_documented(lambda: function(*positional, **named))


GROWN = st.integers(1, 4) | st.sampled_from(HUGE[:-1])


@pytest.mark.parametrize(
    "name", ["plot_growth", "plot_holes", "plot_overlap", "plot_visible", "plot_stack", "plot_field"]
)
@FEW
@given(st.lists(st.tuples(GROWN, GROWN, GROWN, st.sampled_from([0, 1, 10**9])), max_size=4), GROWN, GROWN)
def test_layers_of_any_size_are_drawn_or_refused(name, numbers, size, unit):
    def draw() -> None:
        layers = [Layer(k, stride=s, dilation=d, padding=p) for k, s, d, p in numbers]
        more = {"plot_visible": (size,), "plot_stack": (size, unit), "plot_field": (unit, size)}.get(name, ())
        getattr(plot, name)(layers, *more)

    only_documented(draw)


MODEL = nn.Sequential(nn.Conv2d(1, 1, 3), nn.ReLU())


@FEW
@given(VALUES, VALUES, st.sampled_from([rfguide.trace, rfguide.check, rfguide.probe.nan, rfguide.probe.gradient]))
def test_hostile_sizes_and_units_of_a_model(size, unit, function):
    more = (unit.value,) if function in (rfguide.probe.nan, rfguide.probe.gradient) else ()
    only_documented(lambda: function(MODEL, size.value, *more))


SAID = (
    "conv3 conv3*99999999 net vgg16 pool2/2 3 0 3,8,8 -k -s -p -i -u -o --json --csv --input --nonsense -a x=(( "
    "3,99999999999,99999999999 rfguide.torch_networks:Net math:pi none.py:x none.pt2 /dev/full - growth.svg"
)
WORDS = st.sampled_from([*TEXTS, *SAID.split(), "9" * 30])
COMMANDS = st.sampled_from([*(name for name in main.commands if name != "plot"), "nonsense", ""])
PICTURES = st.sampled_from(sorted(main.commands["plot"].commands))
LINES = st.lists(WORDS, max_size=6)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(COMMANDS.map(lambda name: [name]) | PICTURES.map(lambda name: ["plot", name]), LINES)
def test_a_hostile_command_line_ends_in_one_line_and_a_status(tmp_path_factory, command, words):
    with chdir(tmp_path_factory.getbasetemp()):
        result = CliRunner().invoke(main, [*command, *words])
    assert result.exit_code in (0, 2, 3), (result.output[-300:], result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    if result.exit_code:
        assert result.stderr.count("\n") == 1
        assert result.stderr.rstrip("\n").isprintable()
        assert len(result.stderr.rstrip("\n")) <= LONGEST


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["size", "stack", "trace", "plot"]), LINES, st.sampled_from(["utf-8", "ascii", "cp1252"]))
def test_a_hostile_process_ends_in_one_line_and_a_status(tmp_path_factory, command, words, encoding):
    words = [os.fsencode(word.replace("\0", "")[:10_000]) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "rfguide", command, *words],
        capture_output=True,
        check=False,
        cwd=tmp_path_factory.getbasetemp(),
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    assert done.returncode in (0, 2, 3), done.stderr
    assert done.stderr.count(b"\n") == bool(done.returncode)
    assert len(done.stderr) <= 4 * LONGEST
