from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq.device.icount import build_plugin, find_functions, open_counting, profile
from edgeq.device.protocol import Timing
from edgeq.device.qemu import QemuTransport
from edgeq.device.session import LayerFailed, connect, open_qemu
from edgeq.errors import ProjectError, ProtocolError, TargetError, ToolchainError
from edgeq.target import list_boards, load_board
from edgeq.toolchain.footprint import measure

from . import project
from .conftest import need
from .fakes import FaultyLine
from .project import INPUT_BYTES, PROGRAM_HASH
from .test_host import run_and_check, vector

BOARDS = [name for name in list_boards() if load_board(name).qemu]
M4 = "mps2-an386"
Image = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _qemu() -> None:
    need("qemu-system-arm", "gcc")


def test_seven_boards_are_emulated():
    assert len(BOARDS) >= 7


@pytest.mark.parametrize("name", BOARDS)
def test_board(image: Image, name: str):
    board = load_board(name)
    elf = image(name)
    with open_qemu(board, elf, program_hash=PROGRAM_HASH) as session:
        messages = session.transport.messages()
        assert session.hello.max_payload == board.max_payload
        assert session.hello.timer_kind == ("device" if name == "microbit" else "systick")
        for seed in range(2):
            run_and_check(session, vector(seed))
        ticks = []
        for _ in range(2):
            session.write_inputs([vector(1)])
            ticks.append(session.invoke().ticks)
        assert abs(ticks[0] - ticks[1]) <= 1
        stats = session.stats()
        assert stats.stack_intact and 64 <= stats.stack_used < 1024
        assert session.transport.messages() == messages  # no guest error
    footprint = measure(elf, board)
    assert footprint.stack_room == stats.stack_size
    assert footprint.stack.nbytes is not None and footprint.stack.nbytes >= stats.stack_used
    # One tick is so many nanoseconds, one nanosecond an instruction; some instructions lie around the layers.
    counted = profile(board, elf, [vector(1)], program_hash=PROGRAM_HASH)
    assert sum(layer.instructions for layer in counted.layers) == counted.inference.instructions
    per_tick = 1e9 / board.qemu.timer_hz
    assert abs(ticks[0] * per_tick - counted.inference.instructions) < 4 * per_tick + 200


def test_counts_repeat_exactly(image: Image):
    counts = {icount: profile(load_board(M4), image(M4), [vector(1)], icount=icount) for icount in (True, False)}
    assert counts[True] == counts[False] == profile(load_board(M4), image(M4), [vector(2)])


def test_counts_are_those_of_the_layer(image: Image, tmp_path: Path):
    """The marks leave nothing but the layer: a layer of known length has that count."""
    with open_counting(load_board(M4), image(M4), cache=tmp_path) as (session, counter):
        session.write_inputs([vector(1, project.KERNEL_FAILS)])
        session.begin()
        session.step()
        whole = counter.take().instructions
        with pytest.raises(LayerFailed):
            session.step()
        assert 5 <= counter.take().instructions <= 25 < whole
        with pytest.raises(ToolchainError, match="0 runs"):
            counter.take()
    assert build_plugin(tmp_path) == build_plugin(tmp_path)


@pytest.mark.parametrize("name", [M4, "microbit", "mps3-an547"])
def test_hard_fault_is_reported(image: Image, name: str):
    board, elf = load_board(name), image(name)
    with open_qemu(board, elf, program_hash=PROGRAM_HASH, timing=Timing(reply=0.5, run=10.0)) as session:
        session.write_inputs([vector(1, project.CPU_FAULTS)])
        with pytest.raises(ProtocolError, match="started anew during INVOKE: hard fault at pc 0x") as caught:
            session.invoke()
        start, size = find_functions(elf, ["add_second"])["add_second"]
        pc = int(str(caught.value).split("pc 0x")[1][:8], 16)
        assert start <= pc < start + size
        # The device works on, and a new session finds it well.
        second = connect(session.transport, program_hash=PROGRAM_HASH, timing=Timing(reply=0.5))
        assert second.hello.fault.count == 1 and second.hello.init_status == 0
        run_and_check(second, vector(4))


def test_fault_while_starting(tmp_path: Path):
    need("arm-none-eabi-gcc")
    from edgeq.toolchain.build import build

    elf = build(project.write_project(tmp_path, M4, init="__builtin_trap();"), "target")
    with pytest.raises(ProtocolError, match="the model's start fails: hard fault"):
        open_qemu(load_board(M4), elf, timing=Timing(reply=0.2, attempts=5))


def test_stack_overflow_is_reported(image: Image):
    with open_qemu(load_board("microbit"), image("microbit")) as session:
        session.write_inputs([vector(1, project.STACK_OVERFLOWS)])
        with pytest.raises(ProtocolError, match="stack ran over"):
            session.invoke()
        assert not session.stats().stack_intact


def test_faulty_line_to_an_emulated_board(image: Image):
    line = FaultyLine(QemuTransport(load_board("microbit"), image("microbit")), 7, 0.1)
    with connect(line, program_hash=PROGRAM_HASH, timing=Timing(reply=0.1, attempts=60)) as session:
        run_and_check(session, vector(1))
    assert line.faults > 3


def test_processes_end(image: Image):
    session = open_qemu(load_board(M4), image(M4))
    process = session.transport._process
    session.close()
    session.close()
    assert process.poll() is not None
    with pytest.raises(ProtocolError, match="another program"):
        open_qemu(load_board(M4), image(M4), program_hash=bytes(32))


def test_death_of_qemu_is_reported(image: Image):
    with open_qemu(load_board(M4), image(M4)) as session:
        session.transport._process.kill()
        with pytest.raises(ProtocolError, match="QEMU ended|broke"):
            session.write_inputs([bytes(INPUT_BYTES)])


def test_wrong_uses(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(TargetError, match="no machine"):
        open_qemu(load_board("nucleo-f446re"), image(M4))
    with pytest.raises(ToolchainError, match="does not exist"):
        open_qemu(load_board(M4), tmp_path / "nothing.elf")
    (tmp_path / "text.elf").write_text("no image")
    with pytest.raises(ProjectError, match="cannot be read"):
        find_functions(tmp_path / "text.elf", ["main"])
    stripped = tmp_path / "stripped.elf"
    subprocess.run(["arm-none-eabi-strip", "-o", stripped, image(M4)], check=True)
    with pytest.raises(ProjectError, match="edgeq_probe_begin"):
        profile(load_board(M4), stripped, [])
    elf = image(M4)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(ToolchainError, match="not installed") as caught:
        open_qemu(load_board(M4), elf)
    assert "apt install" in caught.value.hint
