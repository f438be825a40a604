"""Sums that become a block at once: nothing changes but where they are kept."""

from __future__ import annotations

import numpy as np

from edgeq import api
from edgeq.ops import Activation
from edgeq.passes import prepare_quantized
from edgeq.passes.fuse_ranges import fuse_ranges
from edgeq.quant.recipes import as_recipe
from edgeq.quant.run_time import quantize_at_run_time
from edgeq.quant.schemes import find_scheme
from edgeq.simulate import simulate
from edgeq.target import load_board
from edgeq.vectors import program_inputs

from ..quant.nets import data_for
from .net import Net

CPU = load_board("mps2-an386").soc.cpu


def graph_of():
    """Two whose sums become blocks, and one whose sums are an output."""
    net = Net(3)
    x = net.node(
        "CONV_2D", net.input(6, 6, 3), net.random(8, 3, 3, 3), net.random(8), name="a", activation=Activation.RELU
    )
    x = net.node("DEPTHWISE_CONV_2D", x, net.random(1, 3, 3, 8), net.random(8), name="b")
    return net.graph(net.node("CONV_2D", x, net.random(4, 1, 1, 8), name="c"))


def outputs(graph, data):
    program = api.compile_graph(prepare_quantized(graph), CPU).program
    return simulate(program, program_inputs(program, [data[name] for name in graph.inputs])), program


def test_it_computes_the_same_with_less_in_memory():
    graph = graph_of()
    data = data_for(graph, 5)
    apart = quantize_at_run_time(graph, as_recipe(find_scheme("dynamic")).check(graph))
    fused = fuse_ranges(apart)
    assert [n.op for n in fused.nodes if "RANGED" in n.op] == [
        "DYNAMIC_RANGED_CONV_2D",
        "DYNAMIC_RANGED_DEPTHWISE_CONV_2D",
    ]
    assert {n.op for n in fused.nodes} >= {
        "DYNAMIC_CONV_2D",
        "DYNAMIC_QUANTIZE",
    }  # the output's sums, the input's block
    (expected, of_apart), (found, of_fused) = outputs(apart, data), outputs(fused, data)
    for y, meant in zip(found, expected, strict=True):
        np.testing.assert_array_equal(y, meant)
    largest = [max(t.nbytes for t in program.tensors.values() if t.data is None) for program in (of_apart, of_fused)]
    assert largest[1] < largest[0]


def test_sums_that_others_read_stay():
    apart = quantize_at_run_time(graph_of(), as_recipe(find_scheme("dynamic")))
    sums = next(n for n in apart.nodes if n.op == "DYNAMIC_DEPTHWISE_CONV_2D").outputs[0]
    shown = apart.rewrite(outputs=(*apart.outputs, sums))
    assert "DYNAMIC_RANGED_DEPTHWISE_CONV_2D" not in {n.op for n in fuse_ranges(shown).nodes}
