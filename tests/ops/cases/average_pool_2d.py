"""Average pooling, global and windowed."""

from ..pools import cases_of, options

cases = cases_of("AVERAGE_POOL_2D")

__all__ = ["cases", "options"]
