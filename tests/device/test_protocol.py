from __future__ import annotations

import itertools
import random
import struct
import time

import pytest

from edgeq.device.protocol import VERSION, Command, Frame, Timing, decode_frame, encode_frame, parse_hello
from edgeq.device.session import connect
from edgeq.errors import ProtocolError

from .fakes import ScriptedDevice

QUICK = Timing(reply=0.02, attempts=4, run=0.2)


def hello_payload(request: Frame, **change: int) -> bytes:
    """A HELLO reply's payload of a device with 2 layers; `change` replaces fields."""
    fields = {
        "max_payload": 256,
        "max_reply": 900,
        "inputs": 1,
        "outputs": 1,
        "layers": 2,
        "kind": 2,
        "hz": 1000,
        "init": 0,
    } | change
    session = request.payload
    return (
        session
        + struct.pack("<HHHHHBIi", *fields.values())
        + bytes(32)
        + struct.pack("<6II4I", *range(7), 0, 0, 0, 0)
        + b"fake"
    )


def reply(request: Frame, payload: bytes = b"", status: int = 0, version: int = VERSION) -> bytes:
    return encode_frame(Frame(version, request.sequence, request.command | 0x80, status, payload))


def answers(request: Frame) -> bytes:
    return reply(request, hello_payload(request) if request.command == Command.HELLO else b"")


def failure(answer) -> str:
    device = ScriptedDevice(answer)
    start = time.monotonic()
    with pytest.raises(ProtocolError) as caught:
        connect(device, timing=QUICK)
    assert time.monotonic() - start < 5.0
    assert device.closed
    assert caught.value.where == "scripted"
    return str(caught.value)


def test_frames_survive_the_wire():
    rng = random.Random(1)
    for length in itertools.chain(range(20), (252, 253, 254, 255, 256, 1024)):
        payload = bytes(rng.choice((0, 1, 255)) for _ in range(length))
        frame = Frame(VERSION, rng.randrange(65536), 6, 0, payload)
        encoded = encode_frame(frame)
        assert encoded.index(0) == len(encoded) - 1
        assert decode_frame(encoded[:-1]) == frame


def test_damaged_frames_are_no_frames():
    encoded = encode_frame(Frame(VERSION, 7, 4, 0, bytes(range(50))))[:-1]
    for at in range(len(encoded)):
        for bit in range(8):
            damaged = encoded[:at] + bytes([encoded[at] ^ (1 << bit)]) + encoded[at + 1 :]
            assert decode_frame(damaged) is None
    for length in range(len(encoded)):
        assert decode_frame(encoded[:length]) is None


def test_no_bytes_can_break_the_decoder():
    rng = random.Random(2)
    for _ in range(3000):
        data = rng.randbytes(rng.randrange(200))
        decode_frame(data)
        parse_hello(data)


def test_silent_port():
    message = failure(lambda request: b"")
    assert "silent" in message and "hint" in message


def test_another_programs_output():
    message = failure(lambda request: b"Booting Zephyr OS build v3.6 ***\r\n")
    assert "no reply" in message


def test_garbage():
    rng = random.Random(3)
    message = failure(lambda request: rng.randbytes(300))
    assert "damaged" in message and "baud" in message


def test_endless_garbage_without_delimiter():
    assert "scripted" in failure(lambda request: b"\x55" * 100_000)


def test_other_protocol_version():
    message = failure(lambda request: reply(request, hello_payload(request), version=9))
    assert "version 9" in message and "flash" in message
    nak = encode_frame(Frame(VERSION, 0, 0xFF, 5, b""))
    assert "version" in failure(lambda request: nak)


@pytest.mark.parametrize("payload", [b"", b"\0" * 200, b"\xff" * 101])
def test_nonsense_greeting(payload: bytes):
    assert "greeting" in failure(lambda request: reply(request, payload))


def test_tiny_payload_is_refused():
    assert "greeting" in failure(lambda request: reply(request, hello_payload(request, max_payload=3)))


def test_wrong_hash_and_failing_start():
    with pytest.raises(ProtocolError, match="another program: 'fake'"):
        connect(ScriptedDevice(answers), program_hash=bytes([1]) * 32, timing=QUICK)
    assert "scratch" in failure(lambda request: reply(request, hello_payload(request, init=-3)))


def test_late_and_foreign_replies_are_skipped():
    def answer(request: Frame) -> bytes:
        old = Frame(VERSION, (request.sequence - 1) & 0xFFFF, request.command | 0x80, 0, b"old")
        other = Frame(VERSION, request.sequence, 0x80 | 99, 0, b"other")
        return encode_frame(old) + encode_frame(other) + b"\0\0" + answers(request)

    device = ScriptedDevice(answer)
    with connect(device, timing=QUICK) as session:
        session.begin()
    assert len(device.requests) == 2


def test_requests_are_repeated_with_their_number():
    attempts = itertools.count()

    def answer(request: Frame) -> bytes:
        return answers(request) if next(attempts) % 3 == 2 else b""

    device = ScriptedDevice(answer)
    with connect(device, timing=QUICK) as session:
        session.begin()
    numbers = [request.sequence for request in device.requests]
    assert len(numbers) == 6 and len(set(numbers)) == 2


@pytest.mark.parametrize("command", ["begin", "step", "invoke", "stats", "reset"])
@pytest.mark.parametrize("payload", [b"", b"\1", b"\xff" * 10, b"\xff" * 200])
@pytest.mark.parametrize("status", [0, 1, 3, 5, 6, 200])
def test_hostile_replies(command: str, payload: bytes, status: int):
    """Whatever the device says is an answer of the right form, or a ProtocolError."""

    def answer(request: Frame) -> bytes:
        return answers(request) if request.command == Command.HELLO else reply(request, payload, status)

    with connect(ScriptedDevice(answer), timing=QUICK) as session:
        if command == "begin" and payload == b"" and status == 0:
            session.begin()
            return
        with pytest.raises(ProtocolError):
            getattr(session, command)()


def test_hostile_tensor_lengths():
    for extra in (-1, 1):

        def answer(request: Frame, extra: int = extra) -> bytes:
            if request.command == Command.HELLO:
                return answers(request)
            length = struct.unpack("<H", request.payload[-2:])[0]
            return reply(request, bytes(length + extra))

        with (
            connect(ScriptedDevice(answer), timing=QUICK) as session,
            pytest.raises(ProtocolError, match="in place of"),
        ):
            session.read_outputs([700])


def test_restart_is_reported():
    def answer(request: Frame) -> bytes:
        return answers(request) if request.command == Command.HELLO else reply(request, status=4)

    with (
        connect(ScriptedDevice(answer), timing=QUICK) as session,
        pytest.raises(ProtocolError, match="started anew during STEP"),
    ):
        session.step()
