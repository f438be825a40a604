"""Nine speakers told apart by two vowels: the Japanese Vowels data of the UCI repository, as the package sktime ships.

An utterance is a sequence of 7 to 29 frames of twelve LPC cepstrum coefficients; shorter ones are filled up with zeros.
The split is the data's own: 270 utterances to train with, 370 held out.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

FRAMES, COEFFICIENTS, SPEAKERS = 32, 12, 9


def load_vowels() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and held-out sequences, float32 (n, FRAMES, COEFFICIENTS), with their labels: as digits/train.py."""
    spec = importlib.util.find_spec("sktime")
    if spec is None or spec.origin is None:
        raise SystemExit("the data come with the package sktime: pip install sktime")
    folder = Path(spec.origin).parent / "datasets" / "data" / "JapaneseVowels"
    (train_x, train_y), (test_x, test_y) = (_read(folder / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST"))
    return train_x, test_x, train_y, test_y


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """A `.ts` file: after @data a line for each utterance, coefficients and the label between colons."""
    lines = path.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line.strip().lower() == "@data") + 1
    rows = [line.split(":") for line in lines[first:] if line.strip()]
    sequences = np.zeros((len(rows), FRAMES, COEFFICIENTS), np.float32)
    for sequence, row in zip(sequences, rows, strict=True):
        values = np.array([series.split(",") for series in row[:COEFFICIENTS]], np.float32).T
        sequence[: len(values)] = values
    return sequences, np.array([int(row[-1]) - 1 for row in rows])


def make_model():
    """Convolutions over time, one of them depthwise-separable, and a dense layer: some 8,000 parameters."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((FRAMES, COEFFICIENTS)),
            layers.Conv1D(32, 5, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SeparableConv1D(48, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.Conv1D(48, 1, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dropout(0.2),
            layers.Dense(SPEAKERS, activation="softmax"),
        ],
        name="vowels",
    )
