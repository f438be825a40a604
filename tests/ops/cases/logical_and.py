"""Both of two bools, with and without broadcasting."""

from typing import Any

from edgeq.ops.pairwise import PairwiseAttrs

from ..logic import cases_of
from ..one_op import options as table

cases = cases_of("LOGICAL_AND", 2, PairwiseAttrs())


def options(attrs: PairwiseAttrs) -> Any:
    return table("LogicalAndOptions")
