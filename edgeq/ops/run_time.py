"""Operators on blocks: tensors of int8 whose scale and zero point are found at run time, in a tensor beside them.

A block stands for scale · (integers − zero point). Beside it lies its range, int32 (3,): the scale's mantissa and
exponent (`edgeq.fixedpoint_scales`), and the zero point. What is computed from blocks are sums, int32, with a scale of
two such numbers; from these DYNAMIC_QUANTIZE or ADAPTIVE_QUANTIZE makes a block again.

An operator here stands for one that TFLite has. Its operands are that one's, blocks in place of activations, and after
them one range for each block; its results are the sums and their scale.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from edgeq.ir import DType, Graph, Node, Tensor
from edgeq.ops.base import Lowered, Op, require

#: Shapes of a scale and of a block's range.
SCALE = (2,)
RANGE = (3,)
#: The largest magnitude of a block's integer without its zero point.
REACH = 255


class RunTime(Op):
    """Base of these operators.

    Attributes:
        stands_for: the operator of `.tflite` files whose sums this one computes, "" for those between blocks and sums.
    """

    own = True
    stands_for: ClassVar[str] = ""


def require_ranges(*ranges: Tensor) -> None:
    """Raises ModelError for what is no range of a block."""
    for each in ranges:
        require((each.shape, each.dtype) == (RANGE, DType.INT32), f"{each.name!r} is no range: int32 (3,) is needed")


def require_scale(scale: Tensor) -> None:
    """Raises ModelError for what is no scale of sums."""
    require((scale.shape, scale.dtype) == (SCALE, DType.INT32), f"{scale.name!r} is no scale: int32 (2,) is needed")


def lowered(params: Any, node: Node, graph: Graph, places: tuple[int, ...], bound: int = 0) -> Lowered:
    """Of operands at these places, which are read at run time."""
    return Lowered(params, tuple(graph.operands(node)[i].name for i in places), bound)


def centred_block(x: np.ndarray, found: np.ndarray) -> np.ndarray:
    """int64 integers of a block (n, …) without its zero point, that of its range (n, 3)."""
    return x.astype(np.int64) - spread(found[..., 2].astype(np.int64), x)


def spread(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    """One value for each vector, (n,), with as many axes as `like` (n, …)."""
    return values.reshape(values.shape + (1,) * (like.ndim - 1))
