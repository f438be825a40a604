"""Independent witnesses: TFLite's reference interpreters, with every tensor on show."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import ai_edge_litert.interpreter as litert
import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np
import tflite_runtime.interpreter as tflite

TFLITE, LITERT = tflite, litert


def expose_all(model: bytes) -> bytes:
    """The model with every computed tensor among its outputs: outputs are never overwritten by a later operator."""
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = parsed.subgraphs[0]
    computed = [int(i) for operator in graph.operators for i in operator.outputs]
    graph.outputs = computed
    parsed.signatureDefs = []
    builder = flatbuffers.Builder(len(model))
    builder.Finish(parsed.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def operators(model: bytes) -> set[str]:
    """Names of the operators in a file."""
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = schema.ModelT.InitFromPackedBuf(model, 0).operatorCodes
    return {names[max(code.builtinCode, code.deprecatedBuiltinCode)] for code in codes}


def run(model: bytes, inputs: Sequence[np.ndarray], library: ModuleType = TFLITE) -> dict[str, np.ndarray]:
    """Every computed tensor by name, (n, *shape), for inputs (n, *shape), by the library's reference kernels."""
    interpreter = library.Interpreter(
        model_content=expose_all(model), experimental_op_resolver_type=library.OpResolverType.BUILTIN_REF
    )
    interpreter.allocate_tensors()
    outputs = interpreter.get_output_details()
    collected: dict[str, list[np.ndarray]] = {detail["name"]: [] for detail in outputs}
    for vector in range(len(inputs[0])):
        for detail, x in zip(interpreter.get_input_details(), inputs, strict=True):
            interpreter.set_tensor(detail["index"], x[vector])
        interpreter.invoke()
        for detail in outputs:
            collected[detail["name"]].append(interpreter.get_tensor(detail["index"]))
    return {name: np.stack(arrays) for name, arrays in collected.items()}
