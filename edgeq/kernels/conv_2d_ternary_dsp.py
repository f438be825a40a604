"""CONV_2D with ternary weights by our own kernel for cores with the DSP extension."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import DType, frozen_array
from edgeq.kernels import register
from edgeq.kernels.conv_2d_4x2_dsp import ByFour, by_four_cost, widened_order
from edgeq.kernels.packing import (
    Channels,
    blocks,
    either_channels_of,
    fold_offset,
    steps_within,
    ternary_steps,
    wrap_int32,
)
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.target import Cpu


@register
class ConvolveTernaryDspS8(ByFour):
    """No groups, two output channels and more.

    `packed` begins with 1 where all factors are below a half, else 0, and two numbers of steps, multiples of four,
    after which sums have to be taken down. It holds one record per two output channels (a, b): their biases with the
    input's offset folded in, doubled; for every four steps of `widened_order` a word (`packing.ternary_steps`); the
    requantization of a and of b (`packing.either_channels_of`).
    """

    name = "edgeq_convolve_ternary_dsp_s8"
    weight_types = (DType.TERNARY.value,)

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        return cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= 2 and _channels(p) is not None

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return by_four_cost(p, 10 * len(widened_order(p)) + 110)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        out_c = p.weights.shape[0]
        per_channel, all_right = _channels(p)
        # one more weight, of 0, for what the order leaves out
        flat = np.concatenate([p.weights.reshape(out_c, -1), np.zeros((out_c, 1), np.int8)], axis=1)
        steps = flat[:, widened_order(p)]
        pairs = blocks(out_c, 2)
        a, b = steps[pairs[:, 0]], steps[pairs[:, 1]]
        chunk = steps_within(a, 14)
        words = [
            2 * per_channel.bias[pairs],
            ternary_steps(a, b),
            per_channel.quant[pairs].reshape(len(pairs), -1),
        ]
        head = np.array([all_right, chunk, steps_within(b, 18, chunk)])
        return {"packed": frozen_array(wrap_int32(np.concatenate([head, np.concatenate(words, axis=1).ravel()])))}


def _channels(p: Conv2DParams) -> tuple[Channels, bool] | None:
    return either_channels_of(p, p.weights, fold_offset(p.weights, p.bias, p.input_offset), 128)
