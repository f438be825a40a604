"""SIGN of every int8 value."""

from typing import Any

import numpy as np

from edgeq.ops.lookup import LookupAttrs

from ..graphs import Case
from ..in_float import in_float
from ..lookups import cases_of

cases = cases_of("SIGN")


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it


def expected(case: Case) -> list[np.ndarray]:
    return in_float(case, options)
