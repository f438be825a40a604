"""Trains a small CNN on scikit-learn's handwritten digits and saves what `edgeq build` needs.

python train.py FOLDER    writes digits.keras, calibration.npz, test.npz into FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np


def load_digits(split: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Training and held-out images, float32 (n, 8, 8, 1) in [0, 16], with their labels: 1347 and 450 of them, chosen at
    random by `split`."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    images = digits.images[..., np.newaxis].astype(np.float32)
    return tuple(train_test_split(images, digits.target, test_size=0.25, random_state=split, stratify=digits.target))


def make_model():
    """Convolution, batch norm, depthwise-separable convolution, pooling, dense: 5,290 parameters."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 16),
            layers.Conv2D(16, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.SeparableConv2D(32, 3, strides=2, padding="same", activation="relu"),
            layers.Conv2D(32, 1, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name="digits",
    )


def train(folder: Path, epochs: int = 30) -> float:
    """Trains, saves the model and its data below `folder`, returns the float accuracy on the held-out images."""
    import keras

    keras.utils.set_random_seed(1)
    train_x, test_x, train_y, test_y = load_digits()
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(train_x, train_y, epochs=epochs, batch_size=32, verbose=0)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "digits.keras")
    np.savez(folder / "calibration.npz", images=train_x[:256])
    np.savez(folder / "test.npz", images=test_x, labels=test_y)
    return float(np.mean(model.predict(test_x, verbose=0).argmax(1) == test_y))


if __name__ == "__main__":
    print(f"float accuracy {train(Path(sys.argv[1] if len(sys.argv) > 1 else 'build/digits')):.4f}")
