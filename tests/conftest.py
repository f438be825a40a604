"""What all tests share: objects that were compiled once are not compiled again.

Most of the C in a generated project is the runtime, the same in all of them. Where ccache is installed, CMake is told
to use it, with a cache of the tests' own that names no folder of a project.
"""

from __future__ import annotations

import os
import shutil

import pytest


def pytest_configure(config: pytest.Config) -> None:
    ccache = shutil.which("ccache")
    if ccache is None:
        return
    os.environ.setdefault("CMAKE_C_COMPILER_LAUNCHER", ccache)
    os.environ.setdefault("CCACHE_DIR", str(config.rootpath / "build" / "ccache"))
    # the same file in two projects is one object: paths count from the build folder, which itself does not count
    os.environ.setdefault("CCACHE_BASEDIR", "/")
    os.environ.setdefault("CCACHE_NOHASHDIR", "1")
    os.environ.setdefault("CCACHE_MAXSIZE", "2G")
