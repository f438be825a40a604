"""LEAKY_RELU of every int8 value, slopes of both signs."""

from typing import Any

import numpy as np

from edgeq.ops.leaky_relu import LeakyReluAttrs

from ..lookups import cases_of
from ..one_op import options as table


def _attrs(rng: np.random.Generator) -> LeakyReluAttrs:
    return LeakyReluAttrs(float(np.float32(rng.choice([0.01, 0.1, 0.3, 1.5, -0.5, 0.0, rng.random()]))))


cases = cases_of("LEAKY_RELU", attrs=_attrs)


def options(attrs: LeakyReluAttrs) -> Any:
    return table("LeakyReluOptions", alpha=attrs.alpha)
