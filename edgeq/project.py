"""A firmware folder that `edgeq build` wrote: opened, run on every rung, verified, profiled."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.device import icount
from edgeq.device.session import Session, open_host, open_qemu, open_serial
from edgeq.emit import MANIFEST_FILE, PROGRAM_FILE
from edgeq.errors import ProjectError, TargetError
from edgeq.naming import c_identifier, unique
from edgeq.ops import params_type
from edgeq.program import Program, load_program
from edgeq.simulate import simulate
from edgeq.target import Board, load_board
from edgeq.toolchain import build as toolchain
from edgeq.vectors import program_inputs
from edgeq.verify import Progress, VerifyReport, quiet, random_vectors, run_on, verify_on

REPORT_FILE = "report.json"
Vectors = Path | str | np.ndarray | Sequence[np.ndarray]


@dataclass(frozen=True)
class Project:
    """A firmware project.

    Attributes:
        folder: where it lies. name: what its C code calls the model.
        program: what it computes. board: what it was built for.
    """

    folder: Path
    name: str
    program: Program
    board: Board

    def report(self) -> dict[str, Any]:
        """What the build found: hash, sizes, layers, warnings (`edgeq build --json`).

        Raises:
            ProjectError: the folder has no readable report.
        """
        return _read_json(self.folder / REPORT_FILE)

    def simulate(self, inputs: Vectors, *, dequantize: bool = False, states: bool = False) -> dict[str, np.ndarray]:
        """Outputs by name, (n, *shape), of the integer simulator; float32 where `dequantize`, else integers.

        Args:
            inputs: a file, an array, or one array per input; real numbers are quantized.
            states: gives, by their names, also what the states hold after each vector.
        """
        found = simulate(self.program, program_inputs(self.program, inputs), states=states)
        return self._named(found, dequantize)

    def run(
        self,
        inputs: Vectors,
        *,
        on: str = "host",
        dequantize: bool = False,
        states: bool = False,
        progress: Progress = quiet,
    ) -> dict[str, np.ndarray]:
        """As `simulate`, on a rung: "host", "qemu", or a serial port.

        Raises:
            ProtocolError: the device is silent, answers garbage, or runs another program.
            ToolchainError: the image is not built and cannot be.
        """
        vectors = program_inputs(self.program, inputs)
        with self.open(on) as session:
            return self._named(run_on(self.program, session, vectors, progress, states=states), dequantize)

    def verify(
        self,
        on: str | Sequence[str] = "host",
        *,
        vectors: int = 16,
        inputs: Vectors | None = None,
        seed: int = 0,
        progress: Progress = quiet,
    ) -> VerifyReport:
        """Compares every layer's output with the simulator's on each rung.

        Args:
            vectors: how many random vectors, full range and extremes, where `inputs` gives none.
        """
        given = inputs is not None
        arrays = program_inputs(self.program, inputs) if given else random_vectors(self.program, vectors, seed)
        results = []
        for rung in [on] if isinstance(on, str) else on:
            with self.open(rung) as session:
                results.append(verify_on(self.program, session, arrays, rung, progress))
        return VerifyReport(tuple(results))

    def profile(self, *, seed: int = 0) -> dict[str, Any]:
        """Executed instructions of one inference on the emulated board, `{instructions, cycles, layers[…]}`.

        Instructions are exact. `cycles` is an estimate: what the core's table of costs makes of their classes, `mix`.

        Raises:
            TargetError: the board is not emulated.
        """
        self._require_qemu()
        inputs = [x.tobytes() for x in random_vectors(self.program, 4, seed)]
        sizes = [self.program.tensors[name].nbytes for name in self.program.inputs]
        vector = [data[3 * size :] for data, size in zip(inputs, sizes, strict=True)]
        counts = icount.profile(self.board, self.image("target"), vector, program_hash=bytes.fromhex(self.program.hash))

        def figures(executed: icount.Executed) -> dict[str, Any]:
            mix = {name: count for name, count in executed.mix.items() if count}
            cycles = self.board.cpu.cycles.estimate(mix)
            return {"instructions": executed.instructions, "cycles": cycles, "mix": mix}

        layers = [
            {"name": c.name, "op": c.op, "kernel": c.kernel, "macs": c.macs, **figures(executed)}
            for c, executed in zip(self.program.calls, counts.layers, strict=True)
        ]
        return {
            "target": self.board.name,
            "cycles_source": self.board.cpu.cycles.source,
            **figures(counts.inference),
            "macs": self.program.macs,
            "layers": layers,
        }

    def open(self, on: str) -> Session:
        """A session with a rung whose program has been checked; building the image where it is missing."""
        digest = bytes.fromhex(self.program.hash)
        if on == "host":
            return open_host(self.image("host"), program_hash=digest)
        if on == "qemu":
            self._require_qemu()
            # nobody looks at the timer here: without instruction counting QEMU is faster
            return open_qemu(self.board, self.image("target"), program_hash=digest, icount=False)
        return open_serial(on, self.board.baud, program_hash=digest)

    def image(self, preset: str) -> Path:
        """The built image of "host" or "target"; compiled first where it is missing."""
        suffix = "" if preset == "host" else ".elf"
        path = self.folder / "build" / preset / f"{self.name}{suffix}"
        return path if path.exists() else toolchain.build(self.folder, preset)

    def _require_qemu(self) -> None:
        if self.board.qemu is None:
            raise TargetError(
                f"QEMU does not emulate {self.board.name}", hint="verify on a board, or build for an emulated target"
            )

    def _named(self, arrays: Sequence[np.ndarray], dequantize: bool) -> dict[str, np.ndarray]:
        """Outputs by name, and states where they are given."""
        named = {}
        tensors = (*self.program.outputs, *(state.name for state in self.program.states))[: len(arrays)]
        # a tensor may be an output twice
        for output, name, values in zip(tensors, unique(tensors), arrays, strict=True):
            quant = self.program.tensors[output].quant
            named[name] = quant.dequantize(values) if dequantize and quant else values
        return named


def _read_json(path: Path) -> dict[str, Any]:
    hint = "name a folder that `edgeq build` wrote"
    try:
        document = json.loads(path.read_text())
    except OSError as error:
        raise ProjectError(f"not an edgeq project: {error.strerror}", where=str(path), hint=hint) from None
    except ValueError as error:
        raise ProjectError(f"damaged: {error}", where=str(path), hint="build the project again") from None
    if not isinstance(document, dict):
        raise ProjectError("damaged: not a JSON object", where=str(path), hint="build the project again")
    return document


def open_project(folder: Path | str) -> Project:
    """Opens a folder that `edgeq build` wrote.

    Raises:
        ProjectError: it is not one, it is damaged, or its program is not the one that its manifest names.
    """
    folder = Path(folder)
    manifest = _read_json(folder / MANIFEST_FILE)
    program = load_program(folder / PROGRAM_FILE, params_type)
    if program.hash != manifest.get("program_hash"):
        raise ProjectError(
            "the program is not the one that the manifest names", where=str(folder), hint="build the project again"
        )
    name = c_identifier(program.name, fallback="model")
    return Project(folder, name, program, load_board(str(manifest.get("target"))))


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> None:
    """Replaces an output folder whole or not at all: `fill` writes into a fresh folder beside it, then they change
    places.

    Raises:
        ProjectError: the place is not writable, or holds something that edgeq did not write.
    """
    folder = folder.absolute()
    if folder.exists() and not folder.is_dir():
        raise ProjectError("is a file, an output folder is needed", where=str(folder))
    ours = all((folder / name).is_file() for name in (MANIFEST_FILE, PROGRAM_FILE))  # others have a manifest.json too
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise ProjectError(
            "holds files that edgeq did not write", where=str(folder), hint="name another output folder with -o"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise ProjectError(f"cannot write here: {error.strerror}", where=str(folder.parent)) from None
    try:
        fill(fresh)
        fresh.chmod(0o755)
        _exchange(fresh, folder)
    except OSError as error:
        raise ProjectError(f"cannot write the project: {error.strerror}", where=str(folder)) from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _exchange(fresh: Path, folder: Path) -> None:
    """Puts `fresh` in the place of `folder`; what was there comes back if that fails."""
    if not folder.exists():
        os.replace(fresh, folder)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    os.replace(folder, old)
    try:
        os.replace(fresh, folder)
    except OSError:
        os.replace(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Stores the build's report in the project."""
    (folder / REPORT_FILE).write_text(json.dumps(report, indent=2) + "\n")
