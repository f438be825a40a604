"""READ_VARIABLE: what a state held at the inference's start, for those who need it later. Operand: the state."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.movement import Movement, Piece, whole


@dataclass(frozen=True)
class ReadVariableAttrs:
    """READ_VARIABLE has no attributes."""


@register
class ReadVariable(Movement):
    """No graph holds it: lowering makes it where the state's memory takes the new value too early."""

    name = "READ_VARIABLE"
    Attrs = ReadVariableAttrs

    def pieces(self, attrs: ReadVariableAttrs, x: np.ndarray) -> list[Piece]:
        return [whole(x)]
