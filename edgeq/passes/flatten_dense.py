"""Gives every dense layer a matrix to work on."""

from __future__ import annotations

from dataclasses import replace

from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.passes.rewriting import unique_name


def flatten_dense(graph: Graph) -> Graph:
    """A FULLY_CONNECTED that keeps more than two dimensions becomes RESHAPE → FULLY_CONNECTED → RESHAPE. Exact.

    The reshapes cost nothing: they are other names for the same memory. TFLite 2.14's reference kernel for weights per
    channel takes the second dimension of the result for the number of units, so only matrices are safe in a file.
    """
    nodes: list[Node] = []
    added: dict[str, Tensor] = {}

    def flat(tensor: Tensor) -> Tensor:
        columns = tensor.shape[-1]
        name = unique_name(graph, f"{tensor.name}/matrix")
        return added.setdefault(name, Tensor(name, (tensor.size // columns, columns), DType.FLOAT32))

    for node in graph.nodes:
        if (
            node.op != "FULLY_CONNECTED"
            or not node.attrs.keep_num_dims
            or len(graph.tensors[node.outputs[0]].shape) < 3
        ):
            nodes.append(node)
            continue
        x, y = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
        seen = len(added)
        before, after = flat(x), flat(y)
        if len(added) - seen == 2:  # another layer may have flattened the same input
            nodes.append(Node("RESHAPE", (x.name,), (before.name,), ReshapeAttrs(before.shape), node.loc))
        attrs = replace(node.attrs, keep_num_dims=False)
        nodes.append(replace(node, inputs=(before.name, *node.inputs[1:]), outputs=(after.name,), attrs=attrs))
        nodes.append(Node("RESHAPE", (after.name,), (y.name,), ReshapeAttrs(y.shape), node.loc))
    return graph.rewrite(tuple(nodes), list(added.values()))
