"""Convolutions of signs by signs at shapes that are odd for their kernels: on the host, and on cores with and without
the DSP extension; with two words to a result, and where a channel has none."""

from __future__ import annotations

import functools
import itertools

import numpy as np
import pytest

from edgeq.device.session import open_host, open_qemu
from edgeq.ir import Graph
from edgeq.kernels import Optimize, binary_inputs
from edgeq.lower import lower
from edgeq.ops import Activation
from edgeq.ops.binary_conv_2d import BinaryConv2DAttrs
from edgeq.ops.spatial import Padding
from edgeq.program import Program
from edgeq.toolchain.build import build
from edgeq.verify import random_vectors

from ..tools import needs_host, needs_qemu
from .binary import layer
from .graphs import Case
from .test_firmware import BOARDS, assert_equal, merge, project

SAME, VALID = Padding.SAME, Padding.VALID
# Images, channels of input and output, kernel, stride, padding, dilation.
CONVOLUTIONS = [
    # windows of few inputs: rows of up to 25 bits and more, 8 inputs and fewer, 16 and fewer
    ((1, 6, 7), 1, 9, (3, 3), (1, 1), SAME, (1, 1)),
    ((2, 9, 5), 1, 3, (5, 5), (2, 2), SAME, (1, 1)),
    ((1, 4, 5), 3, 5, (3, 3), (1, 1), SAME, (1, 1)),
    ((1, 3, 9), 1, 6, (1, 5), (1, 1), SAME, (1, 1)),
    ((1, 3, 4), 15, 4, (1, 2), (1, 1), SAME, (1, 1)),
    ((1, 5, 6), 2, 1, (2, 2), (1, 1), SAME, (1, 1)),
    ((1, 6, 5), 2, 3, (3, 2), (1, 1), SAME, (1, 2)),
    ((1, 2, 2), 1, 2, (5, 5), (1, 1), SAME, (1, 1)),
    ((2, 5, 4), 4, 7, (2, 2), (1, 1), VALID, (1, 1)),
    ((1, 7, 7), 1, 5, (3, 3), (1, 1), VALID, (2, 1)),
    ((1, 6, 7), 2, 6, (2, 3), (1, 1), VALID, (1, 2)),
    # windows that lie in rows of an image: all of them one run, some of them, and such that share inputs
    ((2, 5, 7), 3, 10, (1, 1), (1, 1), VALID, (1, 1)),
    ((1, 5, 7), 31, 2, (1, 1), (1, 1), VALID, (1, 1)),
    ((2, 5, 7), 8, 4, (1, 1), (2, 2), VALID, (1, 1)),
    ((1, 3, 12), 5, 3, (1, 4), (1, 2), VALID, (1, 1)),
    ((1, 5, 6), 16, 4, (2, 1), (2, 2), VALID, (1, 1)),
    # windows of more words, rows of up to 25 bits, of words, of pieces and a rest
    ((1, 5, 6), 5, 4, (3, 3), (1, 1), SAME, (1, 1)),
    ((2, 6, 5), 4, 5, (3, 4), (1, 1), SAME, (1, 1)),
    ((1, 4, 5), 32, 3, (3, 1), (1, 1), SAME, (1, 1)),
    ((1, 4, 3), 64, 5, (3, 3), (1, 1), SAME, (1, 1)),
    ((1, 5, 4), 17, 6, (3, 3), (2, 2), SAME, (1, 1)),
    ((1, 3, 5), 12, 1, (1, 3), (1, 1), SAME, (1, 1)),
    ((1, 6, 6), 13, 3, (3, 2), (1, 1), SAME, (2, 2)),
    ((1, 2, 1), 9, 4, (5, 5), (1, 1), SAME, (1, 1)),
    ((1, 1, 1), 9, 3, (3, 3), (2, 2), SAME, (1, 1)),
    ((1, 7, 6), 7, 2, (5, 5), (1, 1), VALID, (1, 1)),
    ((1, 5, 5), 50, 3, (1, 1), (2, 2), VALID, (1, 1)),
    ((2, 3, 3), 100, 5, (1, 1), (1, 1), VALID, (1, 1)),
    ((1, 5, 6), 16, 3, (2, 2), (1, 1), VALID, (1, 1)),
    ((1, 5, 7), 25, 4, (1, 3), (1, 2), VALID, (1, 1)),
]
# Not every input gets values from 0 on: both kinds come of several tries.
TRIES = 2


def convolution(rng: np.random.Generator, images, in_c: int, out_c: int, kernel, stride, padding, dilation) -> Case:
    def attrs(levels):
        return BinaryConv2DAttrs(stride, dilation, padding, rng.choice(list(Activation)), levels)

    return layer(rng, "BINARY_CONV_2D", (*images, in_c), (out_c, *kernel, in_c), attrs)


@functools.cache
def graph() -> Graph:
    rng = np.random.default_rng(15)
    return merge([convolution(rng, *shape) for shape, _ in itertools.product(CONVOLUTIONS, range(TRIES))])[0]


@pytest.fixture(params=[True, False], ids=["two-words", "no-two-words"])
def compile_for(request, monkeypatch):
    """Lowers the graph for a core."""
    if not request.param:
        monkeypatch.setattr(binary_inputs, "two_words", lambda *arguments: None)

    def compiled(core: str) -> Program:
        program = lower(graph(), BOARDS[core].soc.cpu)
        words = {int(call.extras["by_two_words"][0]) for call in program.calls if "by_two_words" in call.extras}
        assert request.param in words if request.param else words == {0}
        return program

    return compiled


def test_all_kernels_take_part_with_both_offsets(compile_for):
    found = {(call.kernel, call.params.input_offset) for call in compile_for("M4").calls}
    assert found == {
        ("edgeq_binary_convolve_s8", 0),
        ("edgeq_binary_convolve_s8", 1),
        ("edgeq_binary_convolve_few_s8", 0),
        ("edgeq_binary_convolve_table_s8", 0),
        ("edgeq_binary_convolve_table_s8", 1),
    }


@needs_host
def test_host_equals_the_simulator(compile_for, tmp_path):
    program = compile_for("M4")
    project("M4", program, tmp_path / "firmware", Optimize.SPEED)
    assert_equal(program, open_host(build(tmp_path / "firmware", "host")), random_vectors(program, 5))


@needs_qemu
@pytest.mark.parametrize("core", ["M4", "M0"])
def test_emulated_core_equals_the_simulator(compile_for, core, tmp_path):
    program = compile_for(core)
    project(core, program, tmp_path / "firmware", Optimize.SPEED)
    inputs = [x[3:] for x in random_vectors(program, 5)]
    assert_equal(program, open_qemu(BOARDS[core], build(tmp_path / "firmware", "target"), icount=False), inputs)
