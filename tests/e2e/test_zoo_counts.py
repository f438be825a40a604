"""No model has become slower or larger on any core: exact counts against those that `make bench` has stored."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.bench import tables
from tests.bench.measuring import SETTINGS, Workspace, cells, grown, stored
from tests.e2e.zoo import needs_zoo
from tests.tools import needs_qemu

# All others with EDGEQ_BENCH=all: they take minutes.
ORDINARY = [cell for cell in cells() if cell.endswith("/auto")]
CELLS = cells() if os.environ.get("EDGEQ_BENCH") == "all" else ORDINARY


@pytest.fixture(scope="session")
def workspace(tmp_path_factory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("bench"))


@needs_zoo
@needs_qemu
@pytest.mark.parametrize(
    "cell", [pytest.param(cell, marks=pytest.mark.xdist_group(f"bench-{cell.split('/')[0]}")) for cell in CELLS]
)
def test_nothing_has_grown(cell, workspace, monkeypatch):
    """Where it has for a good reason: `make bench` writes the new figures."""
    monkeypatch.delenv("CMSIS_NN_ROOT", raising=False)
    assert grown(cell, stored()[cell], workspace.measure(cell)) == []


def test_two_per_cent_are_growth_and_less_is_not():
    before = {"instructions": 1000, "cycles": 1000, "flash": 1000, "ram": 1000}
    assert grown("a", before, before | {"cycles": 1020}) == []
    assert grown("a", before, before | {"cycles": 1021, "ram": 2000, "flash": 1}) == [
        "a: cycles has grown from 1,000 to 1,021",
        "a: ram has grown from 1,000 to 2,000",
    ]


def test_tables_show_what_is_stored():
    assert set(stored()) == set(cells()) and len(cells()) == 24 * len(SETTINGS)
    assert tables.readme_table(tables.README.read_text()) == tables.summary(stored())
    assert Path(tables.TABLE).read_text() == tables.everything(stored())
