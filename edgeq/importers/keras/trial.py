"""A trial run in a forked child, for what a library written in C may make of a hostile file.

On damaged files libhdf5 hangs, crashes, or asks for any amount of memory, and nothing in the process that called it can
stop that. So a file is read in a child first, which the operating system stops; who survives is read for good.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable

from edgeq.errors import ModelError

SECONDS = 1  # of the processor, for a small file
BYTES_PER_SECOND = 50 << 20  # what a larger one may take in addition
PATIENCE = 60  # seconds by the clock for every second of the processor: others use it too
MEMORY = 512 << 20  # bytes for a small file
MEMORY_FACTOR = 4  # what a larger one may take in addition


def survive(run: Callable[[], object], size: int, where: str, hint: str) -> None:
    """Runs `run` in a child process; returns where it ends in time, in memory and without an error.

    Where the operating system knows no fork, nothing is tried.

    Args:
        size: bytes of the file that is read.

    Raises:
        ModelError: what `run` raised, or that it did not end by itself.
    """
    if not hasattr(os, "fork"):
        return
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        _child(run, size, start)
    os.close(start)
    _wait(child, (SECONDS + size // BYTES_PER_SECOND) * PATIENCE)
    with open(end, "rb") as stream:
        report = stream.read()
    if not report:
        raise ModelError("damaged HDF5 data: it cannot be read in reasonable time and memory", where=where, hint=hint)
    if refusal := json.loads(report):
        what, error_where, error_hint = refusal
        raise ModelError(what, where=error_where, hint=error_hint)


def _child(run: Callable[[], object], size: int, report: int) -> None:
    """Reports null or the refusal, or nothing where `run` fails otherwise. Never returns: neither buffers nor exit
    handlers of the parent are the child's, so it ends as it does when the limits end it."""
    try:
        _limit(SECONDS + size // BYTES_PER_SECOND, MEMORY + MEMORY_FACTOR * size)
        run()
        os.write(report, b"null")
    except ModelError as error:
        # a pipe takes so much without a reader
        os.write(report, json.dumps([error.what[:1000], error.where[:1000], error.hint[:1000]]).encode())
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


def _limit(seconds: int, nbytes: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with open("/proc/self/statm") as stream:
            mapped = int(stream.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (mapped + nbytes, mapped + nbytes))
    except (OSError, ValueError):
        return  # no such system: time is limited at least


def _wait(child: int, patience: float) -> None:
    """Waits for the child's end; it is killed where that takes longer."""
    deadline = time.monotonic() + patience
    pause = 0.0005
    while True:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(2 * pause, 0.02)
