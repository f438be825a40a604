"""What an operator is: one class that infers shapes, states its quantization rule, lowers to integers, and simulates.

Arrays handed to `evaluate` and `simulate` carry a leading vector axis: an activation has shape (n, *tensor.shape) for
n independent inferences, a constant (1, *tensor.shape).
"""

from __future__ import annotations

import enum
import inspect
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.errors import ModelError, QuantizationError
from edgeq.fixedpoint import INT32_MAX, Dialect
from edgeq.ir import DType, Graph, Node, Tensor


class Activation(enum.Enum):
    """A fused activation."""

    NONE = "none"
    RELU = "relu"
    RELU_N1_TO_1 = "relu_n1_to_1"
    RELU6 = "relu6"

    @property
    def bounds(self) -> tuple[float, float]:
        """The real interval that the activation clamps to."""
        return _BOUNDS[self]

    def within(self, low: int | None, high: int | None) -> Limited:
        """This activation, whose integers are then limited too; None: not on that side."""
        return Limited(self, low, high)


@dataclass(frozen=True)
class Limited:
    """A fused activation behind which the integers stay within limits (`edgeq.passes.fuse_limits`).

    Attributes:
        low: the least integer, or None. high: the largest, which counts where they contradict; or None.
    """

    activation: Activation
    low: int | None = None
    high: int | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        return self.activation.bounds

    def clamp(self, low: int, high: int) -> tuple[int, int]:
        """The interval [low, high] after the limits have clamped it too."""

        def clamped(value: int) -> int:
            value = value if self.low is None else max(value, self.low)
            return value if self.high is None else min(value, self.high)

        return clamped(low), clamped(high)

    def within(self, low: int | None, high: int | None) -> Limited:
        """Limited once more: what is clamped to one interval and then to another is clamped to a third."""
        # this one's limits, clamped by the others
        then = Limited(self.activation, low, high)
        least = then.clamp(self.low, self.low)[0] if self.low is not None else low
        most = then.clamp(self.high, self.high)[1] if self.high is not None else high
        return Limited(self.activation, least, most)


#: The interval of what does not clamp.
UNBOUNDED = (-np.inf, np.inf)
_BOUNDS = {
    Activation.NONE: UNBOUNDED,
    Activation.RELU: (0.0, np.inf),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


class OutputRule(enum.Enum):
    """How the quantization of an operator's result is chosen."""

    FREE = "free"  # from its observed range
    SAME_AS_INPUT = "same_as_input"  # all runtime operands and results share one scale and zero point
    FIXED = "fixed"  # QuantRule.fixed


@dataclass(frozen=True)
class SymmetricConstant:
    """A constant operand with a zero point of 0 and the whole range of its type.

    Attributes:
        operand: its index. axis: that of its channels, None for one scale in all.
    """

    operand: int
    dtype: DType
    axis: int | None = None


@dataclass(frozen=True)
class Product:
    """Weights beside the first ones, symmetric int8.

    Attributes:
        weight: operand index. axis: of its channels; None allows one scale only.
        input: operand index of the activation that they multiply; bias: that of the bias, at input scale · weight
            scale. None where there is no bias.
    """

    weight: int
    axis: int | None = None
    input: int = 0
    bias: int | None = None


@dataclass(frozen=True)
class Carried:
    """What a node takes over from an earlier run, and what it hands on: all share their scale and zero point.

    Attributes:
        operand: its index; it may be absent. results: their indices.
        dtype: a type of its own, symmetric; None for that of the other activations.
        scale: fixed, for a type of its own.
        powers: else its scale is 2 to one of these powers, for which the observed range is at most half of the type's:
            it is observed at the end of a run only.
    """

    operand: int
    results: tuple[int, ...]
    dtype: DType | None = None
    scale: float | None = None
    powers: range = range(0)


@dataclass(frozen=True)
class QuantRule:
    """What the quantizer must respect.

    Attributes:
        output: how the result's parameters are chosen.
        fixed: (type, (scale, zero_point)) of the result for each type that it may have, where `output` is FIXED.
        input: operand index of the activation that the weights multiply.
        weight: operand index of symmetric weights, or None.
        weight_axis: channel axis of per-channel weights; None allows per-tensor only.
        bias: operand index of the int32 bias (scale = input scale · weight scale), or None.
        symmetric: constants of other kinds, each with a scale of its own.
        products: further weights. carried: what goes from one run of the node to the next.
    """

    output: OutputRule = OutputRule.FREE
    fixed: tuple[tuple[DType, tuple[float, int]], ...] = ()
    input: int = 0
    weight: int | None = None
    weight_axis: int | None = None
    bias: int | None = None
    symmetric: tuple[SymmetricConstant, ...] = ()
    products: tuple[Product, ...] = ()
    carried: tuple[Carried, ...] = ()


@dataclass(frozen=True)
class Lowered:
    """An operator turned into integers.

    Attributes:
        params: the operator's parameter dataclass.
        inputs: names of the operands that are read at run time (constants folded into `params` are not).
        accumulator_bound: largest magnitude of the accumulator over all possible inputs; 0 where none is used.
        accumulator_bits: its width, 32 or 64.
    """

    params: Any
    inputs: tuple[str, ...]
    accumulator_bound: int = 0
    accumulator_bits: int = 32


class Op:
    """An operator. Subclasses are registered by `edgeq.ops.register` and are stateless.

    Attributes:
        alias: whether the result is its first operand's memory under another shape, so that nothing has to run.
        dtypes: the types of activations that `lower` accepts; the data of an operator that only moves it may be of
            any type.
        weight_types: the types of constant weights that `lower` accepts, where it multiplies by weights.
        finer_weights: whether these may have zero points, and scales and minima of blocks (`edgeq.ir.Blocks`).
        own: TFLite has no such operator in integers: `simulate` alone defines it, and no `.tflite` file can hold it.
        homogeneous: for every a > 0, the result of a·x is a times that of x, or the same where it has no scale: the
            integers of one scale need not know which.
        knows_zero: of an operator whose result has its operand's scale and zero point: it matters which integer is 0.
        variables: (operand, result), by number, of states that TFLite keeps in variable tensors: the operand is read
            and then written, and is no result there.
    """

    name: ClassVar[str]
    dtypes: ClassVar[tuple[DType, ...]] = (DType.INT8,)
    weight_types: ClassVar[tuple[DType, ...]] = (DType.INT8,)
    finer_weights: ClassVar[bool] = False
    Attrs: ClassVar[type | None] = None
    Params: ClassVar[type | tuple[type, ...]]
    alias: ClassVar[bool] = False
    own: ClassVar[bool] = False
    homogeneous: ClassVar[bool] = False
    knows_zero: ClassVar[bool] = False
    variables: ClassVar[tuple[tuple[int, int], ...]] = ()

    def params_types(self) -> tuple[type, ...]:
        """The parameter dataclasses: several where the arithmetic differs by type."""
        return self.Params if isinstance(self.Params, tuple) else (self.Params,)

    def infer(self, attrs: Any, *inputs: Tensor | None) -> tuple[tuple[int, ...], ...]:
        """Result shapes. Raises ModelError where the operands do not fit."""
        raise NotImplementedError

    def evaluate(self, attrs: Any, *inputs: np.ndarray | None) -> tuple[np.ndarray, ...]:
        """The float32 results: what the integers approximate; used to calibrate and to measure accuracy."""
        raise NotImplementedError

    def quant_rule(self, attrs: Any) -> QuantRule:
        """The constraint on scales and zero points."""
        return QuantRule()

    def reach(self, attrs: Any, *inputs: Tensor | None) -> tuple[float, ...] | None:
        """The largest magnitude of each real result, what there is room for of a state that may grow; None where it is
        not known beforehand."""
        return None

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        """Integer parameters. Raises QuantizationError where the tensors' quantization does not allow it."""
        raise NotImplementedError

    def simulate(self, p: Any, *inputs: np.ndarray) -> tuple[np.ndarray, ...]:
        """The operator's definition in integers."""
        raise NotImplementedError

    def macs(self, attrs: Any, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        """Multiply-accumulates of one inference."""
        return 0


def infer_results(op: Op, attrs: Any, operands: tuple[Tensor | None, ...]) -> tuple[tuple[int, ...], ...]:
    """`op.infer`, after checking that every operand it needs is there and none is too many.

    Raises:
        ModelError: operands are missing, too many, or do not fit.
    """
    parameters = list(inspect.signature(op.infer).parameters.values())[1:]
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
    needed = sum(p.default is p.empty for p in named)
    if len(operands) < max(needed, 1 if variadic else 0) or (len(operands) > len(named) and not variadic):
        raise ModelError(f"{op.name} has {len(operands)} operands")
    for index, operand in enumerate(operands):
        if operand is None and (variadic or index < needed):
            raise ModelError(f"{op.name} lacks operand {index}")
    return op.infer(attrs, *operands)


def require(condition: bool, what: str, where: str = "") -> None:
    """Raises ModelError unless `condition` holds."""
    if not condition:
        raise ModelError(what, where=where)


def affine(tensor: Tensor, where: str, dtype: DType = DType.INT8, *, centred: bool = True) -> tuple[float, int]:
    """(scale, zero_point) of a per-tensor quantized tensor of that type.

    Raises QuantizationError for any other, and for a wider one than int8 whose zero point is not 0, where it has to be
    `centred`.
    """
    if tensor.dtype is not dtype or tensor.quant is None:
        raise QuantizationError(
            f"tensor {tensor.name!r} is {tensor.dtype.value}{'' if tensor.quant else ' without quantization'}, "
            f"{dtype.value} with a scale is needed",
            where=where,
            hint="convert the model to full-integer int8, or give edgeq the float model and calibration data",
        )
    scale, zero_point = tensor.quant.per_tensor
    if dtype is not DType.INT8 and zero_point != 0 and centred:
        raise QuantizationError(
            f"{dtype.value} tensor {tensor.name!r} has zero point {zero_point}, needs 0", where=where
        )
    return scale, zero_point


def activation_type(op: Op, where: str, *tensors: Tensor) -> DType:
    """The one type that these activations have; raises QuantizationError where they differ or the operator lacks it."""
    dtype = tensors[0].dtype if tensors[0].dtype in op.dtypes else op.dtypes[0]
    for tensor in tensors:
        affine(tensor, where, dtype)
    return dtype


def activation_range(
    activation: Activation | Limited, scale: float, zero_point: int, dtype: DType = DType.INT8
) -> tuple[int, int]:
    """Quantized clamp of a fused activation."""
    low, high = interval_range(activation.bounds, scale, zero_point, dtype)
    return activation.clamp(low, high) if isinstance(activation, Limited) else (low, high)


def interval_range(
    bounds: tuple[float, float], scale: float, zero_point: int, dtype: DType = DType.INT8
) -> tuple[int, int]:
    """Quantized clamp to a real interval (TFLite's CalculateActivationRangeQuantized: float32 division, round half away
    from zero)."""
    low, high = dtype.range

    def quantized(real: float) -> int:
        ratio = float(np.float32(real) / np.float32(scale))
        return zero_point + int(np.sign(ratio) * np.floor(abs(ratio) + 0.5))

    real_low, real_high = bounds
    if np.isfinite(real_low):
        low = max(low, quantized(real_low))
    if np.isfinite(real_high):
        high = min(high, quantized(real_high))
    return low, high


def check_accumulator(bound: int, shifts: Any, where: str) -> int:
    """Returns `bound`; raises QuantizationError where an int32 accumulator, left-shifted by the largest shift, could
    overflow."""
    left = max(0, int(np.max(shifts))) if np.size(shifts) else 0
    if bound << left > INT32_MAX:
        raise QuantizationError(
            f"the int32 accumulator can overflow: it may reach {bound << left:,}, the limit is {INT32_MAX:,}",
            where=where,
            hint="reduce the layer's fan-in or its bias, or raise the scale of its weights",
        )
    return bound
