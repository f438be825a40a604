"""Handwritten digits, from training to an emulated Cortex-M4: the whole held-out set runs on the board.

python demo.py [--target BOARD] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

import edgeq
from edgeq.report import text

TRAIN = Path(__file__).with_name("train.py")


def train(folder: Path) -> float:
    """Runs train.py, in a process of its own: TensorFlow talks a lot. Returns the float accuracy."""
    result = subprocess.run([sys.executable, str(TRAIN), str(folder)], capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"training failed:\n{result.stderr}")
    return float(result.stdout.split()[-1])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--target", default="mps2-an386")
    options.add_argument("--folder", type=Path, default=Path("build/digits"))
    arguments = options.parse_args()
    folder: Path = arguments.folder

    print("training a small CNN on scikit-learn's digits ...", flush=True)
    float_accuracy = train(folder)
    print(f"building int8 firmware for {arguments.target} ...", flush=True)
    project = edgeq.build(
        folder / "digits.keras", arguments.target, calibration=folder / "calibration.npz", out=folder / "firmware"
    )
    held_out = np.load(folder / "test.npz")
    images, labels = held_out["images"], held_out["labels"]
    (simulated,) = project.simulate(images).values()
    print(f"running {len(images)} held-out images on the emulated board, over its UART ...", flush=True)
    (on_device,) = project.run(images, on="qemu").values()
    verified = project.verify(on=["host", "qemu"], inputs=images[:16])
    counted = project.profile()
    report = project.report()

    def accuracy(outputs: np.ndarray) -> float:
        return float(np.mean(outputs.reshape(len(labels), -1).argmax(1) == labels))

    print()
    print(text.profile(counted))
    print()
    print(f"float accuracy      {float_accuracy:.4f}   on {len(labels)} images that training never saw")
    print(f"simulator accuracy  {accuracy(simulated):.4f}")
    equal = np.array_equal(simulated, on_device)
    print(f"on-device accuracy  {accuracy(on_device):.4f}   outputs {'equal' if equal else 'DIFFER'}, bit for bit")
    print(text.verify(verified))
    flash, ram = report["flash"], report["ram"]
    print(f"flash {flash['total']:,} B ({flash['model_code']:,} model code, {flash['constants']:,} constants)")
    print(
        f"RAM   {ram['total']:,} B ({ram['arena']:,} arena, {ram['scratch']:,} scratch, {ram['stack']:,} stack bound)"
    )
    print(f"{counted['instructions']:,} instructions per inference, the firmware is in {project.folder}")
    return 0 if equal and verified.equal else 1


if __name__ == "__main__":
    sys.exit(main())
