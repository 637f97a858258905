"""The oracle of the trace tests: put NaN in one input cell at a time and see which units turn into NaN.

It shares nothing with the library but the names of maps: real tensors, torch's own kernels, one forward pass
for each cell of each axis.
"""

import math

import torch
from torch import nn
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


def dependence(model, inputs, which=0):
    """Return {map: [one boolean tensor per axis, cells first, then the map's own shape]} for one input."""
    inputs = [torch.ones(i) if isinstance(i, tuple) else i for i in inputs]
    x = inputs[which]
    result = {}
    for axis in range(2, x.dim()):
        cells = []
        for cell in range(x.shape[axis]):
            dirty = x.clone()
            dirty.select(axis, cell).fill_(math.nan)
            cells.append(outputs(model, [*inputs[:which], dirty, *inputs[which + 1 :]]))
        for name in cells[0]:
            stack = torch.stack([maps[name].isnan() for maps in cells])
            result.setdefault(name, []).append(stack)
    return result


def hulls(seen, units):
    """Return the first and last cell for every unit: {unit: (first, last) or None}; `units` are the map's dimensions."""
    rank = seen.dim() - 1
    others = [d + 1 for d in range(rank) if d not in units]
    small = seen.any(dim=others) if others else seen
    n = small.shape[0]
    cells = torch.arange(n).reshape(-1, *[1] * (small.dim() - 1))
    first = torch.where(small, cells, n).amin(0)
    last = torch.where(small, cells, -1).amax(0)
    return first, last


def differences(model, trace, inputs, which=0, names=None):
    """Return every unit at which a trace and the oracle disagree, as (map, axis, unit, traced, seen)."""
    found = []
    seen = dependence(model, inputs, which)
    input_name = trace.inputs[which]
    compared = 0
    for name in seen:
        if name is None:
            m = trace.output
        elif name in trace:
            m = trace[name]
        else:
            # A map that depends on nothing is not listed; then nothing may have become NaN.
            found += [(name, axis, "not listed") for axis, s in enumerate(seen[name]) if s.any()]
            continue
        if input_name != m.input_name:
            m = m.seen_from(input_name)
        for axis, one in enumerate(seen[name]):
            first, last = hulls(one, m.unit_dims)
            for unit in torch.cartesian_prod(*[torch.arange(n) for n in m.units]).reshape(-1, len(m.units)).tolist() if m.units else [[]]:
                here = m.visible(unit)[axis]
                lo, hi = int(first[tuple(unit)]), int(last[tuple(unit)])
                there = (lo, hi) if lo <= hi else None
                compared += 1
                if here != there:
                    found.append((name, axis, tuple(unit), here, there))
    assert compared
    return found


def positive(model):
    """Give a model weights that no sum cancels, and put it in evaluation mode."""
    with torch.no_grad():
        for p in model.parameters():
            nn.init.uniform_(p, 0.1, 1.0)
    return model.eval()
