"""How input can be wrong: one line that says what came, which rule it broke, what would fit."""

from operator import index

# torch keeps sizes in 64-bit integers; a larger number is a slip, and arithmetic on it says nothing about any network.
LARGEST = 2**63 - 1


class GeometryError(ValueError):
    """The numbers are integers, but no layer or map can have them."""


class TraceError(ValueError):
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
    except TypeError:
        raise TypeError(f"{name}={value!r} must be an integer, not {type(value).__name__}") from None
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
            f"{name}={value!r} must be an integer or a pair (before, after), not str; "
            f"same_padding(kernel_size) gives the pair that keeps the size"
        )
    if not isinstance(value, tuple | list):
        (number,) = at_least(minimum, **{name: value})
        return number, number
    if len(value) != 2:
        raise GeometryError(
            f"{name}={value!r} has {len(value)} numbers; it must be one integer or a pair (before, after)"
        )
    before, after = at_least(minimum, **{f"{name}[0]": value[0], f"{name}[1]": value[1]})
    return before, after
