"""Calls and jumps read from a disassembly."""

from __future__ import annotations

from edgeq.toolchain.stack import parse_disassembly

LISTING = """
00000100 <large>:
     100:\tpush\t{r4, lr}
     102:\tbl\t10c <large+0xc>
     106:\tbl\t200 <helper>
     10a:\tpop\t{r4, pc}
     10c:\tmovs\tr0, #0

00000200 <helper>:
     200:\tpush\t{r4, lr}
     202:\tbl\t200 <helper>
     206:\tpop\t{r4, pc}
"""


def test_thumb_1_jumps_far_within_a_function_by_bl():
    functions = parse_disassembly(LISTING, {0x100, 0x200})
    assert functions[0x100].calls == {0x200}


def test_a_bl_to_the_own_start_stays_a_call():
    assert parse_disassembly(LISTING, {0x100, 0x200})[0x200].calls == {0x200}
