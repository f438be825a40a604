"""`edgeq compare`: figures that are what they say, and refusals before anything is built."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import edgeq
from edgeq import api
from edgeq.comparison import front
from edgeq.errors import EdgeqError
from edgeq.quant.evaluate import run
from edgeq.report.front import front as drawn
from edgeq.report.text import compare as printed
from tests.tools import needs_qemu

from .nets import data_for, mixed_net

M4 = "mps2-an386"


@pytest.fixture
def graph():
    return mixed_net()


@pytest.fixture
def files(graph, tmp_path):
    """Calibration data, and evaluation data whose labels are the float model's but for one in eight."""
    np.savez(tmp_path / "calibration.npz", **data_for(graph))
    data = data_for(graph, 64, seed=9)
    labels = run(graph, data)["probabilities"].reshape(64, -1).argmax(axis=1)
    labels[::8] = (labels[::8] + 1) % 4
    np.savez(tmp_path / "eval.npz", labels=labels, **data)
    return {"calibration": tmp_path / "calibration.npz", "evaluation": tmp_path / "eval.npz"}


def test_accuracy_agreement_and_noise_are_of_the_integers(graph, files):
    found = edgeq.compare(graph, ["int8", "abs-max"], compile=False, **files)
    exact, *rows = found["rows"]
    assert [row["scheme"] for row in found["rows"]] == ["float", "int8", "abs-max"]
    assert exact["accuracy"] == 7 / 8 and exact["agreement"] == 1.0 and exact["sqnr"] is None
    samples = dict(np.load(files["evaluation"]))
    labels = samples.pop("labels")
    float_outputs = run(graph, samples)["probabilities"].reshape(64, 4).astype(np.float64)
    for row in rows:
        project = api.build(
            graph, M4, calibration=files["calibration"], scheme=row["scheme"], out=files["calibration"].parent / "p",
            compile=False,
        )  # fmt: skip
        outputs = project.simulate([samples["in0"]], dequantize=True)["probabilities"].reshape(64, 4)
        assert row["accuracy"] == np.mean(outputs.argmax(1) == labels)
        assert row["agreement"] == np.mean(outputs.argmax(1) == float_outputs.argmax(1))
        noise = np.square(outputs - float_outputs).sum()
        assert row["sqnr"] == pytest.approx(10 * np.log10(np.square(float_outputs).sum() / noise))
        assert row["flash"] is None and row["problem"] is None


@needs_qemu
def test_sizes_and_instructions_are_those_of_a_build(graph, files, tmp_path):
    found = edgeq.compare(graph, ["per-tensor"], **files)
    project = api.build(graph, M4, calibration=files["calibration"], scheme="per-tensor", out=tmp_path / "project")
    report, row = project.report(), found["rows"][1]
    assert row["equal"] is True and row["instructions"] == project.profile()["instructions"]
    assert (row["flash"], row["ram"]) == (report["flash"]["total"], report["ram"]["total"])
    text = printed(found, ["per-tensor"])
    assert "per-tensor *" in text and f"{row['instructions']:,}" in text and "equal" in text


def test_without_labels_and_evaluation_data(graph, files):
    found = edgeq.compare(graph, ["int8"], calibration=files["calibration"], compile=False)
    assert found["evaluated_on"] == "calibration data" and found["vectors"] == 48
    assert found["rows"][1]["accuracy"] is None and found["rows"][1]["agreement"] > 0.8


def test_a_scheme_that_fails_is_a_row_with_its_reason(graph, files, monkeypatch):
    build = api.build

    def broken(*args, scheme, **kwargs):
        if scheme == "mse":
            raise EdgeqError("no kernel for that", where="conv")
        return build(*args, scheme=scheme, **kwargs)

    monkeypatch.setattr(api, "build", broken)
    found = edgeq.compare(graph, ["mse", "int8"], compile=False, **files)
    assert found["rows"][1]["problem"] == "conv: no kernel for that" and found["rows"][2]["sqnr"]
    assert "mse: conv: no kernel for that" in printed(found, [])


@pytest.mark.parametrize(
    ("schemes", "message"), [(["int8", "int9"], "int9"), ([], "no scheme"), (["none.toml"], "cannot read")]
)
def test_bad_schemes_are_refused_before_data_is_read(graph, tmp_path, schemes, message):
    with pytest.raises(EdgeqError, match=message):
        edgeq.compare(graph, schemes, calibration=tmp_path / "none.npz")


@pytest.mark.parametrize(
    ("labels", "message"),
    [(np.zeros(3, int), "one class number for each of 64"), (np.full(64, 4), "from 4 to 4"), (np.zeros(64), "float64")],
)
def test_labels_that_do_not_fit(graph, files, labels, message):
    data = dict(np.load(files["evaluation"]))
    np.savez(files["evaluation"], **{**data, "labels": labels})
    with pytest.raises(EdgeqError, match=message):
        edgeq.compare(graph, ["int8"], compile=False, **files)


def rows(**figures):
    return [
        {"scheme": name, "accuracy": a, "flash": f, "ram": 1, "instructions": i} for name, (a, f, i) in figures.items()
    ]


def test_the_front_holds_what_no_other_beats():
    table = rows(exact=(1.0, None, None), good=(0.9, 10, 10), small=(0.8, 5, 9), worse=(0.8, 6, 9))
    assert front(table, "accuracy", ("flash", "instructions")) == ["good", "small"]


def test_the_picture_is_xml_with_a_circle_for_each_measured_scheme():
    table = rows(**{"exact": (1.0, None, None), "a<b&c": (0.9, 10, 10), "other": (0.7, 20, 90)})
    picture = ElementTree.fromstring(drawn(table, "accuracy", ["other"]))
    circles = [e for e in picture if e.tag.endswith("circle")]
    assert len(circles) == 2 and float(circles[0].get("cx")) < float(circles[1].get("cx"))
    assert float(circles[0].get("cy")) < float(circles[1].get("cy")) and float(circles[0].get("r")) < 15
    assert any(e.text == "a<b&c" for e in picture)
    assert drawn(table[:1], "accuracy", []).count("circle") == 1  # the legend


def test_the_command_line_saves_the_table_and_the_picture(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from edgeq.cli import main

    graph = mixed_net()
    np.savez(tmp_path / "c.npz", **data_for(graph))
    monkeypatch.setattr(api, "load_model", lambda path: graph)
    command = ["compare", "model.keras", "--calibration", str(tmp_path / "c.npz"), "--schemes", "int8, mse"]
    command += ["--no-compile", "--plot", str(tmp_path / "p.svg"), "-o", str(tmp_path / "t.json"), "--json"]
    result = CliRunner().invoke(main, command, catch_exceptions=False)
    assert json.loads(result.stdout) == json.loads((tmp_path / "t.json").read_text())
    assert [row["scheme"] for row in json.loads(result.stdout)["rows"]] == ["float", "int8", "mse"]
    ElementTree.parse(tmp_path / "p.svg")
