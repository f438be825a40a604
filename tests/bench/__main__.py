"""Builds the zoo's models for every core with every kernel setting, and counts the instructions of one inference.

    python -m tests.bench [--only REGEX] [--check]

Writes counts.json and table.md beside this file, and the table of the README; the figures of cells that `--only`
leaves out stay as they are. `--check` writes nothing: exit status 1 if a cell has grown by more than 2 %, as the tests
do for most of them. EDGEQ_ZOO names the folder of models. Instructions are counted exactly by a QEMU plugin and repeat
exactly; cycles are estimated from their classes (`edgeq profile`). CMSIS-NN's functions are our portable ones.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path

from tests.bench import tables
from tests.bench.measuring import STORED, Workspace, cells, grown, store, stored


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help='a regular expression for "core/model/setting"')
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    os.environ.pop("CMSIS_NN_ROOT", None)
    figures = stored() if STORED.exists() else {}
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        for cell in cells():
            if re.search(options.only, cell):
                measured = workspace.measure(cell)
                before = figures.get(cell, measured)
                change = measured["instructions"] / before["instructions"] - 1
                print(f"{cell:22s} {measured['instructions']:>12,} {change:+8.1%} {measured['cycles']:>12,} cycles")
                problems += grown(cell, before, measured)
                figures[cell] = measured
    if options.check:
        print("\n".join(problems) or "nothing has grown")
        return 1 if problems else 0
    store(figures)
    tables.write(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
