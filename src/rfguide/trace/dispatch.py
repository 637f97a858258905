"""Every op that torch dispatches during a trace, sent to its rule or to where it belongs."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfguide.errors import GeometryError, TraceError
from rfguide.trace import rules_index, rules_norm, rules_place, rules_reduce, rules_shuffle, rules_views, rules_window
from rfguide.trace import spans as sp
from rfguide.trace.cells import Cell, Memory, Track, attach, cell_of, is_constant, track_of, write
from rfguide.trace.constants import Constants, reads_values
from rfguide.trace.masks import HOOKS, notes
from rfguide.trace.names import Names, tensors_of
from rfguide.trace.rules import Op, Rule, elementwise, is_traced, on_meta, tensors, unknown_in
from rfguide.trace.rules_pointwise import find, pointwise, unary

# Importing these modules fills the table.
_FILLED = (rules_index, rules_norm, rules_place, rules_reduce, rules_shuffle, rules_views, rules_window)

_LIKES = {f"{name}_like" for name in ("zeros", "ones", "full", "rand", "randn", "randint")} | {
    "new_zeros",
    "new_ones",
    "new_full",
}
_FILLS = {
    "fill_",
    "zero_",
    "bernoulli_",
    "normal_",
    "uniform_",
    "random_",
    "exponential_",
    "geometric_",
    "cauchy_",
    "log_normal_",
}


class Ops(TorchDispatchMode):  # type: ignore[no-untyped-call]  # torch leaves it untyped
    """Sends every op to its rule. This is the `Run` that rules see."""

    def __init__(self, model: nn.Module, axes: int, *, ignore_global: bool, unknown: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # likewise
        self.ignore_global = ignore_global
        self.unknown = unknown
        self.macs = 0
        self.ignored_calls: list[str] = []
        self.model = model
        # The last refusal of an op: TorchScript's interpreter drops the text of what passes through it.
        self.refusal: GeometryError | TraceError | None = None
        self.names = Names(model)
        self.constants = Constants(model, axes)
        # Constants that something traced was written into, by storage.
        self._tainted: dict[int, tuple[Tensor, Memory]] = {}
        self._marked: list[Tensor] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch should wrap the dispatch in a guard against its compiler: it costs as much as a rule does."""
        return False

    def because(self) -> str:
        """Name the call that is being made."""
        return self.names.label()

    def nothing(self, tensor: Tensor) -> Track:
        """Return the track of a constant."""
        return self.constants.track(tensor)

    def ignored(self) -> None:
        """Note that the call that is being made was read as element-wise."""
        label = self.names.label()
        if label not in self.ignored_calls:
            self.ignored_calls.append(label)

    def __torch_dispatch__(self, func: Op, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._tainted:
            self._mark_tainted([*args, *kwargs.values()])
        if not _any_traced(args) and not (kwargs and _any_traced(kwargs.values())):
            return self.constants.run(func, args, kwargs)
        try:
            hook = HOOKS.get(id(func))
            before = () if hook is None else notes(args)
            out = self._followed(func, args, kwargs)
            if hook is not None:
                hook(func, args, kwargs, out, before)
            return out
        except NotImplementedError:
            return self._unknown(func, args, kwargs)
        except (GeometryError, TraceError) as error:
            self.refusal = error
            raise

    def _followed(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        rule = find(op)
        return self._other(op, args, kwargs) if rule is None else rule(self, op, args, kwargs)

    def _other(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        name = op._schema.name.split("::")[1]
        if reads_values(op):
            raise TraceError("control flow or a shape depends on the input's values")
        if not op._schema.returns:
            return None  # an assertion
        if op._schema.is_mutable:
            done = self._in_place(op, name, args, kwargs)
            if done is not None:
                return done
        elif name in _LIKES:
            values = {**kwargs, "device": torch.device("cpu")}
            like = torch.empty((), dtype=args[0].dtype).expand(args[0].shape)
            return self.constants.run(op, [like, *args[1:]], values)
        return self._unknown(op, args, kwargs)

    def _in_place(self, op: Op, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run an op that writes to its first operand; None if it is not known."""
        target = args[0] if args else None
        if not isinstance(target, Tensor) or not name.endswith("_"):
            return None
        track: Track | None = None
        if name in _FILLS:
            traced = [t for t in tensors(args[1:]) if is_traced(t)]
            track = elementwise(self, traced, target.shape) if traced else self._nothing(target, track_of(target))
        elif name == "copy_":
            source = args[1]
            if is_traced(source):
                track = elementwise(self, [source], target.shape)
            else:
                track = self._nothing(target, track_of(target))
        elif name == "index_put_":
            track = rules_index.put(self, args, kwargs)
        else:
            overload = _out_of_place(op)
            rule: Rule | None = find(overload) if overload is not None else None
            if rule in (pointwise, unary) and _fits(args, target):
                track = elementwise(self, tensors([*args, *kwargs.values()]), target.shape)
            elif rule is not None:
                try:
                    out = rule(self, overload, args, kwargs)
                except NotImplementedError:
                    return None
                if tuple(out.shape) != tuple(target.shape):
                    return self._reshape_in_place(op, args, kwargs, out)
                track = track_of(out)
        if track is None:
            return None
        if cell_of(target) is None:
            if target.device.type == "meta":
                if target.untyped_storage().nbytes() != target.numel() * target.itemsize:
                    # A part of a constant without values: what it is a part of cannot be followed.
                    return None
                attach(target, self._nothing(target, track))
            else:
                self._taint(target, track)
        write(target, track)
        return target

    @staticmethod
    def _reshape_in_place(op: Op, args: Sequence[Any], kwargs: dict[str, Any], out: Tensor) -> Any:
        """Change the shape of a tensor itself (`squeeze_`, `transpose_`)."""
        target = op(*args, **kwargs)
        attach(target, track_of(out))
        return target

    @staticmethod
    def _nothing(like: Tensor, track: Track) -> Track:
        rank = like.dim()
        roles = track.roles if rank == len(track.roles) else ("s",) * rank
        return Track(tuple(sp.empty(rank) for _ in track.spans), roles)

    def _taint(self, target: Tensor, track: Track) -> None:
        """Begin to trace a constant that something traced is about to be written into."""
        base = self.constants.geometry(target)
        memory = Memory(base, self._nothing(base, track))
        self._tainted[base.untyped_storage()._cdata] = (base, memory)
        self._mark_tainted([target])

    def traced(self, output: Any) -> list[tuple[str, Tensor]]:
        """Return the tensors of an output that depend on an input, with their keys."""
        found = list(tensors_of(output))
        if self._tainted:
            self._mark_tainted([tensor for _, tensor in found])
        return [(key, tensor) for key, tensor in found if cell_of(tensor) is not None and not is_constant(tensor)]

    def forget(self) -> None:
        """Take the notes off constants that were written into: some may be the model's own."""
        if self._tainted:
            for tensor in [*self._marked, *self.model.parameters(), *self.model.buffers()]:
                tensor.__dict__.pop("_rfguide", None)
                tensor.__dict__.pop("_rfguide_from", None)

    def _mark_tainted(self, values: Sequence[Any]) -> None:
        for tensor in tensors(values):
            if cell_of(tensor) is None and tensor.device.type != "meta":
                found = self._tainted.get(tensor.untyped_storage()._cdata)
                if found is not None:
                    base, memory = found
                    roles = memory.track.roles if tensor.dim() == base.dim() else ("s",) * tensor.dim()
                    cell = Cell(memory.track if memory.is_all(tensor) else memory.read(tensor, roles))
                    cell.memory, cell.version = memory, memory.version
                    tensor.__dict__["_rfguide"] = cell
                    self._marked.append(tensor)

    def _unknown(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        name = op._schema.name.replace("aten::", "")
        operands = [t for t in tensors([*args, *kwargs.values()]) if is_traced(t)]
        if all(map(is_constant, operands)) and not op._schema.is_mutable:
            return self.constants.hollow(on_meta(op, args, kwargs))
        if self.unknown == "error":
            where = self.names.until()
            before = f'until="{where}" stops before it, ' if where else ""  # a model of one layer has nothing before
            self.refusal = TraceError(
                f"{self.names.label()}: rfguide does not know what {name} reads; "
                f'{before}unknown="global" goes on and marks what follows'
            )
            raise self.refusal
        tracks = [track_of(t) for t in operands]
        out = on_meta(op, args, kwargs)
        because = f"unknown op {name} in {self.names.label()}"
        for tensor in tensors([out]):
            spans = []
            for axis in range(len(tracks[0].spans)):
                seen = [t.spans[axis] for t in tracks if not t.spans[axis].is_empty]
                spans.append(sp.everything(seen, tensor.dim(), because) if seen else sp.empty(tensor.dim()))
            roles = tracks[0].roles if tensor.dim() == len(tracks[0].roles) else ("s",) * tensor.dim()
            attach(tensor, Track(tuple(spans), roles, unknown_in(tracks) or name))
        return out


def _fits(args: Sequence[Any], target: Tensor) -> bool:
    """Whether the operands of an op in place are plainly of the target's shape."""
    return all(t.shape == target.shape for t in tensors(args))


@cache
def _out_of_place(op: Op) -> Op | None:
    """Return the op that gives what an op in place writes, if one has a rule: relu for relu_."""
    packet = getattr(torch.ops.aten, op._schema.name.split("::")[1][:-1], None)
    names = [op._overloadname, *(packet.overloads() if packet is not None else [])]
    return next((o for n in names if (o := getattr(packet, n, None)) is not None and find(o)), None)


def _any_traced(values: Any) -> bool:
    for value in values:
        if isinstance(value, Tensor):
            if "_rfguide" in value.__dict__:
                return True
        elif isinstance(value, list | tuple) and _any_traced(value):
            return True
    return False
