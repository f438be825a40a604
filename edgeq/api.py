"""The steps strung together: what `import edgeq` offers and what the command line calls."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

from edgeq.compiling import Compiled, compile_graph, quantize_model, reduced
from edgeq.describing import doctor, inspect, operators, schemes, targets
from edgeq.emit import emit, write_files
from edgeq.errors import EdgeqError, ProjectError, TargetError
from edgeq.exporters.tflite import export_tflite
from edgeq.fixedpoint import Dialect
from edgeq.gguf import TYPES_OF_SCHEMES, export_gguf, with_weights
from edgeq.importers import load as load_model
from edgeq.ir import Graph
from edgeq.kernels import KernelSetting, Optimize
from edgeq.naming import c_identifier
from edgeq.passes import Edges, prepare_float
from edgeq.project import Project, open_project, replace_folder, write_report
from edgeq.quant.calibration import Source
from edgeq.quant.recipes import Recipe
from edgeq.report.built import built
from edgeq.target import Board, load_board
from edgeq.toolchain import build as toolchain
from edgeq.toolchain.footprint import measure
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
    "prepare_float",
    "quantize_model",
    "schemes",
    "targets",
]


def load_with(model: Path | str | Graph, weights: Path | str | None) -> Graph:
    """A model from its file, or as it is, with the weights of a GGUF file in place of its own where one is named."""
    graph = load_model(Path(model)) if isinstance(model, (str, Path)) else model
    return graph if weights is None else with_weights(graph, Path(weights))


def build(
    model: Path | str | Graph,
    target: str | Board,
    *,
    weights: Path | str | None = None,
    calibration: Source | None = None,
    out: Path | str | None = None,
    name: str | None = None,
    scheme: str | None = None,
    recipe: Path | str | Recipe | None = None,
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
        weights: a `.gguf` file whose tensors replace those of the same name in a float model (`edgeq.gguf`).
        calibration: typical inputs for a float model: a file, a folder, or a function (`edgeq.quant.calibration`).
        out: the project folder, `./<model>-<target>` by default; replaced whole, or not at all.
        name: what the C code calls the model.
        scheme: how to quantize a float model, by a name of `edgeq schemes`; "int8" where None.
        recipe: what says so layer by layer, or a TOML file with it (`edgeq.quant.recipes`).
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
    graph = load_with(model, weights)
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
    compiled = compile_graph(
        reduced(integer, shrink), board.soc.cpu, dialects[rounding], warnings, setting, aims[optimize]
    )
    _check_ram(compiled, board)
    folder = Path(out) if out is not None else Path(f"{graph.name}-{board.name}")

    def fill(fresh: Path) -> None:
        write_files(emit(compiled.program, compiled.plan, board, small=aims[optimize] is Optimize.SIZE), fresh)
        footprint = None
        if compile:
            elf = _compile(fresh, compiled, board, cmsis_nn_root)
            footprint = measure(elf, board)
            _keep_images(elf)
        write_report(fresh, built(compiled, board, footprint, setting))

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


def export(
    model: Path | str | Graph,
    path: Path | str,
    *,
    weights: Path | str | None = None,
    calibration: Source | None = None,
    scheme: str | None = None,
    recipe: Path | str | Recipe | None = None,
    observer: str | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Writes the model, quantized if it is not, as an int8 `.tflite` file, or a float model's weights as a `.gguf` one;
    gives `{output, bytes, warnings}`, of a `.gguf` file also `blocks`, the names of the tensors in blocks.

    A `.gguf` file holds the weights in blocks of the scheme "q8_0", "q4_0" or "q4_1", or all in float32 where none is
    named: as the `gguf` package quantizes them, without calibration.

    Raises:
        EdgeqError: as `build`; ProjectError where the file cannot be written.
    """
    graph = load_with(model, weights)
    if Path(path).suffix.lower() == ".gguf":
        if any(given is not None for given in (calibration, recipe, observer)):
            raise EdgeqError(
                "weights in a .gguf file need no calibration, recipe or observer",
                where=str(path),
                hint="leave them out",
            )
        if scheme is not None and scheme not in TYPES_OF_SCHEMES:
            known = ", ".join(TYPES_OF_SCHEMES)
            raise EdgeqError(f"no scheme of GGUF's: {scheme!r}", where=str(path), hint=f"{known}, or none for float32")
        data, blocks = export_gguf(graph, *(() if scheme is None else (TYPES_OF_SCHEMES[scheme],)))
        written: dict[str, Any] = {"warnings": [], "blocks": list(blocks)}
    else:
        integer, warnings = quantize_model(
            graph, calibration, scheme=scheme, recipe=recipe, observer=observer, progress=progress
        )
        data = export_tflite(integer)
        written = {"warnings": list(warnings)}
    try:
        Path(path).write_bytes(data)
    except OSError as error:
        raise ProjectError(f"cannot write: {error.strerror}", where=str(path)) from None
    return {"output": str(path), "bytes": len(data), **written}
