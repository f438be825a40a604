"""TRANSPOSE_CONV of blocks, at scales of any size."""

from ..blocks import SUM_BOUND, dynamic_cases, dynamic_distances

BOUND = SUM_BOUND
LEAST = 0.0
cases = dynamic_cases("DYNAMIC_TRANSPOSE_CONV")
distances = dynamic_distances
