"""The README says what the code supports, no more and no less."""

from __future__ import annotations

import importlib.util
import json
import re

import pytest
from click.testing import CliRunner

from edgeq import api
from edgeq.cli import main

from .readme import README, renewed


def test_the_generated_parts_are_up_to_date() -> None:
    """`make readme` writes them."""
    text = README.read_text()
    assert renewed(text) == text


def test_every_operator_and_layer_is_named() -> None:
    """Counted here on its own: the generator must not lose any."""
    words = set(re.findall(r"\w+", README.read_text()))
    assert {row["name"] for row in api.operators()["operators"]} <= words
    assert {name for name in api.operators()["keras"] if not name.startswith("ops.")} <= words


def test_an_outdated_part_is_noticed() -> None:
    text = README.read_text()
    outdated = text.replace("make readme -->\n", "make readme -->\nOLD_OPERATOR, ")
    assert outdated != text and renewed(outdated) == text
    with pytest.raises(ValueError, match="one part 'operators', has 0"):
        renewed(text.replace("<!-- operators", "<!-- other"))


def test_the_command_line_prints_the_same() -> None:
    printed = CliRunner().invoke(main, ["inspect", "--ops"], catch_exceptions=False).output
    found = json.loads(CliRunner().invoke(main, ["inspect", "--ops", "--json"], catch_exceptions=False).output)
    assert found == api.operators()
    for row in found["operators"]:
        assert re.search(rf"^\W*{row['name']}\b", printed, re.MULTILINE)
    rows = {row["name"]: row for row in found["operators"]}
    assert {"arm_elementwise_add_s8", "edgeq_add_broadcast_s8"} <= set(rows["ADD"]["kernels"])
    assert rows["ADD"]["types"] == ["int8", "int16"]
    # as other operators
    written = {"BINARY_CONV_2D", "BINARY_FULLY_CONNECTED"}
    assert all(row["exported"] is (not row["own"] or name in written) for name, row in rows.items())
    assert rows["RESHAPE"]["kernels"] == []


def test_inspect_needs_a_model_or_ops() -> None:
    for arguments in ([], ["model.tflite", "--ops"]):
        result = CliRunner().invoke(main, ["inspect", *arguments])
        assert result.exit_code == 2 and "either" in result.output


def test_the_table_of_schemes_is_that_of_the_stored_figures() -> None:
    """`make schemes` writes both."""
    path = README.parent / "examples" / "schemes" / "table.py"
    spec = importlib.util.spec_from_file_location("table_of_schemes", path)
    table = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(table)
    figures = table.stored()
    assert table.readme_table(README.read_text()) == table.markdown(figures)
    for data in table.DATA:
        measured = figures[data]["rows"]
        assert all("problem" not in figure for figure in measured.values())
        # what rounding may cost, and that training does not end below its start
        below = {row: figures[data]["float"] - _best(measured[row]) for row in ("int8", "lsq4", "ternary", "xnor")}
        assert below["int8"] <= 0.005 and below["lsq4"] <= 0.01 and below["ternary"] <= 0.02 and below["xnor"] <= 0.06
        trained = {row: figure for row, figure in measured.items() if "qat" in figure}
        assert trained.keys() >= {"int8", "lsq", "lsq4", "lsq, 3 bits", "lsq, 2 bits", "ternary", "binary", "xnor"}
        assert all(figure["qat"]["accuracy"] >= figure["ptq"]["accuracy"] for figure in trained.values())


def _best(figure: dict) -> float:
    return figure.get("qat", figure["ptq"])["accuracy"]
