"""Inequality."""

from typing import Any

from edgeq.ir import DType
from edgeq.ops.pairwise import PairwiseAttrs

from ..comparisons import cases_of
from ..one_op import options as table

LITERT_ONLY = (DType.INT16,)

cases = cases_of("NOT_EQUAL")


def options(attrs: PairwiseAttrs) -> Any:
    return table("NotEqualOptions")
