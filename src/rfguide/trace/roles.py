"""What the dimensions of a tensor stand for: which of them count units, which are batch and channels.

A role is one letter per dimension: "b" batch, "c" channels, "s" units. A view may merge dimensions; the merged
one remembers its factors as ((size, letter), …), so that a later view can take them apart again.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from math import prod
from operator import itemgetter

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
    """Return the dimensions that count units.

    Places that lie among the channels (space to depth) are channels, unless no dimension but theirs is left.
    """
    found = tuple(d for d, role in enumerate(roles) if letter(role) == "s")
    pure = tuple(d for d in found if not _holds_channels(roles[d]))
    return pure or found


def _holds_channels(role: Role) -> bool:
    return not isinstance(role, str) and any(one == "c" for size, one in role if size > 1)


def regroup(
    roles: Roles, groups: Sequence[tuple[Sequence[int], Sequence[int]]], old: Sequence[int], new: Sequence[int]
) -> Roles:
    """Return the roles after a view.

    A dimension of one that leads and that the view drops goes with the one behind it, a batch of one elsewhere with
    the one before it; they come back from there.
    """
    result: dict[int, Role] = {}
    last = -1
    front: Factors = ()
    for olds, news in groups:
        if len(olds) == len(news) == 1:
            role = roles[olds[0]]
            result[news[0]] = (*front, *_factors(role, new[news[0]])) if front else role
        elif not news:
            if last < 0:
                front = (*front, *((1, letter(roles[d])) for d in olds))
            elif any(letter(roles[d]) == "b" for d in olds):
                result[last] = (*_factors(result[last], new[last]), (1, "b"))
        elif not olds:
            before = result.get(last, "")
            if last < 0 and roles and not isinstance(roles[0], str) and roles[0][0][0] == 1:
                result[news[0]], roles = roles[0][0][1], (_one(roles[0][1:]), *roles[1:])
            elif before[-1:] == ((1, "b"),):
                result[last], result[news[0]] = before[:-1], "b"
            else:
                result[news[0]] = added(roles, news[0])
        else:
            factors = _simplified((*front, *(f for d in olds for f in _factors(roles[d], old[d]))))
            for n in news:
                taken, factors = _take(factors, new[n])
                result[n] = _one(tuple(taken))
        last, front = (news[-1], ()) if news else (last, front)
    return led(tuple(result[n] for n in range(len(new))), new)


def led(roles: Roles, shape: Sequence[int]) -> Roles:
    """Return the roles after a move: a batch of one that was merged comes back as a dimension of one that leads."""
    if not roles or shape[0] != 1 or "b" in map(letter, roles):
        return roles
    waits = any(factor == (1, "b") for role in roles[1:] if not isinstance(role, str) for factor in role)
    return ("b", *roles[1:]) if waits else roles


def _one(factors: Factors) -> Role:
    return factors[0][1] if len(factors) == 1 else factors


def added(roles: Roles, dim: int) -> str:
    """Return the role of a dimension of one that was put in: a batch that leads, or channels, if there are none."""
    have = {one for role in roles for one in (letter(role), role if isinstance(role, str) else role[0][1])}
    return "b" if dim == 0 and "b" not in have else "s" if "c" in have else "c"


def _factors(role: Role, size: int) -> Factors:
    if isinstance(role, str):
        return ((size, role),)
    # A token that was added, or a row that was cut off, leaves nothing to take apart again.
    return role if prod(n for n, _ in role) == size else ((size, letter(role)),)


def _simplified(factors: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return factors with neighbours of one letter as one: a channel shuffle leaves channels, however they divide."""
    return [(prod(n for n, _ in same), one) for one, same in groupby(factors, itemgetter(1))]


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
