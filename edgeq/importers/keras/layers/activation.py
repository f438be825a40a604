"""Activations, as layers of their own and as the `activation` of other layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Config, Layer, WeightNames, number, rule

# name → (operator, attributes)
_PLAIN: dict[str, tuple[str, dict[str, Any]]] = {
    "relu": ("RELU", {}),
    "relu6": ("RELU6", {}),
    "sigmoid": ("LOGISTIC", {}),
    "tanh": ("TANH", {}),
    "elu": ("ELU", {}),
    "exponential": ("EXP", {}),
    "log_softmax": ("LOG_SOFTMAX", {}),
    "gelu": ("GELU", {"approximate": False}),
    "leaky_relu": ("LEAKY_RELU", {"alpha": 0.2}),
    "celu": ("FUNCTION", {"name": "celu", "parameters": (1.0,)}),
    "hard_shrink": ("FUNCTION", {"name": "hard_shrink", "parameters": (0.5,)}),
    "hard_tanh": ("RELU_N1_TO_1", {}),
    "log_sigmoid": ("FUNCTION", {"name": "log_sigmoid"}),
    "mish": ("FUNCTION", {"name": "mish"}),
    "selu": ("FUNCTION", {"name": "selu"}),
    "soft_shrink": ("FUNCTION", {"name": "soft_shrink", "parameters": (0.5,)}),
    "softplus": ("FUNCTION", {"name": "softplus"}),
    "softsign": ("FUNCTION", {"name": "softsign"}),
    "sparse_plus": ("FUNCTION", {"name": "sparse_plus"}),
    "sparse_sigmoid": ("FUNCTION", {"name": "sparse_sigmoid"}),
    "squareplus": ("FUNCTION", {"name": "squareplus", "parameters": (4.0,)}),
    "tanh_shrink": ("FUNCTION", {"name": "tanh_shrink"}),
}
_COMPOSED = ("linear", "softmax", "silu", "swish", "hard_sigmoid", "hard_silu", "hard_swish")


def activation_name(value: Any) -> str:
    """The name of a saved activation, which may be null, a string, a function or a layer."""
    if value is None:
        return "linear"
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return repr(value)
    module, registered = str(value.get("module") or "keras"), str(value.get("registered_name") or "")
    inner = value.get("config")
    name = inner if isinstance(inner, str) else _layer_activation(str(value.get("class_name")), inner)
    return name if module.split(".")[0] in ("keras", "builtins") and ">" not in registered else f"custom {name}"


def _layer_activation(kind: str, config: Any) -> str:
    if kind == "ReLU" and isinstance(config, dict) and not config.get("threshold"):
        plain = {None: "relu", 6: "relu6"}
        return plain.get(config.get("max_value"), kind) if _slope(config, 0.0) == 0 else kind
    return kind.lower() if kind in ("Softmax", "Tanh", "Sigmoid") else kind


def check_activation(config: Config, key: str = "activation") -> str:
    """A `check`: whether the layer's activation has operators."""
    name = activation_name(config.get(key))
    return "" if name in _PLAIN or name in _COMPOSED else f"activation {name!r}"


def activate(layer: Layer, x: str, name: str) -> str:
    """Applies an activation; the result bears the layer's name. "linear" gives `x` itself."""
    if name in _PLAIN:
        op, attrs = _PLAIN[name]
        return layer.emit(op, (x,), **attrs)
    if name == "softmax":
        return softmax(layer, x)
    if name in ("silu", "swish"):
        return layer.emit("MUL", (x, layer.emit("LOGISTIC", (x,), part="sigmoid")))
    if name == "hard_sigmoid":
        return _hard_sigmoid(layer, x)
    if name in ("hard_silu", "hard_swish"):
        if layer.major >= 3:
            return layer.emit("HARD_SWISH", (x,))
        gate = _hard_sigmoid(layer.inner("gate"), x)
        return layer.emit("MUL", (x, gate))
    return x


def with_activation(layer: Layer, emit: Any) -> str:
    """`emit(layer)`, followed by the layer's activation. Names stay such that the last result has the layer's."""
    name = activation_name(layer.config.get("activation"))
    return emit(layer) if name == "linear" else activate(layer, emit(layer.inner("linear")), name)


def softmax(layer: Layer, x: str) -> str:
    """SOFTMAX over the last axis of any rank."""
    return layer.emit("SOFTMAX", (x,), beta=1.0)


def _hard_sigmoid(layer: Layer, x: str) -> str:
    # Keras 3: relu6(x + 3) / 6; Keras 2: clip(0.2 x + 0.5, 0, 1), which is relu6(1.2 x + 3) / 6
    if layer.major < 3:
        x = layer.emit("MUL", (x, layer.constant("slope", np.float32([1.2]))), "slope_out")
    shifted = layer.emit("ADD", (x, layer.constant("three", np.float32([3]))), "shifted")
    clipped = layer.emit("RELU6", (shifted,), part="clipped")
    return layer.emit("MUL", (clipped, layer.constant("sixth", np.float32([1 / 6]))))


def check_relu(config: Config) -> str:
    """A `check` of ReLU layers."""
    most = config.get("max_value")
    return "" if most is None or (type(most) in (int, float) and most >= 0) else f"max_value {most!r}"


def _slope(config: Config, default: float) -> float:
    """The slope below zero; Keras 2 calls it alpha."""
    key = "negative_slope" if config.get("negative_slope") is not None else "alpha"
    return number({key: default, **{k: v for k, v in config.items() if v is not None}}, key, default)


def _check_softmax(config: Config) -> str:
    return "" if config.get("axis", -1) in (-1, [-1]) else "an axis other than the last"


@rule("Activation", check=check_activation)
def activation(layer: Layer, x: str) -> str:
    return activate(layer, x, activation_name(layer.config.get("activation")))


@rule("ReLU", check=check_relu)
def relu(layer: Layer, x: str) -> str:
    """RELU, RELU6, RELU_0_TO_1 or LEAKY_RELU, where one of them is it."""
    most, slope = layer.config.get("max_value"), _slope(layer.config, 0.0)
    threshold = 0.0 if layer.config.get("threshold") is None else number(layer.config, "threshold", 0.0)
    if threshold == 0 and slope == 0 and most in (None, 1, 6):
        return layer.emit({None: "RELU", 1: "RELU_0_TO_1", 6: "RELU6"}[most], (x,))
    if threshold == 0 and most is None:
        return layer.emit("LEAKY_RELU", (x,), alpha=slope)
    parameters = (slope, float("inf") if most is None else float(most), threshold)
    return function(layer, x, "relu", *parameters)


def function(layer: Layer, x: str, name: str, *parameters: float) -> str:
    """FUNCTION of that name."""
    return layer.emit("FUNCTION", (x,), name=name, parameters=parameters)


@rule("LeakyReLU")
def leaky_relu(layer: Layer, x: str) -> str:
    return layer.emit("LEAKY_RELU", (x,), alpha=_slope(layer.config, 0.3))


@rule("ops.LeakyRelu")
def ops_leaky_relu(layer: Layer, x: str) -> str:
    return layer.emit("LEAKY_RELU", (x,), alpha=_slope(layer.config, 0.2))


@rule("ELU", "ops.Elu")
def elu(layer: Layer, x: str) -> str:
    alpha = number(layer.config, "alpha", 1.0)
    return activate(layer, x, "elu") if alpha == 1 else function(layer, x, "elu", alpha)


@rule("PReLU", weights=lambda config: WeightNames(("alpha",)))
def prelu(layer: Layer, x: str) -> str:
    """A slope per element, shared along some axes: those have size 1."""
    alpha, shape = layer.weights["alpha"], layer.shape(x)[1:]
    if alpha.ndim != len(shape) or any(a not in (1, d) for a, d in zip(alpha.shape, shape, strict=True)):
        raise ModelError(f"alpha has shape {list(alpha.shape)}, the tensor {list(shape)}", where=layer.name)
    return layer.emit("PRELU", (x, layer.constant("alpha", alpha)))


@rule("ops.Gelu")
def ops_gelu(layer: Layer, x: str) -> str:
    return layer.emit("GELU", (x,), approximate=layer.config.get("approximate", True) is not False)


@rule("ops.HardSilu")
def ops_hard_silu(layer: Layer, x: str) -> str:
    return activate(layer, x, "hard_silu")


rule("Softmax", "ops.Softmax", check=_check_softmax)(softmax)


@rule("ops.LogSoftmax", check=_check_softmax)
def ops_log_softmax(layer: Layer, x: str) -> str:
    return activate(layer, x, "log_softmax")


@rule("ops.Relu")
def ops_relu(layer: Layer, x: str) -> str:
    return activate(layer, x, "relu")


@rule("ops.Relu6")
def ops_relu6(layer: Layer, x: str) -> str:
    return activate(layer, x, "relu6")


@rule("ops.Sigmoid")
def ops_sigmoid(layer: Layer, x: str) -> str:
    return activate(layer, x, "sigmoid")


@rule("ops.Tanh")
def ops_tanh(layer: Layer, x: str) -> str:
    return activate(layer, x, "tanh")


@rule("ops.Silu")
def ops_silu(layer: Layer, x: str) -> str:
    return activate(layer, x, "silu")


@rule("Rescaling")
def rescaling(layer: Layer, x: str) -> str:
    """x · scale + offset."""
    scale = np.float32([number(layer.config, "scale", 1.0)])
    offset = np.float32([number(layer.config, "offset", 0.0)])
    if offset[0] == 0:
        return layer.emit("MUL", (x, layer.constant("scale", scale)))
    scaled = layer.emit("MUL", (x, layer.constant("scale", scale)), "scaled")
    return layer.emit("ADD", (scaled, layer.constant("offset", offset)))
