"""Normalizations: by statistics of the training data, which are a multiplication and an addition that a pass folds into
layers beside them, and by those of the row at hand."""

from __future__ import annotations

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.shaping import reshape_to
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


def _affine(config: Config) -> WeightNames:
    gamma = ("gamma",) if config.get("scale", True) else ()
    return WeightNames(gamma + (("beta",) if config.get("center", True) else ()))


def _check_layer(config: Config) -> str:
    # it divides by the deviation from a mean that it does not subtract
    return "rms_scaling; use RMSNormalization" if config.get("rms_scaling") else ""


def _trailing_axes(layer: Layer, x: str) -> int:
    """How many of the last axes are normalized together."""
    rank, axis = len(layer.shape(x)), layer.config.get("axis", -1)
    axes = list(axis) if isinstance(axis, (list, tuple)) else [axis]
    if not axes or not all(type(a) is int and -rank <= a < rank for a in axes):
        raise ModelError(f"normalizes axis {axis!r}", where=layer.name)
    if sorted({a % rank for a in axes}) != list(range(rank - len(axes), rank)) or len(axes) == rank:
        raise ModelError(f"normalizes axis {axis!r}; only the last, or several last ones, can be", where=layer.name)
    return len(axes)


def _normalized(
    layer: Layer, x: str, axes: int, epsilon: float, gamma: np.ndarray, beta: np.ndarray | None = None
) -> str:
    """By mean and variance where there is a beta, else by the root mean square."""
    shift = np.zeros(1) if beta is None else beta
    constants = (layer.constant("gamma", gamma), layer.constant("beta", shift))
    return layer.emit("LAYER_NORMALIZATION", (x, *constants), axes=axes, centre=beta is not None, epsilon=epsilon)


@rule("LayerNormalization", weights=_affine, check=_check_layer)
def layer_normalization(layer: Layer, x: str) -> str:
    """gamma · (x − mean) / sqrt(variance + epsilon) + beta, with the statistics of each row."""
    axes = _trailing_axes(layer, x)
    shape = layer.shape(x)[-axes:]
    gamma = layer.weight("gamma", shape) if "gamma" in layer.weights else np.ones(1)
    beta = layer.weight("beta", shape) if "beta" in layer.weights else np.zeros(1)
    return _normalized(layer, x, axes, number(layer.config, "epsilon", 1e-3), gamma, beta)


@rule("RMSNormalization", weights=lambda config: WeightNames(("scale",)))
def rms_normalization(layer: Layer, x: str) -> str:
    axes = _trailing_axes(layer, x)
    gamma = layer.weight("scale", layer.shape(x)[-axes:])
    return _normalized(layer, x, axes, number(layer.config, "epsilon", 1e-6), gamma)


@rule("UnitNormalization")
def unit_normalization(layer: Layer, x: str) -> str:
    """x / |x|: the root mean square of n elements is |x| / sqrt(n)."""
    axes = _trailing_axes(layer, x)
    size = int(np.prod(layer.shape(x)[-axes:]))
    # Keras takes the larger of the squared length and this, which only differs where both vanish
    return _normalized(layer, x, axes, 1e-12 / size, np.full(1, 1.0 / np.sqrt(size)))


def _check_groups(config: Config) -> str:
    return "" if config.get("axis", -1) == -1 else f"axis {config['axis']!r}; channels must be the last"


@rule("GroupNormalization", weights=_affine, check=_check_groups)
def group_normalization(layer: Layer, x: str) -> str:
    """Each group of channels is one row of LAYER_NORMALIZATION, for which it moves to the front; gamma and beta, one of
    each per channel, follow as a product and a sum, which the next layer may take in."""
    shape = layer.shape(x)
    channels, groups = shape[-1], layer.config.get("groups", 32)
    groups = channels if groups == -1 else groups
    if len(shape) < 2 or type(groups) is not int or groups < 1 or channels % groups:
        raise ModelError(f"{groups!r} groups of a tensor of shape {list(shape)}", where=layer.name)
    places = int(np.prod(shape[1:-1]))
    order = layer.constant("order", np.int32([0, 2, 1, 3]))
    split = reshape_to(layer, x, (1, places, groups, channels // groups), "groups")
    rows = layer.emit("TRANSPOSE", (split, order), "rows")
    normalized = _normalized(
        layer.inner("normalized"), rows, 2, number(layer.config, "epsilon", 1e-3), np.ones(1), np.zeros(1)
    )
    back = layer.emit("TRANSPOSE", (normalized, order), "back")
    if not layer.weights:
        return reshape_to(layer, back, shape)
    together = reshape_to(layer, back, shape, "together")
    gamma = layer.weight("gamma", (channels,)) if "gamma" in layer.weights else np.ones(channels)
    beta = layer.weight("beta", (channels,)) if "beta" in layer.weights else np.zeros(channels)
    return _scaled(layer, together, gamma, beta)
