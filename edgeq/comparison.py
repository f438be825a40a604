"""`edgeq compare`: one model by several schemes, each built, run and measured, in one table."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeq import api
from edgeq.compiling import prepared_float
from edgeq.errors import EdgeqError
from edgeq.evaluation import Evaluation, accuracy, load_evaluation
from edgeq.ir import Graph
from edgeq.project import Project
from edgeq.quant.recipes import choose_recipe
from edgeq.quant.schemes import SCHEMES
from edgeq.target import load_board
from edgeq.verify import Progress, quiet

#: Vectors that every build is verified with on the emulated board.
VERIFIED = 4


def compare(
    model: Path | str | Graph,
    schemes: Sequence[str],
    *,
    calibration: Path | str,
    weights: Path | str | None = None,
    evaluation: Path | str | None = None,
    target: str = "mps2-an386",
    compile: bool = True,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Builds a float model by each scheme and measures the result.

    Args:
        schemes: names of `edgeq schemes`, or recipes: what ends in `.toml`. "all" stands for every scheme.
        weights: as for `build`.
        evaluation: what accuracy is measured on; the calibration data where None.
        compile: whether to compile, verify on the emulated board and count instructions; without, these are null.
        progress: called with (schemes done, in all).

    Returns: `{model, target, vectors, evaluated_on, rows: [{scheme, accuracy, agreement, sqnr, flash, constants, ram,
    instructions, equal, problem}]}`, the float model first. Sizes in bytes of the ELF; `equal`: the emulated board
    computed every layer as the simulator. A scheme that cannot be had for the model has nothing but its `problem`.

    Raises:
        EdgeqError: before anything is built: an unknown scheme, a recipe, data or a model that does not fit.
    """
    graph = api.load_with(model, weights)
    prepared = prepared_float(graph, "compare")
    board = load_board(target)
    wanted = [name for each in schemes for name in (SCHEMES if each == "all" else (each,))]
    if not wanted:
        raise EdgeqError("no scheme is named", hint="`edgeq schemes` lists them; `all` stands for every one")
    for name in wanted:
        choose_recipe(**_choice(name)).check(prepared)
    samples = load_evaluation(Path(evaluation or calibration), prepared)
    rows: list[dict[str, Any]] = [_row("float", accuracy(samples, samples.exact))]

    def built(name: str) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(prefix="edgeq-compare-") as folder:
            choice = _choice(name)
            out = Path(folder) / "firmware"
            project = api.build(graph, board, calibration=calibration, out=out, compile=compile, **choice)
            return measured(project, samples, compile and board.qemu is not None)

    for index, name in enumerate(wanted):
        progress(index, len(wanted))
        try:
            rows.append(_row(name, built(name)))
        except EdgeqError as error:
            rows.append(_row(name, {"problem": str(error)}))
    progress(len(wanted), len(wanted))
    return {
        "model": graph.name,
        "target": board.name,
        "vectors": len(next(iter(samples.inputs.values()))),
        "evaluated_on": "evaluation data" if evaluation else "calibration data",
        "rows": rows,
    }


_COLUMNS = ("accuracy", "agreement", "sqnr", "flash", "constants", "ram", "instructions", "equal", "problem")


def _choice(name: str) -> dict[str, Any]:
    is_recipe = name.endswith(".toml")
    return {"scheme": None if is_recipe else name, "recipe": Path(name) if is_recipe else None}


def _row(scheme: str, found: Mapping[str, Any]) -> dict[str, Any]:
    return {"scheme": scheme, **{column: found.get(column) for column in _COLUMNS}}


def measured(project: Project, samples: Evaluation, emulated: bool) -> dict[str, Any]:
    arrays = [samples.inputs[name] for name in project.program.inputs]
    report = project.report()
    found: dict[str, Any] = dict(accuracy(samples, project.simulate(arrays, dequantize=True)))
    found.update(flash=report["flash"]["total"], constants=report["flash"]["constants"], ram=report["ram"]["total"])
    if emulated:
        few = [array[:VERIFIED] for array in arrays]
        found.update(
            equal=project.verify(on=["qemu"], inputs=few).equal, instructions=project.profile()["instructions"]
        )
    return found


def front(rows: Sequence[Mapping[str, Any]], quality: str, costs: Sequence[str]) -> list[str]:
    """Schemes that no other one beats: none is at least as good in quality and in all costs, and better in one."""
    known = [row for row in rows if all(row[key] is not None for key in (quality, *costs))]

    def beats(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
        pairs = [(a[quality], b[quality]), *((-a[cost], -b[cost]) for cost in costs)]
        return all(x >= y for x, y in pairs) and any(x > y for x, y in pairs)

    return [row["scheme"] for row in known if not any(beats(other, row) for other in known)]
