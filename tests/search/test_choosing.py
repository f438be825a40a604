"""Assignments within budgets, held against trying all of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgeq.search import choosing
from edgeq.search.choosing import Option, front, neighbours

FIRST_USE = {"a": 5, "b": 30, "c": 0}


def table(seed: int, groups: int = 5) -> list[list[Option]]:
    dice = np.random.default_rng(seed)
    return [
        [Option(name, float(dice.random()), int(dice.integers(1, 50)), int(dice.integers(1, 50))) for name in "abc"]
        for _ in range(groups)
    ]


def all_of(rows) -> list[tuple[float, int, int, tuple[str, ...]]]:
    found = []
    for options in itertools.product(*rows):
        flash = sum(o.flash for o in options) + sum(FIRST_USE[name] for name in {o.scheme for o in options})
        executed = sum(o.instructions for o in options)
        found.append((sum(o.loss for o in options), flash, executed, tuple(o.scheme for o in options)))
    return found


@pytest.mark.parametrize("seed", range(12))
def test_the_first_choice_is_the_best_of_all(seed):
    rows = table(seed)
    every = all_of(rows)
    for flash, instructions in ((130, 110), (150, None), (None, 100), (None, None), (90, 90)):
        fitting = [
            each for each in every
            if (flash is None or each[1] <= flash) and (instructions is None or each[2] <= instructions)
        ]  # fmt: skip
        found = front(rows, FIRST_USE, flash, instructions)
        assert bool(found) == bool(fitting)
        if found:
            assert found[0].loss == pytest.approx(min(fitting)[0])
            sums = {each[3]: each[:3] for each in every}
            for choice in found:
                assert (choice.flash, choice.instructions) == sums[choice.schemes][1:]
                assert not any(
                    e[0] < choice.loss - 1e-9 and e[1] <= choice.flash and e[2] <= choice.instructions for e in fitting
                )


def test_many_choices_are_thinned_out_and_keep_their_ends(monkeypatch):
    rows = table(3, groups=7)
    whole = front(rows, FIRST_USE)
    monkeypatch.setattr(choosing, "MOST", 20)
    thin = front(rows, FIRST_USE)
    assert len(thin) <= 20 < len(whole) and thin[0].loss == whole[0].loss


def test_neighbours_differ_in_one_group_or_exchange_two():
    rows = table(4, groups=4)
    mine = ("a", "b", "a", "c")
    found = neighbours(mine, rows)
    assert len(set(found)) == len(found) and mine not in found
    changes = [sum(x != y for x, y in zip(mine, each, strict=True)) for each in found]
    assert set(changes) == {1, 2} and changes.count(1) == 4 * 2
    assert all(sorted(each) == sorted(mine) for each, n in zip(found, changes, strict=True) if n == 2)
    losses = [
        sum(next(o.loss for o in row if o.scheme == n) for row, n in zip(rows, each, strict=True)) for each in found
    ]
    assert losses == sorted(losses)
