"""What `rfguide.trace` costs: its time against a plain forward pass on the meta device, and its memory."""

import time
import tracemalloc
from collections.abc import Callable

import models
import torch
from torch import nn

import rfguide

IMAGE = (1, 3, 224, 224)
MODELS: dict[str, Callable[[], nn.Module]] = {
    "ResNet-50": models.resnet50,
    "ResNet-152": models.resnet152,
    "DenseNet-121": models.DenseNet,
    "ViT-B/16": models.ViT,
    "Swin-T": models.Swin,
}


def best(*functions: Callable[[], object], rounds: int = 9) -> list[float]:
    """Return the shortest of several times of each function, in seconds; they take turns, so they share busy spells."""
    times: list[list[float]] = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, own in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            own.append(time.perf_counter() - start)
    return [min(own) for own in times]


def tracer(make: Callable[[], nn.Module]) -> Callable[[], object]:
    """Return a function that traces a model."""
    model = make().eval()
    return lambda: rfguide.trace(model, IMAGE)


def ratio(make: Callable[[], nn.Module]) -> float:
    """Return the time of a trace over the time of a plain forward pass of the same model on the meta device."""
    meta, image = make().eval().to("meta"), torch.empty(IMAGE, device="meta")

    def plain() -> None:
        with torch.no_grad():
            meta(image)

    traced, passed = best(tracer(make), plain)
    return traced / passed


def linearity() -> float:
    """Return how much longer a bottleneck takes in a deep ResNet than in a shallow one: 1 where it is linear."""
    shallow, middle, deep = best(*map(tracer, (models.resnet50, models.resnet101, models.resnet152)))
    # 16, 33 and 50 blocks: the second step adds as many as the first.
    return (deep - middle) / (middle - shallow)


def memory(make: Callable[[], nn.Module]) -> float:
    """Return the memory of a trace over that of the activations of a real forward pass."""
    model = make().eval()
    rfguide.trace(model, IMAGE)
    tracemalloc.start()
    trace = rfguide.trace(model, IMAGE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    leaves = [name for name in trace if not any(other.startswith(f"{name}.") for other in trace)]
    return peak / sum(trace[name].nbytes for name in leaves if not trace[name].is_move)


def measure() -> dict[str, str]:
    """Return the figures by name."""
    torch.set_num_threads(1)
    figures = {}
    for name, make in MODELS.items():
        figures[f"trace of {name} at 224, × a plain meta forward"] = f"{ratio(make):.2f}"
    figures["time per block, ResNet-101 to 152 over ResNet-50 to 101"] = f"{linearity():.2f}"
    for name in ("ResNet-50", "Swin-T"):
        figures[f"memory of a trace of {name}, × its activations"] = f"1/{1 / memory(MODELS[name]):.0f}"
    return figures
