"""Graph → Graph, one function per file, each preserving the outputs; the two chains that every model goes through."""

from __future__ import annotations

import enum

from edgeq.ir import Graph, verify_graph
from edgeq.passes.binary_inputs import fuse_binary_inputs
from edgeq.passes.dequantize_constants import dequantize_constants
from edgeq.passes.flatten_dense import flatten_dense
from edgeq.passes.fold_constants import fold_constants
from edgeq.passes.fold_scale_offset import fold_into_next, fold_scale_offset
from edgeq.passes.fuse_activations import fuse_activations
from edgeq.passes.integer_states import integer_states
from edgeq.passes.remove_dead import remove_dead
from edgeq.passes.remove_no_ops import remove_no_ops
from edgeq.passes.rewriting import Pass
from edgeq.passes.sink_reshapes import sink_reshapes
from edgeq.passes.strip_edges import add_float_edges, strip_edges, strip_uint8_edges

__all__ = [
    "FLOAT_PASSES",
    "QUANTIZED_PASSES",
    "Edges",
    "apply",
    "prepare_float",
    "prepare_quantized",
    "with_float_edges",
]

FLOAT_PASSES: tuple[Pass, ...] = (
    remove_dead,
    dequantize_constants,
    fold_constants,
    flatten_dense,
    remove_no_ops,
    sink_reshapes,
    fold_scale_offset,
    fuse_activations,
    fold_into_next,
    remove_no_ops,
    remove_dead,
)
QUANTIZED_PASSES: tuple[Pass, ...] = (integer_states, fuse_binary_inputs, strip_edges, remove_no_ops, remove_dead)
QUANTIZED_PASSES_WITH_FLOATS: tuple[Pass, ...] = (
    integer_states,
    fuse_binary_inputs,
    strip_uint8_edges,
    remove_no_ops,
    remove_dead,
)


def apply(graph: Graph, passes: tuple[Pass, ...]) -> Graph:
    """The passes one after the other, the graph verified after each."""
    for each in passes:
        graph = verify_graph(each(graph), each.__name__)
    return graph


def prepare_float(graph: Graph) -> Graph:
    """A float graph ready to be quantized: fewer nodes, the same outputs up to float32 rounding of folded weights."""
    return apply(graph, FLOAT_PASSES)


class Edges(enum.Enum):
    """What the inputs and outputs of the firmware are: integers, or real numbers where the model has them."""

    INTEGER = "integer"
    FLOAT = "float"


def prepare_quantized(graph: Graph, edges: Edges = Edges.INTEGER) -> Graph:
    """An already quantized graph; every integer it computes stays the same. Its inputs and outputs become integers, or
    the float ones among them stay."""
    return apply(graph, QUANTIZED_PASSES if edges is Edges.INTEGER else QUANTIZED_PASSES_WITH_FLOATS)


def with_float_edges(graph: Graph) -> Graph:
    """A graph that was quantized here, with its float inputs and outputs as they were."""
    return apply(graph, (add_float_edges,))
