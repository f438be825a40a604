"""What accuracy is measured on, and how good a quantized model's outputs are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeq.arrays import read_arrays
from edgeq.errors import CalibrationError
from edgeq.ir import Graph
from edgeq.quant.calibration import match_inputs
from edgeq.quant.evaluate import run

#: The array of an evaluation file that holds the classes.
LABELS = "labels"


@dataclass(frozen=True)
class Evaluation:
    """What accuracy is measured on.

    Attributes:
        inputs: float32 (n, *shape) by input name.
        labels: int64 (n,), or None.
        exact: the float model's outputs, (n, *shape) by name.
    """

    inputs: Mapping[str, np.ndarray]
    labels: np.ndarray | None
    exact: Mapping[str, np.ndarray]


def load_evaluation(path: Path, graph: Graph) -> Evaluation:
    """Inputs, and an array `labels` of class numbers where there is one, from a `.npz` or `.npy` file.

    Raises:
        CalibrationError: as `load_calibration`; or labels that are not one class number for each vector.
    """
    arrays = read_arrays(path, CalibrationError)
    labels = None if LABELS in graph.inputs else arrays.pop(LABELS, None)
    inputs = match_inputs(arrays, graph, str(path))
    exact = run(graph, inputs)
    if labels is not None:
        labels = _checked(labels, exact[graph.outputs[0]], str(path))
    return Evaluation(inputs, labels, exact)


def _checked(labels: np.ndarray, outputs: np.ndarray, where: str) -> np.ndarray:
    count, classes = outputs.shape[0], outputs[0].size
    if labels.size != count or labels.dtype.kind not in "iu":
        raise CalibrationError(
            f"`labels` are {labels.dtype}{list(labels.shape)}, one class number for each of {count} vectors is needed",
            where=where,
        )
    flat = labels.reshape(-1).astype(np.int64)
    if flat.min() < 0 or flat.max() >= classes:
        raise CalibrationError(
            f"`labels` go from {flat.min()} to {flat.max()}, the model tells {classes} classes apart", where=where
        )
    return flat


def accuracy(evaluation: Evaluation, outputs: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """How good real outputs are: `accuracy` (share of vectors whose largest output is the label; null without labels),
    `agreement` (… is the float model's), `sqnr` (dB over all outputs, null where they are equal)."""
    first = next(iter(evaluation.exact))
    exact, found = (_flat(each[first]) for each in (evaluation.exact, outputs))
    best = found.argmax(axis=1)
    signal, noise = powers(evaluation, outputs)
    return {
        "accuracy": None if evaluation.labels is None else float(np.mean(best == evaluation.labels)),
        "agreement": float(np.mean(best == exact.argmax(axis=1))) if exact.shape[1] > 1 else None,
        "sqnr": float(10 * np.log10(signal / noise)) if noise and signal else None,
    }


def powers(evaluation: Evaluation, outputs: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """(Σ exact², Σ (exact − output)²) over all elements of all outputs."""
    signal = sum(float(np.square(v, dtype=np.float64).sum()) for v in evaluation.exact.values())
    noise = sum(float(np.square(v.astype(np.float64) - outputs[name]).sum()) for name, v in evaluation.exact.items())
    return signal, noise


def quality(figures: Mapping[str, float | None]) -> float | None:
    """Of `accuracy`'s figures the one to judge by: on the labels, else the agreement with the float model."""
    return figures["agreement"] if figures["accuracy"] is None else figures["accuracy"]


def _flat(array: np.ndarray) -> np.ndarray:
    return array.reshape(array.shape[0], -1)
