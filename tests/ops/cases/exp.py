"""EXP of every int8 value, and of int16; scales small enough that TFLite 2.14 does not overflow an int32 (see
`edgeq.ops.exp`)."""

from typing import Any

from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of
from ..one_op import options as table

cases = cases_of("EXP", nears=(0.005, 0.015))


def options(attrs: LookupAttrs) -> Any:
    return table("ExpOptions")
