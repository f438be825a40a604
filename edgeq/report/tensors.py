"""Tensors as JSON values."""

from __future__ import annotations

from typing import Any

from edgeq.ir import Tensor
from edgeq.program import ProgramTensor


def state(tensor: Tensor | ProgramTensor) -> dict[str, Any]:
    """Of a value that lives across inferences."""
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "type": tensor.dtype.value,
        "bytes": tensor.nbytes,
    }
