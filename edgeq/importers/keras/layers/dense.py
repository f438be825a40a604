"""Dense layers of any rank."""

from __future__ import annotations

import numpy as np

from edgeq.importers.keras.layers.activation import check_activation, with_activation
from edgeq.importers.keras.rules import Config, Layer, WeightNames, integers, rule


def kernel_and_bias(config: Config) -> WeightNames:
    return WeightNames(("kernel", "bias") if config.get("use_bias", True) else ("kernel",))


def bias_operand(layer: Layer, channels: int) -> tuple[str, ...]:
    """The bias as an operand, none where the layer has none."""
    if not layer.config.get("use_bias", True):
        return ()
    return (layer.constant("bias", layer.weight("bias", (channels,))),)


def _check_dense(config: Config) -> str:
    if config.get("lora_rank"):
        return "a LoRA kernel that was not merged"
    return check_activation(config)


@rule("Dense", weights=kernel_and_bias, check=_check_dense)
def dense(layer: Layer, x: str) -> str:
    """Keras' kernel is (depth, units), FULLY_CONNECTED's (units, depth)."""
    shape = layer.shape(x)
    (units,) = integers(layer.config, "units", 1)
    kernel = layer.constant("kernel", np.transpose(layer.weight("kernel", (shape[-1], units))))
    bias = bias_operand(layer, units)
    keep = len(shape) > 2
    return with_activation(layer, lambda at: at.emit("FULLY_CONNECTED", (x, kernel, *bias), keep_num_dims=keep))
