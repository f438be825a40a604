"""Transports for tests: a line with faults, a device that says what the test wants, bridges to serial ports."""

from __future__ import annotations

import os
import random
import select
import socket
import subprocess
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgeq.device.protocol import Frame, decode_frame
from edgeq.device.transport import Transport


class FaultyLine:
    """Passes frames on to another transport, and damages some of them in both directions."""

    KINDS = ("drop", "flip", "duplicate", "truncate", "noise", "split")

    def __init__(self, inner: Transport, seed: int, rate: float):
        self.inner, self.name = inner, f"faulty {inner.name}"
        self.random, self.rate = random.Random(seed), rate
        self.faults = 0
        self._out, self._in = bytearray(), bytearray()

    def _damage(self, frame: bytes) -> bytes:
        if len(frame) < 2 or self.random.random() >= self.rate:
            return frame
        self.faults += 1
        at = self.random.randrange(len(frame) - 1)
        match self.random.choice(self.KINDS):
            case "drop":
                return b""
            case "flip":
                return frame[:at] + bytes([frame[at] ^ (1 << self.random.randrange(8))]) + frame[at + 1 :]
            case "duplicate":
                return frame + frame
            case "truncate":
                return frame[:at]
            case "noise":
                return self.random.randbytes(self.random.randrange(1, 40)) + frame
            case _:
                return frame[:at] + b"\0" + frame[at:]

    def _through(self, pending: bytearray, data: bytes) -> bytes:
        pending += data
        passed = b""
        while (end := pending.find(0)) >= 0:
            passed += self._damage(bytes(pending[: end + 1]))
            del pending[: end + 1]
        return passed

    def write(self, data: bytes) -> None:
        passed = self._through(self._out, data)
        if passed:
            self.inner.write(passed)

    def read(self, timeout: float) -> bytes:
        return self._through(self._in, self.inner.read(timeout))

    def close(self) -> None:
        self.inner.close()


class ScriptedDevice:
    """Answers every request with what `answer` returns for it."""

    def __init__(self, answer: Callable[[Frame], bytes]):
        self.name, self.answer = "scripted", answer
        self.requests: list[Frame] = []
        self.closed = False
        self._to_host = b""

    def write(self, data: bytes) -> None:
        for encoded in data.split(b"\0"):
            frame = decode_frame(encoded) if encoded else None
            if frame is not None:
                self.requests.append(frame)
                self._to_host += self.answer(frame)

    def read(self, timeout: float) -> bytes:
        if not self._to_host:
            time.sleep(max(0.0, timeout))
        data, self._to_host = self._to_host, b""
        return data

    def close(self) -> None:
        self.closed = True


def _pump(process: subprocess.Popen, fd: int, stop: threading.Event) -> None:
    """Copies between a file descriptor and a process's pipes until `stop`."""
    try:
        while not stop.is_set():
            ready, _, _ = select.select([fd, process.stdout], [], [], 0.05)
            if fd in ready:
                data = os.read(fd, 4096)
                if not data:
                    return
                process.stdin.write(data)
            if process.stdout in ready:
                data = os.read(process.stdout.fileno(), 4096)
                if not data:
                    return
                os.write(fd, data)
    except OSError:
        return


@contextmanager
def _bridged(executable: Path, fd: int) -> Iterator[None]:
    process = subprocess.Popen([executable], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    stop = threading.Event()
    thread = threading.Thread(target=_pump, args=(process, fd, stop))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@contextmanager
def on_pty(executable: Path) -> Iterator[str]:
    """The executable behind a pseudo-terminal; yields the terminal's name."""
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    try:
        with _bridged(executable, ours):
            yield os.ttyname(theirs)
    finally:
        os.close(ours)
        os.close(theirs)


@contextmanager
def on_socket(executable: Path) -> Iterator[str]:
    """The executable behind a TCP port of this machine; yields pyserial's URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        stop = threading.Event()

        def serve() -> None:
            server.settimeout(10.0)
            with server.accept()[0] as connection, _bridged(executable, connection.fileno()):
                stop.wait(30.0)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield url
        finally:
            stop.set()
            thread.join()
