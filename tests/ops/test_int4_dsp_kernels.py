"""Kernels for int4 weights of the DSP extension in the shapes of those for vectors, on the host and an emulated M4."""

from __future__ import annotations

import functools
from dataclasses import replace

import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.fixedpoint import Dialect
from edgeq.kernels import KernelSetting, Optimize, find_kernel
from edgeq.lower import lower
from edgeq.toolchain.build import build

from ..tools import needs_host, needs_qemu
from .test_firmware import BOARDS, assert_equal, project
from .test_mve_kernels import _merged

BOARD = BOARDS["M4"]
# How many of a hundred layers run by them: where int4 weights have few inputs, some factors are above a half.
KERNELS = {
    "CONV_2D-int4": ("edgeq_convolve_dsp_s4", 90),
    "DEPTHWISE_CONV_2D-int4": ("edgeq_depthwise_conv_dsp_s4", 85),
    "FULLY_CONNECTED-int4": ("edgeq_fully_connected_dsp_s4", 100),
}


@functools.cache
def _program(op: str):
    program = lower(_merged(op)[0], BOARD.soc.cpu, Dialect.DOUBLE, KernelSetting.TUNED, Optimize.SPEED)
    kernel, share = KERNELS[op]
    assert [call.kernel for call in program.calls].count(kernel) >= len(program.calls) * share / 100
    return program


@needs_host
@pytest.mark.parametrize("op", KERNELS)
def test_host_equals_the_simulator(op, tmp_path):
    project("M4", _program(op), tmp_path / "firmware", Optimize.SPEED)
    assert_equal(_program(op), open_host(build(tmp_path / "firmware", "host")), _merged(op)[1])


@needs_qemu
@pytest.mark.parametrize("optimize", [Optimize.SPEED, Optimize.SIZE], ids=str)
@pytest.mark.parametrize("op", KERNELS)
def test_emulated_core_equals_the_simulator(op, optimize, tmp_path):
    """Small code has tables of its own."""
    program = _program(op)
    if optimize is Optimize.SIZE:
        small = [replace(c, extras=find_kernel(c.kernel).small_extras(c.params, BOARD.soc.cpu)) for c in program.calls]
        program = replace(program, calls=tuple(small))
    project("M4", program, tmp_path / "firmware", optimize)
    session = open_qemu(BOARD, build(tmp_path / "firmware", "target"), icount=False)
    assert_equal(program, session, [x[:1] for x in _merged(op)[1]])
