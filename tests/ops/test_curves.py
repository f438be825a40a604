"""Functions of int16 that TFLite has no kernel for stay near their real values, also steep ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.ir import DType, QuantParams
from edgeq.ops import find_op
from edgeq.ops.function import FunctionAttrs
from edgeq.ops.lookup import Curve

from .cases import cases_of, covered_formats, module_of
from .formats import in_int16
from .graphs import activation_input, one_node
from .lookups import interpolation_bounds
from .test_conformance import simulate
from .witness import witness

SEED = 31
ALONE = [
    op
    for op, dtype in covered_formats()
    if dtype is DType.INT16
    and isinstance(find_op(op), Curve)
    and dtype in getattr(module_of(op), "WITHOUT_REFERENCE", ())
]


@pytest.mark.parametrize("op", ALONE)
def test_stays_near_the_float_operator(op: str, case_count: int) -> None:
    largest = 0.0
    for case in cases_of(op, SEED, case_count, DType.INT16):
        (node,) = case.graph.nodes
        x, y = case.graph.tensors["x"].quant, case.graph.tensors["y"].quant

        def real(values: np.ndarray, node=node) -> np.ndarray:
            return find_op(node.op).evaluate(node.attrs, values.astype(np.float32))[0].astype(np.float64)

        (found,) = simulate(case.graph, case.inputs)
        exact = np.clip(real(x.scale[0] * case.inputs[0].astype(np.float64)) / y.scale[0], -32768, 32767)
        distance = np.abs(found - exact)
        assert np.all(distance <= interpolation_bounds(case, real)), str(case)
        largest = max(largest, float(distance.max()))
    assert largest > 0.4


def test_gelu_is_within_a_step_of_litert(case_count: int) -> None:
    cases = cases_of("GELU", SEED, case_count, DType.INT16)
    distances = [np.abs(simulate(c.graph, c.inputs)[0].astype(np.int64) - witness(c, litert=True)[0]) for c in cases]
    assert np.max(distances) <= 1
    assert np.mean(distances) < 0.001


def test_a_jump_over_the_whole_range_does_not_wrap_around() -> None:
    rng = np.random.default_rng(0)
    x = activation_input("x", (1, 1024), QuantParams([1.0], [0]))
    attrs = FunctionAttrs("threshold", (100.0, -30000.0))
    case = in_int16(one_node(rng, "FUNCTION", [x], QuantParams([1.0], [0]), attrs), rng)
    y = replace(case.graph.tensors["y"], quant=QuantParams([x.quant.scale[0] / 65536], [0]))
    graph = replace(case.graph, tensors={**case.graph.tensors, "y": y})
    values = np.arange(-32768, 32768, 64, dtype=np.int16).reshape(1, 1, 1024)
    (found,) = simulate(graph, (values,))
    assert np.all(np.diff(found.astype(np.int64)) >= 0)
    assert (found.min(), found.max()) == (-32768, 32767)
