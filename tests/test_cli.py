"""The command line: each command in each form, every bad input in one line with status 2, and a few real processes."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import rfguide
from rfguide import output_sizes, receptive_fields
from rfguide.cli import main
from rfguide.cli import progress as bars
from rfguide.cli.progress import progress
from rfguide.cli.tables import render
from rfguide.networks import NET
from rfguide.torch_networks import Net
from rfguide.trace import Map

MODEL = ["rfguide.torch_networks:Net", "--input", "3,32,32"]


def run(*arguments: str, status: int = 0) -> str:
    """Run a command in this process; return what it prints."""
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == status, (result.output, result.exception)
    return result.stdout.rstrip("\n")


def refusal(*arguments: str, status: int = 2) -> str:
    """Return the one line of a command that must be refused."""
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert len(result.stderr.rstrip("\n")) <= 300
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("rfguide: ")
    return result.stderr.removeprefix("rfguide: ").rstrip("\n")


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user does."""
    command = [sys.executable, "-m", "rfguide", *arguments]
    environment = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=environment)


# design


def test_design_prints_stacks_that_stack_reads_back():
    rows = json.loads(run("design", "48,52", "--stride", "4", "--kernels", "3,5,7", "--max-layers", "4", "--json"))
    for row in rows:
        last = json.loads(run("stack", row["stack"], "--json"))[-1]
        assert (last["receptive_field"], last["effective_stride"]) == (row["receptive_field"], 4)
        assert 48 <= row["receptive_field"] <= 52
    assert [row["parameters"] for row in rows] == sorted(row["parameters"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["32", "--strides", "1"], "no stack of at most 40 layers has a field of 32 with these kernels, strides and"),
        (["1,2,3"], "size=(1, 2, 3) has 3 numbers; it must be one integer or a pair (smallest, largest)"),
        (["9", "--count", "0"], "count=0 must be at least 1"),
    ],
)
def test_design_refuses_in_one_line(arguments, message):
    assert refusal("design", *arguments).startswith(message)


# size


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(["224", "-k", "7", "-s", "2", "-p", "3"], "112", id="ResNet stem"),
        pytest.param(["224", "--kernel-size", "3", "--padding", "1"], "224", id="long names"),
        pytest.param(["10", "-k", "3", "-d", "2"], "6", id="dilation"),
        pytest.param(["224", "-k", "4", "-p", "1,2"], "224", id="same padding of an even kernel"),
        pytest.param(["112", "-k", "3", "-s", "2", "--ceil-mode"], "56", id="ceil_mode"),
        pytest.param(["16", "-k", "3", "-s", "2", "-p", "1", "--transposed"], "31", id="transposed"),
        pytest.param(
            ["16", "-k", "3", "-s", "2", "-p", "1", "--transposed", "--output-padding", "1"], "32", id="the larger"
        ),
    ],
)
def test_size_prints_the_number_alone(arguments, expected):
    assert run("size", *arguments) == expected


def test_size_in_every_form():
    arguments = ["size", "224", "-k", "7", "-s", "2", "-p", "3"]
    row = {"input_size": 224, "kernel_size": 7, "stride": 2, "padding": 3, "dilation": 1, "output_size": 112}
    assert json.loads(run(*arguments, "--json")) == [row]
    assert run(*arguments, "--csv") == "input_size,kernel_size,stride,padding,dilation,output_size\n224,7,2,3,1,112"
    assert run(*arguments, "--markdown").splitlines()[-1] == "| 224 | 7 | 2 | 3 | 1 | 112 |"


# stack


def test_stack_prints_the_fields_of_the_library():
    rows = json.loads(run("stack", "conv3p1 pool2/2 conv3p1 pool2/2", "--input", "32", "--json"))
    fields, sizes = receptive_fields(NET), output_sizes(32, NET)
    assert [row["name"] for row in rows] == ["conv1", "pool1", "conv2", "pool2"]
    assert [row["output_size"] for row in rows] == list(sizes) == [32, 16, 16, 8]
    numbers = [(row["receptive_field"], row["effective_stride"], row["effective_padding"]) for row in rows]
    assert numbers == [(f.size, f.stride, f.padding) for f in fields] == [(3, 1, 1), (4, 2, 1), (8, 2, 3), (10, 4, 3)]


def test_stack_as_a_table_for_people():
    assert run("stack", "conv3 pool2/2 conv3") == "\n".join(
        [
            "layer  kernel  stride  padding  dilation  field  jump  eff. pad",
            "─────  ──────  ──────  ───────  ────────  ─────  ────  ────────",
            "conv1       3       1        0         1      3     1         0",
            "pool1       2       2        0         1      4     2         0",
            "conv2       3       1        0         1      8     2         0",
        ]
    )


def test_stack_takes_names_and_writes_padding_of_both_ends():
    assert run("stack", "resnet50", "--csv").splitlines()[-1] == "layer4.2.conv3,1,1,0,1,427,32,213"
    assert json.loads(run("stack", "conv2p1:0", "--json"))[0]["padding"] == [1, 0]
    assert run("stack", "conv2p1:0", "--markdown").splitlines()[-1] == "| conv1 | 2 | 1 | 1, 0 | 1 | 2 | 1 | 1 |"


# trace


@pytest.mark.parametrize(
    ("form", "method"), [(None, "__str__"), ("--json", "to_json"), ("--csv", "to_csv"), ("--markdown", "to_markdown")]
)
def test_trace_prints_what_the_library_says(form, method):
    traced = rfguide.trace(Net().eval(), (1, 3, 32, 32))
    assert run("trace", *MODEL, *([form] if form else [])) == getattr(traced, method)().rstrip()


def test_trace_takes_a_file_whose_neighbours_it_can_import(tmp_path):
    (tmp_path / "blocks.py").write_text("from torch import nn\ndef block(k): return nn.Conv2d(3, 4, k)\n")
    (tmp_path / "mine.py").write_text("from blocks import block\ndef build(k=3, name='x'): return block(k)\n")
    rows = json.loads(run("probe", f"{tmp_path / 'mine.py'}:build", "-i", "3,9,9", "-u", "2,2", "-a", "k=5", "--json"))
    assert [row["cells"] for row in rows] == [5, 5]


def test_trace_takes_a_module_of_the_current_folder_and_an_instance(tmp_path):
    (tmp_path / "here_it_is.py").write_text(
        "from torch import nn\nclass Box:\n    model = nn.Sequential(nn.Conv1d(1, 1, 3))\n"
    )
    # The installed command, for `python -c` has the current folder on its path anyway.
    command = [Path(sys.executable).with_name("rfguide"), "trace", "here_it_is:Box.model", "-i", "1,9", "--csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("0,Conv1d,1×1×7,3,1,0,")


def test_trace_takes_an_exported_program(tmp_path):
    program = torch.export.export(Net().eval(), (torch.zeros(1, 3, 32, 32),))
    torch.export.save(program, tmp_path / "net.pt2")
    rows = json.loads(run("trace", str(tmp_path / "net.pt2"), "--input", "3,32,32", "--json"))
    assert [row["size"] for row in rows] == [[3, 3], [3, 3], [4, 4], [8, 8], [8, 8], [10, 10]]


def test_trace_evaluates_unless_told_to_train(tmp_path):
    (tmp_path / "norms.py").write_text(
        "from torch.nn import *\ndef net(): return Sequential(Conv1d(1, 1, 3), BatchNorm1d(1))\n"
    )
    target = [f"{tmp_path / 'norms.py'}:net", "-i", "1,9", "--json"]
    assert [row["is_global"] for row in json.loads(run("trace", *target))] == [False, False]
    assert [row["is_global"] for row in json.loads(run("trace", *target, "--train"))] == [False, True]


def test_trace_passes_its_options_on(tmp_path):
    rows = json.loads(run("trace", *MODEL, "--until", "conv2", "--json"))
    assert [row["name"] for row in rows] == ["conv1", "relu()", "pool"]
    (tmp_path / "gated.py").write_text(
        "from torch.nn import *\ndef net(): return Sequential(Conv1d(1, 1, 3), GroupNorm(1, 1))\n"
    )
    rows = json.loads(run("trace", f"{tmp_path / 'gated.py'}:net", "-i", "1,9", "--ignore-global", "--json"))
    assert [row["is_global"] for row in rows] == [False, False]


def test_several_inputs_and_arguments_of_every_kind(tmp_path):
    (tmp_path / "two.py").write_text(
        "from torch import nn\n"
        "class Two(nn.Module):\n"
        "    def __init__(self, k, name, on):\n"
        "        super().__init__()\n"
        "        assert (k, name, on) == (3, 'plain text', True)\n"
        "        self.conv = nn.Conv1d(1, 1, k, padding=1)\n"
        "    def forward(self, x, y): return self.conv(x) + y\n"
    )
    pairs = ["-a", "k=3", "-a", "name=plain text", "-a", "on=True"]
    report = json.loads(run("check", f"{tmp_path / 'two.py'}:Two", "-i", "1,8", "-i", "1,8", *pairs, "--json"))
    assert report[0]["agrees"] is True


# probe and check


def test_probe_measures_by_nan_and_by_gradient():
    rows = [{"axis": 0, "first": 13, "last": 22, "cells": 10}, {"axis": 1, "first": 13, "last": 22, "cells": 10}]
    assert json.loads(run("probe", *MODEL, "--unit", "4,4", "--json")) == rows
    skeleton = json.loads(run("probe", *MODEL, "--unit", "4,4", "--gradient", "--linear", "--samples", "2", "--json"))
    assert skeleton == [row | {"nonzero": 100} for row in rows]
    assert (
        run("probe", *MODEL, "--unit", "0,4", "--layer", "conv2", "--csv") == "axis,first,last,cells\n0,0,4,5\n1,5,12,8"
    )


def test_probe_of_a_unit_that_sees_nothing(tmp_path):
    (tmp_path / "padded.py").write_text("from torch import nn\ndef net(): return nn.Conv1d(1, 1, 1, padding=1)\n")
    target = [f"{tmp_path / 'padded.py'}:net", "-i", "1,4", "-u", "0"]
    assert run("probe", *target).splitlines()[-1].split() == ["0", "–", "–", "0"]
    assert json.loads(run("probe", *target, "--json")) == [{"axis": 0, "first": None, "last": None, "cells": 0}]
    assert json.loads(run("probe", *target, "--gradient", "--json"))[0]["nonzero"] == 0


def test_check_agrees_with_status_0_and_differs_with_status_1(monkeypatch):
    agreement = "trace and the NaN probe agree on 30 units of 6 maps (64 forward passes)"
    assert run("check", *MODEL) == agreement
    row = {"agrees": True, "maps": 6, "units": 30, "passes": 64, "difference": ""}
    assert json.loads(run("check", *MODEL, "--json")) == [row]
    monkeypatch.setattr(Map, "visible", lambda self, unit, *, input=None: ((0, 0), (0, 0)))
    line = run("check", *MODEL, status=1)
    assert line.endswith("the NaN probe measures ((0, 1), (0, 1))")
    assert json.loads(run("check", *MODEL, "--json", status=1))[0]["difference"] == line
    assert run("check", *MODEL, "--markdown", status=1).splitlines()[-1].startswith("| no | 6 | 18 |")


# plot


@pytest.mark.parametrize(
    "arguments",
    [
        ["growth", "vgg16"],
        ["stack", "net", "--input", "12"],
        ["stack", "net", "--input", "12", "--unit", "1"],
        ["field", "net", "--input", "32", "--unit", "4"],
        ["field", "net", "--input", "32", "--unit", "0,4"],
        ["visible", "net", "--input", "32"],
        ["holes", "conv3d2 conv3d2"],
        ["overlap", "conv3 conv3"],
        ["structure", *MODEL],
        ["gradient", *MODEL, "--unit", "4,4"],
        ["gradient", *MODEL, "--unit", "4,4", "--layer", "conv2", "--linear", "--samples", "2"],
    ],
    ids=" ".join,
)
def test_plot_writes_a_picture_and_says_where(arguments, tmp_path):
    file = tmp_path / "picture.svg"
    assert run("plot", *arguments, "-o", str(file)) == str(file)
    assert file.read_text(encoding="utf-8").count("<svg") == 1


@pytest.mark.parametrize(("ending", "start"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_plot_writes_other_formats(ending, start, tmp_path):
    file = tmp_path / f"growth.{ending}"
    run("plot", "growth", "net", "-o", str(file), "--dark")
    assert file.read_bytes().startswith(start)


def test_plot_names_the_file_and_knows_dark_pages(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    row = {"picture": "growth", "file": "growth.svg"}
    assert json.loads(run("plot", "growth", "net", "--json")) == [row]
    light = Path("growth.svg").read_text(encoding="utf-8")
    run("plot", "growth", "net", "--dark")
    assert Path("growth.svg").read_text(encoding="utf-8") != light


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["size", "2", "-k", "5"],
            "kernel_size=5, dilation=1 spans 5 cells; input_size=2, padding=0 has 2 (padding=2 would fit)",
        ),
        (["size", "0", "-k", "5"], "input_size=0 must be at least 1"),
        (["size", "-k", "5"], "Missing argument 'INPUT_SIZE'."),
        (["size", "224"], "Missing option '-k' / '--kernel-size'."),
        (["size", "x", "-k", "3"], "Invalid value for 'INPUT_SIZE': 'x' is not a valid integer."),
        (["size", "9", "-k", "3.5"], "Invalid value for '-k' / '--kernel-size': '3.5' is not a valid integer."),
        (
            ["size", "9", "-k", "3", "-p", "1,2,3"],
            "padding=(1, 2, 3) has 3 numbers; it must be one integer or a pair (before, after)",
        ),
        (
            ["size", "9", "-k", "3", "-p", "same"],
            "Invalid value for '-p' / '--padding': 'same' must be whole numbers with commas between them, "
            "such as 3,224,224",
        ),
        (["size", "9", "-k", "3", "--output-padding", "1"], "--output-padding needs --transposed"),
        (
            ["size", "9", "-k", "3", "--transposed", "--ceil-mode"],
            "--ceil-mode is for poolings, --transposed for transposed convolutions",
        ),
        (["size", "9", "-k", "3", "-p", "1,1", "--transposed"], "--padding takes one number with --transposed"),
        (["size", "9", "-k", "99999999999999999999"], "kernel_size has 67 bits; torch's sizes end at 2**63 - 1"),
        (["stack", "pool2"], "'pool2' (word 1) needs its stride: pool2/2 steps by its kernel, as in torch"),
        (["stack"], "Missing argument 'STACK'."),
        (
            ["stack", "conv9", "-i", "4"],
            "layer conv1: kernel_size=9, dilation=1 spans 9 cells; input_size=4, padding=0 has 4 (padding=3 would fit)",
        ),
        (["nonsense"], "No such command 'nonsense'."),
        (["size", "9", "-k", "3", "--yaml"], "No such option '--yaml'."),
        (["trace", "rfguide.torch_networks:Net"], "Missing option '-i' / '--input'."),
        (
            ["trace", "Net", "-i", "3,8,8"],
            "'Net' names no model; it must be package.module:callable, file.py:callable or program.pt2",
        ),
        (["trace", "no.such:Net", "-i", "3,8,8"], "cannot import no.such: ModuleNotFoundError: No module named 'no'"),
        (["trace", "none.py:Net", "-i", "3,8,8"], "there is no file none.py"),
        (["trace", "none.pt2", "-i", "3,8,8"], "there is no file none.pt2"),
        (
            ["trace", "none.pt2", "-i", "3,8,8", "-a", "k=1"],
            "--arg has no meaning for an exported program, which is complete",
        ),
        (["trace", "math:pi", "-i", "3,8,8"], "math:pi is float, neither a model nor callable"),
        (
            ["trace", "math:sqrt", "-i", "3,8,8"],
            "math:sqrt does not take these --arg: missing a required argument: 'x'",
        ),
        (["trace", "builtins:dict", "-i", "3,8,8"], "builtins:dict returns dict, not a torch.nn.Module"),
        (
            ["trace", "email.that:x", "-i", "3,8,8"],
            "cannot import email.that: ModuleNotFoundError: No module named 'email.that'",
        ),
        (["trace", *MODEL, "-a", "depth"], "--arg 'depth' must be key=value, such as depth=18"),
        (["trace", *MODEL, "-a", "depth=18"], None),
        (["trace", "rfguide.torch_networks:Net", "-i", "4,32,32"], None),
        (["trace", *MODEL, "--until", "conv9"], None),
        (
            ["trace", *MODEL, "--unknown", "maybe"],
            "Invalid value for '--unknown': 'maybe' is not one of 'error', 'global'.",
        ),
        (["probe", *MODEL, "-u", "9,9"], "unit[0]=9 must be from 0 to 7: the output has (8, 8) units"),
        (["probe", *MODEL, "-u", "4"], "unit=(4,) has 1 numbers; the output has 2 axes of (8, 8) units"),
        (["probe", *MODEL, "-u", "4,4", "--linear"], "--linear and --samples need --gradient"),
        (
            ["probe", *MODEL, "-u", "4,4", "-l", "conv9"],
            "layer='conv9' is no call of the model; it makes conv1, relu(), pool, conv2, relu()#2, pool#2",
        ),
        (["check", *MODEL, "--samples", "0"], "samples=0 must be at least 1"),
        (["plot", "growth", "relu"], None),
        (["plot", "field", "net", "-i", "32", "-u", "8"], "unit=8 must be from 0 to 7: the last map has 8 units"),
        (["plot", "gradient", *MODEL, "-u", "4,4", "-l", "conv9"], None),
        (["completion", "csh"], "Invalid value for '{bash|zsh|fish}': 'csh' is not one of 'bash', 'zsh', 'fish'."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_with_status_2(arguments, message):
    line = refusal(*arguments)
    if message is not None:
        assert line == message


def test_a_picture_that_cannot_be_written_is_refused(tmp_path):
    folder = tmp_path / "no"
    line = refusal("plot", "growth", "net", "-o", str(folder / "growth.svg"))
    assert line == f"cannot write {folder / 'growth.svg'}: there is no folder {folder}"


@pytest.mark.parametrize("file", ["noext", "-", "/dev/full", "growth.mp3", "growth.svg.gz"])
def test_a_picture_of_no_known_kind_is_refused_and_nothing_is_written(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal("plot", "growth", "net", "-o", file) == f"--output {file!r} must end in .svg, .png or .pdf"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_picture_as_it_was(tmp_path, monkeypatch):
    (tmp_path / "growth.svg").write_text("old", encoding="utf-8")

    def full(self: Path, content: bytes) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    line = refusal("plot", "growth", "net", "-o", str(tmp_path / "growth.svg"), status=3)
    assert line == f"cannot write {tmp_path / 'growth.svg'}: No space left on device"
    assert [file.read_text(encoding="utf-8") for file in tmp_path.iterdir()] == ["old"]


def test_a_device_stays_a_device(tmp_path):
    (tmp_path / "full.svg").symlink_to("/dev/full")
    line = refusal("plot", "growth", "net", "-o", str(tmp_path / "full.svg"), status=3)
    assert line == "cannot write /dev/full: No space left on device"
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "cannot run FILE: ZeroDivisionError: division by zero"),
        ("1 +", "cannot run FILE: SyntaxError: invalid syntax (broken.py, line 1)"),
        ("import sys; sys.exit(0)", "cannot run FILE: SystemExit: 0"),
        ("import no_such", "cannot run FILE: ModuleNotFoundError: No module named 'no_such'"),
        ("raise MemoryError", "cannot run FILE: MemoryError: "),
        ("raise ValueError('two\\nlines\\0')", "cannot run FILE: ValueError: two lines\\x00"),
        ("def net(): raise SystemExit(0)", "FILE:net raises SystemExit: 0"),
        ("def net(): return [][0]", "FILE:net raises IndexError: list index out of range"),
        ("def __getattr__(name): 1 / 0", "FILE raises ZeroDivisionError: division by zero"),
        (
            "import torch, sys\nclass net(torch.nn.Module):\n    def forward(self, x): sys.exit(0)",
            "the model calls sys.exit(0)",
        ),
        ("from torch import nn\nclass net(nn.Module):\n    def forward(self, x): raise MemoryError", None),
    ],
)
@pytest.mark.parametrize("command", ["trace", "check"])
def test_a_model_file_that_fails_is_one_line_with_status_3(command, code, message, tmp_path):
    (tmp_path / "broken.py").write_text(code, encoding="utf-8")
    line = refusal(command, f"{tmp_path / 'broken.py'}:net", "-i", "3,8,8", status=3)
    if message is not None:
        assert line == message.replace("FILE", str(tmp_path / "broken.py")).rstrip()


def test_arguments_that_the_callable_does_not_take_are_the_users(tmp_path):
    (tmp_path / "mine.py").write_text("def net(k): pass\n", encoding="utf-8")
    line = refusal("trace", f"{tmp_path / 'mine.py'}:net", "-i", "3,8,8", "-a", "depth=3")
    assert line.endswith("mine.py:net does not take these --arg: missing a required argument: 'k'")


def test_a_program_that_is_none_is_one_line_with_status_3(tmp_path):
    (tmp_path / "broken.pt2").write_text("no program\n", encoding="utf-8")
    done = process("trace", str(tmp_path / "broken.pt2"), "-i", "3,8,8")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith(f"rfguide: cannot read {tmp_path / 'broken.pt2'}: ")


@pytest.mark.parametrize("name", ["random", "numpy", "statistics"])
def test_a_model_file_takes_the_place_of_no_module(name, tmp_path):
    code = "from torch import nn\nimport importlib\ndef net(): return nn.Conv1d(1, 1, 3)\n"
    code += f"assert importlib.import_module({name!r}).__file__ != __file__\n"
    (tmp_path / f"{name}.py").write_text(code, encoding="utf-8")
    for where in ({}, {"cwd": tmp_path}):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "rfguide", "check", f"{tmp_path / name}.py:net", "-i", "1,9"],
            capture_output=True,
            encoding="utf-8",
            check=False,
            **where,
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["size", "9" * 5000, "-k", "3"],
        ["size", "9", "-k", "3", "-p", "9" * 5000],
        ["stack", "conv" + "9" * 5000],
        ["stack", "conv3*" + "9" * 5000],
        ["stack", "conv3*100000000"],
        ["stack", "conv3/" + "9" * 5000],
        ["stack", "x" * 100_000],
        ["stack", "conv3\n\0\udcff"],
        ["trace", "a" * 5000 + ".py:net", "-i", "3,8,8"],
        ["trace", "\0.py:net", "-i", "3,8,8"],
        ["trace", *MODEL, "-a", "x=" + "(" * 5000],
        ["trace", "rfguide.torch_networks:Net", "-i", "3,99999999999,99999999999"],
        ["trace", "rfguide.torch_networks:Net", "-i", "3," + "9" * 5000],
        ["trace", "rfguide.torch_networks:Net", "-i", "3,-1,0"],
        ["trace", "..x:net", "-i", "3,8,8"],
    ],
    ids=lambda arguments: " ".join(arguments)[:40].encode("unicode_escape").decode(),
)
def test_hostile_input_is_one_short_line_with_status_2(arguments):
    assert refusal(*arguments)


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    line = refusal("trace", "rfguide.networks:Nett", "-i", "3,8,8")
    assert (
        line == "rfguide.networks has no 'Nett'; it has Layer, Stack, GeometryError, Sequence, dataclass, vgg, …"
        or (line.startswith("rfguide.networks has no 'Nett'; it has "))
    )


def test_a_fault_of_rfguide_itself_stays_a_traceback(monkeypatch):
    def fault(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("rfguide.cli.commands.receptive_fields", fault)
    assert isinstance(CliRunner().invoke(main, ["stack", "conv3"]).exception, ZeroDivisionError)


@pytest.mark.parametrize(("package", "extra"), [("torch", "torch"), ("matplotlib", "plot")])
def test_a_missing_extra_is_named(package, extra, tmp_path):
    """A plain installation has neither; here an empty package stands in their way."""
    (tmp_path / f"{package}.py").write_text(f"raise ModuleNotFoundError('no', name={package!r})\n")
    arguments = ["trace", *MODEL] if package == "torch" else ["plot", "growth", "net"]
    done = process(*arguments, PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]))
    assert done.returncode == 2
    assert done.stderr == f'rfguide: this command needs {package}: pip install "rfguide[{extra}]"\n'


# As a user runs it


def test_no_command_at_all_is_a_call_for_help():
    assert run() == run("--help")
    assert run("plot") == run("plot", "--help")
    assert len(run().splitlines()) > 20


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_full_disk_is_no_answer(stream):
    command = [sys.executable, "-m", "rfguide", *(["stack", "conv3"] if stream == "stdout" else ["stack", "relu"])]
    other = "stderr" if stream == "stdout" else "stdout"
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(command, **{stream: full, other: subprocess.PIPE}, encoding="utf-8", check=False)
    if stream == "stdout":
        assert (done.returncode, done.stderr) == (3, "rfguide: cannot write the output: No space left on device\n")
    else:
        assert (done.returncode, done.stdout) == (2, "")


def test_closed_streams_are_no_error():
    command = [sys.executable, "-m", "rfguide", "stack", "conv3"]
    assert subprocess.run(["sh", "-c", '"$@" >&- 2>&-', "sh", *command], check=False).returncode == 0


def test_a_narrow_encoding_gets_plain_signs():
    done = process("stack", "conv3", PYTHONIOENCODING="cp1252")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[1].startswith("-----  ------")
    done = process("trace", *MODEL, "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)[0]["name"] == "conv1"


def test_a_narrow_encoding_keeps_json_whole(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.add_module('卷积😀', nn.Conv1d(1, 1, 3))\n"
        "    def forward(self, x): return self.get_submodule('卷积😀')(x)\n",
        encoding="utf-8",
    )
    done = process("trace", f"{tmp_path / 'mine.py'}:Net", "-i", "1,9", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)[0]["name"] == "卷积😀"


def test_the_installed_command_runs():
    command = Path(sys.executable).with_name("rfguide")
    done = subprocess.run(
        [command, "size", "224", "-k", "7", "-s", "2", "-p", "3"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "112\n"


def test_the_version_and_help():
    assert run("--version") == run("-V") == f"rfguide {rfguide.__version__}"
    for command in main.commands:
        assert run(command, "--help") == run(command, "-h") != ""
        assert command in run("--help")


def test_plain_commands_load_no_torch():
    code = "import sys\nfrom rfguide.cli import main\ntry: main(['stack', 'vgg16'])\n"
    code += "except SystemExit: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "matplotlib"} & set(done.stdout.splitlines()[-1].split())


def test_a_reader_that_stops_early_is_no_error():
    command = [sys.executable, "-c", "from rfguide.cli import main; main()", "stack", "conv1*20000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline().startswith("layer")
        running.stdout.close()
        assert running.stderr.read() == ""
    assert running.returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell):
    script = run("completion", shell)
    assert "_RFGUIDE_COMPLETE" in script


def test_completion_offers_commands_and_stacks():
    # The name of the variable comes from the program's name.
    complete = "from rfguide.cli import main; main(prog_name='rfguide')"

    def asked(words: str, number: int) -> list[str]:
        environment = {
            **os.environ,
            "_RFGUIDE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(number),
        }
        done = subprocess.run(
            [sys.executable, "-c", complete], capture_output=True, text=True, check=True, env=environment
        )
        return [line.split(",")[1] for line in done.stdout.splitlines()]

    assert asked("rfguide st", 1) == ["stack"]
    assert asked("rfguide stack vgg", 2) == ["vgg11", "vgg16"]


def test_commands_in_the_documentation_string_of_each_command_run():
    """Each command's help ends with an example; it must work as it stands."""
    for name, command in main.commands.items():
        example = re.search(r"Example: rfguide (.*)", command.help)[1]
        if name in {"plot", "completion"}:
            continue  # the one writes a file, the other appends to one; both are run above
        words = re.findall(r'"[^"]*"|\S+', example)
        assert run(*[word.strip('"') for word in words])


# Tables and the progress bar


def test_rows_in_every_form_are_the_same_rows():
    rows = [{"name": "a|b", "n": 1, "seen": None, "ok": True}, {"name": "c", "n": 12, "seen": 3, "ok": False}]
    assert json.loads(render(rows, "json")) == rows
    assert list(csv.reader(io.StringIO(render(rows, "csv")))) == [
        ["name", "n", "seen", "ok"],
        ["a|b", "1", "", "true"],
        ["c", "12", "3", "false"],
    ]
    assert render(rows, "markdown").splitlines()[2] == "| a\\|b | 1 | – | yes |"
    assert render(rows, "text").splitlines()[2:] == ["a|b    1     –  yes", "c     12     3  no"]


def test_a_table_fits_the_terminal(monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "30")
    rows = [{"name": "features.denseblock4.denselayer16.conv2", "size": 1234567}]
    lines = render(rows, "text").splitlines()
    assert max(map(len, lines)) == 30
    assert lines[2] == "features.denseblock4…  1234567"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("seconds", "terminal", "bar"), [(0.5, True, False), (1.5, True, True), (1.5, False, False)])
def test_the_bar_comes_after_a_second_and_on_a_terminal_only(seconds, terminal, bar, monkeypatch):
    """A clock of our own: the test waits for nothing."""
    clock = iter([0.0, *[seconds] * 9])
    monkeypatch.setattr(bars.time, "monotonic", lambda: next(clock))
    screen = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress("checking") as tell:
        for done in (1, 2, 3):
            tell(done, 3)
    assert ("checking" in screen.getvalue()) == bar
    assert ("100%" in screen.getvalue()) == bar


@pytest.mark.parametrize(
    ("command", "label"),
    [
        ("probe MODEL --unit 4,4", "probing"),
        ("probe MODEL --unit 4,4 --gradient --samples 2", "probing"),
        ("plot gradient MODEL --unit 4,4 --samples 2 --output FILE", "probing"),
        ("check MODEL", "checking"),
    ],
)
def test_what_runs_the_model_again_and_again_draws_the_bar_beside_its_answer(
    command, label, monkeypatch, capsys, tmp_path
):
    monkeypatch.setattr(bars, "PATIENCE", -1.0)
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    places = {"MODEL": MODEL, "FILE": [str(tmp_path / "picture.svg")]}
    main([a for word in command.split() for a in places.get(word, [word])] + ["--json"], standalone_mode=False)
    assert label in screen.getvalue()
    assert json.loads(capsys.readouterr().out)
