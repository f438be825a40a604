"""The steps strung together: what `import edgeq` offers and what the command line calls."""

from __future__ import annotations

import dataclasses
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.emit import emit, write_files
from edgeq.errors import CalibrationError, EdgeqError, ProjectError, TargetError
from edgeq.exporters.tflite import export_tflite, exportable_ops
from edgeq.fixedpoint import Dialect
from edgeq.importers import load as load_model
from edgeq.importers.keras import known_layers
from edgeq.importers.tflite.shapes import ABSORBED
from edgeq.importers.tflite.variables import OF_VARIABLES
from edgeq.ir import DType, Graph, Tensor
from edgeq.kernels import KernelSetting, Optimize, fitting_kernels, known_kernels
from edgeq.lower import check_supported, lower, unsupported
from edgeq.memory import MemoryPlan, plan_memory, working_bytes
from edgeq.naming import c_identifier
from edgeq.ops import find_op, known_ops
from edgeq.passes import Edges, apply, prepare_float, prepare_quantized, with_float_edges
from edgeq.passes.fuse_limits import fuse_limits
from edgeq.passes.shrink_channels import NOTES, shrink_channels
from edgeq.program import KernelCall, Program, ProgramTensor
from edgeq.project import Project, open_project, replace_folder, write_report
from edgeq.quant.calibration import Source, open_calibration
from edgeq.quant.quantize import NOTES as QUANTIZATION_NOTES
from edgeq.quant.quantize import quantize
from edgeq.quant.recipes import choose_recipe
from edgeq.quant.schemes import SCHEMES, RoleScheme
from edgeq.target import Board, Cpu, list_boards, load_board
from edgeq.toolchain import build as toolchain
from edgeq.toolchain.footprint import Footprint, measure
from edgeq.verify import Progress, quiet

__all__ = [
    "Compiled",
    "build",
    "compile_graph",
    "doctor",
    "export",
    "inspect",
    "load_model",
    "open_project",
    "operators",
    "quantize_model",
    "schemes",
    "targets",
]


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


def quantize_model(
    graph: Graph,
    calibration: Source | None,
    *,
    scheme: str | None = None,
    recipe: Path | str | None = None,
    observer: str | None = None,
    edges: Edges = Edges.INTEGER,
    progress: Progress = quiet,
) -> tuple[Graph, tuple[str, ...]]:
    """An integer graph, from a float or an already quantized one, and warnings.

    Args:
        edges: with FLOAT, inputs and outputs that are float32 in the model stay so, quantized within the graph.

    A model that is quantized already keeps its parameters; whatever says how to quantize it is then refused.

    Raises:
        QuantizationError: an unknown scheme, or a recipe that does not fit; found before any work.
        ModelError: an operator is not supported.
        CalibrationError: a float model without calibration data, or data that do not fit.
    """
    plan = choose_recipe(scheme, None if recipe is None else Path(recipe), observer=observer)
    check_supported(graph)
    if is_quantized(graph):
        if any(given is not None for given in (calibration, scheme, recipe, observer)):
            raise CalibrationError(
                "the model is quantized already: calibration would change nothing",
                where=graph.source,
                hint="leave --calibration, --scheme, --recipe and --observer out, or give the float model",
            )
        return prepare_quantized(graph, edges), ()
    graph = prepare_float(graph)
    plan.check(graph)
    if calibration is None:
        shapes = ", ".join(f"{n!r} (n, {', '.join(map(str, graph.tensors[n].shape[1:]))})" for n in graph.inputs)
        raise CalibrationError(
            "the model is a float model: typical inputs are needed to quantize it",
            where=graph.source,
            hint=f"give --calibration a .npz or .npy file, or a folder of them, with some hundred inputs: {shapes}",
        )
    quantized = quantize(graph, open_calibration(calibration, graph), plan, progress)
    warnings = quantized.metadata.get(QUANTIZATION_NOTES, "").splitlines()
    integer = prepare_quantized(quantized)
    return integer if edges is Edges.INTEGER else with_float_edges(integer), tuple(warnings)


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


def build(
    model: Path | str | Graph,
    target: str | Board,
    *,
    calibration: Source | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    scheme: str | None = None,
    recipe: Path | str | None = None,
    observer: str | None = None,
    rounding: str = "double",
    edges: str = "integer",
    shrink: bool = True,
    kernels: str | None = None,
    optimize: str = "speed",
    cmsis_nn_root: Path | str | None = None,
    compile: bool = True,
    progress: Progress = quiet,
) -> Project:
    """Compiles a model to a firmware project.

    Args:
        model: a model file, or a graph that was loaded from one.
        target: a board of `edgeq targets`, by name or loaded.
        calibration: typical inputs for a float model: a file, a folder, or a function (`edgeq.quant.calibration`).
        out: the project folder, `./<model>-<target>` by default; replaced whole, or not at all.
        name: what the C code calls the model.
        scheme: how to quantize a float model, by a name of `edgeq schemes`; "int8" where None.
        recipe: a TOML file that says so layer by layer (`edgeq.quant.recipes`).
        observer: how ranges are found from calibration data: "min-max", "moving-average", "percentile:99.9", "mse",
            "entropy"; the scheme's own where None.
        rounding: "double" (TFLite 2.14, CMSIS-NN) or "litert".
        edges: "integer", or "float" to keep the model's float32 inputs and outputs, which the firmware then quantizes
            and dequantizes itself.
        shrink: whether to remove channels that no output depends on; outputs stay the same, bit for bit.
        kernels: "auto" (the cheapest per layer), "cmsis-nn" or "tuned"; the results are the same. Where None: those of
            the user's CMSIS-NN if one is given, else "auto".
        optimize: "speed" (fewest instructions), "size" (small code) or "ram" (the smallest arena, and what is fast
            within it); the results are the same.
        cmsis_nn_root: the user's CMSIS-NN to link; the environment's CMSIS_NN_ROOT where None.
        compile: whether to compile the project; without, sizes are not known.
        progress: called with (calibration samples done, in all).

    Raises:
        EdgeqError: what is wrong, where, and what to do about it.
    """
    dialects = {dialect.value: dialect for dialect in Dialect}
    if rounding not in dialects:
        raise EdgeqError(f"unknown rounding {rounding!r}", hint=f"one of: {', '.join(dialects)}")
    aims = {aim.value: aim for aim in Optimize}
    if optimize not in aims:
        raise EdgeqError(f"unknown aim {optimize!r} of optimization", hint=f"one of: {', '.join(aims)}")
    known_edges = {each.value: each for each in Edges}
    if edges not in known_edges:
        raise EdgeqError(f"unknown edges {edges!r}", hint=f"one of: {', '.join(known_edges)}")
    cmsis_nn_root = cmsis_nn_root or os.environ.get("CMSIS_NN_ROOT") or None
    setting = _kernel_setting(kernels, cmsis_nn_root)
    board = load_board(target) if isinstance(target, str) else target
    graph = load_model(Path(model)) if isinstance(model, (str, Path)) else model
    graph = dataclasses.replace(graph, name=c_identifier(name or graph.name, fallback="model"))
    integer, warnings = quantize_model(
        graph,
        calibration,
        scheme=scheme,
        recipe=recipe,
        observer=observer,
        edges=known_edges[edges],
        progress=progress,
    )
    integer = apply(integer, (fuse_limits,))
    if shrink:
        integer = shrink_channels(integer)
    compiled = compile_graph(integer, board.soc.cpu, dialects[rounding], warnings, setting, aims[optimize])
    _check_ram(compiled, board)
    folder = Path(out) if out is not None else Path(f"{graph.name}-{board.name}")

    def fill(fresh: Path) -> None:
        write_files(emit(compiled.program, compiled.plan, board, small=aims[optimize] is Optimize.SIZE), fresh)
        footprint = None
        if compile:
            elf = _compile(fresh, compiled, board, cmsis_nn_root)
            footprint = measure(elf, board)
            _keep_images(elf)
        write_report(fresh, _report(compiled, board, footprint, setting))

    replace_folder(folder, fill)
    return dataclasses.replace(open_project(folder), board=board)


def _kernel_setting(kernels: str | None, cmsis_nn_root: Path | str | None) -> KernelSetting:
    """Those who bring their own CMSIS-NN get it, unless they ask for something else."""
    known = {setting.value: setting for setting in KernelSetting}
    if kernels is None:
        return KernelSetting.CMSIS_NN if cmsis_nn_root else KernelSetting.AUTO
    if kernels not in known:
        raise EdgeqError(f"unknown kernel setting {kernels!r}", hint=f"one of: {', '.join(known)}")
    return known[kernels]


def _check_ram(compiled: Compiled, board: Board) -> None:
    """Before anything is compiled: the arena alone must fit."""
    excess = compiled.plan.total_bytes + board.soc.min_stack - board.soc.ram.size
    if excess > 0:
        raise TargetError(
            f"the model needs {compiled.plan.total_bytes:,} bytes for its tensors and {board.soc.min_stack:,} for the "
            f"stack, {excess:,} more than the {board.soc.ram.size:,} bytes of RAM; layer {compiled.plan.peak_call!r} "
            "needs most",
            where=board.name,
            hint="choose a larger board, or a model with smaller activations at that layer",
        )


def _compile(folder: Path, compiled: Compiled, board: Board, cmsis_nn_root: Path | str | None) -> Path:
    try:
        return toolchain.build(folder, "target", cmsis_nn_root)
    except TargetError as error:
        largest = max(compiled.program.calls, key=_constant_bytes, default=None)
        where = f"; layer {largest.name!r} has the largest constants" if largest else ""
        peak = f"layer {compiled.plan.peak_call!r} needs most RAM{where}"
        raise TargetError(f"{error.what}; {peak}", where=board.name, hint=error.hint) from None
    except EdgeqError as error:
        # the folder is temporary: its path would puzzle
        error.where = board.name if error.where == str(folder.resolve()) else error.where
        raise


def _constant_bytes(call: Any) -> int:
    fields = [getattr(call.params, f.name) for f in dataclasses.fields(call.params)]
    return sum(getattr(f, "nbytes", 0) for f in fields)


def _keep_images(elf: Path) -> None:
    """Leaves of the build folder only the images: CMake's caches hold the path of the folder they were made in."""
    for path in elf.parent.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix not in (".elf", ".hex", ".bin", ".map"):
            path.unlink()


def _considered(call: KernelCall, cpu: Cpu, setting: KernelSetting) -> list[dict[str, Any]]:
    """The kernels that could run a call, the cheapest first: estimated instructions (0: not estimated) and scratch."""
    kernels = fitting_kernels(call.op, call.params, cpu, setting)
    found = [
        {"kernel": k.name, "cost": k.cost(call.params, cpu), "scratch": k.scratch_bytes(call.params, cpu)}
        for k in kernels
    ]
    return sorted(found, key=lambda each: (each["cost"], each["kernel"]))


def _report(compiled: Compiled, board: Board, footprint: Footprint | None, setting: KernelSetting) -> dict[str, Any]:
    """What the build found, as JSON values; sizes in bytes, null where nothing was compiled."""
    program, plan = compiled.program, compiled.plan
    warnings = list(compiled.warnings)
    flash: dict[str, Any] = dict.fromkeys(("text", "rodata", "total", "model_code", "constants", "other", "size"))
    ram: dict[str, Any] = {"arena": plan.arena_bytes, "scratch": plan.scratch_bytes, "state": program.state_bytes}
    ram["size"] = board.soc.ram.size
    if footprint is None:
        ram.update(static=None, stack=None, total=None)
        sections: dict[str, int] = {}
    else:
        sections = {f"{group}.{kind}": n for (group, kind), n in sorted(footprint.sections.items())}
        model_code, constants = footprint.group("model", "text", "rodata"), footprint.group("constants")
        flash.update(
            text=sum(n for (_, kind), n in footprint.sections.items() if kind == "text"),
            rodata=sum(n for (_, kind), n in footprint.sections.items() if kind == "rodata"),
            total=footprint.flash,
            model_code=model_code,
            constants=constants,
            other=footprint.flash - model_code - constants,
            size=footprint.flash_size,
        )
        stack = footprint.stack.nbytes
        static = footprint.ram - plan.total_bytes
        ram.update(static=static, stack=stack, total=footprint.ram + (stack or 0))
        if stack is None:
            warnings.append(f"the stack has no proven bound: {footprint.stack.reason}")
        elif stack > footprint.stack_room:
            warnings.append(f"the stack may need {stack:,} bytes, {footprint.stack_room:,} are left for it")
    return {
        "program_hash": program.hash,
        "target": board.name,
        "macs": program.macs,
        "flash": flash,
        "ram": ram,
        "sections": sections,
        "memory": {
            "lower_bound": plan.lower_bound,
            "peak_layer": plan.peak_call,
            "in_place": [c for c, _, _ in plan.in_place],
            "overlapping": [c for c, _, _ in plan.overlaps],
        },
        "layers": [
            {
                "name": c.name,
                "op": c.op,
                "kernel": c.kernel,
                "considered": _considered(c, board.soc.cpu, setting),
                "macs": c.macs,
                "scratch": c.scratch_bytes,
                "accumulator_bound": c.accumulator_bound,
                "accumulator_bits": c.accumulator_bits,
                "accumulator_headroom": _headroom(c),
            }
            for c in program.calls
        ],
        "states": [_state(program.tensors[state.name]) for state in program.states],
        "shrunk": compiled.graph.metadata.get(NOTES, "").splitlines(),
        "warnings": warnings,
    }


def export(
    model: Path | str | Graph,
    path: Path | str,
    *,
    calibration: Source | None = None,
    scheme: str | None = None,
    recipe: Path | str | None = None,
    observer: str | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Writes the model, quantized if it is not, as an int8 `.tflite` file; gives `{output, bytes, warnings}`.

    Raises:
        EdgeqError: as `build`; ProjectError where the file cannot be written.
    """
    graph = load_model(Path(model)) if isinstance(model, (str, Path)) else model
    integer, warnings = quantize_model(
        graph, calibration, scheme=scheme, recipe=recipe, observer=observer, progress=progress
    )
    data = export_tflite(integer)
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ProjectError(f"cannot write: {error.strerror}", where=str(path)) from None
    return {"output": str(path), "bytes": len(data), "warnings": list(warnings)}


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
        "states": [_state(graph.tensors[state.read]) for state in graph.states],
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


def _state(tensor: Tensor | ProgramTensor) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "type": tensor.dtype.value,
        "bytes": tensor.nbytes,
    }


def _headroom(call: KernelCall) -> float | None:
    """How many times larger the accumulator could be."""
    limit = (1 << (call.accumulator_bits - 1)) - 1
    return round(limit / call.accumulator_bound, 1) if call.accumulator_bound else None


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
    return {"operators": rows, "absorbed": sorted((*ABSORBED, *OF_VARIABLES)), "keras": list(known_layers())}


def schemes() -> list[dict[str, Any]]:
    """The ways to quantize a float model: name, summary, and what each role's integers are."""

    def role(r: RoleScheme) -> str:
        kind = "symmetric" if r.symmetric else "affine"
        return f"{r.dtype.value} {kind} {r.granularity.value}, {r.algorithm}"

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
