"""Bounded reading of a `.tflite` flatbuffer into plain frozen records.

The file is hostile until read: every count is checked against what the file could hold before anything is allocated,
and whatever the flatbuffer accessors trip over becomes a ModelError.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import ai_edge_litert.schema_py_generated as schema
import numpy as np

from edgeq.errors import ModelError
from edgeq.ir import DType, QuantParams, Tensor, frozen_array, unpacked_int4

MAX_FILE_BYTES = 512 << 20
MAX_TENSORS = 20_000
MAX_OPERATORS = 20_000
MAX_RANK = 8
MAX_NAME_BYTES = 4_096
MAX_ELEMENTS = 1 << 31

_DTYPES = {
    schema.TensorType.FLOAT32: DType.FLOAT32,
    schema.TensorType.FLOAT16: DType.FLOAT16,
    schema.TensorType.INT4: DType.INT4,
    schema.TensorType.INT8: DType.INT8,
    schema.TensorType.INT16: DType.INT16,
    schema.TensorType.INT32: DType.INT32,
    schema.TensorType.INT64: DType.INT64,
    schema.TensorType.UINT8: DType.UINT8,
    schema.TensorType.BOOL: DType.BOOL,
}

# What to do about tensors of other types.
_OTHER_TYPES = {
    "STRING": "turn text into numbers before the model",
    "VARIANT": "convert with lists of a fixed length, or without them",
}
_CAST = "cast these values to float32 or an integer type in the model"
_DETAILS = {
    "BlockwiseQuantization": "blockwise quantization",
    "CustomQuantization": "custom quantization",
    "MultiAxisQuantization": "quantization along several axes",
}

# What a damaged table raises inside the flatbuffers accessors: reads past the end, absurd offsets, bad UTF-8.
DAMAGE = (struct.error, IndexError, ValueError, TypeError, OverflowError, KeyError, AttributeError, MemoryError)


@cache
def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


@dataclass(frozen=True)
class Operator:
    """One operator as stored: builtin name, tensor indices (−1: absent operand), its options table, and
    tensors that only tell how it is quantized inside."""

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any
    intermediates: tuple[int, ...] = ()


class UnsupportedTensor(ModelError):
    """A tensor of a sound file in a format that edgeq does not know."""


@dataclass(frozen=True)
class File:
    """The main subgraph of a file; operators refer to tensors by index. Tensor names are unique.

    Attributes:
        open: tensors with dimensions that the file leaves open; their declared shapes are guesses.
        scaleless: computed tensors whose scale in the file is 0, here the least that there is: `check_scales`.
        variables: tensors that live across inferences. handles: tensors that stand for resource variables; their type
            and shape here mean nothing.
        once: subgraphs that a CALL_ONCE names, by number.
        problems: what is not supported of its tensors; empty ones stand in for these.
        description: of the model.
    """

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    open: frozenset[int]
    scaleless: frozenset[int] = frozenset()
    variables: frozenset[int] = frozenset()
    handles: frozenset[int] = frozenset()
    once: Mapping[int, File] = field(default_factory=dict)
    problems: tuple[UnsupportedTensor, ...] = ()
    description: str = ""


def read(path: Path) -> File:
    """Reads the main subgraph of a `.tflite` file.

    Raises:
        ModelError: the file is missing, empty, not a flatbuffer of TFLite's schema, damaged, or beyond the limits
            above.
    """
    where = str(path)
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"the file has {size:,} bytes, the limit is {MAX_FILE_BYTES:,}", where=where)
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the model: {error.strerror}", where=where) from None
    hint = "export the model again; a .tflite file has the bytes 'TFL3' at offset 4"
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise ModelError("not a TFLite model" if data else "the file is empty", where=where, hint=hint)
    try:
        return _read_main_subgraph(data)
    except ModelError as error:
        raise ModelError(
            error.what, where=f"{where}: {error.where}" if error.where else where, hint=error.hint
        ) from None
    except DAMAGE as error:
        raise ModelError(
            f"damaged or truncated TFLite model ({type(error).__name__})", where=where, hint=hint
        ) from error


def _bounded(count: int, limit: int, what: str) -> int:
    if count > limit:
        raise ModelError(f"the file claims {count:,} {what}, the limit is {limit:,}")
    return count


def _read_main_subgraph(data: bytes) -> File:
    model = schema.Model.GetRootAs(data, 0)
    if model.Version() != 3:
        raise ModelError(f"TFLite schema version {model.Version()}, version 3 is supported")
    if model.SubgraphsLength() < 1:
        raise ModelError("the model has no subgraph")
    main = _read_subgraph(model, 0, data)
    calls = [operator.options for operator in main.operators if operator.name == "CALL_ONCE"]
    numbers = sorted({options.InitSubgraphIndex() for options in calls if options is not None})
    if numbers and not 0 < numbers[0] <= numbers[-1] < model.SubgraphsLength():
        raise ModelError(f"CALL_ONCE of subgraphs {numbers}, there are {model.SubgraphsLength()}")
    once = {number: _read_subgraph(model, number, data) for number in numbers}
    problems = (*main.problems, *(problem for file in once.values() for problem in file.problems))
    return replace(main, once=once, problems=problems, description=_text(model.Description()))


def _read_subgraph(model: Any, number: int, data: bytes) -> File:
    graph = model.Subgraphs(number)
    count = _bounded(graph.TensorsLength(), MAX_TENSORS, "tensors")
    buffers = _bounded(model.BuffersLength(), MAX_TENSORS * 4, "buffers")
    names: set[str] = set()
    tensors, problems = [], []
    for index in range(count):
        try:
            tensors.append(_read_tensor(model, graph.Tensors(index), index, buffers, data, names))
        except UnsupportedTensor as problem:
            problems.append(problem)
            tensors.append(Tensor(problem.where, (), DType.UINT8))
    codes = _bounded(model.OperatorCodesLength(), MAX_OPERATORS, "operator codes")
    code_names = [_operator_name(model.OperatorCodes(i)) for i in range(codes)]
    operators = tuple(
        _read_operator(graph.Operators(i), code_names, count)
        for i in range(_bounded(graph.OperatorsLength(), MAX_OPERATORS, "operators"))
    )
    inputs = _indices(graph.InputsLength, graph.Inputs, count, optional=False)
    outputs = _indices(graph.OutputsLength, graph.Outputs, count, optional=False)
    is_open = (index for index, tensor in enumerate(tensors) if _is_open(graph.Tensors(index), tensor))
    scaleless = (i for i, tensor in enumerate(tensors) if tensor.data is None and _has_scale_zero(graph.Tensors(i)))
    variables = (index for index in range(count) if graph.Tensors(index).IsVariable())
    handles = (index for index in range(count) if graph.Tensors(index).Type() == schema.TensorType.RESOURCE)
    return File(
        tensors=tuple(tensors),
        operators=operators,
        inputs=inputs,
        outputs=outputs,
        open=frozenset(is_open),
        scaleless=frozenset(scaleless),
        variables=frozenset(variables),
        handles=frozenset(handles),
        problems=tuple(problems),
    )


def _is_open(table: Any, tensor: Tensor) -> bool:
    rank = min(table.ShapeSignatureLength(), MAX_RANK)
    return tensor.data is None and any(table.ShapeSignature(axis) == -1 for axis in range(rank))


def _has_scale_zero(table: Any) -> bool:
    quantization = table.Quantization()
    return quantization is not None and quantization.ScaleLength() == 1 and quantization.Scale(0) == 0


def check_scales(file: File) -> None:
    """Raises ModelError where an operator computes a tensor of scale 0, which says nothing of its values."""
    for index in sorted(file.scaleless.intersection(i for operator in file.operators for i in operator.outputs)):
        raise ModelError(
            "has the scale 0: all the data that the file was calibrated with made it 0",
            where=file.tensors[index].name,
            hint="convert again with representative data that reach this layer",
        )


def _operator_name(code: Any) -> str:
    # files of schema 3 keep codes below 127 in the deprecated byte field
    builtin = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    name = _names(schema.BuiltinOperator).get(builtin)
    if name is None:
        raise ModelError(f"unknown builtin operator code {builtin}")
    if name == "CUSTOM":
        return f"CUSTOM:{_text(code.CustomCode())}"
    return name


def _text(raw: bytes | None) -> str:
    return (raw or b"")[:MAX_NAME_BYTES].decode("utf-8", errors="replace")


def _indices(length: Callable[[], int], get: Callable[[int], int], tensors: int, *, optional: bool) -> tuple[int, ...]:
    values = tuple(get(i) for i in range(_bounded(length(), 4 * MAX_RANK * 64, "operands")))
    for value in values:
        if not (0 <= value < tensors or (optional and value == -1)):
            raise ModelError(f"an operand refers to tensor {value}, there are {tensors}")
    return values


def _read_operator(operator: Any, code_names: list[str], tensors: int) -> Operator:
    index = operator.OpcodeIndex()
    if index >= len(code_names):
        raise ModelError(f"operator code {index} does not exist")
    options = None
    table = operator.BuiltinOptions()
    if table is not None:
        type_name = _names(schema.BuiltinOptions).get(operator.BuiltinOptionsType(), "NONE")
        if type_name != "NONE":
            options = getattr(schema, type_name)()
            options.Init(table.Bytes, table.Pos)
    return Operator(
        code_names[index],
        _indices(operator.InputsLength, operator.Inputs, tensors, optional=True),
        _indices(operator.OutputsLength, operator.Outputs, tensors, optional=False),
        options,
        _indices(operator.IntermediatesLength, operator.Intermediates, tensors, optional=False),
    )


def _read_tensor(model: Any, tensor: Any, index: int, buffers: int, data: bytes, names: set[str]) -> Tensor:
    name = _text(tensor.Name()) or f"tensor_{index}"
    if name in names:
        name = f"{name}#{index}"
    names.add(name)
    if tensor.Type() == schema.TensorType.RESOURCE:
        return Tensor(name, (), DType.BOOL)
    dtype = _DTYPES.get(tensor.Type())
    if dtype is None:
        kind = _names(schema.TensorType).get(tensor.Type(), str(tensor.Type()))
        raise UnsupportedTensor(f"tensor type {kind} is not supported", where=name, hint=_OTHER_TYPES.get(kind, _CAST))
    if tensor.Sparsity() is not None:
        raise UnsupportedTensor(
            "sparse tensors are not supported", where=name, hint="convert without Optimize.EXPERIMENTAL_SPARSITY"
        )
    rank = _bounded(tensor.ShapeLength(), MAX_RANK, "dimensions")
    shape = tuple(tensor.Shape(i) for i in range(rank))
    if any(d < 0 for d in shape):
        raise ModelError(
            f"shape {list(shape)} has a negative dimension", where=name, hint="give the model a fixed input shape"
        )
    elements = 1
    for d in shape:
        elements *= d
    _bounded(elements, MAX_ELEMENTS, f"elements in tensor {name!r}")
    values = None
    if not 0 <= tensor.Buffer() < buffers:
        raise ModelError(f"buffer {tensor.Buffer()} does not exist", where=name)
    stored = _buffer(model.Buffers(tensor.Buffer()), data)
    if stored is not None:
        # int4 is stored two to a byte
        needed = -(-elements // 2) if dtype is DType.INT4 else elements * dtype.itemsize
        if len(stored) != needed:
            raise ModelError(
                f"holds {len(stored):,} bytes, {dtype.value} {list(shape)} needs {needed:,}",
                where=name,
            )
        if dtype is DType.INT4:
            values = frozen_array(unpacked_int4(np.frombuffer(stored, np.int8), shape))
        else:
            values = np.frombuffer(stored, dtype.numpy.newbyteorder("<")).reshape(shape)
    may_be_zero = values is None or not values.any()
    return Tensor(name, shape, dtype, _read_quantization(tensor.Quantization(), shape, name, may_be_zero), values)


def _buffer(buffer: Any, data: bytes) -> memoryview | None:
    """The bytes of a buffer; models beyond 2 GB keep them behind the flatbuffer, by offset."""
    if buffer.Offset() > 1:
        start, size = buffer.Offset(), buffer.Size()
        if start + size > len(data):
            raise ModelError("a constant lies beyond the end of the file")
        return memoryview(data)[start : start + size]
    if buffer.DataLength() == 0:
        return None
    return memoryview(buffer.DataAsNumpy())


def _read_quantization(quantization: Any, shape: tuple[int, ...], name: str, may_be_zero: bool) -> QuantParams | None:
    if quantization is None:
        return None
    if quantization.DetailsType() != 0:
        kind = _names(schema.QuantizationDetails).get(quantization.DetailsType(), "an unknown kind of quantization")
        raise UnsupportedTensor(
            f"{_DETAILS.get(kind, kind)} is not supported",
            where=name,
            hint="convert with int8 weights per channel, or give edgeq the float model",
        )
    if quantization.ScaleLength() == 0:
        return None
    scales, zeros = quantization.ScaleAsNumpy(), quantization.ZeroPointAsNumpy()
    if quantization.ZeroPointLength() == 0:
        zeros = np.zeros(len(scales), np.int64)
    axis = quantization.QuantizedDimension() if len(scales) > 1 else None
    if axis is not None and not 0 <= axis < len(shape):
        raise ModelError(f"quantized along axis {axis} of a tensor of rank {len(shape)}", where=name)
    if len(zeros) == 1 and len(scales) > 1:
        zeros = np.repeat(zeros, len(scales))
    if may_be_zero:
        # converters give a constant of zeros the scale 0: any other says the same, the least of them no less exactly
        scales = np.where((scales == 0) & (zeros == 0), np.finfo(np.float32).tiny, scales)
    try:
        return QuantParams(scales, zeros, axis)
    except ModelError as error:
        raise ModelError(error.what, where=name) from None
