"""What the protocol asks of a way to a device."""

from __future__ import annotations

import os
import select
import time
from typing import Protocol

from edgeq.errors import ProtocolError


class Transport(Protocol):
    """A bidirectional stream of bytes.

    `name` is what messages call it. `write` and `read` raise ProtocolError once the other side has gone.
    """

    name: str

    def write(self, data: bytes) -> None:
        """Sends all of `data`, or raises."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, after at most `timeout` seconds; b"" where nothing has."""

    def close(self) -> None:
        """Ends the connection, and what was started for it. May be called twice."""


def write_all(fd: int, data: bytes, name: str, timeout: float = 10.0) -> None:
    """Writes to a non-blocking file descriptor.

    Raises:
        ProtocolError: the other side has gone, or takes nothing for `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            left = deadline - time.monotonic()
            if left <= 0:
                raise ProtocolError("takes no more data", where=name, hint="reset the device and try again") from None
            select.select([], [fd], [], left)
        except OSError as error:
            raise ProtocolError(f"the connection broke: {error}", where=name) from error


def read_some(fd: int, timeout: float) -> bytes | None:
    """What a non-blocking file descriptor holds; b"" after `timeout` seconds without, None at its end."""
    ready, _, _ = select.select([fd], [], [], max(0.0, timeout))
    if not ready:
        return b""
    try:
        return os.read(fd, 65536) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None
