"""GELU of every int8 value, and of int16, exact and approximated."""

from typing import Any

import numpy as np

from edgeq.ir import DType
from edgeq.ops.gelu import GeluAttrs

from ..lookups import cases_of
from ..one_op import options as table

# LiteRT has a kernel of int16, within one step: tests/ops/test_curves.py
WITHOUT_REFERENCE = (DType.INT16,)


def _attrs(rng: np.random.Generator) -> GeluAttrs:
    return GeluAttrs(bool(rng.integers(2)))


cases = cases_of("GELU", attrs=_attrs)


def options(attrs: GeluAttrs) -> Any:
    return table("GeluOptions", approximate=attrs.approximate)
