"""The bench's figures as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.bench.measuring import BASELINE, BOARDS, MODELS, cells

README = Path(__file__).resolve().parents[2] / "README.md"
TABLE = Path(__file__).with_name("table.md")
_BEGIN, _END = "<!-- written by make bench -->\n", "<!-- end -->\n"

Figures = Mapping[str, Mapping[str, Any]]


def _table(columns: list[str], rows: list[list[str]], words: int) -> str:
    """A Markdown table whose first columns hold words, the others numbers."""
    rule = ["---"] * words + ["---:"] * (len(columns) - words)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [columns, rule, *rows])


def summary(figures: Figures) -> str:
    """Millions of instructions by core and model beside the baseline's, with the default kernels; the M4's bytes."""
    rows = []
    for core in BOARDS:
        row = [core]
        for model in MODELS:
            baseline = BASELINE["instructions"].get(core, {}).get(model)
            beside = f" ({baseline / 1e6:.2f})" if baseline else ""
            row.append(f"{figures[f'{core}/{model}/auto']['instructions'] / 1e6:.2f}{beside}")
        rows.append(row)
    for name, key in (("M4, flash", "flash"), ("M4, RAM", "ram")):
        cells_of = [(figures[f"M4/{model}/auto"][key], BASELINE[key]["M4"][model]) for model in MODELS]
        rows.append([name, *(f"{ours:,} ({theirs:,})" for ours, theirs in cells_of)])
    return _table(["core", *MODELS.values()], rows, 1)


def everything(figures: Figures) -> str:
    """All cells."""
    columns = [
        "core", "model", "kernels", "instructions", "per MAC", "cycles, estimated", "TFLM + CMSIS-NN, instructions",
        "flash", "RAM", "layers and kernels", "constants", "arena + scratch", "stack",
    ]  # fmt: skip
    rows = []
    for cell in cells():
        f = figures[cell]
        core, model, setting = cell.split("/")
        baseline = BASELINE["instructions"].get(core, {}).get(model)
        bytes_of = [f"{f[key]:,}" for key in ("flash", "ram", "code", "constants", "arena", "stack")]
        counts = [f"{f['instructions']:,}", f"{f['instructions'] / f['macs']:.2f}", f"{f['cycles']:,}"]
        rows.append([core, model, setting, *counts, f"{baseline:,}" if baseline else "", *bytes_of])
    return _table(columns, rows, 3)


def readme_table(readme: str) -> str:
    """The summary that stands in the README."""
    return readme.split(_BEGIN)[1].split(_END)[0]


def write(figures: Figures) -> None:
    """Writes table.md, and the summary into the README."""
    TABLE.write_text(everything(figures))
    before, rest = README.read_text().split(_BEGIN)
    README.write_text(before + _BEGIN + summary(figures) + _END + rest.split(_END, 1)[1])
