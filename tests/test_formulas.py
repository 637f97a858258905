"""The formulas on the pages: the functions they are held against, by a second oracle, and the reader of LaTeX."""

import contextlib
import html
import re
from fractions import Fraction
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from rfguide._site.catalogue import ENTRIES, call
from rfguide._site.font import FONT, characters, italic
from rfguide._site.formulas import fault
from rfguide._site.grammar import read
from rfguide._site.latex import Indexed, LatexError, formula
from rfguide._site.mathml import mathml

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*/**/*.md"))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_library_agrees_with_torch_or_with_counting(name):
    entry = ENTRIES[name]
    assert len(entry.cases) >= 15
    for case, value in zip(entry.cases, entry.values, strict=True):
        assert call(entry.oracle, case) == value, case


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_the_cases_tell_a_formula_from_its_neighbours(name):
    """A formula that is off by one, or that gives one number always, does not pass."""
    values = ENTRIES[name].values
    assert len(set(values)) > 1


def value(latex: str, **symbols: int | Indexed) -> list[int | Fraction]:
    return [side(symbols) for side in formula(latex, symbols)]


@pytest.mark.parametrize(
    ("latex", "symbols", "expected"),
    [
        pytest.param("d(k-1)", {"d": 2, "k": 3}, 4, id="a letter before a bracket is a product"),
        pytest.param(r"\frac{1}{2}n", {"n": 3}, Fraction(3, 2), id="fractions stay exact"),
        pytest.param(r"\left\lfloor \frac{n}{2} \right\rfloor", {"n": 7}, 3, id="floor"),
        pytest.param(r"\lceil n/2 \rceil", {"n": 7}, 4, id="ceil, with a slash"),
        pytest.param(r"\lfloor -\frac{n}{2} \rfloor", {"n": 7}, -4, id="floor goes down, not to zero"),
        pytest.param(r"n_\text{in} - 1", {"n_in": 5}, 4, id="a subscript of words is part of the name"),
        pytest.param(r"n_{in}", {"n_in": 5}, 5, id="so is one of letters"),
        pytest.param("r' + r", {"r": 1, "r'": 10}, 11, id="a prime is part of the name"),
        pytest.param("2 a b^2", {"a": 3, "b": 5}, 150, id="products without a sign, powers first"),
        pytest.param("-a^2", {"a": 3}, -9, id="the sign comes last"),
        pytest.param("2^{a+1}", {"a": 3}, 16, id="power of a group"),
        pytest.param(r"a \cdot b \times 2", {"a": 3, "b": 5}, 30, id="products with a sign"),
        pytest.param(r"i \bmod s", {"i": 7, "s": 4}, 3, id="remainder"),
        pytest.param(r"\min(a, b, 4) + \max\left(a, b\right)", {"a": 7, "b": 5}, 11, id="min and max"),
        pytest.param(r"\sum_{i=1}^{n} i + 1", {"n": 4}, 11, id="a sum ends at the next plus"),
        pytest.param(r"\sum_{i=1}^{n} i (i + 1)", {"n": 3}, 20, id="a sum takes its whole term"),
        pytest.param(r"\sum_{i=1}^{n} i", {"n": 0}, 0, id="empty sum"),
        pytest.param(r"\prod_{i=1}^{n} i", {"n": 0}, 1, id="empty product"),
        pytest.param(
            r"\sum_{l=1}^{2} k_l \prod_{i=1}^{l-1} s_i",
            {"k": Indexed((3, 5), 1), "s": Indexed((2, 9), 1)}, 13, id="a product inside a sum",
        ),
        pytest.param("k_{l-1}", {"k": Indexed((3, 5), 0), "l": 1}, 3, id="index that is computed"),
        pytest.param(r"\sigma_1", {"sigma_1": 6}, 6, id="Greek"),
    ],
)  # fmt: skip
def test_what_the_reader_reads(latex, symbols, expected):
    assert value(latex, **symbols) == [expected]


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"\foo n", r"unknown command \foo"),
        (r"n + \ldots", r"unknown command \ldots"),
        ("f(n)", "unknown symbol f; known are n, m, k"),
        ("2 3", "a number cannot follow a factor: 3"),
        ("n 2", "a number cannot follow a factor: 2"),
        ("n^10", "TeX takes only the first digit of 10; use braces"),
        ("n_12", "TeX takes only the first digit of 12; use braces"),
        (
            "n/m k_1",
            r"what k after a quotient, \prod or \bmod belongs to is not clear; use brackets",
        ),
        (
            r"\prod_{i=1}^{n} i m",
            r"what m after a quotient, \prod or \bmod belongs to is not clear; use brackets",
        ),
        (r"\sum_{n=1}^{m} n", r"the index n of \sum has a meaning already"),
        (r"\left( n", r"expected \right, found the end"),
        (r"\lfloor n )", r"expected \rfloor, found )"),
        ("n m)", "cannot read ) here"),
        ("n ? m", "cannot read '? m'"),
        ("k + 1", "k is a sequence and needs an index"),
        ("k_3", "index 3 is outside 1 … 2"),
        ("n^{1/2}", "1/2 should be whole here"),
        ("n \\min m", "cannot read m as a bracket"),
        ("", "cannot read the end here"),
    ],
)
def test_what_the_reader_refuses(latex, message):
    with pytest.raises(LatexError, match=f"^{re.escape(message)}$"):
        value(latex, n=5, m=4, k=Indexed((1, 2), 1))


def test_every_side_of_an_equation_counts():
    assert value("(u + 1)^2 = u^2 + 2u + 1", u=3) == [16, 16]
    assert value("x = u + 1 = 2u", u=1) == [2, 2]
    assert value("j_l = 2 j_{l-1}", j=Indexed((1, 2, 4), 0), l=2) == [4, 4]


@given(st.text(alphabet="nmk()+-/^_{}12 \\{}[]=,'", max_size=12))
def test_the_reader_reads_or_refuses_and_nothing_else(latex):
    with contextlib.suppress(LatexError, ZeroDivisionError):
        value(latex, n=2, m=3, k=Indexed((1, 2), 1))


@pytest.mark.parametrize(
    ("latex", "call", "expected"),
    [
        ("e = d(k - 1) + 1", "extent(k, d)", None),
        ("e = b(a - 1) + 1", "extent(a, b)", None),
        ("j_l = s_l j_{l-1}", "next_jump(s, j)", None),
        ("e = d(k - 1)", "extent(k, d)", "the formula gives 0 for k=1, d=1, but extent is 1"),
        ("e = x", "extent(k, d)", "the formula cannot be read: unknown symbol x; known are k, d"),
        ("e = k", "extent(k)", "formula: extent takes 2 symbols, (k, d)"),
        (
            "e = k",
            "extent(k, 1)",
            "formula: 'extent(k, 1)' is no function with its symbols, such as output_size(n, k, s, p, d)",
        ),
        ("e = k / (d - 1)", "extent(k, d)", "the formula divides by zero for k=1, d=1"),
    ],
)
def test_a_formula_is_compared_with_its_function(latex, call, expected):
    assert fault(latex, call) == expected


@pytest.mark.parametrize("latex", ["r_l = r_{l-1} + (k_l - 1) j_l", "r_{l-1} = r_{l-1} + (k_l - 1) j_{l-1}"])
def test_a_recurrence_keeps_its_indices_apart(latex):
    """The layer's own jump for the one before it is the error that the tutorial warns of."""
    assert fault(latex, "bottom_up(r, k, j)").startswith("the formula gives")


def test_a_function_that_is_not_in_the_catalogue_is_named():
    assert fault("x = k", "no_such(k)").startswith("formula: no_such is not in rfguide/_site/catalogue.py; there are ")


def shown(element: str) -> set[str]:
    """The characters that a browser shows for a formula: a lone letter in <mi> becomes italic."""
    found = set(html.unescape(re.sub("<[^>]*>", "", element)))
    return found | {italic(letter) for letter in re.findall("<mi>(.)</mi>", element)}


def test_the_font_has_every_character_of_every_formula():
    glyphs = TTFont(ROOT / FONT).getBestCmap()
    assert {character for character in characters() if ord(character) not in glyphs} == set()
    for path in PAGES:
        for math in read(path).maths:
            missing = {one for one in shown(mathml(math.latex, inline=math.inline)) if ord(one) not in glyphs}
            assert not missing, f"{path}:{math.line}: {missing} are not in {FONT}"


def test_the_font_can_stretch_and_has_its_licence():
    font = TTFont(ROOT / FONT)
    assert "MATH" in font
    assert "SIL Open Font License" in (ROOT / FONT).with_name("STIXTwoMath-OFL.txt").read_text(encoding="utf-8")
