"""COS of every int8 value, and of int16."""

from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16,)

cases = cases_of("COS", nears=(0.05, 0.005, 0.015))


def options(attrs: LookupAttrs) -> Any:
    return table("CosOptions")


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
