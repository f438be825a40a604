from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq.errors import ProjectError, TargetError, ToolchainError
from edgeq.target import list_boards, load_board
from edgeq.toolchain.build import build, doctor
from edgeq.toolchain.footprint import GROUPS, measure

from .conftest import need
from .project import write_project

M4 = "mps2-an386"
USERS_CMSIS_NN = os.environ.get("CMSIS_NN_ROOT", "")


@pytest.mark.parametrize("name", list_boards())
def test_every_board_builds(image: Callable[[str], Path], name: str):
    footprint = measure(image(name), load_board(name))
    assert footprint.flash == sum(footprint.group(group, "text", "rodata", "data") for group in GROUPS)
    assert footprint.ram == sum(footprint.group(group, "data", "bss") for group in GROUPS)
    assert footprint.group("runtime", "text") < 4000
    assert footprint.group("model", "bss") >= 6000
    assert footprint.stack.nbytes and footprint.stack.nbytes < 1000, footprint.stack
    assert all(image(name).with_suffix(suffix).stat().st_size for suffix in (".hex", ".bin", ".map"))


def test_protocol_uses_no_heap_and_no_floating_point(image: Callable[[str], Path]):
    from edgeq.device.icount import find_functions

    assert find_functions(image(M4), ["malloc", "_malloc_r", "_sbrk", "__aeabi_fadd", "__aeabi_dadd", "printf"]) == {}


def test_stack_bound_sees_what_it_cannot_follow(tmp_path: Path):
    need("arm-none-eabi-gcc")
    deep = "int deep(int n); int deep(int n) { volatile int a[8]; a[0] = n; return n ? deep(n - 1) + a[0] : 0; }\n"
    elf = build(
        write_project(tmp_path / "recursion", M4, prelude=deep, second="if (deep(arena[0][0]) < 0) { return -1; }"),
        "target",
    )
    bound = measure(elf, load_board(M4)).stack
    assert bound.nbytes is None and "deep" in bound.reason
    wide = "int wide(int n); int wide(int n) { volatile int a[n + 1]; a[0] = n; return a[0]; }\n"
    elf = build(
        write_project(tmp_path / "vla", M4, prelude=wide, second="if (wide(arena[0][0]) < 0) { return -1; }"), "target"
    )
    bound = measure(elf, load_board(M4)).stack
    assert bound.nbytes is None and "depends on its arguments" in bound.reason


def test_image_that_does_not_fit(tmp_path: Path):
    need("arm-none-eabi-gcc")
    project = write_project(
        tmp_path, "microbit", prelude="volatile unsigned char large[20000];\n", second="large[5] = 1;"
    )
    with pytest.raises(TargetError, match=r"exceeds RAM by \d+ bytes"):
        build(project, "target")


def test_compilers_words_are_shown(tmp_path: Path):
    need("gcc")
    project = write_project(tmp_path, M4, second="this is no C;")
    with pytest.raises(ToolchainError, match="this") as caught:
        build(project, "host")
    assert "error:" in str(caught.value) and len(str(caught.value)) < 10_000


def test_cmsis_nn_root(project: Callable[[str], Path], tmp_path: Path):
    with pytest.raises(ToolchainError, match="no CMSIS-NN"):
        build(project(M4), "target", tmp_path)


def test_users_cmsis_nn(tmp_path: Path):
    """With CMSIS_NN_ROOT in the environment: the real library links, and its own scratch demand is asked."""
    root = USERS_CMSIS_NN
    if not root:
        pytest.skip("CMSIS_NN_ROOT is not set")
    need("arm-none-eabi-gcc")
    call = '#include "arm_nnfunctions.h"\nextern int32_t demand(void);\n' + (
        "int32_t demand(void) { const cmsis_nn_dims d = {1, 3, 3, 8};"
        " return arm_depthwise_conv_s8_opt_get_buffer_size(&d, &d); }\n"
    )
    prelude = "#include <stdint.h>\nextern int32_t demand(void);\n"
    second = "if (demand() < 0) { return -1; }"
    folder = write_project(tmp_path, M4, prelude=prelude, second=second, kernels={"demand.c": call})
    assert measure(build(folder, "target", root), load_board(M4)).group("model", "text") > 100


def test_no_project_and_moved_project(project: Callable[[str], Path], tmp_path: Path):
    need("gcc")
    with pytest.raises(ProjectError, match="no firmware project"):
        build(tmp_path, "host")
    with pytest.raises(ValueError, match="preset"):
        build(project(M4), "debug")
    build(project(M4), "host")
    moved = tmp_path / "moved"
    shutil.copytree(project(M4), moved)
    assert build(moved, "host").parent == moved / "build" / "host"


def test_missing_tools_are_named(project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", os.devnull)
    monkeypatch.setattr("sys.executable", os.devnull)
    with pytest.raises(ToolchainError) as caught:
        build(project(M4), "target")
    assert "cmake is not installed" in caught.value.what and "apt install" in caught.value.hint
    findings = doctor()
    assert all(finding.hint and not finding.path for finding in findings)


def test_doctor():
    for finding in doctor():
        assert bool(finding.path) != bool(finding.hint)
        assert bool(finding.version) == bool(finding.path)
