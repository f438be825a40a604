"""Normalizations that are a multiplication and an addition at inference; a pass folds them into layers beside them."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Config, Layer, WeightNames, number, rule


def _weights(config: Config) -> WeightNames:
    gamma = ("gamma",) if config.get("scale", True) else ()
    beta = ("beta",) if config.get("center", True) else ()
    return WeightNames(gamma + beta, ("moving_mean", "moving_variance"))


def _check(config: Config) -> str:
    return "batch renormalization" if config.get("renorm") else ""


@rule("BatchNormalization", "SyncBatchNormalization", weights=_weights, check=_check)
def batch_normalization(layer: Layer, x: str) -> str:
    """gamma · (x − mean) / sqrt(variance + epsilon) + beta, computed in double and rounded once to float32."""
    shape = layer.shape(x)
    axis = layer.config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, len(shape) - 1) or type(axis) is not int:
        raise ModelError(f"normalizes axis {axis!r}; only the last can be computed", where=layer.name)
    epsilon = number(layer.config, "epsilon", 1e-3)
    channels = (shape[-1],)
    mean = layer.weight("moving_mean", channels).astype(np.float64)
    variance = layer.weight("moving_variance", channels).astype(np.float64)
    if not np.all(variance + epsilon > 0):
        raise ModelError("the moving variance is negative or not a number", where=layer.name)
    scale = 1.0 / np.sqrt(variance + epsilon)
    if "gamma" in layer.weights:
        scale = scale * layer.weight("gamma", channels)
    offset = -mean * scale
    if "beta" in layer.weights:
        offset = offset + layer.weight("beta", channels)
    return _scaled(layer, x, scale, offset)


def _scaled(layer: Layer, x: str, scale: np.ndarray, offset: np.ndarray) -> str:
    scaled = layer.emit("MUL", (x, layer.constant("scale", scale)), "scaled")
    return layer.emit("ADD", (scaled, layer.constant("offset", offset)))


def _statistics(config: Config) -> WeightNames:
    return WeightNames() if config.get("mean") is not None else WeightNames((), ("mean", "variance", "count"))


# The smallest standard deviation that Keras divides by.
_EPSILON = 1e-7


@rule("Normalization", weights=_statistics)
def normalization(layer: Layer, x: str) -> str:
    """(x − mean) / sqrt(variance), or back where `invert` is set: statistics that were adapted to data, or given."""
    shape, config = layer.shape(x), layer.config
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    whole = axis is None or axis == []
    if not whole and (type(axis) is not int or axis not in (-1, len(shape) - 1)):
        raise ModelError(f"normalizes axis {axis!r}; only the last, or all at once, can be computed", where=layer.name)
    count = 1 if whole else shape[-1]
    mean, variance = (_statistic(layer, key, count) for key in ("mean", "variance"))
    deviation = np.maximum(np.sqrt(variance), _EPSILON)
    if config.get("invert") is True:
        return _scaled(layer, x, deviation, mean)
    return _scaled(layer, x, 1.0 / deviation, -mean / deviation)


def _statistic(layer: Layer, key: str, count: int) -> np.ndarray:
    """float64 (count,), from the weights or the configuration."""
    value = layer.weights[key] if key in layer.weights else layer.config.get(key)
    try:
        array = np.asarray(value, np.float64).reshape(-1)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.size not in (1, count) or not np.all(np.isfinite(array)) or (key == "variance" and np.any(array < 0)):
        raise ModelError(f"{key} needs to be {count} finite numbers", where=layer.name)
    return np.broadcast_to(array, (count,))
