"""What a firmware costs, whole and layer by layer: measured on its ELF and on the emulated core."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeq.comparison import measured
from edgeq.evaluation import Evaluation, quality
from edgeq.project import Project
from edgeq.toolchain.footprint import object_sizes


@dataclass(frozen=True)
class Measured:
    """Bytes of the image, RAM with the proven stack; instructions of an inference, 0 where they are not counted.

    Attributes:
        figures: the row of `edgeq compare`.
        constants, executed: bytes of constants, and instructions, of each call of the program by name.
    """

    figures: Mapping[str, Any]
    constants: Mapping[str, int] = field(default_factory=dict)
    executed: Mapping[str, int] = field(default_factory=dict)

    @property
    def flash(self) -> int:
        return self.figures["flash"]

    @property
    def ram(self) -> int:
        return self.figures["ram"]

    @property
    def instructions(self) -> int:
        return self.figures.get("instructions") or 0

    @property
    def quality(self) -> float:
        """Accuracy on the labels, agreement with the float model where there are none."""
        return quality(self.figures) or 0.0


def measure(project: Project, samples: Evaluation, emulated: bool) -> Measured:
    """Of a compiled project."""
    counted = project.profile() if emulated else {"instructions": None, "layers": []}
    figures = {**measured(project, samples, False), "instructions": counted["instructions"]}
    executed = {layer["name"]: layer["instructions"] for layer in counted["layers"]}
    return Measured(figures, constants_of(project.image("target"), [c.name for c in project.program.calls]), executed)


def constants_of(elf: Path, calls: list[str]) -> dict[str, int]:
    """Bytes of the constants of each call. Their symbols are named model_call_field."""
    found = dict.fromkeys(calls, 0)
    longest = sorted(calls, key=len, reverse=True)
    for symbol, nbytes in object_sizes(elf).items():
        owner = next((call for call in longest if f"_{call}_" in symbol), None)
        if owner is not None:
            found[owner] += nbytes
    return found


def summed(costs: Mapping[str, int], owner: Mapping[str, str]) -> dict[str, int]:
    """Costs of calls, summed up for the owner of each; calls without one are left out."""
    found: dict[str, int] = {}
    for call, cost in costs.items():
        if call in owner:
            found[owner[call]] = found.get(owner[call], 0) + cost
    return found
