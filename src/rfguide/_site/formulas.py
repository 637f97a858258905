"""Does a formula as displayed equal the function that it names?"""

import ast

from rfguide._site import store
from rfguide._site.catalogue import ENTRIES
from rfguide._site.latex import LatexError, formula


def fault(latex: str, call: str) -> str | None:
    """Return why the formula does not equal `call`, such as `output_size(n, k, s, p, d)`; None if it does.

    Examples:
        >>> from rfguide._site.formulas import fault
        >>> fault("e = d(k - 1) + 1", "extent(k, d)")
        >>> fault("e = dk", "extent(k, d)")
        'the formula gives 2 for k=1, d=2, but extent is 1'
    """
    why: str | None = store.remember(*identity(latex, call), lambda: compute(latex, call))
    return why


def identity(latex: str, call: str) -> tuple[str, str]:
    """Return the kind and the key under which the answer is kept."""
    return "formulas", f"{call}\0{latex}"


def compute(latex: str, call: str) -> str | None:
    """Check the formula now."""
    try:
        name, symbols = _read_call(call)
    except (SyntaxError, ValueError):
        return f"formula: {call!r} is no function with its symbols, such as output_size(n, k, s, p, d)"
    if name not in ENTRIES:
        return f"formula: {name} is not in rfguide/_site/catalogue.py; there are {', '.join(sorted(ENTRIES))}"
    entry = ENTRIES[name]
    if len(symbols) != len(entry.symbols):
        return f"formula: {name} takes {len(entry.symbols)} symbols, ({', '.join(entry.symbols)})"
    renamed = dict(zip(entry.symbols, symbols, strict=True))
    sides = None
    for case, expected in zip(entry.cases, entry.values, strict=True):
        values = {renamed.get(symbol, symbol): value for symbol, value in case.items()}
        try:
            sides = sides or formula(latex, values)
            results = [side(values) for side in sides]
        except LatexError as error:
            return f"the formula cannot be read: {error}"
        except ZeroDivisionError:
            return f"the formula divides by zero for {_shown(values, symbols)}"
        for result in results:
            if result != expected:
                return f"the formula gives {result} for {_shown(values, symbols)}, but {name} is {expected}"
    return None


def _read_call(call: str) -> tuple[str, list[str]]:
    tree = ast.parse(call, mode="eval").body
    match tree:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return name, [_symbol(argument) for argument in arguments]
    raise ValueError(call)


def _symbol(argument: ast.expr) -> str:
    if not isinstance(argument, ast.Name):
        raise ValueError("a symbol is a name")
    return argument.id


def _shown(values: dict[str, object], symbols: list[str]) -> str:
    others = [name for name in ("l",) if name in values]
    return ", ".join(f"{name}={values[name]}" for name in [*symbols, *others])
