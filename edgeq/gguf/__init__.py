"""GGUF files: weights in blocks of 32, as `edgeq.quant.blocks` approximates them for firmware."""

from edgeq.gguf.weights import TYPES_OF_SCHEMES, export_gguf, with_weights

__all__ = ["TYPES_OF_SCHEMES", "export_gguf", "with_weights"]
