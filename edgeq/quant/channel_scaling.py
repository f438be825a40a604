"""Factors per channel that make a network easier to quantize, moved across seams (`edgeq.passes.seams`).

The float network stays the same; what changes is how well its weights and activations fit into few integers. Each way
to choose the factors is one function, registered by name; a scheme names the one it wants.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgeq.errors import QuantizationError
from edgeq.ir import Graph, Node
from edgeq.passes.channelwise import WEIGHTED
from edgeq.passes.seams import Seam, divide, find_seams, input_magnitudes, output_magnitudes
from edgeq.quant.calibration import Samples, some_of
from edgeq.quant.evaluate import evaluate, node_results
from edgeq.quant.params import affine_params, quantize_to
from edgeq.quant.schemes import QuantScheme
from edgeq.quant.weights import fitting_role, quantize_weights, weight_params

#: Calibration vectors that factors are chosen with, evenly spread.
MAX_VECTORS = 64
#: No channel is scaled by more than this, either way: beyond it a bias or an accumulator would suffer.
LARGEST_FACTOR = 2.0**8
#: Rounds of equalization: each seam changes what its neighbours see.
_ROUNDS = 20
#: Exponents that searches try; 0 leaves the seam alone.
_EXPONENTS = np.arange(0, 21) / 20


@dataclass(frozen=True)
class Scene:
    """What a seam looks like at run time.

    Attributes:
        graph: the float graph as it is now.
        values: gives the activations of the float graph, float32 (n, *shape) by name.
        schemes: of each reader.
    """

    graph: Graph
    seam: Seam
    values: Callable[[], Mapping[str, np.ndarray]]
    schemes: tuple[QuantScheme, ...]

    @property
    def inputs(self) -> tuple[np.ndarray, ...]:
        """What each reader reads, in the order of `seam.readers`."""
        return tuple(self.values()[reader.inputs[0]] for reader in self.seam.readers)

    def per_channel(self, statistic: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """A statistic, (values, channels) → (channels,), over what all readers read, float64."""
        rows = [x.reshape(-1, self.seam.channels).astype(np.float64) for x in self.inputs]
        return statistic(np.concatenate(rows))

    def error(self, factors: np.ndarray, *, activations: bool) -> float:
        """Squared error of the readers' results with quantized weights (and activations), the channels divided by
        `factors` before; without its mean where bias correction will take that away."""
        divided = divide(self.graph, self.seam, factors)
        after = {node.outputs[0]: node for node in divided.nodes}
        total = 0.0
        for reader, x, scheme in zip(self.seam.readers, self.inputs, self.schemes, strict=True):
            spread = np.tile(factors, x.shape[-1] // factors.size)
            scaled = (x / spread).astype(np.float32)
            if activations:
                params = affine_params(float(scaled.min()), float(scaled.max()), scheme.activation)
                scaled = params.dequantize(quantize_to(scaled, params, scheme.activation))
            (exact,) = node_results(self.graph, reader, {reader.inputs[0]: x}, linear=True)
            changed = after[reader.outputs[0]]
            rounded = _rounded_weights(divided, changed, scheme)[np.newaxis]
            operands = {changed.inputs[0]: scaled, changed.inputs[1]: rounded}
            (found,) = node_results(divided, changed, operands, linear=True)
            difference = exact.astype(np.float64) - found
            if scheme.bias_correction:
                difference -= difference.mean(axis=tuple(range(difference.ndim - 1)))
            total += float(np.square(difference).sum())
        return total


Scaler = Callable[[Scene], np.ndarray]
_SCALERS: dict[str, Scaler] = {}


def scaler(name: str) -> Callable[[Scaler], Scaler]:
    """Function decorator: a scene → what to divide its channels by, float64 (channels,), positive."""

    def add(function: Scaler) -> Scaler:
        _SCALERS[name] = function
        return function

    return add


def find_scaler(name: str) -> Scaler:
    """The function of that name; raises QuantizationError for an unknown one."""
    if name not in _SCALERS:
        raise QuantizationError(f"unknown channel scaling: {name!r}", hint=f"known: {', '.join(sorted(_SCALERS))}")
    return _SCALERS[name]


@scaler("cross-layer")
def cross_layer(scene: Scene) -> np.ndarray:
    """Equal magnitudes on both sides: r1 / sqrt(r1·r2), r1 and r2 the largest weights that make a channel and that read
    it. After Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019)."""
    made, read = output_magnitudes(scene.graph, scene.seam), input_magnitudes(scene.graph, scene.seam)
    both = (made > 0) & (read > 0)
    return np.where(both, np.sqrt(np.where(both, made, 1.0) / np.where(both, read, 1.0)), 1.0)


@scaler("smooth")
def smooth(scene: Scene) -> np.ndarray:
    """max|x|^α / max|w|^(1 − α), the α with the least error of weights and activations together: outliers of single
    channels move from activations into weights. After Xiao et al., "SmoothQuant" (2023), with α searched for each
    seam."""
    largest = scene.per_channel(lambda rows: np.abs(rows).max(axis=0))
    read = input_magnitudes(scene.graph, scene.seam)
    return _search(scene, lambda alpha: _power(largest, alpha) / _power(read, 1 - alpha), activations=True)


@scaler("activation-aware")
def activation_aware(scene: Scene) -> np.ndarray:
    """mean|x|^α, the α with the least error of the weights: weights that meet large activations are rounded finer.
    After Lin et al., "AWQ: Activation-aware Weight Quantization" (2024)."""
    mean = scene.per_channel(lambda rows: np.abs(rows).mean(axis=0))
    return _search(scene, lambda alpha: _power(mean, alpha), activations=False)


def _power(values: np.ndarray, exponent: float) -> np.ndarray:
    """values^exponent, 1 where a value is 0."""
    return np.where(values > 0, np.power(np.where(values > 0, values, 1.0), exponent), 1.0)


def _search(scene: Scene, factors_of: Callable[[float], np.ndarray], *, activations: bool) -> np.ndarray:
    """The factors with the smallest error, those that change nothing among them (they win a tie)."""
    best = np.ones(scene.seam.channels)
    least = scene.error(best, activations=activations)
    for alpha in _EXPONENTS:
        factors = bounded(factors_of(float(alpha)))
        error = scene.error(factors, activations=activations)
        if error < least:
            best, least = factors, error
    return best


def bounded(factors: np.ndarray) -> np.ndarray:
    """Factors around a geometric mean of 1, none beyond LARGEST_FACTOR."""
    centred = factors / np.exp(np.log(factors).mean())
    return np.clip(centred, 1 / LARGEST_FACTOR, LARGEST_FACTOR)


def scale_channels(
    graph: Graph, inputs: Samples | Mapping[str, np.ndarray], scheme_of: Callable[[str], QuantScheme]
) -> Graph:
    """The float graph with its seams scaled as the schemes of their readers ask.

    Args:
        inputs: calibration data, or float32 (n, *shape) by input name; MAX_VECTORS or fewer are used.
        scheme_of: gives the scheme of a layer by its name.

    A seam whose readers ask for different things is left alone.

    Raises:
        QuantizationError: a scheme names an unknown scaling.
    """
    wanted = {find_scaler(scheme.scaling) for node in graph.nodes if (scheme := scheme_of(node.loc)).scaling}
    if not wanted:
        return graph
    chosen = some_of(graph, inputs, MAX_VECTORS)
    # the factors of weights alone are a fixed point; searches see each seam once
    for _ in range(_ROUNDS if cross_layer in wanted else 1):
        graph, moved = _once(graph, chosen, scheme_of)
        if moved < 1e-3:
            break
    return graph


def _once(
    graph: Graph, chosen: Mapping[str, np.ndarray], scheme_of: Callable[[str], QuantScheme]
) -> tuple[Graph, float]:
    """The graph after one round, and the largest logarithm of a factor."""
    moved = 0.0
    # seams change what lies between their own ends only: what a later one reads stays as it is here
    values = functools.cache(functools.partial(evaluate, graph, chosen))
    for found in find_seams(graph):
        seam = found.within(graph)
        schemes = tuple(scheme_of(reader.loc) for reader in seam.readers)
        names = {scheme.scaling for scheme in schemes}
        if len(names) > 1 or not any(names):
            continue
        factors = bounded(find_scaler(names.pop())(Scene(graph, seam, values, schemes)))
        moved = max(moved, float(np.abs(np.log(factors)).max()))
        graph = divide(graph, seam, factors)
    return graph, moved


def _rounded_weights(graph: Graph, node: Node, scheme: QuantScheme) -> np.ndarray:
    """The layer's weights as their integers will represent them, float32."""
    weights = graph.tensors[node.inputs[1]].data
    role = fitting_role(node.op, scheme.weight)
    params = weight_params(weights, WEIGHTED[node.op], role)
    return params.dequantize(quantize_weights(weights, params, role))
