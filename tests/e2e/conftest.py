"""Projects that several tests share, built once in a worker."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq import api
from edgeq.project import Project
from tests.e2e.zoo import int8_model

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"


@pytest.fixture(scope="session")
def zoo_project(tmp_path_factory) -> Callable[..., Project]:
    """(model, board[, kernels]) → its built project, without the user's CMSIS-NN."""

    @functools.cache
    def get(model: str, board: str, kernels: str = "auto") -> Project:
        folder = tmp_path_factory.mktemp(f"{model}-{board}") / "firmware"
        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("CMSIS_NN_ROOT", raising=False)
            return api.build(int8_model(model), board, kernels=kernels, out=folder)

    return get


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """The folder of the trained digits example: digits.keras, calibration.npz, test.npz; briefly trained."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        import train
    finally:
        sys.path.remove(str(EXAMPLE))
    folder = tmp_path_factory.mktemp("digits")
    assert train.train(folder, epochs=6) > 0.8
    return folder


@pytest.fixture(scope="session")
def digits_project(digits, tmp_path_factory) -> Callable[..., Project]:
    """(board[, kernels]) → the digits project for it."""

    @functools.cache
    def get(board: str, kernels: str = "auto") -> Project:
        folder = tmp_path_factory.mktemp(board) / "firmware"
        calibration = digits / "calibration.npz"
        return api.build(digits / "digits.keras", board, calibration=calibration, kernels=kernels, out=folder)

    return get
