"""`edgeq search`: a scheme for every layer, within budgets of flash, RAM and instructions, or of accuracy.

1. Costs: the model built by each candidate, constants and instructions of every layer read off the ELF and counted on
   the emulated core. Budgets that nothing keeps are found here.
2. Sensitivity: every layer alone at every candidate, all others at the most precise one, in the integer simulator.
3. Choice: assignments of least loss by these tables (`edgeq.search.choosing`), evaluated whole, then improved layer by
   layer; with no budget but the accuracy's, the cheapest that keeps it.
4. Proof: the chosen one is built and measured. What exceeds its budget there lowers the budget of the next round.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeq import api
from edgeq.compiling import prepared_float
from edgeq.errors import CalibrationError, EdgeqError, InfeasibleError
from edgeq.evaluation import accuracy, load_evaluation, quality
from edgeq.ir import Graph
from edgeq.quant.calibration import open_calibration, some_of
from edgeq.search.assignments import chosen_candidates, groups_of
from edgeq.search.budgets import Budgets
from edgeq.search.costs import Measured
from edgeq.search.evaluating import Setup
from edgeq.search.picking import corner_of, pick
from edgeq.search.tables import Assignment, Tables
from edgeq.search.workers import open_workers
from edgeq.target import load_board
from edgeq.verify import Progress, quiet

#: Vectors that candidates are calibrated with; the result is calibrated with all.
CALIBRATED = 1024
#: How often a result that exceeds a budget is chosen anew.
ROUNDS = 8


def search(
    model: Path | str | Graph,
    *,
    calibration: Path | str,
    budgets: Budgets,
    evaluation: Path | str | None = None,
    candidates: Sequence[str] | None = None,
    target: str = "mps2-an386",
    jobs: int = 1,
    dask: str | None = None,
    progress: Progress = quiet,
) -> dict[str, Any]:
    """Finds a scheme for each layer of a float model. The same for any number of jobs, and on a cluster.

    Args:
        evaluation: what accuracy is measured on; the calibration data where None.
        candidates: schemes that layers may have; where None, the first of `edgeq schemes` of each kind of integers.
        jobs: processes that evaluate candidates. dask: the address of a scheduler whose workers do instead.
        progress: called with (steps done, about as many as there will be).

    Returns: `{model, target, vectors, evaluated_on, budgets, candidates, float, found, layers, recipe, notes}`. `found`
        has the figures of `edgeq compare` for the result, measured on its ELF; `recipe` is the text of a file for
        `edgeq build --recipe`; `layers` tells of each what it would lose and cost at every candidate: SQNR in dB and
        accuracy of the network where it alone is so, bytes of constants, instructions.

    Raises:
        InfeasibleError: nothing meets the budgets; names the one that is exceeded and the layer responsible.
        EdgeqError: before any work: no budget, an unknown candidate, data or a model that does not fit.
    """
    board = load_board(target)
    names = chosen_candidates(candidates)
    budgets.check(board)
    graph = api.load_with(model, None)
    prepared = prepared_float(graph, "search")
    groups = groups_of(prepared)
    if not groups:
        raise EdgeqError("the model has no layers with weights: there is nothing to search", where=graph.source)
    samples = load_evaluation(Path(evaluation or calibration), prepared)
    exact = accuracy(samples, samples.exact)
    if budgets.accuracy is not None and quality(exact) is None:
        raise CalibrationError("accuracy needs classes: this model has a single output value", where=graph.source)
    calibrated = some_of(prepared, open_calibration(calibration, prepared), CALIBRATED)
    setup = Setup(graph, calibrated, samples, board.name)
    with open_workers(setup, jobs, dask) as workers:
        tables = Tables(graph, calibration, samples, board, groups, names, workers, progress)
        schemes, measured = _found(tables, budgets)
    return {
        "model": graph.name,
        "target": board.name,
        "vectors": len(next(iter(samples.inputs.values()))),
        "evaluated_on": "evaluation data" if evaluation else "calibration data",
        "budgets": {**budgets.costs, **({} if budgets.accuracy is None else {"accuracy": budgets.accuracy})},
        "candidates": list(tables.uniform),
        "float": exact,
        "found": dict(measured.figures),
        "layers": _layers(tables, schemes),
        "recipe": tables.recipe(schemes),
        "notes": tables.notes,
    }


def _found(tables: Tables, budgets: Budgets) -> tuple[Assignment, Measured]:
    tables.fill_costs()
    corner = corner_of(tables, budgets)
    if corner is not None:
        over = budgets.exceeded(tables.build(corner))
        if any(name in budgets.costs for name in over):
            raise _infeasible(tables, budgets, corner, over)
    tables.fill_losses()
    required = budgets.accuracy or 0.0
    for _ in range(ROUNDS):
        picked = pick(tables, budgets, required)
        measured = tables.build(picked.schemes)
        over = budgets.exceeded(measured)
        if not over:
            return picked.schemes, measured
        if picked.cornered:
            break
        tables.learn(picked.schemes, measured)
        if "accuracy" in over:
            shown = tables.outcomes[picked.schemes].quality or 0.0
            required = max(required, shown) + (required - measured.quality) / 2
    raise _infeasible(tables, budgets, picked.schemes, over)


def _infeasible(
    tables: Tables, budgets: Budgets, schemes: Assignment, over: dict[str, tuple[float, float]]
) -> InfeasibleError:
    where, names = tables.graph.source or tables.graph.name, ", ".join(tables.uniform)
    costs = {name: pair for name, pair in over.items() if name in budgets.costs}
    if costs:
        parts = [f"{found:,} {_UNITS[name]} where {limit:,} are allowed" for name, (found, limit) in costs.items()]
        return InfeasibleError(
            f"no assignment of {names} meets the budgets: what comes nearest takes {' and '.join(parts)}; "
            f"{_responsible(tables, next(iter(costs)), schemes)}",
            where=where,
            hint="raise the budget, add cheaper --candidates, or make that layer smaller",
        )
    reached, wanted = over["accuracy"]
    what = "an accuracy" if tables.samples.labels is not None else "an agreement with the float model"
    losses = [option.loss for option in tables.options(schemes)]
    if max(losses) <= 0:
        losses = [max(option.loss for option in row) for row in tables.rows]
    limit = quality(accuracy(tables.samples, tables.samples.exact))
    return InfeasibleError(
        f"no assignment of {names} is found that reaches {what} of {wanted:g}"
        f"{' within the other budgets' if budgets.costs else ''}: the best has {reached:.4f}, the float model "
        f"{limit:.4f}; layer {tables.groups[int(np.argmax(losses))].name!r} loses most",
        where=where,
        hint="lower --min-accuracy, raise the other budgets, add finer --candidates, or train with the scheme "
        "(edgeq.qat)",
    )


_UNITS = {"flash": "bytes of flash", "RAM": "bytes of RAM", "instructions": "instructions"}


def _responsible(tables: Tables, budget: str, schemes: Assignment) -> str:
    if budget == "RAM":
        return f"layer {tables.outcomes[schemes].peak!r} needs most memory"
    costs = [option.flash if budget == "flash" else option.instructions for option in tables.options(schemes)]
    index = int(np.argmax(costs))
    return f"layer {tables.groups[index].name!r} takes most, {costs[index]:,} in {schemes[index]}"


def _layers(tables: Tables, schemes: Assignment) -> list[dict[str, Any]]:
    """Of each group its scheme, and all options."""
    found = []
    for index, group in enumerate(tables.groups):
        options = []
        for option in tables.rows[index]:
            outcome = tables.outcomes[tables.alone(index, option.scheme)]
            options.append(
                {
                    "scheme": option.scheme,
                    "sqnr": float(-10 * np.log10(outcome.noise)) if outcome.noise else None,
                    "accuracy": outcome.quality,
                    "flash": option.flash,
                    "instructions": option.instructions or None,
                }
            )
        found.append({"name": group.name, "also": list(group.layers[1:]), "scheme": schemes[index], "options": options})
    return found
