"""Tuned kernels of int16 that write over what they have read, in both directions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq import api
from edgeq.device.session import open_host, open_qemu
from edgeq.emit import emit, write_files
from edgeq.kernels.conv_2d_4x2_dsp import ByFour
from edgeq.ops.base import Activation
from edgeq.ops.spatial import Padding
from edgeq.passes import prepare_float
from edgeq.quant.quantize import quantize
from edgeq.quant.schemes import find_scheme
from edgeq.target import load_board
from edgeq.toolchain.build import build
from edgeq.verify import random_vectors, verify_on

from ..passes.net import Net
from ..quant.nets import data_for
from ..tools import needs_host, needs_qemu

BOARD = load_board("mps2-an386")
#: (count, height, width) of filters, one for each channel where the count is 0; stride, padding.
CONVOLUTIONS = (
    ((13, 3, 3), 1, Padding.SAME),
    ((0, 3, 3), 1, Padding.SAME),
    ((13, 3, 3), 1, Padding.SAME),
    ((5, 3, 3), 1, Padding.VALID),
    ((0, 3, 3), 1, Padding.VALID),
    ((9, 1, 1), 1, Padding.SAME),
    ((3, 1, 1), 1, Padding.SAME),
    ((12, 2, 3), 1, Padding.SAME),
    ((7, 3, 2), 2, Padding.SAME),
)


#: What convolutions may not do.
WAYS = {"either way": {}, "forwards": {"backwards": None}, "backwards": {"forwards": None}}


@pytest.fixture(scope="module", params=WAYS)
def compiled(request) -> api.Compiled:
    """The layers with results that lie over operands in one way."""
    overlap = ByFour.overlap
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ByFour, "overlap", lambda self, p, cpu: replace(overlap(self, p, cpu), **WAYS[request.param]))
        return _compiled()


def _compiled() -> api.Compiled:
    """Convolutions of growing and shrinking images, one after the other."""
    net = Net(5)
    x, channels = net.input(9, 7, 3), 3
    for i, ((count, *kernel), stride, padding) in enumerate(CONVOLUTIONS):
        op, weights = "CONV_2D", net.random(count, *kernel, channels)
        if not count:
            op, weights, count = "DEPTHWISE_CONV_2D", net.random(1, *kernel, channels), channels
        x = net.node(op, x, weights, net.random(count), name=f"conv{i}", padding=padding, stride=(stride, stride),
                     activation=(Activation.RELU, Activation.NONE, Activation.RELU6)[i % 3])  # fmt: skip
        channels = count
    graph = prepare_float(net.graph(x))
    return api.compile_graph(quantize(graph, data_for(graph, 16), find_scheme("int16x8")), BOARD.soc.cpu)


def test_results_lie_over_operands(compiled):
    kernels = {"edgeq_convolve_4x2_dsp_s16", "edgeq_depthwise_conv_dsp_s16"}
    assert {call.kernel for call in compiled.program.calls} == kernels
    assert len(compiled.plan.overlaps) >= 3


@pytest.mark.parametrize("rung", [pytest.param("host", marks=needs_host), pytest.param("target", marks=needs_qemu)])
def test_and_are_right(compiled, rung, tmp_path):
    folder = tmp_path / "firmware"
    write_files(emit(compiled.program, compiled.plan, BOARD), folder)
    image = build(folder, rung)
    vectors = [np.asarray(x) for x in random_vectors(compiled.program, 3)]
    with open_host(image) if rung == "host" else open_qemu(BOARD, image, icount=False) as session:
        result = verify_on(compiled.program, session, vectors, session.name)
    assert result.equal, result.first_difference
