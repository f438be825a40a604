"""DYNAMIC_DEQUANTIZE, edgeq's own operator: a block or sums as integers in steps of a power of two that is fixed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.fixedpoint_scales import parts, shifted
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered
from edgeq.ops.dynamic_quantize import DynamicQuantizeAttrs
from edgeq.ops.requantizing import Clamp, clamp_fields
from edgeq.ops.run_time import RunTime, centred_block, lowered, require_ranges, require_scale, spread


@dataclass(frozen=True)
class DynamicDequantizeParams(Clamp):
    """exponent: of a step of the result. input_type: int8 or int32; output_type: int16 or int32."""

    size: int
    input_type: str
    output_type: str
    exponent: int


@register
class DynamicDequantize(RunTime):
    """result = saturate(round(clamp(x − zero point) · scale / 2^exponent)).

    Operands: a block and its range, or sums and their scale.
    """

    name = "DYNAMIC_DEQUANTIZE"
    Attrs = DynamicQuantizeAttrs
    Params = DynamicDequantizeParams

    def infer(self, attrs: DynamicQuantizeAttrs, x: Tensor, scale: Tensor) -> tuple[tuple[int, ...], ...]:
        require_ranges(scale) if x.dtype is DType.INT8 else require_scale(scale)
        return (x.shape,)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, _ = graph.operands(node)
        (y,) = graph.results(node)
        step = 0.0 if y.quant is None or y.quant.per_tensor[1] else y.quant.per_tensor[0]
        fraction, exponent = math.frexp(step)
        if y.dtype not in (DType.INT16, DType.INT32) or fraction != 0.5:
            raise QuantizationError(f"{y.name!r} must be int16 or int32 in steps of a power of two", where=node.loc)
        params = DynamicDequantizeParams(
            *clamp_fields(node.attrs.activation),
            size=x.size,
            input_type=x.dtype.value,
            output_type=y.dtype.value,
            exponent=exponent - 1,
        )
        return lowered(params, node, graph, (0, 1))

    def simulate(self, p: DynamicDequantizeParams, x: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, ...]:
        scale = np.broadcast_to(scale, (len(x), *scale.shape[1:]))
        mantissa, exponent = parts(scale)
        v = p.clamped(centred_block(x, scale) if p.input_type == DType.INT8.value else x, scale)
        y = shifted(v * spread(mantissa, v), spread(p.exponent - exponent, v))
        dtype = DType(p.output_type)
        return (np.clip(y, *dtype.range).astype(dtype.numpy),)
