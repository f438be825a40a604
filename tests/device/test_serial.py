from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from edgeq.device.protocol import Timing
from edgeq.device.session import open_serial
from edgeq.errors import ProtocolError

from .fakes import on_pty, on_socket
from .project import PROGRAM_HASH
from .test_host import run_and_check, vector

QUICK = Timing(reply=0.1, attempts=3)


def test_pseudo_terminal(host_executable: Path):
    with on_pty(host_executable) as port:
        for seed in range(2):  # a second host takes over from the first
            with open_serial(port, program_hash=PROGRAM_HASH, timing=Timing(reply=5.0)) as session:
                assert session.name == port
                run_and_check(session, vector(seed))


def test_socket(host_executable: Path):
    with (
        on_socket(host_executable) as url,
        open_serial(url, program_hash=PROGRAM_HASH, timing=Timing(reply=5.0)) as session,
    ):
        run_and_check(session, vector(1))


def test_missing_port():
    with pytest.raises(ProtocolError, match="cannot be opened") as caught:
        open_serial("/dev/ttyNOTHERE")
    assert caught.value.where == "/dev/ttyNOTHERE" and "port" in caught.value.hint
    with pytest.raises(ProtocolError) as caught:
        open_serial("socket://127.0.0.1:1")
    assert "listening" in caught.value.hint
    with pytest.raises(ProtocolError):
        open_serial("nonsense://port")


def test_silent_and_babbling_ports():
    ours, theirs = os.openpty()
    try:
        with pytest.raises(ProtocolError, match="silent|no undamaged") as caught:
            open_serial(os.ttyname(theirs), timing=QUICK)
        assert caught.value.where == os.ttyname(theirs)

        stop = threading.Event()

        def babble() -> None:
            while not stop.wait(0.002):
                os.write(ours, b"temperature: 23\r\n\0")

        thread = threading.Thread(target=babble)
        thread.start()
        try:
            with pytest.raises(ProtocolError, match="damaged"):
                open_serial(os.ttyname(theirs), timing=QUICK)
        finally:
            stop.set()
            thread.join()
    finally:
        os.close(ours)
        os.close(theirs)


def test_port_that_goes_away(host_executable: Path):
    with on_socket(host_executable) as url, open_serial(url, timing=QUICK) as session:
        session.transport._serial._socket.shutdown(2)
        with pytest.raises(ProtocolError, match="broke|silent"):
            session.invoke()


@pytest.mark.hardware
def test_board_on_a_port():
    port = os.environ.get("EDGEQ_PORT")
    if not port:
        pytest.skip("EDGEQ_PORT names no port")
    with open_serial(port) as session:
        assert session.hello.layer_count > 0
