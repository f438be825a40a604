"""Sequence models on handwritten digits read row by row: accuracy in float, int8 and int16x8, of whole sequences and of
streams whose state lives from row to row.

python compare.py [--target BOARD] [--folder FOLDER] [--verify RUNG ...] [--keep]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import edgeq
from edgeq.importers import load
from edgeq.ir import Graph
from edgeq.passes import prepare_float
from edgeq.quant.evaluate import run

TRAIN = Path(__file__).with_name("train.py")
MODELS = ("lstm", "gru", "lstm_stream", "gru_stream", "transformer")
SCHEMES = ("int8", "int16x8")


def train(folder: Path, *epochs: str) -> None:
    """Runs train.py, in a process of its own: TensorFlow talks a lot."""
    command = [sys.executable, str(TRAIN), str(folder), *epochs]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"training failed:\n{result.stderr}")


def measure(folder: Path, target: str, rungs: list[str], most: int = 1000) -> list[tuple[str, str, float, list[str]]]:
    """(model, scheme or "float", accuracy on `most` held-out digits, rungs on which the firmware was equal).

    A stream is reset before each digit; its answer is the one after the eighth row.
    """
    data = np.load(folder / "data.npz")
    labels = data["labels"][:most]
    rows = []
    for name in MODELS:
        prefix = "numbered_" if name == "transformer" else ""
        typical, held_out = data[f"{prefix}train"], data[f"{prefix}test"][:most]
        stream = name.endswith("_stream")
        if stream:
            typical = typical.reshape(-1, 1, 8)  # one sequence of all rows
        np.save(folder / "calibration.npy", typical)
        graph = load(folder / f"{name}.keras")
        float_graph = prepare_float(graph)

        def in_float(x: np.ndarray, model: Graph = float_graph) -> np.ndarray:
            return run(model, {model.inputs[0]: x})[model.outputs[0]]

        rows.append((name, "float", _accuracy(in_float, held_out[:, np.newaxis], labels, stream), []))
        for scheme in SCHEMES:
            out = folder / f"{name}-{scheme}"
            calibration = folder / "calibration.npy"
            project = edgeq.build(graph, target, calibration=calibration, scheme=scheme, out=out, compile=False)

            def in_integers(x: np.ndarray, project: edgeq.Project = project) -> np.ndarray:
                (logits,) = project.simulate(x[:, 0]).values()
                return logits

            accuracy = _accuracy(in_integers, held_out[:, np.newaxis], labels, stream)
            vectors = held_out[:4].reshape(-1, 1, 8) if stream else held_out[:8]
            equal = [rung for rung in rungs if project.verify(on=rung, inputs=vectors).equal]
            rows.append((name, scheme, accuracy, equal))
    return rows


def _accuracy(
    compute: Callable[[np.ndarray], np.ndarray], digits: np.ndarray, labels: np.ndarray, stream: bool
) -> float:
    """Of a model that computes logits of arrays (n, 1, steps, width); one of streams is computed digit by digit."""
    logits = np.stack([compute(digit.reshape(-1, 1, 1, 8))[-1] for digit in digits]) if stream else compute(digits)
    return float(np.mean(logits.reshape(len(labels), -1).argmax(1) == labels))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--target", default="mps2-an386")
    options.add_argument("--folder", type=Path, default=Path("build/sequences"))
    options.add_argument("--verify", nargs="*", default=["host"], help="rungs: host, qemu")
    options.add_argument("--keep", action="store_true", help="use the models that are in the folder")
    arguments = options.parse_args()
    if not arguments.keep:
        print("training five sequence models on scikit-learn's digits ...", flush=True)
        train(arguments.folder)
    print(f"{'model':12} {'scheme':8} {'accuracy':>8}  equal, bit for bit, on")
    failed = False
    for name, scheme, accuracy, equal in measure(arguments.folder, arguments.target, arguments.verify):
        print(f"{name:12} {scheme:8} {accuracy:8.4f}  {', '.join(equal)}", flush=True)
        failed |= scheme != "float" and len(equal) < len(arguments.verify)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
