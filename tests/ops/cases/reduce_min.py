"""The smallest element along any axes, kept and dropped."""

from typing import Any

from edgeq.ops.reduce_extreme import ReduceAttrs

from ..one_op import options as table
from ..reductions import cases_of

cases = cases_of("REDUCE_MIN")


def options(attrs: ReduceAttrs) -> Any:
    return table("ReducerOptions", keepDims=attrs.keep_dims)
