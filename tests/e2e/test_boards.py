"""The same models on every emulated board; boards without an emulator are built."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from edgeq.target import list_boards, load_board
from tests.e2e.conftest import EXAMPLE
from tests.e2e.zoo import needs_zoo
from tests.tools import needs_cross, needs_qemu

EMULATED = [name for name in list_boards() if load_board(name).qemu is not None]
BUILT_ONLY = [name for name in list_boards() if load_board(name).qemu is None]

pytestmark = pytest.mark.xdist_group("boards")


def test_the_promised_boards_are_there():
    assert {
        "mps2-an385", "mps2-an386", "mps2-an500", "mps2-an505", "mps3-an547", "netduinoplus2", "microbit",
    } <= set(EMULATED)  # fmt: skip
    assert {"nucleo-f446re", "nrf52840dk"} <= set(BUILT_ONLY)


@needs_qemu
@pytest.mark.parametrize("board", EMULATED)
def test_digits_on_every_emulated_board(board, digits, digits_project):
    project = digits_project(board)
    images = np.load(digits / "test.npz")["images"][:16]
    for inputs in (images, None):
        report = project.verify(on="qemu", vectors=4, inputs=inputs)
        assert report.equal, report


@needs_zoo
@needs_qemu
@pytest.mark.parametrize("board", EMULATED)
def test_hello_world_on_every_emulated_board(board, zoo_project):
    report = zoo_project("hello_world", board).verify(on="qemu", vectors=16)
    assert report.equal, report


@needs_cross
@pytest.mark.parametrize("board", BUILT_ONLY)
def test_boards_without_an_emulator_are_built(board, digits_project):
    project = digits_project(board)
    assert project.image("target").is_file()
    assert project.report()["flash"]["total"] < project.report()["flash"]["size"]


@needs_qemu
def test_accuracy_on_the_board_is_the_simulators(digits, digits_project):
    project = digits_project("mps2-an386")
    images = np.load(digits / "test.npz")["images"][:100]
    (simulated,) = project.simulate(images).values()
    (on_device,) = project.run(images, on="qemu").values()
    assert np.array_equal(simulated, on_device)


@needs_qemu
def test_the_demo_runs_the_whole_held_out_set(tmp_path):
    command = [sys.executable, str(EXAMPLE / "demo.py"), "--folder", str(tmp_path / "demo")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "450 images that training never saw" in result.stdout
    assert "outputs equal, bit for bit" in result.stdout
