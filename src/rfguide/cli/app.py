"""How every command ends: a result, or one line on standard error and a status that says whose turn it is."""

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any

import click

from rfguide.errors import GeometryError, TraceError, one_line

# Which extra brings the packages that a plain installation lacks.
_EXTRAS = {"torch": "torch", "numpy": "torch", "matplotlib": "plot"}
# What stands in for the signs of our tables where the terminal's encoding has none; one for one, so that columns stay.
_PLAIN = str.maketrans("─–−×…→≤≥", "---x~>~~")


class Failure(click.ClickException):
    """What the command line is not to blame for: a model file that raises, a full disk, no memory."""

    exit_code = 3


class Commands(click.Group):
    """A group of commands that says what there is when none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments; none at all asks for help."""
        return super().parse_args(ctx, args or ["--help"])


class App(Commands):
    """The commands of rfguide: what is wrong comes in one line; an error of rfguide itself stays a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and leave Python with its status: 0, 2 for wrong input, 3 for what it is not to blame for.

        `check` adds 1, for a trace and a probe that differ.
        """
        run: Any = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        _prepare_streams()
        try:
            status = run(*args, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            refuse(error.format_message(), 3 if isinstance(error, Failure) else 2)
        except (GeometryError, TraceError) as error:
            refuse(str(error), 3 if _is_out_of_memory(error.__cause__) else 2)
        except ModuleNotFoundError as error:
            extra_name = _EXTRAS.get(error.name or "")
            if extra_name is None:
                raise
            refuse(f'this command needs {error.name}: pip install "rfguide[{extra_name}]"', 2)
        except click.Abort:
            refuse("stopped", 130)
        except BrokenPipeError:
            # Whoever read our output has seen enough (`rfguide … | head`).
            _silence(sys.stdout)
            sys.exit(0)
        except OSError as error:
            _silence(sys.stdout)
            refuse(f"cannot write the output: {error.strerror or error}", 3)
        except (MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            refuse("out of memory", 3)
        sys.exit(status if isinstance(status, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a model that ends Python is a failure, not an answer."""
        try:
            return super().invoke(ctx)
        except SystemExit as error:
            raise Failure(f"the model calls sys.exit({error.code!r})") from None


def refuse(message: str, status: int) -> None:
    """Write one line on standard error and leave with a status."""
    try:
        click.echo(one_line(f"rfguide: {message}"), err=True)
    except OSError:
        _silence(sys.stderr)
    sys.exit(status)


def _is_out_of_memory(error: BaseException | None) -> bool:
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate memory" in str(error))


def _prepare_streams() -> None:
    """Let nothing that a stream cannot take end in a traceback: a closed stream, signs that its encoding lacks."""
    codecs.register_error("rfguide", _plain)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  open until Python ends
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="rfguide")


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding lacks in its plain form, or as JSON does."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_PLAIN)
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if code < 128 else f"\\u{code:04x}" for code in codes), error.end


def _silence(stream: Any) -> None:
    """Send what a stream still holds nowhere; Python would flush it on its way out and fail again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
