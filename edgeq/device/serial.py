"""A board on a serial port, or anything that pyserial's URLs name (`socket://host:port`, a pseudo-terminal)."""

from __future__ import annotations

import os
from pathlib import Path

import serial
from serial.tools import list_ports

from edgeq.errors import ProtocolError


def list_serial_ports() -> tuple[str, ...]:
    """The serial ports of this machine, sorted."""
    return tuple(sorted(port.device for port in list_ports.comports()))


def _open_hint(port: str) -> str:
    if "://" in port:
        return "check the address, and that the other side is listening"
    if Path(port).exists() and not os.access(port, os.R_OK | os.W_OK):
        return "you may not use this port: join its group (sudo usermod -aG dialout $USER) and log in again"
    if Path(port).exists():
        return "another program may hold the port: close serial monitors and IDEs"
    known = list_serial_ports()
    if known:
        return f"ports of this machine: {', '.join(known)}"
    return "this machine has no serial port: is the board connected?"


class SerialTransport:
    """Opens a serial port.

    Args:
        port: a device name or a pyserial URL.
        baud: bits per second.

    Raises:
        ProtocolError: the port does not exist, is busy or forbidden.
    """

    def __init__(self, port: str, baud: int = 115200):
        self.name = port
        try:
            self._serial = serial.serial_for_url(port, baudrate=baud, timeout=0, write_timeout=10.0)
            self._serial.reset_input_buffer()
        except (OSError, ValueError) as error:  # SerialException is an OSError
            raise ProtocolError(f"the port cannot be opened: {error}", where=port, hint=_open_hint(port)) from error

    def write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._broke(error) from error

    def read(self, timeout: float) -> bytes:
        try:
            self._serial.timeout = max(0.0, timeout)
            data = self._serial.read(1)
            if data:
                self._serial.timeout = 0
                data += self._serial.read(4096)
            return data
        except (OSError, TypeError) as error:  # TypeError: pyserial, of a port closed under its feet
            raise self._broke(error) from error

    def _broke(self, error: Exception) -> ProtocolError:
        hint = "check the cable and the board's power, and that no other program uses the port"
        return ProtocolError(f"the connection broke: {error}", where=self.name, hint=hint)

    def close(self) -> None:
        self._serial.close()
