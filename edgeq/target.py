"""Boards, SoCs and cores: data from TOML files, checked strictly, as frozen dataclasses.

A file's stem is its name. A board names its SoC, an SoC its core. A board's `uart.params` complete its SoC's (pins are
a matter of the board), and win where both give a value.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgeq.errors import TargetError
from edgeq.resources import targets_dir

#: The HELLO reply has to fit, and its length has 16 bits.
MAX_PAYLOAD_RANGE = (160, 4096)
FPUS = ("none", "single", "double")


@dataclass(frozen=True)
class CycleCosts:
    """What instructions take, for an estimate of cycles from counts.

    Attributes:
        source: where the figures come from.
        of_class: cycles of one instruction by class (those of device/icount_classes.h); a core executes no others.
            `multiple_registers` is added for every register that an instruction moves beyond its `multiple`, `returns`
            for every load that is a return as well.
    """

    source: str
    of_class: Mapping[str, int]

    def estimate(self, mix: Mapping[str, int]) -> int:
        """Cycles of so many instructions of each class.

        Raises:
            TargetError: instructions of a class that this core has not.
        """
        for name, count in mix.items():
            if count and name not in self.of_class:
                raise TargetError(f"no cycles are stated for instructions of the class '{name}'", where=self.source)
        return sum(count * self.of_class.get(name, 0) for name, count in mix.items())


@dataclass(frozen=True)
class Cpu:
    """A core.

    Attributes:
        name: the TOML file's stem.
        arch: Arm's architecture name, for example "armv7e-m".
        flags: compiler flags that select the core and its calling convention.
        dsp, mve: whether the core has the DSP extension, the vector extension.
        fpu: "none", "single" or "double".
        cycles: what its instructions take.
    """

    name: str
    description: str
    arch: str
    flags: tuple[str, ...]
    dsp: bool
    mve: bool
    fpu: str
    cycles: CycleCosts


@dataclass(frozen=True)
class Region:
    """A memory region: first address and size, in bytes."""

    origin: int
    size: int


@dataclass(frozen=True)
class Driver:
    """A driver of `runtime/uart/` or `runtime/timer/` and the integers it is compiled with, sorted by name."""

    driver: str
    params: tuple[tuple[str, int], ...]

    @property
    def defines(self) -> tuple[tuple[str, str], ...]:
        """(macro suffix, C literal) for every parameter, for example ("BASE", "0x40004000u")."""
        return tuple((name.upper(), f"0x{value:x}u") for name, value in self.params)


@dataclass(frozen=True)
class Soc:
    """A chip.

    Attributes:
        clock_hz: the core's clock after reset, in Hz (our start-up code changes no clock).
        flash, ram: where the image and its variables go.
        uart, timer: drivers, with the SoC's own parameters.
        max_payload: bytes of payload in one request of the validation protocol.
        min_stack: bytes of RAM that the linker keeps for the stack at least.
    """

    name: str
    description: str
    cpu: Cpu
    clock_hz: int
    flash: Region
    ram: Region
    uart: Driver
    timer: Driver
    max_payload: int
    min_stack: int


@dataclass(frozen=True)
class Qemu:
    """How `qemu-system-arm` runs the board: the machine, and its timer's rate in Hz of virtual time."""

    machine: str
    timer_hz: int


@dataclass(frozen=True)
class Board:
    """A board. `uart` is the SoC's driver with the board's parameters; `qemu` is None where no emulator has it."""

    name: str
    description: str
    soc: Soc
    uart: Driver
    baud: int
    qemu: Qemu | None
    flash_hint: str
    serial_hint: str

    @property
    def cpu(self) -> Cpu:
        return self.soc.cpu

    @property
    def max_payload(self) -> int:
        return self.soc.max_payload


class _Table:
    """A TOML table of which every key has to be taken exactly once, with its type and range checked."""

    def __init__(self, path: Path, values: Mapping[str, Any], prefix: str = ""):
        self._path, self._values, self._prefix = path, dict(values), prefix

    def fail(self, what: str) -> TargetError:
        return TargetError(what, where=str(self._path), hint="compare it with the other files of that folder")

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        name = self._prefix + key
        if key not in self._values:
            if default is None:
                raise self.fail(f"the key '{name}' is missing")
            return default
        value = self._values.pop(key)
        if type(value) is not kind:
            raise self.fail(f"'{name}' must be of type {kind.__name__}, not {type(value).__name__}")
        return value

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.take(key, int, default)
        if not low <= value <= high:
            raise self.fail(f"'{self._prefix}{key}' is {value}, allowed are {low} to {high}")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        return self.take(key, str, default)

    def table(self, key: str) -> _Table:
        return _Table(self._path, self.take(key, dict), f"{self._prefix}{key}.")

    def optional_table(self, key: str) -> _Table | None:
        return self.table(key) if key in self._values else None

    def integers(self) -> dict[str, int]:
        """All remaining keys, as unsigned 32-bit integers."""
        for key in self._values:
            if not (key.isidentifier() and key.isascii()):
                raise self.fail(f"'{self._prefix}{key}' cannot be the name of a macro")
        return {key: self.integer(key, 0, 2**32 - 1) for key in list(self._values)}

    def done(self) -> None:
        if self._values:
            unknown = ", ".join(f"'{self._prefix}{key}'" for key in sorted(self._values))
            raise self.fail(f"unknown key {unknown}")


def _names(kind: str, root: Path) -> list[str]:
    return sorted(path.stem for path in (root / f"{kind}s").glob("*.toml"))


def _read(kind: str, name: str, root: Path) -> _Table:
    names = _names(kind, root)
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise TargetError(f"unknown {kind} '{name}'", hint=f"{hint}known: {', '.join(names) or 'none'}")
    path = root / f"{kind}s" / f"{name}.toml"
    try:
        return _Table(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TargetError(f"cannot be read: {error}", where=str(path)) from error


def _region(table: _Table) -> Region:
    region = Region(origin=table.integer("origin", 0, 2**32 - 8), size=table.integer("size", 1024, 2**31))
    if region.origin % 8 or region.size % 8 or region.origin + region.size > 2**32:
        raise table.fail("a memory region must be aligned to 8 bytes and lie in the 32-bit address space")
    table.done()
    return region


def _params(table: _Table | None) -> dict[str, int]:
    params = table.optional_table("params") if table else None
    return params.integers() if params else {}


def _driver(table: _Table) -> Driver:
    name = table.text("driver")
    if not (name.isidentifier() and name.isascii()):
        raise table.fail(f"'{name}' cannot be the name of a driver")
    driver = Driver(name, tuple(sorted(_params(table).items())))
    table.done()
    return driver


def _cycles(table: _Table) -> CycleCosts:
    costs = CycleCosts(table.text("source"), MappingProxyType(table.integers()))
    if "alu" not in costs.of_class:
        raise table.fail("'cycles.alu' is missing")
    return costs


def load_cpu(name: str, *, root: Path | None = None) -> Cpu:
    """Reads `cpus/<name>.toml`.

    Raises:
        TargetError: the core is unknown or its file is wrong.
    """
    table = _read("cpu", name, root or targets_dir())
    flags = table.take("flags", list)
    if not flags or not all(isinstance(flag, str) and flag.startswith("-m") for flag in flags):
        raise table.fail("'flags' must be a list of compiler flags that begin with -m")
    cpu = Cpu(
        name=name,
        description=table.text("description"),
        arch=table.text("arch"),
        flags=tuple(flags),
        dsp=table.take("dsp", bool),
        mve=table.take("mve", bool),
        fpu=table.text("fpu"),
        cycles=_cycles(table.table("cycles")),
    )
    if cpu.fpu not in FPUS:
        raise table.fail(f"'fpu' is '{cpu.fpu}', allowed are {', '.join(FPUS)}")
    table.done()
    return cpu


def load_soc(name: str, *, root: Path | None = None) -> Soc:
    """Reads `socs/<name>.toml` and the core that it names.

    Raises:
        TargetError: the SoC or its core is unknown, or a file is wrong.
    """
    root = root or targets_dir()
    table = _read("soc", name, root)
    protocol = table.optional_table("protocol")
    soc = Soc(
        name=name,
        description=table.text("description"),
        cpu=load_cpu(table.text("cpu"), root=root),
        clock_hz=table.integer("clock_hz", 1, 2**32 - 1),
        flash=_region(table.table("flash")),
        ram=_region(table.table("ram")),
        uart=_driver(table.table("uart")),
        timer=_driver(table.table("timer")),
        max_payload=protocol.integer("max_payload", *MAX_PAYLOAD_RANGE, default=256) if protocol else 256,
        min_stack=protocol.integer("min_stack", 512, 2**20, default=4096) if protocol else 4096,
    )
    if protocol:
        protocol.done()
    if soc.min_stack % 8:
        raise table.fail("'protocol.min_stack' must be a multiple of 8")
    table.done()
    return soc


def load_board(name: str, *, root: Path | None = None) -> Board:
    """Reads `boards/<name>.toml`, its SoC and its core.

    Args:
        name: one of `list_boards()`.
        root: the folder of `cpus/`, `socs/` and `boards/`; edgeq's own where None.

    Raises:
        TargetError: the board is unknown (the message lists the known ones) or a file is wrong.
    """
    root = root or targets_dir()
    table = _read("board", name, root)
    soc = load_soc(table.text("soc"), root=root)
    uart = table.optional_table("uart")
    params = dict(soc.uart.params) | _params(uart)
    if uart:
        uart.done()
    emulator = table.optional_table("qemu")
    qemu = None
    if emulator:
        qemu = Qemu(machine=emulator.text("machine"), timer_hz=emulator.integer("timer_hz", 1, 2**32 - 1))
        emulator.done()
    board = Board(
        name=name,
        description=table.text("description"),
        soc=soc,
        uart=Driver(soc.uart.driver, tuple(sorted(params.items()))),
        baud=table.integer("baud", 300, 10_000_000, default=115200),
        qemu=qemu,
        flash_hint=table.text("flash_hint"),
        serial_hint=table.text("serial_hint"),
    )
    table.done()
    return board


def list_boards(*, root: Path | None = None) -> tuple[str, ...]:
    """The names of all boards, sorted."""
    return tuple(_names("board", root or targets_dir()))
