"""Quantization schemes: data that says how wide, how symmetric and how fine each role's integers are."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from edgeq.errors import QuantizationError
from edgeq.ir import DType


class Granularity(enum.Enum):
    PER_TENSOR = "per tensor"
    PER_CHANNEL = "per channel"
    PER_BLOCK = "per block"  # of 32 weights of a channel: `edgeq.quant.blocks`


class Rounding(enum.Enum):
    """Of weights: to the nearest integer, or as serves the layer's results (`edgeq.quant.adaptive_rounding`)."""

    NEAREST = "nearest"
    ADAPTIVE = "adaptive"


class Ranges(enum.Enum):
    """When the ranges of activations are found: before, from calibration data; on the device, by every inference of its
    own; or on the device, from one inference to the next."""

    CALIBRATED = "calibrated"
    RUN_TIME = "run time"
    FOLLOWED = "followed"


@dataclass(frozen=True)
class RoleScheme:
    """How the tensors of one role are quantized.

    Attributes:
        dtype: the integer type.
        low, high: the range used; narrower than the type's where the specification says so.
        symmetric: the zero point is 0; the range mirrors around it, or has one integer more below.
        granularity: of scales. PER_CHANNEL, PER_BLOCK and zero points of weights apply where the operator allows them.
        algorithm: how the range is chosen: an observer's name for activations, an entry of `edgeq.quant.weights` for
            weights. Ranges that are found on the device need none.
        ranges: when they are found.
    """

    dtype: DType
    low: int
    high: int
    symmetric: bool
    granularity: Granularity
    algorithm: str = ""
    ranges: Ranges = Ranges.CALIBRATED

    def __post_init__(self):
        low, high = self.dtype.range
        if not low <= self.low < self.high <= high:
            raise QuantizationError(f"{self.dtype.value} cannot hold the range {self.low} to {self.high}")
        if self.symmetric and -self.low not in (self.high, self.high + 1):
            raise QuantizationError(f"a symmetric range must mirror around 0, {self.low} to {self.high} does not")

    @property
    def is_plain(self) -> bool:
        """Whether integers stand for themselves times a scale: no zero points, no blocks."""
        return self.symmetric and self.granularity is not Granularity.PER_BLOCK

    @property
    def limits(self) -> tuple[int, int]:
        """The integers that results stay within: the range, but all of the type where it lacks the least one only."""
        low, high = self.dtype.range
        return (low, high) if (self.low, self.high) == (low + 1, high) else (self.low, self.high)

    def of_bits(self, bits: int, *, mirrored: bool) -> RoleScheme:
        """The same with 2 to 8 bits: the range −2^(bits−1) to 2^(bits−1)−1, without its least integer where it is to
        mirror around 0."""
        high = 2 ** (bits - 1) - 1
        return replace(self, low=-high if mirrored else -high - 1, high=high)


@dataclass(frozen=True)
class QuantScheme:
    """One way to quantize a network, or one of its layers.

    Attributes:
        summary: one sentence for users: what it does, and what for.
        bias_correction: after rounding, biases are moved so that each channel keeps its mean over the calibration data.
        scaling: how channels are scaled before anything is rounded, an entry of `edgeq.quant.channel_scaling`, or "".
        learned_steps: quantization-aware training trains the scales too (`edgeq.qat`).
        ends: the scheme of the first and of the last layers with weights, which few bits harm most, and of the
            network's inputs and outputs; None where they are as the others (`edgeq.quant.ends`). Depthwise convolutions
            take it instead of weights of 2 bits and fewer.
        clipping: scales of blocks are chosen for the layer's results on calibration data (`edgeq.quant.clipping`).
        binary_inputs: layers with binary weights also see their input as one of two values, where they can
            (`edgeq.quant.binary_inputs`).
    """

    name: str
    summary: str
    activation: RoleScheme
    weight: RoleScheme
    bias: RoleScheme
    bias_correction: bool = False
    scaling: str = ""
    rounding: Rounding = Rounding.NEAREST
    learned_steps: bool = False
    ends: QuantScheme | None = None
    clipping: bool = False
    binary_inputs: bool = False

    def __post_init__(self):
        if self.activation.granularity is not Granularity.PER_TENSOR:
            raise QuantizationError("activations have one scale: no kernel knows several")
        if not self.weight.is_plain and self.activation.dtype is not DType.INT8:
            raise QuantizationError(
                f"weights with zero points or blocks go with int8 activations, not {self.activation.dtype.value}"
            )
        if self.clipping and self.weight.granularity is not Granularity.PER_BLOCK:
            raise QuantizationError("clipping is searched for weights in blocks", hint='granularity = "per block"')
        if self.rounding is Rounding.ADAPTIVE and self.weight.dtype is DType.BINARY:
            raise QuantizationError("binary weights are signs: they cannot be rounded adaptively")

    @property
    def calibrated(self) -> bool:
        """Whether its ranges come from calibration data."""
        return self.activation.ranges is Ranges.CALIBRATED


_INT8 = RoleScheme(DType.INT8, -128, 127, False, Granularity.PER_TENSOR, "min-max")
_INT8_WEIGHT = RoleScheme(DType.INT8, -127, 127, True, Granularity.PER_CHANNEL, "abs-max")
_FOUND_ON_DEVICE = RoleScheme(DType.INT8, -128, 127, False, Granularity.PER_TENSOR, ranges=Ranges.RUN_TIME)
_FOLLOWED = RoleScheme(DType.INT8, -127, 127, True, Granularity.PER_TENSOR, ranges=Ranges.FOLLOWED)
# the specification's int32, mirrored
_INT32_BIAS = RoleScheme(DType.INT32, -(2**31 - 1), 2**31 - 1, True, Granularity.PER_CHANNEL)
# 64-bit sums end at 2^47
_INT64_BIAS = RoleScheme(DType.INT64, -(2**46 - 1), 2**46 - 1, True, Granularity.PER_CHANNEL)

#: Of what goes from one run of an operator to the next and has a type of its own.
INT16_STATE = RoleScheme(DType.INT16, -32767, 32767, True, Granularity.PER_TENSOR, "min-max")

#: Static post-training quantization as the TFLite int8 specification has it.
INT8 = QuantScheme(
    "int8",
    "Affine int8 activations by their observed extremes, symmetric int8 weights per channel: TFLite's specification.",
    _INT8,
    _INT8_WEIGHT,
    _INT32_BIAS,
    bias_correction=True,
)


# for training; without any, as mse
_LSQ = replace(
    INT8,
    name="lsq",
    summary="As int8, for training with learned steps of weights and activations (LSQ); without training, as mse.",
    activation=replace(_INT8, algorithm="mse"),
    weight=replace(_INT8_WEIGHT, algorithm="mse"),
    learned_steps=True,
)


_BINARY = replace(
    INT8,
    name="binary",
    summary="As int8, weights of inner layers −1 or 1 times a scale per channel: one bit each in flash; made for "
    "training (BWN).",
    weight=RoleScheme(DType.BINARY, -1, 1, True, Granularity.PER_CHANNEL, "mean"),
    ends=INT8,
)


def _observed(algorithm: str, summary: str) -> QuantScheme:
    return replace(INT8, name=algorithm, summary=summary, activation=replace(_INT8, algorithm=algorithm))


_ENTRIES = (
    INT8,
    replace(
        INT8,
        name="abs-max",
        summary="One scale max|x|/127 and no zero point, for every weight and activation tensor (save those that an "
        "operator fixes, as softmax): simplest and coarsest.",
        activation=RoleScheme(DType.INT8, -127, 127, True, Granularity.PER_TENSOR, "min-max"),
        weight=replace(_INT8_WEIGHT, granularity=Granularity.PER_TENSOR),
        bias_correction=False,
    ),
    replace(
        INT8,
        name="per-tensor",
        summary="As int8 with one scale for all weights of a layer: coarser, the more its channels differ in size.",
        weight=replace(_INT8_WEIGHT, granularity=Granularity.PER_TENSOR),
    ),
    replace(
        INT8,
        name="int16x8",
        summary="Symmetric int16 activations, int8 weights per channel: nearly float's accuracy, twice int8's memory, "
        "and its speed on M4, M7, M33, far less elsewhere.",
        activation=RoleScheme(DType.INT16, -32767, 32767, True, Granularity.PER_TENSOR, "min-max"),
        bias=_INT64_BIAS,
    ),
    replace(
        INT8,
        name="dynamic",
        summary="int8 weights, and int8 activations whose ranges are found at run time, in integers: no calibration, "
        "for more memory and time than int8.",
        activation=_FOUND_ON_DEVICE,
        bias_correction=False,
    ),
    replace(
        INT8,
        name="adaptive",
        summary="As dynamic, with power-of-two scales that follow the inferences before, up at once and down in time: "
        "for streams whose level drifts.",
        activation=_FOLLOWED,
        bias_correction=False,
    ),
    replace(
        INT8,
        name="equalized",
        summary="As int8, neighbouring layers first scaled to equal channel magnitudes (cross-layer equalization).",
        scaling="cross-layer",
    ),
    replace(
        INT8,
        name="smooth",
        summary="As int8, outliers of single activation channels first moved into the weights (SmoothQuant).",
        scaling="smooth",
    ),
    replace(
        INT8,
        name="adaptive-rounding",
        summary="As int8, each weight rounded up or down as serves its layer's results (AdaRound's objective).",
        rounding=Rounding.ADAPTIVE,
    ),
    replace(
        INT8,
        name="int8x4",
        summary="int8 activations, int4 weights per channel with the least squared error: half of int8's flash for "
        "weights, at a loss that training or a recipe can limit.",
        weight=RoleScheme(DType.INT4, -7, 7, True, Granularity.PER_CHANNEL, "mse"),
    ),
    replace(
        INT8,
        name="int8x4-adaptive",
        summary="As int8x4, each weight rounded up or down as serves its layer's results: 4 bits at their best.",
        weight=RoleScheme(DType.INT4, -7, 7, True, Granularity.PER_CHANNEL, "mse"),
        rounding=Rounding.ADAPTIVE,
    ),
    replace(
        INT8,
        name="int8x4-equalized",
        summary="As int8x4-adaptive, neighbouring layers first scaled to equal channel magnitudes: for networks whose "
        "channels differ in size.",
        weight=RoleScheme(DType.INT4, -7, 7, True, Granularity.PER_CHANNEL, "mse"),
        scaling="cross-layer",
        rounding=Rounding.ADAPTIVE,
    ),
    replace(_LSQ, ends=_LSQ),
    replace(
        _LSQ,
        name="lsq4",
        summary="As lsq with weights and activations of 4 bits, 8 in the first and the last layer; the options "
        "weight_bits and activation_bits take 2 to 8.",
        activation=_LSQ.activation.of_bits(4, mirrored=False),
        weight=replace(_LSQ.weight.of_bits(4, mirrored=False), dtype=DType.INT4),
        ends=_LSQ,
    ),
    replace(
        INT8,
        name="affine-weights",
        summary="As int8, weights per channel with a zero point of their own: for weights that lie to one side of 0.",
        weight=RoleScheme(DType.INT8, -128, 127, False, Granularity.PER_CHANNEL, "abs-max"),
    ),
    replace(
        INT8,
        name="q8_0",
        summary="int8 activations, int8 weights in blocks of 32 with a scale each (GGUF's Q8_0): finest, for 3 % more "
        "flash.",
        weight=replace(_INT8_WEIGHT, granularity=Granularity.PER_BLOCK),
    ),
    replace(
        INT8,
        name="q4_0",
        summary="int8 activations, int4 weights in blocks of 32 with a scale each (GGUF's Q4_0): int8x4 made finer.",
        weight=RoleScheme(DType.INT4, -8, 7, True, Granularity.PER_BLOCK, "mse"),
    ),
    replace(
        INT8,
        name="q4_1",
        summary="As q4_0, each block with a minimum too (GGUF's Q4_1): finer still, for one bit in eight of flash.",
        weight=RoleScheme(DType.INT4, -8, 7, False, Granularity.PER_BLOCK, "mse"),
    ),
    replace(
        INT8,
        name="awq",
        summary="As q4_1, channels with large inputs scaled up first, blocks clipped as serves their layer's results.",
        weight=RoleScheme(DType.INT4, -8, 7, False, Granularity.PER_BLOCK, "mse"),
        scaling="activation-aware",
        clipping=True,
    ),
    replace(
        INT8,
        name="awq-adaptive",
        summary="As awq, each weight rounded up or down as serves its layer's results: 4 bits at their best.",
        weight=RoleScheme(DType.INT4, -8, 7, False, Granularity.PER_BLOCK, "mse"),
        scaling="activation-aware",
        clipping=True,
        rounding=Rounding.ADAPTIVE,
    ),
    replace(
        INT8,
        name="ternary",
        summary="As int8, weights of inner layers −1, 0 or 1 times a scale per channel: 2 bits each in flash; made for "
        "training (TWN).",
        weight=RoleScheme(DType.TERNARY, -1, 1, True, Granularity.PER_CHANNEL, "ternary"),
        rounding=Rounding.ADAPTIVE,
        ends=INT8,
    ),
    _BINARY,
    replace(
        _BINARY,
        name="xnor",
        summary="As binary, inputs of those layers signs as well: 32 products in one XOR and a count of bits; made for "
        "training (XNOR-Net).",
        binary_inputs=True,
    ),
    _observed("moving-average", "As int8, extremes averaged over the samples: forgets lone outliers, by any amount."),
    _observed("percentile", "As int8, the outermost 0.01 % of each activation saturate: for data with rare outliers."),
    _observed("mse", "As int8, ranges with the least squared error of rounding and saturation together."),
    _observed("entropy", "As int8, ranges that keep most of each activation's distribution (KL divergence)."),
)

#: Every scheme by name. One made of known arithmetic is one more entry above.
SCHEMES: Mapping[str, QuantScheme] = MappingProxyType({scheme.name: scheme for scheme in _ENTRIES})


def find_scheme(name: str) -> QuantScheme:
    """The scheme of that name; raises QuantizationError for an unknown one."""
    if name not in SCHEMES:
        raise QuantizationError(f"unknown quantization scheme {name!r}", hint=f"known: {', '.join(sorted(SCHEMES))}")
    return SCHEMES[name]
