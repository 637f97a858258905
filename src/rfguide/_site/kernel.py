"""What runs inside a lab's kernel, beside its cells: it hands over figures and the values of expressions."""

import ast
import traceback
from typing import Any

from IPython.display import display

from rfguide._site.labs import FOUND
from rfguide._site.runner import evaluate, take_figures
from rfguide.plot import theme

_shell: Any = None
_colours = theme("light")  # entered once and never left; kept here, or it would be left when it is forgotten


def prepare(shell: Any) -> None:
    """Set the kernel up like a page: only what is printed is shown, pictures are in the site's colours."""
    global _shell
    _shell = shell
    shell.ast_node_interactivity = "none"
    _colours.__enter__()
    shell.events.register("post_run_cell", _hand_over)


def tell(expressions: list[str]) -> None:
    """Hand over how the value of each expression may be written."""
    values, failures = evaluate(expressions, _shell.user_ns)
    display({FOUND: {"values": values, "failures": failures}}, raw=True)


def _hand_over(result: Any) -> None:
    source = result.info.raw_cell
    if "_kernel." in source:
        return
    statement = 0
    if result.error_in_exec:
        frames = traceback.extract_tb(result.error_in_exec.__traceback__)
        line = next((frame.lineno or 0 for frame in frames if "ipykernel" in frame.filename), 0)
        statement = sum(one.lineno <= line for one in ast.parse(source).body) - 1
    display({FOUND: {"figures": take_figures(), "statement": max(0, statement)}}, raw=True)
