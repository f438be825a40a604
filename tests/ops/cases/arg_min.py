"""The place of the minimum along any axis."""

from typing import Any

from edgeq.ir import DType
from edgeq.ops.arg_extreme import ArgExtremeAttrs

from ..extreme_places import cases_of
from ..one_op import TFLITE_TYPE
from ..one_op import options as table

WITHOUT_REFERENCE = (DType.INT16, DType.INT64)

cases = cases_of("ARG_MIN")


def options(attrs: ArgExtremeAttrs) -> Any:
    return table("ArgMinOptions", outputType=TFLITE_TYPE[attrs.output_type])
