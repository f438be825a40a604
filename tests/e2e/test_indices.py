"""A model that reads indices, from Keras to the host's firmware; indices that the table does not have included."""

from __future__ import annotations

import numpy as np

from edgeq import api
from tests.tools import needs_host


@needs_host
def test_an_embedding_never_reads_outside_its_table(tmp_path):
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((6,), dtype="int32"), layers.Embedding(9, 4), layers.GlobalAveragePooling1D(), layers.Dense(3)]
    )
    model.save(tmp_path / "m.keras")
    rng = np.random.default_rng(4)
    np.save(tmp_path / "ids.npy", rng.integers(0, 9, (200, 6)))
    project = api.build(
        tmp_path / "m.keras", "mps2-an386", calibration=tmp_path / "ids.npy", out=tmp_path / "fw", compile=False
    )
    # the host executable is built with AddressSanitizer
    assert project.verify(on="host", vectors=4).equal
    ids = np.int32([[[0, 1, 2, 3, 4, 8]], [[-1, 1, 2, 3, 4, 9]], [[-(1 << 31), 1, 2, 3, 4, (1 << 31) - 1]]])
    (inside, below, far) = next(iter(project.run([ids], on="host").values()))
    np.testing.assert_array_equal(inside, below)
    np.testing.assert_array_equal(inside, far)
    (ours,) = project.simulate([ids[:1]], dequantize=True).values()
    np.testing.assert_allclose(ours[:, 0], model(ids[0]), atol=0.05)
