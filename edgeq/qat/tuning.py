"""Training a classifier on with a scheme's rounding: one recipe for all widths, which does not fall below its start.

It begins at what `edgeq build` makes of the trained model, learns from the float model's answers as well as from the
labels, and keeps, of the start and all epochs, what does best on vectors that it has not been trained with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from edgeq.errors import QuantizationError
from edgeq.qat.model import QuantizedModel, prepare
from edgeq.quant.calibration import Source
from edgeq.quant.evaluate import run

EPOCHS = 40
BATCH = 64
#: Adam's at the beginning; it falls to 0 along a cosine.
RATE = 5e-3
#: Share of each class that is kept from training.
VALIDATION = 0.2
#: What the float model's answers are softened with, and their share of the loss.
TEMPERATURE = 3.0
TEACHER = 0.7


def tune(
    model: keras.Model | Path | str,
    scheme: str | None = None,
    *,
    x: np.ndarray,
    y: np.ndarray,
    calibration: Source,
    epochs: int = EPOCHS,
    batch_size: int = BATCH,
    rate: float = RATE,
    validation: float | tuple[np.ndarray, np.ndarray] = VALIDATION,
    seed: int = 1,
    **options: Any,
) -> QuantizedModel:
    """A classifier of one input, prepared by `prepare` and trained.

    Args:
        model, scheme, calibration, options: as for `prepare`. The model's output are probabilities.
        x: float32 (n, *shape). y: class numbers (n,).
        rate: Adam's at the beginning; it falls to 0 along a cosine.
        validation: what decides what is kept (`KeepBest`) and is not trained with: (x, y) beside those above, or the
            share of these, of each class, between 0 and 1. Best are vectors that the float model has not been trained
            with either: those that it has seen speak for the start.
        seed: of the split, of the order of vectors and of Keras. Equal seeds give equal models.

    The loss is cross entropy with the labels and, of softened answers, with the float model's ("distillation": Hinton
    et al., "Distilling the Knowledge in a Neural Network", 2015), in the shares 1 − TEACHER and TEACHER.

    Raises:
        QuantizationError: x and y do not fit the model or each other. Others: as `prepare`.
    """
    keras.utils.set_random_seed(seed)
    prepared = prepare(model, scheme, calibration=calibration, **options)
    x, y = _fitting(prepared, x, y)
    if isinstance(validation, tuple):
        x_kept, y_kept = _fitting(prepared, *validation)
    else:
        trained, kept = split(y, validation, seed)
        (x, x_kept), (y, y_kept) = ((each[trained], each[kept]) for each in (x, y))
    answers, answers_kept = _answers(prepared, x), _answers(prepared, x_kept)
    targets = np.stack([np.eye(answers.shape[1], dtype=np.float32)[y], answers], axis=1)
    steps = epochs * -(-len(x) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(rate, max(steps, 1))
    prepared.compile(keras.optimizers.Adam(schedule), distillation)
    best = KeepBest(x_kept, y_kept, answers_kept)
    prepared.fit(x, targets, epochs=epochs, batch_size=batch_size, verbose=0, callbacks=[best])
    prepared.kept_epoch = best.epoch
    return prepared


def _fitting(model: QuantizedModel, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x as float32 and y flat, where they fit the network and each other."""
    graph, x, y = model.graph, np.asarray(x, np.float32), np.asarray(y).reshape(-1)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise QuantizationError("a network of one input and one output is needed", where=graph.name)
    if x.shape[1:] != graph.tensors[graph.inputs[0]].shape[1:] or len(x) != len(y) or not len(x):
        raise QuantizationError(f"x {list(x.shape)} and y {list(y.shape)} do not fit", where=graph.name)
    classes = graph.tensors[graph.outputs[0]].size
    if y.dtype.kind not in "iu" or y.min() < 0 or y.max() >= classes:
        raise QuantizationError(f"labels must be class numbers from 0 to {classes - 1}", where=graph.name)
    return x, y


def _answers(model: QuantizedModel, x: np.ndarray) -> np.ndarray:
    """The float network's, float32 (n, classes)."""
    graph = model.graph
    return run(graph, {graph.inputs[0]: x[:, np.newaxis]})[graph.outputs[0]].reshape(len(x), -1)


def split(y: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(places to train with, places to validate with): `share` of each class, rounded down, is drawn for the latter."""
    if not 0 < share < 1:
        raise QuantizationError(f"the share for validation lies between 0 and 1, not at {share:g}")
    dice = np.random.default_rng(seed)
    kept = np.zeros(len(y), bool)
    for label in np.unique(y):
        places = dice.permutation(np.flatnonzero(y == label))
        kept[places[: int(share * len(places))]] = True
    if not kept.any() or kept.all():
        raise QuantizationError(f"a share of {share:g} leaves nothing to validate with, or nothing to train with")
    return np.flatnonzero(~kept), np.flatnonzero(kept)


def distillation(targets: Any, probabilities: Any) -> Any:
    """Cross entropy with labels and, both sides softened, with a teacher's answers; gradients of both are of one size.

    Args:
        targets: (n, 2, classes), the label's 1 among zeros and the teacher's probabilities.
        probabilities: (n, classes).
    """
    found = ops.log(ops.maximum(ops.reshape(probabilities, (-1, targets.shape[-1])), 1e-7))
    label = -ops.sum(targets[:, 0] * found, axis=-1)
    wanted = ops.softmax(ops.log(ops.maximum(targets[:, 1], 1e-7)) / TEMPERATURE)
    teacher = -ops.sum(wanted * ops.log_softmax(found / TEMPERATURE), axis=-1)
    return (1 - TEACHER) * label + TEACHER * TEMPERATURE**2 * teacher


class KeepBest(keras.callbacks.Callback):
    """Leaves a classifier with the best of the weights that training began with and of those after each epoch.

    Best is what answers validation vectors most as the float model does: that has the least distance from its
    probabilities, half the sum of their differences. The start gives way only to an epoch with as many right answers,
    at a distance that is smaller by more than its standard error: the one-standard-error rule of Breiman et al.,
    "Classification and Regression Trees" (1984), with the start for the simplest model. What is measured is the forward
    pass without training: the firmware's integers.

    Attributes:
        epoch: whose weights are kept, from 1; 0 for the start.
        right, distance: at the start and after each epoch, the share of right answers and the mean distance.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, answers: np.ndarray):
        """x: float32 (n, *shape). y: class numbers (n,). answers: the float model's probabilities (n, classes)."""
        super().__init__()
        self.x, self.y, self.answers = x, np.asarray(y).reshape(-1), answers
        self.epoch, self.right, self.distance = 0, [], []

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch, self.right, self.distance = 0, [], []
        self._start = self._measured()
        self._weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        right, distance = self._measured()
        better = right.sum() >= self._start[0].sum() and _exceeds_its_error(self._start[1] - distance)
        if better and (self.epoch == 0 or self.distance[-1] < self.distance[self.epoch]):
            self.epoch, self._weights = epoch + 1, self.model.get_weights()

    def on_train_end(self, logs: Any = None) -> None:
        self.model.set_weights(self._weights)

    def _measured(self) -> tuple[np.ndarray, np.ndarray]:
        """Of each vector, (n,), whether the answer is right and its distance; notes the means."""
        found = self.model.predict(self.x, batch_size=256, verbose=0).reshape(self.answers.shape)
        right = found.argmax(axis=1) == self.y
        distance = np.abs(found - self.answers).sum(axis=1, dtype=np.float64) / 2
        self.right.append(float(right.mean()))
        self.distance.append(float(distance.mean()))
        return right, distance


def _exceeds_its_error(gains: np.ndarray) -> bool:
    """Whether the sum of gains, (n,), is more than a standard error of it, were their mean 0."""
    return bool(gains.sum() > np.square(gains.astype(np.float64)).sum() ** 0.5)
