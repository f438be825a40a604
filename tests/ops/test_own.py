"""Operators that TFLite has no integers for: their definition stays near its meaning in real numbers.

That the C equals the definition is tested with all other operators, in test_firmware.py.
"""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.errors import ModelError
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph
from edgeq.ops import find_op
from edgeq.ops.binary_inputs import BinaryInputs

from .cases import cases_of, module_of, own_formats
from .graphs import Case
from .test_conformance import simulate

SEED = 909
OWN = [pytest.param(op, dtype, id=f"{op}-{dtype.value}") for op, dtype in own_formats()]


def real_operands(graph: Graph, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray | None]:
    """What the integers of a node's operands stand for, in float64; constants with one vector."""
    values = dict(zip(graph.inputs, inputs, strict=True))
    found = []
    for tensor in graph.operands(graph.nodes[0]):
        if tensor is None:
            found.append(None)
            continue
        array = values[tensor.name] if tensor.data is None else tensor.data[np.newaxis]
        scale, zero = tensor.quant.scale.astype(np.float64), tensor.quant.zero_point
        if tensor.quant.axis is not None:
            shape = [1] * array.ndim
            shape[1 + tensor.quant.axis] = -1
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        found.append(scale * (array.astype(np.float64) - zero))
    return found


def distances(case: Case) -> list[np.ndarray]:
    """The differences between each integer result and the real one, in steps; within the range of its type. An operator
    whose scales are found at run time has a measure of its own."""
    (node,) = case.graph.nodes
    if hasattr(module_of(case.op), "distances"):
        return module_of(case.op).distances(case, simulate(case.graph, case.inputs))
    exact = module_of(case.op).meaning(node.attrs, *real_operands(case.graph, case.inputs))
    found_at = []
    for real, found, result in zip(
        exact if isinstance(exact, tuple) else (exact,),
        simulate(case.graph, case.inputs),
        case.graph.results(node),
        strict=True,
    ):
        scale, zero = result.quant.per_tensor
        assert found.shape == real.shape
        found_at.append(np.abs(found - np.clip(real / scale + zero, *result.dtype.range)))
    return found_at


def bounds(case: Case, dtype: DType) -> tuple[float | np.ndarray, ...]:
    module = module_of(case.op)
    if hasattr(module, "bounds") and dtype is DType.INT16:
        return module.bounds(case)
    return module.BOUND[dtype] if isinstance(module.BOUND, dict) else (module.BOUND,)


@pytest.mark.parametrize(("op", "dtype"), OWN)
def test_stays_near_its_meaning(op: str, dtype: DType, case_count: int) -> None:
    largest = 0.0
    for case in cases_of(op, SEED, case_count, dtype):
        found = distances(case)
        for distance, bound in zip(found, bounds(case, dtype), strict=True):
            assert np.all(distance <= bound), f"{case}: {float(np.max(distance - bound))} above {bound}"
        largest = np.maximum(largest, [np.max(distance) for distance in found])
    # it rounds to nearest: less would mean that nothing was compared
    assert np.all(largest > getattr(module_of(op), "LEAST", 0.4))


@pytest.mark.parametrize(
    ("op", "dtype"),
    # binary inputs are written as other operators: tests/passes/test_binary_inputs.py
    [each for each in OWN if not isinstance(find_op(each.values[0]), BinaryInputs)],
)
def test_no_tflite_file_can_hold_it(op: str, dtype: DType) -> None:
    (case,) = cases_of(op, SEED, 1, dtype)
    with pytest.raises(ModelError, match="cannot be written"):
        export_tflite(case.graph)
