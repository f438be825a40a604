"""FULLY_CONNECTED by our own kernel for cores with the vector extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.kernels import register
from edgeq.kernels.packing import padded_steps
from edgeq.kernels.vector_tables import JointTable, VectorTable
from edgeq.ops.fully_connected import FullyConnectedParams
from edgeq.target import Cpu

_UNITS = 4


@register
class FullyConnectedMveS8(VectorTable):
    """Any number of inputs and units.

    `packed` holds one record per four units: their biases with the input's offset folded in; for every sixteen inputs
    the weights of each unit; their multipliers; their shifts. Weights of the last step are filled up with zeros,
    units of the last record with the last one.
    """

    name = "edgeq_fully_connected_mve_s8"
    ops = ("FULLY_CONNECTED",)
    template = "fully_connected_mve.c.j2"
    tuned = True
    code_bytes = 518

    def supports(self, p: FullyConnectedParams, cpu: Cpu) -> bool:
        return cpu.mve and not p.single_rounding and self.channels(p) is not None and self.fits(p, _steps(p))

    def cost(self, p: FullyConnectedParams, cpu: Cpu) -> int:
        return 60 + p.batches * -(-p.units // _UNITS) * (10 * -(-p.depth // 16) + 32)

    def extras(self, p: FullyConnectedParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return {"packed": self.packed(self.channels(p), _tiles(p), _steps(p))}


@register
class FullyConnectedMveS4(JointTable, FullyConnectedMveS8):
    """Weights of four bits: two units share the bytes of the table (`joint_weights`)."""

    name = "edgeq_fully_connected_mve_s4"
    weight_types = ("int4",)
    code_bytes = 542


def _tiles(p: FullyConnectedParams) -> np.ndarray:
    """The units of the records."""
    return np.minimum(np.arange(-(-p.units // _UNITS) * _UNITS), p.units - 1).reshape(-1, _UNITS)


def _steps(p: FullyConnectedParams) -> np.ndarray:
    """The weights of records' units, sixteen to a step: int8 (records, steps, 4, 16)."""
    return np.moveaxis(padded_steps(p.weights).reshape(p.units, -1, 16)[_tiles(p)], 1, 2)
