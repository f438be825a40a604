"""A board emulated by QEMU, its serial port one end of a socket pair: no port number, no file to collide over."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgeq.device.transport import read_some, write_all
from edgeq.errors import ProtocolError, TargetError, ToolchainError
from edgeq.target import Board

QEMU = "qemu-system-arm"
QEMU_HINT = "install QEMU for Arm, for example: sudo apt install qemu-system-arm"


def find_qemu() -> str:
    """The path of `qemu-system-arm`.

    Raises:
        ToolchainError: it is not installed.
    """
    path = shutil.which(QEMU)
    if path is None:
        raise ToolchainError(f"{QEMU} is not installed", hint=QEMU_HINT)
    return path


class QemuTransport:
    """Runs an image on an emulated board.

    Virtual time advances by 1 ns per instruction, so what the firmware's timer shows repeats exactly.

    Args:
        board: a board with a `qemu` entry.
        elf: the image.
        extra: further arguments of QEMU.
        icount: whether virtual time counts instructions; without, QEMU is faster and timers show real time.

    Raises:
        TargetError: no emulator has the board.
        ToolchainError: QEMU is missing or cannot be started.
    """

    def __init__(self, board: Board, elf: Path, *, extra: Sequence[str] = (), icount: bool = True):
        if board.qemu is None:
            raise TargetError("QEMU has no machine for this board", where=board.name, hint="validate it over its port")
        if not Path(elf).is_file():
            raise ToolchainError("the image does not exist", where=str(elf), hint="build it with the preset 'target'")
        self.name = f"QEMU {board.qemu.machine}"
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        self._socket, guest = socket.socketpair()
        command = [find_qemu(), "-M", board.qemu.machine, "-nodefaults", "-display", "none", "-monitor", "none"]
        command += ["-kernel", str(elf), "-d", "guest_errors"]
        command += ["-chardev", f"socket,id=uart,fd={guest.fileno()}", "-serial", "chardev:uart"]
        if icount:
            command += ["-icount", "shift=0"]
        command += extra
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._errors,
                stderr=subprocess.STDOUT,
                pass_fds=(guest.fileno(),),
            )
        except OSError as error:
            self._socket.close()
            self._errors.close()
            raise ToolchainError(f"{QEMU} cannot be started: {error.strerror}", hint=QEMU_HINT) from error
        finally:
            guest.close()
        self._socket.setblocking(False)

    def write(self, data: bytes) -> None:
        try:
            write_all(self._socket.fileno(), data, self.name)
        except ProtocolError:
            if self._process.poll() is not None:
                raise self._gone() from None
            raise

    def read(self, timeout: float) -> bytes:
        data = read_some(self._socket.fileno(), timeout)
        if data is None:
            raise self._gone()
        return data

    def messages(self) -> str:
        """What QEMU has reported so far, guest errors among it: its last 4,000 bytes."""
        # Not seek(): the child writes through the same file offset.
        size = os.fstat(self._errors.fileno()).st_size
        start = max(0, size - 4000)
        return os.pread(self._errors.fileno(), size - start, start).decode(errors="replace")

    def _gone(self) -> ProtocolError:
        try:
            code = self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            code = 0
        lines = [line.strip() for line in self.messages().splitlines() if line.strip()]
        lockup = [line for line in lines if "Lockup" in line or "lockup" in line]
        if lockup:
            what = f"the emulated core locked up: {lockup[0]}"
            hint = "a fault within a fault, usually of a stack that ran over: it needs more RAM or a smaller model"
            return ProtocolError(what, where=self.name, hint=hint)
        detail = f": {lines[-1][:300]}" if lines else ""
        return ProtocolError(f"QEMU ended (exit code {code}){detail}", where=self.name)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._socket.close()
        self._errors.close()
