"""All of the bools along any axes, kept and dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgeq.ops.reduce_extreme import ReduceAttrs

from ..graphs import Case
from ..one_op import options as table
from ..reductions import bool_cases


def options(attrs: ReduceAttrs) -> Any:
    return table("ReducerOptions", keepDims=attrs.keep_dims)


def cases(rng: np.random.Generator) -> Iterator[Case]:
    return bool_cases(rng, "REDUCE_ALL", usual=True)
