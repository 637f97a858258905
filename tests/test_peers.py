"""The nets on which other tools go wrong: the size inside, and what each unit sees, by NaN in each input cell."""

import pytest
import torch

import rfguide
from nan_oracle import hulls
from peer_nets import PEERS


def strip(peer, axis):
    """Return an input that is long along one axis and short along the others, where it may be."""
    if peer.right == "whole" or peer.title == "adaptive pooling":
        return (1, peer.channels, *peer.size)
    return (
        1,
        peer.channels,
        *(n if a == axis else min(n, 64 if max(peer.size) > 100 else n) for a, n in enumerate(peer.size)),
    )


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.title)
def test_size_of_the_last_map(peer):
    t = rfguide.trace(peer.make(1).eval(), (1, peer.channels, *peer.size))
    m = t.output
    assert m.size == (peer.size if peer.right == "whole" else peer.right)
    assert m.is_global == (peer.right == "whole")


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.title)
def test_a_unit_inside_sees_all_of_it(peer):
    m = rfguide.trace(peer.make(1).eval(), (1, peer.channels, *peer.size)).output
    middle = tuple(n // 2 for n in m.units)
    largest = tuple(
        max(last - first + 1 for first, last in regions) for regions in zip(*around(m, middle), strict=True)
    )
    assert largest == m.size


def around(m, unit):
    """Return what a unit and its neighbours along the diagonal see: one of them has the largest phase."""
    steps = [d for d in range(-2, 3) if all(0 <= u + d < n for u, n in zip(unit, m.units, strict=True))]
    return [m.visible(tuple(u + d for u in unit)) for d in steps] if unit else [m.visible(())]


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.title)
def test_every_unit_along_each_axis_sees_what_nan_shows(peer, axis):
    if axis >= len(peer.size):
        return
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = peer.make(64).double().eval()
    sample = torch.ones(strip(peer, axis), dtype=torch.float64)
    m = rfguide.trace(model, sample).output
    seen = along(model, sample, axis)
    first, last = hulls(seen, m.unit_dims)
    place = axis if m.units else None
    middle = tuple(n // 2 for n in m.units)
    for u in range(m.units[place]) if m.units else [None]:
        unit = (*middle[:axis], u, *middle[axis + 1 :]) if m.units else ()
        lo, hi = int(first[unit]), int(last[unit])
        assert m.visible(unit)[axis] == ((lo, hi) if lo <= hi else None), unit


def along(model, sample, axis):
    """Return which elements of the output turn into NaN for each cell of one axis, 16 cells in a batch."""
    found = []
    count = sample.shape[axis + 2]
    with torch.no_grad():
        for start in range(0, count, 16):
            cells = range(start, min(start + 16, count))
            batch = sample.repeat(len(cells), *[1] * (sample.dim() - 1))
            for i, cell in enumerate(cells):
                batch[i].select(axis + 1, cell).fill_(float("nan"))
            found.append(model(batch).isnan().unsqueeze(1))
    return torch.cat(found)
