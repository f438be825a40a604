"""What operators refuse, and the parts of them that the conformance test cannot reach."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from edgeq.errors import ModelError, QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor
from edgeq.ops import Activation, find_op
from edgeq.ops.broadcast import align, strides
from edgeq.ops.comparison import Comparison
from edgeq.ops.concatenation import ConcatenationAttrs
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.dequantize import DequantizeAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs
from edgeq.ops.integers import IntegerPairwise
from edgeq.ops.lookup import LookupAttrs
from edgeq.ops.mean import MeanAttrs
from edgeq.ops.padding import PadAttrs, PadParams
from edgeq.ops.pairwise import FusedPairwiseAttrs
from edgeq.ops.pooling import PoolAttrs
from edgeq.ops.reshape import ReshapeAttrs
from edgeq.ops.softmax import MAX_ROW, OUTPUT, SoftmaxAttrs

from .cases import cases_of, covered_ops, module_of
from .formats import formats_of
from .graphs import Case, activation_input, constant, one_node

RNG = np.random.default_rng(3)
UNIT = QuantParams([1.0], [0])
OTHER = QuantParams([1.0], [1])


def lower(graph: Graph, dialect: Dialect = Dialect.DOUBLE) -> Any:
    (node,) = graph.nodes
    return find_op(node.op).lower(node, graph, dialect)


def graph_of(op: str, attrs: Any, *operands: Tensor, output: QuantParams = UNIT) -> Graph:
    return one_node(RNG, op, list(operands), output, attrs).graph


def vector(name: str = "x", shape: tuple[int, ...] = (1, 8), quant: QuantParams = UNIT) -> Tensor:
    return activation_input(name, shape, quant)


@pytest.mark.parametrize(
    ("op", "attrs", "operands"),
    [
        ("AVERAGE_POOL_2D", PoolAttrs((2, 2)), [vector(shape=(1, 4, 4, 1))]),
        ("MAX_POOL_2D", PoolAttrs((2, 2)), [vector(shape=(1, 4, 4, 1))]),
        ("PAD", PadAttrs(), [vector(), constant("p", np.ones((2, 2), np.int32))]),
        ("CONCATENATION", ConcatenationAttrs(1), [vector("a"), vector("b")]),
        ("RESHAPE", ReshapeAttrs((8,)), [vector()]),
    ],
)
def test_what_only_moves_data_needs_one_quantization(op: str, attrs: Any, operands: list[Tensor]) -> None:
    lower(graph_of(op, attrs, *operands))
    with pytest.raises(QuantizationError, match="differ in scale or zero point"):
        lower(graph_of(op, attrs, *operands, output=OTHER))


def test_an_accumulator_that_overflows_is_refused() -> None:
    depth = 70_000  # 70,000 · 127 · 255 > 2^31
    w = constant("w", np.full((1, depth), 127, np.int8), UNIT)
    x = vector(shape=(1, depth), quant=QuantParams([1.0], [-128]))
    with pytest.raises(QuantizationError, match="accumulator can overflow"):
        lower(graph_of("FULLY_CONNECTED", FullyConnectedAttrs(), x, w, output=QuantParams([1e6], [0])))


@pytest.mark.parametrize("op", ["ABS", "LEAKY_RELU", "NEG", "QUANTIZE", "RELU"])
def test_a_shift_out_of_32_bits_is_refused(op: str) -> None:
    """-2^15 may go 16 places to the left, to -2^31."""
    x = Tensor("x", (1, 8), DType.INT16, UNIT)

    def lowered(result: float) -> Any:
        y = Tensor("y", (1, 8), DType.INT16, QuantParams([result], [0]))
        node = Node(op, ("x",), ("y",), find_op(op).Attrs(), "layer")
        return lower(Graph("g", {"x": x, "y": y}, (node,), ("x",), ("y",)))

    assert lowered(2.0**-15).params.shift == 16
    with pytest.raises(QuantizationError, match="layer.*can overflow 32 bits"):
        lowered(2.0**-16)


def test_the_accumulator_bound_is_reached() -> None:
    w = constant("w", np.array([[127, -128, 3]], np.int8), UNIT)
    b = constant("b", np.array([1000], np.int32), UNIT)
    x = vector(shape=(1, 3), quant=QuantParams([1.0], [-128]))
    lowered = lower(graph_of("FULLY_CONNECTED", FullyConnectedAttrs(), x, w, b, output=QuantParams([1e3], [0])))
    assert lowered.accumulator_bound == (127 + 128 + 3) * 255 + 1000


@pytest.mark.parametrize("row", [MAX_ROW[DType.INT8] + 1, 5000])
def test_a_softmax_of_long_rows_is_refused(row: int) -> None:
    with pytest.raises(QuantizationError, match="fixed-point softmax sums"):
        lower(
            graph_of(
                "SOFTMAX",
                SoftmaxAttrs(),
                vector(shape=(1, row)),
                output=QuantParams([OUTPUT[DType.INT8][0]], [OUTPUT[DType.INT8][1]]),
            )
        )


@pytest.mark.parametrize(("op", "attrs"), [("SOFTMAX", SoftmaxAttrs()), ("LOGISTIC", LookupAttrs())])
def test_fixed_results_are_checked(op: str, attrs: Any) -> None:
    with pytest.raises(QuantizationError, match="1/256"):
        lower(graph_of(op, attrs, vector()))


@pytest.mark.parametrize("op", ["ADD", "SUB"])
def test_a_sum_of_a_far_too_small_scale_is_refused(op: str) -> None:
    with pytest.raises(QuantizationError, match="between 0 and 1"):
        lower(graph_of(op, FusedPairwiseAttrs(), vector("a"), vector("b"), output=QuantParams([1e-7], [0])))


@pytest.mark.parametrize(("op", "attrs"), [("ADD", FusedPairwiseAttrs()), ("MUL", FusedPairwiseAttrs())])
def test_two_constants_are_refused(op: str, attrs: Any) -> None:
    values = np.ones(3, np.int8)
    graph = graph_of(op, attrs, constant("a", values, UNIT), constant("b", values, UNIT))
    with pytest.raises(ModelError, match="both operands are constants"):
        lower(graph)


def test_an_int8_concatenation_has_no_activation() -> None:
    with pytest.raises(QuantizationError, match="fused activation"):
        lower(graph_of("CONCATENATION", ConcatenationAttrs(0, Activation.RELU), vector()))


@pytest.mark.parametrize(("op", "attrs"), [("QUANTIZE", LookupAttrs()), ("DEQUANTIZE", DequantizeAttrs())])
def test_floats_inside_a_graph_are_refused(op: str, attrs: Any) -> None:
    graph = graph_of(op, attrs, Tensor("x", (1, 8), DType.FLOAT32))
    graph = replace(graph, inputs=(), outputs=())
    with pytest.raises(QuantizationError, match="float32 inside the graph"):
        lower(graph)


@pytest.mark.parametrize(
    ("op", "attrs", "operands", "message"),
    [
        ("ADD", FusedPairwiseAttrs(), [vector("a", (2, 3)), vector("b", (4,))], "do not broadcast"),
        ("MEAN", MeanAttrs(), [vector(), constant("axis", np.array([2], np.int32))], "do not exist"),
        ("MEAN", MeanAttrs(), [vector(), Tensor("axis", (1,), DType.INT32)], "computed at run time"),
        ("RESHAPE", ReshapeAttrs((3, -1)), [vector()], "do not fit"),
        ("RESHAPE", ReshapeAttrs((-1, -1)), [vector()], "do not fit"),
        ("PAD", PadAttrs(), [vector(), constant("p", np.full((2, 2), -1, np.int32))], "negative"),
        ("PAD", PadAttrs(), [vector(), constant("p", np.ones((3, 2), np.int32))], "needs shape"),
        ("CONCATENATION", ConcatenationAttrs(0), [vector("a"), vector("b", (1, 9))], "do not join"),
        ("CONCATENATION", ConcatenationAttrs(2), [vector()], "does not exist"),
        ("FULLY_CONNECTED", FullyConnectedAttrs(), [vector(), vector("w", (2, 3))], "does not fit"),
        ("AVERAGE_POOL_2D", PoolAttrs((9, 9)), [vector(shape=(1, 4, 4, 1))], "does not fit"),
        ("CONV_2D", Conv2DAttrs(), [vector(shape=(1, 4, 4, 0)), vector("w", (2, 1, 1, 3))], "do not fit"),
    ],
)
def test_operands_that_do_not_fit(op: str, attrs: Any, operands: list[Tensor], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        find_op(op).infer(attrs, *operands)


def test_the_dialects_differ_in_the_rounding_of_dense_layers_only() -> None:
    for op in covered_ops():
        case = cases_of(op, seed=1, count=1)[0]
        double, litert = (lower(case.graph, dialect).params for dialect in (Dialect.DOUBLE, Dialect.LITERT))
        if op == "FULLY_CONNECTED":
            assert (double.single_rounding, litert.single_rounding) == (0, 1)
            litert = replace(litert, single_rounding=0)
        for field in double.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(double, field), getattr(litert, field))


def test_a_difference_rounds_its_second_operand_before_it_subtracts() -> None:
    """Scales for which a sum with the negated multiplier would round other ties: the real difference is the judge."""
    # s2 / (2 · s1) · 2^31 is an odd multiple of 2^10: an odd operand, shifted by 20 bits, makes a tie
    second = float(Fraction(1) - Fraction(1, 2**21))
    a, b = vector("a", (256, 1)), vector("b", (1, 256), QuantParams([second], [0]))
    params = lower(graph_of("SUB", FusedPairwiseAttrs(), a, b, output=QuantParams([0.75], [0]))).params
    values = np.arange(-128, 128).astype(np.int8)
    (y,) = find_op("SUB").simulate(params, values[np.newaxis, :, np.newaxis], values[np.newaxis, np.newaxis, :])
    wide = values.astype(np.float64)
    real = (wide[:, np.newaxis] - second * wide) / 0.75
    assert np.abs(np.clip(real, -128, 127) - y[0]).max() <= 0.5001


@pytest.mark.parametrize(
    ("shape", "common", "expected"),
    [((3, 4), (3, 4), (4, 1)), ((4,), (3, 4), (0, 1)), ((3, 1), (3, 4), (1, 0)), ((), (2, 3), (0, 0))],
)
def test_strides_of_a_repeated_operand_are_zero(
    shape: tuple[int, ...], common: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert strides(shape, common) == expected


def test_padding_is_viewed_with_four_axes() -> None:
    params = PadParams((1, 3, 2, 2, 4), (1, 5, 2, 3, 4), (0, 1, 0, 0, 0), (0, 1, 0, 1, 0), 0)
    assert params.blocks.sizes == (1, 1, 6, 8)
    assert params.blocks.before == (0, 0, 2, 0)
    assert params.blocks.after == (0, 0, 2, 4)


# A second rounding, and the softmax's own approximation, cost up to half a step more than the last rounding. A bilinear
# scale is rounded to 1/1024: at index 15, that moves a position by 15/2048 pixels in each of two axes, 255 steps apart.
# A partial product is rounded to an integer, and multiplied by those that follow.
STEPS = {"RESIZE_BILINEAR": 1.05 + 2 * 15 / 2048 * 255, "REDUCE_PROD": 30}


def both_meanings(case: Case) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """The integer results of a case, and those of `evaluate` of what its operands stand for."""
    (node,) = case.graph.nodes
    operator = find_op(case.op)
    values = dict(zip(case.graph.inputs, case.inputs, strict=True))
    arrays = {
        t.name: values[t.name] if t.name in values else t.data[np.newaxis] for t in case.graph.operands(node) if t
    }
    reals = [_real(case.graph.tensors.get(name), arrays.get(name)) for name in node.inputs]
    lowered = lower(case.graph)
    integers = [arrays[name] for name in lowered.inputs]
    return operator.simulate(lowered.params, *integers), operator.evaluate(node.attrs, *reals)


def has_scales(op: str) -> bool:
    """Whether int8 results stand for real numbers: not where an operator takes integers as they are. Those that go on
    from step to step gather differences, which have a test of their own."""
    if getattr(module_of(op), "STATES", False):
        return False
    (case,) = cases_of(op, seed=5, count=1)
    if case.graph.states:
        return False
    results = case.graph.results(case.graph.nodes[0])
    return all(t.quant is not None for t in results) and not isinstance(find_op(op), IntegerPairwise)


@pytest.mark.parametrize("op", [op for op in covered_ops() if has_scales(op)])
def test_floats_and_integers_mean_the_same(op: str, case_count: int) -> None:
    """`evaluate` of the real operands lies within the integers' rounding of the real result. In finer steps than int8's
    the operators' own approximations show."""
    for case in cases_of(op, seed=5, count=case_count):
        result = case.graph.results(case.graph.nodes[0])[0]
        if result.dtype is not DType.INT8:
            continue
        scale, zero_point = result.quant.per_tensor
        for y, real in zip(*both_meanings(case), strict=True):
            wanted = np.clip(real.astype(np.float64) / scale + zero_point, -128, 127)
            assert real.shape == y.shape
            assert np.abs(wanted - y).max(initial=0.0) <= STEPS.get(op, 1.05), case


@pytest.mark.parametrize("op", [op for op in covered_ops() if isinstance(find_op(op), Comparison)])
def test_what_lies_apart_compares_as_its_numbers(op: str, case_count: int) -> None:
    """Quantized operands are compared by the 256th part of a number, each rounded on its own."""
    for case in cases_of(op, seed=5, count=case_count):
        (y,), (real,) = both_meanings(case)
        values = dict(zip(case.graph.inputs, case.inputs, strict=True))
        a, b = (_real(t, values.get(t.name, t.data[np.newaxis] if t.is_constant else None))
                for t in case.graph.operands(case.graph.nodes[0]))  # fmt: skip
        rank = y.ndim - 1
        apart = np.abs(align(a, rank) - align(b, rank)) > 1 / 256
        assert np.mean(apart) > 0.2
        np.testing.assert_array_equal(y[apart], real[apart], err_msg=str(case))


@pytest.mark.parametrize(
    ("op", "dtype"),
    [(op, dtype) for op in covered_ops() for dtype in (DType.INT32, DType.BOOL) if dtype in formats_of(op)],
)
def test_plain_integers_mean_themselves(op: str, dtype: DType, case_count: int) -> None:
    for case in cases_of(op, 5, case_count, dtype):
        for y, real in zip(*both_meanings(case), strict=True):
            np.testing.assert_array_equal(y, real.astype(y.dtype), err_msg=str(case))


def _real(t: Tensor | None, array: np.ndarray | None) -> np.ndarray | None:
    """The numbers that an operand stands for: indices and shapes stand for themselves."""
    if t is None or t.quant is None:
        return array
    if t.quant.axis is None:
        return t.quant.dequantize(array)
    return replace_axis(t.quant).dequantize(array)


def replace_axis(quant: QuantParams) -> QuantParams:
    """The same quantization of an array with the vector axis in front."""
    return QuantParams(quant.scale, quant.zero_point, quant.axis + 1)


def test_int4_weights_go_with_int8_activations_only() -> None:
    case = next(c for c in cases_of("FULLY_CONNECTED", 1, 2, DType.INT16))
    w = case.graph.tensors["w"]
    narrow = Tensor("w", w.shape, DType.INT4, w.quant, np.clip(w.data, -8, 7))
    with pytest.raises(QuantizationError, match="int4 weights need int8 activations"):
        lower(case.graph.rewrite(tensors=[narrow]))
