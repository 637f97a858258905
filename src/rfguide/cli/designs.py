"""`rfguide design`: stacks that have a wanted receptive field."""

import click

import rfguide
from rfguide.cli import options
from rfguide.cli.tables import Form, Row, render
from rfguide.notation import written


@click.command()
@click.argument("size", callback=options.numbers)
@click.option("-s", "--stride", type=int, help="Effective stride of the last map; any if not given.")
@click.option("-k", "--kernels", callback=options.numbers, default="3", show_default=True, help="Kernel sizes.")
@click.option("--strides", callback=options.numbers, default="1,2", show_default=True, help="Strides of a layer.")
@click.option("--dilations", callback=options.numbers, default="1", show_default=True, help="Dilations of a layer.")
@click.option("--max-layers", type=int, default=40, show_default=True, help="Layers at most.")
@click.option("-c", "--channels", type=int, default=64, show_default=True, help="Channels of every map.")
@click.option(
    "-i", "--input", "input_size", type=int, default=224, show_default=True, help="Cells of the image a side."
)
@click.option("-n", "--count", type=int, default=10, show_default=True, help="Stacks to print at most.")
@options.forms
def design(
    size: tuple[int, ...],
    stride: int | None,
    kernels: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
    max_layers: int,
    channels: int,
    input_size: int,
    count: int,
    form: Form,
) -> None:
    """Print the cheapest stacks whose receptive field has a SIZE, or one from smallest,largest.

    Example: rfguide design 48,52 --stride 4 --kernels 3,5,7 --max-layers 4
    """
    found = rfguide.designs(
        size[0] if len(size) == 1 else size,  # type: ignore[arg-type]  # a tuple of another length is refused by name
        stride=stride,
        kernels=kernels,
        strides=strides,
        dilations=dilations,
        max_layers=max_layers,
        channels=channels,
        input_size=input_size,
        count=count,
    )
    rows: list[Row] = [
        {
            "stack": written(one.layers),
            "receptive_field": one.field.size,
            "effective_stride": one.field.stride,
            "holes": one.holes,
            "parameters": one.parameters,
            "macs": one.macs,
            "interior": round(one.interior, 4),
        }
        for one in found
    ]
    heads = {"receptive_field": "field", "effective_stride": "jump", "macs": "MACs", "interior": "off the border"}
    click.echo(render(rows, form, heads))
