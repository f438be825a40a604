from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from edgeq.errors import TargetError
from edgeq.resources import targets_dir
from edgeq.target import list_boards, load_board


def test_every_board_loads():
    assert len(list_boards()) >= 9
    for name in list_boards():
        board = load_board(name)
        assert board.name == name
        assert board.cpu.flags and board.description and board.flash_hint
        assert board.soc.ram.size > board.soc.min_stack + 2 * board.max_payload


def test_properties_of_known_boards():
    nucleo = load_board("nucleo-f446re")
    assert (nucleo.soc.flash.origin, nucleo.soc.flash.size, nucleo.soc.ram.size) == (0x08000000, 512 << 10, 128 << 10)
    assert dict(nucleo.uart.params)["base"] == 0x40004400  # the board's value completes the SoC's driver
    assert dict(nucleo.uart.params)["clock_hz"] == 16_000_000
    assert nucleo.qemu is None
    microbit = load_board("microbit")
    assert (microbit.soc.flash.size, microbit.soc.ram.size, microbit.max_payload) == (256 << 10, 16 << 10, 256)
    assert load_board("mps3-an547").cpu.mve and not load_board("mps2-an386").cpu.mve
    assert ("BASE", "0x40004400u") in nucleo.uart.defines


def test_unknown_board_suggests_one():
    with pytest.raises(TargetError) as caught:
        load_board("nucleo-f446")
    assert "nucleo-f446re" in caught.value.hint and "microbit" in caught.value.hint
    with pytest.raises(TargetError):
        load_board("../socs/stm32f446")


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("boards/microbit.toml", "tx_pin = 24", "tx_pin = -1", "uart.params.tx_pin"),
        ("boards/microbit.toml", "tx_pin = 24", "'tx pin' = 24", "macro"),
        ("boards/microbit.toml", "tx_pin = 24", "tx_pin = true", "type int"),
        ("boards/microbit.toml", 'soc = "nrf51822"', 'soc = "nrf51"', "unknown soc"),
        ("boards/microbit.toml", 'soc = "nrf51822"', "", "'soc' is missing"),
        ("boards/microbit.toml", 'soc = "nrf51822"', 'soc = "nrf51822"\ncolour = 3', "unknown key 'colour'"),
        ("boards/microbit.toml", "[qemu]", "[qemu", "cannot be read"),
        ("socs/nrf51822.toml", "origin = 0x20000000", "origin = 0x20000001", "aligned"),
        ("socs/nrf51822.toml", "max_payload = 256", "max_payload = 16", "max_payload"),
        ("socs/nrf51822.toml", 'driver = "nrf_uart"', 'driver = "../x"', "name of a driver"),
        ("cpus/cortex-m0.toml", '"-mthumb"', '"-mthumb", "; rm"', "compiler flags"),
        ("cpus/cortex-m0.toml", 'fpu = "none"', 'fpu = "triple"', "fpu"),
        ("cpus/cortex-m0.toml", "load = 2", "load = -2", "cycles.load"),
        ("cpus/cortex-m0.toml", "alu = 1", "", "cycles.alu"),
    ],
)
def test_wrong_files_are_explained(tmp_path: Path, file: str, old: str, new: str, message: str):
    root = tmp_path / "targets"
    shutil.copytree(targets_dir(), root)
    text = (root / file).read_text()
    assert old in text
    (root / file).write_text(text.replace(old, new))
    with pytest.raises(TargetError) as caught:
        load_board("microbit", root=root)
    assert message in str(caught.value)
