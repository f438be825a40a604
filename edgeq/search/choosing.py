"""Assignments of least loss within budgets: tables of numbers only.

Losses and costs add up over the groups, but for what the first use of a scheme costs (the code of its kernels). Partial
assignments that another one beats in everything are dropped group by group, a dynamic programme over the rest: exact,
unless there are more than MOST of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Partial assignments that are kept.
MOST = 3000


@dataclass(frozen=True)
class Option:
    """One scheme for one group: what it loses (any unit, sums), bytes of constants, instructions."""

    scheme: str
    loss: float
    flash: int
    instructions: int


@dataclass(frozen=True)
class Choice:
    """An assignment with its sums; flash holds the first uses of its schemes."""

    loss: float
    flash: int
    instructions: int
    schemes: tuple[str, ...]


def front(
    table: Sequence[Sequence[Option]],
    first_use: Mapping[str, int],
    flash: int | None = None,
    instructions: int | None = None,
) -> list[Choice]:
    """The assignments that no other one beats, by rising loss.

    Args:
        table: the options of each group, one or more.
        first_use: bytes of flash that the first use of a scheme costs.
        flash, instructions: the most that an assignment may take; None for any.

    Empty where nothing is within the budgets.
    """
    rest_flash, rest_instructions = [0], [0]
    for options in reversed(table):
        rest_flash.append(rest_flash[-1] + min(o.flash for o in options))
        rest_instructions.append(rest_instructions[-1] + min(o.instructions for o in options))
    partial = [Choice(0.0, 0, 0, ())]
    for index, options in enumerate(table):
        later_flash, later_instructions = rest_flash[-2 - index], rest_instructions[-2 - index]
        grown = [
            _with(choice, option, first_use)
            for choice in partial
            for option in options
        ]  # fmt: skip
        grown = [
            c
            for c in grown
            if (flash is None or c.flash + later_flash <= flash)
            and (instructions is None or c.instructions + later_instructions <= instructions)
        ]
        partial = _unbeaten(grown, last=index == len(table) - 1)
    return partial


def _with(choice: Choice, option: Option, first_use: Mapping[str, int]) -> Choice:
    new = 0 if option.scheme in choice.schemes else first_use.get(option.scheme, 0)
    return Choice(
        choice.loss + option.loss,
        choice.flash + option.flash + new,
        choice.instructions + option.instructions,
        (*choice.schemes, option.scheme),
    )


def _unbeaten(choices: list[Choice], last: bool) -> list[Choice]:
    """By rising loss; unless it is the last group, of those with the same schemes in use: what comes later depends on
    them."""
    kept: list[Choice] = []
    fronts: dict[frozenset[str], list[tuple[int, int]]] = {}
    for choice in sorted(choices, key=lambda c: (c.loss, c.flash, c.instructions, c.schemes)):
        better = fronts.setdefault(frozenset(() if last else choice.schemes), [])
        if any(f <= choice.flash and i <= choice.instructions for f, i in better):
            continue
        better[:] = [(f, i) for f, i in better if not (choice.flash <= f and choice.instructions <= i)]
        better.append((choice.flash, choice.instructions))
        kept.append(choice)
    if len(kept) <= MOST:
        return kept
    # evenly spread over the front: its ends are kept
    return [kept[round(i * (len(kept) - 1) / (MOST - 1))] for i in range(MOST)]


def neighbours(schemes: Sequence[str], table: Sequence[Sequence[Option]]) -> list[tuple[str, ...]]:
    """Assignments that differ in one group, or in two which exchange roles; those of least predicted loss first."""
    by_name = [{option.scheme: option for option in options} for options in table]

    def loss(assignment: Sequence[str]) -> float:
        return sum(options[name].loss for options, name in zip(by_name, assignment, strict=True))

    found: dict[tuple[str, ...], None] = {}
    for index, options in enumerate(table):
        for option in options:
            found[(*schemes[:index], option.scheme, *schemes[index + 1 :])] = None
    for i in range(len(schemes)):
        for j in range(i + 1, len(schemes)):
            if schemes[j] in by_name[i] and schemes[i] in by_name[j]:
                swapped = list(schemes)
                swapped[i], swapped[j] = schemes[j], schemes[i]
                found[tuple(swapped)] = None
    found.pop(tuple(schemes), None)
    return sorted(found, key=lambda assignment: (loss(assignment), assignment))
