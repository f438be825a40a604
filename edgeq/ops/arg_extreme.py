"""What ARG_MAX and ARG_MIN share. Their results are int32 or int64."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, require
from edgeq.ops.integers import INTEGERS, of_type
from edgeq.ops.mean import reduced_axes


@dataclass(frozen=True)
class ArgExtremeAttrs:
    """output_type: int32 or int64."""

    output_type: DType = DType.INT64


@dataclass(frozen=True)
class ArgExtremeParams:
    """The middle axis of a tensor (outer, size, inner) is searched. Types are names of the IR."""

    outer: int
    size: int
    inner: int
    output_shape: tuple[int, ...]
    input_type: str
    output_type: str


class ArgExtreme(Op):
    """The place of an extreme along one axis, the first of equals. Operands: the data, the axis (a constant).

    Attributes:
        choose: NumPy's function.
    """

    Attrs = ArgExtremeAttrs
    Params = ArgExtremeParams
    dtypes = INTEGERS
    choose: ClassVar[Any]

    def infer(self, attrs: ArgExtremeAttrs, x: Tensor, axis: Tensor) -> tuple[tuple[int, ...], ...]:
        along = _axis(x, axis)
        require(x.shape[along] > 0, "an extreme of nothing is not defined")
        return ((*x.shape[:along], *x.shape[along + 1 :]),)

    def evaluate(self, attrs: ArgExtremeAttrs, x: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, ...]:
        along = int(np.ravel(axis)[0])
        return (type(self).choose(x, axis=along if along < 0 else along + 1),)

    def lower(self, node: Node, graph: Graph, dialect: Dialect) -> Lowered:
        x, axis = graph.operands(node)
        (y,) = graph.results(node)
        along = _axis(x, axis)
        params = ArgExtremeParams(
            outer=math.prod(x.shape[:along]),
            size=x.shape[along],
            inner=math.prod(x.shape[along + 1 :]),
            output_shape=y.shape,
            input_type=of_type(x, self.dtypes, node.loc).value,
            output_type=of_type(y, (node.attrs.output_type,), node.loc).value,
        )
        return Lowered(params, (x.name,))

    def simulate(self, p: ArgExtremeParams, x: np.ndarray) -> tuple[np.ndarray, ...]:
        y = type(self).choose(x.reshape(x.shape[0], p.outer, p.size, p.inner), axis=2)
        return (y.reshape((x.shape[0], *p.output_shape)).astype(DType(p.output_type).numpy),)


def _axis(x: Tensor, axis: Tensor) -> int:
    axes = reduced_axes(axis, len(x.shape))
    require(len(axes) == 1, f"needs one axis, has {len(axes)}")
    return axes[0]
