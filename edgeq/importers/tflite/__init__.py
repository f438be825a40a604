"""TFLite files → Graph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeq.errors import ModelError
from edgeq.importers.advice import ways_out
from edgeq.importers.tflite import flatbuffer
from edgeq.importers.tflite.names import layer_name
from edgeq.importers.tflite.narrow import narrow_weights
from edgeq.importers.tflite.rewriting import REWRITTEN, rewrite
from edgeq.importers.tflite.rules import attributes, with_intermediates
from edgeq.importers.tflite.shapes import ABSORBED, reshapes, resolve_shapes
from edgeq.importers.tflite.variables import OF_VARIABLES, Variable, resolve_variables, states
from edgeq.ir import TFLITE_DESCRIPTION, Graph, Node, verify_graph
from edgeq.ops import find_op, infer_results
from edgeq.passes.integer_islands import integer_islands

#: Tensors that an error names.
MAX_LISTED = 20


def load(path: Path) -> Graph:
    """Reads the main subgraph of a `.tflite` file, its variables as states. Operators keep their TFLite names, also
    unsupported ones.

    Raises:
        ModelError: the file is damaged or inconsistent, or uses a tensor format that is not supported.
    """
    file = flatbuffer.read(path)
    if file.problems:
        raise _all_problems(file, path)
    try:
        is_ours = file.description == TFLITE_DESCRIPTION
        file, variables = resolve_variables(file)
        file = resolve_shapes(file)
        flatbuffer.check_scales(file)
        graph = integer_islands(_graph(rewrite(reshapes(file)), variables, path))
        return narrow_weights(graph) if is_ours else graph
    except ModelError as error:
        raise ModelError(
            error.what, where=f"{path}: {error.where}" if error.where else str(path), hint=error.hint
        ) from None


def _all_problems(file: flatbuffer.File, path: Path) -> ModelError:
    """One error for everything that is not supported, tensors and operators."""
    tensors = [f"{problem.where}: {problem.what}" for problem in file.problems]
    absorbed = {*ABSORBED, *REWRITTEN, *OF_VARIABLES, "READ_VARIABLE", "ASSIGN_VARIABLE"}
    operators = sorted({o.name for o in file.operators if find_op(o.name) is None} - absorbed)
    listed = tensors[:MAX_LISTED] + [f"… and {len(tensors) - MAX_LISTED} more tensors"] * (len(tensors) > MAX_LISTED)
    hints = list(dict.fromkeys(problem.hint for problem in file.problems))
    if operators:
        listed.append(f"unsupported operators: {', '.join(operators)}")
        hints.append(ways_out(operators))
    return ModelError(
        "the file holds what is not supported:\n    " + "\n    ".join(listed), where=str(path), hint="; ".join(hints)
    )


def _graph(file: flatbuffer.File, variables: tuple[Variable, ...], path: Path) -> Graph:
    used = {*file.inputs, *file.outputs, *(i for v in variables for i in (v.read, v.written))}
    nodes = []
    for index, operator in enumerate(file.operators):
        used.update(i for i in (*operator.inputs, *operator.outputs) if i >= 0)
        if not operator.outputs:
            raise ModelError("an operator has no outputs", where=f"operator {index} ({operator.name})")
        loc = layer_name(file.tensors[operator.outputs[0]].name, operator.name)
        try:
            attrs = attributes(operator.name, operator.options)
            nodes.append(
                Node(
                    operator.name,
                    tuple(file.tensors[i].name if i >= 0 else "" for i in operator.inputs),
                    tuple(file.tensors[i].name for i in operator.outputs),
                    with_intermediates(attrs, [file.tensors[i] for i in operator.intermediates]),
                    loc,
                )
            )
        except ModelError as error:
            raise ModelError(error.what, where=f"{loc} ({operator.name})", hint=error.hint) from None
    tensors = {t.name: t for i, t in enumerate(file.tensors) if i in used}
    for i in file.inputs:
        # a file may give an input a buffer: a default value that nobody reads
        tensors[file.tensors[i].name] = replace(file.tensors[i], data=None)
    graph = Graph(
        name=path.stem,
        tensors=tensors,
        nodes=tuple(nodes),
        inputs=tuple(file.tensors[i].name for i in file.inputs),
        outputs=tuple(file.tensors[i].name for i in file.outputs),
        source=str(path),
        states=states(file, variables),
    )
    verify_graph(graph, "import")
    for node in graph.nodes:
        _check_shapes(graph, node)
        _check_weights(graph, node)
    return graph


def _check_weights(graph: Graph, node: Node) -> None:
    """TFLite disregards zero points of a dense layer's units: what such a file means cannot be told."""
    if node.op != "FULLY_CONNECTED":
        return
    quant = graph.operands(node)[1].quant
    if quant is not None and quant.axis is not None and not quant.is_plain:
        raise ModelError(
            "the weights have a zero point for each unit, which TFLite disregards",
            where=f"{node.loc} ({node.op})",
            hint="quantize these weights symmetrically, or with one zero point in all",
        )


def _check_shapes(graph: Graph, node: Node) -> None:
    """The declared result shapes must be those that the operator computes: kernels trust them."""
    op = find_op(node.op)
    if op is None:
        return
    where = f"{node.loc} ({node.op})"
    try:
        inferred = infer_results(op, node.attrs, graph.operands(node))
    except ModelError as error:
        raise ModelError(error.what, where=where, hint=error.hint) from None
    declared = tuple(t.shape for t in graph.results(node))
    if inferred != declared:
        raise ModelError(f"declares results of shape {declared}, its operands give {inferred}", where=where)
