"""What watches activations during calibration and decides the range that their integers will cover."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from edgeq.errors import CalibrationError
from edgeq.ir import DType, Graph, Tensor
from edgeq.quant.calibration import Samples, as_samples
from edgeq.quant.evaluate import batch_size, evaluate, reset
from edgeq.quant.histogram import HALF, Histogram
from edgeq.quant.schemes import INT8, RoleScheme

Range = tuple[float, float]


@dataclass(frozen=True)
class Setting:
    """A number that an observer can be given; `low` and `high` are allowed."""

    meaning: str
    default: float
    low: float
    high: float


class Observer:
    """Sees every batch of one tensor, then names a range. One instance per tensor.

    Attributes:
        setting: meaning, default and limits of the number that may follow the name ("percentile:99.9"); None without.
    """

    name: ClassVar[str]
    setting: ClassVar[Setting | None] = None

    def __init__(self, role: RoleScheme = INT8.activation, value: float | None = None):
        """role: of the tensor's integers. value: the setting."""
        self.role = role
        self.value = self.setting.default if self.setting and value is None else value

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


def find_observer(name: str) -> Callable[..., Observer]:
    """What makes observers of that name, "name" or "name:number"; it takes the role of the tensor's integers.

    Raises:
        CalibrationError: an unknown name, or a number that the observer does not take.
    """
    base, colon, number = name.partition(":")
    if base not in _OBSERVERS:
        raise CalibrationError(f"unknown calibration algorithm {name!r}", hint=f"known: {', '.join(known_observers())}")
    cls = _OBSERVERS[base]
    if not colon:
        return cls
    if cls.setting is None:
        raise CalibrationError(f"the calibration algorithm {base!r} takes no number, got {name!r}")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not cls.setting.low <= value <= cls.setting.high:
        raise CalibrationError(
            f"{name!r}: {cls.setting.meaning} must lie between {cls.setting.low:g} and {cls.setting.high:g}"
        )
    return partial(cls, value=value)


@observer
class MinMax(Observer):
    """The smallest and the largest value ever seen: nothing saturates. What TFLite's converter uses."""

    name = "min-max"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
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

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.low = self.high = None

    def update(self, values: np.ndarray) -> None:
        flat = values.reshape(values.shape[0], -1)
        for low, high in zip(flat.min(axis=1), flat.max(axis=1), strict=True):
            self.low = float(low) if self.low is None else self.low + self.step * (float(low) - self.low)
            self.high = float(high) if self.high is None else self.high + self.step * (float(high) - self.high)

    def range(self) -> Range:
        return self.low, self.high


class _Counting(Observer):
    """Decides by a histogram."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.histogram = Histogram()

    def update(self, values: np.ndarray) -> None:
        self.histogram.update(values)

    def range(self) -> Range:
        return self.choose(self.histogram) if self.histogram.counts.any() else (0.0, 0.0)

    def choose(self, seen: Histogram) -> Range:
        """The range, from a histogram with at least one value that is not 0."""
        raise NotImplementedError


@observer
class Percentile(_Counting):
    """The values between the outermost ones: half of what is cut off lies at each end."""

    name = "percentile"
    setting = Setting("the share kept, in percent,", 99.99, 50.0, 100.0)

    def choose(self, seen: Histogram) -> Range:
        cut = seen.total * (1.0 - self.value / 100.0) / 2.0
        counts = seen.counts.copy()
        counts[HALF] += seen.zeros
        below, above = np.cumsum(counts), np.cumsum(counts[::-1])
        low = seen.edges[int(np.searchsorted(below, cut, side="right"))]
        high = seen.edges[-1 - int(np.searchsorted(above, cut, side="right"))]
        return max(float(low), seen.low), min(float(high), seen.high)


@observer
class MeanSquare(_Counting):
    """The range with the least expected squared error: what lies inside is off by step² / 12, what lies outside by its
    distance to the border. Borders are hundredths of the extremes, each end for itself (together where symmetric)."""

    name = "mse"

    def choose(self, seen: Histogram) -> Range:
        fractions = np.arange(1, 101) / 100.0
        low, high = min(seen.low, 0.0), max(seen.high, 0.0)
        if self.role.symmetric:
            ends = max(-low, high) * fractions
            errors = _outside(seen, ends, 1) + _outside(seen, ends, -1)
            best = int(np.argmin(errors + _inside(seen, 2 * ends, self.role)))
            return max(low, -float(ends[best])), min(high, float(ends[best]))
        lows, highs = low * fractions, high * fractions
        errors = _outside(seen, -lows, -1)[:, np.newaxis] + _outside(seen, highs, 1)[np.newaxis, :]
        errors = errors + _inside(seen, highs[np.newaxis, :] - lows[:, np.newaxis], self.role)
        row, column = np.unravel_index(int(np.argmin(errors)), errors.shape)
        return float(lows[row]), float(highs[column])


def _outside(seen: Histogram, ends: np.ndarray, side: int) -> np.ndarray:
    """Summed squared distances of what lies beyond each end (≥ 0), on the positive or negative (-1) side."""
    counts = (seen.counts if side > 0 else seen.counts[::-1])[HALF:].astype(np.float64)
    centres = seen.centres[HALF:]
    # sums over the bins from each one outwards
    tails = [np.append(np.cumsum((counts * centres**power)[::-1])[::-1], 0.0) for power in range(3)]
    first = np.searchsorted(centres, ends, side="right")
    zeroth, linear, square = (tail[first] for tail in tails)
    return square - 2 * ends * linear + ends**2 * zeroth


def _inside(seen: Histogram, widths: np.ndarray, role: RoleScheme) -> np.ndarray:
    """Summed squared rounding errors. All values count: what saturates is few."""
    return seen.counts.sum() * np.square(widths / (role.high - role.low)) / 12.0


@observer
class Entropy(_Counting):
    """The range whose integers tell most about the values: the smallest Kullback-Leibler divergence between the
    distribution, saturated, and the same seen through the integers' steps.

    After Migacz, "8-bit Inference with TensorRT" (2017); both ends shrink by one factor, and zeros do not count.
    """

    name = "entropy"

    def choose(self, seen: Histogram) -> Range:
        low, high = min(seen.low, 0.0), max(seen.high, 0.0)
        if self.role.symmetric:
            high = max(-low, high)
            low = -high
        divergences = []
        # wide ranges first: a tie keeps them
        fractions = np.arange(100, 4, -1) / 100.0
        for fraction in fractions:
            divergences.append(self._divergence(seen, low * fraction, high * fraction))
        best = fractions[int(np.argmin(divergences))]
        return max(seen.low, float(low * best)), min(seen.high, float(high * best))

    def _divergence(self, seen: Histogram, low: float, high: float) -> float:
        width = seen.reach / HALF
        first = HALF + math.floor(low / width)
        last = min(2 * HALF, HALF + math.ceil(high / width))
        inside = seen.counts[first:last].astype(np.float64)
        saturated = inside.copy()
        saturated[0] += seen.counts[:first].sum()
        saturated[-1] += seen.counts[last:].sum()
        if not inside.any():
            return math.inf
        steps = (np.arange(inside.size) * min(1.0, (self.role.high - self.role.low) / inside.size)).astype(np.int64)
        filled = inside > 0
        share = np.bincount(steps, inside) / np.maximum(np.bincount(steps, filled), 1)
        seen_through = np.where(filled, share[steps], 0.0)
        p, q = saturated / saturated.sum(), seen_through / seen_through.sum()
        # an empty border bin that collects what saturates would be infinitely unlikely
        q = np.maximum(q, 1e-9)
        some = p > 0
        return float(np.sum(p[some] * np.log(p[some] / q[some])))


@dataclass(frozen=True)
class Calibration:
    """What calibration found: the range of each float activation by tensor name, and from how many vectors."""

    ranges: Mapping[str, Range]
    vectors: int


def observe(
    graph: Graph,
    inputs: Samples | Mapping[str, np.ndarray],
    roles: Mapping[str, RoleScheme] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Calibration:
    """Runs the float graph on calibration data and observes every float32 activation. Where the graph has states, the
    vectors are one sequence.

    Args:
        inputs: calibration data, or float32 (n, *shape) by input name, n ≥ 1.
        roles: of each activation, by name: which observer, for which integers. INT8's where none is given.
        progress: called with (vectors done, vectors in all, 0 where that is unknown).

    Raises:
        CalibrationError: unknown algorithm, no data, or an activation is NaN or infinite (names the tensor).
    """
    roles = roles or {}
    makers = {role.algorithm: find_observer(role.algorithm) for role in (INT8.activation, *roles.values())}
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
        if tensor.name not in seen:
            role = roles.get(tensor.name, INT8.activation)
            seen[tensor.name] = makers[role.algorithm](role)
        seen[tensor.name].update(values)

    memory = reset(graph)
    samples = as_samples(graph, inputs)
    for batch in samples.batches(batch_size(graph)):
        evaluate(graph, batch, visit, memory)
        vectors += next(iter(batch.values())).shape[0]
        progress(vectors, samples.total or 0)
    if vectors == 0:
        raise CalibrationError("there is no calibration data", where=graph.name)
    return Calibration({name: each.range() for name, each in seen.items()}, vectors)
