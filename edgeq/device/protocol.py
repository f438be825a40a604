"""The host's side of the validation protocol.

Frames are COBS-encoded and end with a zero byte (layout: `templates/runtime/protocol/frame.h`). Stop and wait: a
request is repeated with its sequence number until its reply arrives; the device answers a repeated number with the
reply that it has kept, and executes nothing twice. Whatever a device sends is checked before it is used.
"""

from __future__ import annotations

import os
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from cobs import cobs

from edgeq.device.transport import Transport
from edgeq.errors import ProtocolError

VERSION = 2
HASH_BYTES = 32
_HEADER = struct.Struct("<BHBB")  # version, sequence, command, status
_CRC = struct.Struct("<I")
_REPLY = 0x80
_NAK = 0xFF
#: A frame cannot be longer than a 16-bit payload allows: what is longer is noise.
_LONGEST_ENCODED = 70_000


class Command(IntEnum):
    HELLO = 1
    WRITE = 2
    BEGIN = 3
    STEP = 4
    INVOKE = 5
    READ_LAYER = 6
    READ_OUTPUT = 7
    STATS = 8
    RESET = 9


class Status(IntEnum):
    OK = 0
    BAD_ARGUMENT = 1
    BAD_STATE = 2
    UNKNOWN_COMMAND = 3
    NO_SESSION = 4
    LAYER_FAILED = 5
    STACK_OVERFLOW = 6


#: NAK reasons, by number: what the device says of a frame that it refuses.
REFUSALS = ("", "cut", "too long", "too short", "bad checksum", "other protocol version", "unexpected sequence number")
_BAD_VERSION = REFUSALS.index("other protocol version")
TIMER_KINDS = ("none", "cycles", "systick", "device", "host")


@dataclass(frozen=True)
class Frame:
    """A decoded frame; `status` is 0 in requests."""

    version: int
    sequence: int
    command: int
    status: int
    payload: bytes


def encode_frame(frame: Frame) -> bytes:
    """The bytes on the wire, the closing zero included."""
    body = _HEADER.pack(frame.version, frame.sequence, frame.command, frame.status) + frame.payload
    return cobs.encode(body + _CRC.pack(zlib.crc32(body))) + b"\0"


def decode_frame(encoded: bytes) -> Frame | None:
    """The frame that `encoded` (without the closing zero) stands for; None where it is damaged."""
    try:
        data = cobs.decode(encoded)
    except cobs.DecodeError:
        return None
    if len(data) < _HEADER.size + _CRC.size:
        return None
    body, checksum = data[: -_CRC.size], data[-_CRC.size :]
    if zlib.crc32(body) != _CRC.unpack(checksum)[0]:
        return None
    return Frame(*_HEADER.unpack_from(body), payload=body[_HEADER.size :])


@dataclass(frozen=True)
class Fault:
    """The traces of a device's last hard fault; `count` of them since power-up, addresses 0 where unknown."""

    count: int
    pc: int
    lr: int
    status: int

    def __str__(self) -> str:
        if not self.pc:
            return f"hard fault with an unusable stack (CFSR 0x{self.status:08x})"
        return f"hard fault at pc 0x{self.pc:08x}, lr 0x{self.lr:08x}, CFSR 0x{self.status:08x}"


@dataclass(frozen=True)
class Hello:
    """What a device says of itself.

    Attributes:
        max_payload: bytes of payload in one request; max_reply: in one reply.
        timer_kind: one of TIMER_KINDS; timer_hz: its rate.
        init_status: of the model's init(); -1000 where it has not run because the device recovers from a fault.
        refused: number of refused frames, in the order of REFUSALS without its first entry.
        repeated: number of requests answered from memory.
    """

    session: int
    max_payload: int
    max_reply: int
    input_count: int
    output_count: int
    layer_count: int
    timer_kind: str
    timer_hz: int
    init_status: int
    program_hash: bytes
    refused: tuple[int, ...]
    repeated: int
    fault: Fault
    name: str


_HELLO = struct.Struct("<IHHHHHBIi32s6II4I")
INIT_NOT_RUN = -1000


def parse_hello(payload: bytes) -> Hello | None:
    """The HELLO reply's content; None where it cannot be one."""
    if len(payload) < _HELLO.size:
        return None
    fields = _HELLO.unpack_from(payload)
    session, max_payload, max_reply, inputs, outputs, layers, kind, hz, init_status, program_hash = fields[:10]
    if min(max_payload, max_reply) < 64 or kind >= len(TIMER_KINDS):
        return None
    return Hello(
        session=session,
        max_payload=max_payload,
        max_reply=max_reply,
        input_count=inputs,
        output_count=outputs,
        layer_count=layers,
        timer_kind=TIMER_KINDS[kind],
        timer_hz=hz,
        init_status=init_status,
        program_hash=program_hash,
        refused=fields[10:16],
        repeated=fields[16],
        fault=Fault(*fields[17:21]),
        name="".join(c if c.isprintable() else "?" for c in payload[_HELLO.size :].decode("ascii", "replace")),
    )


@dataclass(frozen=True)
class Timing:
    """Patience.

    Attributes:
        reply: seconds until a request is repeated.
        attempts: how often a request is sent before the device counts as silent; for requests that run layers, how
            many frames may be damaged.
        run: seconds that running layers may take.
    """

    reply: float = 1.0
    attempts: int = 8
    run: float = 120.0


#: For a board on a serial port, or a process.
DEFAULT_TIMING = Timing()
#: An emulated core may have to share one of ours.
EMULATOR_TIMING = Timing(reply=2.0, run=1800.0)


class Link:
    """Requests and replies over a transport; counts what went wrong."""

    def __init__(self, transport: Transport, timing: Timing):
        self.transport, self.timing = transport, timing
        self.sequence = int.from_bytes(os.urandom(2), "little")
        self.bytes_seen = self.damaged = self.refused = self.timeouts = 0
        self._pending = bytearray()

    def fail(self, what: str, hint: str = "") -> ProtocolError:
        return ProtocolError(what, where=self.transport.name, hint=hint)

    def _frames(self, deadline: float) -> Iterator[Frame | None]:
        """Frames until `deadline`; None for a damaged one."""
        while True:
            end = self._pending.find(0)
            while end >= 0:
                encoded = bytes(self._pending[:end])
                del self._pending[: end + 1]
                if encoded:
                    yield decode_frame(encoded)
                end = self._pending.find(0)
            if len(self._pending) > _LONGEST_ENCODED:
                self._pending.clear()
                yield None
            left = deadline - time.monotonic()
            if left <= 0:
                return
            data = self.transport.read(left)
            self.bytes_seen += len(data)
            self._pending += data

    def _await(self, command: Command, until: float) -> Frame | None:
        """The reply to the current request; None where it should be sent again."""
        for frame in self._frames(until):
            if frame is None:
                self.damaged += 1
                return None
            if frame.version != VERSION:
                raise self.fail(
                    f"the device speaks protocol version {frame.version}, edgeq speaks {VERSION}",
                    "rebuild the firmware with this version of edgeq, and flash it",
                )
            if frame.command == _NAK:
                self.refused += 1
                if frame.status == _BAD_VERSION:
                    raise self.fail("the device refuses edgeq's protocol version", "rebuild and flash the firmware")
                return None
            if frame.sequence == self.sequence and frame.command == command | _REPLY:
                return frame
            # Anything else is a late copy of an earlier reply.
        self.timeouts += 1
        return None

    def request(self, command: Command, payload: bytes = b"", *, patience: float | None = None) -> Frame:
        """Sends a request until its reply arrives.

        Args:
            patience: seconds that the device may be busy with it; None where it answers at once.

        Raises:
            ProtocolError: no reply, or only damaged ones.
        """
        self.sequence = (self.sequence + 1) & 0xFFFF
        # A zero first: it ends whatever noise the device may have received before.
        encoded = b"\0" + encode_frame(Frame(VERSION, self.sequence, command, 0, payload))
        start = time.monotonic()
        seen, damaged, refused = self.bytes_seen, self.damaged, self.refused
        sent = 0
        while True:
            self.transport.write(encoded)
            sent += 1
            pause = self.timing.reply
            if command == Command.HELLO:  # a board that is just starting loses what comes too early
                pause = min(pause, 0.125 * 2**sent)
            reply = self._await(command, time.monotonic() + pause)
            if reply is not None:
                return reply
            elapsed = time.monotonic() - start
            bad = self.damaged - damaged + self.refused - refused
            if patience is None:
                give_up = sent >= self.timing.attempts
            else:
                give_up = elapsed >= patience or bad >= self.timing.attempts
            if give_up:
                raise self._no_reply(command, seen, damaged, refused, elapsed)

    def _no_reply(self, command: Command, seen: int, damaged: int, refused: int, elapsed: float) -> ProtocolError:
        got = self.bytes_seen - seen
        if not got:
            return self.fail(
                f"the device is silent: no answer to {command.name} in {elapsed:.1f} s",
                "is it the right port, is the firmware flashed, the board powered? press its reset button, try again",
            )
        if self.damaged == damaged and self.refused == refused:
            return self.fail(
                f"{got} bytes arrived after {command.name}, but no reply",
                "this may be another program's output: check the port, and that edgeq's firmware is flashed",
            )
        return self.fail(
            f"no undamaged reply to {command.name}: {got} bytes with {self.damaged - damaged} damaged frames arrived, "
            f"and the device refused {self.refused - refused} of ours",
            "check the baud rate and the cable, and that no other program uses the port",
        )
