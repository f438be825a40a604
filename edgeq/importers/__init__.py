"""Model files → Graph. What is particular to a source format stays in this package."""

from __future__ import annotations

from pathlib import Path

from edgeq.errors import ModelError
from edgeq.ir import Graph

FORMATS = (".tflite", ".keras", ".h5", ".hdf5")


def load(path: Path) -> Graph:
    """Reads a model; the format follows from the file's extension, a folder is a SavedModel.

    Raises:
        ModelError: no such file, another format, or what the format's importer refuses.
    """
    hint = f"edgeq reads {', '.join(FORMATS)} and SavedModel folders"
    if path.is_dir():
        from edgeq.importers import saved_model

        if (path / saved_model.MARKER).is_file():
            return saved_model.load(path)
        raise ModelError("is a folder, but no SavedModel", where=str(path), hint=hint)
    if not path.exists():
        raise ModelError("no such file", where=str(path))
    suffix = path.suffix.lower()
    if suffix == ".tflite":
        from edgeq.importers import tflite

        return tflite.load(path)
    if suffix in FORMATS:
        from edgeq.importers import keras

        return keras.load(path)
    raise ModelError(f"unknown model format {suffix or 'without an extension'}", where=str(path), hint=hint)
