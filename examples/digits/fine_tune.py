"""Quantization-aware training of a classifier by any scheme, with one recipe for all of them, and what it gains on the
digits CNN beside quantization of the trained model.

python fine_tune.py [SCHEME ...] [--runs 3] [--epochs 40]

Other programs take `fine_tune(model, scheme, images, labels)`, whatever the classifier: the trained model comes back,
for `edgeq.qat.integer_graph` (to `edgeq.build`) or `edgeq.qat.save` (a `.tflite` file).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import keras
import numpy as np

import edgeq
from edgeq import qat
from edgeq.importers import load
from edgeq.ir import Graph
from edgeq.passes import prepare_float, prepare_quantized
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import choose_recipe

#: Images that ranges are observed on.
CALIBRATION = 256
TARGET = "mps2-an386"
#: name → (scheme, bits): what the table has.
WIDTHS: dict[str, tuple[str, dict[str, int]]] = {
    "8 bits": ("lsq", {}),
    "4 bits": ("lsq4", {}),
    "3 bits": ("lsq", {"weight_bits": 3, "activation_bits": 3}),
    "2 bits": ("lsq", {"weight_bits": 2, "activation_bits": 2}),
}


def fine_tune(
    model: keras.Model, scheme: str, images: np.ndarray, labels: np.ndarray, **options: Any
) -> qat.QuantizedModel:
    """A trained float classifier, trained on with the scheme's rounding in its forward pass: `edgeq.qat.tune`, whose
    `options` these are, with the first CALIBRATION images for the ranges."""
    return qat.tune(model, scheme, x=images, y=labels, calibration={"x": images[:CALIBRATION]}, **options)


def in_integers(graph: Graph, images: np.ndarray, folder: Path) -> np.ndarray:
    """What the firmware answers, by the simulator: class numbers (n,)."""
    project = edgeq.build(graph, TARGET, out=folder / "firmware", compile=False)
    (outputs,) = project.simulate([images]).values()
    return outputs.reshape(len(images), -1).argmax(axis=1)


def without_training(model: keras.Model, scheme: str, images: np.ndarray, folder: Path, **bits: int) -> Graph:
    """The trained float model, quantized by the scheme as it is."""
    model.save(folder / "float.keras")
    graph = prepare_float(load(folder / "float.keras"))
    samples = {graph.inputs[0]: images[:CALIBRATION, np.newaxis]}
    return prepare_quantized(quantize(graph, samples, choose_recipe(scheme, None, **bits)))


def train_float(images: np.ndarray, labels: np.ndarray, seed: int, epochs: int = 30) -> keras.Model:
    from train import make_model

    keras.utils.set_random_seed(seed)
    model = make_model()
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(images, labels, epochs=epochs, batch_size=32, verbose=0)
    return model


def main() -> int:
    from train import load_digits

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("schemes", nargs="*", help=f"of `edgeq schemes`, or one of: {', '.join(WIDTHS)}")
    parser.add_argument("--runs", type=int, default=3, help="splits of the data, and seeds")
    parser.add_argument("--epochs", type=int, default=qat.EPOCHS)
    arguments = parser.parse_args()
    names = arguments.schemes or [*WIDTHS, "ternary", "binary", "xnor"]
    runs = range(1, arguments.runs + 1)
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    exact = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for run in runs:
            images, held_out, labels, answers = load_digits(run)
            trained, kept = qat.split(labels, qat.VALIDATION, run)
            validation = images[kept], labels[kept]
            images, labels = images[trained], labels[trained]
            model = train_float(images, labels, run)
            exact.append(np.mean(np.asarray(model(held_out)).argmax(axis=1) == answers))
            print(f"run {run}: float {exact[-1]:.4f}", flush=True)
            for name in names:
                scheme, bits = WIDTHS.get(name, (name, {}))
                plain = without_training(model, scheme, images, folder, **bits)
                options = {"epochs": arguments.epochs, "seed": run, "validation": validation, **bits}
                tuned = fine_tune(model, scheme, images, labels, **options)
                scores = tuple(
                    float(np.mean(in_integers(graph, held_out, folder) == answers))
                    for graph in (plain, qat.integer_graph(tuned))
                )
                found[name].append(scores)
                of = f"epoch {tuned.kept_epoch}" if tuned.kept_epoch else "the start"
                print(f"run {run}: {name:8} without training {scores[0]:.4f}, with {scores[1]:.4f} ({of})", flush=True)
    print(f"\naccuracy on {len(answers)} held-out digits, mean of {len(runs)} splits; float {np.mean(exact):.4f}")
    print(f"{'scheme':10} {'without training':>16} {'trained':>8} {'below float':>12}")
    for name, scores in found.items():
        plain, trained = np.mean(scores, axis=0)
        print(f"{name:10} {plain:16.4f} {trained:8.4f} {100 * (np.mean(exact) - trained):10.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
