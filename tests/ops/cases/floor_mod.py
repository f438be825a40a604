"""What such quotients leave."""

from typing import Any

from edgeq.ops.pairwise import PairwiseAttrs

from ..divisions import cases_of
from ..one_op import options as table

cases = cases_of("FLOOR_MOD")


def options(attrs: PairwiseAttrs) -> Any:
    return table("FloorModOptions")
