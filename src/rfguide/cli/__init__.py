"""The command line: `rfguide size`, `stack`, `trace`, `probe`, `check`, `plot`."""

from rfguide.cli.commands import main

__all__ = ["main"]
