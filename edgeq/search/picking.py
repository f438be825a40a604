"""Which assignment to build: the most precise within budgets, or the cheapest that is accurate enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgeq.quant.schemes import find_scheme
from edgeq.search.budgets import Budgets
from edgeq.search.choosing import Choice, Option, front, neighbours
from edgeq.search.tables import Assignment, Tables

#: Assignments that are evaluated whole at a time, how many such batches, and how often the best is improved.
BATCH, BATCHES, REPAIRS = 8, 8, 3


@dataclass(frozen=True)
class Pick:
    """An assignment; `cornered`: nothing fits by the tables, and this comes nearest."""

    schemes: Assignment
    cornered: bool = False


def pick(tables: Tables, budgets: Budgets, accuracy: float) -> Pick:
    """What to build next.

    Args:
        accuracy: what the evaluation has to show; may be more than the budget, where building has shown less.
    """
    if budgets.costs:
        return _most_precise(tables, budgets, accuracy)
    return _cheapest(tables, accuracy)


def accurate(tables: Tables, schemes: Assignment, accuracy: float) -> bool:
    outcome = tables.outcomes[schemes]
    return not outcome.problem and (outcome.quality or 0.0) >= accuracy


def _most_precise(tables: Tables, budgets: Budgets, accuracy: float) -> Pick:
    rows = [list(row) for row in tables.rows]

    def good(schemes: Assignment) -> bool:
        if not accurate(tables, schemes, accuracy):
            return False
        estimate = tables.estimate(schemes)
        return all(estimate[name] <= limit for name, limit in budgets.costs.items())

    def within(schemes: Assignment) -> bool:
        flash, instructions = tables.sums(schemes)
        return flash <= (budgets.flash or flash) and instructions <= (budgets.instructions or instructions)

    while True:
        choices = front(rows, tables.first_use, *_left(tables, budgets))
        found = _first_good(tables, choices[:BATCH], good)
        if found is None and choices and _narrowed(tables, rows, budgets, choices[0].schemes):
            continue
        found = found or _first_good(tables, choices, good)
        if found is None:
            return Pick(_nearest(tables, rows, budgets, choices), cornered=True)
        return Pick(_improved(tables, found, tables.noise, good, lambda other, _: within(other)))


def corner_of(tables: Tables, budgets: Budgets) -> Assignment | None:
    """What comes nearest where by costs alone nothing is within the budgets; None where something may be."""
    if not front(tables.rows, tables.first_use, *_left(tables, budgets)):
        return _nearest(tables, tables.rows, budgets, ())
    if budgets.ram is None:
        return None
    least = _least_ram(tables)
    return least if tables.estimate(least)["RAM"] > budgets.ram else None


def _least_ram(tables: Tables) -> Assignment:
    """From the candidate that needs least, other options for the layer at the peak while they need less."""

    def ram(schemes: Assignment) -> int:
        return tables.estimate(schemes)["RAM"]

    best = min(tables.uniform.values(), key=ram)
    while True:
        peak = tables.outcomes[best].peak
        at_peak = [index for index, group in enumerate(tables.groups) if peak in group.layers]
        others = [
            (*best[:index], option.scheme, *best[index + 1 :]) for index in at_peak for option in tables.rows[index]
        ]
        tables.evaluate(others)
        better = [each for each in others if not tables.outcomes[each].problem and ram(each) < ram(best)]
        if not better:
            return best
        best = min(better, key=ram)


def _left(tables: Tables, budgets: Budgets) -> tuple[int | None, int | None]:
    """Budgets of flash and instructions for the options alone."""
    flash, instructions = budgets.flash, budgets.instructions
    return (
        None if flash is None else flash - tables.flash,
        None if instructions is None else instructions - tables.instructions,
    )


def _first_good(tables: Tables, choices: Sequence[Choice], good: Callable[[Assignment], bool]) -> Assignment | None:
    """The one of least noise in the first batch that has any which is good."""
    for start in range(0, min(len(choices), BATCHES * BATCH), BATCH):
        batch = [choice.schemes for choice in choices[start : start + BATCH]]
        tables.evaluate(batch)
        found = [schemes for schemes in batch if good(schemes)]
        if found:
            return min(found, key=tables.noise)
    return None


def _narrowed(tables: Tables, rows: list[list[Option]], budgets: Budgets, first: Assignment) -> bool:
    """Where the most precise choice needs too much RAM: takes its widest options from the group at the peak, else from
    the first group that has any; False where none is left, or RAM is not the matter."""
    if budgets.ram is None or tables.estimate(first)["RAM"] <= budgets.ram:
        return False
    peak = tables.outcomes[first].peak
    at_peak = [index for index, group in enumerate(tables.groups) if peak in group.layers]
    for index in (*at_peak, *range(len(rows))):
        widths = {o.scheme: find_scheme(o.scheme).activation.dtype.itemsize for o in rows[index]}
        if len(set(widths.values())) > 1:
            rows[index] = [o for o in rows[index] if widths[o.scheme] < max(widths.values())]
            return True
    return False


def _nearest(
    tables: Tables, rows: Sequence[Sequence[Option]], budgets: Budgets, choices: Sequence[Choice]
) -> Assignment:
    """What exceeds flash and instructions least; of what is within both, the most precise."""
    if choices:
        return choices[0].schemes

    def excess(choice: Choice) -> float:
        over = [
            (own + spent) / limit
            for own, spent, limit in (
                (tables.flash, choice.flash, budgets.flash),
                (tables.instructions, choice.instructions, budgets.instructions),
            )
            if limit is not None
        ]
        return max(over, default=0.0)

    nearest = min(front(rows, tables.first_use), key=lambda choice: (excess(choice), choice.loss)).schemes
    tables.evaluate([nearest])
    return nearest


def _cheapest(tables: Tables, accuracy: float) -> Pick:
    """The least flash and instructions together, each relative to the reference's."""
    reference = next(each for name, each in tables.built.items() if tables.uniform[name] == tables.reference)

    def cost(schemes: Assignment) -> float:
        flash, executed = tables.sums(schemes)
        return flash / reference.flash + (executed / reference.instructions if reference.instructions else 0.0)

    def good(schemes: Assignment) -> bool:
        return accurate(tables, schemes, accuracy)

    # from the cheapest up, those that lose less than all cheaper ones
    ladder: list[Choice] = []
    for choice in sorted(front(tables.rows, tables.first_use), key=lambda c: (cost(c.schemes), c.loss, c.schemes)):
        if not ladder or choice.loss < ladder[-1].loss:
            ladder.append(choice)
    low, high = -1, len(ladder) - 1
    tables.evaluate([ladder[high].schemes])
    if not good(ladder[high].schemes):
        return Pick(ladder[high].schemes, cornered=True)
    while high - low > 1:
        steps = sorted({low + 1 + round(i * (high - low - 2) / (BATCH - 1)) for i in range(BATCH)})
        tables.evaluate(ladder[step].schemes for step in steps)
        fine = [step for step in steps if good(ladder[step].schemes)]
        high = fine[0] if fine else high
        low = max([step for step in steps if step < high], default=low)
    return Pick(_improved(tables, ladder[high].schemes, cost, good, lambda a, b: cost(a) < cost(b)))


def _improved(
    tables: Tables,
    schemes: Assignment,
    score: Callable[[Assignment], float],
    good: Callable[[Assignment], bool],
    promising: Callable[[Assignment, Assignment], bool],
) -> Assignment:
    """The good assignment of least score around one, and around that again, as evaluated whole.

    Args:
        promising: whether an assignment is worth evaluating in place of the one there is.
    """
    for _ in range(REPAIRS):
        batch = [each for each in neighbours(schemes, tables.rows) if promising(each, schemes)][:BATCH]
        tables.evaluate(batch)
        better = [each for each in batch if good(each) and score(each) < score(schemes)]
        if not better:
            break
        schemes = min(better, key=lambda each: (score(each), each))
    return schemes
