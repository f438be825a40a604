"""Makes integers of what converters leave real within an integer model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array
from edgeq.ops import Op, OutputRule, find_op
from edgeq.ops.addition import Addition
from edgeq.ops.arg_extreme import ArgExtreme
from edgeq.ops.cast import Cast
from edgeq.ops.comparison import Comparison
from edgeq.ops.dequantize import DequantizeAttrs
from edgeq.ops.function import Function
from edgeq.ops.integers import IntegerPairwise
from edgeq.ops.lookup import LookupAttrs
from edgeq.ops.pointwise import Pointwise
from edgeq.ops.real_edges import from_real, quantized
from edgeq.passes.rewriting import sole_reader, unique_name


def integer_islands(graph: Graph) -> Graph:
    """Operators between DEQUANTIZE and QUANTIZE, of which TFLite has no kernel of integers, compute integers.

    - A function of each element of int8 is exact: it is defined as what these three compute one after the other.
    - What only moves, chooses or compares elements of one scale is exact as well; DEQUANTIZE comes after it.
    - So are constants that only a QUANTIZE sees after they were chosen among: rows of a table, two values.
    - Other operators with a result that one QUANTIZE reads take its scale. They round by themselves: results may be a
      step off.
    - Other sums and differences are int16, with scales that hold them whatever the operands are.

    Real operands must come from int8 or int16, and of other operators than sums all from the same.
    """
    return _between_edges(_functions(graph))


def _functions(graph: Graph) -> Graph:
    producers, consumers = graph.producers(), graph.consumers()
    nodes: list[Node] = []
    gone: set[str] = set()
    for node in graph.nodes:
        before = producers.get(node.inputs[0]) if node.inputs else None
        after = sole_reader(graph, node.outputs[0], consumers)
        if isinstance(find_op(node.op), (Pointwise, Function)) and before is not None and after is not None:
            x, y = graph.tensors[before.inputs[0]], graph.tensors[after.outputs[0]]
            edges = (before.op, after.op) == ("DEQUANTIZE", "QUANTIZE")
            if edges and x.dtype is y.dtype is DType.INT8 and x.quant is not None and y.quant is not None:
                node = replace(node, inputs=(x.name,), outputs=(y.name,))
                gone.update((before.outputs[0], after.outputs[0]))
                nodes.append(node)
                continue
        if node.op == "QUANTIZE" and node.outputs[0] in gone:
            continue
        nodes.append(node)
    if not gone:
        return graph
    read = {*graph.kept, *(name for node in nodes for name in node.inputs)}
    return graph.rewrite(n for n in nodes if n.op != "DEQUANTIZE" or n.outputs[0] in read or n.outputs[0] not in gone)


class _Walk:
    """What is known while a graph's nodes are walked.

    Attributes:
        integers: real tensors and the integers that they stand for.
        nodes, added: of the new graph. gone: results of nodes that have no place in it.
        changed: whether it is another graph.
    """

    def __init__(self, graph: Graph):
        self.graph = graph
        self.consumers = graph.consumers()
        self.integers: dict[str, str] = {}
        self.nodes: list[Node] = []
        self.added: dict[str, Tensor] = {}
        self.gone: set[str] = set()
        self.changed = False

    def tensor(self, name: str) -> Tensor:
        return self.added.get(name) or self.graph.tensors[name]

    def edge(self, node: Node) -> None:
        """QUANTIZE or DEQUANTIZE: what stands for real numbers is known. Real inputs are known by their QUANTIZE."""
        (source,), (result,) = node.inputs, node.outputs
        if node.op == "DEQUANTIZE" and _is_scaled(self.tensor(source)):
            self.integers[result] = source
        elif source in self.integers and source not in self.graph.inputs:
            node = replace(node, inputs=(self.integers[source],))
            self.changed = True
        elif source in self.graph.inputs and _is_scaled(self.tensor(result)):
            self.integers.setdefault(source, result)
        self.nodes.append(node)

    def inner(self, node: Node) -> bool:
        """Any other operator; whether it is among the new nodes, computing integers where it computed real numbers."""
        op, names = find_op(node.op), tuple(self.integers.get(name, name) for name in node.inputs)
        operands = [self.tensor(name) for name in names if name]
        scaled = [t for t in operands if _is_scaled(t)]
        if op is not None and names == node.inputs:
            return self._chosen(node, op)
        if op is None or any(t.dtype is DType.FLOAT32 for t in operands):
            return False
        if len({t.dtype for t in scaled}) != 1 or scaled[0].dtype not in op.dtypes:
            return isinstance(op, Addition) and len(scaled) == 2 and self._summed(node, scaled)
        one_scale = all(t.quant == scaled[0].quant for t in scaled)
        if all(self.tensor(name).dtype is not DType.FLOAT32 for name in node.outputs):
            if not isinstance(op, (ArgExtreme, Comparison)) or not one_scale:
                return False
            self.nodes.append(replace(node, inputs=names))
            return True
        if isinstance(op, (Cast, IntegerPairwise)):
            return False
        if op.quant_rule(node.attrs).output is OutputRule.SAME_AS_INPUT:
            return one_scale and self._moved(node, names, scaled[0])
        if self._computed(node, op, names, scaled[0].dtype):
            return True
        return isinstance(op, Addition) and len(scaled) == 2 and self._summed(node, scaled)

    def _chosen(self, node: Node, op: Op) -> bool:
        """Real constants, of which something else chooses, in the scale of the QUANTIZE after it."""
        operands = [self.tensor(name) for name in node.inputs if name]
        real = [t for t in operands if t.dtype is DType.FLOAT32]
        if not real or not all(t.is_constant for t in real) or all(t.is_constant for t in operands):
            return False
        y = self._quantized(node)
        if y is None or y.dtype not in op.dtypes or op.quant_rule(node.attrs).output is not OutputRule.SAME_AS_INPUT:
            return False
        names = {t.name: unique_name(self.graph, f"{t.name}/{y.name}") for t in real}
        for t in real:
            data = frozen_array(quantized(from_real(t, y, node.loc), t.data))
            self.added[names[t.name]] = replace(t, name=names[t.name], dtype=y.dtype, quant=y.quant, data=data)
        self._become(node, tuple(names.get(name, name) for name in node.inputs), y)
        return True

    def _quantized(self, node: Node) -> Tensor | None:
        """What the one QUANTIZE makes of the only result that alone reads it."""
        after = sole_reader(self.graph, node.outputs[0], self.consumers)
        if len(node.outputs) != 1 or after is None or after.op != "QUANTIZE":
            return None
        y = self.tensor(after.outputs[0])
        return y if _is_scaled(y) else None

    def _become(self, node: Node, names: tuple[str, ...], y: Tensor) -> None:
        """The node with the result of the QUANTIZE that reads its own."""
        self.nodes.append(replace(node, inputs=names, outputs=(y.name,)))
        self.gone.add(y.name)

    def _summed(self, node: Node, operands: list[Tensor]) -> bool:
        """ADD or SUB in int16, whose result stands for the real one."""
        wide = [self._widened(t, node) for t in operands]
        largest = sum(float(t.quant.scale[0]) * 32768 for t in wide)
        like = replace(wide[0], quant=QuantParams([largest / 32767], [0]))
        return self._moved(node, tuple(t.name for t in wide), like)

    def _widened(self, tensor: Tensor, node: Node) -> Tensor:
        """As int16, exactly."""
        if tensor.dtype is DType.INT16:
            return tensor
        scale, zero_point = tensor.quant.per_tensor
        name = unique_name(self.graph, f"{tensor.name}/int16")
        if name not in self.added:
            quant = QuantParams([scale / 128], [0])
            data = None
            if tensor.data is not None:
                data = frozen_array((tensor.data.astype(np.int16) - zero_point) * 128, np.int16)
            else:
                self.nodes.append(Node("QUANTIZE", (tensor.name,), (name,), LookupAttrs(), node.loc))
            self.added[name] = replace(tensor, name=name, dtype=DType.INT16, quant=quant, data=data)
        return self.added[name]

    def _moved(self, node: Node, names: tuple[str, ...], like: Tensor) -> bool:
        """DEQUANTIZE after the node in place of before it."""
        after = []
        for name in node.outputs:
            tensor = self.tensor(name)
            if tensor.dtype is DType.FLOAT32:
                within = unique_name(self.graph, f"{name}/integers")
                self.added[within] = replace(tensor, name=within, dtype=like.dtype, quant=like.quant)
                self.integers[name] = within
                after.append(Node("DEQUANTIZE", (within,), (name,), DequantizeAttrs(), node.loc))
        self.nodes.append(replace(node, inputs=names, outputs=tuple(self.integers.get(n, n) for n in node.outputs)))
        self.nodes += after
        return True

    def _computed(self, node: Node, op: Op, names: tuple[str, ...], dtype: DType) -> bool:
        """An operator that rounds by itself."""
        y, rule = self._quantized(node), op.quant_rule(node.attrs)
        if y is None or y.dtype is not dtype or rule.weight is not None or rule.products or rule.carried:
            return False
        if rule.output is OutputRule.FIXED and y.quant.per_tensor != dict(rule.fixed).get(dtype):
            return False
        self._become(node, names, y)
        return True


def _is_scaled(tensor: Tensor) -> bool:
    return tensor.dtype in (DType.INT8, DType.INT16) and tensor.quant is not None and tensor.quant.axis is None


def _between_edges(graph: Graph) -> Graph:
    walk = _Walk(graph)
    for node in graph.nodes:
        if node.op in ("QUANTIZE", "DEQUANTIZE"):
            if node.outputs[0] not in walk.gone:
                walk.edge(node)
        elif walk.inner(node):
            walk.changed = True
        else:
            walk.nodes.append(node)
    if not walk.changed:
        return graph
    read = {*graph.kept, *(name for node in walk.nodes for name in node.inputs)}
    kept = [n for n in walk.nodes if n.op != "DEQUANTIZE" or n.outputs[0] in read]
    return graph.rewrite(kept, walk.added.values())
