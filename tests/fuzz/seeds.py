"""Model files to mutate, made by the builders of the other tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgeq.ops import find_op

from ..ops.cases import all_cases
from ..ops.witness import model_of

FORMATS = ("tflite", "keras", "h5")
SEED = 5
PER_OP = 4


def tflite_files() -> Iterator[bytes]:
    """One operator each, every operator in every format; constants of some size would only slow the mutations down."""
    for case in all_cases(SEED, PER_OP):
        if not find_op(case.op).own:
            yield model_of(case)


def keras_files(suffix: str, folder: Path) -> Iterator[bytes]:
    """The models of the importer's tests, with small random weights."""
    import keras

    from ..importers.conftest import MODELS

    path = folder / f"model.{suffix}"
    for build in MODELS.values():
        keras.utils.clear_session()
        keras.utils.set_random_seed(SEED)
        build(keras, keras.layers).save(path)
        yield path.read_bytes()
    path.unlink()


def write_seeds(kind: str, folder: Path) -> int:
    """Fills a folder with the seeds of a format; returns their number."""
    folder.mkdir(parents=True, exist_ok=True)
    files = tflite_files() if kind == "tflite" else keras_files(kind, folder)
    count = 0
    for data in files:
        (folder / f"seed-{count:04}").write_bytes(data)
        count += 1
    return count


def odd_number(rng: np.random.Generator) -> int | float:
    """Numbers at which sizes, counts and offsets go wrong."""
    ends = [
        0,
        1,
        -1,
        2,
        3,
        7,
        127,
        128,
        255,
        256,
        1 << 15,
        1 << 16,
        (1 << 31) - 1,
        -(1 << 31),
        1 << 32,
        1 << 63,
        10**40,
    ]
    return ends[int(rng.integers(len(ends)))]
