"""Keras 2's layers that are one function of TensorFlow, such as x + 3 of a layer's result, as `keras.ops` nodes.

A file names the function and its arguments: nothing of it is run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LAYER = "TFOpLambda"
_CLASSES = {
    "math.abs": "Absolute",
    "math.add": "Add",
    "math.ceil": "Ceil",
    "math.cos": "Cos",
    "math.divide": "TrueDivide",
    "math.exp": "Exp",
    "math.floor": "Floor",
    "math.log": "Log",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.multiply": "Multiply",
    "math.negative": "Negative",
    "math.rsqrt": "Rsqrt",
    "math.sigmoid": "Sigmoid",
    "math.sin": "Sin",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.subtract": "Subtract",
    "math.tanh": "Tanh",
    "math.truediv": "TrueDivide",
    "nn.relu": "Relu",
    "nn.relu6": "Relu6",
    "nn.sigmoid": "Sigmoid",
    "nn.tanh": "Tanh",
}


def ops_class(config: Mapping[str, Any], calls: list[Mapping[str, Any]]) -> str:
    """The class of `keras.ops` that computes the same with these named arguments, "" where there is none."""
    unknown = {name for kwargs in calls for name, value in kwargs.items() if name != "y" and value is not None}
    return "" if unknown else _CLASSES.get(str(config.get("function")), "")
