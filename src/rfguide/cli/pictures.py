"""`rfguide plot`: a picture as a file."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import rfguide
from rfguide.cli import options
from rfguide.cli.progress import progress
from rfguide.cli.tables import Form, render
from rfguide.cli.targets import arguments, batched, load
from rfguide.layers import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

output = options.together(
    click.option(
        "-o",
        "--output",
        "file",
        type=click.Path(dir_okay=False, writable=True, path_type=Path),
        help="Where to write it: .svg, .png or .pdf. [default: the picture's name and .svg]",
    ),
    click.option("--dark", is_flag=True, help="For dark pages."),
    options.forms,
)
input_size = click.option("-i", "--input", "size", type=int, required=True, help="Cells of the image along an axis.")


@click.group()
def plot() -> None:
    """Draw a picture and write it to a file.

    Example: rfguide plot growth vgg16 -o growth.svg
    """


def _write(kind: str, draw: Callable[[], "Axes"], file: Path | None, dark: bool, form: Form) -> None:
    """Draw, write the file, and say where it is."""
    import matplotlib as mpl

    mpl.use("Agg")
    file = file or Path(f"{kind}.svg")
    if file.suffix == ".svg":
        text = rfguide.plot.svg(draw(), dark=dark)
        _saved(file, lambda: file.write_text(text, encoding="utf-8"))
    else:
        with rfguide.plot.theme("dark" if dark else "light"):
            figure: Any = draw().figure
            _saved(file, lambda: figure.savefig(file, dpi=200))
    row = {"picture": kind, "file": str(file)}
    click.echo(str(file) if form == "text" else render([row], form))


def _saved(file: Path, save: Callable[[], object]) -> None:
    try:
        save()
    except (OSError, ValueError) as error:
        raise click.ClickException(f"cannot write {file}: {error}") from error


@plot.command()
@options.layers
@output
def growth(layers: tuple[Layer, ...], file: Path | None, dark: bool, form: Form) -> None:
    """How the receptive field grows along a STACK."""
    _write("growth", lambda: rfguide.plot.plot_growth(layers), file, dark, form)


@plot.command()
@options.layers
@input_size
@click.option("-u", "--unit", type=int, help="Unit of the last map. [default: the middle one]")
@output
def stack(layers: tuple[Layer, ...], size: int, unit: int | None, file: Path | None, dark: bool, form: Form) -> None:
    """Every map of a STACK as a row of cells, and all that one unit reads."""
    _write("stack", lambda: rfguide.plot.plot_stack(layers, size, unit), file, dark, form)


@plot.command()
@options.layers
@input_size
@options.unit
@output
def field(
    layers: tuple[Layer, ...], size: int, unit: tuple[int, ...], file: Path | None, dark: bool, form: Form
) -> None:
    """The field of a unit of a STACK's last map on the image, padding hatched."""
    place: Any = unit[0] if len(unit) == 1 else unit
    _write("field", lambda: rfguide.plot.plot_field(layers, place, size), file, dark, form)


@plot.command()
@options.layers
@input_size
@output
def visible(layers: tuple[Layer, ...], size: int, file: Path | None, dark: bool, form: Form) -> None:
    """How many cells each unit of a STACK's last map really sees."""
    _write("visible", lambda: rfguide.plot.plot_visible(layers, size), file, dark, form)


@plot.command()
@options.layers
@output
def holes(layers: tuple[Layer, ...], file: Path | None, dark: bool, form: Form) -> None:
    """Which pixels inside its field a unit really reads."""
    _write("holes", lambda: rfguide.plot.plot_holes(layers), file, dark, form)


@plot.command()
@options.layers
@output
def overlap(layers: tuple[Layer, ...], file: Path | None, dark: bool, form: Form) -> None:
    """By how many routes each cell of its field reaches a unit."""
    _write("overlap", lambda: rfguide.plot.plot_overlap(layers), file, dark, form)


@plot.command()
@options.model
@output
def structure(
    target: str,
    sizes: tuple[tuple[int, ...], ...],
    pairs: tuple[str, ...],
    train: bool,
    file: Path | None,
    dark: bool,
    form: Form,
) -> None:
    """The calls of a MODEL, what feeds each, and the shape that comes out."""
    model = load(target, arguments(pairs), train=train)
    traced = rfguide.trace(model, batched(sizes))
    _write("structure", lambda: rfguide.plot.plot_structure(traced), file, dark, form)


@plot.command()
@options.model
@options.unit
@options.layer
@click.option("--linear", is_flag=True, help="The model's skeleton, its own weights set aside.")
@click.option("--samples", type=int, default=1, show_default=True, help="Random inputs to average.")
@output
def gradient(
    target: str,
    sizes: tuple[tuple[int, ...], ...],
    pairs: tuple[str, ...],
    train: bool,
    unit: tuple[int, ...],
    layer: str | None,
    linear: bool,
    samples: int,
    file: Path | None,
    dark: bool,
    form: Form,
) -> None:
    """How strongly each pixel moves a unit of a MODEL, with the box that the trace draws around it."""
    model = load(target, arguments(pairs), train=train)
    shapes = batched(sizes)
    traced = rfguide.trace(model, shapes)
    try:
        m = traced.output if layer is None else traced[layer]
    except KeyError as error:
        raise click.ClickException(error.args[0]) from None
    seen = m.visible(unit)
    with progress("probing") as tell:
        slopes = rfguide.probe.gradient(
            model, shapes, unit, layer, linear=linear, samples=samples, unit_dims=m.unit_dims, progress=tell
        )
    box: Any = seen if len(seen) == 2 and all(seen) else None
    _write("gradient", lambda: rfguide.plot.plot_gradient(slopes, box), file, dark, form)
