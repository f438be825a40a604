"""The built wheel works away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.tools import needs_cross

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.xdist_group("boards")


@needs_cross
def test_installed_wheel_builds_firmware(tmp_path, digits):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("edgeq-*.whl")
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    python = environment / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, cwd=tmp_path, capture_output=True)
    # the dependencies of this environment, but not its edgeq: a .pth file in a folder named by another is not followed
    packages = environment / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")

    # nor the one that a user's PYTHONPATH may name
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command: str) -> str:
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, env=clean)
        assert result.returncode == 0, result.stderr
        return result.stdout

    where = run(str(python), "-c", "import edgeq; print(edgeq.__file__)").strip()
    assert Path(where).is_relative_to(environment)
    edgeq = str(environment / "bin" / "edgeq")
    model, calibration = digits / "digits.keras", digits / "calibration.npz"
    printed = run(
        edgeq,
        "build",
        str(model),
        "--target",
        "mps2-an386",
        "--calibration",
        str(calibration),
        "-o",
        "firmware",
        "--json",
    )
    report = json.loads(printed)
    assert report["target"] == "mps2-an386" and report["flash"]["total"] > 0
    assert json.loads(run(edgeq, "targets", "--json"))["targets"]
