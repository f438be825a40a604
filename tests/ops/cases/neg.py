"""NEG of every int8 value, and of int16."""

from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16,)

cases = cases_of("NEG")


def options(attrs: LookupAttrs) -> Any:
    return table("NegOptions")


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
