"""Trains sequence models on scikit-learn's 8×8 digits, read row by row, and saves them with the data they need.

python train.py FOLDER [EPOCHS]

Writes lstm.keras, gru.keras, lstm_stream.keras, gru_stream.keras (the same weights, one row per call, the state kept),
transformer.keras, and data.npz. The rows of the transformer's input carry their number, one-hot.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 3
UNITS = 32
EPOCHS = 30
CELLS = {"lstm": layers.LSTM, "gru": layers.GRU}


def recurrent(kind: str) -> keras.Model:
    return keras.Sequential([keras.Input((8, 8)), CELLS[kind](UNITS), layers.Dense(10)], name=kind)


def streaming(kind: str, trained: keras.Model) -> keras.Model:
    """The trained weights in a model that takes one row and remembers."""
    cell = CELLS[kind](UNITS, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(1, 1, 8)), cell, layers.Dense(10)], name=f"{kind}_stream")
    for to, source in zip(model.trainable_weights, trained.trainable_weights, strict=True):
        to.assign(source)
    return model


def transformer(depth: int = 32) -> keras.Model:
    """One encoder block: attention and a GELU network, each behind a layer normalization and beside a shortcut."""
    rows = keras.Input((8, 16))
    x = layers.Dense(depth)(rows)
    normalized = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, depth // 2)(normalized, normalized)])
    hidden = layers.Dense(2 * depth, activation="gelu")(layers.LayerNormalization()(x))
    x = layers.Add()([x, layers.Dense(depth)(hidden)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    return keras.Model(rows, layers.Dense(10)(x), name="transformer")


def main(folder: Path, epochs: int = EPOCHS) -> None:
    keras.utils.set_random_seed(SEED)
    digits = load_digits()
    split = train_test_split(
        (digits.images / 16.0).astype("float32"),
        digits.target.astype("int32"),
        test_size=0.25,
        random_state=SEED,
        stratify=digits.target,
    )
    train_rows, test_rows, train_labels, test_labels = split
    folder.mkdir(parents=True, exist_ok=True)

    def numbered(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.broadcast_to(np.eye(8, dtype=np.float32), rows.shape)], axis=2)

    def fit(model: keras.Model, rows: np.ndarray) -> None:
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(4e-3), loss=loss)
        model.fit(rows, train_labels, batch_size=32, epochs=epochs, verbose=0)
        model.save(folder / f"{model.name}.keras")

    for kind in CELLS:
        trained = recurrent(kind)
        fit(trained, train_rows)
        streaming(kind, trained).save(folder / f"{kind}_stream.keras")
    fit(transformer(), numbered(train_rows))
    np.savez(
        folder / "data.npz",
        train=train_rows[:300],
        test=test_rows,
        labels=test_labels,
        numbered_train=numbered(train_rows[:300]),
        numbered_test=numbered(test_rows),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
