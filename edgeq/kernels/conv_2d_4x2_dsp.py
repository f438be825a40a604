"""CONV_2D by our own kernel for cores with the DSP extension that widens windows first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgeq.ir import frozen_array
from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.kernels.conv_2d_dsp import folded_channels
from edgeq.kernels.one_shift import BY_256, OneShift, one_shift
from edgeq.kernels.packing import blocks, joint_lanes, joint_sums_fit, wrap_int32
from edgeq.kernels.sums import sums_between
from edgeq.kernels.walking import backwards_distance, forwards_distance
from edgeq.ops.conv_2d import Conv2DParams
from edgeq.ops.spatial import hangs_over
from edgeq.program import Overlap
from edgeq.target import Cpu

# Pixels that are computed together.
_PIXELS = 4


class ByFour(Kernel):
    """Windows of four pixels lie side by side, as int16: those of int8 are widened, those of int16 copied."""

    ops = ("CONV_2D",)
    template = "conv_2d_4x2_dsp.c.j2"

    def scratch_bytes(self, p: Conv2DParams, cpu: Cpu) -> int:
        """Four windows of int16, and one of the image's type where any has to be copied."""
        copied = hangs_over(p) or not _rows_are_runs(p)
        window = _element(p) * int(np.prod(p.weights.shape[1:]))
        return 4 * _PIXELS * len(widened_order(p)) + (window if copied else 0)

    def overlap(self, p: Conv2DParams, cpu: Cpu) -> Overlap:
        walk = p.input_shape, p.output_shape, p.kernel, p.stride, p.dilation, p.pad
        forwards, backwards = forwards_distance(*walk, tile=0), backwards_distance(*walk, tile=0)
        return Overlap(forwards=_element(p) * forwards, backwards=_element(p) * backwards)


@register
class Convolve4x2DspS8(ByFour):
    """No groups, two output channels and more, weights and sums that `packing.joint_lanes` can say.

    `packed` holds one record per two output channels (a, b): 256 times the bias of b plus that of a, and that of a,
    with the input's offset folded in; a word for every two inputs, 256 b + a in each lane, in the order of
    `widened_order`; the requantization of a and of b. `one_shift`, one number, says which kind that is: 1 where it is
    that of `one_shift.OneShift` for 256 times a sum.
    """

    name = "edgeq_convolve_4x2_dsp_s8"
    tuned = True
    code_bytes = 2898

    def supports(self, p: Conv2DParams, cpu: Cpu) -> bool:
        if not (cpu.dsp and not cpu.mve and p.groups == 1 and p.weights.shape[0] >= 2):
            return False
        channels = folded_channels(p)
        return channels is not None and joint_sums_fit(
            p.weights.reshape(p.weights.shape[0], -1), channels.bias, blocks(p.weights.shape[0], 2)
        )

    def cost(self, p: Conv2DParams, cpu: Cpu) -> int:
        return by_four_cost(p, 51 * len(widened_order(p)) // 4 + 45)

    def extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, _one_shift(p))

    def small_extras(self, p: Conv2DParams, cpu: Cpu) -> Mapping[str, np.ndarray]:
        return _table(p, None)


def _one_shift(p: Conv2DParams) -> OneShift | None:
    """Requantization by one shift where results below the zero point are cut off, and there is one."""
    if p.output_offset != -128:
        return None
    channels = folded_channels(p)
    lowest, highest = (channels.bias + end for end in sums_between(p.weights))
    return one_shift(channels, lowest, highest, BY_256)


def _table(p: Conv2DParams, shifted: OneShift | None) -> Mapping[str, np.ndarray]:
    out_c = p.weights.shape[0]
    per_channel = folded_channels(p)
    quant = per_channel.quant if shifted is None else shifted.quant
    steps = widened_weights(p)
    pairs = blocks(out_c, 2)
    bias = per_channel.bias[pairs]
    words = [
        np.stack([256 * bias[:, 1] + bias[:, 0], bias[:, 0]], axis=1),
        joint_lanes(steps[pairs[:, 0]], steps[pairs[:, 1]]),
        quant[pairs].reshape(len(pairs), -1),
    ]
    return {
        "packed": frozen_array(wrap_int32(np.concatenate(words, axis=1))),
        "one_shift": frozen_array(np.array([shifted is not None], np.int8)),
    }


def by_four_cost(p: Conv2DParams, record: int, channels: int = 2, once: int = 60) -> int:
    """Instructions of a kernel that widens the windows of four pixels and takes so many for some channels of them, and
    others once."""
    runs, run = _runs(p)
    n, out_h, out_w, out_c = p.output_shape
    together, alone = divmod(n * out_h * out_w, _PIXELS)
    if _element(p) == 2:
        widening = runs * (20 + 10 * (run // 2) + 25 * (run % 2)) + 20
    elif p.kernel == p.stride == (1, 1):
        widening = 24 * (run // 4) + 16 * (run % 4)
    elif (runs, run) == (3, 9):
        widening = _PIXELS * 85
    else:
        widening = _PIXELS * (60 + runs * (12 + 7 * (run // 4) + 10 * (run % 4)))
    return (together + alone) * (-(-out_c // channels) * record + widening + once)


def _runs(p: Conv2DParams) -> tuple[int, int]:
    """(runs, inputs): a window's inputs as runs that are contiguous in the image, or one where it is copied."""
    _, height, width, in_c = p.weights.shape
    return (height, width * in_c) if _rows_are_runs(p) else (1, height * width * in_c)


def _rows_are_runs(p: Conv2DParams) -> bool:
    """Whether the taps of a window's row are neighbours in the image."""
    return p.weights.shape[2] == 1 or p.dilation[1] == 1


def _element(p: Conv2DParams) -> int:
    """Bytes of an input; parameters that name no type are of int8."""
    return 2 if getattr(p, "dtype", "int8") == "int16" else 1


def widened_in_order(p: Conv2DParams) -> bool:
    """Whether every four bytes of a window are two widened words, one four after the other."""
    runs, run = _runs(p)
    return runs == 1 or run % 4 == 0


def widened_order(p: Conv2DParams) -> np.ndarray:
    """Which inputs of a window make the low and the high lane of each word, (words, 2), words an even number; −1 where
    there is none. First the whole words of every run: of bytes 0 and 2, and 1 and 3, widened; of two int16. Then all
    inputs that remain, two by two."""
    runs, run = _runs(p)
    numbers = np.arange(runs * run).reshape(runs, run)
    whole = run - run % (4 // _element(p))
    words = numbers[:, :whole]
    words = words.reshape(-1, 2) if _element(p) == 2 else words.reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1, 2)
    rest = numbers[:, whole:].ravel()
    rest = np.pad(rest, (0, -(2 * len(words) + rest.size) % 4), constant_values=-1).reshape(-1, 2)
    return np.concatenate([words, rest])


def widened_weights(p: Conv2DParams) -> np.ndarray:
    """The weights in that order: int8 (channels, words, 2), 0 where there is no input."""
    # one more weight, of 0, for what the order leaves out
    return np.pad(p.weights.reshape(len(p.weights), -1), ((0, 0), (0, 1)))[:, widened_order(p)]
