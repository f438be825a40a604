"""Attention, and the products with weights of several axes that it is made of."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.layers.activation import check_activation, with_activation
from edgeq.importers.keras.layers.shaping import reshape_to
from edgeq.importers.keras.rules import Config, Layer, WeightNames, integers, rule

_PROJECTIONS = ("query", "key", "value", "output")


def _project(layer: Layer, x: str, kernel: np.ndarray, bias: np.ndarray | None, part: str = "") -> str:
    """FULLY_CONNECTED of the last axis of x with a kernel (depth, units)."""
    operands = (x, layer.constant(f"{part}/kernel" if part else "kernel", np.transpose(kernel)))
    if bias is not None:
        operands += (layer.constant(f"{part}/bias" if part else "bias", bias.reshape(-1)),)
    return layer.emit("FULLY_CONNECTED", operands, part, keep_num_dims=len(layer.shape(x)) > 2)


# --- EinsumDense -----------------------------------------------------------------------------------------------------


def _equation(config: Config) -> tuple[str, str, str, str] | None:
    """(kept, summed, units, bias axes) of an equation such as "abc,cde->abde": what x keeps, what it sums over at its
    end, what the kernel adds. None for one that is no product of x's last axes with the kernel's first."""
    text = config.get("equation")
    head, arrow, result = str(text).replace(" ", "").replace("...", "").partition("->")
    x, comma, kernel = head.partition(",")
    if not arrow or not comma or not (x + kernel + result).isalpha():
        return None
    shared = "".join(c for c in x if c in kernel)
    kept, units = x[: len(x) - len(shared)], kernel[len(shared) :]
    plain = x == kept + shared and kernel == shared + units and result == kept + units and bool(shared) and bool(units)
    distinct = all(len(set(word)) == len(word) for word in (x, kernel, result))
    bias = str(config.get("bias_axes") or "")
    return (kept, shared, units, bias) if plain and distinct and set(bias) <= set(units) else None


def _check_einsum(config: Config) -> str:
    if _equation(config) is None:
        return f"equation {config.get('equation')!r} and bias axes {config.get('bias_axes')!r}"
    return "a LoRA kernel that was not merged" if config.get("lora_rank") else check_activation(config)


@rule(
    "EinsumDense",
    weights=lambda config: WeightNames(("kernel", "bias") if config.get("bias_axes") else ("kernel",)),
    check=_check_einsum,
)
def einsum_dense(layer: Layer, x: str) -> str:
    kept, shared, units, axes = _equation(layer.config)
    shape, kernel = layer.shape(x), layer.weights["kernel"]
    summed = shape[-len(shared) :]
    if len(shape) <= len(shared) or kernel.ndim != len(shared) + len(units) or kernel.shape[: len(shared)] != summed:
        raise ModelError(f"kernel has shape {list(kernel.shape)}, the tensor {list(shape)}", where=layer.name)
    width = kernel.shape[len(shared) :]
    bias = None
    if axes:
        wanted = tuple(width[units.index(c)] for c in sorted(axes, key=units.index))
        spread = layer.weight("bias", wanted).reshape(
            [w if c in axes else 1 for c, w in zip(units, width, strict=True)]
        )
        bias = np.broadcast_to(spread, width)
    lead = shape[: -len(shared)]
    rows = x if len(shared) == 1 else reshape_to(layer, x, (*lead, math.prod(summed)), "rows")
    flat = kernel.reshape(math.prod(summed), math.prod(width))

    def emit(at: Layer) -> str:
        if len(width) == 1:
            return _project(at, rows, flat, bias)
        return reshape_to(at, _project(at, rows, flat, bias, "product"), (*lead, *width))

    return with_activation(layer, emit)


# --- attention -------------------------------------------------------------------------------------------------------


def _heads_weights(config: Config) -> WeightNames:
    kinds = ("kernel", "bias") if config.get("use_bias", True) else ("kernel",)
    return WeightNames(tuple(f"{part}_dense/{kind}" for part in _PROJECTIONS for kind in kinds))


def _check_heads(config: Config) -> str:
    if config.get("use_gate"):
        return "a gate"
    if config.get("sliding_window") is not None:
        return f"a sliding window of {config['sliding_window']!r}"
    if config.get("attention_axes") not in (None, [1], (1,), 1):
        return f"attention axes {config['attention_axes']!r}; sequences of vectors can be computed"
    return ""


def _heads(layer: Layer, x: str, part: str, heads: int, size: int, factor: float = 1.0) -> str:
    """A projection of a sequence (1, steps, depth) as (1, heads, steps, size), times a factor."""
    shape = layer.shape(x)
    if len(shape) != 3:
        raise ModelError(f"needs sequences of vectors, has shape {list(shape)}", where=layer.name)
    kernel = layer.weight(f"{part}_dense/kernel", (shape[2], heads, size)) * np.float32(factor)
    bias = None
    if f"{part}_dense/bias" in layer.weights:
        bias = layer.weight(f"{part}_dense/bias", (heads, size)) * np.float32(factor)
    flat = _project(layer, x, kernel.reshape(shape[2], heads * size), bias, part)
    split = reshape_to(layer, flat, (1, shape[1], heads, size), f"{part}/split")
    order = layer.constant("order", np.int32([0, 2, 1, 3]))
    return layer.emit("TRANSPOSE", (split, order), f"{part}/heads")


@rule(
    "MultiHeadAttention",
    weights=_heads_weights,
    check=_check_heads,
    arguments=("use_causal_mask",),
)
def multi_head_attention(layer: Layer, *sequences: str) -> str:
    """softmax(Q·Kᵀ / sqrt(key_dim))·V of every head, projected; called with the query, the value, and maybe the key.

    The division goes into the query's weights. Where no step may see those after it, CAUSAL_SOFTMAX leaves them out.
    """
    if not 2 <= len(sequences) <= 3:
        raise ModelError(f"called with {len(sequences)} tensors, it takes query, value and key", where=layer.name)
    query, value, key = (*sequences, sequences[1])[:3]
    (heads,), (size,) = integers(layer.config, "num_heads", 1), integers(layer.config, "key_dim", 1)
    width = size if layer.config.get("value_dim") is None else integers(layer.config, "value_dim", 1)[0]
    q = _heads(layer, query, "query", heads, size, 1.0 / math.sqrt(size))
    k, v = _heads(layer, key, "key", heads, size), _heads(layer, value, "value", heads, width)
    if layer.shape(k)[2] != layer.shape(v)[2]:
        raise ModelError("key and value differ in length", where=layer.name)
    scores = layer.emit("BATCH_MATMUL", (q, k), "scores", adj_y=True)
    softmax = "CAUSAL_SOFTMAX" if layer.arguments.get("use_causal_mask") else "SOFTMAX"
    weights = layer.emit(softmax, (scores,), "attention", beta=1.0)
    mixed = layer.emit("BATCH_MATMUL", (weights, v), "mixed")
    steps = layer.shape(mixed)[2]
    together = layer.emit("TRANSPOSE", (mixed, layer.constant("order", np.int32([0, 2, 1, 3]))), "together")
    joined = reshape_to(layer, together, (1, steps, heads * width), "joined")
    out = layer.weights["output_dense/kernel"]
    if out.ndim != 3 or out.shape[:2] != (heads, width):
        raise ModelError(
            f"output kernel has shape {list(out.shape)}; one axis of outputs can be computed", where=layer.name
        )
    bias = layer.weight("output_dense/bias", out.shape[2:]) if "output_dense/bias" in layer.weights else None
    return _project(layer, joined, out.reshape(heads * width, out.shape[2]), bias)


def _check_attention(config: Config) -> str:
    if config.get("score_mode", "dot") != "dot":
        return f"score mode {config['score_mode']!r}"
    return "a scale that was learned" if config.get("use_scale") else ""


@rule("Attention", check=_check_attention, arguments=("use_causal_mask",))
def attention(layer: Layer, *sequences: Any) -> str:
    """softmax(Q·Kᵀ)·V; called with the query, the value, and maybe the key."""
    if not 2 <= len(sequences) <= 3:
        raise ModelError(f"called with {len(sequences)} tensors, it takes query, value and key", where=layer.name)
    query, value, key = (*sequences, sequences[1])[:3]
    scores = layer.emit("BATCH_MATMUL", (query, key), "scores", adj_y=True)
    softmax = "CAUSAL_SOFTMAX" if layer.arguments.get("use_causal_mask") else "SOFTMAX"
    return layer.emit("BATCH_MATMUL", (layer.emit(softmax, (scores,), "attention", beta=1.0), value))
