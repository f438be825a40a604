"""Layers of two-valued inputs against TFLite's layers, which are given those values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir import DType, Node, QuantParams, Tensor
from edgeq.ops.binary_inputs import TwoLevels
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs

from .cases import cases_of
from .graphs import Case
from .test_conformance import simulate
from .witness import witness


@pytest.mark.parametrize("op", ["CONV_2D", "FULLY_CONNECTED"])
def test_tflite_computes_the_same_from_the_signs(op, case_count):
    """Its layer of int8 weights, given inputs that are −1 and 1."""
    for case in cases_of(f"BINARY_{op}", 31, case_count):
        assert np.array_equal(simulate(case.graph, case.inputs)[0], witness(of_signs(case, op))[0])


def of_signs(case: Case, op: str) -> Case:
    """The case of an ordinary layer whose input is what the binary one makes of it."""
    (node,) = case.graph.nodes
    x, w, *rest = case.graph.operands(node)
    levels: TwoLevels = node.attrs.levels
    signs = (levels.nearest(x.quant.dequantize(case.inputs[0])) / np.float32(levels.step) + levels.zero).round()
    assert set(np.unique(signs)) <= {-1.0, 1.0}
    attrs = vars(node.attrs).copy()
    del attrs["levels"]
    tensors = [replace(x, quant=levels.quant), replace(w, dtype=DType.INT8)]
    bias = rest[0] if rest and rest[0] is not None else None
    if bias is None and op == "CONV_2D":  # TFLite's convolution insists on one
        bias_quant = QuantParams(levels.quant.scale * w.quant.scale, [0] * w.quant.scale.size, w.quant.axis)
        bias = Tensor("b", (w.shape[0],), DType.INT32, bias_quant, np.zeros(w.shape[0], np.int32))
    tensors += [bias] if bias is not None else []
    kind = {"CONV_2D": Conv2DAttrs, "FULLY_CONNECTED": FullyConnectedAttrs}[op]
    ordinary = Node(op, tuple(t.name for t in tensors), node.outputs, kind(**attrs), op.lower())
    return Case(op, case.graph.rewrite([ordinary], tensors), (signs.astype(np.int8),))
