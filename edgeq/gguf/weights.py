"""A float model's weights to and from GGUF files, by the names that its tensors have."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from edgeq.errors import ModelError
from edgeq.gguf.codecs import BLOCK, GgmlType
from edgeq.gguf.container import GgufFile, gguf_bytes
from edgeq.ir import DType, Graph, Tensor, frozen_array
from edgeq.ops import find_op

#: The schemes whose blocks GGUF has.
TYPES_OF_SCHEMES: Mapping[str, GgmlType] = MappingProxyType(
    {each.name.lower(): each for each in (GgmlType.Q8_0, GgmlType.Q4_0, GgmlType.Q4_1)}
)
# What GGUF calls a file by the type of most of its tensors ("general.file_type").
_FILE_TYPES = {GgmlType.F32: 0, GgmlType.Q4_0: 2, GgmlType.Q4_1: 3, GgmlType.Q8_0: 7}
_NAMES_SHOWN = 6


def _constants(graph: Graph) -> dict[str, Tensor]:
    """What training has found, by name: the float constants that layers read."""
    read = dict.fromkeys(name for node in graph.nodes for name in node.inputs if name)
    found = (graph.tensors[name] for name in read)
    return {t.name: t for t in found if t.data is not None and t.dtype is DType.FLOAT32}


def _blocked(graph: Graph) -> set[str]:
    """Names of the weights that firmware can have in blocks."""
    found = set()
    for node in graph.nodes:
        op = find_op(node.op)
        if op is not None and op.finer_weights:
            found.add(node.inputs[op.quant_rule(node.attrs).weight])
    return found


def export_gguf(graph: Graph, kind: GgmlType = GgmlType.F32) -> tuple[bytes, tuple[str, ...]]:
    """The model's float constants as a GGUF file, and the names of those in blocks.

    Weights of convolutions and dense layers become matrices (channels, weights of one) of that type, where a channel
    has a multiple of 32; everything else keeps its shape, in F32 (scalars as one value).

    Raises:
        ModelError: the model has no float weights, or weights whose blocks float16 scales cannot hold.
    """
    constants, blocked = _constants(graph), _blocked(graph)
    if not constants:
        raise ModelError("the model has no float weights", where=graph.source, hint="give the float model")
    tensors, names = [], []
    for name, tensor in constants.items():
        values, stored = np.atleast_1d(tensor.data), GgmlType.F32
        if not name:
            raise ModelError("a tensor without a name cannot be stored", where=graph.source)
        if name in blocked and kind is not GgmlType.F32 and tensor.size // max(1, tensor.shape[0]) % BLOCK == 0:
            values, stored = values.reshape(tensor.shape[0], -1), kind
            names.append(name)
            largest = float(np.abs(values).max(initial=0.0))
            if not largest < float(np.finfo(np.float16).max):
                raise ModelError(f"weights of up to {largest:.3g} leave float16's range", where=name)
        # GGUF has four axes at most
        tensors.append((name, values if values.ndim <= 4 else values.reshape(values.shape[0], -1), stored))
    metadata = {
        "general.architecture": "edgeq",
        "general.name": graph.name,
        "general.file_type": _FILE_TYPES[kind],
        "general.quantization_version": 2,
    }
    return gguf_bytes(metadata, tensors), tuple(names)


def with_weights(graph: Graph, path: Path) -> Graph:
    """The float graph with the weights of a GGUF file in place of its own, by name.

    A file's tensor has the shape that the model's has, or is a matrix with the same rows. What the file does not name
    stays.

    Raises:
        ModelError: the file cannot be read, names what the model lacks, or a shape differs.
    """
    if not any(t.dtype is DType.FLOAT32 and t.data is not None for t in graph.tensors.values()):
        raise ModelError("the model has no float weights to replace", where=graph.source, hint="give the float model")
    file, constants = GgufFile(path), _constants(graph)
    unknown = [name for name in file.tensors if name not in constants]
    if unknown or not file.tensors:
        more = ", …" if len(unknown) > _NAMES_SHOWN else ""
        known = ", ".join(list(constants)[:_NAMES_SHOWN])
        listed = ", ".join(map(repr, unknown[:_NAMES_SHOWN]))
        raise ModelError(
            f"the model has no weights named {listed}{more}" if unknown else "the file holds no tensors",
            where=str(path),
            hint=f"`edgeq export MODEL -o FILE.gguf` writes a file with the model's names: {known}, …",
        )
    replaced = []
    for name, stored in file.tensors.items():
        tensor = constants[name]
        shape = tensor.shape or (1,)
        if stored.shape not in (shape, (shape[0], tensor.size // max(1, shape[0]))):
            raise ModelError(
                f"tensor {name!r} has shape {list(stored.shape)}, the model's has {list(tensor.shape)}", where=str(path)
            )
        values = frozen_array(file.values(name).reshape(tensor.shape), np.float32)
        replaced.append(dataclasses.replace(tensor, data=values))
    return graph.rewrite(tensors=replaced)
