"""What a model holds, and what edgeq knows: operators, schemes, boards, tools. All as JSON values."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from edgeq.compiling import is_quantized
from edgeq.exporters.tflite import exportable_ops
from edgeq.importers import load as load_model
from edgeq.importers.keras import known_layers
from edgeq.importers.tflite.rewriting import REWRITTEN
from edgeq.importers.tflite.shapes import ABSORBED
from edgeq.importers.tflite.variables import OF_VARIABLES
from edgeq.ir import DType, Graph, Tensor
from edgeq.kernels import known_kernels
from edgeq.lower import unsupported
from edgeq.ops import find_op, known_ops
from edgeq.quant.schemes import SCHEMES, RoleScheme
from edgeq.report.tensors import state
from edgeq.target import list_boards, load_board
from edgeq.toolchain import build as toolchain


def inspect(model: Path | str | Graph) -> dict[str, Any]:
    """Operators, shapes, types, multiply-accumulates, parameters, and what is unsupported, as JSON values.

    Raises:
        ModelError: the file cannot be read.
    """
    graph = load_model(Path(model)) if isinstance(model, (str, Path)) else model
    unknown = set(map(id, unsupported(graph)))
    layers = []
    counted: set[str] = set()
    for node in graph.nodes:
        operands = graph.operands(node)
        results = graph.results(node)
        op = find_op(node.op)
        constants = [t for t in operands if t is not None and t.is_constant and t.dtype.value != "bool"]
        weights = [t for t in constants if t.size > 1 and t.name not in counted and t.dtype not in (DType.INT64,)]
        if op is not None and op.alias:
            weights = []
        counted.update(t.name for t in weights)
        layers.append(
            {
                "name": node.loc,
                "op": node.op,
                "inputs": " ".join(_shape(t) for t in operands if t is not None and not t.is_constant),
                "outputs": " ".join(map(_shape, results)),
                "type": results[0].dtype.value,
                "macs": op.macs(node.attrs, operands, results) if op else 0,
                "parameters": sum(t.size for t in weights),
                "problem": "unsupported" if id(node) in unknown else "",
            }
        )
    kind = "quantized" if is_quantized(graph) else "float"
    return {
        "model": graph.source or graph.name,
        "format": f"{kind} {Path(graph.source).suffix.lstrip('.')} model",
        "macs": sum(x["macs"] for x in layers),
        "parameters": sum(x["parameters"] for x in layers),
        "inputs": [_edge(graph.tensors[n]) for n in graph.inputs],
        "outputs": [_edge(graph.tensors[n]) for n in graph.outputs],
        "states": [state(graph.tensors[each.read]) for each in graph.states],
        "unsupported": sorted({n.op for n in unsupported(graph)}),
        "layers": layers,
    }


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "scalar"


def _edge(tensor: Tensor) -> dict[str, Any]:
    edge: dict[str, Any] = {"name": tensor.name, "shape": list(tensor.shape), "type": tensor.dtype.value}
    if tensor.quant is not None and tensor.quant.axis is None:
        scale, zero_point = tensor.quant.per_tensor
        edge.update(scale=scale, zero_point=zero_point)
    return edge


def operators() -> dict[str, Any]:
    """What edgeq supports, as JSON values, read off its registers: nothing lists it.

    Returns: "operators": each with the types of its activations, the kernels that run it (none where it costs nothing,
    or stands at the edges only), whether a `.tflite` can be written with it, and whether it is edgeq's own; "absorbed":
    operators that reading a file turns into constants, reshapes and states; "keras": Keras layers and `keras.ops`
    functions.
    """
    rows = []
    for name in known_ops():
        kernels = [k.name for k in known_kernels() if name in k.ops]
        types = [dtype.value for dtype in find_op(name).dtypes]
        exported = name in exportable_ops()
        rows.append({"name": name, "types": types, "kernels": kernels, "exported": exported, "own": find_op(name).own})
    return {
        "operators": rows,
        "absorbed": sorted((*ABSORBED, *OF_VARIABLES, *REWRITTEN)),
        "keras": list(known_layers()),
    }


def schemes() -> list[dict[str, Any]]:
    """The ways to quantize a float model: name, summary, and what each role's integers are."""

    def role(r: RoleScheme) -> str:
        kind = "symmetric" if r.symmetric else "affine"
        return f"{r.dtype.value} {kind} {r.granularity.value}, {r.algorithm or r.ranges.value}"

    return [
        {"name": s.name, "summary": s.summary, "activations": role(s.activation), "weights": role(s.weight)}
        for s in SCHEMES.values()
    ]


def targets() -> list[dict[str, Any]]:
    """The boards: name, core, flash and RAM in bytes, whether QEMU runs them."""
    boards = [load_board(name) for name in list_boards()]
    return [
        {
            "name": b.name,
            "description": b.description,
            "cpu": b.soc.cpu.name,
            "flash": b.soc.flash.size,
            "ram": b.soc.ram.size,
            "qemu": b.qemu is not None,
        }
        for b in boards
    ]


def doctor() -> list[dict[str, Any]]:
    """The tools: name, purpose, path, version (empty where missing), and how to get them."""
    return [dataclasses.asdict(finding) for finding in toolchain.doctor()]
