"""COS of every int8 value."""

from typing import Any

import numpy as np

from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of
from ..one_op import options as table

cases = cases_of("COS")


def options(attrs: LookupAttrs) -> Any:
    return table("CosOptions")


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
