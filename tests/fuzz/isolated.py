"""One model file through the importers in a process of its own, within limits."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

START_SECONDS = 2  # of the processor, for the interpreter and its modules
MAX_SECONDS = 2
MAX_BYTES = 3 << 29  # of address space: 1 GB beyond what the interpreter's own modules map
_CODE = """
import sys
from pathlib import Path
from edgeq import importers
from edgeq.errors import EdgeqError
try:
    importers.load(Path(sys.argv[1]))
except EdgeqError as error:
    print(error)
"""


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (START_SECONDS + MAX_SECONDS, START_SECONDS + MAX_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))


def problem_of(data: bytes, kind: str) -> str:
    """What is wrong with how the file is read: "" where it is loaded, or refused, as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"model.{kind}"
        path.write_bytes(data)
        command = [sys.executable, "-c", _CODE, str(path)]
        result = subprocess.run(command, preexec_fn=_limit, capture_output=True, text=True, check=False)
    if result.returncode < 0:
        return f"ended by signal {-result.returncode}"
    return result.stderr.strip().splitlines()[-1] if result.returncode else ""
