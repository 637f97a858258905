"""Labs are longer experiments: real notebooks, run by mkdocs-jupyter's machinery in a kernel of their own.

What mkdocs-jupyter makes of a run notebook is poor on this theme (inline style by the hundred kilobytes,
boxes and tabs as plain text, white figures in the dark). So only the run is taken from it, and the
outputs go to the splicer like those of every other page: a lab looks, links and weighs like the rest.
"""

import os
from typing import Any

import nbformat
from mkdocs_jupyter.nbconvert2 import get_nbconvert_app
from nbconvert.exporters import NotebookExporter

from rfguide._site.grammar import Page
from rfguide._site.notebook import notebook
from rfguide._site.runner import Given, Run, expressions_at
from rfguide._site.scratch import scratch

FOUND = "application/vnd.rfguide+json"  # how the kernel hands over what is no text: figures, values


def run_lab(page: Page) -> Run:
    """Run the page's notebook from top to bottom and return what its cells gave."""
    lab = notebook(page, "")
    cells = [cell for cell in lab.cells if cell.cell_type == "code"]
    assert len(cells) == len(page.blocks), "each block is a cell"
    asks = [_ask(expressions_at(page, place)) for place in range(len(page.blocks) + 1)]
    both = [one for pair in zip(asks, cells, strict=False) for one in pair]
    lab.cells = [_code("from rfguide._site import kernel as _kernel; _kernel.prepare(get_ipython())"), *both, asks[-1]]
    for number, cell in enumerate(lab.cells):
        cell["id"] = f"cell{number}"
    os.environ["MPLBACKEND"] = "agg"  # the kernel inherits it; figures then wait until they are taken
    app = get_nbconvert_app(execute=True, kernel_name="python3", allow_errors=True)
    app.config["ExecutePreprocessor"].update(startup_timeout=600, timeout=None)  # a busy machine is no fault
    app.config.KernelManager.transport = "ipc"  # a file of this user, no open port
    with scratch() as folder:  # of this run alone: two builds at once never meet
        app.config.KernelManager.ip = f"{folder}/kernel"
        app.config.KernelManager.connection_file = f"{folder}/connection.json"
        text, _ = NotebookExporter(config=app.config).from_notebook_node(lab)
    done = nbformat.reads(text, as_version=4).cells[1:]
    values: dict[str, tuple[str, ...]] = {}
    failures: dict[str, str] = {}
    for place, cell in enumerate(done[::2]):
        (found,) = _found(cell)
        values |= {f"{place}:{expression}": tuple(texts) for expression, texts in found["values"].items()}
        failures |= {f"{place}:{expression}": why for expression, why in found["failures"].items()}
    return Run(tuple(_given(cell) for cell in done[1::2]), values, failures)


def _code(source: str) -> Any:
    return nbformat.v4.new_code_cell(source)


def _ask(expressions: list[str]) -> Any:
    return _code(f"_kernel.tell({expressions!r})")


def _found(cell: Any) -> list[Any]:
    return [output.data[FOUND] for output in cell.outputs if output.output_type == "display_data"]


def _given(cell: Any) -> Given:
    errors = [f"{output.ename}: {output.evalue}" for output in cell.outputs if output.output_type == "error"]
    (after,) = _found(cell)
    return Given(
        after["printed"],
        errors[0] if errors else None,
        after["statement"],
        tuple((light, dark) for light, dark in after["figures"]),
        tuple(filter(None, [after["warned"].strip()])),
    )
