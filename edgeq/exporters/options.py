"""How each operator's attrs are written in a `.tflite` file: its options table, and the version that first knows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from edgeq.errors import ModelError
from edgeq.exporters import lstm
from edgeq.ir import DType, Graph, Node
from edgeq.ops import Activation
from edgeq.ops.spatial import Padding

#: Of tensors.
TYPES: Mapping[DType, int] = MappingProxyType(
    {
        DType.FLOAT32: schema.TensorType.FLOAT32,
        # weights of -1, 0 and 1 are int8 in a file
        DType.BINARY: schema.TensorType.INT8,
        DType.TERNARY: schema.TensorType.INT8,
        DType.INT4: schema.TensorType.INT4,
        DType.INT8: schema.TensorType.INT8,
        DType.INT16: schema.TensorType.INT16,
        DType.INT32: schema.TensorType.INT32,
        DType.INT64: schema.TensorType.INT64,
        DType.UINT8: schema.TensorType.UINT8,
        DType.BOOL: schema.TensorType.BOOL,
    }
)
_ACTIVATIONS: Mapping[Activation, int] = MappingProxyType(
    {each: getattr(schema.ActivationFunctionType, each.name) for each in Activation}
)
_PADDINGS: Mapping[Padding, int] = MappingProxyType({each: getattr(schema.Padding, each.name) for each in Padding})

Writer = Callable[[Node, Graph], Any]


class _Rule:
    """How one operator is written: the version that first knows its int8 form, and its options table."""

    def __init__(self, version: int, options: Writer):
        self.version = version
        self.options = options


_RULES: dict[str, _Rule] = {}


def rule(*names: str, version: int) -> Callable[[Writer], Writer]:
    """Function decorator: (node, graph) → options object of these operators, None where they have none."""

    def add(function: Writer) -> Writer:
        for name in names:
            _RULES[name] = _Rule(version, function)
        return function

    return add


def ints(values: Any) -> np.ndarray:
    return np.asarray(values, np.int32)


def written_ops() -> tuple[str, ...]:
    """Names of the operators that have a rule here."""
    return tuple(_RULES)


def written(node: Node, graph: Graph) -> tuple[int, Any]:
    """(version, options table or None) of a node. Raises ModelError where its operator cannot be written."""
    if node.op not in _RULES:
        raise ModelError(f"operator {node.op} cannot be written to a .tflite file", where=node.loc)
    rule = _RULES[node.op]
    return max(rule.version, _version(node, graph)), rule.options(node, graph)


def _version(node: Node, graph: Graph) -> int:
    """Versions that a node's particulars ask for, beyond those of int8."""
    if node.op == "CONV_2D":
        x, w = graph.operands(node)[:2]
        return 6 if x.shape[3] != w.shape[3] else 1
    if node.op == "FULLY_CONNECTED":
        return 6 if len(node.inputs) < 3 or not node.inputs[2] else 1
    if node.op == "TRANSPOSE_CONV":
        return 4 if node.attrs.activation is not Activation.NONE else 1
    if node.op in ("ADD", "SUB", "MUL"):
        return 3 if max(len(t.shape) for t in graph.results(node)) > 4 else 1
    return 1


def _window(options: Any, attrs: Any) -> Any:
    options.padding = _PADDINGS[attrs.padding]
    options.strideH, options.strideW = attrs.stride
    options.fusedActivationFunction = _ACTIVATIONS[attrs.activation]
    return options


@rule("CONV_2D", version=3)
def _conv_2d(node: Node, graph: Graph) -> schema.Conv2DOptionsT:
    options = _window(schema.Conv2DOptionsT(), node.attrs)
    options.dilationHFactor, options.dilationWFactor = node.attrs.dilation
    return options


@rule("DEPTHWISE_CONV_2D", version=3)
def _depthwise_conv_2d(node: Node, graph: Graph) -> schema.DepthwiseConv2DOptionsT:
    options = _window(schema.DepthwiseConv2DOptionsT(), node.attrs)
    options.dilationHFactor, options.dilationWFactor = node.attrs.dilation
    options.depthMultiplier = node.attrs.depth_multiplier
    return options


@rule("TRANSPOSE_CONV", version=3)
def _transpose_conv(node: Node, graph: Graph) -> schema.TransposeConvOptionsT:
    return _window(schema.TransposeConvOptionsT(), node.attrs)


@rule("BATCH_MATMUL", version=2)
def _batch_matmul(node: Node, graph: Graph) -> schema.BatchMatMulOptionsT:
    return schema.BatchMatMulOptionsT(adjX=node.attrs.adj_x, adjY=node.attrs.adj_y)


@rule("AVERAGE_POOL_2D", "MAX_POOL_2D", version=2)
def _pool_2d(node: Node, graph: Graph) -> schema.Pool2DOptionsT:
    options = _window(schema.Pool2DOptionsT(), node.attrs)
    options.filterHeight, options.filterWidth = node.attrs.filter
    return options


@rule("FULLY_CONNECTED", version=4)
def _fully_connected(node: Node, graph: Graph) -> schema.FullyConnectedOptionsT:
    return schema.FullyConnectedOptionsT(
        fusedActivationFunction=_ACTIVATIONS[node.attrs.activation], keepNumDims=node.attrs.keep_num_dims
    )


@rule("ADD", version=2)
def _add(node: Node, graph: Graph) -> schema.AddOptionsT:
    return schema.AddOptionsT(fusedActivationFunction=_ACTIVATIONS[node.attrs.activation])


@rule("SUB", version=2)
def _sub(node: Node, graph: Graph) -> schema.SubOptionsT:
    return schema.SubOptionsT(fusedActivationFunction=_ACTIVATIONS[node.attrs.activation])


@rule("MUL", version=2)
def _mul(node: Node, graph: Graph) -> schema.MulOptionsT:
    return schema.MulOptionsT(fusedActivationFunction=_ACTIVATIONS[node.attrs.activation])


@rule("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "SUM", version=2)
def _mean(node: Node, graph: Graph) -> schema.ReducerOptionsT:
    return schema.ReducerOptionsT(keepDims=node.attrs.keep_dims)


@rule("CONCATENATION", version=2)
def _concatenation(node: Node, graph: Graph) -> schema.ConcatenationOptionsT:
    return schema.ConcatenationOptionsT(
        axis=node.attrs.axis, fusedActivationFunction=_ACTIVATIONS[node.attrs.activation]
    )


@rule("SVDF", version=3)
def _svdf(node: Node, graph: Graph) -> schema.SVDFOptionsT:
    # TFLite's integer kernel takes no other activation, and computes none
    return schema.SVDFOptionsT(rank=node.attrs.rank, fusedActivationFunction=_ACTIVATIONS[Activation.RELU])


@rule("SOFTMAX", version=2)
def _softmax(node: Node, graph: Graph) -> schema.SoftmaxOptionsT:
    return schema.SoftmaxOptionsT(beta=node.attrs.beta)


@rule(lstm.OP, version=3)
def _lstm(node: Node, graph: Graph) -> schema.UnidirectionalSequenceLSTMOptionsT:
    return schema.UnidirectionalSequenceLSTMOptionsT(
        fusedActivationFunction=schema.ActivationFunctionType.TANH,
        timeMajor=node.attrs.time_major,
        cellClip=node.attrs.cell_clip,
    )


@rule("RESHAPE", version=1)
def _reshape(node: Node, graph: Graph) -> schema.ReshapeOptionsT:
    return schema.ReshapeOptionsT(newShape=ints(graph.results(node)[0].shape))


@rule("PAD", version=2)
def _pad(node: Node, graph: Graph) -> schema.PadOptionsT:
    return schema.PadOptionsT()


@rule("PADV2", version=2)
def _padv2(node: Node, graph: Graph) -> schema.PadV2OptionsT:
    return schema.PadV2OptionsT()


@rule("QUANTIZE", version=2)
def _quantize(node: Node, graph: Graph) -> schema.QuantizeOptionsT:
    return schema.QuantizeOptionsT()


@rule("DEQUANTIZE", version=2)
def _dequantize(node: Node, graph: Graph) -> schema.DequantizeOptionsT:
    return schema.DequantizeOptionsT()


@rule("TRANSPOSE", version=2)
def _transpose(node: Node, graph: Graph) -> schema.TransposeOptionsT:
    return schema.TransposeOptionsT()


@rule("SLICE", version=2)
def _slice(node: Node, graph: Graph) -> schema.SliceOptionsT:
    return schema.SliceOptionsT()


@rule("STRIDED_SLICE", version=2)
def _strided_slice(node: Node, graph: Graph) -> schema.StridedSliceOptionsT:
    attrs = node.attrs
    return schema.StridedSliceOptionsT(
        beginMask=attrs.begin_mask,
        endMask=attrs.end_mask,
        ellipsisMask=attrs.ellipsis_mask,
        newAxisMask=attrs.new_axis_mask,
        shrinkAxisMask=attrs.shrink_axis_mask,
        offset=attrs.offset,
    )


@rule("SPLIT", version=2)
def _split(node: Node, graph: Graph) -> schema.SplitOptionsT:
    return schema.SplitOptionsT(numSplits=node.attrs.num_splits)


@rule("SPLIT_V", version=2)
def _split_v(node: Node, graph: Graph) -> schema.SplitVOptionsT:
    return schema.SplitVOptionsT(numSplits=node.attrs.num_splits)


@rule("PACK", version=2)
def _pack(node: Node, graph: Graph) -> schema.PackOptionsT:
    return schema.PackOptionsT(valuesCount=node.attrs.values_count, axis=node.attrs.axis)


@rule("UNPACK", version=2)
def _unpack(node: Node, graph: Graph) -> schema.UnpackOptionsT:
    return schema.UnpackOptionsT(num=node.attrs.num, axis=node.attrs.axis)


@rule("SPACE_TO_DEPTH", version=2)
def _space_to_depth(node: Node, graph: Graph) -> schema.SpaceToDepthOptionsT:
    return schema.SpaceToDepthOptionsT(blockSize=node.attrs.block_size)


@rule("DEPTH_TO_SPACE", version=1)
def _depth_to_space(node: Node, graph: Graph) -> schema.DepthToSpaceOptionsT:
    return schema.DepthToSpaceOptionsT(blockSize=node.attrs.block_size)


@rule("MIRROR_PAD", version=2)
def _mirror_pad(node: Node, graph: Graph) -> schema.MirrorPadOptionsT:
    modes = schema.MirrorPadMode
    return schema.MirrorPadOptionsT(mode=modes.SYMMETRIC if node.attrs.symmetric else modes.REFLECT)


@rule("TILE", version=1)
def _tile(node: Node, graph: Graph) -> schema.TileOptionsT:
    return schema.TileOptionsT()


@rule("REVERSE_V2", version=1)
def _reverse_v2(node: Node, graph: Graph) -> schema.ReverseV2OptionsT:
    return schema.ReverseV2OptionsT()


@rule("REDUCE_ALL", "REDUCE_ANY", version=1)
def _reduce_bool(node: Node, graph: Graph) -> schema.ReducerOptionsT:
    return schema.ReducerOptionsT(keepDims=node.attrs.keep_dims)


@rule("DIV", version=2)
def _div(node: Node, graph: Graph) -> schema.DivOptionsT:
    return schema.DivOptionsT(fusedActivationFunction=_ACTIVATIONS[node.attrs.activation])


@rule("LOG_SOFTMAX", version=2)
def _log_softmax(node: Node, graph: Graph) -> schema.LogSoftmaxOptionsT:
    return schema.LogSoftmaxOptionsT()


@rule("L2_NORMALIZATION", version=2)
def _l2_normalization(node: Node, graph: Graph) -> schema.L2NormOptionsT:
    return schema.L2NormOptionsT()


@rule("BROADCAST_TO", version=2)
def _broadcast_to(node: Node, graph: Graph) -> None:
    return None


@rule("SPACE_TO_BATCH_ND", version=2)
def _space_to_batch_nd(node: Node, graph: Graph) -> schema.SpaceToBatchNDOptionsT:
    return schema.SpaceToBatchNDOptionsT()


@rule("BATCH_TO_SPACE_ND", version=2)
def _batch_to_space_nd(node: Node, graph: Graph) -> schema.BatchToSpaceNDOptionsT:
    return schema.BatchToSpaceNDOptionsT()


@rule("RESIZE_NEAREST_NEIGHBOR", version=3)
def _resize_nearest_neighbor(node: Node, graph: Graph) -> schema.ResizeNearestNeighborOptionsT:
    return schema.ResizeNearestNeighborOptionsT(
        alignCorners=node.attrs.align_corners, halfPixelCenters=node.attrs.half_pixel_centers
    )


@rule("RESIZE_BILINEAR", version=3)
def _resize_bilinear(node: Node, graph: Graph) -> schema.ResizeBilinearOptionsT:
    return schema.ResizeBilinearOptionsT(
        alignCorners=node.attrs.align_corners, halfPixelCenters=node.attrs.half_pixel_centers
    )


@rule("GATHER", version=2)
def _gather(node: Node, graph: Graph) -> schema.GatherOptionsT:
    return schema.GatherOptionsT(axis=node.attrs.axis, batchDims=node.attrs.batch_dims)


@rule("CUMSUM", version=1)
def _cumsum(node: Node, graph: Graph) -> schema.CumsumOptionsT:
    return schema.CumsumOptionsT(exclusive=node.attrs.exclusive, reverse=node.attrs.reverse)


@rule("GATHER_ND", version=1)
def _gather_nd(node: Node, graph: Graph) -> schema.GatherNdOptionsT:
    return schema.GatherNdOptionsT()


@rule("EMBEDDING_LOOKUP", version=1)
def _embedding_lookup(node: Node, graph: Graph) -> None:
    return None


@rule("MINIMUM", "MAXIMUM", version=2)
def _extreme(node: Node, graph: Graph) -> schema.MaximumMinimumOptionsT:
    return schema.MaximumMinimumOptionsT()


@rule("SQUARED_DIFFERENCE", version=2)
def _squared_difference(node: Node, graph: Graph) -> schema.SquaredDifferenceOptionsT:
    return schema.SquaredDifferenceOptionsT()


@rule("EQUAL", version=2)
def _equal(node: Node, graph: Graph) -> schema.EqualOptionsT:
    return schema.EqualOptionsT()


@rule("NOT_EQUAL", version=2)
def _not_equal(node: Node, graph: Graph) -> schema.NotEqualOptionsT:
    return schema.NotEqualOptionsT()


@rule("GREATER", version=2)
def _greater(node: Node, graph: Graph) -> schema.GreaterOptionsT:
    return schema.GreaterOptionsT()


@rule("GREATER_EQUAL", version=2)
def _greater_equal(node: Node, graph: Graph) -> schema.GreaterEqualOptionsT:
    return schema.GreaterEqualOptionsT()


@rule("LESS", version=2)
def _less(node: Node, graph: Graph) -> schema.LessOptionsT:
    return schema.LessOptionsT()


@rule("LESS_EQUAL", version=2)
def _less_equal(node: Node, graph: Graph) -> schema.LessEqualOptionsT:
    return schema.LessEqualOptionsT()


@rule("LOGICAL_AND", version=1)
def _logical_and(node: Node, graph: Graph) -> schema.LogicalAndOptionsT:
    return schema.LogicalAndOptionsT()


@rule("LOGICAL_OR", version=1)
def _logical_or(node: Node, graph: Graph) -> schema.LogicalOrOptionsT:
    return schema.LogicalOrOptionsT()


@rule("LOGICAL_NOT", version=1)
def _logical_not(node: Node, graph: Graph) -> schema.LogicalNotOptionsT:
    return schema.LogicalNotOptionsT()


@rule("FLOOR_DIV", version=3)
def _floor_div(node: Node, graph: Graph) -> schema.FloorDivOptionsT:
    return schema.FloorDivOptionsT()


@rule("FLOOR_MOD", version=2)
def _floor_mod(node: Node, graph: Graph) -> schema.FloorModOptionsT:
    return schema.FloorModOptionsT()


@rule("SELECT", version=2)
def _select(node: Node, graph: Graph) -> schema.SelectOptionsT:
    return schema.SelectOptionsT()


@rule("SELECT_V2", version=1)
def _select_v2(node: Node, graph: Graph) -> schema.SelectV2OptionsT:
    return schema.SelectV2OptionsT()


@rule("ARG_MAX", version=2)
def _arg_max(node: Node, graph: Graph) -> schema.ArgMaxOptionsT:
    return schema.ArgMaxOptionsT(outputType=TYPES[node.attrs.output_type])


@rule("TOPK_V2", version=2)
def _topk(node: Node, graph: Graph) -> schema.TopKV2OptionsT:
    return schema.TopKV2OptionsT()


@rule("ONE_HOT", version=1)
def _one_hot(node: Node, graph: Graph) -> schema.OneHotOptionsT:
    return schema.OneHotOptionsT(axis=node.attrs.axis)


@rule("REVERSE_SEQUENCE", version=1)
def _reverse_sequence(node: Node, graph: Graph) -> schema.ReverseSequenceOptionsT:
    return schema.ReverseSequenceOptionsT(seqDim=node.attrs.seq_dim, batchDim=node.attrs.batch_dim)


@rule("ARG_MIN", version=2)
def _arg_min(node: Node, graph: Graph) -> schema.ArgMinOptionsT:
    return schema.ArgMinOptionsT(outputType=TYPES[node.attrs.output_type])


@rule("CAST", version=1)
def _cast(node: Node, graph: Graph) -> schema.CastOptionsT:
    (x,), (y,) = graph.operands(node), graph.results(node)
    return schema.CastOptionsT(inDataType=TYPES[x.dtype], outDataType=TYPES[y.dtype])


@rule("LEAKY_RELU", version=2)
def _leaky_relu(node: Node, graph: Graph) -> schema.LeakyReluOptionsT:
    return schema.LeakyReluOptionsT(alpha=node.attrs.alpha)


@rule("GELU", version=2)
def _gelu(node: Node, graph: Graph) -> schema.GeluOptionsT:
    return schema.GeluOptionsT(approximate=node.attrs.approximate)


@rule("NEG", "SIGN", "SQUARE", "SQRT", "FLOOR", "CEIL", "ROUND", "SIN", "COS", version=1)
@rule("RELU", "RELU6", "LOGISTIC", "TANH", version=2)
@rule("ABS", "EXP", "LOG", "RSQRT", version=2)
@rule("ELU", "HARD_SWISH", "PRELU", "RELU_0_TO_1", "RELU_N1_TO_1", version=1)
def _without_options(node: Node, graph: Graph) -> None:
    return None
