"""Operators that pick rows of a table by indices that are computed at run time. All of them share one kernel."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import DType, Tensor
from edgeq.ops.base import Lowered
from edgeq.ops.integers import of_type
from edgeq.ops.pooling import same_values

#: Types that indices may have.
INDEX_TYPES = (DType.INT32, DType.INT64, DType.INT16, DType.INT8)


@dataclass(frozen=True)
class IndexedParams:
    """Of each of `outer` tables, the rows that the indices name.

    Attributes:
        rows: of one table. block: bytes of a row. indices: their number. index_type: a name of the IR.
    """

    output_shape: tuple[int, ...]
    outer: int
    rows: int
    block: int
    indices: int
    index_type: str


def index_type_of(indices: Tensor, where: str, what: str = "indices") -> str:
    """The type's name; raises QuantizationError, which calls the tensor `what`, unless it is one of INDEX_TYPES."""
    if indices.dtype not in INDEX_TYPES:
        raise QuantizationError(f"{what} of type {indices.dtype.value}, integers are needed", where=where)
    return indices.dtype.value


def lower_indexed(
    table: Tensor, indices: Tensor, y: Tensor, axis: int, where: str, *, scales_matter: bool = True
) -> Lowered:
    """Parameters for rows along one axis of a table, constant or not.

    Args:
        scales_matter: whether the result has to have the table's scale and zero point.

    Raises:
        QuantizationError: indices of another type, or a result of other values than the table's.
    """
    index_type = index_type_of(indices, where)
    itemsize = (same_values(table, y, where) if scales_matter else of_type(table, (y.dtype,), where)).itemsize
    params = IndexedParams(
        output_shape=y.shape,
        outer=math.prod(table.shape[:axis]),
        rows=table.shape[axis],
        block=math.prod(table.shape[axis + 1 :]) * itemsize,
        indices=indices.size,
        index_type=index_type,
    )
    return Lowered(params, (table.name, indices.name))


def rows_of(table: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    """Rows along one axis, for operands with vector axes. An index that is none is the nearest one that is."""
    count = max(len(table), len(indices))
    places = np.clip(np.asarray(indices).astype(np.int64), 0, table.shape[axis + 1] - 1)
    return np.stack([table[n % len(table)].take(places[n % len(places)], axis) for n in range(count)])


def simulate_indexed(p: IndexedParams, table: np.ndarray, indices: np.ndarray) -> np.ndarray:
    whole = np.ascontiguousarray(table).reshape(len(table), p.outer, p.rows, -1)
    y = rows_of(whole, indices.reshape(len(indices), -1), axis=1)
    return y.reshape((len(y), *p.output_shape))
