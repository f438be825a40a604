"""Builds of the tiny project, shared by all tests of a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq.toolchain.build import build

from .project import write_project


def need(*tools: str) -> None:
    """Skips the test where a tool is missing; on CI it fails."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"missing on CI: {', '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


@pytest.fixture(autouse=True)
def _no_cmsis_nn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tiny model needs no kernels: do not build a whole library for it."""
    monkeypatch.delenv("CMSIS_NN_ROOT", raising=False)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The tiny project for a board."""
    written: dict[str, Path] = {}

    def write(board: str) -> Path:
        if board not in written:
            written[board] = write_project(tmp_path_factory.mktemp(board), board)
        return written[board]

    return write


@pytest.fixture(scope="session")
def host_executable(project: Callable[[str], Path]) -> Path:
    need("gcc")
    return build(project("mps2-an386"), "host")


@pytest.fixture(scope="session")
def image(project: Callable[[str], Path]) -> Callable[[str], Path]:
    """The target image for a board."""
    built: dict[str, Path] = {}

    def make(board: str) -> Path:
        need("arm-none-eabi-gcc")
        if board not in built:
            built[board] = build(project(board), "target")
        return built[board]

    return make
