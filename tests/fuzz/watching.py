"""What the importers do with a file, watched: nothing but EdgeqError may come of it, within the limits.

What breaks a rule is kept in FOLDER/found under the name of what it does, once for each place; FOLDER/state.json
counts.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from edgeq import api, importers
from edgeq.errors import EdgeqError
from edgeq.importers.keras import container
from edgeq.target import load_board

# The trial of HDF5 data in a child process would hide all of it from a fuzzer, and cost more than the reading. What
# ends our process instead is tried again by `python -m tests.fuzz`, as users read files.
container.survive = lambda *_: None

MAX_SECONDS = 2.0  # of the processor: others may be using it too
MAX_BYTES = 1 << 30
COMPILED = 4  # of so many inputs that load one is compiled too
SMALL = 1 << 20  # elements of a model that is worth compiling

#: Audit events of what writes, runs or connects.
_FORBIDDEN = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod",
              "os.system", "os.exec", "os.fork", "os.posix_spawn", "subprocess.Popen", "socket.connect", "shutil.",
              "pickle.find_class", "tempfile.")  # fmt: skip


class Watch:
    """Notes what the code under test does to its surroundings."""

    def __init__(self) -> None:
        self.on = False
        self.seen = ""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        code = event == "exec" and getattr(arguments[0], "co_name", "") != "<module>"  # a module: an import runs late
        if writes or opened or code or (event.startswith(_FORBIDDEN) and "uname" not in arguments):
            self.seen = f"{event} {arguments[:2]!r}"


class Fuzzer:
    """One format's harness."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind, self.folder = kind, folder
        self.path = folder / f"input.{kind}"
        self.found = folder / "found"
        self.found.mkdir(parents=True, exist_ok=True)
        self.state = folder / "state.json"
        self.counts = (
            json.loads(self.state.read_text()) if self.state.exists() else {"runs": 0, "loaded": 0, "compiled": 0}
        )
        self.watch = Watch()
        self.board = load_board("mps2-an386")

    def one(self, data: bytes) -> None:
        self.path.write_bytes(data)
        start = time.process_time()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        self.watch.seen, self.watch.on = "", True
        problem = ""
        try:
            self._load()
        except EdgeqError:
            pass
        except Exception as error:  # that is what we are looking for
            frame = traceback.extract_tb(error.__traceback__)[-1]
            problem = f"{type(error).__name__}-{Path(frame.filename).stem}-{frame.lineno}"
            detail = traceback.format_exc()
        finally:
            self.watch.on = False
        seconds = time.process_time() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if not problem and seconds > MAX_SECONDS:
            problem, detail = f"slow-{int(seconds)}s", f"{seconds:.1f} s"
        if not problem and after > before and after * 1024 > MAX_BYTES:
            problem, detail = "large", f"{after >> 10} MB"
        if not problem and self.watch.seen:
            problem, detail = "writes", self.watch.seen
        if problem and not (self.found / problem).exists():
            (self.found / problem).write_bytes(data)
            (self.found / f"{problem}.txt").write_text(detail)
        self.counts["runs"] += 1
        if self.counts["runs"] % 20 == 0:
            self.state.write_text(json.dumps(self.counts))

    def _load(self) -> None:
        graph = importers.load(self.path)
        self.counts["loaded"] += 1
        if self.counts["loaded"] % COMPILED or sum(t.size for t in graph.tensors.values()) > SMALL:
            return
        api.inspect(graph)
        integer, warnings = api.quantize_model(graph, None)
        api.compile_graph(integer, self.board.soc.cpu, warnings=warnings)
        self.counts["compiled"] += 1
