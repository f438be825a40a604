"""Float Graph → int8 Graph by a scheme: the graph's inputs and outputs become integers, names stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeq.ir import DType, Graph
from edgeq.passes.fuse_ranges import fuse_ranges
from edgeq.quant.adaptive_rounding import round_adaptively
from edgeq.quant.affine_depthwise import as_grouped_convolutions
from edgeq.quant.bias_correction import correct_bias
from edgeq.quant.binary_inputs import observed_levels
from edgeq.quant.by_ranges import NOTES, quantize_graph
from edgeq.quant.calibration import Samples
from edgeq.quant.channel_scaling import scale_channels
from edgeq.quant.clipping import clip_blocks
from edgeq.quant.coverage import doubts
from edgeq.quant.imitation import walk
from edgeq.quant.limits import insert_limits
from edgeq.quant.observers import Calibration, observe
from edgeq.quant.recipes import Recipe, as_recipe
from edgeq.quant.run_time import quantize_at_run_time
from edgeq.quant.schemes import QuantScheme, Rounding
from edgeq.quant.tying import rule_of


def quantize(
    graph: Graph,
    inputs: Samples | Mapping[str, np.ndarray] | None,
    scheme: QuantScheme | Recipe,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Graph:
    """Calibrates and quantizes.

    Args:
        graph: float32, as `edgeq.passes.prepare_float` leaves it.
        inputs: calibration data, or float32 (n, *shape) by input name; a scheme that finds its ranges at run time does
            not look at them.
        progress: called with (vectors done, vectors in all, 0 where that is unknown) while ranges are observed.

    What the data leave in doubt is said under "notes" in the graph's metadata (`edgeq.quant.coverage`).

    Raises:
        CalibrationError, QuantizationError: see `observe` and `quantize_graph`.
    """
    recipe = as_recipe(scheme).check(graph)
    if not recipe.calibrated:
        return fuse_ranges(quantize_at_run_time(graph, recipe))
    found = calibrate(graph, inputs, recipe, progress)
    quantized = insert_limits(found.exact, found.integers, recipe)
    notes = (
        *quantized.metadata.get(NOTES, "").splitlines(),
        *_untrained(quantized),
        *doubts(found.exact, quantized, inputs, found.calibration.vectors),
    )
    return replace(quantized, metadata={**quantized.metadata, NOTES: "\n".join(notes)})


@dataclass(frozen=True)
class Calibrated:
    """A network beside its integers.

    Attributes:
        exact: the float graph that was rounded: its channels are scaled as the scheme asks for, and
            depthwise convolutions are grouped ones where their weights get zero points.
        integers: what became of it, results not yet kept within fewer integers than their type has.
        calibration: the ranges of its activations.
    """

    exact: Graph
    integers: Graph
    calibration: Calibration


def calibrate(
    graph: Graph,
    inputs: Samples | Mapping[str, np.ndarray],
    recipe: Recipe,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Calibrated:
    """All that calibration data decide; as `quantize`, of a recipe that fits the graph and is calibrated."""
    graph = as_grouped_convolutions(scale_channels(graph, inputs, recipe.layer), recipe)
    calibration = observe(graph, inputs, recipe.activation_roles(graph), progress)
    levels = observed_levels(graph, inputs, recipe)
    quantized = quantize_graph(graph, calibration.ranges, recipe, levels=levels)
    if any(
        scheme.bias_correction or scheme.clipping or scheme.rounding is not Rounding.NEAREST
        for scheme in recipe.schemes
    ):
        quantized = walk(graph, quantized, inputs, recipe, (clip_blocks, round_adaptively, correct_bias))
    return Calibrated(graph, quantized, calibration)


def _untrained(quantized: Graph) -> list[str]:
    """What to say of weights that are too narrow to be had without training."""
    found: dict[DType, list[str]] = {}
    for node in quantized.nodes:
        weight = rule_of(node).weight
        if weight is not None and quantized.tensors[node.inputs[weight]].dtype in (DType.TERNARY, DType.BINARY):
            found.setdefault(quantized.tensors[node.inputs[weight]].dtype, []).append(node.loc)
    return [
        f"{dtype.value} weights without training lose much of the accuracy: train with edgeq.qat ({', '.join(layers)})"
        for dtype, layers in found.items()
    ]
