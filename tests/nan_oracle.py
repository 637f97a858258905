"""The oracle of the trace tests: put NaN in one input cell at a time and see which units turn into NaN.

It shares nothing with the library but the names of maps: real tensors, torch's own kernels, one forward pass
for each cell of each axis.
"""

import itertools
import math

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from rfguide.trace.names import tensors_of


def outputs(model, inputs):
    """Run the model and return every module's output by call name, and the model's own under None."""
    found, counts, handles = {}, {}, []

    def hook(path):
        def note(module, args, output):
            counts[path] = counts.get(path, 0) + 1
            name = path if counts[path] == 1 else f"{path}#{counts[path]}"
            several = list(tensors_of(output))
            for key, tensor in several:
                found[name if len(several) == 1 else f"{name}[{key}]"] = tensor.clone()

        return note

    for path, module in model.named_modules():
        if path:
            handles.append(module.register_forward_hook(hook(path)))
    try:
        with torch.no_grad(), torch.backends.mkldnn.flags(enabled=False), sdpa_kernel(SDPBackend.MATH):
            output = model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
    found[None] = next(tensor for _, tensor in tensors_of(output))
    return found


def dependence(model, inputs, which=0, *, batched=False):
    """Return {map: [one boolean tensor per axis, cells first, then the map's own shape]} for one input.

    With `batched`, one pass per axis holds all cells as the samples of a batch: right where samples do not mix.
    """
    inputs = [torch.ones(i) if isinstance(i, tuple) else i for i in inputs]
    x = inputs[which]
    result = {}
    for axis in range(2, x.dim()):
        count = x.shape[axis]
        dirty = x.repeat(count, *[1] * (x.dim() - 1)) if batched else [x.clone() for _ in range(count)]
        for cell in range(count):
            dirty[cell].select(axis - batched, cell).fill_(math.nan)
        if batched:
            maps = outputs(model, [dirty]).items()
            stacks = {name: tensor.isnan().unsqueeze(1) for name, tensor in maps}
        else:
            cells = [outputs(model, [*inputs[:which], one, *inputs[which + 1 :]]) for one in dirty]
            stacks = {name: torch.stack([maps[name].isnan() for maps in cells]) for name in cells[0]}
        for name, stack in stacks.items():
            result.setdefault(name, []).append(stack)
    return result


def hulls(seen, units):
    """Return the first and the last cell that each unit depends on, as two tensors over its `units` dimensions."""
    rank = seen.dim() - 1
    others = [d + 1 for d in range(rank) if d not in units]
    small = seen.any(dim=others) if others else seen
    n = small.shape[0]
    cells = torch.arange(n).reshape(-1, *[1] * (small.dim() - 1))
    first = torch.where(small, cells, n).amin(0)
    last = torch.where(small, cells, -1).amax(0)
    return first, last


def differences(model, trace, inputs, which=0, *, batched=False):
    """Return every unit at which a trace and the oracle disagree, as (map, axis, unit, traced, seen)."""
    found = []
    compared = 0
    for name, stacks in dependence(model, inputs, which, batched=batched).items():
        if name is not None and name not in trace:
            # A map that depends on nothing is not listed; then nothing may have become NaN.
            found += [(name, axis, "not listed") for axis, stack in enumerate(stacks) if stack.any()]
            continue
        m = trace.output if name is None else trace[name]
        if m.input_name != trace.inputs[which]:
            m = m.seen_from(trace.inputs[which])
        for axis, stack in enumerate(stacks):
            first, last = hulls(stack, m.unit_dims)
            for unit in itertools.product(*map(range, m.units)):
                here = m.visible(unit)[axis]
                lo, hi = int(first[unit]), int(last[unit])
                there = (lo, hi) if lo <= hi else None
                compared += 1
                if here != there:
                    found.append((name, axis, unit, here, there))
    assert compared
    return found


def interior_differences(trace, along, margin, margin_across):
    """Return the units inside at which closed form and exact field disagree along one axis, and how many agree.

    A unit is inside if its unclipped region keeps `margin` cells from the ends of that axis, and `margin_across`
    from those of the others: windows in the padding of any axis change what is seen along all of them. It is also
    in the middle half of the map: branches of different lengths are cropped to the shortest, and an end is made so.
    """
    found, agreed = [], 0
    for m in trace.values():
        if m.size[along] is None or m.global_because or len(m.units) != len(m.size):
            continue
        middle, inside = [n // 2 for n in m.units], []
        for u in range(m.units[along] // 4, m.units[along] * 3 // 4):
            unit = (*middle[:along], u, *middle[along + 1 :])
            regions = m.region(unit)
            margins = [margin if axis == along else margin_across for axis in range(len(regions))]
            if not all(map(is_inside, regions, trace.axes, margins)):
                continue
            inside.append(regions[along])
            seen = m.visible(unit)[along]
            if seen != regions[along]:  # a branch may be blind in the middle of another axis, and see beside it
                around = [m.visible(other)[along] for other in beside(m.units, unit, along)]
                cells = [cell for ends in around if ends for cell in ends]
                seen = (min(cells), max(cells)) if cells else None
            agreed += seen == regions[along]
            if seen != regions[along]:
                found.append((m.name, along, u, seen, regions[along]))
        phases = m.phases[along]
        if phases and len(inside) >= 2 * len(phases):
            assert m.size[along] == max(last - first + 1 for first, last in inside)
    return found, agreed


def beside(units, unit, along):
    """Return the units that have the same place along an axis, and places near by along the others."""
    near = [
        (u,) if axis == along else range(max(0, u - 16), min(n, u + 17))
        for axis, (u, n) in enumerate(zip(unit, units, strict=True))
    ]
    return itertools.product(*near)


def is_inside(region, axis, margin):
    return region is not None and margin <= region[0] and region[1] < axis.size - margin
