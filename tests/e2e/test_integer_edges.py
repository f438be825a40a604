"""Inputs and outputs that are plain integers and bools, through every stage."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq import api
from edgeq.exporters.tflite import export_tflite
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, frozen_array, verify_graph
from edgeq.ops import find_op
from edgeq.target import load_board
from tests import reference
from tests.tools import needs_host

pytestmark = pytest.mark.xdist_group("boards")
QUANT = QuantParams([0.1], [-3])


def graph() -> Graph:
    """x (2, 6) int8, n (2, 1) int32, gate () bool → where x is largest, x > 0.5 and not gate, n mod 7 in two types."""
    tensors = [
        Tensor("x", (2, 6), DType.INT8, QUANT),
        Tensor("n", (2, 1), DType.INT32),
        Tensor("gate", (), DType.BOOL),
        Tensor("axis", (1,), DType.INT32, data=frozen_array([1], np.int32)),
        Tensor("half", (), DType.INT8, QUANT, frozen_array(2, np.int8)),
        Tensor("seven", (1,), DType.INT32, data=frozen_array([7], np.int32)),
        Tensor("place", (2,), DType.INT64),
        Tensor("above", (2, 6), DType.BOOL),
        Tensor("open", (), DType.BOOL),
        Tensor("passed", (2, 6), DType.BOOL),
        Tensor("rest", (2, 1), DType.INT32),
        Tensor("wide", (2, 1), DType.INT64),
    ]
    attrs = {name: find_op(name).Attrs() for name in ("ARG_MAX", "GREATER", "LOGICAL_NOT", "LOGICAL_AND", "FLOOR_MOD")}
    nodes = (
        Node("ARG_MAX", ("x", "axis"), ("place",), attrs["ARG_MAX"]),
        Node("GREATER", ("x", "half"), ("above",), attrs["GREATER"]),
        Node("LOGICAL_NOT", ("gate",), ("open",), attrs["LOGICAL_NOT"]),
        Node("LOGICAL_AND", ("above", "open"), ("passed",), attrs["LOGICAL_AND"]),
        Node("FLOOR_MOD", ("n", "seven"), ("rest",), attrs["FLOOR_MOD"]),
        Node("CAST", ("rest",), ("wide",), find_op("CAST").Attrs()),
    )
    whole = Graph("edges", {t.name: t for t in tensors}, nodes, ("x", "n", "gate"), ("place", "passed", "rest", "wide"))
    return verify_graph(whole, "test")


@needs_host
def test_integers_and_bools_at_the_edges(tmp_path):
    project = api.build(graph(), "mps2-an386", out=tmp_path / "firmware", compile=False)
    assert project.verify(on="host", vectors=8).equal
    dice = np.random.default_rng(2)
    x = dice.integers(-128, 128, (9, 2, 6)).astype(np.int8)
    n = dice.integers(-(1 << 31), 1 << 31, (9, 2, 1)).astype(np.int32)
    gate = np.arange(9) % 2 == 0
    ours = project.simulate([x, n, gate])
    on_host = project.run([x, n, gate], on="host")
    theirs = reference.run(export_tflite(graph()), [x, n, gate])
    for name in ("place", "passed", "rest", "wide"):
        np.testing.assert_array_equal(ours[name], theirs[name], strict=True)
        np.testing.assert_array_equal(on_host[name], ours[name], strict=True)
    # what has no scale stays an integer where real numbers are asked for
    assert project.simulate([x, n, gate], dequantize=True)["place"].dtype == np.int64
    header = (tmp_path / "firmware" / "model" / "edges.h").read_text()
    assert "Input 1: int32 2x1 " in header and "Input 2: bool scalar " in header and "Output 0: int64 2 " in header


def test_wide_elements_are_aligned():
    plan = api.compile_graph(graph(), load_board("mps2-an386").soc.cpu).plan
    assert plan.places["place"].offset % 8 == 0 and plan.places["wide"].offset % 8 == 0
