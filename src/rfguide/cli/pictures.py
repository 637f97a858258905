"""`rfguide plot`: a picture as a file."""

import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import rfguide
from rfguide.cli import options
from rfguide.cli.app import Commands, Failure
from rfguide.cli.progress import progress
from rfguide.cli.tables import Form, render
from rfguide.cli.targets import arguments, batched, load
from rfguide.layers import Layer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ENDINGS = (".svg", ".png", ".pdf")

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


@click.group(cls=Commands)
def plot() -> None:
    """Draw a picture and write it to a file.

    Example: rfguide plot growth vgg16 -o growth.svg
    """


def _write(kind: str, draw: Callable[[], "Axes"], file: Path | None, dark: bool, form: Form) -> None:
    """Draw, write the file, and say where it is."""
    import matplotlib as mpl

    mpl.use("Agg")
    file = file or Path(f"{kind}.svg")
    if file.suffix not in _ENDINGS:
        raise click.ClickException(f"--output {str(file)!r} must end in {', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}")
    if not file.parent.is_dir():
        raise click.ClickException(f"cannot write {file}: there is no folder {file.parent}")
    if file.suffix == ".svg":
        content = rfguide.plot.svg(draw(), dark=dark).encode()
    else:
        with rfguide.plot.theme("dark" if dark else "light"):
            drawing = BytesIO()
            figure: Any = draw().figure
            figure.savefig(drawing, format=file.suffix[1:], dpi=200)
            content = drawing.getvalue()
    _save(file, content)
    row = {"picture": kind, "file": str(file)}
    click.echo(str(file) if form == "text" else render([row], form))


def _save(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        file = file.resolve()
        if file.exists() and not file.is_file():
            file.write_bytes(content)  # a device or a pipe; nothing may take its place
            return
        part = file.with_name(f".{file.name[-100:]}.{os.getpid()}")
        try:
            part.write_bytes(content)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(f"cannot write {file}: {error.strerror or error}") from error


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
