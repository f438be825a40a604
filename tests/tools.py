"""What tests need beyond Python, and the marks that skip them without it: never in CI."""

from __future__ import annotations

import os
import shutil

import pytest

IN_CI = os.environ.get("CI") == "true"


def _needs(*tools: str) -> pytest.MarkDecorator:
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return pytest.mark.skipif(bool(missing) and not IN_CI, reason=f"missing: {', '.join(missing)}")


needs_host = _needs("gcc")
needs_cross = _needs("arm-none-eabi-gcc")
needs_qemu = _needs("gcc", "arm-none-eabi-gcc", "qemu-system-arm")
