"""Batch normalization, which is a multiplication and an addition at inference; a pass folds them into convolutions."""

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
    scaled = layer.emit("MUL", (x, layer.constant("scale", scale)), "scaled")
    return layer.emit("ADD", (scaled, layer.constant("offset", offset)))
