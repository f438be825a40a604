"""The host executable, as a child process with pipes."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from edgeq.device.transport import read_some, write_all
from edgeq.errors import ProtocolError, ToolchainError

#: A sanitizer's first line begins like this.
_SANITIZER_MARKS = ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer")


class HostTransport:
    """Runs the executable that the preset `host` builds.

    Args:
        executable: its path.

    Raises:
        ToolchainError: it cannot be started.
    """

    def __init__(self, executable: Path):
        self.name = str(executable)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the process)
        # An abort reaches us as a signal, and no leak check slows the exit of a program without a heap.
        options = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
        try:
            self._process = subprocess.Popen(
                [str(executable)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                env=os.environ | options,
            )
        except OSError as error:
            self._errors.close()
            raise ToolchainError(
                f"the host executable cannot be started: {error.strerror}",
                where=self.name,
                hint="build it with the preset 'host'",
            ) from error
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)

    def write(self, data: bytes) -> None:
        try:
            write_all(self._input, data, self.name)
        except ProtocolError:
            if self._process.poll() is not None:
                raise self._gone() from None
            raise

    def read(self, timeout: float) -> bytes:
        data = read_some(self._output, timeout)
        if data is None:
            raise self._gone()
        return data

    def _gone(self) -> ProtocolError:
        try:
            code = self._process.wait(timeout=2.0)
        except subprocess.TimeoutExpired:
            code = 0
        self._errors.seek(0)
        text = self._errors.read(65536).decode(errors="replace")
        findings = [line.strip() for line in text.splitlines() if any(mark in line for mark in _SANITIZER_MARKS)]
        if findings:
            return ProtocolError(
                f"a sanitizer stopped the program: {findings[0][:300]}",
                where=self.name,
                hint="this is a bug of the generated code: please report it with the model",
            )
        return ProtocolError(f"the program ended by itself (exit code {code})", where=self.name)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            stream.close()
