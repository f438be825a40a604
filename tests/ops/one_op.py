"""A graph with one node as a .tflite file, and what the reference interpreters make of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ai_edge_litert.interpreter as litert
import flatbuffers
import numpy as np

# before anything imports TensorFlow: the other way round, tflite-runtime crashes
import tflite_runtime.interpreter as tflite
from ai_edge_litert import schema_py_generated as schema
from tflite_micro import runtime as micro

from edgeq.ir import DType, Graph, Tensor
from edgeq.ops import Activation
from edgeq.ops.spatial import Padding

TFLITE_ACTIVATION = {
    Activation.NONE: schema.ActivationFunctionType.NONE,
    Activation.RELU: schema.ActivationFunctionType.RELU,
    Activation.RELU_N1_TO_1: schema.ActivationFunctionType.RELU_N1_TO_1,
    Activation.RELU6: schema.ActivationFunctionType.RELU6,
}
TFLITE_PADDING = {Padding.SAME: schema.Padding.SAME, Padding.VALID: schema.Padding.VALID}
TFLITE_TYPE = {
    DType.FLOAT32: schema.TensorType.FLOAT32,
    # what TFLite lacks is int8 in its files
    DType.BINARY: schema.TensorType.INT8,
    DType.TERNARY: schema.TensorType.INT8,
    DType.INT4: schema.TensorType.INT4,
    DType.INT8: schema.TensorType.INT8,
    DType.UINT8: schema.TensorType.UINT8,
    DType.INT16: schema.TensorType.INT16,
    DType.INT32: schema.TensorType.INT32,
    DType.INT64: schema.TensorType.INT64,
    DType.BOOL: schema.TensorType.BOOL,
}

_NOT_AMONG_REFERENCE_KERNELS = {
    getattr(schema.BuiltinOperator, name) for name in ("CEIL", "CUMSUM", "ELU", "ROUND", "SUM")
}
# operators that interpreters know only by later versions
_FIRST_VERSIONS = {"BROADCAST_TO": 2}


def options(name: str, **fields: Any) -> Any:
    """TFLite's options table `name`, such as "Conv2DOptions", with its fields set."""
    table = getattr(schema, f"{name}T")()
    for field, value in fields.items():
        if not hasattr(table, field):
            raise AttributeError(f"{name} has no field {field}")
        setattr(table, field, value)
    return table


def write_model(graph: Graph, tflite_options: Callable[[Any], Any]) -> bytes:
    """The graph as the contents of a .tflite file; its states are variable tensors of their only operator.

    Args:
        tflite_options: turns a node's attrs into its TFLite options table (None for an operator without one).
    """
    model = schema.ModelT()
    model.version = 3
    model.description = graph.name
    model.buffers = [schema.BufferT()]
    model.operatorCodes = []
    subgraph = schema.SubGraphT()
    index = {name: i for i, name in enumerate(graph.tensors)}
    subgraph.tensors = [_tensor(tensor, model.buffers) for tensor in graph.tensors.values()]
    subgraph.inputs = [index[name] for name in graph.inputs]
    subgraph.outputs = [index[name] for name in graph.outputs]
    subgraph.operators = []
    for state in graph.states:
        subgraph.tensors[index[state.read]].isVariable = True
    kept_to_itself = {state.written for state in graph.states}
    for node in graph.nodes:
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes)
        model.operatorCodes.append(_operator_code(node.op))
        operator.inputs = [index[name] if name else -1 for name in node.inputs]
        operator.outputs = [index[name] for name in node.outputs if name not in kept_to_itself]
        table = tflite_options(node.attrs)
        if table is not None:
            operator.builtinOptions = table
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(table).__name__.removesuffix("T"))
        subgraph.operators.append(operator)
    model.subgraphs = [subgraph]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _operator_code(op: str) -> Any:
    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = _FIRST_VERSIONS.get(op, 1)
    return code


def _tensor(tensor: Tensor, buffers: list) -> Any:
    """TFLite's tensor; a constant's bytes are appended to `buffers`."""
    result = schema.TensorT()
    result.name = tensor.name
    result.shape = list(tensor.shape)
    result.type = TFLITE_TYPE[tensor.dtype]
    result.buffer = 0
    if tensor.data is not None:
        buffer = schema.BufferT()
        values = tensor.data.tobytes() if tensor.dtype is not DType.INT4 else _halves(tensor.data.ravel().tolist())
        buffer.data = np.frombuffer(values, np.uint8)
        result.buffer = len(buffers)
        buffers.append(buffer)
    if tensor.quant is not None:
        quantization = schema.QuantizationParametersT()
        quantization.scale = [float(s) for s in tensor.quant.scale]
        quantization.zeroPoint = [int(z) for z in tensor.quant.zero_point]
        quantization.quantizedDimension = tensor.quant.axis or 0
        result.quantization = quantization
    return result


def _halves(values: list[int]) -> bytes:
    """4-bit integers, the first of two in the low half of their byte."""
    return bytes(
        sum((value % 16) << (4 * half) for half, value in enumerate(values[i : i + 2]))
        for i in range(0, len(values), 2)
    )


def run_tflite(model: bytes, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of tflite-runtime's reference kernels: every requantization rounds twice.

    Args:
        vectors: one array (n, *shape) per model input. Returns one such array per model output.
    """
    return _run(_interpreter(tflite, model), vectors)


def run_litert(model: bytes, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of ai-edge-litert's reference kernels: FULLY_CONNECTED rounds once, everything else twice."""
    return _run(_interpreter(litert, model), vectors)


def run_micro(model: bytes, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Results of TensorFlow Lite Micro's kernels."""
    interpreter = micro.Interpreter.from_bytes(model, arena_size=1 << 16)
    results = []
    for values in zip(*vectors, strict=True):
        for index, value in enumerate(values):
            interpreter.set_input(value, index)
        interpreter.invoke()
        results.append(interpreter.get_output(0))
    return [np.stack(results)]


def _interpreter(library: Any, model: bytes) -> Any:
    """With the reference kernels; with the default ones, without delegates, where an operator has no other."""
    operators = schema.ModelT.InitFromPackedBuf(model, 0).operatorCodes
    only_default = any(code.builtinCode in _NOT_AMONG_REFERENCE_KERNELS for code in operators)
    resolvers = library.OpResolverType
    resolver = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if only_default else resolvers.BUILTIN_REF
    return library.Interpreter(model_content=model, experimental_op_resolver_type=resolver)


def _run(interpreter: Any, vectors: Sequence[np.ndarray]) -> list[np.ndarray]:
    interpreter.allocate_tensors()
    results: list[list[np.ndarray]] = [[] for _ in interpreter.get_output_details()]
    for values in zip(*vectors, strict=True):
        for detail, value in zip(interpreter.get_input_details(), values, strict=True):
            interpreter.set_tensor(detail["index"], value)
        interpreter.invoke()
        for detail, result in zip(interpreter.get_output_details(), results, strict=True):
            result.append(interpreter.get_tensor(detail["index"]))
    return [np.stack(result) for result in results]
