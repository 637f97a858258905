"""The user's model comes back as it was: attributes, buffers, random state; also after an exception."""

import random
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from operator import is_
from typing import Any

import numpy as np
import torch
from torch import nn

from rfguide.trace.names import modules_of

_OWN = frozenset(nn.Module().__dict__)
_CONTAINERS = (list, dict, set, OrderedDict, deque)


@contextmanager
def kept(model: nn.Module) -> Iterator[None]:
    """Restore every attribute of every module, and the state of the random generators, at the end."""
    modules = [m for _, m in modules_of(model) if not isinstance(m, torch.jit.ScriptModule)]
    saved = [_state(m) for m in modules]
    flags = [(p, p.requires_grad) for p in model.parameters()]
    generators = (torch.get_rng_state(), random.getstate(), np.random.get_state())
    uses_cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    cuda = torch.cuda.get_rng_state_all() if uses_cuda else None
    try:
        yield
    finally:
        torch.set_rng_state(generators[0])
        random.setstate(generators[1])
        np.random.set_state(generators[2])
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        for module, state in zip(modules, saved, strict=True):
            _restore(module, *state)
        for parameter, flag in flags:
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)


def _state(module: nn.Module) -> tuple[dict[str, Any], list[tuple[Any, Any]]]:
    attributes = dict(module.__dict__)
    containers = [(attributes[k], dict(attributes[k])) for k in ("_parameters", "_buffers", "_modules")]
    containers += [
        (value, value.copy()) for key, value in attributes.items() if key not in _OWN and type(value) in _CONTAINERS
    ]
    return attributes, containers


def _same(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    """Whether two dictionaries hold the very same objects (values may be tensors, which `==` compares cell by cell)."""
    return len(one) == len(other) and all(map(is_, one, other)) and all(map(is_, one.values(), other.values()))


def _restore(module: nn.Module, attributes: dict[str, Any], containers: list[tuple[Any, Any]]) -> None:
    now = module.__dict__
    if not _same(now, attributes):
        now.clear()
        now.update(attributes)
    for container, content in containers:
        if isinstance(container, list | deque):
            if len(container) != len(content) or any(a is not b for a, b in zip(container, content, strict=True)):
                container.clear()
                container.extend(content)
        elif isinstance(container, set):
            container.intersection_update(content)
            container.update(content)
        elif not _same(container, content):
            container.clear()
            container.update(content)
