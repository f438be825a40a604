"""The one exception tree: every message says what went wrong, where, and what to do about it."""

from __future__ import annotations


class EdgeqError(Exception):
    """A problem the user can act on.

    Args:
        what: one sentence naming the problem.
        where: the file, layer, tensor or board concerned; empty when there is none.
        hint: what to do about it; empty when nothing useful can be said.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = ""):
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  hint: {self.hint}" if self.hint else head


class ModelError(EdgeqError):
    """The model file is damaged, inconsistent, or uses something that is not supported."""


class CalibrationError(EdgeqError):
    """The calibration data does not fit the model."""


class QuantizationError(EdgeqError):
    """The requested quantization is impossible for this graph (an accumulator overflows, a scheme does not apply)."""


class InfeasibleError(EdgeqError):
    """No assignment of schemes to layers meets the budgets (`edgeq search`)."""


class TargetError(EdgeqError):
    """An unknown board, or a model that does not fit the chosen one."""


class ToolchainError(EdgeqError):
    """A compiler, emulator or build tool is missing or failed."""


class ProtocolError(EdgeqError):
    """The device is silent, answers garbage, or runs another program."""


class ProjectError(EdgeqError):
    """A firmware folder is missing, damaged, or cannot be written."""
