"""Weights whose sums outgrow the bits they share with others: every weight and every input at its end."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.ir import DType, QuantParams, Tensor
from edgeq.kernels.packing import steps_within
from edgeq.lower import lower
from edgeq.memory import plan_memory
from edgeq.ops import Activation
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import verify_on

from ..merging import side_by_side
from ..tools import needs_host, needs_qemu
from .graphs import Case, activation_input, one_node

BOARD = load_board("mps2-an386")
DEPTHS = (64, 66, 128, 134, 1100, 2300)
UNITS = 6


def case(op: str, depth: int, dtype: DType = DType.TERNARY, rows: int = 0) -> Case:
    """Units of −1, of 1, of both by turns and of chance; results that need all of int8 at the ends. Of `rows` rows of a
    window those of −1 and 1 alone."""
    rng = np.random.default_rng(depth)
    units = 2 if rows else UNITS
    w = rng.choice([-1, 1] if dtype is DType.BINARY else [-1, 0, 1], (units, depth)).astype(np.int8)
    w[0], w[1] = -1, 1
    if rows:
        shape = (units, rows, 1, depth // rows)
    else:
        w[2], w[3] = np.where(np.arange(depth) % 2, 1, -1), 1
        shape = (units, 1, 1, depth) if op == "CONV_2D" else (units, depth)
    weights = Tensor("w", shape, dtype, QuantParams(np.ones(units), np.zeros(units), 0), w.reshape(shape))
    bias_quant = QuantParams(np.ones(units), np.zeros(units), 0)
    bias = Tensor("b", (units,), DType.INT32, bias_quant, rng.integers(-99, 100, units).astype(np.int32))
    image = (1, 2 + rows, 4, shape[-1])
    x = activation_input("x", image if op == "CONV_2D" else (1, depth), QuantParams([1.0], [0]))
    attrs = Conv2DAttrs() if op == "CONV_2D" else FullyConnectedAttrs(Activation.NONE)
    made = one_node(rng, op, [x, weights, bias], QuantParams([1.1 * depth], [3]), attrs)
    (values,) = made.inputs
    values = values.copy()
    values[0], values[1] = -128, 127
    return Case(op, made.graph, (values,))


def dense_case(depth: int) -> Case:
    """The same with weights of int8: units of −127, of 127 and of both by chance, whose sums need 24 bits and more."""
    ternary = case("FULLY_CONNECTED", depth)
    w = ternary.graph.tensors["w"]
    rng = np.random.default_rng(depth)
    data = np.where(w.data == 0, rng.choice([-127, 127], w.shape), 127 * w.data).astype(np.int8)
    tensors = {**ternary.graph.tensors, "w": replace(w, dtype=DType.INT8, data=data)}
    tensors["y"] = replace(tensors["y"], quant=QuantParams([127.0 * 1.1 * depth], [3]))
    return replace(ternary, graph=replace(ternary.graph, tensors=tensors))


def int4_case(op: str, depth: int) -> Case:
    """The same with weights of int4: −7, 7 and both by chance."""
    ternary = case(op, depth)
    w = ternary.graph.tensors["w"]
    rng = np.random.default_rng(depth)
    data = np.where(w.data == 0, rng.choice([-7, 7], w.shape), 7 * w.data).astype(np.int8)
    tensors = {**ternary.graph.tensors, "w": replace(w, dtype=DType.INT4, data=data)}
    tensors["y"] = replace(tensors["y"], quant=QuantParams([7.0 * 1.1 * depth], [3]))
    return replace(ternary, graph=replace(ternary.graph, tensors=tensors))


CASES = {
    f"{op.lower()}_{dtype.value}_{depth}": case(op, depth, dtype)
    for op in ("CONV_2D", "FULLY_CONNECTED")
    for dtype in (DType.TERNARY, DType.BINARY)
    for depth in DEPTHS
}
# sums of a row fit, those of three do not
CASES |= {
    f"rows_{dtype.value}_{depth}": case("CONV_2D", depth, dtype, rows=3)
    for dtype, depths in ((DType.TERNARY, (150, 189)), (DType.BINARY, (300, 381)))
    for depth in depths
}
CASES |= {f"dense_{depth}": dense_case(depth) for depth in (512, 523, 1155, 2300)}
#: Inputs whose sums of products with weights of 7 the int4 kernels hold.
MOST_INT4 = 584
CASES |= {f"{op.lower()}_int4": int4_case(op, MOST_INT4) for op in ("CONV_2D", "FULLY_CONNECTED")}


@pytest.mark.xdist_group("long-sums")
@needs_host
@needs_qemu
def test_long_sums(tmp_path):
    graph = side_by_side("long_sums", {name: each.graph for name, each in CASES.items()})
    inputs = [each.inputs[0] for each in CASES.values()]
    program = lower(graph, BOARD.soc.cpu)
    assert {call.kernel.split("_dsp")[-1] for call in program.calls} == {"_s8", "_s4"}
    assert any(call.extras["segment"][0] < call.params.depth for call in program.calls if "segment" in call.extras)
    folder = tmp_path / "firmware"
    folder.mkdir()
    write_files(emit(program, plan_memory(program), BOARD), folder)
    for session in (open_host(build(folder, "host")), open_qemu(BOARD, build(folder, "target"), icount=False)):
        with session:
            result = verify_on(program, session, inputs, session.name)
        assert result.equal, result.first_difference


@pytest.mark.parametrize("op", ["CONV_2D", "FULLY_CONNECTED"])
def test_int4_sums_that_could_leave_their_bits_are_for_other_kernels(op):
    (call,) = lower(int4_case(op, MOST_INT4 + 1).graph, BOARD.soc.cpu).calls
    assert "_dsp_" not in call.kernel


@pytest.mark.parametrize("bits", [8, 10, 14, 15])
def test_sums_are_taken_down_in_time_and_not_before(bits):
    rng = np.random.default_rng(bits)
    low, high = -(1 << bits - 1), (1 << bits - 1) - 1
    for _ in range(200):
        shape = (3, int(rng.integers(1, 90)), 2)
        weights = rng.choice([-1, 0, 1, 2], shape, p=rng.dirichlet(np.ones(4))).astype(np.int8)
        taken = steps_within(weights, bits)
        assert taken % 4 == 0 and (taken == 4 or sums_fit(weights, taken, low, high))
        longer = range(taken + 4, -(-shape[1] // 4) * 4 + 1, 4)
        assert not any(sums_fit(weights, count, low, high) for count in longer)


def sums_fit(weights: np.ndarray, count: int, low: int, high: int) -> bool:
    """Whether no inputs of int8 bring the sum of `count` steps out of the limits."""
    wide = weights.astype(int)
    for first in range(0, wide.shape[1], count):
        part = wide[:, first : first + count].reshape(len(wide), -1)
        highest = (np.where(part > 0, 127, -128) * part).sum(axis=1)
        lowest = (np.where(part > 0, -128, 127) * part).sum(axis=1)
        if highest.max() > high or lowest.min() < low:
            return False
    return True
