"""A model whose scales follow a drifting stream, as a user has it: built without data, its levels looked at on the
host, in the simulator, and from C."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from edgeq import api
from tests.passes.net import Net
from tests.tools import needs_host

pytestmark = [needs_host, pytest.mark.xdist_group("adaptive")]
FRAMES = 24

MAIN = """
#include <stdio.h>
#include <string.h>
#include "model/net.h"

int main(void)
{
    static const int32_t frames[FRAMES][8] = { FRAME_VALUES };
    if (net_init() != EDGEQ_OK || net_state(NET_STATES) != NULL) {
        return 1;
    }
    for (int i = 0; i < FRAMES; ++i) {
        memcpy(net_input(0), frames[i], NET_INPUT_0_BYTES);
        if (net_invoke() != EDGEQ_OK) {
            return 2;
        }
        for (uint32_t s = 0; s < NET_STATES; ++s) {
            const int32_t *state = net_state(s);
            printf("%d %d %d %d ", (int)state[0], (int)state[1], (int)state[2], (int)state[3]);
        }
        puts("");
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    net = Net(6)
    x = net.node("FULLY_CONNECTED", net.input(8), net.random(6, 8), net.random(6), name="first")
    graph = net.graph(net.node("FULLY_CONNECTED", x, net.random(3, 6), net.random(3), name="second"))
    out = tmp_path_factory.mktemp("stream") / "net"
    return api.build(graph, "mps2-an386", scheme="adaptive", out=out, compile=False)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    loudness = np.geomspace(100, 0.1, FRAMES).reshape(FRAMES, 1, 1)
    return (np.random.default_rng(7).normal(size=(FRAMES, 1, 8)) * loudness).astype(np.float32)


@pytest.fixture(scope="module")
def expected(project, frames) -> dict[str, np.ndarray]:
    return project.simulate(frames, states=True)


def test_levels_are_shown_and_fall_with_the_stream(project, expected):
    names = [state.name for state in project.program.states]
    assert names == ["in0/level", "first/level"] and set(expected) == {*names, "second"}
    for name in names:
        assert expected[name].shape == (FRAMES, 4)
        assert expected[name][0, 0] > expected[name][-1, 0]
    assert set(project.simulate(frames_of_one(), states=False)) == {"second"}


def frames_of_one() -> np.ndarray:
    return np.ones((1, 1, 8), np.float32)


def test_the_host_shows_the_same_levels(project, frames, expected):
    found = project.run(frames, on="host", states=True)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)
    plain = project.run(frames, on="host")
    np.testing.assert_array_equal(plain["second"], expected["second"])


def test_c_code_reads_them(project, frames, expected, tmp_path):
    tensor = project.program.tensors[project.program.inputs[0]]
    integers = tensor.quant.quantize(frames, tensor.dtype).reshape(FRAMES, -1)
    values = ", ".join("{" + ", ".join(map(str, row)) + "}" for row in integers.tolist())
    source = MAIN.replace("FRAME_VALUES", values).replace("FRAMES", str(FRAMES))
    (tmp_path / "main.c").write_text(source)
    folder = project.folder
    includes = [f"-I{folder / part}" for part in ("", "runtime", "runtime/include")]
    includes += ["-isystem", folder / "runtime/cmsis_nn/Include"]
    kernels = [folder / "runtime/kernels" / f"{name}.c" for name in {call.kernel for call in project.program.calls}]
    # the last letters of some are the types that one file serves
    kernels = [path if path.exists() else path.with_name("edgeq_dynamic_dequantize.c") for path in sorted(kernels)]
    sources = [tmp_path / "main.c", *sorted((folder / "model").glob("*.c")), *kernels]
    program = tmp_path / "main"
    flags = ["-std=gnu99", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
    subprocess.run(["gcc", *flags, *includes, *sources, "-o", program], check=True, capture_output=True)
    lines = subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()
    found = np.array([line.split() for line in lines], np.int64).reshape(FRAMES, -1, 4)
    for index, state in enumerate(project.program.states):
        np.testing.assert_array_equal(found[:, index], expected[state.name])
