"""What a build is asked to be good at: the reasons are in its report, and the arena is the smaller one."""

from __future__ import annotations

import shutil

import pytest

from edgeq import api
from edgeq.errors import EdgeqError
from edgeq.kernels import Optimize
from edgeq.memory import working_bytes
from edgeq.target import load_board
from tests.e2e.zoo import int8_model, needs_zoo
from tests.tools import needs_cross

BOARD = load_board("mps2-an386")


def compiled(model: str, optimize: Optimize) -> api.Compiled:
    graph, _ = api.quantize_model(api.load_model(int8_model(model)), None)
    return api.compile_graph(graph, BOARD.soc.cpu, optimize=optimize)


@needs_zoo
@pytest.mark.parametrize("model", ["kws", "resnet8"])
def test_ram_takes_no_more_than_speed_and_keeps_what_is_fast_within_it(model):
    fast, small = compiled(model, Optimize.SPEED), compiled(model, Optimize.RAM)
    assert small.plan.total_bytes < fast.plan.total_bytes
    assert max(working_bytes(small.program)) <= small.plan.total_bytes
    # layers of the same kernel in both: those that do not decide about the peak
    kept = [s for s, f in zip(small.program.calls, fast.program.calls, strict=True) if s.kernel == f.kernel]
    assert any(call.scratch_bytes for call in kept)


@needs_zoo
@needs_cross
def test_size_makes_small_code_and_keeps_the_results(tmp_path):
    """Keyword spotting within 6 KB of layers and kernels, and what is not the model's within 512 bytes of RAM."""
    fast = api.build(int8_model("kws"), BOARD, out=tmp_path / "fast")
    small = api.build(int8_model("kws"), BOARD, optimize="size", out=tmp_path / "small")
    before, after = fast.report(), small.report()
    assert after["flash"]["model_code"] <= 6 << 10 < before["flash"]["model_code"] <= 12 << 10
    assert after["flash"]["total"] < before["flash"]["total"]
    assert after["ram"]["static"] <= 512 >= before["ram"]["static"]
    if shutil.which("qemu-system-arm"):
        assert small.verify("qemu", vectors=2).equal


@needs_zoo
@pytest.mark.parametrize("model", ["kws", "resnet8", "vww", "ad"])
def test_the_plan_of_a_real_model_is_near_its_lower_bound(model):
    plan = compiled(model, Optimize.SPEED).plan
    assert plan.lower_bound <= plan.total_bytes <= 1.02 * plan.lower_bound


@needs_zoo
def test_the_report_says_what_a_layer_was_chosen_from(tmp_path):
    report = api.build(int8_model("kws"), BOARD, out=tmp_path / "firmware", compile=False).report()
    for layer in report["layers"]:
        costs = {each["kernel"]: each["cost"] for each in layer["considered"]}
        assert costs[layer["kernel"]] == min(costs.values())
    assert any(len(layer["considered"]) > 1 for layer in report["layers"])


def test_an_unknown_aim_is_refused():
    with pytest.raises(EdgeqError, match="optimization"):
        api.build("model.tflite", BOARD, optimize="everything")
