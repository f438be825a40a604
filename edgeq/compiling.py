"""From a model to what a core computes: quantized, lowered, its memory planned. Nothing is written or built yet."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import CalibrationError, EdgeqError, QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import DType, Graph
from edgeq.kernels import KernelSetting, Optimize
from edgeq.lower import check_supported, lower
from edgeq.memory import MemoryPlan, plan_memory, working_bytes
from edgeq.passes import Edges, apply, prepare_float, prepare_quantized, with_float_edges
from edgeq.passes.fuse_limits import fuse_limits
from edgeq.passes.shrink_channels import shrink_channels
from edgeq.passes.single_channel import convolve_single_channel
from edgeq.program import Program
from edgeq.quant.calibration import Source, open_calibration
from edgeq.quant.quantize import NOTES, quantize
from edgeq.quant.recipes import Recipe, choose_recipe
from edgeq.target import Cpu
from edgeq.verify import Progress, quiet


@dataclass(frozen=True)
class Compiled:
    """A model compiled for a core: the integer graph, its program, its memory plan, and what the user should know."""

    graph: Graph
    program: Program
    plan: MemoryPlan
    warnings: tuple[str, ...]


def is_quantized(graph: Graph) -> bool:
    """Whether the model computes in integers already: no operator but QUANTIZE and DEQUANTIZE sees real numbers."""
    kinds = {
        tensor.dtype
        for node in graph.nodes
        if node.op not in ("QUANTIZE", "DEQUANTIZE")
        for tensor in (*graph.operands(node), *graph.results(node))
        if tensor is not None and not tensor.is_constant
    }
    return bool(kinds) and not kinds & {DType.FLOAT32, DType.FLOAT16}


def _check_not_mixed(graph: Graph) -> None:
    """Raises QuantizationError where a model computes partly in quantized integers and partly in real numbers."""
    real: dict[str, list[str]] = {}
    integers = False
    for node in graph.nodes:
        tensors = [t for t in (*graph.operands(node), *graph.results(node)) if t is not None and not t.is_constant]
        if node.op in ("QUANTIZE", "DEQUANTIZE"):
            continue
        if any(t.dtype is DType.FLOAT32 for t in tensors):
            real.setdefault(node.op, []).append(node.loc)
        integers |= any(t.dtype in (DType.INT8, DType.INT16) and t.quant is not None for t in tensors)
    if integers and real:
        listed = "; ".join(f"{op} ({', '.join(layers)})" for op, layers in sorted(real.items()))
        raise QuantizationError(
            f"the model is quantized in part: these layers compute real numbers: {listed}",
            where=graph.source,
            hint="convert with TFLITE_BUILTINS_INT8 alone, which names what stands in the way; or give edgeq the float "
            "model and calibration data",
        )


def prepared_float(graph: Graph, wanted: str) -> Graph:
    """A float model as it is quantized.

    Raises:
        EdgeqError: it is quantized already, so that there is nothing to do what is `wanted`.
        ModelError: an operator is not supported.
    """
    if is_quantized(graph):
        raise EdgeqError(
            f"the model is quantized already: there is nothing to {wanted}",
            where=graph.source,
            hint="give the float one",
        )
    return prepare_float(check_supported(graph))


def quantize_model(
    graph: Graph,
    calibration: Source | None,
    *,
    scheme: str | None = None,
    recipe: Path | str | Recipe | None = None,
    observer: str | None = None,
    edges: Edges = Edges.INTEGER,
    progress: Progress = quiet,
) -> tuple[Graph, tuple[str, ...]]:
    """An integer graph, from a float or an already quantized one, and warnings.

    Args:
        edges: with FLOAT, inputs and outputs that are float32 in the model stay so, quantized within the graph.

    A model that is quantized already keeps its parameters; whatever says how to quantize it is then refused. Schemes
    that find their ranges at run time need no calibration data, and say that they do not look at them.

    Raises:
        QuantizationError: an unknown scheme, a recipe that does not fit, or a model that is quantized in part; found
            before any work.
        ModelError: an operator is not supported.
        CalibrationError: a float model without calibration data, where the scheme needs them, or data that do not fit.
    """
    plan = choose_recipe(scheme, recipe, observer=observer)
    check_supported(graph)
    if is_quantized(graph):
        if any(given is not None for given in (calibration, scheme, recipe, observer)):
            raise CalibrationError(
                "the model is quantized already: calibration would change nothing",
                where=graph.source,
                hint="leave --calibration, --scheme, --recipe and --observer out, or give the float model",
            )
        return prepare_quantized(graph, edges), ()
    _check_not_mixed(graph)
    graph = prepare_float(graph)
    plan.check(graph)
    if not plan.calibrated:
        if edges is Edges.FLOAT:
            raise QuantizationError(
                f"scheme {plan.name!r} has fixed-point inputs and outputs only",
                where=graph.source,
                hint="leave out --edges float, or choose a scheme with calibration",
            )
        unused = "calibration data were given, and not looked at: the scheme finds its ranges at run time"
        return prepare_quantized(quantize(graph, None, plan)), () if calibration is None else (unused,)
    if calibration is None:
        shapes = ", ".join(f"{n!r} (n, {', '.join(map(str, graph.tensors[n].shape[1:]))})" for n in graph.inputs)
        raise CalibrationError(
            "the model is a float model: typical inputs are needed to quantize it",
            where=graph.source,
            hint=f"give --calibration a .npz or .npy file, or a folder of them, with some hundred inputs: {shapes}; or "
            "--scheme dynamic, which needs none",
        )
    quantized = quantize(graph, open_calibration(calibration, graph), plan, progress)
    warnings = quantized.metadata.get(NOTES, "").splitlines()
    integer = prepare_quantized(quantized)
    return integer if edges is Edges.INTEGER else with_float_edges(integer), tuple(warnings)


def reduced(graph: Graph, shrink: bool = True) -> Graph:
    """An integer graph with less to compute, every output the same: what `edgeq build` does before it lowers one."""
    graph = apply(graph, (fuse_limits, convolve_single_channel))
    return shrink_channels(graph) if shrink else graph


def compile_graph(
    graph: Graph,
    cpu: Cpu,
    dialect: Dialect = Dialect.DOUBLE,
    warnings: tuple[str, ...] = (),
    kernels: KernelSetting = KernelSetting.AUTO,
    optimize: Optimize = Optimize.SPEED,
) -> Compiled:
    """Lowers a quantized graph with integer edges and plans its memory.

    With Optimize.RAM the arena is that of the kernels that need least; layers whose fast kernels fit in have those.

    Raises:
        QuantizationError: a layer cannot be lowered, or its accumulator can overflow; names the layer.
    """
    program = lower(graph, cpu, dialect, kernels, optimize)
    plan = plan_memory(program)
    if optimize is Optimize.RAM:
        fast = lower(graph, cpu, dialect, kernels)
        room = plan.total_bytes
        calls = tuple(
            quick if needed <= room else small
            for small, quick, needed in zip(program.calls, fast.calls, working_bytes(fast), strict=True)
        )
        mixed = dataclasses.replace(program, calls=calls)
        mixed_plan = plan_memory(mixed)
        if mixed_plan.total_bytes <= room:
            program, plan = mixed, mixed_plan
    return Compiled(graph, program, plan, warnings)
