"""Arguments that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from rfguide.errors import shown
from rfguide.layers import Layer
from rfguide.networks import STACKS
from rfguide.notation import parse

Command = TypeVar("Command", bound=Callable[..., Any])


def numbers(ctx: click.Context, param: click.Parameter, value: str | tuple[str, ...] | None) -> Any:
    """Read whole numbers with commas between them, such as 3,224,224; several texts if the option repeats."""
    if isinstance(value, tuple):
        return tuple(numbers(ctx, param, one) for one in value)
    if value is None:
        return None
    try:
        return tuple(int(number) for number in value.split(","))
    except ValueError:
        raise click.BadParameter(
            f"{shown(value)} must be whole numbers with commas between them, such as 3,224,224", ctx, param
        ) from None


def _stack(ctx: click.Context, param: click.Parameter, value: str) -> tuple[Layer, ...]:
    return parse(value)


def _named_stacks(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(name, help=stack.source) for name, stack in STACKS.items() if name.startswith(incomplete)]


def together(*decorators: Callable[[Any], Any]) -> Callable[[Command], Command]:
    """Return one decorator for several, in the order in which help lists them."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


forms = together(
    click.option("--json", "form", flag_value="json", help="Print JSON."),
    click.option("--csv", "form", flag_value="csv", help="Print CSV."),
    click.option("--markdown", "form", flag_value="markdown", help="Print a Markdown table."),
    click.option("--text", "form", flag_value="text", default=True, help="Print a table for people (the default)."),
)
layers = click.argument("layers", metavar="STACK", callback=_stack, shell_complete=_named_stacks)
model = together(
    click.argument("target", metavar="MODEL"),
    click.option(
        "-i",
        "--input",
        "sizes",
        callback=numbers,
        multiple=True,
        required=True,
        metavar="C,H,W",
        help="Shape of the input without its batch, such as 3,224,224; once for each input.",
    ),
    click.option(
        "-a", "--arg", "pairs", multiple=True, metavar="KEY=VALUE", help="Keyword argument of the callable; repeatable."
    ),
    click.option("--train", is_flag=True, help="Leave the model in training mode (default: evaluation mode)."),
)
unit = click.option(
    "-u", "--unit", callback=numbers, required=True, metavar="ROW,COLUMN", help="Unit of the map, zero-based."
)
layer = click.option("-l", "--layer", metavar="NAME", help="The call whose map is meant, as `rfguide trace` names it.")
