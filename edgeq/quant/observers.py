"""What watches activations during calibration and decides the range that their integers will cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.errors import CalibrationError
from edgeq.ir import DType, Graph, Tensor
from edgeq.quant.evaluate import batches, evaluate

Range = tuple[float, float]


class Observer:
    """Sees every batch of one tensor, then names a range. One instance per tensor."""

    name: ClassVar[str]

    def update(self, values: np.ndarray) -> None:
        """Takes one batch, float32 (n, *shape)."""
        raise NotImplementedError

    def range(self) -> Range:
        """(low, high) in real numbers, low ≤ high."""
        raise NotImplementedError


_OBSERVERS: dict[str, type[Observer]] = {}


def observer(cls: type[Observer]) -> type[Observer]:
    """Class decorator: makes the observer known under its `name`."""
    if cls.name in _OBSERVERS:
        raise ValueError(f"observer {cls.name} is defined twice")
    _OBSERVERS[cls.name] = cls
    return cls


def known_observers() -> tuple[str, ...]:
    return tuple(sorted(_OBSERVERS))


def find_observer(name: str) -> Callable[[], Observer]:
    """The observer of that name; raises CalibrationError for an unknown one."""
    if name not in _OBSERVERS:
        raise CalibrationError(f"unknown calibration algorithm {name!r}", hint=f"known: {', '.join(known_observers())}")
    return _OBSERVERS[name]


@observer
class MinMax(Observer):
    """The smallest and the largest value ever seen: nothing saturates. What TFLite's converter uses."""

    name = "min-max"

    def __init__(self):
        self.low, self.high = np.inf, -np.inf

    def update(self, values: np.ndarray) -> None:
        self.low = min(self.low, float(values.min()))
        self.high = max(self.high, float(values.max()))

    def range(self) -> Range:
        return self.low, self.high


@observer
class MovingAverage(Observer):
    """Exponential moving average of each vector's smallest and largest value, which forgets lone outliers.

    The first vector sets both; each further one moves them by 1 % of the distance (TensorFlow's fake quantization).
    """

    name = "moving-average"
    step = 0.01

    def __init__(self):
        self.low = self.high = None

    def update(self, values: np.ndarray) -> None:
        flat = values.reshape(values.shape[0], -1)
        for low, high in zip(flat.min(axis=1), flat.max(axis=1), strict=True):
            self.low = float(low) if self.low is None else self.low + self.step * (float(low) - self.low)
            self.high = float(high) if self.high is None else self.high + self.step * (float(high) - self.high)

    def range(self) -> Range:
        return self.low, self.high


@dataclass(frozen=True)
class Calibration:
    """What calibration found: the range of each float activation by tensor name, and from how many vectors."""

    ranges: Mapping[str, Range]
    vectors: int


def observe(
    graph: Graph,
    inputs: Mapping[str, np.ndarray],
    algorithm: str = "min-max",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Calibration:
    """Runs the float graph on calibration data and observes every float32 activation.

    Args:
        inputs: float32 (n, *shape) by input name, n ≥ 1.
        progress: called with (vectors done, vectors in all).

    Raises:
        CalibrationError: unknown algorithm, no data, or an activation is NaN or infinite (names the tensor).
    """
    make = find_observer(algorithm)
    seen: dict[str, Observer] = {}
    vectors = 0

    def visit(tensor: Tensor, values: np.ndarray) -> None:
        if tensor.dtype is not DType.FLOAT32:
            return
        if not np.isfinite(values).all():
            raise CalibrationError(
                "the model computes NaN or infinite values on the calibration data",
                where=tensor.name,
                hint="check the data's scaling, and the model on the same data in its training framework",
            )
        seen.setdefault(tensor.name, make()).update(values)

    for batch in batches(graph, inputs):
        evaluate(graph, batch, visit)
        vectors += next(iter(batch.values())).shape[0]
        progress(vectors, next(iter(inputs.values())).shape[0])
    if vectors == 0:
        raise CalibrationError("there is no calibration data", where=graph.name)
    return Calibration({name: each.range() for name, each in seen.items()}, vectors)
