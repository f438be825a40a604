"""SUM of blocks, at scales of any size."""

from ..blocks import SUM_BOUND, dynamic_cases, dynamic_distances

BOUND = SUM_BOUND
LEAST = 0.0
cases = dynamic_cases("DYNAMIC_SUM")
distances = dynamic_distances
