"""The classes of instructions that are counted, and the estimate of cycles that is made of them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from edgeq.device import icount
from edgeq.device.icount import Executed
from edgeq.errors import TargetError
from edgeq.target import list_boards, load_board, load_cpu

from ..tools import needs_cross

HEADER = Path(icount.__file__).with_name("icount_classes.h")
NAMES = re.findall(r"^    X\((\w+)\)", HEADER.read_text(), re.MULTILINE)

# Assembly, its class, the registers that it moves beyond one, whether it returns.
INSTRUCTIONS = {
    "adds r0, r1, r2": "alu",
    "lsls r0, r1, #3": "alu",
    "mov r8, r1": "alu",
    "add sp, #16": "alu",
    "sxtb r0, r1": "alu",
    "movw r0, #4660": "alu",
    "add.w r8, r9, r10, lsl #4": "alu",
    "ssat r0, #8, r1": "alu",
    "sxtb16 r0, r1": "alu",
    "it eq": "alu",
    "nop": "alu",
    "dsb": "alu",
    "cbz r0, 1f": "branch_not_taken",
    "beq 1f": "branch_not_taken",
    "bne.w 1f": "branch_not_taken",
    "b 1f": "branch",
    "b.w 1f": "branch",
    "bl 1f": "branch",
    "bx lr": "branch",
    "blx r3": "branch",
    "mov pc, r3": "branch",
    "tbb [pc, r0]": "branch",
    "ldr r0, 1f": "load",
    "ldrsb r0, [r1, r2]": "load",
    "ldrb r0, [r1, #3]": "load",
    "ldr r0, [sp, #8]": "load",
    "ldrsb.w r0, [r1, #300]": "load",
    "ldr r0, [r1], #4": "load",
    "ldr pc, [r1]": ("load", 0, 1),
    "strh r0, [r1, r2]": "store",
    "str r0, [r1, #4]": "store",
    "strb.w r8, [r1, #1]": "store",
    "push {r4, r5, lr}": ("multiple", 3, 0),
    "pop {r4, r5, pc}": ("multiple", 3, 1),
    "pop {r4, r5}": ("multiple", 2, 0),
    "ldmia r0!, {r1, r2, r3}": ("multiple", 3, 0),
    "stmia.w r0!, {r8, r9}": ("multiple", 2, 0),
    "pop.w {r4, r8, pc}": ("multiple", 3, 1),
    "ldrd r0, r1, [r2], #8": ("multiple", 2, 0),
    "strd r0, r1, [r2]": ("multiple", 2, 0),
    "muls r0, r1, r0": "multiply",
    "mul r8, r1, r2": "multiply",
    "mla r0, r1, r2, r3": "multiply_add",
    "smlad r0, r1, r2, r3": "multiply_add",
    "smull r0, r1, r2, r3": "multiply_long",
    "umlal r0, r1, r2, r3": "multiply_add_long",
    "sdiv r0, r1, r2": "divide",
    "udiv r0, r1, r2": "divide",
    "vadd.f32 s0, s1, s2": "floating",
    "vmov s0, r0": "floating",
    "vldr s0, [r0]": "load",
    "vpush {s16-s19}": ("multiple", 4, 0),
    "vldrw.u32 q0, [r0], #16": "vector_load",
    "vldrb.s16 q0, [r0]": "vector_load",
    "vstrb.8 q0, [r0]": "vector_store",
    "vmladava.s8 r0, q0, q1": "vector",
    "vadd.i32 q0, q0, q1": "vector",
    "vqrdmulh.s32 q0, q0, q1": "vector",
    "vmlas.s32 q0, q1, r2": "vector",
    "dls lr, r0": "loop",
    "wls lr, r0, 1f": "loop",
    "le lr, 0b": "loop",
}


@pytest.fixture(scope="module")
def classified(tmp_path_factory) -> dict[str, tuple[str, int, int]]:
    """What the plugin's function says of each instruction, as the assembler encodes it for a core that has them all."""
    folder = tmp_path_factory.mktemp("classes")
    labels = "".join(f"0:\nnop\ni{n}:\n{text}\nnop\n1:\nnop\n.align 2\n" for n, text in enumerate(INSTRUCTIONS))
    (folder / "code.s").write_text(f".syntax unified\n.thumb\n{labels}")

    def run(*command: str | Path) -> str:
        return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout

    cross = ["arm-none-eabi-gcc", "-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-c", "code.s", "-o", "code.o"]
    run(*cross)
    run("arm-none-eabi-objcopy", "-O", "binary", "-j", ".text", "code.o", "code.bin")
    listing = run("arm-none-eabi-nm", "code.o")
    places = {name: int(place, 16) for place, _, name in (line.split() for line in listing.splitlines())}
    code = (folder / "code.bin").read_bytes()
    lines = []
    for n in range(len(INSTRUCTIONS)):
        first, second = (int.from_bytes(code[places[f"i{n}"] + at :][:2], "little") for at in (0, 2))
        lines.append(f"{{{first:#x}u, {second if first >= 0xE800 else 0:#x}u, {int(first >= 0xE800)}}}")
    (folder / "main.c").write_text(f"""
#include <stdio.h>
#include "{HEADER}"
#define NAME(name) #name,
static const char *const names[] = {{ EDGEQ_CLASSES(NAME) }};
static const struct {{ unsigned first, second; int wide; }} code[] = {{ {", ".join(lines)} }};
int main(void)
{{
    for (unsigned i = 0; i < sizeof(code) / sizeof(code[0]); i++) {{
        edgeq_class c = edgeq_classify(code[i].first, code[i].second, code[i].wide);
        printf("%s %d %d\\n", names[c.kind], c.registers, c.is_return);
    }}
    return 0;
}}
""")
    run("gcc", "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main")
    out = run(folder / "main")
    rows = [(kind, int(registers), int(returns)) for kind, registers, returns in map(str.split, out.splitlines())]
    return dict(zip(INSTRUCTIONS, rows, strict=True))


@needs_cross
@pytest.mark.parametrize("text", INSTRUCTIONS)
def test_an_instruction_has_its_class(text, classified):
    expected = INSTRUCTIONS[text]
    assert classified[text] == ((expected, 0, 0) if isinstance(expected, str) else expected)


def test_registers_and_returns_are_no_instructions():
    assert Executed({"alu": 5, "multiple": 2, "multiple_registers": 9, "returns": 1}).instructions == 7


def test_cycles_are_the_sum_over_the_mix():
    m3 = load_cpu("cortex-m3").cycles
    # LDMIA of four, LDR, LDR behind it, MLA, a taken branch: 1 + 4, 2, 1, 2, 1 + 2
    mix = {"multiple": 1, "multiple_registers": 4, "load": 1, "load_next": 1, "multiply_add": 1, "branch_taken": 1}
    assert m3.estimate(mix) == 13


def test_what_a_core_has_not_is_refused():
    with pytest.raises(TargetError, match="divide"):
        load_cpu("cortex-m0").cycles.estimate({"divide": 1})


def test_every_core_names_known_classes():
    for board in map(load_board, list_boards()):
        assert set(board.cpu.cycles.of_class) <= set(NAMES)
        assert ("vector" in board.cpu.cycles.of_class) == board.cpu.mve
