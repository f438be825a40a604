"""Mutations that know a format: a file of which every part is still readable reaches further than flipped bytes.

Each takes a file, a random generator, and `raw`, which mutates plain bytes (the fuzzer's own mutations, steered by
coverage). What cannot be taken apart is mutated as bytes.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from edgeq.importers.tflite import flatbuffer

Raw = Callable[[bytes], bytes]

_NUMBERS = (
    0,
    1,
    -1,
    2,
    3,
    7,
    127,
    255,
    1 << 15,
    1 << 16,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 32,
    1 << 63,
    10**40,
    0.5,
    1e300,
)
_VALUES = (*_NUMBERS, float("nan"), float("inf"), None, True, False, "", "same", "relu", "channels_first", [], {}, [[]])
_OPTIONS = {value: name for name, value in vars(schema.BuiltinOptions).items() if isinstance(value, int) and value}
_OPERATORS = sorted(v for v in vars(schema.BuiltinOperator).values() if isinstance(v, int))


def _any(rng: np.random.Generator, choices: Any) -> Any:
    return choices[int(rng.integers(len(choices)))]


# --- JSON ----------------------------------------------------------------------------------------------------------


def _places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value inside a document."""
    found, pending = [], [value]
    while pending:
        node = pending.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            found.append((node, key))
            pending.append(node[key])
    return found


def mutate_json(text: bytes, rng: np.random.Generator) -> bytes:
    """One to three values replaced by odd ones, by others of the document, or dropped."""
    document = json.loads(text)
    for _ in range(int(rng.integers(1, 4))):
        places = _places(document)
        if not places:
            break
        node, key = _any(rng, places)
        how = rng.random()
        if how < 0.5:
            node[key] = _any(rng, _VALUES)
        elif how < 0.75:
            other, at = _any(rng, places)
            # a copy: a document that holds itself cannot be written
            node[key] = json.loads(json.dumps(other[at]))
        elif how < 0.9:
            del node[key]
        elif isinstance(node, list):
            node.insert(key, json.loads(json.dumps(node[key])))
        else:
            node[f"{key}_"] = node.pop(key)
    return json.dumps(document).encode()


# --- formats -------------------------------------------------------------------------------------------------------


def keras(data: bytes, rng: np.random.Generator, raw: Raw) -> bytes:
    """The archive's configuration or arrays changed, and packed again with right checksums."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {info.filename: archive.read(info) for info in archive.infolist()[:8]}
        name = "config.json" if rng.random() < 0.7 else _any(rng, sorted(parts))
        how = rng.random()
        if how < 0.05:
            return raw(data)
        if how < 0.08:
            del parts[name]
        elif name == "config.json" and how < 0.9:
            parts[name] = mutate_json(parts[name], rng)
        else:
            parts[name] = raw(parts[name])
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for name, part in parts.items():
                archive.writestr(zipfile.ZipInfo(name), part)
        return out.getvalue()
    except Exception:  # whatever zipfile and json trip over: the file is damaged already
        return raw(data)


def h5(data: bytes, rng: np.random.Generator, raw: Raw) -> bytes:
    """The configuration inside the file changed where it finds room; else bytes."""
    start = data.find(b'{"class_name"')
    if start >= 0 and rng.random() < 0.6:
        try:
            text = data[start:].decode("latin-1")
            _, length = json.JSONDecoder().raw_decode(text)
            changed = mutate_json(text[:length].encode("latin-1"), rng)
            changed = json.dumps(json.loads(changed), separators=(",", ":")).encode()
            if len(changed) <= length:
                return data[:start] + changed.ljust(length) + data[start + length :]
        except Exception:  # as above
            return raw(data)
    return raw(data)


def tflite(data: bytes, rng: np.random.Generator, raw: Raw) -> bytes:
    """One to three fields of the model's tables set to odd values; half of the time bytes."""
    if rng.random() < 0.5 or len(data) > 1 << 16:
        return raw(data)
    try:
        flatbuffer._read_main_subgraph(data)  # what is too damaged for us may be endless for the schema's own reader
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        for _ in range(int(rng.integers(1, 4))):
            _mutate_tables(model, rng)
        builder = flatbuffers.Builder(len(data))
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
    except Exception:  # odd values do not fit every field
        return raw(data)


def _mutate_tables(model: Any, rng: np.random.Generator) -> None:
    graph = model.subgraphs[0]
    quants = [t.quantization for t in graph.tensors if t.quantization is not None]
    options = [o.builtinOptions for o in graph.operators if o.builtinOptions is not None]
    groups = [graph.tensors, quants, graph.operators, options * 2, model.operatorCodes, model.buffers, [graph]]
    table = _any(rng, _any(rng, [g for g in groups if g]))
    if isinstance(table, schema.OperatorT) and rng.random() < 0.3:
        kind = _any(rng, sorted(_OPTIONS))
        table.builtinOptionsType = kind
        table.builtinOptions = getattr(schema, f"{_OPTIONS[kind]}T")()
        return
    if isinstance(table, schema.OperatorCodeT):
        table.builtinCode = _any(rng, _OPERATORS)
        table.deprecatedBuiltinCode = min(table.builtinCode, 127)
        return
    field = _any(rng, sorted(vars(table)))
    setattr(table, field, _odd(getattr(table, field), rng))


def _odd(value: Any, rng: np.random.Generator) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, np.number)) and not isinstance(value, np.ndarray):
        return _any(rng, (value + 1, value - 1, *_NUMBERS))
    if value is None or isinstance(value, (list, np.ndarray)):
        items = [] if value is None else list(value)
        if items and rng.random() < 0.7:
            items[int(rng.integers(len(items)))] = _any(
                rng, (-1, 0, 1, 2, 3, 4, 127, -128, 65535, 1 << 30, (1 << 31) - 1)
            )
        elif items and rng.random() < 0.5:
            del items[int(rng.integers(len(items)))]
        else:
            items.append(int(rng.integers(-1, 5)))
        return np.array(items, value.dtype) if isinstance(value, np.ndarray) else items
    return value


MUTATIONS: dict[str, Callable[[bytes, np.random.Generator, Raw], bytes]] = {"tflite": tflite, "keras": keras, "h5": h5}
