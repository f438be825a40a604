"""One cell of the bench: a model on a core with a kernel setting, built and counted.

The projects of one core share a build folder, where only what differs is compiled again.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeq import api
from edgeq.project import open_project
from edgeq.toolchain.build import build
from edgeq.toolchain.footprint import measure
from tests.e2e.zoo import int8_model

MODELS = {"kws": "keyword spotting", "resnet8": "ResNet-8", "vww": "visual wake words", "ad": "anomaly detection"}
BOARDS = {
    "M4": "mps2-an386",
    "M7": "mps2-an500",
    "M33": "mps2-an505",
    "M55": "mps3-an547",
    "M3": "mps2-an385",
    "M0": "mps2-an385-m0",
}
SETTINGS = ("auto", "tuned", "cmsis-nn")

STORED = Path(__file__).with_name("counts.json")
BASELINE = json.loads(Path(__file__).with_name("baseline.json").read_text())
#: What must not grow.
FIGURES = ("instructions", "cycles", "flash", "ram")


def cells() -> list[str]:
    """The names of all cells, "core/model/setting", in the order of the table."""
    return [f"{core}/{model}/{setting}" for core in BOARDS for model in MODELS for setting in SETTINGS]


def stored() -> dict[str, dict[str, Any]]:
    """The figures that `make bench` has last written, by cell."""
    return json.loads(STORED.read_text())


def store(figures: dict[str, dict[str, Any]]) -> None:
    """Writes the figures, a line per cell."""
    lines = [f"  {json.dumps(cell)}: {json.dumps(figures[cell])}" for cell in cells() if cell in figures]
    STORED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def grown(cell: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """A sentence for every figure that is more than 2 % above what it was."""
    return [
        f"{cell}: {name} has grown from {before[name]:,} to {after[name]:,}"
        for name in FIGURES
        if after[name] > 1.02 * before[name]
    ]


@dataclass
class Workspace:
    """Build folders, one per core, and what has been measured in them."""

    root: Path
    _measured: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def measure(self, cell: str) -> dict[str, Any]:
        """The figures of a cell: instructions and estimated cycles of an inference; bytes of flash, RAM, parts."""
        core, model, setting = cell.split("/")
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / "firmware"
            project = api.build(
                int8_model(model), BOARDS[core], kernels=setting, name="bench", out=fresh, compile=False
            )
            key = core, project.program.hash
            if key not in self._measured:
                _bring_up_to_date(fresh, self.root / core)
                self._measured[key] = _figures(self.root / core)
        return self._measured[key]


def _bring_up_to_date(source: Path, target: Path) -> None:
    """Copies the files that differ: the others keep their times, and their objects."""
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        copy = target / path.relative_to(source)
        data = path.read_bytes()
        if not copy.exists() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)


def _figures(folder: Path) -> dict[str, Any]:
    elf = build(folder, "target")
    project = open_project(folder)
    counted, footprint = project.profile(), measure(elf, project.board)
    report = project.report()
    arena = report["ram"]["arena"] + report["ram"]["scratch"]
    stack = footprint.stack.nbytes
    return {
        "instructions": counted["instructions"],
        "cycles": counted["cycles"],
        "flash": footprint.flash,
        "ram": footprint.ram + stack,
        "code": footprint.group("model", "text", "rodata"),
        "constants": footprint.group("constants"),
        "arena": arena,
        "stack": stack,
        "macs": counted["macs"],
    }
