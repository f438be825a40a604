"""Rows of tables, for inputs that are integers."""

from __future__ import annotations

from dataclasses import replace

from edgeq.errors import ModelError
from edgeq.importers.keras.rules import Config, Layer, WeightNames, integers, rule
from edgeq.ir import DType


def _check(config: Config) -> str:
    if config.get("mask_zero"):
        return "mask_zero=True: what is masked cannot be left out; train it with mask_zero=False"
    return "a LoRA kernel that was not merged" if config.get("lora_rank") else ""


@rule("Embedding", weights=lambda config: WeightNames(("embeddings",)), check=_check)
def embedding(layer: Layer, x: str) -> str:
    """GATHER; the model's input becomes int32, whatever type Keras casts from."""
    table = layer.weight(
        "embeddings", (*integers(layer.config, "input_dim", 1), *integers(layer.config, "output_dim", 1))
    )
    builder = layer.builder
    if builder.tensors[x].dtype is not DType.INT32:
        if x not in builder.inputs:
            raise ModelError(
                "an embedding needs an input of the model as its indices, these are computed", where=layer.name
            )
        builder.tensors[x] = replace(builder.tensors[x], dtype=DType.INT32)
    return layer.emit("GATHER", (layer.constant("embeddings", table), x), axis=0)
