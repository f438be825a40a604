"""Graph → Program: every operator becomes integers, every layer gets a kernel."""

from __future__ import annotations

from edgeq.errors import ModelError, QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.importers.advice import ways_out
from edgeq.ir import Graph, Node, verify_graph
from edgeq.kernels import KernelSetting, Optimize, choose_kernel
from edgeq.naming import c_identifier, unique
from edgeq.ops import find_op
from edgeq.persistence import bind_states, free_outputs
from edgeq.program import KernelCall, Program, ProgramTensor
from edgeq.target import Cpu


def unsupported(graph: Graph) -> tuple[Node, ...]:
    """The nodes whose operator is not known."""
    return tuple(node for node in graph.nodes if find_op(node.op) is None)


def check_supported(graph: Graph) -> Graph:
    """Returns the graph; raises one ModelError that lists every unsupported operator with its layers."""
    missing: dict[str, list[str]] = {}
    for node in unsupported(graph):
        missing.setdefault(node.op, []).append(node.loc)
    if missing:
        listed = "; ".join(f"{op} ({', '.join(layers)})" for op, layers in sorted(missing.items()))
        raise ModelError(
            f"unsupported operators: {listed}",
            where=graph.source or graph.name,
            hint=ways_out(sorted(missing)),
        )
    return graph


def lower(
    graph: Graph,
    cpu: Cpu,
    dialect: Dialect = Dialect.DOUBLE,
    kernels: KernelSetting = KernelSetting.AUTO,
    optimize: Optimize = Optimize.SPEED,
) -> Program:
    """Lowers a quantized graph for a core. Its states get storage, and copies where they need them. With Optimize.RAM
    every layer gets the kernel that needs least.

    Raises:
        ModelError: an operator is not supported, or an output is a constant.
        QuantizationError: a tensor is not quantized as its operator needs, an accumulator can overflow, or no kernel
            runs the layer. Names the layer.
    """
    check_supported(graph)
    graph = free_outputs(verify_graph(graph, "quantization"))
    for name in graph.outputs:
        if graph.tensors[name].is_constant:
            raise ModelError(
                f"output {name!r} is a constant: it depends on no input",
                where=graph.source,
                hint="leave it out of the model's outputs",
            )
    names = layer_names(graph)
    tensors: dict[str, ProgramTensor] = {}

    def declare(name: str, alias_of: str = "") -> None:
        if name not in tensors:
            t = graph.tensors[name]
            tensors[name] = ProgramTensor(t.name, t.shape, t.dtype, t.quant, t.data, alias_of)

    for name in graph.sources:
        declare(name)
    calls = []
    for node, layer in zip(graph.nodes, names, strict=True):
        op = find_op(node.op)
        if op.alias:
            source = node.inputs[0]
            declare(source)
            declare(node.outputs[0], alias_of=tensors[source].alias_of or source)
            continue
        try:
            lowered = op.lower(node, graph, dialect)
        except QuantizationError as error:
            raise QuantizationError(error.what, where=node.loc or layer, hint=error.hint) from None
        for name in (*lowered.inputs, *node.outputs):
            declare(name)
        sizes = tensors[lowered.inputs[0]].nbytes if lowered.inputs else 0, tensors[node.outputs[0]].nbytes
        kernel = choose_kernel(node.op, lowered.params, cpu, layer, kernels, optimize, sizes)
        prepare = kernel.small_extras if optimize is Optimize.SIZE else kernel.extras
        calls.append(
            KernelCall(
                name=layer,
                op=node.op,
                kernel=kernel.name,
                params=lowered.params,
                inputs=lowered.inputs,
                outputs=node.outputs,
                scratch_bytes=kernel.scratch_bytes(lowered.params, cpu),
                overlap=kernel.overlap(lowered.params, cpu),
                macs=op.macs(node.attrs, graph.operands(node), graph.results(node)),
                accumulator_bound=lowered.accumulator_bound,
                accumulator_bits=lowered.accumulator_bits,
                extras=prepare(lowered.params, cpu),
            )
        )
    for name in graph.kept:
        declare(name)
    program = Program(graph.name, tensors, tuple(calls), graph.inputs, graph.outputs, cpu.name, dialect.value)
    return bind_states(program, graph.states, cpu)


def layer_names(graph: Graph) -> list[str]:
    """Short unique names, after where the nodes come from; the operator tells the nodes of one layer apart, and a
    QUANTIZE that stands before its layer leaves it the name."""
    conversions = {node.loc for node in graph.nodes if node.op == "QUANTIZE"}
    shared = conversions & {node.loc for node in graph.nodes if node.op != "QUANTIZE"}
    names: list[str] = []
    for node in graph.nodes:
        operator = c_identifier(node.op)
        name = c_identifier(node.loc.split("/")[-1], fallback=operator)
        before = node.op == "QUANTIZE" and node.loc in shared
        names.append(f"{name}_{operator}" if name in names or before else name)
    return unique(names)
