from __future__ import annotations

import itertools
import random
import struct
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq.device.host import HostTransport
from edgeq.device.protocol import VERSION, Command, Frame, Link, Status, Timing, encode_frame, parse_hello
from edgeq.device.session import LayerFailed, connect, open_host
from edgeq.errors import ProtocolError, ToolchainError

from . import project
from .fakes import FaultyLine
from .project import INPUT_BYTES, OUTPUT_BYTES, PROGRAM_HASH, expected


def vector(seed: int, first: int = 0) -> bytes:
    return bytes([first]) + random.Random(seed).randbytes(INPUT_BYTES - 1)


def run_and_check(session, data: bytes) -> None:
    first, second = expected(data)
    session.write_inputs([data])
    session.begin()
    run, read = session.step_and_read(0, [OUTPUT_BYTES])
    assert run.completed == 1 and read == [first]
    assert session.read_layer(0, [OUTPUT_BYTES]) == [first]
    assert session.step().completed == 2
    assert session.read_layer(1, [OUTPUT_BYTES]) == [second]
    assert session.read_outputs([OUTPUT_BYTES]) == [second]
    session.write_inputs([data])
    assert session.invoke().completed == 2
    assert session.read_outputs([OUTPUT_BYTES]) == [second]


def test_layer_by_layer_and_whole(host_executable: Path):
    with open_host(host_executable, program_hash=PROGRAM_HASH) as session:
        hello = session.hello
        assert (hello.name, hello.layer_count, hello.input_count, hello.output_count) == ("tiny", 2, 1, 1)
        assert hello.program_hash == PROGRAM_HASH and hello.timer_kind == "host"
        for seed in range(3):
            run_and_check(session, vector(seed))
        session.reset()
        assert session.stats().stack_intact


def test_stale_program_is_refused(host_executable: Path):
    with pytest.raises(ProtocolError, match="another program"):
        open_host(host_executable, program_hash=bytes(32))


def test_order_is_enforced(host_executable: Path):
    with open_host(host_executable) as session:
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.step()
        session.write_inputs([vector(1)])
        session.begin()
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.read_layer(0, [4])
        session.step()
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.read_outputs([4])
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.write_inputs([b"abc"])
        session.step()
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.read_layer(0, [4])
        with pytest.raises(ProtocolError, match="BAD_STATE"):
            session.step()
        run_and_check(session, vector(2))


def test_bounds_are_enforced(host_executable: Path):
    with open_host(host_executable) as session:
        session.write_inputs([vector(1)])
        session.invoke()
        room = session.hello.max_reply
        large = (2**32 - 1, 2**31, INPUT_BYTES + 1)
        requests = [(Command.WRITE, struct.pack("<HI", 0, offset) + b"ab") for offset in (*large, INPUT_BYTES - 1)]
        requests += [(Command.WRITE, struct.pack("<HI", 1, 0)), (Command.WRITE, b"\0\0\0\0\0"), (Command.WRITE, b"")]
        for offset, length in [*itertools.product(large, (0, 1, 65535)), (0, 65535), (0, room + 1), (INPUT_BYTES, 1)]:
            if (offset, length) != (INPUT_BYTES, 0):
                requests.append((Command.READ_OUTPUT, struct.pack("<HIH", 0, offset, length)))
                requests.append((Command.READ_LAYER, struct.pack("<HHIH", 1, 0, offset, length)))
        requests += [(Command.READ_OUTPUT, struct.pack("<HIH", 1, 0, 1)), (Command.READ_OUTPUT, b"\0" * 7)]
        requests += [(Command.READ_LAYER, struct.pack("<HHIH", layer, out, 0, 1)) for layer, out in ((2, 0), (1, 1))]
        requests += [(Command.BEGIN, b"x"), (Command.STEP, b"x"), (Command.INVOKE, b"x"), (Command.STATS, b"x")]
        requests += [(Command.RESET, b"x"), (Command.READ_LAYER, b"\0" * 11), (Command.HELLO, b"abc")]
        for command, payload in requests:
            assert session._link.request(command, payload).status == Status.BAD_ARGUMENT, (command, payload)
        assert session.read_outputs([OUTPUT_BYTES]) == [expected(vector(1))[1]]  # nothing was disturbed


def test_unknown_commands(host_executable: Path):
    link = Link(HostTransport(host_executable), Timing())
    assert link.request(Command.STEP).status == Status.NO_SESSION
    link.request(Command.HELLO, b"abcd")
    for number in (0, 10, 77, 126):
        link.sequence = (link.sequence + 1) & 0xFFFF
        link.transport.write(encode_frame(Frame(VERSION, link.sequence, number, 0, b"")))
        frame = next(link._frames(time.monotonic() + 10.0))
        assert (frame.command, frame.status) == (number | 0x80, Status.UNKNOWN_COMMAND)
    link.transport.close()


def test_nothing_runs_twice(host_executable: Path):
    """A repeated number brings the same reply, and a number that is out of order is refused."""
    with open_host(host_executable) as session:
        session.write_inputs([vector(5)])
        session.begin()
        link = session._link
        sequence = (link.sequence + 1) & 0xFFFF
        step = encode_frame(Frame(VERSION, sequence, Command.STEP, 0, b"\5\0"))
        link.transport.write(step * 5)
        frames = link._frames(time.monotonic() + 10.0)
        replies = [next(frames) for _ in range(5)]
        assert all(reply == replies[0] for reply in replies) and replies[0].payload[:2] == b"\1\0"
        assert replies[0].payload[10:] == expected(vector(5))[0][:5]
        link.transport.write(encode_frame(Frame(VERSION, sequence, Command.INVOKE, 0, b"")))  # another's number
        assert next(frames).status == 6
        for wrong in (sequence - 1, sequence + 2, sequence + 32768):
            link.transport.write(encode_frame(Frame(VERSION, wrong & 0xFFFF, Command.STEP, 0, b"")))
            nak = next(frames)
            assert (nak.command, nak.status, nak.sequence) == (0xFF, 6, sequence)
        link.sequence = sequence
        assert session.step().completed == 2


def test_every_reply_can_be_had_again(host_executable: Path):
    """One buffer serves both directions, so a reply is made anew for a repeated request: to the byte the same."""
    link = Link(HostTransport(host_executable), Timing())
    data = vector(6)
    whole = struct.pack("<HIH", 0, 7, 900)
    requests = [
        (Command.HELLO, b"abcd"), (Command.WRITE, struct.pack("<HI", 0, 0) + data[:200]), (Command.BEGIN, b""),
        (Command.STEP, b"\0\4"), (Command.STEP, b"\3\0"), (Command.STEP, b"\3\0"), (Command.READ_OUTPUT, whole),
        (Command.READ_LAYER, b"\1\0" + whole), (Command.READ_LAYER, b"\2\0" + whole), (Command.STATS, b""),
        (Command.INVOKE, b""), (Command.READ_OUTPUT, whole), (Command.RESET, b""), (Command.INVOKE, b"x"),
        (Command.WRITE, struct.pack("<HI", 0, 0) + bytes([project.KERNEL_FAILS])), (Command.INVOKE, b""),
    ]  # fmt: skip
    frames = link._frames(time.monotonic() + 20.0)
    for sequence, (command, payload) in enumerate(requests, 9):
        link.transport.write(2 * encode_frame(Frame(VERSION, sequence, command, 0, payload)))
        first, again = next(frames), next(frames)
        assert first.sequence == sequence and first.command == command | 0x80
        if command == Command.HELLO:  # which counts the repetition
            assert parse_hello(again.payload) == replace(parse_hello(first.payload), repeated=1)
        else:
            assert first == again, command.name
    link.transport.close()


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"\x05abc\0", 1),
        (b"\x01" * 3000 + b"\0", 2),
        (b"\x02a\0", 3),
        (encode_frame(Frame(VERSION, 0, 1, 0, b"abcd"))[:-2] + b"\x7f\0", 4),
        (encode_frame(Frame(VERSION + 1, 0, 1, 0, b"abcd")), 5),
    ],
)
def test_bad_frames_are_named_and_counted(host_executable: Path, wire: bytes, reason: int):
    link = Link(HostTransport(host_executable), Timing())
    link.transport.write(wire)
    frame = next(link._frames(time.monotonic() + 10.0))
    assert (frame.command, frame.status) == (0xFF, reason)
    with connect(link.transport) as session:
        assert session.hello.refused[reason - 1] == 1
        run_and_check(session, vector(3))


def test_failures_of_the_program_are_named(host_executable: Path):
    with open_host(host_executable) as session:
        session.write_inputs([vector(1, project.KERNEL_FAILS)])
        with pytest.raises(LayerFailed) as caught:
            session.invoke()
        assert (caught.value.layer, caught.value.status) == (1, -2)
        run_and_check(session, vector(2))
        session.write_inputs([vector(1, project.INDEX_OVERRUNS)[:1] + b"\x50" + bytes(10)])
        with pytest.raises(ProtocolError, match="sanitizer.*out of bounds"):
            session.invoke()
    with open_host(host_executable) as session:
        session.write_inputs([vector(1, project.CPU_FAULTS)])
        with pytest.raises(ProtocolError):
            session.invoke()


def test_endless_layer(host_executable: Path):
    with open_host(host_executable, timing=Timing(reply=0.05, run=0.4)) as session:
        session.write_inputs([vector(1, project.NEVER_RETURNS)])
        with pytest.raises(ProtocolError, match="silent"):
            session.invoke()


def test_missing_executable(tmp_path: Path):
    with pytest.raises(ToolchainError):
        open_host(tmp_path / "nothing")


@pytest.mark.parametrize("seed", range(12))
def test_faulty_line(host_executable: Path, seed: int):
    """Right results or a ProtocolError; at a bearable rate of faults always right ones."""
    rate = (0.05, 0.2, 0.5)[seed % 3]
    line = FaultyLine(HostTransport(host_executable), seed, rate)
    try:
        with connect(line, program_hash=PROGRAM_HASH, timing=Timing(reply=0.03, attempts=60, run=30.0)) as session:
            for turn in range(3):
                run_and_check(session, vector(seed * 10 + turn))
    except ProtocolError:
        assert rate == 0.5
    assert line.faults > 0


def test_no_patience_on_a_dead_line(host_executable: Path):
    line = FaultyLine(HostTransport(host_executable), 1, 1.0)
    line.KINDS = ("drop",)
    with pytest.raises(ProtocolError, match="silent"):
        connect(line, timing=Timing(reply=0.02, attempts=4))


@pytest.mark.parametrize("seed", range(6))
def test_fuzz(host_executable: Path, seed: int):
    """Random bytes and undamaged random requests: no finding of the sanitizers, and a session works afterwards."""
    rng = random.Random(seed)
    transport = HostTransport(host_executable)
    sequence = rng.randrange(65536)
    for _ in range(400):
        kind = rng.random()
        if kind < 0.3:
            data = rng.randbytes(rng.randrange(1, 2500))
        elif kind < 0.5:
            data = bytes(rng.choice((0, 1, 2, 0xFF)) for _ in range(rng.randrange(1, 600)))
        else:
            payload = bytes(
                rng.choice((0, 0, 0, 1, 2, rng.randrange(256))) for _ in range(rng.choice((0, 4, 6, 8, 10, 60)))
            )
            if payload and kind < 0.9:  # an undamaged first byte of the input: the model must not be asked to crash
                payload = b"\0\0\1" + payload[3:]
            command = rng.choice((*range(11), 255)) if kind < 0.9 else Command.HELLO
            sequence = (sequence + rng.choice((0, 1, 1, 1, 2))) & 0xFFFF
            data = encode_frame(Frame(VERSION, sequence, command, 0, payload))
        transport.write(data)
        transport.read(0.0)
    while transport.read(0.2):
        pass
    with connect(transport, program_hash=PROGRAM_HASH, timing=Timing(reply=0.5)) as session:
        assert sum(session.hello.refused) > 50
        run_and_check(session, vector(seed))
