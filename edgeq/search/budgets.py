"""What a firmware may take, and what it must reach."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.errors import EdgeqError
from edgeq.search.costs import Measured
from edgeq.target import Board


@dataclass(frozen=True)
class Budgets:
    """The most bytes of flash, of RAM (arena, scratch, static and stack), and instructions of an inference; the least
    accuracy, 0 to 1: agreement with the float model where there are no labels. None for any."""

    flash: int | None = None
    ram: int | None = None
    instructions: int | None = None
    accuracy: float | None = None

    @property
    def costs(self) -> dict[str, int]:
        """Those that are upper bounds."""
        given = {"flash": self.flash, "RAM": self.ram, "instructions": self.instructions}
        return {name: limit for name, limit in given.items() if limit is not None}

    def check(self, board: Board) -> None:
        """Raises EdgeqError for budgets that no search can work with."""
        if not self.costs and self.accuracy is None:
            raise EdgeqError(
                "no budget is given",
                hint="say what the result may take, with --max-flash, --max-ram or --max-instructions, or what it must "
                "reach, with --min-accuracy",
            )
        if self.instructions is not None and board.qemu is None:
            raise EdgeqError(
                "instructions are counted by QEMU, which does not emulate this board",
                where=board.name,
                hint="search for an emulated board with the same core: `edgeq targets`",
            )
        if self.accuracy is not None and not 0 < self.accuracy <= 1:
            raise EdgeqError(f"an accuracy lies between 0 and 1, not at {self.accuracy:g}")
        for name, limit in self.costs.items():
            if limit <= 0:
                raise EdgeqError(f"a budget of {limit} for {name} leaves nothing")

    def exceeded(self, measured: Measured) -> dict[str, tuple[float, float]]:
        """(measured, budget) of what a firmware takes too much of, or does not reach."""
        figures = {"flash": measured.flash, "RAM": measured.ram, "instructions": measured.instructions}
        over: dict[str, tuple[float, float]] = {
            name: (figures[name], limit) for name, limit in self.costs.items() if figures[name] > limit
        }
        if self.accuracy is not None and measured.quality < self.accuracy:
            over["accuracy"] = (measured.quality, self.accuracy)
        return over
