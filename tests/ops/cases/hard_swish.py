"""HARD_SWISH of every int8 value, and of int16."""

from typing import Any

from edgeq.ir import DType
from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16,)

cases = cases_of("HARD_SWISH")


def options(attrs: LookupAttrs) -> Any:
    return table("HardSwishOptions")
