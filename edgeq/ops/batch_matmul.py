"""BATCH_MATMUL: products of matrices, both computed at run time; batch dimensions broadcast."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeq.fixedpoint import Dialect, quantize_multiplier, requantize, requantize_wide, saturate
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops import register
from edgeq.ops.base import Lowered, Op, activation_type, affine, check_accumulator, require
from edgeq.ops.exact import float_type
from edgeq.ops.weighted import check_sum

# TFLite's limit; with it no kernel walks over more than three batch axes.
MAX_RANK = 5


@dataclass(frozen=True)
class BatchMatmulAttrs:
    """adj_x, adj_y: the last two axes of the operand are swapped before the product."""

    adj_x: bool = False
    adj_y: bool = False


@dataclass(frozen=True)
class BatchMatmulWalk:
    """How out[…, i, j] = Σ_k x[…, i, k] · y[…, k, j] goes through memory.

    Attributes:
        x_shape, y_shape: the operands as they lie in memory.
        batch: the batch dimensions of the result; x_strides, y_strides: elements between neighbours along each of
            them, 0 where an operand is repeated.
        rows, depth, columns: sizes of one product.
        x_row, x_depth, y_depth, y_column: elements between neighbours along these axes of the operands.
    """

    x_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    adj_x: int
    adj_y: int
    batch: tuple[int, ...]
    x_strides: tuple[int, ...]
    y_strides: tuple[int, ...]
    rows: int
    depth: int
    columns: int
    x_row: int
    x_depth: int
    y_depth: int
    y_column: int


@dataclass(frozen=True)
class BatchMatmulParams(BatchMatmulWalk):
    """Integers of out[…, i, j] = Σ_k (x[…, i, k] + x_offset) · (y[…, k, j] + y_offset).

    dtype: of operands and result; int16 is summed and requantized in 64 bits.
    """

    x_offset: int
    y_offset: int
    multiplier: int
    shift: int
    output_offset: int
    dtype: str = "int8"


@register
class BatchMatmul(Op):
    """out = saturate(requantize(Σ (x + x_offset)·(y + y_offset)) + output_offset)."""

    name = "BATCH_MATMUL"
    Attrs = BatchMatmulAttrs
    Params = BatchMatmulParams
    dtypes = (DType.INT8, DType.INT16)

    def infer(self, attrs: BatchMatmulAttrs, x: Tensor, y: Tensor) -> tuple[tuple[int, ...], ...]:
        shapes = f"operands of shape {list(x.shape)} and {list(y.shape)}"
        require(2 <= len(x.shape) <= MAX_RANK and 2 <= len(y.shape) <= MAX_RANK, f"{shapes} are no matrices")
        rows, depth = _matrix(x.shape, attrs.adj_x)
        depth_y, columns = _matrix(y.shape, attrs.adj_y)
        require(depth == depth_y and depth > 0, f"{shapes} cannot be multiplied")
        try:
            batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        except ValueError:
            batch = None
        require(batch is not None, f"{shapes}: the batch dimensions do not broadcast")
        return ((*batch, rows, columns),)

    def macs(self, attrs: BatchMatmulAttrs, inputs: tuple[Tensor | None, ...], outputs: tuple[Tensor, ...]) -> int:
        return outputs[0].size * _matrix(inputs[0].shape, attrs.adj_x)[1]

    def evaluate(self, attrs: BatchMatmulAttrs, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        return (np.matmul(*_aligned(x, y, attrs.adj_x, attrs.adj_y)).astype(np.float32),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        attrs: BatchMatmulAttrs = node.attrs
        x, y = graph.operands(node)
        (z,) = graph.results(node)
        dtype = activation_type(self, node.loc, x, y, z)
        _, x_zero = affine(x, node.loc, dtype)
        _, y_zero = affine(y, node.loc, dtype)
        output_scale, output_zero = affine(z, node.loc, dtype)
        # a float32 product of scales, as TFLite's GetQuantizedConvolutionMultipler
        product = float(x.quant.scale[0] * y.quant.scale[0])
        multiplier, shift = quantize_multiplier(product / output_scale)
        params = BatchMatmulParams(
            **walk_fields(attrs, x, y, z),
            x_offset=-x_zero,
            y_offset=-y_zero,
            multiplier=multiplier,
            shift=shift,
            output_offset=output_zero,
            dtype=dtype.value,
        )
        if dtype is DType.INT8:
            return Lowered(params, (x.name, y.name), check_accumulator(_bound(params), shift, node.loc))
        bound = check_sum(_bound(params), np.zeros(1, np.int64), np.array([multiplier]), np.array([shift]), node.loc)
        return Lowered(params, (x.name, y.name), bound, 64)

    def simulate(self, p: BatchMatmulParams, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, ...]:
        exact = float_type(_bound(p))
        wide = (x.astype(exact) + exact(p.x_offset), y.astype(exact) + exact(p.y_offset))
        sums = products(p, *wide).astype(np.int64)
        dtype = DType(p.dtype)
        scaled = (requantize if dtype is DType.INT8 else requantize_wide)(sums, p.multiplier, p.shift)
        return (saturate(scaled + p.output_offset, *dtype.range, dtype.numpy.type),)


def walk_fields(attrs: BatchMatmulAttrs, x: Tensor, y: Tensor, z: Tensor) -> dict[str, Any]:
    """The fields of `BatchMatmulWalk` for the operands and the result."""
    rows, depth = _matrix(x.shape, attrs.adj_x)
    columns = z.shape[-1]
    return {
        "x_shape": x.shape,
        "y_shape": y.shape,
        "adj_x": int(attrs.adj_x),
        "adj_y": int(attrs.adj_y),
        "batch": z.shape[:-2],
        "x_strides": _strides(x.shape[:-2], rows * depth, len(z.shape) - 2),
        "y_strides": _strides(y.shape[:-2], depth * columns, len(z.shape) - 2),
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "x_row": 1 if attrs.adj_x else depth,
        "x_depth": rows if attrs.adj_x else 1,
        "y_depth": 1 if attrs.adj_y else columns,
        "y_column": depth if attrs.adj_y else 1,
    }


def products(p: BatchMatmulWalk, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of operands (n, …) without offsets, of their type."""
    return np.matmul(*_aligned(x, y, p.adj_x, p.adj_y))


def _matrix(shape: tuple[int, ...], adjoint: Any) -> tuple[int, int]:
    """Rows and columns of an operand as the product sees them."""
    return (shape[-1], shape[-2]) if adjoint else (shape[-2], shape[-1])


def _aligned(x: np.ndarray, y: np.ndarray, adj_x: Any, adj_y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both operands with as many axes, behind that of the vectors, and their matrices as the product sees them."""
    rank = max(x.ndim, y.ndim)
    x, y = (a.reshape(a.shape[:1] + (1,) * (rank - a.ndim) + a.shape[1:]) for a in (x, y))
    return np.swapaxes(x, -1, -2) if adj_x else x, np.swapaxes(y, -1, -2) if adj_y else y


def _strides(batch: tuple[int, ...], matrix: int, rank: int) -> tuple[int, ...]:
    """Elements between neighbours along each of the `rank` batch axes of the result."""
    own = [0 if d == 1 else matrix * math.prod(batch[axis + 1 :]) for axis, d in enumerate(batch)]
    return (0,) * (rank - len(own)) + tuple(own)


def _bound(p: BatchMatmulParams) -> int:
    """Largest magnitude of the sum over all operands."""
    reach = [max(abs(end + offset) for end in DType(p.dtype).range) for offset in (p.x_offset, p.y_offset)]
    return p.depth * reach[0] * reach[1]
