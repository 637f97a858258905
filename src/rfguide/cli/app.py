"""How every command ends: a result, or one line on standard error and exit status 2."""

import os
import sys
from typing import Any

import click

from rfguide.errors import GeometryError, TraceError

# Which extra brings the packages that a plain installation lacks.
_EXTRAS = {"torch": "torch", "numpy": "torch", "matplotlib": "plot"}


class App(click.Group):
    """A group of commands that tells what is wrong in one line; an error of rfguide itself stays a traceback."""

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command and leave Python with its status."""
        run: Any = super().main
        if not standalone_mode:
            return run(*args, standalone_mode=False, **extra)
        try:
            status = run(*args, standalone_mode=False, **extra)
            sys.stdout.flush()
        except click.ClickException as error:
            refuse(error.format_message())
        except (GeometryError, TraceError) as error:
            refuse(str(error))
        except ModuleNotFoundError as error:
            extra_name = _EXTRAS.get(error.name or "")
            if extra_name is None:
                raise
            refuse(f'this command needs {error.name}: pip install "rfguide[{extra_name}]"')
        except click.Abort:
            click.echo("stopped", err=True)
            sys.exit(130)
        except BrokenPipeError:
            # Whoever read our output has seen enough (`rfguide … | head`); Python must not flush into the closed pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        sys.exit(status if isinstance(status, int) else 0)


def refuse(message: str) -> None:
    """Write one line on standard error and leave with status 2."""
    click.echo(f"rfguide: {' '.join(message.split())}", err=True)
    sys.exit(2)
