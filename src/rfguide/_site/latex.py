r"""A strict reader of the LaTeX on our pages: it understands a formula wholly or refuses it.

The general readers are silently wrong where we need them right: $d(k-1)$ becomes a function call,
`\text` and `\prod` vanish. This one knows what we write and raises `LatexError` on anything else:

* integers, symbols of one letter (Greek ones too), primes ($r'$), names with a subscript
  ($n_\text{in}$ is the symbol `n_in`);
* $k_l$ and $j_{l-1}$, where `k` and `j` are sequences (`Indexed`);
* $+$, $-$, $/$ before one factor, `\cdot`, `\times`, products without a sign, powers, `\frac`, `\bmod`;
* floor and ceiling brackets, round and square ones, with `\left` and `\right` or without;
* `\min` and `\max` of a list, `\sum` and `\prod` with their index, `\sqrt`;
* equations: every side is evaluated, but a lone name left of the first = that is none of the
  symbols is the name of the result, and dropped.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NoReturn


class LatexError(ValueError):
    """A formula that the reader does not understand wholly."""


@dataclass(frozen=True)
class Indexed:
    """A sequence of numbers with the index of its first one: $k_1, k_2, …$ or $r_0, r_1, …$."""

    values: tuple[int, ...]
    first: int

    def __getitem__(self, index: int) -> int:
        if not self.first <= index < self.first + len(self.values):
            raise LatexError(f"index {index} is outside {self.first} … {self.first + len(self.values) - 1}")
        return self.values[int(index) - self.first]

    def __str__(self) -> str:
        return f"({', '.join(map(str, self.values))})"


Value = int | Indexed
TOKEN = re.compile(r"\s*(?:(\\[A-Za-z]+)|(\\[,;:!> ])|(\d+)|([A-Za-z])|([-+/()\[\]{}^_=,']))")
SPACES = {"\\,", "\\;", "\\:", "\\!", "\\>", "\\ ", "\\quad", "\\qquad"}
LETTERS = "alpha beta gamma delta epsilon lambda mu rho sigma tau omega Delta Sigma"
GREEK = {f"\\{name}" for name in LETTERS.split()}
BRACKETS = {"(": ")", "[": "]", "\\lfloor": "\\rfloor", "\\lceil": "\\rceil"}
ROUNDING = {"\\lfloor": "floor", "\\lceil": "ceil"}
ENDS = {"+", "-", "=", ",", "", *BRACKETS.values(), "}", "\\right"}


def tokens(latex: str) -> list[str]:
    """Cut a formula into its tokens, without spaces."""
    found, at = [], 0
    latex = latex.rstrip()
    while at < len(latex):
        match = TOKEN.match(latex, at)
        if not match:
            raise LatexError(f"cannot read {latex[at:].lstrip()[:12]!r}")
        token = match[0].lstrip() if match[2] is None else match[2]
        if token not in SPACES:
            found.append(token)
        at = match.end()
    return found


def formula(latex: str, kinds: Mapping[str, Value]) -> list[Callable[[Mapping[str, Value]], Any]]:
    r"""Return the sides of an equation as functions of the symbols' values.

    Args:
        latex: The formula as displayed, without dollars.
        kinds: The symbols that may occur, each with one value that it may take.

    Raises:
        LatexError: If anything in it is unknown.

    Examples:
        >>> from rfguide._site.latex import formula
        >>> (side,) = formula(r"n_\text{out} = \left\lfloor \frac{n - k}{2} \right\rfloor + 1", {"n": 0, "k": 0})
        >>> side({"n": 8, "k": 3})
        3
        >>> formula(r"\fraq{n}{2}", {"n": 0})
        Traceback (most recent call last):
        rfguide._site.latex.LatexError: unknown command \fraq
    """
    sides: list[list[str]] = [[]]
    for token in tokens(latex):
        if token == "=" and _depth(sides[-1]) == 0:
            sides.append([])
        else:
            sides[-1].append(token)
    compiled = []
    for number, side in enumerate(sides):
        reader = _Reader(side, kinds)
        if number == 0 and len(sides) > 1 and reader.names_the_result():
            continue
        compiled.append(_compiled(reader.whole()))
    return compiled


def _depth(side: Sequence[str]) -> int:
    return side.count("{") - side.count("}")


def _compiled(code: str) -> Callable[[Mapping[str, Value]], Any]:
    known = {"Fraction": Fraction, "floor": math.floor, "ceil": math.ceil, "prod": math.prod}
    names = {**known, "min": min, "max": max, "sum": sum, "range": range, "whole": _whole, "root": _root}
    function: Callable[[Mapping[str, Value]], Any] = eval(f"lambda of: {code}", {"__builtins__": {}, **names})
    return function


def _whole(value: Any) -> int:
    if value != int(value):
        raise LatexError(f"{value} should be whole here")
    return int(value)


def _root(value: Any) -> float:
    return math.sqrt(value)


class _Reader:
    """Recursive descent over one side; each method returns Python code for what it has read."""

    def __init__(self, side: Sequence[str], kinds: Mapping[str, Value]) -> None:
        self.tokens = [*side, ""]
        self.at = 0
        self.kinds = kinds
        self.bound: list[str] = []

    @property
    def next(self) -> str:
        return self.tokens[self.at]

    def take(self, expected: str | None = None) -> str:
        token = self.next
        if expected is not None and token != expected:
            self.fail(f"expected {expected}, found {token or 'the end'}")
        if not token:
            self.fail("cannot read the end here")
        self.at += 1
        return token

    def fail(self, message: str) -> NoReturn:
        raise LatexError(message)

    def whole(self) -> str:
        code = self.sum()
        if self.next:
            self.fail(f"cannot read {self.next} here")
        return code

    def names_the_result(self) -> bool:
        """Tell whether this side is one name that is none of the symbols."""
        try:
            base, subscript = self.name()
        except LatexError:
            return False
        finally:
            end, self.at = self.next, 0
        full = f"{base}_{''.join(subscript)}" if subscript else base
        is_symbol = full in self.kinds or (subscript and isinstance(self.kinds.get(base), Indexed))
        return not end and not is_symbol

    def sum(self) -> str:
        sign = self.take() if self.next in ("-", "+") else ""
        code = f"{sign}{self.term()}"
        while self.next in ("+", "-"):
            code += f" {self.take()} {self.term()}"
        return f"({code})"

    def term(self) -> str:
        closed = self.next == "\\prod"
        code, factors = self.factor(), 1
        while self.next not in ENDS:
            if closed:
                self.fail(f"what {self.next} after a quotient, \\prod or \\bmod belongs to is not clear; use brackets")
            factors += 1
            if self.next in ("\\cdot", "\\times"):
                self.take()
                code = f"{code} * {self.factor()}"
            elif self.next == "/":
                self.take()
                code, closed = f"Fraction({code}, {self.factor()})", True
            elif self.next == "\\bmod":
                if factors > 2:
                    self.fail("what \\bmod belongs to is not clear; use brackets")
                self.take()
                code, closed = f"({code} % {self.factor()})", True
            elif self.next.isdigit():
                self.fail(f"a number cannot follow a factor: {self.next}")
            else:
                closed = self.next == "\\prod"
                code = f"{code} * {self.factor()}"
        return code

    def factor(self) -> str:
        code = self.base()
        if self.next == "^":
            self.take()
            code = f"{code} ** whole({self.argument()})"
            if self.next in ("^", "'"):
                self.fail(f"cannot read {self.next} after a power")
        return code

    def argument(self) -> str:
        """Read what belongs to ^ or a command: one token, or a group in braces."""
        if self.next == "{":
            self.take()
            code = self.sum()
            self.take("}")
            return code
        if self.next.isdigit() and len(self.next) > 1:
            self.fail(f"TeX takes only the first digit of {self.next}; use braces")
        return self.take() if self.next.isdigit() else self.symbol(self.take_letter(), [])

    def take_letter(self) -> str:
        token = self.take()
        if token in GREEK:
            return token[1:]
        if not (len(token) == 1 and token.isalpha()):
            self.fail(
                f"unknown command {token}" if token.startswith("\\") else f"cannot read {token or 'the end'} here"
            )
        return token

    def base(self) -> str:
        token = self.next
        if token.isdigit():
            return self.take()
        if token in BRACKETS or token == "\\left":
            return self.brackets()
        if token == "\\frac":
            self.take()
            return f"Fraction({self.braced()}, {self.braced()})"
        if token == "\\sqrt":
            self.take()
            return f"root({self.braced()})"
        if token in ("\\min", "\\max"):
            self.take()
            return f"{token[1:]}({self.brackets(listed=True)})"
        if token in ("\\sum", "\\prod"):
            return self.repeated()
        return self.symbol(*self.name())

    def braced(self) -> str:
        self.take("{")
        code = self.sum()
        self.take("}")
        return code

    def brackets(self, *, listed: bool = False) -> str:
        stretched = self.next == "\\left"
        if stretched:
            self.take()
        opening = self.take()
        if opening not in BRACKETS or (listed and opening in ROUNDING):
            self.fail(f"cannot read {opening} as a bracket")
        code = self.sum()
        while listed and self.next == ",":
            self.take()
            code += f", {self.sum()}"
        if stretched:
            self.take("\\right")
        self.take(BRACKETS[opening])
        if opening in ROUNDING:
            return f"{ROUNDING[opening]}({code})"
        return code

    def repeated(self) -> str:
        r"""Read \sum or \prod: the sum takes the rest of its term, the product one factor."""
        command = self.take()
        self.take("_")
        self.take("{")
        index = self.take_letter()
        if index in self.kinds or index in self.bound:
            self.fail(f"the index {index} of {command} has a meaning already")
        self.take("=")
        lower = self.sum()
        self.take("}")
        self.take("^")
        upper = self.argument()
        self.bound.append(index)
        body = self.term() if command == "\\sum" else self.factor()
        self.bound.pop()
        return f"{command[1:]}({body} for _{index} in range(whole({lower}), whole({upper}) + 1))"

    def name(self) -> tuple[str, list[str]]:
        r"""Read a symbol: its letter with primes, and the tokens of its subscript."""
        letter = self.take_letter() if self.next not in ("\\text", "\\mathrm") else self.word()
        while self.next == "'":
            letter += self.take()
        subscript: list[str] = []
        if self.next == "_":
            self.take()
            subscript = self.subscript()
        if self.next == "_":
            self.fail("a symbol has one subscript")
        while self.next == "'":
            letter += self.take()
        return letter, subscript

    def word(self) -> str:
        self.take()
        self.take("{")
        word = ""
        while self.next != "}":
            word += self.take_letter()
        self.take("}")
        return word

    def subscript(self) -> list[str]:
        if self.next in ("\\text", "\\mathrm"):
            return [self.word()]
        if self.next != "{":
            token = self.take()
            if not token.isalnum():
                self.fail(f"cannot read the subscript {token}")
            if token.isdigit() and len(token) > 1:
                self.fail(f"TeX takes only the first digit of {token}; use braces")
            return [token]
        self.take()
        inside: list[str] = []
        while self.next not in ("}", ""):
            if self.next in ("\\text", "\\mathrm"):
                inside.append(self.word())
            else:
                inside.append(self.take())
        self.take("}")
        return inside

    def symbol(self, base: str, subscript: list[str]) -> str:
        """Return the code of a symbol: bound by a sum, a number, or a number of a sequence."""
        if not subscript and base in self.bound:
            return f"_{base}"
        full = f"{base}_{''.join(subscript)}" if subscript else base
        if full in self.kinds:
            if isinstance(self.kinds[full], Indexed):
                self.fail(f"{full} is a sequence and needs an index")
            return f'of["{full}"]'
        if subscript and isinstance(self.kinds.get(base), Indexed):
            inner = _Reader(subscript, self.kinds)
            inner.bound = self.bound
            return f'of["{base}"][whole({inner.whole()})]'
        raise LatexError(f"unknown symbol {full}; known are {', '.join([*self.kinds, *self.bound])}")
