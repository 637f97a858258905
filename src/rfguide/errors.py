"""How input can be wrong: one line that says what came, which rule it broke, what would fit."""

from operator import index

# torch keeps sizes in 64-bit integers; a larger number is a slip, and arithmetic on it says nothing about any network.
LARGEST = 2**63 - 1


class GeometryError(ValueError):
    """The numbers are integers, but no layer or map can have them."""


class TraceError(ValueError):
    """A model does something whose receptive field rfguide cannot vouch for."""


def whole(**numbers: object) -> None:
    """Raise `TypeError` unless every number is an integer (`True` is not one here).

    Integers of numpy and torch count: whatever `operator.index` takes.
    """
    for name, number in numbers.items():
        try:
            if isinstance(number, bool):
                raise TypeError
            index(number)  # type: ignore[arg-type]
        except TypeError:
            raise TypeError(f"{name}={number!r} must be an integer, not {type(number).__name__}") from None


def at_least(minimum: int, **numbers: int) -> None:
    """Raise `TypeError` unless every number is an integer, `GeometryError` unless it is `minimum` or more.

    Examples:
        >>> at_least(1, stride=0)
        Traceback (most recent call last):
        rfguide.errors.GeometryError: stride=0 must be at least 1
    """
    whole(**numbers)
    for name, number in numbers.items():
        if number < minimum:
            raise GeometryError(f"{name}={number} must be at least {minimum}")
        if number > LARGEST:
            raise GeometryError(
                f"{name} has {number.bit_length()} bits; it must be at most 2**63 - 1, torch's own limit"
            )


def pair(minimum: int, **paddings: object) -> tuple[int, int]:
    """Read one padding, an integer or a pair (before, after), as the pair.

    Examples:
        >>> pair(0, padding=1)
        (1, 1)
        >>> pair(0, padding=(0, 2))
        (0, 2)
    """
    ((name, value),) = paddings.items()
    if not isinstance(value, tuple | list):
        at_least(minimum, **{name: value})  # type: ignore[arg-type]
        return index(value), index(value)  # type: ignore[arg-type]
    if len(value) != 2:
        raise GeometryError(
            f"{name}={value!r} has {len(value)} numbers; it must be one integer or a pair (before, after)"
        )
    before, after = value
    at_least(minimum, **{f"{name}[0]": before, f"{name}[1]": after})
    return index(before), index(after)
