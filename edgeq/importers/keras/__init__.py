"""Keras models: `.keras` files of Keras 3 and legacy `.h5` files, read as data. Keras itself is never run.

Loading a model with Keras executes what the file asks for (Lambda layers, custom objects) and allocates what it claims.
This importer reads the configuration and the arrays instead, so it needs neither Keras nor TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras import layers as _layers  # noqa: F401  (registers the rules)
from edgeq.importers.keras.builder import GraphBuilder, Scope
from edgeq.importers.keras.container import KerasFile, read_keras_file
from edgeq.importers.keras.rules import find_rule, known_layers
from edgeq.importers.keras.topology import LayerSpec, ModelSpec, parse_model, walk
from edgeq.importers.keras.weights import assign_weights
from edgeq.ir import DType, Graph, State, verify_graph

__all__ = ["known_layers", "load"]


def load(path: str | Path) -> Graph:
    """The float32 graph of a Keras model, with a batch of 1. Tensors bear their layers' names, "/" joins nested ones.

    Raises:
        ModelError: the file is damaged or hostile, or layers in it are not supported: then one error names them all.
    """
    path = Path(path)
    file = read_keras_file(path)
    try:
        return _graph(file, path)
    except ModelError as error:
        where = f"{path}: {error.where}" if error.where and str(path) not in error.where else error.where or str(path)
        raise ModelError(error.what, where=where, hint=error.hint) from error


def _graph(file: KerasFile, path: Path) -> Graph:
    spec = parse_model(file.config)
    _refuse_unsupported(spec)
    builder = GraphBuilder(assign_weights(spec, file), file.major)
    outputs = builder.model(spec, Scope(), None)
    _check_integer_inputs(builder)
    states = (
        State(read, written, np.zeros(builder.tensors[read].shape, np.float32))
        for read, written in builder.states.items()
    )
    graph = Graph(
        spec.name,
        builder.tensors,
        tuple(builder.nodes),
        tuple(builder.inputs),
        tuple(outputs),
        source=str(path),
        states=tuple(states),
    )
    return verify_graph(graph.rewrite(), "import")


def _check_integer_inputs(builder: GraphBuilder) -> None:
    """Raises ModelError where an input of integers is read as a number, too."""
    inputs = {name for name in builder.inputs if builder.tensors[name].dtype is DType.INT32}
    for node in builder.nodes:
        for index, name in enumerate(node.inputs):
            if name in inputs and (node.op, index) != ("GATHER", 1):
                raise ModelError(
                    f"input {name!r} holds the indices of an embedding and is computed with, too",
                    where=node.loc,
                    hint="give the model two inputs",
                )


def _refuse_unsupported(spec: ModelSpec) -> None:
    """Raises one ModelError that names every layer without a rule or with options that its rule cannot express."""
    problems = [f"{name}: {reason}" for name, layer in walk(spec) if (reason := _problem(layer))]
    if problems:
        raise ModelError(
            "these layers are not supported:\n    " + "\n    ".join(problems),
            hint="replace them by supported layers, or leave them out of the exported model",
        )


def _problem(layer: LayerSpec) -> str:
    if layer.kind == "InputLayer":
        return ""
    if layer.kind in ("TFOpLambda", "SlicingOpLambda"):
        return f"tf.{layer.config.get('function')}, a function of TensorFlow's (write it with layers or keras.ops)"
    if "Lambda" in layer.kind:
        return f"{layer.kind} (Python code inside a model file is never run; write it with layers or keras.ops)"
    if layer.custom:
        return f"{layer.kind} (a custom class)"
    rule = find_rule(layer.kind)
    if rule is None:
        return layer.kind.replace("ops.", "keras.ops ")
    dtype = layer.config.get("dtype")
    if isinstance(dtype, Mapping) and "Quantized" in str(dtype.get("class_name")):
        return f"{layer.kind} quantized by Keras (give the float model)"
    reason = rule.check(layer.config)
    return f"{layer.kind} with {reason}" if reason else ""
