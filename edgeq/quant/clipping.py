"""Blocks of weights clipped as serves their layer's results: of several scales the one with the least error there.

What a block's rounding errors e add to a result's squared error is eᵀ·H·e, with H the mean outer product of the inputs
that the block is multiplied with, on calibration data. After Lin et al., "AWQ: Activation-aware Weight Quantization"
(2024), whose search for clipping it is, with the expectation of the error in place of its samples.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import Tensor, frozen_array
from edgeq.quant.blocks import FRACTIONS, SIZE, Blocked, best_blocks
from edgeq.quant.imitation import Layer
from edgeq.quant.layer_inputs import input_rows
from edgeq.quant.params import quantize_to


def clip_blocks(layer: Layer) -> tuple[int, Tensor] | None:
    """The layer's weights with scales of blocks (and minima) chosen anew; None where the scheme does not ask for it or
    the weights are in no blocks. Channels keep their scales, and so the bias its integers."""
    index = layer.rule.weight
    weights = layer.quantized.tensors[layer.integer.inputs[index]]
    if not layer.scheme.clipping or weights.quant.blocks is None:
        return None
    real, role = layer.graph.tensors[layer.node.inputs[index]].data, layer.scheme.weight
    forms = [_forms(rows) for rows in input_rows(layer)]
    parts = np.split(np.arange(len(real)), len(forms))
    found = [
        best_blocks(Blocked.of(real[part]), weights.quant.scale[part], role, FRACTIONS, _cost(form))
        for part, form in zip(parts, forms, strict=True)
    ]
    minima = None if role.symmetric else np.concatenate([each.minima for each in found])
    blocks = replace(weights.quant.blocks, scales=np.concatenate([each.scales for each in found]), minima=minima)
    quant = replace(weights.quant, blocks=blocks)
    data = frozen_array(quantize_to(real, quant, role))
    return index, replace(weights, name=f"{layer.integer.outputs[0]}/clipped_weights", data=data, quant=quant)


def _forms(rows: np.ndarray) -> np.ndarray:
    """H of each block of inputs, float64 (blocks, SIZE, SIZE); rows: (results, inputs)."""
    padded = np.pad(rows, ((0, 0), (0, -rows.shape[1] % SIZE))).reshape(len(rows), -1, SIZE)
    blocks = padded.transpose(1, 2, 0)
    return blocks @ blocks.transpose(0, 2, 1) / len(rows)


def _cost(forms: np.ndarray):
    """The cost of errors, as `edgeq.quant.blocks.Cost`."""

    def cost(errors: np.ndarray) -> np.ndarray:
        by_block = errors.transpose(1, 0, 2)  # (blocks, channels, SIZE)
        return np.sum((by_block @ forms) * by_block, axis=2).T

    return cost
