"""The scratch formulas against Arm's own: its get_buffer_size functions, compiled for the host, over random shapes.

Needs CMSIS_NN_ROOT; test_scratch.py has their answers for some shapes.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgeq.kernels import cmsis_nn_scratch, cmsis_nn_scratch_s4

from ..tools import needs_host

ROOT = os.environ.get("CMSIS_NN_ROOT", "")
pytestmark = [needs_host, pytest.mark.skipif(not ROOT, reason="CMSIS_NN_ROOT names no CMSIS-NN")]
#: Our core, and how the names of Arm's functions for it end.
CORES = [
    pytest.param(SimpleNamespace(dsp=False, mve=False), "", id="M0"),
    pytest.param(SimpleNamespace(dsp=True, mve=False), "_dsp", id="M4"),
    pytest.param(SimpleNamespace(dsp=True, mve=True), "_mve", id="M55"),
]
COUNT = 1000


def struct(*names: str) -> type[ctypes.Structure]:
    return type("struct", (ctypes.Structure,), {"_fields_": [(name, ctypes.c_int32) for name in names]})


Dims = struct("n", "h", "w", "c")
_WINDOW = ("stride_w", "stride_h", "padding_w", "padding_h", "dilation_w", "dilation_h", "low", "high")
ConvParams = struct("input_offset", "output_offset", *_WINDOW)
DepthwiseParams = struct("input_offset", "output_offset", "multiplier", *_WINDOW)


@pytest.fixture(scope="module")
def arm(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("arm") / "sizes.so"
    sources = sorted((Path(ROOT) / "Source" / "ConvolutionFunctions").glob("arm_*conv*_get_buffer_sizes_s[48].c"))
    command = ["gcc", "-shared", "-fPIC", "-w", f"-I{ROOT}/Include", *map(str, sources), "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def geometries(depthwise: bool):
    """(input, filter, output, stride, padding, dilation) as the formulas take them."""
    rng = np.random.default_rng(17 + depthwise)
    for _ in range(COUNT):
        batches, in_c = int(rng.choice([1, 1, 2])), int(rng.integers(1, 20))
        kernel = tuple(int(k) for k in rng.choice([1, 1, 2, 3, 4, 5], 2))
        dilation = tuple(int(d) for d in rng.choice([1, 1, 1, 2], 2))
        stride = tuple(int(s) for s in rng.integers(1, 4, 2))
        padding = tuple(int(rng.integers(0, k)) for k in kernel)
        extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        size = [1 if e == 1 and rng.random() < 0.6 else e + int(rng.integers(0, 9)) for e in extent]
        out = [
            (n + p + int(rng.integers(0, p + 1)) - e) // s + 1
            for n, p, e, s in zip(size, padding, extent, stride, strict=True)
        ]
        out_c = in_c * int(rng.choice([1, 1, 2])) if depthwise else int(rng.integers(1, 9))
        weights = (1, *kernel, out_c) if depthwise else (out_c, *kernel, in_c)
        yield (batches, *size, in_c), weights, (batches, *out, out_c), stride, padding, dilation


def asked(function, params_type, geometry) -> int:
    """What Arm's function answers."""
    inputs, weights, outputs, stride, padding, dilation = geometry
    params = params_type(**{
        f"{name}_{axis}": value
        for name, pair in (("stride", stride), ("padding", padding), ("dilation", dilation))
        for axis, value in zip("hw", pair, strict=True)
    })  # fmt: skip
    return function(*map(ctypes.byref, (params, Dims(*inputs), Dims(*weights), Dims(*outputs))))


def compare(ours, sound, theirs, params_type, depthwise: bool, demands: bool = True) -> None:
    """demands: whether any of these calls needs scratch."""
    compared, with_scratch = 0, 0
    for geometry in geometries(depthwise):
        if sound(*geometry):
            wanted = asked(theirs, params_type, geometry)
            assert ours(*geometry) == wanted, geometry
            compared += 1
            with_scratch += wanted > 0
    assert compared > COUNT // 4
    assert bool(with_scratch) == demands


@pytest.mark.parametrize(("cpu", "suffix"), CORES)
def test_convolve_s8(cpu, suffix, arm) -> None:
    compare(
        lambda *g: cmsis_nn_scratch.convolve_wrapper_s8(cpu, *g),
        lambda *g: cmsis_nn_scratch.convolve_wrapper_s8_is_sound(cpu, *g),
        getattr(arm, f"arm_convolve_wrapper_s8_get_buffer_size{suffix}"),
        ConvParams,
        False,
    )


@pytest.mark.parametrize(("cpu", "suffix"), CORES)
def test_convolve_s4(cpu, suffix, arm) -> None:
    def ours(inputs, weights, outputs, stride, padding, dilation):
        return cmsis_nn_scratch_s4.convolve(cpu, inputs, weights, stride, padding, dilation)

    theirs = getattr(arm, f"arm_convolve_wrapper_s4_get_buffer_size{suffix}")
    compare(ours, lambda *g: cmsis_nn_scratch_s4.convolve_is_sound(cpu, *g), theirs, ConvParams, False)


@pytest.mark.parametrize(("cpu", "suffix"), CORES)
def test_depthwise_s8(cpu, suffix, arm) -> None:
    compare(
        lambda *g: cmsis_nn_scratch.depthwise_conv_wrapper_s8(cpu, *g),
        lambda *g: cmsis_nn_scratch.depthwise_conv_wrapper_s8_is_sound(cpu, *g),
        getattr(arm, f"arm_depthwise_conv_wrapper_s8_get_buffer_size{suffix}"),
        DepthwiseParams,
        True,
        demands=cpu.dsp or cpu.mve,
    )


@pytest.mark.parametrize(("cpu", "suffix"), CORES)
def test_depthwise_s4(cpu, suffix, arm) -> None:
    def ours(inputs, weights, outputs, stride, padding, dilation):
        return cmsis_nn_scratch_s4.depthwise(cpu, inputs, weights, dilation)

    def sound(inputs, weights, outputs, stride, padding, dilation):
        return cmsis_nn_scratch_s4.depthwise_is_sound(cpu, inputs, weights, dilation)

    theirs = getattr(arm, f"arm_depthwise_conv_wrapper_s4_get_buffer_size{suffix}")
    compare(ours, sound, theirs, DepthwiseParams, True, demands=not cpu.mve)
