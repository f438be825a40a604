"""A conversation with a device: open it, write inputs, run layers, read tensors."""

from __future__ import annotations

import itertools
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from edgeq.device.host import HostTransport
from edgeq.device.protocol import (
    DEFAULT_TIMING,
    EMULATOR_TIMING,
    HASH_BYTES,
    INIT_NOT_RUN,
    Command,
    Frame,
    Hello,
    Link,
    Status,
    Timing,
    parse_hello,
)
from edgeq.device.qemu import QemuTransport
from edgeq.device.serial import SerialTransport
from edgeq.device.transport import Transport
from edgeq.errors import ProtocolError
from edgeq.target import Board

_RUN = struct.Struct("<HiI")
_WRITE = struct.Struct("<HI")
_STATS = struct.Struct("<IIB")
_INIT_ERRORS = {
    -1: "the model's memory plan is inconsistent",
    -2: "a kernel refused its arguments",
    -3: "the linked kernel library wants more scratch memory than was planned",
}


class LayerFailed(ProtocolError):
    """A layer returned an error.

    Attributes:
        layer: its index; status: what it returned (an EDGEQ_ERROR of `edgeq_model.h`).
    """

    def __init__(self, layer: int, status: int, where: str):
        hint = "build again; with CMSIS_NN_ROOT, try the kernels that edgeq brings along" if status == -3 else ""
        super().__init__(f"layer {layer} failed with status {status}", where=where, hint=hint)
        self.layer, self.status = layer, status


@dataclass(frozen=True)
class Run:
    """What STEP and INVOKE report: layers completed since BEGIN, and the ticks of the device's timer that it took."""

    completed: int
    ticks: int


@dataclass(frozen=True)
class Stats:
    """Bytes of stack, and the most that were used since start-up; both 0 where the device does not measure it."""

    stack_size: int
    stack_used: int
    stack_intact: bool


def _parts(nbytes: Sequence[int], room: int, start: int = 0) -> Iterator[tuple[int, int, int, int]]:
    """Tensors of these sizes, one after the other, in parts of at most `room` bytes, from byte `start` on.

    Yields: (first byte of all, index of the tensor that it belongs to, its offset there, bytes of the part).
    """
    index, before, total = 0, 0, sum(nbytes)
    while start < total:
        while start >= before + nbytes[index]:
            before += nbytes[index]
            index += 1
        length = min(room, total - start)
        yield start, index, start - before, length
        start += length


class Session:
    """An open connection whose program has been checked. Made by `connect`, closed by `with` or `close`.

    Every method raises ProtocolError where the device is silent, refuses, or has started anew.
    """

    def __init__(self, transport: Transport, timing: Timing = DEFAULT_TIMING):
        self._link = Link(transport, timing)
        self._timing = timing
        self.hello = self._say_hello()

    @property
    def transport(self) -> Transport:
        return self._link.transport

    @property
    def name(self) -> str:
        """The port, executable or machine, for messages."""
        return self._link.transport.name

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._link.transport.close()

    def _say_hello(self) -> Hello:
        # A number of our own: the device then starts over, whatever an earlier host has left.
        session = os.urandom(4)
        reply = self._link.request(Command.HELLO, session)
        hello = parse_hello(reply.payload) if reply.status == Status.OK else None
        if hello is None or hello.session != int.from_bytes(session, "little"):
            raise self._link.fail("the device's greeting makes no sense", "rebuild and flash the firmware")
        return hello

    def _request(self, command: Command, payload: bytes = b"", *, patience: float | None = None) -> Frame:
        """A request of this session; replies that report a restart or a broken stack are raised."""
        reply = self._link.request(command, payload, patience=patience)
        if reply.status == Status.NO_SESSION:
            fault = self._say_hello().fault
            what = f"the device started anew during {command.name}"
            if fault.count:
                what += f": {fault}"
                hint = "arm-none-eabi-addr2line -f -e <elf> <pc> names the place"
                raise self._link.fail(what, hint)
            raise self._link.fail(what, "was it reset or unplugged? a watchdog or a weak power supply does that too")
        if reply.status == Status.STACK_OVERFLOW:
            raise self._link.fail(
                f"the stack ran over its end during {command.name}",
                "results are worthless; use a board with more RAM, or a model that leaves more of it",
            )
        return reply

    def _checked(self, command: Command, payload: bytes, length: int, *, patience: float | None = None) -> bytes:
        """The payload of a reply that must be OK and have `length` bytes."""
        reply = self._request(command, payload, patience=patience)
        if reply.status != Status.OK:
            name = Status(reply.status).name if reply.status in list(Status) else str(reply.status)
            raise self._link.fail(f"the device refuses {command.name}: {name}")
        if len(reply.payload) != length:
            raise self._link.fail(f"{command.name}: {len(reply.payload)} bytes arrived in place of {length}")
        return reply.payload

    def write_inputs(self, values: Sequence[bytes]) -> None:
        """Writes the whole of all inputs. They hold their values until layers run: write them before every run."""
        data = b"".join(values)
        lengths = [len(value) for value in values]
        for start, index, offset, length in _parts(lengths, self.hello.max_payload - _WRITE.size):
            self._checked(Command.WRITE, _WRITE.pack(index, offset) + data[start : start + length], 0)

    def reset(self) -> None:
        """Initialises the model again: what it remembers between inferences is forgotten."""
        payload = self._checked(Command.RESET, b"", 4, patience=self._timing.run)
        check_init(int.from_bytes(payload, "little", signed=True), self.name)

    def begin(self) -> None:
        """The next `step` runs the first layer."""
        self._checked(Command.BEGIN, b"", 0)

    def step(self) -> Run:
        """Runs the next layer.

        Raises:
            LayerFailed: the layer returned an error.
        """
        return self._run(Command.STEP, 0)[0]

    def step_and_read(self, layer: int, nbytes: Sequence[int]) -> tuple[Run, list[bytes]]:
        """Runs the next layer, which must be number `layer`, and reads its tensors, whose sizes are `nbytes`.

        Raises:
            LayerFailed: the layer returned an error.
        """
        run, first = self._run(Command.STEP, min(sum(nbytes), self.hello.max_reply - _RUN.size))
        return run, self._read(Command.READ_LAYER, struct.pack("<H", layer), nbytes, first)

    def invoke(self) -> Run:
        """Runs all layers.

        Raises:
            LayerFailed: a layer returned an error.
        """
        return self._run(Command.INVOKE)[0]

    def _run(self, command: Command, wanted: int | None = None) -> tuple[Run, bytes]:
        """What ran, and the first `wanted` bytes of the layer's tensors."""
        payload = b"" if wanted is None else struct.pack("<H", wanted)
        reply = self._request(command, payload, patience=self._timing.run)
        if reply.status in (Status.OK, Status.LAYER_FAILED) and len(reply.payload) >= _RUN.size:
            completed, status, ticks = _RUN.unpack_from(reply.payload)
            if reply.status == Status.LAYER_FAILED:
                raise LayerFailed(completed, status, self.name)
            if completed <= self.hello.layer_count and len(reply.payload) == _RUN.size + (wanted or 0):
                return Run(completed, ticks), reply.payload[_RUN.size :]
        name = Status(reply.status).name if reply.status in list(Status) else str(reply.status)
        raise self._link.fail(f"the device refuses {command.name}: {name}")

    def read_layer(self, layer: int, nbytes: Sequence[int]) -> list[bytes]:
        """The tensors of `layer`, which must be the last that ran. Their sizes are `nbytes`."""
        return self._read(Command.READ_LAYER, struct.pack("<H", layer), nbytes)

    def read_outputs(self, nbytes: Sequence[int]) -> list[bytes]:
        """The model's outputs, after the last layer has run. Their sizes are `nbytes`."""
        return self._read(Command.READ_OUTPUT, b"", nbytes)

    def _read(self, command: Command, what: bytes, nbytes: Sequence[int], first: bytes = b"") -> list[bytes]:
        """Tensors that stand one after the other, of which the bytes `first` are there already."""
        data = bytearray(first)
        for _, index, offset, length in _parts(nbytes, self.hello.max_reply, len(first)):
            data += self._checked(command, what + struct.pack("<HIH", index, offset, length), length)
        ends = list(itertools.accumulate(nbytes, initial=0))
        return [bytes(data[start:end]) for start, end in itertools.pairwise(ends)]

    def stats(self) -> Stats:
        """The stack's use so far."""
        size, used, intact = _STATS.unpack(self._checked(Command.STATS, b"", _STATS.size))
        return Stats(size, used, bool(intact))


def check_init(status: int, where: str) -> None:
    """Raises ProtocolError where `status`, of the model's init(), is an error."""
    if status:
        what = _INIT_ERRORS.get(status, f"status {status}")
        hint = "build without CMSIS_NN_ROOT, or with the version of CMSIS-NN that edgeq names" if status == -3 else ""
        raise ProtocolError(f"the model cannot be initialised: {what}", where=where, hint=hint)


def connect(transport: Transport, *, program_hash: bytes | None = None, timing: Timing = DEFAULT_TIMING) -> Session:
    """Opens a session, and checks that the device runs the right program. On an error the transport is closed.

    Args:
        program_hash: the 32 bytes that the firmware was generated with; None accepts any program.

    Raises:
        ProtocolError: a silent port, garbage, another protocol version, another program, a model that cannot start.
    """
    if program_hash is not None and len(program_hash) != HASH_BYTES:
        raise ValueError(f"a program hash has {HASH_BYTES} bytes, not {len(program_hash)}")
    try:
        session = Session(transport, timing)
        fault = session.hello.fault
        if session.hello.init_status == INIT_NOT_RUN:
            # The device recovers from a fault. If that happened in an earlier session, the model may well start now.
            try:
                session = Session(transport, timing)
            except ProtocolError as error:
                what = f"the model's start fails: {fault}"
                raise ProtocolError(what, where=transport.name, hint=error.hint) from error
        hello = session.hello
        if hello.init_status == INIT_NOT_RUN:
            raise ProtocolError(f"the model's start fails: {hello.fault}", where=transport.name)
        if program_hash is not None and hello.program_hash != program_hash:
            raise ProtocolError(
                f"the device runs another program: '{hello.name}' with hash {hello.program_hash.hex()[:12]}, "
                f"expected {program_hash.hex()[:12]}",
                where=transport.name,
                hint="flash the image that belongs to this project, then try again",
            )
        check_init(hello.init_status, transport.name)
        return session
    except BaseException:
        transport.close()
        raise


def open_host(executable: Path, *, program_hash: bytes | None = None, timing: Timing = DEFAULT_TIMING) -> Session:
    """A session with the host executable. Raises as `connect` and `HostTransport` do."""
    return connect(HostTransport(executable), program_hash=program_hash, timing=timing)


def open_qemu(
    board: Board,
    elf: Path,
    *,
    program_hash: bytes | None = None,
    timing: Timing = EMULATOR_TIMING,
    extra: tuple[str, ...] = (),
    icount: bool = True,
) -> Session:
    """A session with an emulated board. Raises as `connect` and `QemuTransport` do."""
    return connect(QemuTransport(board, elf, extra=extra, icount=icount), program_hash=program_hash, timing=timing)


def open_serial(
    port: str, baud: int = 115200, *, program_hash: bytes | None = None, timing: Timing = DEFAULT_TIMING
) -> Session:
    """A session with a board on a serial port. Raises as `connect` and `SerialTransport` do."""
    return connect(SerialTransport(port, baud), program_hash=program_hash, timing=timing)
