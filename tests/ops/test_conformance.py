"""Every operator computes, to the bit, what TFLite's reference kernels compute."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq import fixedpoint, importers
from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, QuantParams
from edgeq.kernels import choose_kernel
from edgeq.ops import Lowered, Op, find_op, known_ops, weighted
from edgeq.ops.lookup import LookupAttrs
from edgeq.target import load_cpu

from .cases import NOT_NODES, all_cases, cases_of, compared_formats, covered_formats, covered_ops, module_of
from .graphs import Case, activation_input, one_node
from .one_op import run_litert
from .witness import model_of, witness

SEED = 2024
FORMATS = [pytest.param(op, dtype, id=f"{op}-{dtype.value}") for op, dtype in covered_formats()]
COMPARED = [pytest.param(op, dtype, id=f"{op}-{dtype.value}") for op, dtype in compared_formats()]
# A file has states as variables, where a case has operands and results: their tests are elsewhere.
IN_FILES = [p for p in COMPARED if not getattr(module_of(p.values[0]), "STATES", False)]


def simulate(graph: Graph, inputs: tuple[np.ndarray, ...], dialect: Dialect = Dialect.DOUBLE) -> list[np.ndarray]:
    """The outputs of a graph of one node, lowered and simulated; with states, the vectors are a sequence."""
    (node,) = graph.nodes
    op = find_op(node.op)
    lowered = op.lower(node, graph, dialect)
    if graph.states:
        return _simulate_sequence(graph, op, lowered, inputs)
    values = dict(zip(graph.inputs, inputs, strict=True))
    operands = [values[name] if name in values else graph.tensors[name].data[np.newaxis] for name in lowered.inputs]
    return list(op.simulate(lowered.params, *operands))


def _simulate_sequence(graph: Graph, op: Op, lowered: Lowered, inputs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    (node,) = graph.nodes
    memory = {state.read: state.initial[np.newaxis] for state in graph.states}
    steps = []
    for vector in range(len(inputs[0])):
        values = {**memory, **{name: x[vector : vector + 1] for name, x in zip(graph.inputs, inputs, strict=True)}}
        results = dict(
            zip(node.outputs, op.simulate(lowered.params, *(values[name] for name in lowered.inputs)), strict=True)
        )
        memory = {state.read: results[state.written] for state in graph.states}
        steps.append([results[name] for name in graph.outputs])
    return [np.concatenate(column) for column in zip(*steps, strict=True)]


def assert_equal(ours: list[np.ndarray], theirs: list[np.ndarray], case: Case) -> None:
    for y, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(y, expected, err_msg=str(case), strict=True)


@pytest.mark.parametrize("op", known_ops())
def test_every_operator_has_cases(op: str) -> None:
    assert op in covered_ops() or op in NOT_NODES


@pytest.mark.parametrize(("op", "dtype"), COMPARED)
def test_equals_tflite(op: str, dtype: DType, case_count: int) -> None:
    for case in cases_of(op, SEED, case_count, dtype):
        theirs = witness(case)
        assert_equal(simulate(case.graph, case.inputs), theirs, case)


@pytest.mark.parametrize(("op", "dtype"), COMPARED)
def test_equals_litert(op: str, dtype: DType, case_count: int) -> None:
    for case in cases_of(op, SEED, case_count, dtype):
        if _litert_differs(case):
            continue
        theirs = witness(case, litert=True)
        assert_equal(simulate(case.graph, case.inputs, Dialect.LITERT), theirs, case)


def _litert_differs(case: Case) -> bool:
    """LiteRT reads int32 biases of int16 layers as int64, sums in 64 bits in transposed ones without a bias, and
    multiplies the sums of dense ones by a double. Its ties of negative slopes go towards zero, and its quotient of the
    least int8 by -1 saturates."""
    if case.op == "LEAKY_RELU" and case.graph.nodes[0].attrs.alpha < 0:
        return True
    if case.op == "FLOOR_DIV" and _divides_the_least(case):
        return True
    if DType.INT16 not in {case.graph.tensors[name].dtype for name in case.graph.inputs}:
        return False
    bias = case.graph.tensors.get("b")
    narrow = bias is not None and bias.dtype is DType.INT32
    return (
        case.op == "FULLY_CONNECTED"
        or (case.op == "CONV_2D" and narrow)
        or (case.op == "TRANSPOSE_CONV" and (narrow or bias is None))
    )


def _divides_the_least(case: Case) -> bool:
    """Whether somewhere the least integer is a dividend and -1 a divisor."""
    given = dict(zip(case.graph.inputs, case.inputs, strict=True))
    a, b = (given.get(x.name, x.data) for x in case.graph.operands(case.graph.nodes[0]))
    return bool((a == np.iinfo(a.dtype).min).any() and (b == -1).any())


@pytest.mark.parametrize("op", ["EMBEDDING_LOOKUP", "ONE_HOT"])
def test_integers_are_copied_whatever_scale_they_are_given(op: str) -> None:
    """TF 2.14's converter measures tables, values and results of these apart."""
    for index, case in enumerate(cases_of(op, SEED, 4)):
        tensors = dict(case.graph.tensors)
        for name in {"table", "on", "off", "y"} & set(tensors):
            scale = tensors[name].quant.scale * np.float32(1 + 0.1 * index + 0.01 * len(name))
            tensors[name] = replace(tensors[name], quant=QuantParams(scale, [index]))
        case = Case(op, replace(case.graph, tensors=tensors), case.inputs)
        assert_equal(simulate(case.graph, case.inputs), witness(case), case)


def test_an_exponential_beyond_int32_saturates_as_in_litert() -> None:
    """TFLite 2.14 is undefined there, so the cases stay below."""
    x = activation_input("x", (1, 256), QuantParams([0.5], [-128]))
    case = one_node(np.random.default_rng(0), "EXP", [x], QuantParams([0.01], [0]), LookupAttrs())
    every = np.arange(-128, 128, dtype=np.int8).reshape(1, 1, 256)
    theirs = run_litert(model_of(case), (every,))
    assert theirs[0][0, 0, -1] == 127
    assert_equal(simulate(case.graph, (every,)), theirs, case)


@pytest.mark.parametrize(("op", "dtype"), IN_FILES)
def test_the_imported_file_computes_the_same(op: str, dtype: DType, case_count: int, tmp_path: Path) -> None:
    for case in cases_of(op, SEED, case_count, dtype):
        path = tmp_path / "model.tflite"
        path.write_bytes(model_of(case))
        imported = importers.load(path)
        theirs = witness(case)
        assert_equal(simulate(imported, case.inputs), theirs, case)


@pytest.mark.parametrize(("op", "dtype"), IN_FILES)
def test_the_exported_file_computes_the_same(op: str, dtype: DType, case_count: int) -> None:
    for case in cases_of(op, SEED, case_count, dtype):
        assert_equal(simulate(case.graph, case.inputs), witness(case, export_tflite(case.graph)), case)


@pytest.mark.parametrize(("op", "dtype"), FORMATS)
def test_results_use_their_range(op: str, dtype: DType, case_count: int) -> None:
    """Cases whose results all saturate would prove nothing."""
    results = [y for case in cases_of(op, SEED, case_count, dtype) for y in simulate(case.graph, case.inputs)]
    if dtype is DType.BOOL:
        assert {bool(value) for y in results for value in y.ravel()} == {False, True}
        return
    inner = sum(int(np.sum((y > _ends(y).min) & (y < _ends(y).max))) for y in results)
    assert inner > sum(y.size for y in results) // 20


def _ends(y: np.ndarray) -> np.iinfo:
    return np.iinfo(y.dtype if y.dtype.kind == "i" else np.int8)


@pytest.mark.parametrize("cpu", ["cortex-m0", "cortex-m4f", "cortex-m55"])
def test_every_case_has_a_kernel(cpu: str, case_count: int) -> None:
    core = load_cpu(cpu)
    for case in all_cases(SEED, case_count):
        (node,) = case.graph.nodes
        op = find_op(node.op)
        if not op.alias:
            params = op.lower(node, case.graph, Dialect.DOUBLE).params
            assert case.op in choose_kernel(case.op, params, core, str(case)).ops


def test_cases_repeat() -> None:
    first, second = all_cases(SEED, 3), all_cases(SEED, 3)
    assert [c.op for c in first] == [c.op for c in second]
    for a, b in zip(first, second, strict=True):
        assert all(np.array_equal(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))


@pytest.mark.parametrize("op", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_a_wrong_rounding_is_caught(op: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The seeded mutant: rounding once where TFLite rounds twice differs by one here and there, and must be noticed."""

    real = fixedpoint.int8_requantizer

    def rounds_once(*args: Any, single: bool = False, **options: Any) -> Any:
        return real(*args, single=True, **options)

    monkeypatch.setattr(weighted, "int8_requantizer", rounds_once)
    differing = 0
    # the two differ in about one of a thousand results
    for case in cases_of(op, SEED, 40):
        (theirs,) = witness(case)
        differing += int(np.sum(simulate(case.graph, case.inputs)[0] != theirs))
    assert differing > 0
