"""The importers under a coverage-guided fuzzer; what is watched stands in watching.py.

Runs as a process of its own (`python -m tests.fuzz.importers FORMAT FOLDER [options of libFuzzer]`), started by
`python -m tests.fuzz`. The fuzzing goes on after an input that breaks a rule.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["edgeq"], enable_loader_override=False):
    # also what loads late otherwise: it would not be instrumented then
    import edgeq.api
    import edgeq.importers.keras.container
    import edgeq.importers.tflite
    import edgeq.target  # noqa: F401

from .mutations import MUTATIONS
from .watching import Fuzzer


def main() -> None:
    kind, folder, *options = sys.argv[1:]
    fuzzer = Fuzzer(kind, Path(folder))
    mutation = MUTATIONS[kind]

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        changed = mutation(
            data, np.random.default_rng(seed), lambda part: atheris.Mutate(part, max(len(part), 64) + 64)
        )
        return changed if len(changed) <= max_size else data

    atheris.Setup([sys.argv[0], *options], fuzzer.one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
