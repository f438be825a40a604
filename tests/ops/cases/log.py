"""LOG of every int8 value."""

from typing import Any

from edgeq.ops.lookup import LookupAttrs

from ..lookups import cases_of

LITERT_ONLY = True

cases = cases_of("LOG")


def options(attrs: LookupAttrs) -> Any:
    return None  # TFLite has no options table for it
