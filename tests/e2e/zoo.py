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
