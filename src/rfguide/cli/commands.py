"""The commands."""

from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import get_completion_class

import rfguide
from rfguide.cli import options
from rfguide.cli.app import App
from rfguide.cli.designs import design
from rfguide.cli.pictures import plot
from rfguide.cli.progress import progress
from rfguide.cli.tables import Form, Row, render
from rfguide.cli.targets import arguments, batched, load
from rfguide.fields import receptive_fields
from rfguide.layers import Layer
from rfguide.sizes import output_size, output_sizes, transposed_output_size

if TYPE_CHECKING:
    from torch import nn


@click.group(cls=App, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(rfguide.__version__, "-V", "--version", package_name="rfguide", message="rfguide %(version)s")
def main() -> None:
    """Feature-map sizes and receptive fields: computed, checked, never guessed.

    A STACK is written "conv3p1 pool2/2 conv3": conv or pool with its kernel size, /stride, p padding,
    d dilation; *17 repeats a layer; or it is a name such as vgg16. A MODEL is package.module:callable,
    file.py:callable or an exported program.pt2.
    """


@main.command()
@click.argument("input_size", type=int)
@click.option("-k", "--kernel-size", type=int, required=True, help="Cells the kernel reads.")
@click.option("-s", "--stride", type=int, default=1, show_default=True, help="Cells from one place to the next.")
@click.option(
    "-p",
    "--padding",
    callback=options.numbers,
    default="0",
    show_default=True,
    help="Cells added at each end, or before,after.",
)
@click.option("-d", "--dilation", type=int, default=1, show_default=True, help="Cells from one tap to the next.")
@click.option("--ceil-mode", is_flag=True, help="Let a last window of a pooling hang over the end.")
@click.option("--transposed", is_flag=True, help="The size after a transposed convolution.")
@click.option("--output-padding", type=int, default=0, help="Cells added at the end of a transposed convolution.")
@options.forms
def size(
    input_size: int,
    kernel_size: int,
    stride: int,
    padding: tuple[int, ...],
    dilation: int,
    ceil_mode: bool,
    transposed: bool,
    output_padding: int,
    form: Form,
) -> None:
    """Print the size of the map after one layer, along one axis.

    Example: rfguide size 224 -k 7 -s 2 -p 3
    """
    pads: Any = padding[0] if len(padding) == 1 else padding
    row: Row = {
        "input_size": input_size,
        "kernel_size": kernel_size,
        "stride": stride,
        "padding": pads,
        "dilation": dilation,
    }
    if transposed:
        if ceil_mode:
            raise click.UsageError("--ceil-mode is for poolings, --transposed for transposed convolutions")
        if len(padding) > 1:
            raise click.UsageError("--padding takes one number with --transposed")
        row["output_padding"] = output_padding
        row["output_size"] = transposed_output_size(**row)
    else:
        if output_padding:
            raise click.UsageError("--output-padding needs --transposed")
        row["output_size"] = output_size(**row, ceil_mode=ceil_mode)
    click.echo(row["output_size"] if form == "text" else render([row], form))


@main.command()
@options.layers
@click.option("-i", "--input", "input_size", type=int, help="Cells of the input along the axis: adds the maps' sizes.")
@options.forms
def stack(layers: tuple[Layer, ...], input_size: int | None, form: Form) -> None:
    """Print the receptive field after each layer of a STACK, along one axis.

    Example: rfguide stack "conv3p1 pool2/2 conv3p1" --input 32
    """
    sizes: tuple[int | None, ...] = (None,) * len(layers) if input_size is None else output_sizes(input_size, layers)
    rows = []
    for layer, field, cells in zip(layers, receptive_fields(layers), sizes, strict=True):
        row: Row = {
            "name": layer.name,
            "kernel_size": layer.kernel_size,
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
        }
        if cells is not None:
            row["output_size"] = cells
        row |= {
            "receptive_field": field.size,
            "effective_stride": field.stride,
            "effective_padding": field.padding,
        }
        rows.append(row)
    heads = {
        "name": "layer",
        "kernel_size": "kernel",
        "output_size": "output",
        "receptive_field": "field",
        "effective_stride": "jump",
        "effective_padding": "eff. pad",
    }
    click.echo(render(rows, form, heads))


@main.command()
@options.model
@click.option("--ignore-global", is_flag=True, help="Read gates and statistics as element-wise.")
@click.option(
    "--unknown",
    type=click.Choice(["error", "global"]),
    default="error",
    show_default=True,
    help="What to do at an op that rfguide does not know.",
)
@click.option("--until", metavar="NAME", help="Stop before the call of this name.")
@options.forms
def trace(
    target: str,
    sizes: tuple[tuple[int, ...], ...],
    pairs: tuple[str, ...],
    train: bool,
    ignore_global: bool,
    unknown: Any,
    until: str | None,
    form: Form,
) -> None:
    """Print the receptive field of every feature map of a MODEL.

    Example: rfguide trace rfguide.torch_networks:Net --input 3,32,32
    """
    model = load(target, arguments(pairs), train=train)
    traced = rfguide.trace(model, batched(sizes), ignore_global=ignore_global, unknown=unknown, until=until)
    if form == "text":
        click.echo(traced)
    else:
        click.echo({"json": traced.to_json, "csv": traced.to_csv, "markdown": traced.to_markdown}[form]().rstrip())


@main.command()
@options.model
@options.unit
@options.layer
@click.option("--gradient", is_flag=True, help="Measure by gradient instead of NaN.")
@click.option("--linear", is_flag=True, help="With --gradient: the model's skeleton, its own weights set aside.")
@click.option("--samples", type=int, default=1, show_default=True, help="With --gradient: random inputs to average.")
@options.forms
def probe(
    target: str,
    sizes: tuple[tuple[int, ...], ...],
    pairs: tuple[str, ...],
    train: bool,
    unit: tuple[int, ...],
    layer: str | None,
    gradient: bool,
    linear: bool,
    samples: int,
    form: Form,
) -> None:
    """Measure which cells of the input a unit of a MODEL depends on.

    Example: rfguide probe rfguide.torch_networks:Net --input 3,32,32 --unit 4,4
    """
    if not gradient and (linear or samples != 1):
        raise click.UsageError("--linear and --samples need --gradient")
    model = load(target, arguments(pairs), train=train)
    with progress("probing") as tell:
        if gradient:
            rows = _by_gradient(model, sizes, unit, layer, linear=linear, samples=samples, progress=tell)
        else:
            found = rfguide.probe.nan(model, batched(sizes), unit, layer, progress=tell)
            rows = [_ends(axis, region) for axis, region in enumerate(found)]
    click.echo(render(rows, form))


def _ends(axis: int, region: tuple[int, int] | None) -> Row:
    if region is None:
        return {"axis": axis, "first": None, "last": None, "cells": 0}
    first, last = region
    return {"axis": axis, "first": first, "last": last, "cells": last - first + 1}


def _by_gradient(model: "nn.Module", sizes: Any, unit: Any, layer: str | None, **how: Any) -> list[Row]:
    slopes = rfguide.probe.gradient(model, batched(sizes), unit, layer, **how)
    rows = []
    for axis, places in enumerate(slopes.nonzero()):
        row = _ends(axis, (int(places.min()), int(places.max())) if places.size else None)
        rows.append(row | {"nonzero": int((slopes > 0).sum())})
    return rows


@main.command()
@options.model
@click.option("--samples", type=int, default=3, show_default=True, help="Units of every map.")
@options.forms
@click.pass_context
def check(
    ctx: click.Context,
    target: str,
    sizes: tuple[tuple[int, ...], ...],
    pairs: tuple[str, ...],
    train: bool,
    samples: int,
    form: Form,
) -> None:
    """Hold the trace of a MODEL against the NaN probe, on units of every map; status 1 if they differ.

    Example: rfguide check rfguide.torch_networks:Net --input 3,32,32
    """
    model = load(target, arguments(pairs), train=train)
    with progress("checking") as tell:
        report = rfguide.check(model, batched(sizes), samples=samples, progress=tell)
    row = {
        "agrees": report.agrees,
        "maps": report.maps,
        "units": report.units,
        "passes": report.passes,
        "difference": str(report.difference or ""),
    }
    click.echo(str(report) if form == "text" else render([row], form))
    if not report.agrees:
        ctx.exit(1)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes rfguide's commands in a shell.

    Example: rfguide completion bash >> ~/.bashrc
    """
    complete = get_completion_class(shell)
    assert complete is not None  # click knows all three
    click.echo(complete(main, {}, "rfguide", "_RFGUIDE_COMPLETE").source())


main.add_command(design)
main.add_command(plot)
