"""LOGISTIC of every int8 value."""

from typing import Any

from edgeq.ir import DType
from edgeq.ops.logistic import OUTPUT
from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of

cases = cases_of("LOGISTIC", OUTPUT[DType.INT8])


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it
