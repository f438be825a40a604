"""What int16 layers compute otherwise than their formula: to the bit what the firmware does."""

from __future__ import annotations

import numpy as np
import pytest

from edgeq.fixedpoint import quantize_multipliers, reduced_multipliers
from edgeq.ir import DType, QuantParams, Tensor
from edgeq.ops import sigmoid16
from edgeq.qat import wide

EVERY = np.arange(-32768, 32768).astype(np.int16)


# ranges from a quarter to far into saturation; multipliers at both ends of their 15 bits
@pytest.mark.parametrize("scale", [1e-5, 0.25 / 32768, 1.01 / 4096, 3.3e-4, 0.0013333334, 0.02])
@pytest.mark.parametrize(
    ("mine", "definition", "most_doubled"), [(wide.tanh, sigmoid16.tanh, 1), (wide.logistic, sigmoid16.logistic, 0)]
)
def test_tables_are_interpolated_as_the_firmware_does(mine, definition, most_doubled, scale):
    scale = np.float32(scale)
    x = Tensor("x", EVERY.shape, DType.INT16, QuantParams([scale], [0]))
    wanted = definition(sigmoid16.sigmoid_params(x, most_doubled), EVERY)
    found = np.asarray(mine(EVERY.astype(np.float32) * scale, scale)) * 2.0**15
    np.testing.assert_array_equal(found, wanted)


def test_gains_are_those_of_factors_of_15_bits():
    factors = np.exp2(np.random.default_rng(0).uniform(-20, 3, 500))
    factors[:3] = 0.5, 0.99999, 1 - 2.0**-17
    multipliers, shifts = quantize_multipliers(factors)
    exact = np.ldexp(reduced_multipliers(multipliers).astype(np.float64), shifts - 15)
    np.testing.assert_allclose(np.asarray(wide.gain(factors)) * factors, exact, rtol=1e-12)
