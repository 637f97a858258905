"""Every op that torch dispatches during a trace, sent to its rule or to where it belongs."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rfguide.errors import GeometryError, TraceError
from rfguide.trace import rules_index, rules_norm, rules_place, rules_reduce, rules_shuffle, rules_views, rules_window
from rfguide.trace import spans as sp
from rfguide.trace.cells import (
    Memory,
    Track,
    attach,
    attach_shared,
    cell_of,
    is_constant,
    link,
    track_of,
    write,
)
from rfguide.trace.constants import Constants, is_view, reads_values, written, written_places
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
        if not func._schema.returns and not func._schema.is_mutable:
            return None  # an assertion
        try:
            follows = self.see(args)
            if not (self.see(kwargs.values()) if kwargs else False) and not follows:
                return self.constants.run(func, args, kwargs)
            hook = HOOKS.get(id(func))
            before = () if hook is None else notes(args)
            out = self._followed(func, args, kwargs)
            if is_view(func):
                _link(args[0], out)
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
        if op._schema.is_mutable:
            if torch.Tag.inplace_view in op.tags:
                return self._view_in_place(op, args, kwargs)
            if any(argument.is_out for argument in op._schema.arguments):
                done = self._into(op, args, kwargs)
            else:
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
        if not isinstance(target, Tensor) or not name.endswith("_") or written_places(op) != ((0, "self"),):
            return None
        track: Track | None = None
        if name in _FILLS:
            traced = [t for t in tensors(args[1:]) if is_traced(t)]
            track = elementwise(self, traced, target.shape) if traced else self.nothing(target)
        elif name == "copy_":
            track = elementwise(self, [args[1]], target.shape) if is_traced(args[1]) else self.nothing(target)
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
                if tuple(out.shape) == tuple(target.shape):
                    track = track_of(out)
        return None if track is None else self._write(target, track)

    def _view_in_place(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Change what a tensor shows of its memory (`squeeze_`, `transpose_`)."""
        overload, target = _out_of_place(op), args[0]
        rule = find(overload) if overload is not None else None
        if rule is None or not is_traced(target):
            raise TraceError(f"rfguide does not know what {op._schema.name.split('::')[1]} leaves of a tensor")
        view = rule(self, overload, args, kwargs)
        _link(target, view)
        op(*args, **kwargs)
        target.__dict__["_rfguide"] = cell_of(view)
        return target

    def _into(self, op: Op, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Run an op that writes its results into tensors given as `out`; None if it is not known."""
        function = _without_out(op)
        if function is None:
            return None
        targets = [kwargs[a.name] for a in op._schema.arguments if a.is_out]
        given = {name: value for name, value in kwargs.items() if not any(value is target for target in targets)}
        results = list(tensors([self.__torch_dispatch__(function, (), args, given)]))
        for target, result in zip(targets, results, strict=True):
            if target.shape != result.shape:
                raise TraceError(f"out= of shape {tuple(target.shape)} is given for a result of {tuple(result.shape)}")
            self._write(target, track_of(result) if is_traced(result) else self.nothing(target))
        return targets[0] if len(targets) == 1 else tuple(targets)

    def _write(self, target: Tensor, track: Track) -> Tensor:
        """Note what is written to a tensor, which may have been a constant; return the tensor."""
        if cell_of(target) is None:
            base = self.constants.geometry(target)
            memory = Memory(base, self.nothing(base))
            self._tainted[self.constants.home(target)._cdata] = (base, memory)
            self._mark_tainted(target)
        write(target, track)
        return target

    def traced(self, output: Any) -> list[tuple[str, Tensor]]:
        """Return the tensors of an output that depend on an input, with their keys."""
        found = list(tensors_of(output))
        if self._tainted:
            for _, tensor in found:
                self._mark_tainted(tensor)
        return [(key, tensor) for key, tensor in found if cell_of(tensor) is not None and not is_constant(tensor)]

    def forget(self) -> None:
        """Take the notes off tensors that were there before: some may be the model's own."""
        if self._marked:
            for tensor in [*self._marked, *self.model.parameters(), *self.model.buffers()]:
                tensor.__dict__.pop("_rfguide", None)
                tensor.__dict__.pop("_rfguide_from", None)

    def see(self, values: Iterable[Any]) -> bool:
        """Return whether a traced tensor is among some values.

        Raises:
            TraceError: If one has lost its note: it is on the meta device, and was made out of sight.
        """
        found = False
        for value in values:
            if isinstance(value, Tensor):
                if "_rfguide" in value.__dict__ or self._is_found(value):
                    found = True
            elif isinstance(value, list | tuple) and self.see(value):
                found = True
        return found

    def _is_found(self, tensor: Tensor) -> bool:
        """Whether a tensor without a note is traced after all, by what is known of its storage."""
        if tensor.device.type == "meta" and not self.constants.is_hollow(tensor):
            raise TraceError(
                "a tensor comes from where rfguide cannot follow: a thread, a subclass of Tensor, an op without a rule"
            )
        return bool(self._tainted) and self._mark_tainted(tensor)

    def _mark_tainted(self, tensor: Tensor) -> bool:
        """Note on a constant what was written into its storage; return whether something was."""
        if cell_of(tensor) is not None:
            return False
        home = self.constants.home(tensor)
        found = self._tainted.get(home._cdata)
        if found is None:
            self._refuse_overlap(home)
            return False
        attach_shared(tensor, found[1])
        self._marked.append(tensor)
        return True

    def _refuse_overlap(self, storage: torch.UntypedStorage) -> None:
        """Refuse a constant that shares memory with one that was written into, by way of numpy."""
        if storage.device.type == "meta":
            return
        start, stop = storage.data_ptr(), storage.data_ptr() + storage.nbytes()
        for base, _ in self._tainted.values():
            other = self.constants.home(base)
            if start < other.data_ptr() + other.nbytes() and other.data_ptr() < stop:
                raise TraceError("reads through numpy a tensor that something traced was written into")

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
        targets = list(written(op, args, kwargs))
        given = {id(target) for target in targets}
        because = f"unknown op {name} in {self.names.label()}"
        for tensor in [*targets, *(t for t in tensors([out]) if id(t) not in given)]:
            spans = []
            for axis in range(len(tracks[0].spans)):
                seen = [t.spans[axis] for t in tracks if not t.spans[axis].is_empty]
                spans.append(sp.everything(seen, tensor.dim(), because) if seen else sp.empty(tensor.dim()))
            roles = tracks[0].roles if tensor.dim() == len(tracks[0].roles) else ("s",) * tensor.dim()
            track = Track(tuple(spans), roles, unknown_in(tracks) or name)
            _ = self._write(tensor, track) if id(tensor) in given else attach(tensor, track)
        # An op that gives back what it writes to gives back the tensor itself, not its stand-in on the meta device.
        return targets[0] if isinstance(out, Tensor) and targets and _gives_back(op) else out


def _fits(args: Sequence[Any], target: Tensor) -> bool:
    """Whether the operands of an op in place are plainly of the target's shape."""
    return all(t.shape == target.shape for t in tensors(args))


@cache
def _out_of_place(op: Op) -> Op | None:
    """Return the op that gives what an op in place writes, if one has a rule: relu for relu_."""
    packet = getattr(torch.ops.aten, op._schema.name.split("::")[1][:-1], None)
    names = [op._overloadname, *(packet.overloads() if packet is not None else [])]
    return next((o for n in names if (o := getattr(packet, n, None)) is not None and find(o)), None)


@cache
def _without_out(op: Op) -> Op | None:
    """Return the op that returns what an op with `out=` writes, if there is one."""
    arguments = [(a.name, str(a.type)) for a in op._schema.arguments if not a.is_out]
    packet = getattr(getattr(torch.ops, op.namespace), op._schema.name.split("::")[1])
    found = (getattr(packet, overload) for overload in packet.overloads())
    return next((o for o in found if [(a.name, str(a.type)) for a in o._schema.arguments] == arguments), None)


@cache
def _gives_back(op: Op) -> bool:
    return any(r.alias_info is not None and r.alias_info.is_write for r in op._schema.returns)


def _link(base: Any, out: Any) -> None:
    """Let what an op returned as views share the memory of the tensor that they show, whatever its rule noted."""
    if is_traced(base):
        for view in tensors([out]):
            cell = cell_of(view)
            if cell is not None and cell.memory is None and view is not base:
                link(view, base)
