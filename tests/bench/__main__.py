"""Builds the zoo's models for every core, counts the instructions of one inference, and prints a Markdown table.

    python -m tests.bench [--models kws,ad] [--cores M4,M55] [--json FILE]

EDGEQ_ZOO names the folder of models; with CMSIS_NN_ROOT, Arm's own kernels are measured in place of the portable ones.
Instructions are counted exactly by a QEMU plugin and repeat exactly. They are not cycles.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq import api
from edgeq.target import Board, load_board, load_cpu
from tests.e2e.zoo import int8_model

MODELS = ("kws", "resnet8", "vww", "ad")


def cores() -> dict[str, Board]:
    """The boards by core. No emulated M0 board has the memory: the M3 of mps2-an385 executes ARMv6-M code too."""
    m3 = load_board("mps2-an385")
    return {
        "M4": load_board("mps2-an386"),
        "M7": load_board("mps2-an500"),
        "M33": load_board("mps2-an505"),
        "M55": load_board("mps3-an547"),
        "M3": m3,
        "M0": replace(m3, soc=replace(m3.soc, cpu=load_cpu("cortex-m0"))),
    }


def measure(model: str, core: str, board: Board) -> dict[str, Any]:
    """One row: instructions of an inference, and bytes."""
    with tempfile.TemporaryDirectory() as folder:
        project = api.build(int8_model(model), board, out=Path(folder) / "firmware")
        report = project.report()
        return {
            "model": model,
            "core": core,
            "macs": report["macs"],
            "instructions": project.profile()["instructions"],
            "arena_scratch": report["ram"]["arena"] + report["ram"]["scratch"],
            "stack": report["ram"]["stack"],
            "model_code": report["flash"]["model_code"],
            "constants": report["flash"]["constants"],
            "flash": report["flash"]["total"],
        }


def markdown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table."""
    lines = [
        "| model | core | instructions | per MAC | arena + scratch | stack | model code | constants |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for r in rows:
        lines.append(
            f"| {r['model']} | {r['core']} | {r['instructions']:,} | {r['instructions'] / r['macs']:.2f} | "
            f"{r['arena_scratch']:,} | {r['stack']:,} | {r['model_code']:,} | {r['constants']:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--cores", default=",".join(cores()))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    boards = cores()
    rows = [measure(m, c, boards[c]) for m in options.models.split(",") for c in options.cores.split(",")]
    print(markdown(rows))
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
