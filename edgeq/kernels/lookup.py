"""Functions of one argument, by our own kernels."""

from __future__ import annotations

from edgeq.kernels import register
from edgeq.kernels.base import Kernel
from edgeq.ops import ops_with
from edgeq.ops.lookup import InterpolatedParams, LookupParams
from edgeq.ops.rescaling import RescaleParams
from edgeq.target import Cpu


@register
class LookupS8(Kernel):
    """Every function of one int8 argument, by a table of 256 results."""

    name = "edgeq_lookup_s8"
    ops = ops_with(LookupParams)
    template = "lookup.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, LookupParams)


@register
class LookupS16(Kernel):
    """Every function of one int16 argument, by an interpolated table."""

    name = "edgeq_lookup_s16"
    ops = ops_with(InterpolatedParams)
    template = "lookup.c.j2"
    in_place = True

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, InterpolatedParams)


class _Rescale(Kernel):
    """Requantization with one factor for either sign; `types` of the operand and the result."""

    ops = ops_with(RescaleParams)
    template = "rescale.c.j2"
    types: tuple[str, str]

    def supports(self, p: object, cpu: Cpu) -> bool:
        return isinstance(p, RescaleParams) and (p.input_type, p.output_type) == self.types


@register
class RescaleS16(_Rescale):
    name = "edgeq_rescale_s16"
    types = ("int16", "int16")
    in_place = True


@register
class RescaleS8S16(_Rescale):
    name = "edgeq_rescale_s8_s16"
    types = ("int8", "int16")


@register
class RescaleS16S8(_Rescale):
    name = "edgeq_rescale_s16_s8"
    types = ("int16", "int8")


@register
class RescaleS16S32(_Rescale):
    name = "edgeq_rescale_s16_s32"
    types = ("int16", "int32")


@register
class RescaleS32S8(_Rescale):
    name = "edgeq_rescale_s32_s8"
    types = ("int32", "int8")


@register
class RescaleS32S16(_Rescale):
    name = "edgeq_rescale_s32_s16"
    types = ("int32", "int16")
