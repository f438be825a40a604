"""The models of the zoo, where EDGEQ_ZOO names it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(os.environ.get("EDGEQ_ZOO") or "no-zoo")
INT8_MODELS = ("kws", "resnet8", "vww", "ad", "hello_world", "micro_speech")

needs_zoo = pytest.mark.skipif(not FOLDER.is_dir(), reason="EDGEQ_ZOO names no folder of models")


def int8_model(name: str) -> Path:
    return FOLDER / f"{name}_int8.tflite"


def ad_windows() -> np.ndarray:
    """The anomaly detector's real inputs, float32 (196, 640): five consecutive log-mel frames each."""
    frames = np.fromfile(FOLDER / "ad_input_frames.f32", "<f4").reshape(-1, 128)
    return np.stack([frames[i : i + 5].ravel() for i in range(len(frames) - 4)])


def photo_crops(count: int, seed: int = 0) -> np.ndarray:
    """uint8-valued float32 (count, 32, 32, 3): crops of scikit-learn's two sample photographs, natural statistics."""
    from sklearn.datasets import load_sample_images

    dice = np.random.default_rng(seed)
    photos = load_sample_images().images
    crops = []
    for _ in range(count):
        photo = photos[dice.integers(len(photos))]
        step = int(dice.integers(1, 8))  # from detail to the whole scene
        y, x = (int(dice.integers(0, n - 32 * step + 1)) for n in photo.shape[:2])
        crops.append(photo[y : y + 32 * step : step, x : x + 32 * step : step])
    return np.stack(crops).astype(np.float32)
