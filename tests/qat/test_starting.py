"""Training begins at what `edgeq build` makes of the trained model."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import qat
from edgeq.ir import Graph, Node
from edgeq.passes import prepare_quantized
from edgeq.quant.calibration import open_calibration
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import choose_recipe
from edgeq.quant.schemes import SCHEMES
from edgeq.quant.tying import rule_of

from .test_every_scheme import KINDS, is_trainable, model_of, vectors_for

# shares its models
pytestmark = pytest.mark.xdist_group("qat-schemes")
FEW_BITS = {"weight_bits": 2, "activation_bits": 3}
# the model's graph has its channels scaled: scaling it once more would find other factors
UNSCALED = [name for name, each in SCHEMES.items() if is_trainable(each) and not each.scaling]


def constants(graph: Graph, node: Node, index: int | None) -> np.ndarray | None:
    if index is None or len(node.inputs) <= index or not node.inputs[index]:
        return None
    return graph.tensors[node.inputs[index]].data


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("scheme", "bits"), [*((name, {}) for name in UNSCALED), ("lsq", FEW_BITS)])
def test_the_integers_are_those_of_a_build(kind, scheme, bits):
    data = {"x": vectors_for(kind, 48, seed=1)}
    model = qat.prepare(model_of(kind), scheme, calibration=data, **bits)
    recipe = choose_recipe(scheme, None, **bits).check(model.graph)
    built = prepare_quantized(quantize(model.graph, open_calibration(data, model.graph), recipe))
    start = qat.integer_graph(model)
    results = {node.outputs[0]: node for node in built.nodes}
    compared = 0
    for node in start.nodes:
        other, rule = results[node.outputs[0]], rule_of(node)
        found, wanted = start.tensors[node.outputs[0]].quant, built.tensors[other.outputs[0]].quant
        np.testing.assert_allclose(found.scale, wanted.scale, rtol=1e-6)
        np.testing.assert_array_equal(found.zero_point, wanted.zero_point)
        if rule.weight is None:
            continue
        np.testing.assert_array_equal(constants(start, node, rule.weight), constants(built, other, rule.weight))
        bias = constants(start, node, rule.bias)
        if bias is not None and "no_bias" not in node.inputs[rule.bias]:
            # int32 and wider than float32
            np.testing.assert_allclose(bias, constants(built, other, rule.bias), rtol=1e-6, atol=1)
        compared += 1
    assert compared >= 2
