"""What every candidate costs and loses at every layer, and assignments evaluated and built whole."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeq import api
from edgeq.errors import QuantizationError
from edgeq.evaluation import Evaluation
from edgeq.ir import Graph
from edgeq.quant.recipes import parse_recipe
from edgeq.quant.schemes import find_scheme
from edgeq.search.assignments import Group, default_scheme, recipe_text
from edgeq.search.choosing import Option
from edgeq.search.costs import Measured, measure, summed
from edgeq.search.evaluating import Outcome
from edgeq.search.workers import Workers
from edgeq.target import Board
from edgeq.verify import Progress

#: A scheme's name for each group.
Assignment = tuple[str, ...]

#: Instructions for each element of a conversion between int8 and int16, about.
_CONVERSION = 16


@dataclass
class Tables:
    """Filled by `fill_costs`, then by `fill_losses`; estimates are corrected by `learn`.

    Attributes:
        outcomes: of all assignments evaluated so far.
        uniform: by candidate, all layers in it that take it, the others in the default.
        reference: the most precise of these. built: their firmware, measured, by candidate.
        rows: of each group its options. Their losses are what the power of the outputs' error grows by, relative to the
            outputs' power, where the group alone leaves the reference.
        flash, ram, instructions: what an image takes beyond the sums of its options, and beyond its arena.
        first_use: bytes of flash for a candidate's kernels.
    """

    graph: Graph
    calibration: Path | str
    samples: Evaluation
    board: Board
    groups: Sequence[Group]
    candidates: Sequence[str]
    workers: Workers
    progress: Progress
    notes: list[str] = field(default_factory=list)
    outcomes: dict[Assignment, Outcome] = field(default_factory=dict)
    uniform: dict[str, Assignment] = field(default_factory=dict)
    reference: Assignment = ()
    built: dict[str, Measured] = field(default_factory=dict)
    rows: list[list[Option]] = field(default_factory=list)
    flash: int = 0
    ram: int = 0
    instructions: int = 0
    first_use: dict[str, int] = field(default_factory=dict)
    _done: int = 0

    def fill_costs(self) -> None:
        """Every candidate everywhere, then each built: rows without losses.

        Raises:
            QuantizationError: no candidate can be had for this model.
        """
        default = default_scheme(self.candidates)
        for name in self.candidates:
            scheme = find_scheme(name)
            self.uniform[name] = tuple(name if group.takes(scheme) else default for group in self.groups)
        self.evaluate(self.uniform.values())
        for name, schemes in list(self.uniform.items()):
            if self.outcomes[schemes].problem:
                self.notes.append(f"{name} is no candidate for this model: {self.outcomes[schemes].problem}")
                del self.uniform[name]
        if not self.uniform:
            raise QuantizationError("no candidate can be had: " + "; ".join(self.notes), where=self.graph.source)
        self.reference = min(self.uniform.values(), key=self.noise)
        costs = self._costs()
        for index, group in enumerate(self.groups):
            self.rows.append([])
            for name in self._offered(index):
                flash, executed = costs.get(name, next(iter(costs.values())))
                self.rows[index].append(Option(name, 0.0, flash.get(group.name, 0), executed.get(group.name, 0)))

    def fill_losses(self) -> None:
        """Every layer alone at each of its options: what cannot be had is one no longer."""
        self.evaluate(self.alone(i, option.scheme) for i, row in enumerate(self.rows) for option in row)
        for index, row in enumerate(self.rows):
            alone = {option: self.alone(index, option.scheme) for option in row}
            self.rows[index] = [
                replace(option, loss=self.noise(schemes) - self.noise(self.reference))
                for option, schemes in alone.items()
                if not self.outcomes[schemes].problem
            ]

    def _offered(self, index: int) -> list[str]:
        found = [name for name in self.uniform if self.uniform[name][index] == name]
        return found or [self.reference[index]]

    def _costs(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """By candidate, bytes of constants and instructions of each group that it stands for."""
        owners = {layer: group.name for group in self.groups for layer in group.layers}
        costs, beside, others, rams = {}, {}, [], []
        for name, schemes in self.uniform.items():
            measured = self.built[name] = self.build(schemes)
            owned = {layer.name: owners[layer.loc] for layer in self.outcomes[schemes].layers if layer.loc in owners}
            flash, executed = costs[name] = summed(measured.constants, owned), summed(measured.executed, owned)
            beside[name] = measured.flash - sum(flash.values())
            others.append(measured.instructions - sum(executed.values()))
            rams.append(measured.ram - self.outcomes[schemes].arena)
        self.flash, self.ram, self.instructions = min(beside.values()), min(rams), min(others)
        self.first_use = {name: cost - self.flash for name, cost in beside.items()}
        return costs

    def alone(self, index: int, name: str) -> Assignment:
        """The reference with another scheme for one group."""
        return (*self.reference[:index], name, *self.reference[index + 1 :])

    def recipe(self, schemes: Assignment) -> str:
        return recipe_text(self.groups, schemes, default_scheme(self.candidates))

    def evaluate(self, wanted: Iterable[Assignment]) -> None:
        """Adds their outcomes, those that are not known in parallel."""
        fresh = [each for each in dict.fromkeys(wanted) if each not in self.outcomes]
        found = self.workers.outcomes([self.recipe(each) for each in fresh])
        for each, outcome in zip(fresh, found, strict=True):
            self.outcomes[each] = outcome
            self._step()

    def build(self, schemes: Assignment) -> Measured:
        """Compiles and measures an assignment, calibrated with all the data."""
        plan = parse_recipe(tomllib.loads(self.recipe(schemes)))
        with tempfile.TemporaryDirectory(prefix="edgeq-search-") as folder:
            out = Path(folder) / "firmware"
            project = api.build(self.graph, self.board, calibration=self.calibration, recipe=plan, out=out)
            found = measure(project, self.samples, self.board.qemu is not None)
        self._step()
        return found

    def _step(self) -> None:
        self._done += 1
        about = len(self.candidates) * (len(self.groups) + 2) + 20
        self.progress(self._done, max(about, self._done + 1))

    def noise(self, schemes: Assignment) -> float:
        return self.outcomes[schemes].noise

    def options(self, schemes: Assignment) -> list[Option]:
        return [next(o for o in row if o.scheme == name) for row, name in zip(self.rows, schemes, strict=True)]

    def sums(self, schemes: Assignment) -> tuple[int, int]:
        """(flash, instructions) of an assignment by the tables."""
        options = self.options(schemes)
        first_uses = sum(self.first_use.get(name, 0) for name in set(schemes))
        executed = self.instructions + sum(o.instructions for o in options)
        return self.flash + first_uses + sum(o.flash for o in options), executed

    def estimate(self, schemes: Assignment) -> dict[str, int]:
        """What an evaluated assignment will take, its conversions between types included."""
        outcome = self.outcomes[schemes]
        flash, executed = self.sums(schemes)
        conversions = sum(layer.size for layer in outcome.layers if layer.op == "QUANTIZE")
        return {
            "flash": flash,
            "RAM": self.ram + outcome.arena,
            "instructions": executed + _CONVERSION * conversions,
        }

    def learn(self, schemes: Assignment, measured: Measured) -> None:
        """Where a build has taken more than was estimated, the next estimates are higher by that."""
        estimate = self.estimate(schemes)
        self.flash += max(0, measured.flash - estimate["flash"])
        self.ram += max(0, measured.ram - estimate["RAM"])
        self.instructions += max(0, measured.instructions - estimate["instructions"])
