"""Bias correction: rounding weights and activations shifts the mean of a layer's channels; the bias takes it back.

After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019), section 4.2, with
means measured on calibration data; as a step of a walk (`edgeq.quant.imitation`) each layer also makes up for the shift
of those before it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import Tensor, frozen_array
from edgeq.quant.imitation import Layer
from edgeq.quant.weights import quantize_bias


def correct_bias(layer: Layer) -> tuple[int, Tensor] | None:
    """The bias, moved by the mean difference before the activation. A new name: layers may share the old one.

    Layers without a bias, and those whose scheme does not ask for it, are left alone. Weights keep their scales.
    """
    index = layer.rule.bias
    if not layer.scheme.bias_correction or index is None:
        return None
    if len(layer.integer.inputs) <= index or not layer.integer.inputs[index]:
        return None
    bias = layer.quantized.tensors[layer.integer.inputs[index]]
    wanted, found = layer.linear_results()
    axes = tuple(range(wanted.ndim - 1))
    shift = (wanted.astype(np.float64) - found).mean(axis=axes)
    real = bias.quant.scale.astype(np.float64) * bias.data
    data = frozen_array(quantize_bias(real + shift, bias.quant, layer.scheme.bias), bias.dtype.numpy)
    return index, replace(bias, name=f"{layer.integer.outputs[0]}/corrected_bias", data=data)
