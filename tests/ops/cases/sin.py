"""SIN of every int8 value, and of int16."""

from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of

WITHOUT_REFERENCE = (DType.INT16,)

cases = cases_of("SIN", nears=(0.05, 0.005, 0.015))


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
