"""`python -m tests.fuzz [--runs N] [--folder DIR] [tflite] [keras] [h5] [protocol]`: fuzzes, one process at a time, and
says what was found; exit status 1 if anything was. Continues in a folder that holds an earlier run. Of Keras's files as
many are whole ones with changes (structured.py) as are steered by coverage.

Needs the extra `fuzz` (atheris), and clang for the protocol.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from edgeq.errors import EdgeqError

from . import isolated, structured
from .seeds import FORMATS, write_seeds

TIMEOUT = 3  # seconds by the clock after which the fuzzer gives an input up
MAX_RSS_MB = 1024
MAX_INPUT = 200_000  # bytes


def runs_of(folder: Path) -> int:
    state = folder / "state.json"
    return json.loads(state.read_text())["runs"] if state.exists() else 0


def fuzz_importer(kind: str, folder: Path, runs: int) -> None:
    """Runs the fuzzer until it has tried that many files. What ends its process, a hang or a crash inside a library
    written in C, is kept, and it starts again."""
    corpus, ended = folder / "corpus", folder / "ended"
    ended.mkdir(parents=True, exist_ok=True)
    if not corpus.exists():
        write_seeds(kind, corpus)
    while (done := runs_of(folder)) < runs:
        command = [
            sys.executable, "-m", "tests.fuzz.importers", kind, folder, corpus, f"-runs={runs - done}",
            f"-timeout={TIMEOUT}", f"-rss_limit_mb={MAX_RSS_MB}", f"-max_len={MAX_INPUT}", f"-artifact_prefix={ended}/",
            "-report_slow_units=1000", "-print_final_stats=0", "-verbosity=0",
        ]  # fmt: skip
        with (folder / "log").open("ab") as log:
            result = subprocess.run([str(c) for c in command], stdout=log, stderr=log, check=False)
        if result.returncode and not (folder / "state.json").exists():
            raise SystemExit(f"the fuzzer does not start: see {folder / 'log'}")


def report_importer(kind: str, folder: Path) -> int:
    """Prints what was found; returns the number of findings."""
    state = json.loads((folder / "state.json").read_text())
    print(f"{kind}: {state['runs']:,} files, {state['loaded']:,} loaded, {state['compiled']:,} compiled")
    findings = [path for path in sorted((folder / "found").iterdir()) if path.suffix != ".txt"]
    # what ended the fuzzer's process has to be refused by the program itself
    for path in sorted((folder / "ended").iterdir()):
        if problem := isolated.problem_of(path.read_bytes(), kind):
            print(f"  {problem}: {path}")
            findings.append(path)
    for path in findings:
        print(f"  {path}")
    return len(findings)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("what", nargs="*", choices=[*FORMATS, "protocol", []], default=[])
    parser.add_argument("--runs", type=int, default=10_000, help="inputs of each kind")
    parser.add_argument("--folder", type=Path, help="keeps the corpus and the findings")
    arguments = parser.parse_args()
    root = arguments.folder or Path(tempfile.mkdtemp(prefix="edgeq-fuzz-"))
    findings = 0
    for kind in arguments.what or [*FORMATS, "protocol"]:
        if kind == "protocol":
            from .protocol import fuzz_protocol

            findings += fuzz_protocol(root / kind, arguments.runs)
        else:
            fuzz_importer(kind, root / kind, arguments.runs)
            findings += report_importer(kind, root / kind)
            if kind in structured.CHANGED:
                structured.fuzz(kind, root / f"{kind}-structured", arguments.runs)
                findings += report_importer(kind, root / f"{kind}-structured")
    print("nothing found" if not findings else f"{findings} findings in {root}")
    return 1 if findings else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EdgeqError as error:
        sys.exit(str(error))
