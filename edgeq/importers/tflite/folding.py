"""What operators compute of constants: the shape arithmetic that converters leave in files with an open batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.tflite.flatbuffer import DAMAGE, Operator
from edgeq.ir import DType, Tensor

# More elements than this are neither a shape nor a mask, of operands or results.
_MAX_ELEMENTS = 1 << 16
# Constants that files describe rather than hold: initial states, masks.
_MAX_FILLED = 1 << 20
#: Types of shapes, sizes and what is made of them.
INTEGERS = (DType.INT32, DType.INT64, DType.BOOL)


class _ForKernels(Exception):
    """Constants of a sound file that are no shape arithmetic: kernels compute them, or the operator is refused."""


def _bounded(shape: tuple[int, ...]) -> tuple[int, ...]:
    if min(shape, default=1) < 0 or math.prod(shape) > _MAX_ELEMENTS:
        raise _ForKernels
    return shape


def _elementwise(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    """Of operands that are broadcast."""

    def apply(options: Any, *operands: np.ndarray) -> np.ndarray:
        _bounded(np.broadcast_shapes(*(x.shape for x in operands)))
        return function(*operands)

    return apply


def _axes(value: np.ndarray) -> tuple[int, ...]:
    return tuple(int(a) for a in np.ravel(value))


def _concatenation(options: Any, *parts: np.ndarray) -> np.ndarray:
    if options.FusedActivationFunction():
        raise _ForKernels
    return np.concatenate(parts, axis=options.Axis())


def _arithmetic(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def apply(options: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if getattr(options, "FusedActivationFunction", int)():
            raise _ForKernels
        return _elementwise(function)(options, a, b)

    return apply


def _reduction(function: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
    def apply(options: Any, x: np.ndarray, axis: np.ndarray) -> np.ndarray:
        return function(x, axis=_axes(axis), keepdims=bool(options.KeepDims()))

    return apply


def _gather(options: Any, x: np.ndarray, indices: np.ndarray) -> np.ndarray:
    if indices.size and (indices.min() < 0 or (options is not None and options.BatchDims())):
        raise _ForKernels
    if x.size * indices.size > 1 << 20:
        raise _ForKernels
    return np.take(x, indices, axis=0 if options is None else options.Axis())


def _slice(options: Any, x: np.ndarray, begin: np.ndarray, size: np.ndarray) -> np.ndarray:
    box = zip(_axes(begin), _axes(size), strict=True)
    return x[tuple(slice(start, None if extent == -1 else start + extent) for start, extent in box)]


def _strided_slice(options: Any, x: np.ndarray, begin: np.ndarray, end: np.ndarray, stride: np.ndarray) -> np.ndarray:
    if options.EllipsisMask() or options.NewAxisMask() or x.ndim != 1:
        raise _ForKernels
    start = None if options.BeginMask() & 1 else int(begin[0])
    stop = None if options.EndMask() & 1 else int(end[0])
    if options.ShrinkAxisMask() & 1:
        return np.asarray(x[start])
    return x[slice(start, stop, int(stride[0]))]


def _pack(options: Any, *parts: np.ndarray) -> np.ndarray:
    return np.stack(parts, axis=options.Axis())


def _range(options: Any, start: np.ndarray, limit: np.ndarray, delta: np.ndarray) -> np.ndarray:
    begin, end, step = (int(np.ravel(v)[0]) for v in (start, limit, delta))
    _bounded((len(range(begin, end, step)),))
    return np.arange(begin, end, step)


def _select(options: Any, which: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if which.shape not in ((), a.shape) or a.shape != b.shape:
        raise _ForKernels
    return np.where(which, a, b)


def _broadcast_to(options: Any, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    return np.broadcast_to(x, _bounded(_axes(shape)))


def _tile(options: Any, x: np.ndarray, times: np.ndarray) -> np.ndarray:
    _bounded(tuple(n * t for n, t in zip(x.shape, _axes(times), strict=True)))
    return np.tile(x, _axes(times))


def _power(options: Any, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if b.size and b.min() < 0:
        raise _ForKernels
    return _elementwise(np.power)(options, a, b)


def _cumsum(options: Any, x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    along = int(np.ravel(axis)[0])
    x = np.flip(x, along) if options.Reverse() else x
    y = np.cumsum(x, along, dtype=x.dtype)
    y = y - x if options.Exclusive() else y
    return np.flip(y, along) if options.Reverse() else y


# Operators of constant integers, as functions of their options and arrays.
_FOLDERS: dict[str, Callable[..., np.ndarray]] = {
    "STRIDED_SLICE": _strided_slice,
    "SLICE": _slice,
    "GATHER": _gather,
    "PACK": _pack,
    "CONCATENATION": _concatenation,
    "RANGE": _range,
    "CAST": lambda options, x: x,
    "REDUCE_PROD": _reduction(np.prod),
    "SUM": _reduction(np.sum),
    "REDUCE_MAX": _reduction(np.max),
    "REDUCE_MIN": _reduction(np.min),
    "ADD": _arithmetic(np.add),
    "SUB": _arithmetic(np.subtract),
    "MUL": _arithmetic(np.multiply),
    "MAXIMUM": _arithmetic(np.maximum),
    "MINIMUM": _arithmetic(np.minimum),
    "FLOOR_DIV": _arithmetic(np.floor_divide),
    "FLOOR_MOD": _arithmetic(np.mod),
    "EQUAL": _arithmetic(np.equal),
    "NOT_EQUAL": _arithmetic(np.not_equal),
    "GREATER": _arithmetic(np.greater),
    "GREATER_EQUAL": _arithmetic(np.greater_equal),
    "LESS": _arithmetic(np.less),
    "LESS_EQUAL": _arithmetic(np.less_equal),
    "LOGICAL_AND": _elementwise(np.logical_and),
    "LOGICAL_OR": _elementwise(np.logical_or),
    "LOGICAL_NOT": _elementwise(np.logical_not),
    "SELECT": _select,
    "SELECT_V2": _elementwise(np.where),
    "BROADCAST_TO": _broadcast_to,
    "TILE": _tile,
    "TRANSPOSE": lambda options, x, order: np.transpose(x, _axes(order)),
    "POW": _power,
    "CUMSUM": _cumsum,
    "ADD_N": _elementwise(lambda *terms: sum(terms[1:], start=terms[0])),
    "BROADCAST_ARGS": lambda options, a, b: np.array(np.broadcast_shapes(_axes(a), _axes(b))),
}


def value(operator: Operator, operands: list[Tensor], results: list[Tensor]) -> np.ndarray | None:
    """What the operator computes, where that is known of constants and shapes alone; None where it is not.

    Raises:
        ModelError: its options or operands are damaged.
    """
    if len(results) != 1 or not operands:
        return None
    try:
        if operator.name == "SHAPE":
            return np.array(operands[0].shape, np.int64)
        if operator.name == "RANK":
            return np.array(len(operands[0].shape), np.int64)
        if operator.name in ("ZEROS_LIKE", "FILL"):
            return _filled(operator.name, operands, results[0])
        if operator.name in ("FULLY_CONNECTED", "MUL") and results[0].quant is not None:
            return _product_of_zeros(operator, operands, results[0])
        if operator.name in ("RESHAPE", "EXPAND_DIMS", "SQUEEZE") and _known(operands):
            return operands[0].data.reshape(results[0].shape)
        if operator.name in _FOLDERS and _known(operands):
            return _FOLDERS[operator.name](operator.options, *(t.data for t in operands))
    except _ForKernels:
        return None
    except (*DAMAGE, ArithmeticError):
        raise ModelError(f"the shape arithmetic of this {operator.name} is damaged") from None
    return None


def _known(operands: list[Tensor]) -> bool:
    return all(t.is_constant and t.dtype in INTEGERS and t.quant is None and t.size <= _MAX_ELEMENTS for t in operands)


def _product_of_zeros(operator: Operator, operands: list[Tensor], result: Tensor) -> np.ndarray | None:
    """Zeros where a product, or a dense layer without a bias, has nothing but zeros to multiply, as unrolled recurrent
    layers have in their first step. Every activation keeps them."""
    if len(operands) != 2 or any(t.quant is None for t in operands):
        return None
    x, w = operands
    if operator.name == "MUL":
        shape, zero = np.broadcast_shapes(x.shape, w.shape), _is_zero(x) or _is_zero(w)
    else:
        units, depth = w.shape
        lead = x.shape[:-1] if operator.options.KeepNumDims() else (x.size // depth,)
        shape, zero = (*lead, units), _is_zero(x)
    if not zero or math.prod(shape) > _MAX_FILLED:
        return None
    return np.full(shape, result.quant.per_tensor[1], result.dtype.numpy)


def _is_zero(tensor: Tensor) -> bool:
    if tensor.data is None or tensor.quant is None or tensor.quant.axis is not None:
        return False
    return not np.any(tensor.data != tensor.quant.per_tensor[1])


def _filled(name: str, operands: list[Tensor], result: Tensor) -> np.ndarray | None:
    """A constant of one value."""
    shape, fill = result.shape, 0
    if name == "FILL":
        if len(operands) != 2 or not operands[1].is_constant or not _known(operands[:1]):
            return None
        shape, fill = _axes(operands[0].data), np.ravel(operands[1].data)[0]
    elif result.quant is not None:
        fill = result.quant.per_tensor[1]
    if min(shape, default=1) < 0 or math.prod(shape) > _MAX_FILLED:
        raise ValueError("not a shape")
    return np.full(shape, fill, result.dtype.numpy)
