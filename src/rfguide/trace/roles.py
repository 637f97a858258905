"""What the dimensions of a tensor stand for: which of them count units, which are batch and channels.

A role is one letter per dimension: "b" batch, "c" channels, "s" units. A view may merge dimensions; the merged
one remembers its factors as ((size, letter), …), so that a later view can take them apart again.
"""

from collections.abc import Sequence
from math import prod

Factors = tuple[tuple[int, str], ...]
Role = str | Factors
Roles = tuple[Role, ...]


def letter(role: Role) -> str:
    """Return the letter of a dimension; a mix of units and others counts units, batch and channels none."""
    if isinstance(role, str):
        return role
    letters = {one for size, one in role if size > 1} or {role[0][1]}
    return letters.pop() if len(letters) == 1 else "s" if "s" in letters else "c"


def unit_dims(roles: Roles) -> tuple[int, ...]:
    """Return the dimensions that count units."""
    return tuple(d for d, role in enumerate(roles) if letter(role) == "s")


def regroup(
    roles: Roles, groups: Sequence[tuple[Sequence[int], Sequence[int]]], old: Sequence[int], new: Sequence[int]
) -> Roles:
    """Return the roles after a view.

    A batch of one that the view drops goes with the dimension before it, and comes back with it.
    """
    result: dict[int, Role] = {}
    last = -1
    for olds, news in groups:
        if len(olds) == len(news) == 1:
            result[news[0]] = roles[olds[0]]
        elif not news:
            if last >= 0 and any(letter(roles[d]) == "b" for d in olds):
                result[last] = (*_factors(result[last], new[last]), (1, "b"))
        elif not olds:
            before = result.get(last, "")
            if before[-1:] == ((1, "b"),):
                result[last], result[news[0]] = before[:-1], "b"
            else:
                result[news[0]] = added(roles, news[0])
        else:
            factors = [f for d in olds for f in _factors(roles[d], old[d])]
            for n in news:
                taken, factors = _take(factors, new[n])
                result[n] = taken[0][1] if len(taken) == 1 else tuple(taken)
        last = news[-1] if news else last
    return tuple(result[n] for n in range(len(new)))


def added(roles: Roles, dim: int) -> str:
    """Return the role of a dimension of one that was put in: a batch, if it leads and there is none; else units."""
    return "b" if dim == 0 and all(letter(role) != "b" for role in roles) else "s"


def _factors(role: Role, size: int) -> Factors:
    if isinstance(role, str):
        return ((size, role),)
    # A token that was added, or a row that was cut off, leaves nothing to take apart again.
    return role if prod(n for n, _ in role) == size else ((size, letter(role)),)


def _take(factors: list[tuple[int, str]], size: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Take the first factors whose product is `size`; cut one where it has to be."""
    taken: list[tuple[int, str]] = []
    left = size
    rest = list(factors)
    while rest and (left > 1 or not taken):
        factor, one = rest[0]
        if left == 1 and factor != 1:
            return [(1, "s")], rest
        rest.pop(0)
        if left % factor == 0:
            taken.append((factor, one))
            left //= factor
        elif factor % left == 0:
            taken.append((left, one))
            rest.insert(0, (factor // left, one))
            left = 1
        else:
            # Neither divides the other: no role survives.
            return [(size, "s")], []
    return taken or [(size, "s")], rest
