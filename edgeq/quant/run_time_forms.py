"""Float operators that have no form on blocks, as others that have one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array
from edgeq.ops import Activation
from edgeq.ops.concatenation import ConcatenationAttrs
from edgeq.ops.function import FunctionAttrs
from edgeq.ops.mean import MeanAttrs
from edgeq.ops.pairwise import FusedPairwiseAttrs, PairwiseAttrs
from edgeq.ops.reshape import ReshapeAttrs


def with_block_forms(graph: Graph) -> Graph:
    """The graph with such operators replaced; the same outputs in real numbers."""
    work = _Work(graph)
    for node in graph.nodes:
        form = _FORMS.get(node.op)
        if form is None or not form(work, node):
            work.nodes.append(node)
    return graph.rewrite(work.nodes, work.tensors.values())


@dataclass
class _Work:
    graph: Graph
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def tensor(
        self, like: Node, shape: tuple[int, ...], dtype: DType = DType.FLOAT32, data: np.ndarray | None = None
    ) -> str:
        """A new one, named after the node's result."""
        name, count = f"{like.outputs[0]}/{len(self.tensors)}", 1
        while name in self.graph.tensors or name in self.tensors:
            count += 1
            name = f"{like.outputs[0]}/{len(self.tensors)}:{count}"
        self.tensors[name] = Tensor(name, shape, dtype, data=data)
        return name

    def constant(self, like: Node, values: object, dtype: DType) -> str:
        data = frozen_array(values, dtype.numpy)
        return self.tensor(like, data.shape, dtype, data)

    def emit(self, like: Node, op: str, inputs: tuple[str, ...], attrs: object, result: str = "") -> str:
        """A node in the place of `like`; its result, of the shape of that one's."""
        result = result or self.tensor(like, self.graph.tensors[like.outputs[0]].shape)
        self.nodes.append(Node(op, inputs, (result,), attrs, like.loc))
        return result


def _mean(work: _Work, node: Node) -> bool:
    """Average pooling of whole images as MEAN: of sums a range is found, of rounded averages none."""
    (x,) = work.graph.operands(node)
    (y,) = work.graph.results(node)
    if node.attrs.activation is not Activation.NONE or y.shape[1:3] != (1, 1) or x.shape[1:3] != node.attrs.filter:
        return False
    axes = work.constant(node, [1, 2], DType.INT32)
    work.emit(node, "MEAN", (x.name, axes), MeanAttrs(keep_dims=True), y.name)
    return True


def _prelu(work: _Work, node: Node) -> bool:
    """The larger of x and slope · x, where no slope is above 1; else max(x, 0) + slope · min(x, 0)."""
    x, slope = work.graph.operands(node)
    result = node.outputs[0]
    if slope.data is not None and np.all(slope.data <= 1):
        product = work.emit(node, "MUL", (x.name, slope.name), FusedPairwiseAttrs())
        work.emit(node, "MAXIMUM", (x.name, product), PairwiseAttrs(), result)
        return True
    zero = work.constant(node, [0.0], DType.FLOAT32)
    above = work.emit(node, "MAXIMUM", (x.name, zero), PairwiseAttrs())
    below = work.emit(node, "MINIMUM", (x.name, zero), PairwiseAttrs())
    product = work.emit(node, "MUL", (below, slope.name), FusedPairwiseAttrs())
    work.emit(node, "ADD", (above, product), FusedPairwiseAttrs(), result)
    return True


def _pack(work: _Work, node: Node) -> bool:
    """CONCATENATION of operands with one more axis; what is no real number is packed as it is."""
    (y,) = work.graph.results(node)
    if y.dtype is not DType.FLOAT32:
        return False
    axis = node.attrs.axis % len(y.shape)
    one = (*y.shape[:axis], 1, *y.shape[axis + 1 :])
    parts = [work.emit(node, "RESHAPE", (x,), ReshapeAttrs(one), work.tensor(node, one)) for x in node.inputs]
    work.emit(node, "CONCATENATION", tuple(parts), ConcatenationAttrs(axis), y.name)
    return True


def _negative(work: _Work, node: Node) -> bool:
    """The product with −1."""
    work.emit(node, "MUL", (*node.inputs, _minus_one(work, node)), FusedPairwiseAttrs(), node.outputs[0])
    return True


def _magnitude(work: _Work, node: Node) -> bool:
    """The larger of x and −x."""
    negative = work.emit(node, "MUL", (*node.inputs, _minus_one(work, node)), FusedPairwiseAttrs())
    work.emit(node, "MAXIMUM", (*node.inputs, negative), PairwiseAttrs(), node.outputs[0])
    return True


def _square(work: _Work, node: Node) -> bool:
    """The product with itself."""
    work.emit(node, "MUL", node.inputs * 2, FusedPairwiseAttrs(), node.outputs[0])
    return True


def _squared_difference(work: _Work, node: Node) -> bool:
    difference = work.emit(node, "SUB", node.inputs, FusedPairwiseAttrs())
    work.emit(node, "MUL", (difference, difference), FusedPairwiseAttrs(), node.outputs[0])
    return True


def _quotient(work: _Work, node: Node) -> bool:
    """The product with the reciprocal."""
    x, y = node.inputs
    shape = work.graph.tensors[y].shape
    reciprocal = FunctionAttrs("power", (-1.0,))
    inverse = work.emit(node, "FUNCTION", (y,), reciprocal, work.tensor(node, shape))
    work.emit(node, "MUL", (x, inverse), FusedPairwiseAttrs(node.attrs.activation), node.outputs[0])
    return True


def _minus_one(work: _Work, node: Node) -> str:
    return work.constant(node, [-1.0], DType.FLOAT32)


_FORMS: dict[str, Callable[[_Work, Node], bool]] = {
    "ABS": _magnitude,
    "AVERAGE_POOL_2D": _mean,
    "DIV": _quotient,
    "NEG": _negative,
    "PACK": _pack,
    "PRELU": _prelu,
    "SQUARE": _square,
    "SQUARED_DIFFERENCE": _squared_difference,
}
