"""The device's side of the protocol under libFuzzer, with ASan and UBSan: whatever arrives, the server answers or
counts it, stays within its memory, and returns when the line closes."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from edgeq.api import compile_graph
from edgeq.emit import emit, write_files
from edgeq.target import load_board

from ..random_graphs.growing import random_graph

HARNESS = Path(__file__).with_name("protocol.c")
GRAPH = 6  # a random graph with layers, inputs and outputs enough
FRAMES = 6  # of an input, about
_FLAGS = ["-O1", "-g", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all", "-std=gnu99"]


def executable(folder: Path) -> Path:
    """The fuzzer around a small model's server."""
    clang = next((c for c in ("clang", *(f"clang-{n}" for n in range(20, 12, -1))) if shutil.which(c)), None)
    if clang is None:
        raise SystemExit("clang is not installed: apt-get install clang")
    board = load_board("mps2-an386")
    compiled = compile_graph(random_graph(GRAPH), board.soc.cpu)
    write_files(emit(compiled.program, compiled.plan, board), folder)
    (folder / "fuzzed.c").write_bytes(HARNESS.read_bytes())
    name = compiled.program.name
    sources = ["fuzzed.c", "runtime/probe.c", "runtime/startup/host.c", "runtime/timer/host.c"]
    sources += [f"model/{name}.c", f"model/{name}_weights.c"]
    for kind in ("runtime/protocol", "runtime/kernels", "runtime/cmsis_nn/Source"):
        sources += [str(path.relative_to(folder)) for path in sorted((folder / kind).glob("*.c"))]
    includes = ["-I.", "-Iruntime", "-Iruntime/include", "-Iruntime/cmsis_nn/Include"]
    command = [clang, *_FLAGS, f"-DEDGEQ_MODEL={name}_model", *includes, *sources, "-o", "fuzzed"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "fuzzed"


def _frame(control: int, payload: bytes = b"") -> bytes:
    return bytes([control, len(payload) & 255, len(payload) >> 8]) + payload


def seeds() -> list[bytes]:
    """Whole conversations, as the PC leads them."""
    hello = _frame(0x31, b"\1\2\3\4")
    write = _frame(0x32, b"\0\0\0\0\0\0" + bytes(range(8)))
    read_layer = _frame(0x36, b"\0\0\0\0\0\0\0\0\4\0")
    read_output = _frame(0x37, b"\0\0\0\0\0\0\4\0")
    begin, invoke, stats, reset = (_frame(0x30 + c) for c in (3, 5, 8, 9))
    step = _frame(0x34, b"\4\0")
    return [
        hello + write + begin + step + read_layer + step + stats,
        hello + write + invoke + read_output + write + invoke + reset,
        hello + _frame(0x00, b"\1\2\3") + _frame(0xF4) + _frame(0xE4) + step,
        hello + write + hello + _frame(0x31, b"\5\6\7\0") + invoke + read_output,
    ]


def fuzz_protocol(folder: Path, frames: int) -> int:
    """Fuzzes with about that many frames; prints and returns the number of findings (one at the most)."""
    project, corpus, ended = folder / "project", folder / "corpus", folder / "ended"
    for each in (project, corpus, ended):
        each.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(seeds()):
        (corpus / f"seed-{i}").write_bytes(seed)
    program = project / "fuzzed"
    if not program.exists():
        program = executable(project)
    runs = int(np.ceil(frames / FRAMES))
    command = [program, corpus, f"-runs={runs}", "-timeout=3", "-rss_limit_mb=1024", "-max_len=4096", "-seed=1",
               f"-artifact_prefix={ended}/", "-print_final_stats=1"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        result = subprocess.run([str(c) for c in command], stdout=log, stderr=log, check=False)
    found = sorted(ended.iterdir())
    print(f"protocol: {runs:,} inputs of some {FRAMES} frames")
    for path in found:
        print(f"  {path}")
    if result.returncode and not found:
        raise SystemExit(f"the fuzzer fails: see {folder / 'log'}")
    return len(found)
