"""Writes a Graph as a `.tflite` file: an independent interpreter can then run what edgeq quantized.

Read back, the file gives the same graph; TFLite's reference interpreter computes every tensor of it bit for bit as the
simulator does. Equal graphs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import numpy as np

from edgeq.errors import ModelError
from edgeq.exporters import lstm, variables
from edgeq.exporters.options import TYPES, ints, written, written_ops
from edgeq.ir import TFLITE_DESCRIPTION, DType, Graph, Node, Tensor, frozen_array, packed_int4
from edgeq.ops import find_op
from edgeq.passes.binary_inputs import OF_BINARY_INPUTS, spell_out_binary_inputs
from edgeq.passes.rewriting import unique_name

#: Kernels read constants in place, in vectors of up to this many bytes (the schema's force_align).
ALIGNMENT = 16


def exportable_ops() -> tuple[str, ...]:
    """Names of all operators that can be written, sorted."""
    return tuple(sorted((*written_ops(), *variables.OF_STATES, *OF_BINARY_INPUTS.values())))


def export_tflite(graph: Graph) -> bytes:
    """The graph as a TFLite flatbuffer.

    Raises:
        ModelError: TFLite cannot express an operator or a tensor type.
    """
    graph = spell_out_binary_inputs(graph)
    own = variables.of_operators(graph)
    with_states = lstm.with_variables(_with_shape_operands(graph))
    graph = with_states.graph
    names = list(graph.tensors)
    indices = {name: index for index, name in enumerate(names)} | {"": -1}
    buffers: list[schema.BufferT] = [_Buffer(b"")]  # buffer 0 is the empty one, by convention
    tensors = [_tensor(graph.tensors[name], buffers) for name in names]
    kept = with_states.variables | {state.read for state in own}
    for name in kept:
        tensors[indices[name]].isVariable = True
    codes: dict[tuple[str, int], int] = {}
    operators = [_operator(node, graph, indices, codes) for node in graph.nodes]
    for node, operator in zip(graph.nodes, operators, strict=True):
        if find_op(node.op).variables:
            variables.check_results(graph, node, kept)
            operator.outputs = operator.outputs[:1]
        if node.op == lstm.OP:
            inside = with_states.intermediates[node.outputs[0]]
            operator.intermediates = ints(range(len(tensors), len(tensors) + len(inside)))
            tensors += [_tensor(tensor, buffers) for tensor in inside]
    resources = variables.resources(
        [state for state in graph.states if state not in own],
        graph,
        indices,
        tensors,
        lambda name: codes.setdefault((name, 1), len(codes)),
        lambda tensor: _tensor(tensor, buffers),
    )
    main = schema.SubGraphT(
        tensors=tensors,
        inputs=ints([indices[name] for name in graph.inputs]),
        outputs=ints([indices[name] for name in graph.outputs]),
        operators=[*resources.before, *operators, *resources.after],
        name="main",
    )
    model = schema.ModelT(
        version=3,
        operatorCodes=[_operator_code(name, version) for name, version in codes],
        subgraphs=[main, *resources.once],
        description=TFLITE_DESCRIPTION,
        buffers=buffers,
    )
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _Buffer(schema.BufferT):
    """A buffer whose data is aligned: the generated Python packer ignores the schema's force_align."""

    def __init__(self, content: bytes):
        super().__init__()
        self.content = content

    def Pack(self, builder: flatbuffers.Builder) -> int:
        vector = None
        if self.content:
            builder.StartVector(1, len(self.content), ALIGNMENT)
            builder.head -= len(self.content)
            builder.Bytes[builder.head : builder.head + len(self.content)] = self.content
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector is not None:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _with_shape_operands(graph: Graph) -> Graph:
    """The graph with the new shape of every RESHAPE as a constant operand: some readers do not look at the options."""
    added, nodes = [], []
    for node in graph.nodes:
        if node.op == "RESHAPE" and len(node.inputs) == 1:
            shape = frozen_array(graph.results(node)[0].shape, np.int32)
            added.append(Tensor(unique_name(graph, f"{node.outputs[0]}/shape"), shape.shape, DType.INT32, data=shape))
            node = replace(node, inputs=(node.inputs[0], added[-1].name))
        nodes.append(node)
    return graph.rewrite(nodes, added) if added else graph


def _tensor(tensor: Tensor, buffers: list[schema.BufferT]) -> schema.TensorT:
    if tensor.dtype not in TYPES:
        raise ModelError(f"a .tflite file cannot hold {tensor.dtype.value} tensors of edgeq", where=tensor.name)
    buffer = 0
    if tensor.data is not None:
        stored = packed_int4(tensor.data) if tensor.dtype is DType.INT4 else tensor.data
        buffers.append(_Buffer(stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()))
        buffer = len(buffers) - 1
    quantization = None
    if tensor.quant is not None:
        quantization = schema.QuantizationParametersT(
            scale=tensor.quant.scale,
            zeroPoint=tensor.quant.zero_point,
            quantizedDimension=tensor.quant.axis or 0,
        )
    return schema.TensorT(
        shape=ints(tensor.shape),
        type=TYPES[tensor.dtype],
        buffer=buffer,
        name=tensor.name,
        quantization=quantization,
        hasRank=True,
    )


def _operator(
    node: Node, graph: Graph, indices: Mapping[str, int], codes: dict[tuple[str, int], int]
) -> schema.OperatorT:
    version, options = written(node, graph)
    _check_weights(node, graph)
    kind = type(options).__name__.removesuffix("T") if options is not None else "NONE"
    return schema.OperatorT(
        opcodeIndex=codes.setdefault((node.op, version), len(codes)),
        inputs=ints([indices[name] for name in node.inputs]),
        outputs=ints([indices[name] for name in node.outputs]),
        builtinOptionsType=getattr(schema.BuiltinOptions, kind),
        builtinOptions=options,
    )


def _check_weights(node: Node, graph: Graph) -> None:
    """Of zero points of weights TFLite knows that of a whole dense layer."""
    hint = "choose a scheme of symmetric weights per channel, such as int8 or int8x4"
    quants = [
        t.quant for t in graph.operands(node)[1:2] if t is not None and t.data is not None and t.quant is not None
    ]
    for quant in quants:
        if quant.blocks is not None:
            raise ModelError("a .tflite file cannot hold weights in blocks", where=node.loc, hint=hint)
        alone = node.op == "FULLY_CONNECTED" and quant.axis is None
        if find_op(node.op).finer_weights and not quant.is_plain and not alone:
            raise ModelError("TFLite computes no weights with a zero point for each channel", where=node.loc, hint=hint)


def _operator_code(name: str, version: int) -> schema.OperatorCodeT:
    code = getattr(schema.BuiltinOperator, name)
    # old readers know the one-byte field only, which ends at 127
    return schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version)
