"""What runs inside a lab's kernel, beside its cells: it hands over figures and the values of expressions."""

import ast
import traceback
from contextlib import ExitStack
from typing import Any

from IPython import get_ipython
from IPython.display import display

from rfguide._site.labs import FOUND
from rfguide._site.output import written_to
from rfguide._site.runner import evaluate, take_figures
from rfguide.plot import theme


class Cell:
    """What is taken from the cell that runs."""

    def __init__(self) -> None:
        self.colours = theme("light")  # entered once and never left; kept here, or it is left when it is forgotten
        self.colours.__enter__()
        self.output = ExitStack()

    def begin(self, info: Any) -> None:
        if "_kernel." not in info.raw_cell:
            self.streams = [self.output.enter_context(written_to(name)) for name in ("stdout", "stderr")]

    def end(self, result: Any) -> None:
        source = result.info.raw_cell
        if "_kernel." in source:
            return
        self.output.close()
        printed, warned = ("".join(stream) for stream in self.streams)
        statement = 0
        if result.error_in_exec:
            frames = traceback.extract_tb(result.error_in_exec.__traceback__)
            line = next((frame.lineno or 0 for frame in frames if "ipykernel" in frame.filename), 0)
            statement = sum(one.lineno <= line for one in ast.parse(source).body) - 1
        found = {"printed": printed, "warned": warned, "figures": take_figures(), "statement": max(0, statement)}
        display({FOUND: found}, raw=True)


def prepare(shell: Any) -> None:
    """Set the kernel up like a page: only what is printed is shown, pictures are in the site's colours."""
    shell.ast_node_interactivity = "none"
    cell = Cell()
    shell.events.register("pre_run_cell", cell.begin)
    shell.events.register("post_run_cell", cell.end)


def tell(expressions: list[str]) -> None:
    """Hand over how the value of each expression may be written."""
    values, failures = evaluate(expressions, get_ipython().user_ns)
    display({FOUND: {"values": values, "failures": failures}}, raw=True)
