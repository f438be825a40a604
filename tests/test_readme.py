"""The README says what the code supports, no more and no less."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from edgeq import api
from edgeq.cli import main

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()


def _listed(heading: str) -> set[str]:
    """The words of a paragraph that begins with this heading, up to its first semicolon."""
    paragraph = re.search(rf"^{heading}: (.*?);", README, re.MULTILINE | re.DOTALL)
    return set(re.split(r",\s+", paragraph[1].replace("\n", " ")))


def test_operators() -> None:
    assert _listed("Operators") == {row["name"] for row in api.operators()["operators"]}


def test_keras_layers() -> None:
    assert _listed("Keras layers") == {name for name in api.operators()["keras"] if not name.startswith("ops.")}


def test_the_command_line_prints_the_same() -> None:
    printed = CliRunner().invoke(main, ["inspect", "--ops"], catch_exceptions=False).output
    found = json.loads(CliRunner().invoke(main, ["inspect", "--ops", "--json"], catch_exceptions=False).output)
    assert found == api.operators()
    for row in found["operators"]:
        assert re.search(rf"^\W*{row['name']}\b", printed, re.MULTILINE)
    rows = {row["name"]: row for row in found["operators"]}
    assert {"arm_elementwise_add_s8", "edgeq_add_broadcast_s8"} <= set(rows["ADD"]["kernels"])
    assert rows["ADD"]["types"] == ["int8", "int16"]
    assert all(row["exported"] is not row["own"] for row in rows.values())
    assert rows["RESHAPE"]["kernels"] == []


def test_inspect_needs_a_model_or_ops() -> None:
    for arguments in ([], ["model.tflite", "--ops"]):
        result = CliRunner().invoke(main, ["inspect", *arguments])
        assert result.exit_code == 2 and "either" in result.output
