"""Exact, repeatable instruction counts of layers, by class of instruction, from a QEMU plugin.

Counted are the instructions that a layer's function executes, from its first to its return, with all that it calls.
The loop that calls the layers, the marks and the SysTick handler are left out by address, so no overhead is estimated.
They are instructions, not cycles; a core's table of costs (`Cpu.cycles`) makes an estimate of these from the classes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgeq.device.protocol import EMULATOR_TIMING, Timing
from edgeq.device.qemu import QemuTransport
from edgeq.device.session import Session, connect
from edgeq.errors import ProjectError, ToolchainError
from edgeq.target import Board

_SOURCES = tuple(Path(__file__).with_name(name) for name in ("icount_plugin.c", "icount_classes.h"))
_BEGIN, _END = "edgeq_probe_begin", "edgeq_probe_end"
_SKIPPED = (_BEGIN, _END, "edgeq_probe_run", "SysTick_Handler")


#: Columns of the counts that say more about instructions of other columns.
_ADDENDA = ("multiple_registers", "returns")


@dataclass(frozen=True)
class Executed:
    """What has been executed: counts by class, see icount_classes.h."""

    mix: Mapping[str, int]

    @property
    def instructions(self) -> int:
        return sum(count for name, count in self.mix.items() if name not in _ADDENDA)


@dataclass(frozen=True)
class Profile:
    """What each layer executes, and a whole inference run in one go."""

    layers: tuple[Executed, ...]
    inference: Executed


def build_plugin(cache: Path | None = None) -> Path:
    """Compiles the plugin, once per version of its source.

    Args:
        cache: the folder to keep it in; the user's cache folder where None.

    Raises:
        ToolchainError: the host has no gcc, or it fails.
    """
    compiler = shutil.which("gcc")
    if compiler is None:
        raise ToolchainError("gcc is not installed", hint="install a C compiler, for example: sudo apt install gcc")
    if cache is None:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeq"
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _SOURCES)).hexdigest()[:16]
    plugin = cache / f"icount-{digest}.so"
    if plugin.is_file():
        return plugin
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Under a name of its own first: two runs at once must not load half a file.
        handle, partial = tempfile.mkstemp(dir=cache, suffix=".so")
    except OSError as error:
        raise ToolchainError(f"the cache folder cannot be written: {error.strerror}", where=str(cache)) from error
    os.close(handle)
    command = [compiler, "-O2", "-shared", "-fPIC", "-fvisibility=hidden", str(_SOURCES[0]), "-o", partial]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        Path(partial).unlink()
        raise ToolchainError(f"gcc cannot build the plugin:\n{result.stderr[-2000:]}", where=str(_SOURCES[0]))
    Path(partial).replace(plugin)
    return plugin


def find_functions(elf: Path, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """First address and size of functions of an image. Those that it lacks are missing from the result.

    Raises:
        ProjectError: the file is no ELF image.
    """
    found = {}
    try:
        with open(elf, "rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            for symbol in table.iter_symbols() if table else ():
                if symbol.name in names and symbol["st_info"]["type"] == "STT_FUNC":
                    found[symbol.name] = (symbol["st_value"] & ~1, symbol["st_size"])
    except (OSError, ELFError) as error:
        raise ProjectError(f"the image cannot be read: {error}", where=str(elf), hint="build it again") from error
    return found


class Counter:
    """The counts that the plugin has written, in order."""

    def __init__(self, path: Path):
        self._path, self._taken = path, 0

    def take(self) -> Executed:
        """What the run that has just ended has executed.

        Raises:
            ToolchainError: the plugin has not written exactly one line.
        """
        names, *lines = self._path.read_text().splitlines() or [""]
        fresh = lines[self._taken :]
        self._taken = len(lines)
        if len(fresh) != 1:
            raise ToolchainError(
                f"the instruction counter shows {len(fresh)} runs in place of one",
                where=str(self._path),
                hint="does this QEMU have plugins enabled? (built with --enable-plugins)",
            )
        return Executed(dict(zip(names.split(), map(int, fresh[0].split()), strict=True)))


@contextmanager
def open_counting(
    board: Board,
    elf: Path,
    *,
    program_hash: bytes | None = None,
    timing: Timing = EMULATOR_TIMING,
    icount: bool = True,
    cache: Path | None = None,
) -> Iterator[tuple[Session, Counter]]:
    """A session with an emulated board whose instructions are counted: `counter.take()` after every step or invoke.

    Raises:
        ToolchainError: QEMU or gcc is missing, or QEMU cannot load the plugin.
        ProjectError: the image lacks the marks.
        TargetError, ProtocolError: as `open_qemu`.
    """
    functions = find_functions(elf, _SKIPPED)
    missing = [name for name in (_BEGIN, _END, "edgeq_probe_run") if name not in functions]
    if missing:
        raise ProjectError(f"the image has no function {missing[0]}", where=str(elf), hint="use an unstripped image")
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        counts = Path(folder) / "counts"
        arguments = [f"file={build_plugin(cache)}", f"begin={functions[_BEGIN][0]:#x}", f"end={functions[_END][0]:#x}"]
        arguments += [f"skip={first:#x}-{first + size:#x}" for first, size in functions.values()]
        arguments.append(f"out={counts}")
        if any("," in argument for argument in arguments):
            raise ToolchainError("QEMU takes no comma in the path of a plugin", where=str(counts), hint="set TMPDIR")
        transport = QemuTransport(board, elf, extra=("-plugin", ",".join(arguments)), icount=icount)
        with connect(transport, program_hash=program_hash, timing=timing) as session:
            yield session, Counter(counts)


def profile(
    board: Board, elf: Path, inputs: Sequence[bytes], *, program_hash: bytes | None = None, icount: bool = True
) -> Profile:
    """Runs two inferences in QEMU, layer by layer and in one go, and counts their instructions.

    Args:
        inputs: the bytes of every input.

    Raises:
        As `open_counting`.
    """

    with open_counting(board, elf, program_hash=program_hash, icount=icount) as (session, counter):
        session.write_inputs(inputs)
        session.begin()
        layers = []
        for _ in range(session.hello.layer_count):
            session.step()
            layers.append(counter.take())
        session.write_inputs(inputs)
        session.invoke()
        return Profile(tuple(layers), counter.take())
