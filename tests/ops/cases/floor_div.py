"""Quotients rounded down."""

from typing import Any

from edgeq.ops.pairwise import PairwiseAttrs

from ..divisions import cases_of
from ..one_op import options as table

cases = cases_of("FLOOR_DIV")


def options(attrs: PairwiseAttrs) -> Any:
    return table("FloorDivOptions")
