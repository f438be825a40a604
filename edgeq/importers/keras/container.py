"""The two files Keras writes: `.keras` (a zip of JSON and HDF5) and legacy `.h5`. Both are untrusted input.

Nothing here, and nothing else in the importer, runs Keras: a model is its JSON configuration and its arrays, and both
are only read.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.trial import survive

MAX_CONFIG_BYTES = 64 << 20
MAX_WEIGHT_BYTES = 1 << 30
MAX_GROUP_DEPTH = 100
MAX_GROUPS = 4_000

_DAMAGED = "the file is truncated or damaged: save the model again with model.save(...)"


@dataclass(frozen=True, eq=False)
class KerasFile:
    """What a model file holds.

    Attributes:
        config: {"class_name": ..., "config": ...} of the model.
        weights: by layer. `.keras`: HDF5 paths such as "layers/dense/vars/0"; `.h5`: "<layer>/<index>", the index
            counting the layer's weights in saved order.
        legacy: the file is a `.h5`.
        major: major version of the Keras that wrote it (2 or 3).
    """

    config: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    legacy: bool
    major: int


def read_keras_file(path: Path) -> KerasFile:
    """Reads either format, told apart by content.

    Raises:
        ModelError: missing, damaged, of another kind, or larger than MAX_CONFIG_BYTES / MAX_WEIGHT_BYTES.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
    except OSError as error:
        raise ModelError(f"cannot read the model: {error.strerror or error}", where=str(path)) from error
    if magic.startswith(b"PK"):
        return _read_zip(path)
    if magic == b"\x89HDF\r\n\x1a\n":
        return _read_h5(path)
    raise ModelError(
        "this is neither a .keras nor a .h5 file", where=str(path), hint="save it with model.save('m.keras')"
    )


def _json(text: str | bytes, path: Path) -> Mapping[str, Any]:
    if len(text) > MAX_CONFIG_BYTES:
        raise ModelError(f"the configuration is larger than {MAX_CONFIG_BYTES >> 20} MiB", where=str(path))
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"the configuration is not valid JSON: {error}", where=str(path), hint=_DAMAGED) from error
    if not isinstance(document, dict):
        raise ModelError("the configuration is not a JSON object", where=str(path), hint=_DAMAGED)
    return document


def _major(version: Any, default: int) -> int:
    if isinstance(version, bytes):
        version = version.decode("utf-8", "replace")
    head = str(version).split(".")[0]
    return int(head) if head.isdigit() and len(head) < 4 else default


def _read_zip(path: Path) -> KerasFile:
    limits = {"config.json": MAX_CONFIG_BYTES, "metadata.json": 1 << 20, "model.weights.h5": MAX_WEIGHT_BYTES}
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for name, limit in limits.items():
                try:
                    info = archive.getinfo(name)
                except KeyError:
                    raise ModelError(f"the .keras archive lacks {name}", where=str(path), hint=_DAMAGED) from None
                with archive.open(info) as stream:
                    # the size in the directory may lie, so the reading itself is bounded
                    data = stream.read(limit + 1)
                if len(data) > limit:
                    raise ModelError(f"{name} is larger than {limit >> 20} MiB", where=str(path))
                members[name] = data
    except (
        zipfile.BadZipFile,
        OSError,
        ValueError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        zlib.error,
    ) as error:
        raise ModelError(f"damaged .keras archive: {error}", where=str(path), hint=_DAMAGED) from error
    config = _json(members["config.json"], path)
    metadata = _json(members["metadata.json"], path)
    weights = _with_h5(io.BytesIO(members["model.weights.h5"]), path, _vars_of)
    return KerasFile(config, weights, legacy=False, major=_major(metadata.get("keras_version"), 3))


def _read_h5(path: Path) -> KerasFile:
    return _with_h5(path, path, lambda h5, reader: _legacy_contents(h5, reader, path))


def _with_h5(source: Any, path: Path, read: Any) -> Any:
    """read(open HDF5 file, array reader), after a trial of the same, with HDF5's errors turned into ModelError."""
    survive(lambda: _open_h5(source, path, read), path.stat().st_size, str(path), _DAMAGED)
    return _open_h5(source, path, read)


def _open_h5(source: Any, path: Path, read: Any) -> Any:
    import h5py

    try:
        with h5py.File(source, "r") as h5:
            return read(h5, _ArrayReader(path))
    # h5py reports damage as any of these
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError, MemoryError) as error:
        raise ModelError(f"damaged HDF5 data: {error}", where=str(path), hint=_DAMAGED) from error


class _ArrayReader:
    """Reads datasets as float32, keeping the sum of their sizes below MAX_WEIGHT_BYTES."""

    def __init__(self, path: Path):
        self.path = path
        self.total = 0

    def read(self, dataset: Any) -> np.ndarray:
        import h5py

        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
            raise ModelError("a weight is not a numeric array", where=str(self.path), hint=_DAMAGED)
        # external storage and virtual datasets would read other files
        if dataset.external is not None or dataset.is_virtual:
            raise ModelError(f"the weight {dataset.name} is stored outside the file", where=str(self.path))
        self.total += max(dataset.size, 1) * max(dataset.dtype.itemsize, 4)
        if self.total > MAX_WEIGHT_BYTES:
            raise ModelError(f"the weights are larger than {MAX_WEIGHT_BYTES >> 20} MiB", where=str(self.path))
        array = np.asarray(dataset[()], np.float32)
        array.flags.writeable = False
        return array


def _child(group: Any, name: str) -> Any:
    """A member reached by a hard link: soft and external links could lead out of the file or in circles."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} is a link")
    return group[name]


def _descend(group: Any, path: str) -> Any:
    for part in filter(None, path.split("/")):
        group = _child(group, part)
    return group


def _vars_of(h5: Any, reader: _ArrayReader) -> dict[str, np.ndarray]:
    import h5py

    found: dict[str, np.ndarray] = {}
    # hard links may form cycles and, with two ways down at every level, exponentially many paths
    visited = 0
    pending = [("", h5, 0)]
    while pending:
        prefix, group, depth = pending.pop()
        visited += 1
        if depth > MAX_GROUP_DEPTH or visited > MAX_GROUPS:
            raise ValueError("the groups are nested too deeply, or there are too many")
        for name in sorted(group.keys()):
            member = _child(group, name)
            if isinstance(member, h5py.Group):
                pending.append((f"{prefix}{name}/", member, depth + 1))
            # seeds are variables too, but unsigned; counts of examples are signed
            elif prefix.endswith("vars/") and member.dtype.kind in "fi":
                found[prefix + name] = reader.read(member)
    return found


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _names(group: Any, attribute: str) -> list[str]:
    """A list of names kept in an attribute, split into chunks "<attribute>0", "1", … where it was too long for one."""
    if attribute in group.attrs:
        return [_text(v) for v in np.ravel(group.attrs[attribute])]
    names: list[str] = []
    chunk = 0
    while f"{attribute}{chunk}" in group.attrs:
        names += [_text(v) for v in np.ravel(group.attrs[f"{attribute}{chunk}"])]
        chunk += 1
    return names


def _legacy_contents(h5: Any, reader: _ArrayReader, path: Path) -> KerasFile:
    if "model_config" not in h5.attrs:
        raise ModelError(
            "this .h5 file holds weights only, the architecture is missing",
            where=str(path),
            hint="save the whole model: model.save(...) instead of model.save_weights(...)",
        )
    config = _json(h5.attrs["model_config"], path)
    root = _child(h5, "model_weights") if "model_weights" in h5 else h5
    weights: dict[str, np.ndarray] = {}
    for layer in _names(root, "layer_names"):
        group = _descend(root, layer)
        for index, name in enumerate(_names(group, "weight_names")):
            weights[f"{layer}/{index}"] = reader.read(_descend(group, name))
    return KerasFile(config, weights, legacy=True, major=_major(root.attrs.get("keras_version", "2"), 2))
