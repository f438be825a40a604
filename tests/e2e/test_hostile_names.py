"""Names in a model are untrusted text: whatever they are, the C compiles, computes the same and stays in its place."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from edgeq import api
from edgeq.emit import _LAYER_SYMBOLS, _RESULT_SYMBOLS
from edgeq.ir import DType, Graph, Node, QuantParams, Tensor, verify_graph
from edgeq.ops import Activation, find_op
from edgeq.project import open_project
from edgeq.resources import templates_dir
from tests.tools import needs_host

pytestmark = [needs_host, pytest.mark.xdist_group("boards")]
M4 = "mps2-an386"
WIDTH = 5

# Each names a layer, its output and its constants.
NAMES = (
    "../../x",
    "/tmp/evil",
    'a"; system("touch pwned"); //',
    "'",
    "line\nbreak\r\n#error no",
    "int",
    "while",
    "*/ int x; /*",
    "/* open",
    "trigraph ??/",
    "continued \\",
    "{{ m.name }}{% raw %}",
    "%s%n$(touch pwned)`touch pwned`",
    "${CMAKE_SOURCE_DIR};x",
    "größe \u202e\U0001f4a3",
    "\x00nul",
    "n" * 300,
    "n" * 300 + "2",
    "same",
    "same",
    "Same",
    "sa me",
    "same_2",
    "",
    "arena",
    "main",
    "NULL",
    "memcpy",
    "uint8_t",
    "arm_fully_connected_s8",
    "layer_table",
    "layer_tensors",
    "input_tensors",
    "evil_init",
    "evil_invoke",
    "evil_model",
    "evil_input",
    "input_0",
    "evil_evil",
    "evil_same_bias",
    "same_bias",
    "same_params",
    "same_input_dims",
)


def hostile_graph(name: str, names: tuple[str, ...]) -> Graph:
    """A chain of FULLY_CONNECTED layers, each with its own weights, every text in it one of `names`."""
    dice = np.random.default_rng(7)
    activation, weight = QuantParams([0.05], [3]), QuantParams([0.01], [0])
    tensors: dict[str, Tensor] = {}

    def add(wish: str, shape: tuple[int, ...], dtype: DType, quant: QuantParams, data: np.ndarray | None = None) -> str:
        while not wish or wish in tensors:  # a graph's tensors differ in name, if only just, and have one
            wish += " "
        tensors[wish] = Tensor(wish, shape, dtype, quant, data)
        return wish

    at = first = add(names[0], (1, WIDTH), DType.INT8, activation)
    attrs = type(find_op("FULLY_CONNECTED")).Attrs(activation=Activation.NONE)
    nodes = []
    for text in names:
        w = add(text, (WIDTH, WIDTH), DType.INT8, weight, dice.integers(-127, 128, (WIDTH, WIDTH)).astype(np.int8))
        bias = dice.integers(-2000, 2000, WIDTH).astype(np.int32)
        b = add(text, (WIDTH,), DType.INT32, QuantParams(activation.scale * weight.scale, [0]), bias)
        y = add(text, (1, WIDTH), DType.INT8, activation)
        nodes.append(Node("FULLY_CONNECTED", (at, w, b), (y,), attrs, loc=text))
        at = y
    graph = Graph(name, tensors, tuple(nodes), (first,), (at,))
    verify_graph(graph, "test")
    return graph


def below(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_hostile_names_compile_and_compute_the_same(tmp_path, monkeypatch):
    """With -Wall -Wextra -Wconversion -Werror, which every project sets."""
    work = tmp_path / "outer" / "work"
    work.mkdir(parents=True)
    monkeypatch.chdir(work)
    project = api.build(hostile_graph('../evil"', NAMES), M4, out=work / "out", compile=False)
    assert project.name == "evil"
    report = project.verify(on="host", vectors=8)
    assert report.equal, report.rungs[0].first_difference
    assert len(project.program.calls) == len(NAMES)
    assert open_project(work / "out").program.hash == project.program.hash
    assert [below(folder) for folder in (tmp_path, work.parent, work)] == [{"outer"}, {"work"}, {"out"}]
    assert not list(tmp_path.rglob("*pwned*"))
    assert not Path("/tmp/evil").exists()


def test_what_templates_define_beside_a_layer_is_kept_free():
    """A layer may be called as what stands beside another one: emit must know all such names."""
    texts = [path.read_text() for path in (templates_dir() / "ops").iterdir()]
    written = {name for text in texts for name in re.findall(r"\{\{ l\.name \}\}_(\w+)", text)}
    joined = {name for text in texts for name in re.findall(r'l\.name ~ "_(\w+)"', text)}
    assert {"params", "before"} <= written and {"dims"} <= joined
    numbered = {f"{name}_" for name in _RESULT_SYMBOLS}
    assert written | joined == set(_LAYER_SYMBOLS) | numbered


def test_hostile_names_leave_plain_ascii_source(tmp_path):
    project = api.build(hostile_graph("\u202e*/", NAMES), M4, out=tmp_path / "out", compile=False)
    for path in [*(project.folder / "model").iterdir(), project.folder / "CMakeLists.txt"]:
        text = path.read_text()
        assert text.isascii() and "\r" not in text and "\0" not in text and "??/" not in text, path.name


@pytest.mark.parametrize("name", ["\n", "stdint", "at", "all"])
def test_model_names_that_c_or_the_build_would_misread(tmp_path, name):
    """The model's name becomes file names, symbols, macros and a CMake project."""
    layers = ("init", "h", "arena_bytes", "layers", "input_0_bytes")
    project = api.build(hostile_graph("g", layers), M4, out=tmp_path / "out", name=name, compile=False)
    assert project.verify(on="host", vectors=2).equal
    assert below(tmp_path) == {"out"}


@pytest.mark.parametrize("name", ["../x", "int", '"; drop', "..", "/", "x" * 300, ""])
def test_model_names_stay_in_the_folder(tmp_path, name):
    out = tmp_path / "out"
    api.build(hostile_graph("g", ("one",)), M4, out=out, name=name, compile=False)
    assert below(tmp_path) == {"out"}
    plain = below(out / "model")
    assert len(plain) == 4 and all(re.fullmatch(r"[a-z0-9_]{1,70}\.[ch]", file) for file in plain)
