"""Float graphs in a few words, and the property that every pass must have."""

from __future__ import annotations

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor, frozen_array, verify_graph
from edgeq.ops import find_op
from edgeq.quant.evaluate import run


class Net:
    """Collects nodes; every method returns a tensor's name."""

    def __init__(self, seed: int = 0):
        self.rng = np.random.default_rng(seed)
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []

    def input(self, *shape: int) -> str:
        name = f"in{len(self.inputs)}"
        self.inputs.append(name)
        self.tensors[name] = Tensor(name, (1, *shape), DType.FLOAT32)
        return name

    def constant(self, values, dtype=np.float32) -> str:
        name = f"c{len(self.tensors)}"
        values = frozen_array(values, dtype)
        self.tensors[name] = Tensor(name, values.shape, DType(values.dtype.name), data=values)
        return name

    def random(self, *shape: int) -> str:
        return self.constant(self.rng.normal(size=shape))

    def node(self, op: str, *inputs: str, name: str = "", **attrs) -> str:
        values = find_op(op).Attrs(**attrs)
        (shape,) = find_op(op).infer(values, *(self.tensors[i] if i else None for i in inputs))
        name = name or f"{op.lower()}{len(self.nodes)}"
        self.tensors[name] = Tensor(name, shape, DType.FLOAT32)
        self.nodes.append(Node(op, inputs, (name,), values, name))
        return name

    def graph(self, *outputs: str) -> Graph:
        graph = Graph("net", self.tensors, tuple(self.nodes), tuple(self.inputs), outputs)
        return verify_graph(graph.rewrite(), "test")


def ops(graph: Graph) -> list[str]:
    """Operator names in execution order."""
    return [node.op for node in graph.nodes]


def assert_preserved(before: Graph, after: Graph, exactly: bool = False, vectors: int = 4) -> None:
    """Inputs and outputs keep name, shape and type, and the outputs their values on random data."""
    verify_graph(after, "pass")
    assert after.inputs == before.inputs and after.outputs == before.outputs
    rng = np.random.default_rng(99)
    inputs = {
        name: rng.normal(size=(vectors,) + before.tensors[name].shape).astype(np.float32) for name in before.inputs
    }
    old, new = run(before, inputs), run(after, inputs)
    for name in before.outputs:
        assert after.tensors[name].shape == before.tensors[name].shape
        assert after.tensors[name].dtype is before.tensors[name].dtype
        if exactly:
            np.testing.assert_array_equal(new[name], old[name])
        else:
            np.testing.assert_allclose(new[name], old[name], rtol=1e-4, atol=1e-4)
