"""SavedModel folders → Graph, by way of TensorFlow's own converter to TFLite.

A SavedModel is a program of TensorFlow operations, and only TensorFlow knows how all of them turn into operators. So it
is an optional dependency, and runs as a process of its own, with bounds on time and memory; a model with operations
that are known to reach outside it is refused before that. Keras' `.keras` and `.h5` files are read without any of this.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from edgeq.errors import ModelError
from edgeq.importers import tflite
from edgeq.ir import Graph

#: The file by which a folder is known as a SavedModel.
MARKER = "saved_model.pb"
MAX_BYTES = 512 << 20
MAX_FILES = 1_000
TIMEOUT = 600  # seconds
_LOG_BYTES = 4_096
_CONVERTER = Path(__file__).with_name("converter.py")


def load(folder: Path) -> Graph:
    """Converts the serving signature of a SavedModel, in float, and reads the result.

    Raises:
        ModelError: TensorFlow is not installed, it cannot convert the model within the bounds above, the model holds
            operations that read or write files or run Python, or what `tflite.load` refuses.
    """
    _check_size(folder)
    if importlib.util.find_spec("tensorflow") is None:
        raise ModelError(
            "a SavedModel is converted by TensorFlow, which is not installed",
            where=str(folder),
            hint="pip install 'edgeq[saved-model]'; or save the Keras model as .keras; "
            "or convert it elsewhere with tf.lite.TFLiteConverter.from_saved_model and give edgeq the .tflite file",
        )
    with tempfile.TemporaryDirectory(prefix="edgeq-") as scratch:
        converted = Path(scratch) / "model.tflite"
        _convert(folder, converted)
        try:
            graph = tflite.load(converted)
        except ModelError as error:
            where = error.where.replace(str(converted), str(folder))
            raise ModelError(error.what, where=where, hint=error.hint) from None
    return replace(graph, name=folder.resolve().name, source=str(folder))


def _check_size(folder: Path) -> None:
    size = 0
    for count, path in enumerate(folder.rglob("*"), start=1):
        size += path.stat().st_size if path.is_file() else 0
        if count > MAX_FILES or size > MAX_BYTES:
            raise ModelError(f"the folder exceeds {MAX_FILES:,} files or {MAX_BYTES:,} bytes", where=str(folder))


def _convert(folder: Path, converted: Path) -> None:
    refusal, log = converted.with_suffix(".refusal"), converted.with_suffix(".log")
    command = [sys.executable, "-P", str(_CONVERTER), str(folder.resolve()), str(converted), str(refusal)]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with log.open("wb") as stream:
        try:
            status = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, timeout=TIMEOUT, env=os.environ | quiet
            ).returncode
        except subprocess.TimeoutExpired:
            raise ModelError(f"TensorFlow did not convert it within {TIMEOUT} s", where=str(folder)) from None
    if refusal.exists():
        raise ModelError(refusal.read_text(), where=str(folder))
    if status != 0 or not converted.exists():
        said = log.read_bytes()[-_LOG_BYTES:].decode(errors="replace").strip().splitlines()
        raise ModelError(
            f"TensorFlow cannot convert this SavedModel: {said[-1] if said else f'exit status {status}'}",
            where=str(folder),
            hint=_hint("\n".join(said)),
        )


def _hint(said: str) -> str:
    """What to do about what TensorFlow said."""
    if "tensor list" in said.lower() or "TensorList" in said:
        return (
            "recurrent layers are converted with a fixed batch only: build the model with keras.Input(shape, "
            "batch_size=1); or save the Keras model as .keras"
        )
    return "save it again with model.export(folder); or save the Keras model as .keras"
