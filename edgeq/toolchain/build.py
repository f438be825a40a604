"""Runs CMake on a project, and explains what goes wrong."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import ProjectError, TargetError, ToolchainError

PRESETS = ("host", "target")
_TAIL_LINES = 40
_OVERFLOW = re.compile(r"region `(\w+)' overflowed by (\d+) bytes?")
_REGIONS = {"FLASH": "flash", "RAM": "RAM"}


@dataclass(frozen=True)
class Tool:
    """A program that edgeq may need: one of `names`."""

    names: tuple[str, ...]
    purpose: str
    hint: str


TOOLS = (
    Tool(("cmake",), "builds projects", "install CMake 3.21 or later: sudo apt install cmake"),
    Tool(("ninja", "make"), "builds projects", "install Ninja: sudo apt install ninja-build"),
    Tool(("gcc",), "builds the host executable", "install GCC: sudo apt install gcc"),
    Tool(
        ("arm-none-eabi-gcc",),
        "builds firmware",
        "install Arm's GNU toolchain: sudo apt install gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
    Tool(("arm-none-eabi-objdump",), "measures firmware", "it comes with Arm's GNU toolchain (binutils-arm-none-eabi)"),
    Tool(("qemu-system-arm",), "runs firmware without a board", "install QEMU: sudo apt install qemu-system-arm"),
)


@dataclass(frozen=True)
class Finding:
    """What `doctor` finds of one tool. `path` and `version` are empty where it is missing."""

    name: str
    purpose: str
    path: str
    version: str
    hint: str


def _version(path: str) -> str:
    try:
        result = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "does not run"
    lines = result.stdout.splitlines()
    return lines[0].strip() if lines else "unknown"


def _which(name: str) -> str | None:
    """A program on the path, or beside our own interpreter: pip puts cmake and ninja there."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def doctor() -> tuple[Finding, ...]:
    """The tools that edgeq needs, with their versions; one entry per tool, found or not."""
    findings = []
    for tool in TOOLS:
        found = next(((name, path) for name in tool.names if (path := _which(name))), None)
        name, path = found or (" or ".join(tool.names), "")
        findings.append(Finding(name, tool.purpose, path, _version(path) if path else "", "" if path else tool.hint))
    return tuple(findings)


def find_tool(*names: str) -> str:
    """The path of the first of `names` that is installed.

    Raises:
        ToolchainError: none is; the message says how to get it.
    """
    for name in names:
        if path := _which(name):
            return path
    hint = next((tool.hint for tool in TOOLS if names[0] in tool.names), "")
    raise ToolchainError(f"{' or '.join(names)} is not installed", hint=hint)


def _tail(output: str) -> str:
    """The lines that explain a failure: from the first error on, at most 40."""
    lines = [line for line in output.splitlines() if line.strip()]
    wrong = re.compile(r"\berror\b|undefined reference", re.IGNORECASE)
    first = next((i for i, line in enumerate(lines) if wrong.search(line)), 0)
    start = max(first - 2, 0) if first else max(0, len(lines) - _TAIL_LINES)
    return "\n".join(lines[start : start + _TAIL_LINES])


def _run(command: list[str], project: Path, step: str) -> None:
    try:
        result = subprocess.run(
            command, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise ToolchainError(f"{command[0]} cannot be started: {error.strerror}", where=str(project)) from error
    if result.returncode == 0:
        return
    overflows = {region: int(count) for region, count in _OVERFLOW.findall(result.stdout)}
    if overflows:
        parts = [f"{_REGIONS.get(region, region)} by {count} bytes" for region, count in sorted(overflows.items())]
        raise TargetError(
            f"the image does not fit the chip: it exceeds {' and '.join(parts)}",
            where=str(project),
            hint="choose a smaller model, fewer bits per weight, or a larger board",
        )
    hint = ""
    if "arm-none-eabi" in result.stdout and "REQUIRED" in result.stdout:
        hint = "is Arm's GNU toolchain complete? run: edgeq doctor"
    raise ToolchainError(f"{step} fails:\n{_tail(result.stdout)}", where=str(project), hint=hint)


def _cache_value(build_dir: Path, key: str) -> str:
    try:
        text = (build_dir / "CMakeCache.txt").read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(rf"^{re.escape(key)}:\w+=(.*)$", text, re.MULTILINE)
    return found.group(1) if found else ""


def build(project_dir: Path, preset: str, cmsis_nn_root: Path | str | None = None) -> Path:
    """Builds a project.

    Args:
        project_dir: a folder that edgeq has generated.
        preset: "host" or "target".
        cmsis_nn_root: the user's CMSIS-NN for the target; the environment's CMSIS_NN_ROOT where None, and with neither
            the implementation in the project.

    Returns:
        The path of the executable.

    Raises:
        ProjectError: the folder is no project.
        ToolchainError: a tool is missing, or the build fails; the message holds the compiler's.
        TargetError: the image does not fit the chip.
    """
    project = Path(project_dir).resolve()
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {PRESETS}, not {preset!r}")
    if not (project / "CMakePresets.json").is_file():
        raise ProjectError("this is no firmware project", where=str(project), hint="generate it with: edgeq build")
    cmake = find_tool("cmake")
    maker = find_tool("ninja", "make")
    generator = "Ninja" if Path(maker).stem == "ninja" else "Unix Makefiles"
    find_tool("gcc" if preset == "host" else "arm-none-eabi-gcc")
    root = str(cmsis_nn_root or os.environ.get("CMSIS_NN_ROOT", ""))
    if root and not (Path(root) / "Include" / "arm_nnfunctions.h").is_file():
        raise ToolchainError(
            "this is no CMSIS-NN: it has no Include/arm_nnfunctions.h",
            where=root,
            hint="CMSIS_NN_ROOT must name a checkout or an unpacked pack of Arm's CMSIS-NN",
        )
    build_dir = project / "build" / preset
    if _cache_value(build_dir, "CMAKE_GENERATOR") not in ("", generator) or (
        _cache_value(build_dir, "CMAKE_HOME_DIRECTORY") not in ("", str(project))
    ):
        shutil.rmtree(build_dir)  # left by another generator, or the folder was moved
    root = str(Path(root).resolve()) if root else ""
    options = [f"-DCMAKE_MAKE_PROGRAM={maker}", f"-DCMSIS_NN_ROOT={root}"]
    _run([cmake, "--preset", preset, "-G", generator, *options], project, "configuring")
    _run([cmake, "--build", str(build_dir), "--parallel", str(os.cpu_count() or 1)], project, "compiling")
    name = _cache_value(build_dir, "CMAKE_PROJECT_NAME")
    executable = build_dir / (name if preset == "host" else f"{name}.elf")
    if not name or not executable.is_file():
        raise ToolchainError("the build leaves no executable", where=str(build_dir))
    return executable
