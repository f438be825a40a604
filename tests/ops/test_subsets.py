"""Layers whose weights of one and of two bits look up sums of inputs, on cores without the DSP extension: on the host
with the tables of both kinds of cores, and on both cores."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.ir import DType, QuantParams
from edgeq.kernels import weights_narrow
from edgeq.kernels.subsets import groups_of
from edgeq.lower import lower
from edgeq.ops import Activation
from edgeq.ops.conv_2d import Conv2DAttrs
from edgeq.ops.fully_connected import FullyConnectedAttrs
from edgeq.ops.spatial import Padding
from edgeq.program import KernelCall, Program
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
from .formats import with_narrow_weights
from .graphs import Case, activation_input, bias, from_zero, idle_channel, one_node, quant, sum_quant, weights
from .test_firmware import BOARDS, assert_equal, merge, project

SAME, VALID = Padding.SAME, Padding.VALID
# Images, size, channels of input and output, kernel, stride, padding, dilation: one to eight groups of inputs behind
# those that stand by eights, none, a chunk that is full, several; windows that are copied, that are not, and that are
# where two lie in two rows.
CONVOLUTIONS = [
    (1, (4, 5), 3, 8, (3, 3), (2, 2), SAME, (1, 1)),
    (1, (3, 5), 4, 1, (3, 3), (1, 1), SAME, (1, 1)),
    (2, (1, 1), 1, 2, (1, 1), (1, 1), SAME, (1, 1)),
    (1, (1, 1), 16, 3, (1, 1), (1, 1), SAME, (1, 1)),
    (1, (3, 3), 32, 5, (1, 1), (1, 1), SAME, (1, 1)),
    (1, (3, 4), 60, 2, (1, 1), (1, 1), SAME, (1, 1)),
    (1, (4, 4), 20, 4, (1, 1), (2, 2), SAME, (1, 1)),
    (2, (3, 3), 12, 3, (2, 2), (1, 1), VALID, (1, 1)),
    (1, (5, 5), 4, 3, (3, 3), (1, 1), VALID, (2, 2)),
    (1, (4, 4), 40, 3, (2, 2), (1, 1), VALID, (1, 1)),
    (1, (3, 3), 18, 5, (3, 3), (1, 1), SAME, (1, 1)),
    (1, (3, 2), 41, 2, (3, 3), (1, 1), SAME, (1, 1)),
]
# Batches, inputs and units.
DENSE = [(1, 5, 1), (1, 160, 3), (1, 161, 2), (2, 64, 3), (3, 24, 2), (1, 331, 5), (2, 350, 4)]
# Activations, and by how much results' scales are smaller: factors from tiny ones to such above 1.
RESULTS = [
    (Activation.RELU, 1),
    (Activation.RELU, 1 / 9),
    (Activation.NONE, 1),
    (Activation.RELU6, 12),
    (Activation.NONE, 40),
]
ZEROS = (-128, 127, 5)
KERNELS = {"edgeq_convolve_subsets_s8", "edgeq_fully_connected_subsets_s8"}


def finished(rng: np.random.Generator, op: str, zero: int, shape, weights_shape, attrs, larger: float) -> Case:
    fan_in = int(np.prod(weights_shape[1:]))
    x = activation_input("x", shape, QuantParams(quant(rng).scale, [zero]))
    w = weights(rng, weights_shape, axis=0)
    b = bias(rng, x, w, weights_shape[0], fan_in)
    if weights_shape[0] > 2:
        w, b = idle_channel(w, b, weights_shape[0] // 2, axis=0)
    y = sum_quant(rng, x, w, fan_in)
    y = QuantParams(y.scale / np.float32(larger), y.zero_point)
    return one_node(rng, op, [x, w, b], y if attrs.activation is Activation.NONE else from_zero(y), attrs)


@functools.cache
def cases():
    rng = np.random.default_rng(5)
    made = []
    for (activation, larger), (i, row) in itertools.product(RESULTS, enumerate(CONVOLUTIONS)):
        n, size, in_c, out_c, kernel, stride, padding, dilation = row
        attrs = Conv2DAttrs(stride, dilation, padding, activation)
        shapes = (n, *size, in_c), (out_c, *kernel, in_c)
        made.append(finished(rng, "CONV_2D", ZEROS[i % 3], *shapes, attrs, larger))
    for (activation, larger), (i, (n, depth, units)) in itertools.product(RESULTS, enumerate(DENSE)):
        attrs = FullyConnectedAttrs(activation)
        made.append(finished(rng, "FULLY_CONNECTED", ZEROS[i % 3], (n, depth), (units, depth), attrs, larger))
    narrow = [with_narrow_weights(case, dtype, rng) for case in made for dtype in (DType.TERNARY, DType.BINARY)]
    return merge([with_ends(case) for case in narrow])


def with_ends(case: Case) -> Case:
    """One vector each of the lowest and of the highest inputs."""
    (x,) = case.inputs
    x = x.copy()
    x[0], x[1] = -128, 127
    return replace(case, inputs=(x,))


def program(core: str, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The layers by the kernels that look up sums, also those that are too small to gain by it."""
    monkeypatch.setattr(weights_narrow, "_PER_RESULT", 1_000_000)
    model = lower(cases()[0], BOARDS[core].soc.cpu)
    assert {call.kernel for call in model.calls} == KERNELS
    found = {(int(call.extras["kind"][0]), groups_of(filters_of(call)) > 40) for call in model.calls}
    kinds = set(itertools.product(range(4), (False, True)))
    # where products have no more than 32 bits, other words are rarely needed
    assert found == kinds if core == "M3" else kinds - found <= {(1, True)}
    return model


def filters_of(call: KernelCall) -> np.ndarray:
    return call.params.weights.reshape(len(call.params.weights), -1)


@needs_host
@pytest.mark.parametrize("core", ["M3", "M0"])
def test_host_equals_the_simulator(core, tmp_path, monkeypatch):
    model = program(core, monkeypatch)
    project(core, model, tmp_path / "firmware", None)
    assert_equal(model, open_host(build(tmp_path / "firmware", "host")), cases()[1])


@needs_qemu
@pytest.mark.parametrize("core", ["M3", "M0"])
def test_emulated_core_equals_the_simulator(core, tmp_path, monkeypatch):
    model = program(core, monkeypatch)
    project(core, model, tmp_path / "firmware", None)
    session = open_qemu(BOARDS[core], build(tmp_path / "firmware", "target"), icount=False)
    assert_equal(model, session, cases()[1])
