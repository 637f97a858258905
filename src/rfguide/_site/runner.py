"""Run a page once, top to bottom, in one namespace, and keep what each block gives.

Equal code is run once: the key of a run is its code without comments and layout, so that a page and
its Chinese twin share one run. Outside CI, runs are also kept in `.cache/pages/` under a key of the
code, the library's sources and the versions of what it stands on.
"""

import ast
import contextlib
import hashlib
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import import_module
from math import isfinite
from operator import index
from pathlib import Path
from typing import Any

import rfguide
from rfguide._site import store
from rfguide._site.alone import Ended, alone
from rfguide._site.grammar import Page, PageError, Problem
from rfguide._site.numbers import in_words
from rfguide._site.output import written_to

# Set before anything imports pyplot: a page draws into files, whatever screen there is.
os.environ.setdefault("MPLBACKEND", "agg")
# Sums of floats come out the same on any number of cores; set before anything imports torch, labs inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
LIMIT = 300.0  # seconds for a page


@dataclass(frozen=True)
class Given:
    """What one block gave: what it printed, how it failed, what it drew."""

    printed: str
    error: str | None = None  # the traceback's last line, as a notebook shows it: `GeometryError: stride=0 …`
    statement: int = 0  # which of the block's statements raised it
    figures: tuple[tuple[str, str], ...] = ()  # SVG as text, in the light palette and in the dark one
    warned: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """What a reader sees below the block."""
        return self.printed + (f"{self.error}\n" if self.error else "")


@dataclass(frozen=True)
class Run:
    """What a page's blocks gave, and the ways to write the value of each expression at its place."""

    given: tuple[Given, ...]
    values: dict[str, tuple[str, ...]]  # "place:expression" -> accepted texts; none if it raised
    failures: dict[str, str]  # "place:expression" -> why it has no value


def run(page: Page) -> Run:
    """Return what the page's code gives; from memory or the cache if this very code was run before.

    Raises:
        PageError: If the code does not come to its end.
    """
    with named(page):
        return _from_json(store.remember(*identity(page), lambda: compute(page)))


@contextlib.contextmanager
def named(page: Page) -> Iterator[None]:
    """Name the block, or the lab, at which a run ended that gave no result."""
    try:
        yield
    except Ended as ended:
        lab = identity(page)[0] == "labs"
        line = 1 if lab else page.blocks[max(0, ended.begun - 1)].code.line
        raise PageError([Problem(page.path, line, f"the {'lab' if lab else 'block'} {ended.why}")]) from None


def identity(page: Page) -> tuple[str, str]:
    """Return the kind of the page's run, and a key that is the same for the same code and expressions."""
    kind = "labs" if "labs" in Path(page.path).parts else "pages"
    return kind, hashlib.sha256("\0".join(_steps(page)).encode()).hexdigest()


def compute(page: Page, limit: float = LIMIT) -> dict[str, Any]:
    """Run the page now, in a process of its own, and return the run as `store` keeps it.

    Raises:
        Ended: If it takes longer than `limit` seconds, or ends Python.
    """
    for slow in ("torch", "matplotlib.pyplot"):  # imported here once, the process of each page has them
        import_module(slow)
    given: dict[str, Any] = alone(_computed, page, limit)
    return given


def _computed(page: Page, begin: Callable[[], None]) -> dict[str, Any]:
    if identity(page)[0] == "labs":
        from rfguide._site.labs import run_lab

        return asdict(run_lab(page))
    return asdict(_run(page, begin))


def _from_json(kept: dict[str, Any]) -> Run:
    given = tuple(
        Given(**{**one, "figures": tuple(tuple(pair) for pair in one["figures"]), "warned": tuple(one["warned"])})
        for one in kept["given"]
    )
    return Run(given, {place: tuple(texts) for place, texts in kept["values"].items()}, kept["failures"])


def _steps(page: Page) -> Iterator[str]:
    """Yield what is run, in order: expressions at their places, code without its comments."""
    for place in range(len(page.blocks) + 1):
        yield from (f"{place}:{expression}" for expression in expressions_at(page, place))
        if place < len(page.blocks):
            yield without_comments(page.blocks[place].code.text)


def expressions_at(page: Page, place: int) -> list[str]:
    """List the expressions that stand in the prose below the first `place` blocks."""
    return sorted({number.expression for number in page.numbers if number.blocks == place})


def without_comments(source: str) -> str:
    """Return the code as Python reads it: no comments, no layout."""
    try:
        return ast.unparse(ast.parse(source))
    except SyntaxError:
        return source


def _run(page: Page, begin: Callable[[], None] = lambda: None) -> Run:
    namespace: dict[str, object] = {"__name__": "__main__"}
    values: dict[str, tuple[str, ...]] = {}
    failures: dict[str, str] = {}
    given: list[Given] = []
    _close_figures()  # those that something else in this process left open are none of the page's
    for place in range(len(page.blocks) + 1):
        found, failed = evaluate(expressions_at(page, place), namespace)
        values |= {f"{place}:{expression}": texts for expression, texts in found.items()}
        failures |= {f"{place}:{expression}": why for expression, why in failed.items()}
        if place < len(page.blocks):
            begin()
            given.append(_run_block(page.blocks[place].code.text, f"<{page.path} block {place + 1}>", namespace))
    return Run(tuple(given), values, failures)


def evaluate(expressions: list[str], namespace: dict[str, object]) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """Return how the value of each expression may be written, and why others have none."""
    values, failures = {}, {}
    for expression in expressions:
        try:
            values[expression] = written(_value(expression, namespace))
        except (Exception, SystemExit) as error:  # whatever a page's own code raises belongs in the report
            failures[expression] = _last_line(error)
    return values, failures


def _run_block(source: str, name: str, namespace: dict[str, object]) -> Given:
    error, statement = None, 0
    with (
        written_to("stdout") as printed,
        written_to("stderr") as complained,
        warnings.catch_warnings(record=True) as warned,
        _palette(source),
    ):
        warnings.simplefilter("default")
        try:
            tree = ast.parse(source, name)
            exec(compile(tree, name, "exec"), namespace)
        except SyntaxError as raised:
            error = _last_line(raised)
        except (Exception, SystemExit) as raised:  # whatever a page's own code raises belongs in the report
            error = _last_line(raised)
            lines = [
                frame.lineno or 0 for frame in traceback.extract_tb(raised.__traceback__) if frame.filename == name
            ]
            statement = sum(one.lineno <= lines[0] for one in tree.body) - 1
    warned_of = [*(str(one.message) for one in warned), *filter(None, (text.strip() for text in complained))]
    return Given("".join(printed), error, statement, take_figures(), tuple(warned_of))


def _palette(source: str) -> contextlib.AbstractContextManager[None]:
    """Draw a page's own pictures in the site's colours as well."""
    if "plot" not in source:
        return contextlib.nullcontext()
    from rfguide.plot import theme

    return theme("light")


def _last_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def take_figures() -> tuple[tuple[str, str], ...]:
    """Return the open figures as SVG, light and dark, and close them."""
    if "matplotlib.pyplot" not in sys.modules:
        return ()
    from matplotlib import pyplot

    from rfguide.plot import svg

    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    drawn = tuple((svg(figure), svg(figure, dark=True)) for figure in figures)
    _close_figures()
    return drawn


def _close_figures() -> None:
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def _value(expression: str, namespace: dict[str, object]) -> object:
    """Evaluate an expression that sees the page's names so far, and rfguide's."""
    names = {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}
    public = {name: getattr(rfguide, name) for name in names & set(rfguide.__all__)}
    return eval(expression, {**public, **namespace})


def written(value: object) -> tuple[str, ...]:
    """List the ways prose may write a value: 1792 also as 1,792, -3 also with a true minus sign, 2 also in words.

    Examples:
        >>> from rfguide._site.runner import written
        >>> written(-1792)
        ('-1792', '-1,792', '−1792', '−1,792')
        >>> written(12.25)
        ('12.25',)
    """
    try:
        number = index(value)  # type: ignore[arg-type]  # whether it is an integer is the question
    except TypeError:
        texts = [str(value)]
    else:
        texts = [str(value)] if isinstance(value, bool) else list(dict.fromkeys([str(number), f"{number:,}"]))
    if any(text.startswith("-") for text in texts):
        texts += [f"−{text[1:]}" for text in texts if text.startswith("-")]
    if isinstance(value, (int, float, Fraction)) and not isinstance(value, bool) and isfinite(value):
        texts += in_words(Fraction(value))
    return tuple(texts)
