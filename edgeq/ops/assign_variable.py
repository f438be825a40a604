"""ASSIGN_VARIABLE: a state takes a value. Operand: the value."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.movement import Movement, Piece, whole


@dataclass(frozen=True)
class AssignVariableAttrs:
    """ASSIGN_VARIABLE has no attributes."""


@register
class AssignVariable(Movement):
    """No graph holds it: lowering makes it where a state's new value is not computed in the state's own memory."""

    name = "ASSIGN_VARIABLE"
    Attrs = AssignVariableAttrs

    def pieces(self, attrs: AssignVariableAttrs, x: np.ndarray) -> list[Piece]:
        return [whole(x)]
