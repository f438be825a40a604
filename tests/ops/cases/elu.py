"""ELU of every int8 value, and of int16."""

from typing import Any

from edgeq.ir import DType
from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of

WITHOUT_REFERENCE = (DType.INT16,)

cases = cases_of("ELU")


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it
