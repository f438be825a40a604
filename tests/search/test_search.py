"""`edgeq search`: what it finds keeps its budgets on the ELF, the same in one process, in several, and on Dask."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from edgeq import api
from edgeq.cli import main
from edgeq.errors import EdgeqError, InfeasibleError
from edgeq.evaluation import load_evaluation
from edgeq.importers import load
from edgeq.ops.base import Activation
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run
from edgeq.quant.recipes import load_recipe
from edgeq.quant.schemes import SCHEMES
from edgeq.report.text import search as printed
from edgeq.search import Budgets, search, workers
from edgeq.search.assignments import default_candidates, groups_of, recipe_text
from edgeq.search.evaluating import Setup
from edgeq.search.tables import Tables
from edgeq.search.workers import open_workers
from tests.passes.net import Net
from tests.quant.nets import data_for, mixed_net
from tests.tools import needs_qemu

pytestmark = pytest.mark.xdist_group("search")
CANDIDATES = ("int8", "int16x8", "int8x4")
M4 = "mps2-an386"


@pytest.fixture(scope="module")
def graph():
    return mixed_net()


@pytest.fixture(scope="module")
def files(graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    np.savez(folder / "calibration.npz", **data_for(graph))
    data = data_for(graph, 64, seed=9)
    labels = run(graph, data)["probabilities"].reshape(64, -1).argmax(axis=1)
    np.savez(folder / "eval.npz", labels=labels, **data)
    return {"calibration": folder / "calibration.npz", "evaluation": folder / "eval.npz"}


@pytest.fixture(autouse=True, scope="module")
def remembered():
    """Every recipe is built once and evaluated once in this process, whichever search asks for it."""
    build, evaluate = Tables.build, workers.evaluate
    builds, outcomes = {}, {}

    def built(self, schemes):
        key = self.recipe(schemes), self.samples.labels.tobytes()
        if key not in builds:
            builds[key] = build(self, schemes)
        return builds[key]

    def evaluated(setup, recipe):
        key = recipe, setup.evaluation.labels.tobytes()
        if key not in outcomes:
            outcomes[key] = evaluate(setup, recipe)
        return outcomes[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tables, "build", built)
        patch.setattr(workers, "evaluate", evaluated)
        yield


def found_for(graph, files, **budgets):
    return search(graph, candidates=CANDIDATES, budgets=Budgets(**budgets), target=M4, **files)


@pytest.fixture(scope="module")
def wide(graph, files):
    """No budget that matters."""
    return found_for(graph, files, flash=1 << 20)


@pytest.fixture(scope="module")
def cheap(graph, files):
    """An accuracy that is easily reached."""
    return found_for(graph, files, accuracy=0.8)


def between(cheap, wide, share: float) -> int:
    """A budget of instructions: with 0 those of the cheapest, with 1 those of the most precise."""
    low, high = (each["found"]["instructions"] for each in (cheap, wide))
    return round(low + share * (high - low))


def sqnr(found) -> float:
    return found["found"]["sqnr"]


@needs_qemu
def test_without_a_limit_the_most_precise_is_found(wide):
    assert {layer["scheme"] for layer in wide["layers"]} <= {"int16x8", "int8"}
    uniform = max(max(o["sqnr"] for o in layer["options"]) for layer in wide["layers"])
    assert sqnr(wide) >= uniform - 1
    assert [layer["name"] for layer in wide["layers"]] == ["conv", "depthwise", "pointwise", "dense", "logits"]
    for layer in wide["layers"]:
        noise = {o["scheme"]: o["sqnr"] for o in layer["options"]}
        flash = {o["scheme"]: o["flash"] for o in layer["options"]}
        assert noise["int8x4"] < noise["int16x8"], layer
        assert layer["name"] == "depthwise" or flash["int8x4"] < flash["int8"], layer


@needs_qemu
def test_the_result_is_a_recipe_whose_firmware_keeps_every_budget(graph, files, cheap, wide, tmp_path):
    """Between what the cheapest and the most precise take."""
    both = cheap["found"], wide["found"]
    limits = {key: max(found[key] for found in both) for key in ("flash", "ram")}
    limits["flash"] += 6000  # the kernels of both types
    limits["instructions"] = between(cheap, wide, 0.5)
    found = found_for(graph, files, **limits)
    (tmp_path / "recipe.toml").write_text(found["recipe"])
    project = api.build(
        graph, M4, calibration=files["calibration"], recipe=tmp_path / "recipe.toml", out=tmp_path / "firmware"
    )
    report = project.report()
    assert report["flash"]["total"] == found["found"]["flash"] <= limits["flash"]
    assert report["ram"]["total"] == found["found"]["ram"] <= limits["ram"]
    assert project.profile()["instructions"] == found["found"]["instructions"] <= limits["instructions"]
    assert project.verify(on=["host", "qemu"], vectors=3).equal
    assert sqnr(cheap) < sqnr(found) < sqnr(wide)
    mixed = load_recipe(tmp_path / "recipe.toml").check(graph)
    assert {layer["name"]: mixed.layer(layer["name"]).name for layer in found["layers"]} == {
        layer["name"]: layer["scheme"] for layer in found["layers"]
    }
    assert len({layer["scheme"] for layer in found["layers"]}) > 1


@needs_qemu
def test_a_larger_budget_never_costs_precision(graph, files, cheap, wide):
    limits = [between(cheap, wide, share) for share in (0.1, 0.4, 0.8)]
    found = [found_for(graph, files, instructions=limit) for limit in limits]
    assert all(each["found"]["instructions"] <= limit for each, limit in zip(found, limits, strict=True))
    assert sqnr(found[0]) <= sqnr(found[1]) <= sqnr(found[2]) <= sqnr(wide)
    assert sqnr(found[0]) < sqnr(found[2])


@needs_qemu
def test_with_an_accuracy_alone_the_cheapest_that_reaches_it_is_found(graph, files, cheap, wide):
    assert cheap["found"]["accuracy"] >= 0.8
    assert cheap["found"]["instructions"] < wide["found"]["instructions"]
    fine = found_for(graph, files, accuracy=0.97)
    assert fine["found"]["accuracy"] >= 0.97
    assert fine["found"]["instructions"] >= cheap["found"]["instructions"]


@needs_qemu
@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"flash": 9000}, r"bytes of flash where 9,000 are allowed; layer '\w+' takes most"),
        ({"ram": 1000}, r"bytes of RAM where 1,000 are allowed; layer '\w+' needs most"),
        ({"instructions": 5000}, r"instructions where 5,000 are allowed; layer '\w+' takes most"),
    ],
)
def test_what_cannot_be_kept_names_the_layer_responsible(graph, files, limits, message):
    with pytest.raises(InfeasibleError, match=message):
        found_for(graph, files, **limits)


@needs_qemu
@pytest.mark.parametrize("limits", [{"flash": 9000}, {"ram": 1000}, {"instructions": 5000}])
def test_what_no_candidate_can_keep_is_said_before_layers_are_tried_alone(graph, files, limits):
    steps = []
    with pytest.raises(InfeasibleError):
        search(
            graph,
            candidates=CANDIDATES,
            budgets=Budgets(**limits),
            target=M4,
            progress=lambda done, of: steps.append(done),
            **files,
        )
    # each evaluated and built whole, what comes nearest, and others for the layer at the peak
    assert steps[-1] <= 2 * len(CANDIDATES) + 2 + 2 * len(CANDIDATES)
    assert steps[-1] < len(CANDIDATES) * (2 + len(groups_of(prepare_float(graph))))


@needs_qemu
def test_an_accuracy_beyond_the_float_models_names_the_layer_that_loses_most(graph, files, tmp_path):
    data = dict(np.load(files["evaluation"]))
    data["labels"][::4] = (data["labels"][::4] + 1) % 4
    np.savez(tmp_path / "eval.npz", **data)
    with pytest.raises(InfeasibleError, match=r"the float model 0.7500; layer '\w+' loses most"):
        found_for(graph, {**files, "evaluation": tmp_path / "eval.npz"}, accuracy=0.99)


@needs_qemu
def test_processes_and_a_dask_cluster_find_the_same(graph, files, cheap, wide):
    distributed = pytest.importorskip("dask.distributed")
    limits = Budgets(instructions=between(cheap, wide, 0.5))
    how = {"candidates": CANDIDATES[:2], "budgets": limits, "target": M4, **files}
    alone = search(graph, **how)
    assert search(graph, jobs=2, **how) == alone
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        assert search(graph, dask=cluster.scheduler_address, **how) == alone


def test_no_scheduler_is_a_clear_error(graph, files):
    pytest.importorskip("dask.distributed")
    prepared = prepare_float(graph)
    setup = Setup(graph, data_for(graph), load_evaluation(files["evaluation"], prepared), M4)
    with pytest.raises(EdgeqError, match="no Dask scheduler answers"), open_workers(setup, dask="tcp://127.0.0.1:1"):
        pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"budgets": Budgets()}, "no budget is given"),
        ({"budgets": Budgets(flash=0)}, "a budget of 0 for flash"),
        ({"budgets": Budgets(accuracy=95.0)}, "between 0 and 1"),
        ({"budgets": Budgets(flash=1), "candidates": ["int9"]}, "unknown quantization scheme 'int9'"),
        ({"budgets": Budgets(flash=1), "candidates": []}, "no candidate"),
        ({"budgets": Budgets(instructions=1), "target": "nucleo-f446re"}, "QEMU, which does not emulate"),
        ({"budgets": Budgets(flash=1)}, "none.npz"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(graph, tmp_path, options, message):
    with pytest.raises(EdgeqError, match=message):
        search(graph, calibration=tmp_path / "none.npz", **options)


def test_layers_without_weights_go_with_those_whose_results_they_take():
    net = Net(8)
    x = net.node("RESHAPE", net.input(48), net.constant([1, 4, 4, 3], np.int32), name="image")
    a = net.node("CONV_2D", x, net.random(6, 1, 1, 3), net.random(6), name="a.b", activation=Activation.RELU)
    b = net.node("CONV_2D", a, net.random(6, 1, 1, 6), net.random(6), name="b")
    y = net.node("ADD", a, b, name="sum")
    y = net.node("MAX_POOL_2D", y, name="pool", filter=(4, 4), stride=(4, 4))
    y = net.node("RESHAPE", y, net.constant([1, 6], np.int32), name="flat")
    y = net.node("FULLY_CONNECTED", y, net.random(5, 6), net.random(5), name="dense")
    graph = net.graph(net.node("LOG_SOFTMAX", y, name="scores"))
    groups = groups_of(graph)
    assert [group.layers for group in groups] == [("a.b", "sum"), ("b",), ("dense", "scores")]
    text = recipe_text(groups, ("int16x8", "int8", "int16x8"), "int8")
    (rule,) = [line for line in text.splitlines() if line.startswith("match")]
    # LOG_SOFTMAX has no int16; a name is no pattern
    assert json.loads(rule.removeprefix("match = ")) == r"a\.b|sum|dense"


def test_by_default_there_is_a_candidate_for_every_kind_of_integers():
    found = default_candidates()
    assert found[0] == "int8" and {"int16x8", "int8x4"} <= set(found)
    kinds = [(SCHEMES[name].activation.dtype, SCHEMES[name].weight.dtype) for name in SCHEMES]
    assert {(SCHEMES[name].activation.dtype, SCHEMES[name].weight.dtype) for name in found} == set(kinds)


@needs_qemu
def test_the_command_line_writes_a_recipe(graph, files, tmp_path, monkeypatch):
    monkeypatch.setattr(api, "load_model", lambda path: graph if path.suffix == ".keras" else load(path))
    command = ["search", "model.keras", "--calibration", str(files["calibration"]), "--eval", str(files["evaluation"])]
    command += ["--candidates", ",".join(CANDIDATES), "--max-flash", str(1 << 20), "--jobs", "1", "--json"]
    result = CliRunner().invoke(main, [*command, "-o", str(tmp_path / "r.toml")], catch_exceptions=False)
    found = json.loads(result.stdout)
    assert (tmp_path / "r.toml").read_text() == found["recipe"]
    text = printed(found, tmp_path / "r.toml")
    for layer in found["layers"]:
        assert layer["name"] in text
    assert f"{found['found']['instructions']:,} instructions" in text and "--recipe" in text
    refused = CliRunner().invoke(main, command[:4])
    assert refused.exit_code == 2 and "no budget is given" in refused.output
