"""States of a graph → storage of the program: memory that survives inferences, and who writes it when.

A state's new value is computed right in the state's memory where nothing needs the old one any more. Elsewhere it is
copied there after the last layer (ASSIGN_VARIABLE); an output that shows the old value is copied before
(READ_VARIABLE).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from edgeq.ir import Graph, Node, State
from edgeq.kernels import choose_kernel, find_kernel
from edgeq.naming import c_identifier, unique
from edgeq.ops.movement import CopyParams
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.passes.rewriting import rename, unique_name
from edgeq.program import KernelCall, Program, ProgramState, ProgramTensor
from edgeq.target import Cpu


def free_outputs(graph: Graph) -> Graph:
    """The graph with no changing state among its outputs: a reshape stands between, and keeps the output's name."""
    for name in [state.read for state in graph.states if state.written != state.read]:
        if name in graph.outputs:
            home = unique_name(graph, f"{name}/state")
            shown = Node("RESHAPE", (home,), (name,), ReshapeAttrs(graph.tensors[name].shape), name)
            renamed = rename(graph, name, home)
            outputs = [name if o == home else o for o in renamed.outputs]
            graph = renamed.rewrite((shown, *renamed.nodes), [graph.tensors[name]], outputs=outputs)
    return graph


def bind_states(program: Program, states: tuple[State, ...], cpu: Cpu) -> Program:
    """The program with storage for the states of the graph that it was lowered from, and with the copies they need."""
    work = _Work(dict(program.tensors), list(program.calls), cpu)
    homes = {state.read for state in states}
    sources = {s.read: work.storage(s.written) for s in states if work.storage(s.written) != s.read}
    work.show_old_values(program.outputs, sources)
    pending = {}
    for home, source in sources.items():
        shared = source in homes or list(sources.values()).count(source) > 1 or home in sources.values()
        if not shared and work.computes_at(source, home):
            work.share(source, home)
        else:
            pending[home] = source
    work.separate_updates()
    work.assign(pending)
    bound = tuple(ProgramState(state.read, state.initial) for state in states)
    return replace(program, tensors=work.tensors, calls=tuple(work.calls), states=bound)


def _updates(call: KernelCall) -> list[tuple[int, int]]:
    """(operand, result) that share their memory, of the operands that the call has."""
    return [pair for pair in find_kernel(call.kernel).updates if pair[0] < len(call.inputs)]


@dataclass
class _Work:
    tensors: dict[str, ProgramTensor]
    calls: list[KernelCall]
    cpu: Cpu

    def storage(self, name: str) -> str:
        return self.tensors[name].alias_of or name

    def share(self, name: str, home: str) -> None:
        """Puts a tensor, and what shares its memory, into the memory of `home`."""
        for tensor in list(self.tensors.values()):
            if self.storage(tensor.name) == name:
                self.tensors[tensor.name] = replace(tensor, alias_of=home)

    def computes_at(self, name: str, home: str) -> bool:
        """Whether a call computes `name` and may do so in the memory of `home`: nobody reads that afterwards, and the
        call itself does not, or allows it."""
        writer = next((i for i, call in enumerate(self.calls) if name in call.outputs), None)
        if writer is None:
            return False
        readers = [i for i, call in enumerate(self.calls) if home in map(self.storage, call.inputs)]
        if any(i > writer for i in readers):
            return False
        call = self.calls[writer]
        updated = {result: operand for operand, result in _updates(call)}
        result = call.outputs.index(name)
        if result in updated:
            operands = [self.storage(x) for x in call.inputs]
            return operands[updated[result]] == home and operands.count(home) == 1
        return writer not in readers or (len(call.outputs) == 1 and call.overlap.in_place)

    def show_old_values(self, outputs: tuple[str, ...], homes: Collection[str]) -> None:
        """Outputs that share the memory of a state get their own, and its value before it changes."""
        for name in dict.fromkeys(outputs):
            home = self.storage(name)
            if home in homes:
                self.read_elsewhere(name, home)
                self.copy("READ_VARIABLE", home, replace(self.tensors[name], alias_of=""), len(self.calls))

    def read_elsewhere(self, name: str, home: str) -> None:
        """Calls that read `name`, which shares the memory of `home`, read that memory under another name."""
        if any(name in call.inputs for call in self.calls):
            alias = self.free_name(f"{name}/state")
            self.tensors[alias] = replace(self.tensors[name], name=alias, alias_of=home)
            self.calls = [replace(c, inputs=tuple(alias if x == name else x for x in c.inputs)) for c in self.calls]

    def separate_updates(self) -> None:
        """Kernels that update an operand in place get a copy of it, unless it is a state that becomes their result."""
        for call in list(self.calls):
            inputs = list(call.inputs)
            for operand, result in _updates(call):
                if self.storage(inputs[operand]) != self.storage(call.outputs[result]):
                    old = self.old_value(inputs[operand], self.calls.index(call))
                    self.share(call.outputs[result], old)
                    inputs[operand] = old
            self.calls = [replace(c, inputs=tuple(inputs)) if c is call else c for c in self.calls]

    def assign(self, values: Mapping[str, str]) -> None:
        """Copies values into states, all at once as it were: a state that becomes another's value is read first."""
        left = dict(values)
        while left:
            read = [(home, value) for home, value in left.items() if home != value]
            home = next((h for h in left if all(value != h for _, value in read)), None)
            if home is None:  # states that change places
                home = next(iter(left))
                old = self.old_value(home, len(self.calls))
                left = {h: old if value == home else value for h, value in left.items()}
                continue
            target = replace(self.tensors[home], name=self.free_name(f"{home}/new"), alias_of=home)
            self.copy("ASSIGN_VARIABLE", left.pop(home), target, len(self.calls))

    def old_value(self, name: str, index: int) -> str:
        """A new tensor with the value that `name` has before call number `index`."""
        copy = replace(self.tensors[name], name=self.free_name(f"{name}/old"), data=None, alias_of="")
        self.copy("READ_VARIABLE", name, copy, index)
        return copy.name

    def free_name(self, name: str) -> str:
        return unique([name], self.tensors)[0]

    def copy(self, op: str, source: str, target: ProgramTensor, index: int) -> None:
        """Inserts a copy of all bytes of `source` as call number `index`."""
        self.tensors[target.name] = target
        params = CopyParams((0,), ((target.nbytes,),), ((1,),), (target.shape,))
        (layer,) = unique([c_identifier(target.name, fallback="state")], {call.name for call in self.calls})
        kernel = choose_kernel(op, params, self.cpu, layer)
        call = KernelCall(layer, op, kernel.name, params, (source,), (target.name,))
        self.calls.insert(index, call)
