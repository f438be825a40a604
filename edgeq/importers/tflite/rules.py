"""One rule per TFLite operator: its options table → the operator's attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ai_edge_litert.schema_py_generated as schema

from edgeq.errors import ModelError
from edgeq.importers.tflite.flatbuffer import DAMAGE, MAX_RANK
from edgeq.ir import DType, Tensor
from edgeq.ops import Activation, find_op
from edgeq.ops.spatial import Padding, Pair
from edgeq.ops.unidirectional_sequence_lstm import LstmAttrs

Rule = Callable[[Any], dict[str, Any]]

_RULES: dict[str, Rule] = {}

# Operators whose operands say it all: files may leave the options out.
_OPTIONAL = frozenset({"GATHER", "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"})

# More results than this no operator has in an honest file.
MAX_RESULTS = 1_024

_ACTIVATIONS = {
    schema.ActivationFunctionType.NONE: Activation.NONE,
    schema.ActivationFunctionType.RELU: Activation.RELU,
    schema.ActivationFunctionType.RELU_N1_TO_1: Activation.RELU_N1_TO_1,
    schema.ActivationFunctionType.RELU6: Activation.RELU6,
}
_PADDINGS = {schema.Padding.SAME: Padding.SAME, schema.Padding.VALID: Padding.VALID}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Registers the function that turns an options table of these operators into attribute values."""

    def add(function: Rule) -> Rule:
        for name in names:
            _RULES[name] = function
        return function

    return add


def attributes(name: str, options: Any) -> Any:
    """The operator's attributes, None for operators without any or that are not supported.

    Raises:
        ModelError: the options are missing or name something unknown.
    """
    op = find_op(name)
    if op is None or op.Attrs is None:
        return None
    if name not in _RULES:
        return op.Attrs()
    if options is None:
        if name in _OPTIONAL:
            return op.Attrs()
        raise ModelError(f"{name} lacks its options")
    try:
        return op.Attrs(**_RULES[name](options))
    except DAMAGE:
        raise ModelError(f"the options of this {name} are damaged") from None


def _activation(options: Any) -> Activation:
    value = options.FusedActivationFunction()
    if value not in _ACTIVATIONS:
        raise ModelError(
            f"fused activation {value} is not supported", hint="apply the activation as a layer of its own"
        )
    return _ACTIVATIONS[value]


def _padding(options: Any) -> Padding:
    if options.Padding() not in _PADDINGS:
        raise ModelError(f"padding {options.Padding()} is unknown")
    return _PADDINGS[options.Padding()]


def _stride(options: Any) -> Pair:
    return options.StrideH(), options.StrideW()


def _dilation(options: Any) -> Pair:
    return options.DilationHFactor(), options.DilationWFactor()


def finite(value: float, what: str) -> float:
    """A number of a damaged file may be none."""
    if not abs(value) < 1e38:
        raise ModelError(f"{what} is {value}")
    return float(value)


@rule("CONV_2D")
def _conv_2d(options: Any) -> dict[str, Any]:
    return {
        "stride": _stride(options),
        "dilation": _dilation(options),
        "padding": _padding(options),
        "activation": _activation(options),
    }


@rule("TRANSPOSE_CONV")
def _transpose_conv(options: Any) -> dict[str, Any]:
    return {"stride": _stride(options), "padding": _padding(options), "activation": _activation(options)}


@rule("BATCH_MATMUL")
def _batch_matmul(options: Any) -> dict[str, Any]:
    return {"adj_x": bool(options.AdjX()), "adj_y": bool(options.AdjY())}


@rule("DEPTHWISE_CONV_2D")
def _depthwise_conv_2d(options: Any) -> dict[str, Any]:
    return {**_conv_2d(options), "depth_multiplier": options.DepthMultiplier()}


@rule("FULLY_CONNECTED")
def _fully_connected(options: Any) -> dict[str, Any]:
    if options.WeightsFormat() != schema.FullyConnectedOptionsWeightsFormat.DEFAULT:
        raise ModelError("shuffled FULLY_CONNECTED weights are not supported", hint="convert the model again")
    return {"activation": _activation(options), "keep_num_dims": bool(options.KeepNumDims())}


@rule("AVERAGE_POOL_2D", "MAX_POOL_2D")
def _pool_2d(options: Any) -> dict[str, Any]:
    return {
        "filter": (options.FilterHeight(), options.FilterWidth()),
        "stride": _stride(options),
        "padding": _padding(options),
        "activation": _activation(options),
    }


@rule("ADD", "SUB", "MUL", "DIV")
def _arithmetic(options: Any) -> dict[str, Any]:
    return {"activation": _activation(options)}


@rule("MEAN", "REDUCE_ALL", "REDUCE_ANY", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM")
def _reducer(options: Any) -> dict[str, Any]:
    return {"keep_dims": bool(options.KeepDims())}


@rule("ARG_MAX", "ARG_MIN")
def _arg_extreme(options: Any) -> dict[str, Any]:
    types = {schema.TensorType.INT32: DType.INT32, schema.TensorType.INT64: DType.INT64}
    if options.OutputType() not in types:
        raise ModelError(f"the result's type {options.OutputType()} is neither int32 nor int64")
    return {"output_type": types[options.OutputType()]}


@rule("ONE_HOT")
def _one_hot(options: Any) -> dict[str, Any]:
    return {"axis": options.Axis()}


@rule("REVERSE_SEQUENCE")
def _reverse_sequence(options: Any) -> dict[str, Any]:
    return {"seq_dim": options.SeqDim(), "batch_dim": options.BatchDim()}


@rule("CONCATENATION")
def _concatenation(options: Any) -> dict[str, Any]:
    return {"axis": options.Axis(), "activation": _activation(options)}


@rule("UNIDIRECTIONAL_SEQUENCE_LSTM")
def _lstm(options: Any) -> dict[str, Any]:
    if options.FusedActivationFunction() != schema.ActivationFunctionType.TANH:
        raise ModelError("an LSTM whose activation is not tanh is not supported")
    if options.DiagonalRecurrentTensors():
        raise ModelError("an LSTM with diagonal recurrent weights is not supported")
    return {"time_major": bool(options.TimeMajor()), "cell_clip": max(0.0, finite(options.CellClip(), "cell clip"))}


def with_intermediates(attrs: Any, intermediates: list[Tensor]) -> Any:
    """An LSTM's attributes with the quantization of its output gate's product, the last of its five intermediates."""
    if not isinstance(attrs, LstmAttrs) or len(intermediates) != 5 or intermediates[4].quant is None:
        return attrs
    return replace(attrs, product=intermediates[4].quant.per_tensor)


@rule("SVDF")
def _svdf(options: Any) -> dict[str, Any]:
    return {"rank": options.Rank(), "activation": _activation(options)}


@rule("CUMSUM")
def _cumsum(options: Any) -> dict[str, Any]:
    return {"exclusive": bool(options.Exclusive()), "reverse": bool(options.Reverse())}


@rule("FUNCTION")
def _function(options: Any) -> dict[str, Any]:
    name, parameters = options
    return {"name": name, "parameters": parameters}


@rule("SOFTMAX")
def _softmax(options: Any) -> dict[str, Any]:
    return {"beta": options.Beta()}


@rule("RESHAPE")
def _reshape(options: Any) -> dict[str, Any]:
    return {"new_shape": tuple(options.NewShape(i) for i in range(min(options.NewShapeLength(), MAX_RANK)))}


@rule("LEAKY_RELU")
def _leaky_relu(options: Any) -> dict[str, Any]:
    return {"alpha": finite(options.Alpha(), "alpha")}


@rule("GELU")
def _gelu(options: Any) -> dict[str, Any]:
    return {"approximate": bool(options.Approximate())}


@rule("STRIDED_SLICE")
def _strided_slice(options: Any) -> dict[str, Any]:
    return {
        "begin_mask": options.BeginMask(),
        "end_mask": options.EndMask(),
        "ellipsis_mask": options.EllipsisMask(),
        "new_axis_mask": options.NewAxisMask(),
        "shrink_axis_mask": options.ShrinkAxisMask(),
        "offset": bool(options.Offset()),
    }


@rule("SPLIT", "SPLIT_V")
def _split(options: Any) -> dict[str, Any]:
    return {"num_splits": options.NumSplits()}


@rule("PACK")
def _pack(options: Any) -> dict[str, Any]:
    return {"values_count": options.ValuesCount(), "axis": options.Axis()}


@rule("UNPACK")
def _unpack(options: Any) -> dict[str, Any]:
    if options.Num() > MAX_RESULTS:
        raise ModelError(f"{options.Num()} results of one operator")
    return {"num": options.Num(), "axis": options.Axis()}


@rule("SPACE_TO_DEPTH", "DEPTH_TO_SPACE")
def _block(options: Any) -> dict[str, Any]:
    return {"block_size": options.BlockSize()}


@rule("MIRROR_PAD")
def _mirror_pad(options: Any) -> dict[str, Any]:
    return {"symmetric": options.Mode() == schema.MirrorPadMode.SYMMETRIC}


@rule("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def _resize(options: Any) -> dict[str, Any]:
    return {"align_corners": bool(options.AlignCorners()), "half_pixel_centers": bool(options.HalfPixelCenters())}


@rule("GATHER")
def _gather(options: Any) -> dict[str, Any]:
    return {"axis": options.Axis(), "batch_dims": options.BatchDims()}


@rule("L2_NORMALIZATION")
def _l2_normalization(options: Any) -> dict[str, Any]:
    if _activation(options) is not Activation.NONE:
        raise ModelError("a fused activation is not supported", hint="apply the activation as a layer of its own")
    return {}
