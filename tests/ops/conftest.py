"""`pytest tests/ops --cases N`, or EDGEQ_CASES=N: how many random cases run per operator."""

from __future__ import annotations

import os

import pytest

ORDINARY = 12


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cases", type=int, help=f"random cases per operator (default {ORDINARY})")


@pytest.fixture(scope="session")
def case_count(request: pytest.FixtureRequest) -> int:
    # pytest knows the option only where this folder is named on its command line
    chosen = request.config.getoption("--cases", default=None)
    return chosen or int(os.environ.get("EDGEQ_CASES", ORDINARY))
