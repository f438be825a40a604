"""Every function of one int8 argument, by a table of 256 results."""

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops import known_ops, params_type
from edgeq.ops.lookup import LookupParams


@register
class LookupS8(Kernel):
    name = "edgeq_lookup_s8"
    ops = tuple(op for op in known_ops() if params_type(op) is LookupParams)
    template = "lookup.c.j2"
    in_place = True
