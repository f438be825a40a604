"""Verification finds what is wrong, and says where: checked by breaking the firmware on purpose."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgeq.cli import main
from edgeq.project import open_project
from tests.tools import needs_host

pytestmark = [needs_host, pytest.mark.xdist_group("boards")]
M4 = "mps2-an386"


@pytest.fixture
def project(digits_project, tmp_path) -> Path:
    """A copy of the digits project on CMSIS-NN's functions, to be broken."""
    copy = tmp_path / "firmware"
    shutil.copytree(digits_project(M4, "cmsis-nn").folder, copy, ignore=shutil.ignore_patterns("build"))
    return copy


def edit(path: Path, pattern: str, replacement: str) -> None:
    text = path.read_text()
    changed, count = re.subn(pattern, replacement, text, count=1)
    assert count == 1 and changed != text
    path.write_text(changed)


def verify(project: Path, *options: str) -> tuple[int, dict]:
    result = CliRunner().invoke(main, ["verify", str(project), "--json", *options], catch_exceptions=False)
    return result.exit_code, json.loads(result.stdout)


def test_an_untouched_project_is_equal(project):
    code, report = verify(project, "--vectors", "5")
    program = open_project(project).program
    assert code == 0 and report["equal"]
    (rung,) = report["rungs"]
    assert rung == {
        "on": "host", "vectors": 5, "tensors": 5 * (len(program.calls) + 1), "equal": True, "first_difference": None,
    }  # fmt: skip


def test_a_changed_bias_is_found_in_its_layer_and_channel(project):
    program = open_project(project).program
    layer = next(i for i, call in enumerate(program.calls) if call.op == "FULLY_CONNECTED")
    symbol = f"digits_{program.calls[layer].name}_bias"
    # one more than half the range: the first unit saturates
    edit(project / "model" / "digits_weights.c", rf"({symbol}\[\d+\] = \{{\s*)-?\d+", r"\g<1>10000000")
    code, report = verify(project)
    difference = report["rungs"][0]["first_difference"]
    assert code == 1 and not report["equal"]
    assert (difference["layer"], difference["layer_name"]) == (layer, program.calls[layer].name)
    assert difference["element"][-1] == 0
    assert difference["actual"] == 127 != difference["expected"]


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [(r"threshold = ", "threshold = 1 + "), (r"product \+ \(\(int64_t\)1 << 30\)", "product")],
    ids=["right shift", "high product"],
)
def test_a_wrong_rounding_is_found(project, pattern, replacement):
    edit(project / "runtime" / "include" / "edgeq_fixedpoint.h", pattern, replacement)
    code, report = verify(project, "--vectors", "64")
    assert code == 1 and report["rungs"][0]["first_difference"] is not None


def test_vectors_come_from_a_file(project, digits):
    images = np.load(digits / "test.npz")["images"][:7]
    np.save(project / "x.npy", images)
    code, report = verify(project, "--input", str(project / "x.npy"))
    assert code == 0 and report["rungs"][0]["vectors"] == 7


def test_run_equals_simulate_and_dequantizes(project, digits, tmp_path):
    images = np.load(digits / "test.npz")["images"][:5]
    np.save(tmp_path / "x.npy", images)
    opened = open_project(project)
    (integers,) = opened.simulate(images).values()
    assert integers.dtype == np.int8
    (run,) = opened.run(tmp_path / "x.npy", on="host").values()
    assert np.array_equal(run, integers)
    (probabilities,) = opened.run(images, on="host", dequantize=True).values()
    assert np.allclose(probabilities.reshape(5, -1).sum(1), 1, atol=0.05)
    printed = CliRunner().invoke(main, ["simulate", str(project), "--input", str(tmp_path / "x.npy"), "--json"])
    (values,) = json.loads(printed.stdout)["outputs"].values()
    assert np.array_equal(values, integers)


def test_the_same_input_gives_the_same_bytes(digits, tmp_path):
    from edgeq import api

    folders = []
    for name in ("a", "b"):
        folders.append(tmp_path / name)
        api.build(
            digits / "digits.keras", M4, calibration=digits / "calibration.npz", out=tmp_path / name, compile=False
        )
    files = [{p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders]
    assert files[0] == files[1] and len(files[0]) > 20
