"""HARD_SWISH of every int8 value."""

from typing import Any

from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of
from ..one_op import options as table

cases = cases_of("HARD_SWISH")


def options(attrs: LookupAttrs) -> Any:
    return table("HardSwishOptions")
