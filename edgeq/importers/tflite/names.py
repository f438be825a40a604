"""Layer names out of tensor names.

TFLite operators have no names. Converters name a tensor after all the TensorFlow operations that were fused into it,
as in "model/activation/Relu;model/batch_normalization/FusedBatchNormV3;model/conv2d/BiasAdd"; people think of `conv2d`.
"""

from __future__ import annotations

import re

# TensorFlow operations, with the serial number that a graph gives them.
_OPERATION = re.compile(
    r"^(?:Relu6?|BiasAdd|Conv2D|convolution|MatMul|[Aa]dd(?:V2)?|[Mm]ul|[Ss]ub|depthwise|FusedBatchNorm(?:V3)?|Softmax|AvgPool(?:2d)?|MaxPool(?:2d)?|"
    r"Reshape|Tanh|Sigmoid|Mean|concat|Pad|prediction|ReadVariableOp|resource|StatefulPartitionedCall|Squeeze|ExpandDims)"
    r"[_:\d]*$"
)
# Layers that are usually fused into the layer before them, which then gives the name.
_FUSED = re.compile(r"^(?:activation|batch_normalization|re_lu|relu)(?:_\d+)*$")


# What converters call the tensors at a model's end.
_ANONYMOUS = re.compile(r"^(?:Identity|StatefulPartitionedCall|PartitionedCall|output|tensor)[_:\d]*(?:int8)?$")


def layer_name(tensor_name: str, op: str) -> str:
    """The name of the layer that a person would say computes this tensor; the operator's in lower case where the
    tensor's name tells nothing."""
    layers = []
    for path in tensor_name.split(";"):
        parts = [p for p in path.split("/") if p]
        # "model/add/add" is the layer `add` of `model`: what stands second is a layer, whatever it is called
        while len(parts) > 2 and _OPERATION.match(parts[-1]):
            parts.pop()
        if parts and not _ANONYMOUS.match(parts[-1]):
            layers.append(parts[-1])
    return next((name for name in layers if not _FUSED.match(name)), layers[0] if layers else op.lower())
