"""Real models as firmware: simulator = host executable (ASan, UBSan) = emulated M4 and M55, every layer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from edgeq import api
from tests.e2e.zoo import INT8_MODELS, int8_model, needs_zoo
from tests.tools import needs_qemu

pytestmark = [needs_zoo, needs_qemu]
M4, M55 = "mps2-an386", "mps3-an547"
VECTORS = 16


def grouped(models):
    """One worker builds a model once for all tests of it."""
    return [pytest.param(name, marks=pytest.mark.xdist_group(f"zoo-{name}")) for name in models]


@pytest.mark.parametrize("kernels", ["auto", "cmsis-nn"])
@pytest.mark.parametrize("name", grouped(INT8_MODELS))
def test_host_and_m4_equal_the_simulator(name, kernels, zoo_project):
    project = zoo_project(name, M4, kernels)
    assert any(call.kernel.startswith("edgeq_") for call in project.program.calls) == (kernels == "auto")
    report = project.verify(on=["host", "qemu"], vectors=VECTORS)
    assert report.equal, report
    assert all(rung.tensors == VECTORS * (len(project.program.calls) + 1) for rung in report.rungs)


@pytest.mark.parametrize("name", grouped(INT8_MODELS))
def test_m55_equals_the_simulator(name, zoo_project):
    report = zoo_project(name, M55).verify(on="qemu", vectors=VECTORS)
    assert report.equal, report


@pytest.mark.skipif("CMSIS_NN_ROOT" not in os.environ, reason="CMSIS_NN_ROOT names no CMSIS-NN")
@pytest.mark.parametrize("board", [M4, M55])
@pytest.mark.parametrize("name", grouped(INT8_MODELS))
def test_arms_cmsis_nn_equals_the_simulator(name, board, tmp_path):
    root = Path(os.environ["CMSIS_NN_ROOT"])
    project = api.build(int8_model(name), board, out=tmp_path / "firmware", cmsis_nn_root=root)
    assert all(call.kernel.startswith("arm_") for call in project.program.calls)
    report = project.verify(on="qemu", vectors=VECTORS)
    assert report.equal, report


@pytest.mark.parametrize("name", grouped(INT8_MODELS))
def test_report_gives_every_size(name, zoo_project):
    report = zoo_project(name, M4).report()
    ram, flash = report["ram"], report["flash"]
    assert ram["stack"] is not None and 0 < ram["stack"] < 2048
    assert ram["total"] == ram["arena"] + ram["scratch"] + ram["static"] + ram["stack"]
    assert flash["total"] >= flash["text"] + flash["rodata"]
    assert flash["text"] > 0 and flash["constants"] > 0
    assert not report["warnings"]


@pytest.mark.xdist_group("zoo-kws")
@pytest.mark.parametrize("kernels", ["auto", "cmsis-nn"])
def test_kws_code_is_small(kernels, zoo_project):
    assert zoo_project("kws", M4, kernels).report()["flash"]["model_code"] <= 20 * 1024


@pytest.mark.xdist_group("zoo-kws")
def test_kws_builds_in_ten_seconds(tmp_path):
    start = time.monotonic()
    api.build(int8_model("kws"), M4, out=tmp_path / "firmware")
    assert time.monotonic() - start <= 10


@pytest.mark.xdist_group("zoo-kws")
def test_profile_is_exact_and_repeatable(zoo_project):
    project = zoo_project("kws", M4)
    first, second = project.profile(), project.profile()
    assert first == second
    assert first["instructions"] == sum(layer["instructions"] for layer in first["layers"])
    # one instruction multiplies four pairs at the most
    assert all(4 * layer["instructions"] > layer["macs"] for layer in first["layers"])
    assert all(layer["instructions"] > 0 for layer in first["layers"])
