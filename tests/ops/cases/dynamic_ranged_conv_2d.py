"""CONV_2D of blocks to blocks, at scales of any size."""

from ..blocks import RANGED_BOUND, ranged_cases, ranged_distances

BOUND = RANGED_BOUND
LEAST = 0.0
cases = ranged_cases("DYNAMIC_RANGED_CONV_2D")
distances = ranged_distances
