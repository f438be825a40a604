"""Files of Keras that are whole but for what was changed in them: groups, arrays, attributes and the configuration.

Bytes changed at random seldom leave a HDF5 file that opens. These are changed through h5py, a third of them in some
bytes too. A worker process reads one after the other; it is ended where it takes too long, and another one goes on.

    python -m tests.fuzz.structured FORMAT FOLDER RUNS
"""

from __future__ import annotations

import io
import json
import multiprocessing
import resource
import sys
import zipfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from .mutations import mutate_json
from .seeds import write_seeds
from .watching import Fuzzer

ADDRESS_SPACE = 6 << 30  # bytes: a worker that wants more than that ends
PATIENCE = 60  # seconds by the clock for one file: others use the processor too
_ODD = (np.float64, np.float16, np.int8, np.uint64, np.int32, bool, "S3")
_TEXTS = ("", "model_config", "layers", "vars", "0", "..", "/", "a/b", "\x00", "é" * 300)


def _any(rng: np.random.Generator, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


# --- one change of an open file --------------------------------------------------------------------------------------


def _objects(file: h5py.File, kind: type) -> list[str]:
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, kind) else None)
    return sorted(found)


def _reshape(file: h5py.File, rng: np.random.Generator) -> None:
    """An array of another shape or type, or stored in another way."""
    names = _objects(file, h5py.Dataset)
    if not names:
        return
    name = _any(rng, names)
    shape = list(file[name].shape)
    how = rng.random()
    if shape and how < 0.5:
        axis = int(rng.integers(len(shape)))
        shape[axis] = _any(rng, (0, 1, 2, shape[axis] + 1, max(0, shape[axis] - 1), 70_000))
    elif how < 0.7:
        shape = shape[::-1]
    elif how < 0.85:
        shape = [*shape, 1]
    del file[name]
    dtype = _any(rng, _ODD) if rng.random() < 0.3 else np.float32
    size = int(np.prod(shape, dtype=np.int64))
    if size > 1 << 16 or rng.random() < 0.1:
        # stored nowhere: gigabytes in some bytes
        file.create_dataset(
            name, [d * int(_any(rng, (1, 1 << 12))) for d in shape], dtype, chunks=True if size else None
        )
    elif rng.random() < 0.2 and size:
        file.create_dataset(name, shape, dtype, compression="gzip", shuffle=True)
    else:
        values = _any(rng, (0, 1, -1, np.nan, np.inf, 1e38)) if rng.random() < 0.5 else rng.standard_normal(shape)
        with np.errstate(all="ignore"):
            file.create_dataset(name, data=np.broadcast_to(np.asarray(values), shape).astype(dtype))


def _move(file: h5py.File, rng: np.random.Generator) -> None:
    """An object gone, under another name, or a link in its place."""
    names = _objects(file, h5py.HLObject)
    if not names:
        return
    name = _any(rng, names)
    how = rng.random()
    if how < 0.3:
        del file[name]
        return
    target = f"{name.rpartition('/')[0]}/{_any(rng, _TEXTS) or 'x'}".replace("\x00", "")
    if how < 0.6:
        file.move(name, target + str(int(rng.integers(3))))
        return
    del file[name]
    links = (h5py.SoftLink("/"), h5py.SoftLink(f"/{name}"), h5py.ExternalLink("/etc/passwd", "/"),
             h5py.ExternalLink("model.h5", f"/{name}"))  # fmt: skip
    if how < 0.85:
        file[name] = _any(rng, links)
    elif how < 0.95:
        file[name] = file["/"]
    else:
        file.create_group(name)


def _attribute(file: h5py.File, rng: np.random.Generator) -> None:
    """An attribute of another value or type, or gone."""
    places = [(name, key) for name in ("/", *_objects(file, h5py.HLObject)) for key in file[name].attrs]
    if not places:
        return
    name, key = _any(rng, places)
    attrs = file[name].attrs
    how = rng.random()
    if how < 0.2:
        del attrs[key]
    elif how < 0.5 and isinstance(attrs[key], np.ndarray) and attrs[key].size:
        values = list(attrs[key])
        values[int(rng.integers(len(values)))] = _any(rng, values) if rng.random() < 0.5 else b"../x"
        attrs[key] = values[: len(values) - int(rng.integers(2))]
    else:
        attrs[key] = _any(
            rng, ("", "2.12.0", "99", 7, np.arange(4), np.float64("nan"), b"\xff\xfe", [b"a", b"b"], "null")
        )


def _configuration(file: h5py.File, rng: np.random.Generator) -> None:
    text = file.attrs.get("model_config")
    if isinstance(text, (str, bytes)):
        file.attrs["model_config"] = mutate_json(text.encode() if isinstance(text, str) else text, rng).decode()


_CHANGES: tuple[Callable[[h5py.File, np.random.Generator], None], ...] = (_reshape, _move, _attribute)


def changed_h5(data: bytes, rng: np.random.Generator) -> bytes:
    """The file after one to three changes, in a third of all cases with some bytes changed besides."""
    room = io.BytesIO(data)
    with h5py.File(room, "r+") as file:
        for _ in range(int(rng.integers(1, 4))):
            change = _configuration if "model_config" in file.attrs and rng.random() < 0.5 else _any(rng, _CHANGES)
            try:
                change(file, rng)
            except (KeyError, ValueError, TypeError, OSError, RuntimeError, UnicodeError):
                continue  # what h5py does not let itself be talked into, or what an earlier change took away
    raw = bytearray(room.getvalue())
    if rng.random() < 1 / 3:
        for at in rng.integers(0, len(raw), int(rng.integers(1, 9))):
            raw[at] = int(rng.integers(256))
    return bytes(raw)


def changed_keras(data: bytes, rng: np.random.Generator) -> bytes:
    """The archive with its configuration or its arrays changed."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    if rng.random() < 0.5:
        parts["config.json"] = mutate_json(parts["config.json"], rng)
    if rng.random() < 0.6:
        parts["model.weights.h5"] = changed_h5(parts["model.weights.h5"], rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return out.getvalue()


CHANGED = {"h5": changed_h5, "keras": changed_keras}


# --- workers ---------------------------------------------------------------------------------------------------------


def _work(kind: str, folder: Path, orders: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    fuzzer = Fuzzer(kind, folder)
    while True:
        fuzzer.one(orders.recv_bytes())
        orders.send(fuzzer.counts)


class Worker:
    """A process that reads files."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._orders, theirs = multiprocessing.Pipe()
        self._process = multiprocessing.get_context("fork").Process(target=_work, args=(kind, folder, theirs))
        self._process.start()
        theirs.close()

    def reads(self, data: bytes) -> bool:
        """Whether it comes back."""
        try:
            self._orders.send_bytes(data)
            if not self._orders.poll(PATIENCE):
                return False
            self._orders.recv()
        except (EOFError, OSError):
            return False
        return True

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._orders.close()


def fuzz(kind: str, folder: Path, runs: int) -> None:
    """Goes on from an earlier run in that folder until so many files are read. Those that end the worker are kept in
    FOLDER/ended."""
    corpus, ended, state = folder / "corpus", folder / "ended", folder / "state.json"
    ended.mkdir(parents=True, exist_ok=True)
    if not corpus.exists():
        write_seeds(kind, corpus)
    seeds = [path.read_bytes() for path in sorted(corpus.glob("seed-*"))]
    done = json.loads(state.read_text())["runs"] if state.exists() else 0
    worker = Worker(kind, folder)
    try:
        for run in range(done, runs):
            rng = np.random.default_rng([run, len(seeds)])
            data = CHANGED[kind](_any(rng, seeds), rng)
            if not worker.reads(data):
                (ended / f"run-{run:07}").write_bytes(data)
                worker.end()
                worker = Worker(kind, folder)
    finally:
        worker.end()


if __name__ == "__main__":
    fuzz(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
