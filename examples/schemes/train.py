"""Trains the two models of the table, and trains them on with a scheme.

python train.py float DATA FOLDER        writes DATA.keras, calibration.npz and test.npz into FOLDER
python train.py JSON DATA FOLDER FILE    trains DATA.keras on as the JSON object says; its accuracy goes into FILE
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[1]


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def data_and_model(name: str):
    """((train x, test x, train y, test y), what makes the Keras model) of "digits" or "vowels"."""
    if name == "digits":
        digits = _module(EXAMPLES / "digits" / "train.py")
        return digits.load_digits(), digits.make_model
    vowels = _module(EXAMPLES / "schemes" / "vowels.py")
    return vowels.load_vowels(), vowels.make_model


def _repeatable() -> None:
    """Equal runs give equal bytes, however many cores there are: sums are computed in one order."""
    import tensorflow

    tensorflow.config.threading.set_intra_op_parallelism_threads(1)
    tensorflow.config.threading.set_inter_op_parallelism_threads(1)
    tensorflow.config.experimental.enable_op_determinism()


def train(name: str, folder: Path, epochs: int = 60) -> None:
    """Trains in float32, without what will validate training by schemes, and saves the model with its data."""
    import keras

    from edgeq import qat

    _repeatable()
    (train_x, test_x, train_y, test_y), make_model = data_and_model(name)
    trained, _ = qat.split(train_y, qat.VALIDATION, seed=1)
    train_x, train_y = train_x[trained], train_y[trained]
    keras.utils.set_random_seed(1)
    model = make_model()
    steps = epochs * -(-len(train_x) // 32)
    schedule = keras.optimizers.schedules.CosineDecay(3e-3, steps)
    model.compile(keras.optimizers.Adam(schedule), "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(train_x, train_y, epochs=epochs, batch_size=32, verbose=0)
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "calibration.npz", inputs=train_x[:256])
    np.savez(folder / "test.npz", inputs=test_x, labels=test_y)
    model.save(folder / f"{name}.keras")


def train_on(name: str, folder: Path, way: dict, file: Path) -> None:
    """Trains the saved model with a scheme's integers in its forward pass: `edgeq.qat.tune`, the same for all. What is
    kept is chosen by a part of the training data that neither has seen before; the held-out ones are looked at once, in
    the firmware's simulator.

    Args:
        way: "scheme", and options of `edgeq.qat.prepare`.
        file: gets a JSON object, `accuracy` and the `epoch` that was kept, 0 for none.
    """
    import keras

    from edgeq import qat

    _repeatable()
    (train_x, test_x, train_y, test_y), _ = data_and_model(name)
    tuning = _module(EXAMPLES / "digits" / "fine_tune.py")
    trained = keras.models.load_model(folder / f"{name}.keras")
    options = {key: value for key, value in way.items() if key != "scheme"}
    places, kept = qat.split(train_y, qat.VALIDATION, seed=1)
    options["validation"] = train_x[kept], train_y[kept]
    model = tuning.fine_tune(trained, way["scheme"], train_x[places], train_y[places], **options)
    with tempfile.TemporaryDirectory() as temporary:
        found = tuning.in_integers(qat.integer_graph(model), test_x, Path(temporary))
    file.write_text(json.dumps({"accuracy": float(np.mean(found == test_y)), "epoch": model.kept_epoch}))


if __name__ == "__main__":
    what, name, folder, *rest = sys.argv[1:]
    if what == "float":
        train(name, Path(folder))
    else:
        train_on(name, Path(folder), json.loads(what), Path(rest[0]))
