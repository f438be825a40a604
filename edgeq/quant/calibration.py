"""Calibration data: typical inputs of a float model, read a few vectors at a time.

They come from a `.npy` or `.npz` file, from a folder of such files, or from a function that gives them one by one, such
as TensorFlow's representative datasets: however much there is, memory holds little of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.arrays import match_names, open_arrays, reading, same_count, with_vector_axis
from edgeq.errors import CalibrationError
from edgeq.ir import DType, Graph
from edgeq.quant.evaluate import batches

#: Bytes that are read of a file at a time, about.
_CHUNK_BYTES = 4 << 20

#: What may stand for calibration data.
Source = Path | str | Callable[[], Iterable[Any]] | Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Samples:
    """Vectors for a graph's inputs that can be read as often as needed.

    Attributes:
        chunks: starts from the beginning and gives name → (n, *input shape), n ≥ 1, finite; float32, but for
            inputs of integers.
        total: how many vectors there are; None where only reading them tells.
    """

    chunks: Callable[[], Iterator[dict[str, np.ndarray]]]
    total: int | None = None

    def batches(self, size: int) -> Iterator[dict[str, np.ndarray]]:
        """All vectors, `size` at a time or fewer."""
        for chunk in self.chunks():
            for start in range(0, _count(chunk), size):
                yield {name: array[start : start + size] for name, array in chunk.items()}

    def some(self, count: int) -> dict[str, np.ndarray]:
        """`count` vectors, or all where there are fewer: evenly spread, or a seeded draw where their number is unknown.

        Raises:
            CalibrationError: as reading them does.
        """
        if self.total is None:
            return self._drawn(count)
        wanted = np.linspace(0, self.total - 1, min(count, self.total)).astype(int)
        found, start = [], 0
        for chunk in self.chunks():
            here = wanted[(wanted >= start) & (wanted < start + _count(chunk))] - start
            found.append({name: array[here] for name, array in chunk.items()})
            start += _count(chunk)
        return _joined(found)

    def _drawn(self, count: int) -> dict[str, np.ndarray]:
        """A reservoir (Vitter's algorithm R): every vector is as likely in it as any other."""
        dice = np.random.default_rng(0)
        kept: list[dict[str, np.ndarray]] = []
        for seen, vector in enumerate(self.batches(1)):
            place = seen if seen < count else int(dice.integers(0, seen + 1))
            if seen < count:
                kept.append(vector)
            elif place < count:
                kept[place] = vector
        if not kept:
            raise CalibrationError("there is no calibration data")
        return _joined(kept)


def as_samples(graph: Graph, inputs: Samples | Mapping[str, np.ndarray]) -> Samples:
    """Samples, also of float32 arrays (n, *shape) by input name; raises CalibrationError where these do not fit."""
    if isinstance(inputs, Samples):
        return inputs
    return Samples(lambda: batches(graph, inputs), _count(inputs) if inputs else 0)


def some_of(graph: Graph, inputs: Samples | Mapping[str, np.ndarray], count: int) -> dict[str, np.ndarray]:
    """`Samples.some`; of a graph with states, whose vectors are one sequence without gaps, the first `count`."""
    samples = as_samples(graph, inputs)
    return _joined(list(itertools.islice(samples.batches(1), count))) if graph.states else samples.some(count)


def _count(chunk: Mapping[str, np.ndarray]) -> int:
    return next(iter(chunk.values())).shape[0]


def _joined(parts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def open_calibration(source: Source, graph: Graph) -> Samples:
    """Calibration data from wherever they are.

    A `.npy` holds the data of a single input. The arrays of a `.npz` are named like the inputs; where their number is
    right and none bears an input's name, they are taken in the file's order. Each may come with the input's batch axis
    or without, or as one single vector. Integers for an input of real numbers are cast, not scaled. The files of a
    folder are read in the order of their names. A function gives an iterable of vectors each time it is called: an
    array for the only input, a sequence of arrays, or a mapping by name.

    Raises:
        CalibrationError: unreadable or empty, arrays missing or too many, a wrong shape or type; NaN or infinity, when
            the vectors are read.
    """
    if callable(source):
        return Samples(lambda: _from_function(source, graph))
    if isinstance(source, Mapping):
        arrays = match_inputs(source, graph)
        return Samples(lambda: iter([arrays]), _count(arrays))
    if not isinstance(source, (str, Path)):
        raise CalibrationError(
            f"calibration data cannot be read from {type(source).__name__}",
            hint="give a file, a folder, or a function that gives the vectors anew each time it is called",
        )
    path = Path(source)
    paths = sorted(p for p in path.iterdir() if p.suffix in (".npy", ".npz")) if path.is_dir() else [path]
    if not paths:
        raise CalibrationError("the folder holds no .npy or .npz files", where=str(path))
    totals = [_vectors_in(each, graph) for each in paths]
    return Samples(lambda: (chunk for each in paths for chunk in _from_file(each, graph)), sum(totals))


def load_calibration(source: Source, graph: Graph) -> dict[str, np.ndarray]:
    """All of `open_calibration` at once: name → (n, *input shape), n ≥ 1."""
    return _joined(list(open_calibration(source, graph).chunks()))


def match_inputs(arrays: Mapping[str, np.ndarray], graph: Graph, where: str = "") -> dict[str, np.ndarray]:
    """`load_calibration` for arrays in memory."""
    matched = match_names(arrays, graph.inputs, where, CalibrationError)
    found = {}
    for name, array in zip(graph.inputs, matched, strict=True):
        array = np.asarray(array)
        if array.dtype.kind not in "fiub":
            raise CalibrationError(f"input {name!r}: {array.dtype} data, numbers are needed", where=where)
        tensor = graph.tensors[name]
        values = with_vector_axis(array, name, tensor.shape, where, CalibrationError)
        values = values.astype(np.float32 if tensor.dtype is DType.FLOAT32 else tensor.dtype.numpy)
        if not np.isfinite(values).all():
            raise CalibrationError(
                f"input {name!r}: the data holds NaN or infinite values", where=where, hint="remove these vectors"
            )
        found[name] = values
    same_count(list(found.values()), where, CalibrationError)
    return found


def _vectors_in(path: Path, graph: Graph) -> int:
    """How many vectors a file holds, by the shapes of its arrays; they are checked against the graph's."""
    stored = match_names(open_arrays(path, CalibrationError), graph.inputs, str(path), CalibrationError)
    # no memory is touched: such an array has a shape, and one element
    views = [np.broadcast_to(np.zeros((), each.dtype), each.shape) for each in stored]
    shaped = [
        with_vector_axis(view, name, graph.tensors[name].shape, str(path), CalibrationError)
        for name, view in zip(graph.inputs, views, strict=True)
    ]
    return same_count(shaped, str(path), CalibrationError)


def _from_file(path: Path, graph: Graph) -> Iterator[dict[str, np.ndarray]]:
    stored = match_names(open_arrays(path, CalibrationError), graph.inputs, str(path), CalibrationError)
    count = max(1, _CHUNK_BYTES // max(1, sum(4 * graph.tensors[name].size for name in graph.inputs)))
    readers = [
        # a single bare vector has no axis to cut
        each.rows(count if len(each.shape) > len(graph.tensors[name].shape) - 1 else max(1, *each.shape))
        for name, each in zip(graph.inputs, stored, strict=True)
    ]
    with reading(path, CalibrationError):
        for parts in zip(*readers, strict=True):
            yield match_inputs(dict(zip(graph.inputs, parts, strict=True)), graph, str(path))


def _from_function(source: Callable[[], Iterable[Any]], graph: Graph) -> Iterator[dict[str, np.ndarray]]:
    where = getattr(source, "__name__", "calibration function")
    vectors = source()
    if not isinstance(vectors, Iterable):
        raise CalibrationError(f"gives {type(vectors).__name__}, an iterable of vectors is needed", where=where)
    for vector in vectors:
        if isinstance(vector, Mapping):
            arrays = dict(vector)
        else:
            parts = list(vector) if isinstance(vector, (list, tuple)) else [vector]
            arrays = {str(index): part for index, part in enumerate(parts)}
        yield match_inputs({name: np.asarray(array) for name, array in arrays.items()}, graph, where)
