"""How input can be wrong: one line that says what came, which rule it broke, what would fit."""

from collections.abc import Iterable
from operator import index

# A message fits a terminal's window, whatever came; and a value in it leaves room for the rule.
LONGEST = 300
LONGEST_VALUE = 80

# torch keeps sizes in 64-bit integers; a larger number is a slip, and arithmetic on it says nothing about any network.
LARGEST = 2**63 - 1

# What is listed one by one ends here; a longer list is a slip, and would take all memory before it is seen to be one.
MOST_CELLS = 2**22
MOST_LAYERS = 100_000


def one_line(text: str, longest: int = LONGEST) -> str:
    r"""Return a text on one line, no longer than this: its middle goes first, and what cannot be shown is escaped.

    Examples:
        >>> one_line("two\n  lines\0"), one_line("a" * 9 + "z", 5)
        ('two lines\\x00', 'aaa…z')
    """
    # Ten signs may hide behind one; the rest of a text of megabytes is not worth walking through.
    short = text if len(text) <= 10 * longest else text[: 5 * longest] + "…" + text[-5 * longest :]
    shown = "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in " ".join(short.split())
    )
    if len(shown) <= longest:
        return shown
    end = longest // 3
    return shown[: longest - end - 1] + "…" + shown[-end:]


def shown(value: object) -> str:
    """Return how a value is written in a message: its `repr` on one line, and short.

    Examples:
        >>> shown("stride"), len(shown([0] * 1000)), shown(10**5000)
        ("'stride'", 80, 'a number of 16610 bits')
    """
    if isinstance(value, int) and abs(value) > LARGEST:
        # Python refuses to turn integers of thousands of digits into text.
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, str | bytes):
        value = value[: 2 * LONGEST_VALUE]
    try:
        return one_line(repr(value), LONGEST_VALUE)
    except Exception:  # whatever a stranger's `repr` raises
        return f"a {type(value).__name__}"


class _OneLine(ValueError):
    """An error whose message is one short line."""

    def __init__(self, message: str = "") -> None:
        super().__init__(one_line(str(message)))


class GeometryError(_OneLine):
    """The numbers are integers, but no layer or map can have them."""


class TraceError(_OneLine):
    """A model does something whose receptive field rfguide cannot vouch for."""


def whole(**numbers: object) -> tuple[int, ...]:
    """Return the numbers as Python integers, so that later arithmetic cannot overflow.

    Integers of numpy and torch count: whatever `operator.index` takes, except truth values.

    Raises:
        GeometryError: If a number does not fit in 64 bits.
        TypeError: If a number is not an integer.

    Examples:
        >>> whole(unit=-3)
        (-3,)
        >>> whole(unit=1.5)
        Traceback (most recent call last):
        TypeError: unit=1.5 must be an integer, not float
    """
    return tuple(
        number if type(number) is int and -LARGEST <= number <= LARGEST else _whole(name, number)
        for name, number in numbers.items()
    )


def _whole(name: str, value: object) -> int:
    """Read what is not plainly a small `int`; apart from `whole` so that the usual case stays quick."""
    try:
        number = index(value)  # type: ignore[arg-type]  # the point is to find out
        if isinstance(value, bool) or "bool" in str(getattr(value, "dtype", "")):
            raise TypeError
    except Exception:  # torch raises RuntimeError for tensors of many numbers or none
        raise TypeError(f"{name}={shown(value)} must be an integer, not {type(value).__name__}") from None
    if abs(number) > LARGEST:
        # Not printed: Python refuses to turn integers of thousands of digits into text.
        raise GeometryError(f"{name} has {number.bit_length()} bits; torch's sizes end at 2**63 - 1")
    return number


def at_least(minimum: int, **numbers: object) -> tuple[int, ...]:
    """Return the numbers as Python integers, each `minimum` or more.

    Raises:
        GeometryError: If a number is below `minimum` or does not fit in 64 bits.
        TypeError: If a number is not an integer.

    Examples:
        >>> at_least(1, stride=0)
        Traceback (most recent call last):
        rfguide.errors.GeometryError: stride=0 must be at least 1
    """
    integers = whole(**numbers)
    for name, number in zip(numbers, integers, strict=True):
        if number < minimum:
            raise GeometryError(f"{name}={number} must be at least {minimum}")
    return integers


def series(minimum: int, **values: object) -> tuple[int, ...]:
    """Read a sequence of integers, each `minimum` or more.

    Raises:
        GeometryError: If a number is below `minimum` or there are too many.
        TypeError: If it is no sequence of integers.

    Examples:
        >>> series(1, blocks=[3, 4, 6, 3])
        (3, 4, 6, 3)
    """
    ((name, value),) = values.items()
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise TypeError(f"{name}={shown(value)} must be a sequence of integers, not {type(value).__name__}")
    numbers: list[int] = []
    for place, number in enumerate(value):
        numbers += at_least(minimum, **{f"{name}[{place}]": number})
        at_most(MOST_LAYERS, **{f"numbers in {name}": len(numbers)})
    return tuple(numbers)


def at_most(maximum: int, **numbers: int) -> None:
    """Refuse to list or draw more than `maximum` of something.

    Raises:
        GeometryError: If a number is above `maximum`.

    Examples:
        >>> at_most(100, layers=101)
        Traceback (most recent call last):
        rfguide.errors.GeometryError: layers=101 must be at most 100
    """
    for name, number in numbers.items():
        if number > maximum:
            raise GeometryError(f"{name}={shown(number)} must be at most {maximum}")


def pair(minimum: int, **paddings: object) -> tuple[int, int]:
    """Read one padding, an integer or a pair (before, after), as the pair.

    Raises:
        GeometryError: If there are not two numbers or one is below `minimum`.
        TypeError: If it is neither an integer nor a tuple or list of integers.

    Examples:
        >>> pair(0, padding=1)
        (1, 1)
        >>> pair(0, padding=(0, 2))
        (0, 2)
    """
    ((name, value),) = paddings.items()
    if isinstance(value, str):
        raise TypeError(
            f"{name}={shown(value)} must be an integer or a pair (before, after), not str; "
            f"same_padding(kernel_size) gives the pair that keeps the size"
        )
    if not isinstance(value, tuple | list):
        (number,) = at_least(minimum, **{name: value})
        return number, number
    if len(value) != 2:
        raise GeometryError(
            f"{name}={shown(value)} has {len(value)} numbers; it must be one integer or a pair (before, after)"
        )
    before, after = at_least(minimum, **{f"{name}[0]": value[0], f"{name}[1]": value[1]})
    return before, after
