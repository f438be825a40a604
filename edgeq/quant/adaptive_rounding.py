"""Adaptive rounding: of a weight's neighbouring integers the one that serves the layer's results, not the weight.

The squared error that rounding adds to a result is dᵀ·H·d, with d the weights' rounding errors and H the mean outer
product of what they are multiplied with, measured on calibration data: the objective of Nagel et al., "Up or Down?
Adaptive Rounding for Post-Training Quantization" (2020). There it is relaxed and descended; here it is solved as it
stands: first each weight in turn, its error spread over those that follow (Frantar et al., "GPTQ", 2023), then single
weights are moved by one while that lowers the error. Neither needs a learning rate or a seed, and the result is never
worse than rounding to nearest.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgeq.ir import Tensor, frozen_array
from edgeq.passes.channelwise import WEIGHTED
from edgeq.quant.imitation import Layer
from edgeq.quant.layer_inputs import input_rows
from edgeq.quant.params import quantize_to
from edgeq.quant.schemes import RoleScheme, Rounding
from edgeq.quant.weights import fitting_role

#: Weights of one result, at most: the matrix H holds the square of it.
MAX_TAPS = 2048
#: Share of H's mean diagonal that is added to its diagonal, so that it can be inverted.
_DAMPING = 0.01
#: Moves of single weights, at most, per weight.
_SWEEPS = 2


def round_adaptively(layer: Layer) -> tuple[int, Tensor] | None:
    """The layer's integer weights, rounded for its results; None where the scheme does not ask for it, for other layers
    than convolutions and dense ones, where a result has more than MAX_TAPS weights, or where nothing changes."""
    if layer.scheme.rounding is not Rounding.ADAPTIVE or layer.integer.op not in WEIGHTED:
        return None
    index = layer.rule.weight
    weights = layer.quantized.tensors[layer.integer.inputs[index]]
    real = layer.graph.tensors[layer.node.inputs[index]].data
    if weights.data is None or weights.size // weights.shape[layer.rule.weight_axis] > MAX_TAPS:
        return None
    order = _taps_last(layer, real.ndim)
    role = fitting_role(layer.integer.op, layer.scheme.weight)
    exact = np.transpose(_steps(weights, real), order).astype(np.float64)
    nearest = np.transpose(quantize_to(real, weights.quant, role), order).astype(np.float64)
    rows, groups = exact.shape[0], _grams(layer)
    flat_exact, found = exact.reshape(rows, -1), nearest.reshape(rows, -1).copy()
    blocks = weights.quant.blocks
    for part, gram in zip(np.split(np.arange(rows), len(groups)), groups, strict=True):
        if blocks is None:
            found[part] = rounded(flat_exact[part], found[part], gram, role.low, role.high)
        else:
            scales = blocks.scales[part].astype(np.float64)
            found[part] = _rounded_in_blocks(flat_exact[part], found[part], scales, blocks.size, gram, role)
    data = np.transpose(found.reshape(exact.shape), np.argsort(order)).astype(weights.data.dtype)
    if np.array_equal(data, weights.data):
        return None
    return index, replace(weights, name=f"{layer.integer.outputs[0]}/rounded_weights", data=frozen_array(data))


def _rounded_in_blocks(
    exact: np.ndarray, nearest: np.ndarray, scales: np.ndarray, size: int, gram: np.ndarray, role: RoleScheme
) -> np.ndarray:
    """`rounded`, block after block, each for the errors of those before it: these move what it aims at by half a step
    at most. The steps of a row differ from block to block: scales, (rows, blocks), 0 where nothing hangs on codes."""
    steps = np.repeat(scales, size, axis=1)[:, : exact.shape[1]]
    found, errors = nearest.copy(), np.zeros_like(exact)
    for block, start in enumerate(range(0, exact.shape[1], size)):
        here = slice(start, start + size)
        own = gram[here, here]
        step = np.where(scales[:, block] == 0, 1.0, scales[:, block])[:, np.newaxis]
        shift = -np.linalg.solve(_damped(own), gram[here, :start] @ errors[:, :start].T).T / step
        aim = exact[:, here] + np.clip(shift, -0.5, 0.5)
        start_from = np.clip(np.round(aim), role.low, role.high)
        found[:, here] = rounded(aim, start_from, own, role.low, role.high)
        errors[:, here] = (found[:, here] - exact[:, here]) * steps[:, here]
    worse = _error(errors, gram) > _error((nearest - exact) * steps, gram)
    return np.where(worse[:, np.newaxis], nearest, found)


def rounded(exact: np.ndarray, nearest: np.ndarray, gram: np.ndarray, low: int, high: int) -> np.ndarray:
    """Integers with a small error (q − exact)ᵀ·H·(q − exact) in each row, at most that of `nearest`.

    Args:
        exact: float64 (rows, taps): the weights in units of their steps.
        nearest: the same, rounded and within [low, high].
        gram: H, float64 (taps, taps), symmetric, no negative eigenvalue.

    Returns: float64 (rows, taps), whole numbers within [low, high] and less than 1.5 from `exact` or at an end.
    """
    damped = _damped(gram)
    candidates = [_descended(q, exact, damped, low, high) for q in (nearest, _propagated(exact, damped, low, high))]
    errors = [_error(q - exact, gram) for q in (nearest, *candidates)]
    best = np.argmin(errors, axis=0)
    return np.stack([nearest, *candidates])[best, np.arange(len(exact))]


def _damped(gram: np.ndarray) -> np.ndarray:
    return gram + np.eye(len(gram)) * max(_DAMPING * np.trace(gram) / len(gram), 1e-12)


def _error(d: np.ndarray, gram: np.ndarray) -> np.ndarray:
    return np.einsum("rt,rt->r", d @ gram, d)


def _propagated(exact: np.ndarray, gram: np.ndarray, low: int, high: int) -> np.ndarray:
    """Each weight rounded in turn, those with the largest inputs first; its error goes into those that follow."""
    order = np.argsort(-np.diag(gram), kind="stable")
    work = exact[:, order].copy()
    inverse = np.linalg.inv(gram[np.ix_(order, order)])
    factor = np.linalg.cholesky((inverse + inverse.T) / 2).T
    for i in range(work.shape[1]):
        q = np.clip(np.round(work[:, i]), low, high)
        error = (work[:, i] - q) / factor[i, i]
        work[:, i + 1 :] -= error[:, np.newaxis] * factor[i, i + 1 :]
        work[:, i] = q
    found = np.empty_like(work)
    found[:, order] = work
    # what the errors of others drove far from its own value would serve these data only
    return np.clip(found, *_limits(exact, low, high))


def _limits(exact: np.ndarray, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
    """(least, most) integer of each weight: less than 1.5 from it, within the range."""
    return np.clip(np.ceil(exact - 1.5), low, high), np.clip(np.floor(exact + 1.5), low, high)


def _descended(start: np.ndarray, exact: np.ndarray, gram: np.ndarray, low: int, high: int) -> np.ndarray:
    """Moves the one weight of each row whose move by one lowers the error most, until none does."""
    q = start.copy()
    diagonal = np.diag(gram)
    slope = (q - exact) @ gram
    every = np.arange(len(q))
    least, most = _limits(exact, low, high)
    for _ in range(_SWEEPS * q.shape[1]):
        # moving by s changes the error by s·2·slope + diagonal
        step = -np.sign(slope)
        gain = 2 * np.abs(slope) - diagonal
        moved = q + step
        gain[(moved < least) | (moved > most) | (step == 0)] = -1.0
        chosen = gain.argmax(axis=1)
        worth = gain[every, chosen] > 1e-9 * np.maximum(diagonal[chosen], 1e-12)
        if not worth.any():
            break
        change = np.where(worth, step[every, chosen], 0.0)
        q[every, chosen] += change
        slope += change[:, np.newaxis] * gram[chosen]
    return q


def _steps(weights: Tensor, real: np.ndarray) -> np.ndarray:
    """What the weights' codes should be, before rounding, float64; 0 in blocks without a scale."""
    shape = [1] * real.ndim
    if weights.quant.axis is not None:
        shape[weights.quant.axis] = -1
    units = real.astype(np.float64) / weights.quant.scale.astype(np.float64).reshape(shape)
    zeros = np.zeros(weights.shape, weights.data.dtype)
    least = weights.quant.units(zeros)
    step = weights.quant.units(zeros + 1) - least
    return np.divide(units - least, step, out=np.zeros_like(units), where=step != 0)


def _taps_last(layer: Layer, rank: int) -> tuple[int, ...]:
    """The axes of the weights with that of the output channels first."""
    axis = layer.rule.weight_axis
    return (axis, *(a for a in range(rank) if a != axis))


def _grams(layer: Layer) -> list[np.ndarray]:
    """H of each group of output channels that read the same inputs, in order, float64 (taps, taps)."""
    return [rows.T @ rows / len(rows) for rows in input_rows(layer)]
