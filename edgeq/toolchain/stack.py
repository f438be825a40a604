"""A bound of an image's stack, from its disassembly and from the frame sizes that the compiler states.

Calls are read from the machine code, so calls that the compiler makes by itself (division, memcpy) are seen. An
indirect call may reach every function whose address is taken anywhere in the image, the vector table aside. Frames come
from `-fstack-usage`; those of library functions are the sum of what their instructions take off the stack pointer.
Where something cannot be followed, there is no bound, and the reason is given.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection

#: Registers that a Cortex-M pushes on an exception: 8 words, with an FPU 26, and a word of alignment.
_EXCEPTION_FRAME = {False: 36, True: 108}
_VECTOR_BYTES = 64
#: Relocations of whole addresses: R_ARM_ABS32, R_ARM_TARGET1.
_ABSOLUTE = (2, 38)
_HEAD = re.compile(r"^([0-9a-f]+) <(.+)>:$")
_LINE = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
_TARGET = re.compile(r"\b([0-9a-f]+) <[^>]+>")
_REGISTER_LIST = re.compile(r"\{([^}]*)\}")
_CONDITIONS = "eq|ne|cs|hs|cc|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le|al"
_BRANCH = re.compile(rf"^(b|bl|blx|b({_CONDITIONS})|cbz|cbnz|wls|le|wlstp\.\w+|letp)(\.[nw])?$")
_INDIRECT_LOAD = re.compile(r"pc, \[(?!sp\]|.*lsl)")
#: Helpers of libgcc that jump back into their caller.
_SWITCH_HELPERS = "__gnu_thumb1_case"


@dataclass(frozen=True)
class StackBound:
    """The most stack that a program can use.

    Attributes:
        nbytes: bytes, interrupts included; None where there is no bound.
        path: functions on the way to the deepest point.
        reason: why there is no bound; empty where there is one.
    """

    nbytes: int | None
    path: tuple[str, ...] = ()
    reason: str = ""


@dataclass
class _Function:
    name: str
    address: int
    frame: int = 0
    calls: set[int] = field(default_factory=set)
    jumps: set[int] = field(default_factory=set)
    indirect: bool = False
    unknown: str = ""
    low_halves: set[int] = field(default_factory=set)
    high_halves: set[int] = field(default_factory=set)


def _list_bytes(operands: str) -> int:
    """Bytes of the registers in braces: 4 per core or single, 8 per double register."""
    total = 0
    found = _REGISTER_LIST.search(operands)
    for part in found.group(1).split(",") if found else ():
        first, _, last = part.strip().partition("-")
        width = 8 if first.startswith("d") else 4
        count = int(last[1:]) - int(first[1:]) + 1 if last else 1
        total += width * count
    return total


def _take_instruction(function: _Function, mnemonic: str, operands: str) -> None:
    operands = operands.split(";")[0].split("@")[0].strip()
    plain = mnemonic.split(".")[0]
    immediate = re.search(r"#(-?\d+)", operands)
    if plain in ("push", "vpush") or (plain in ("stmdb", "stmfd", "vstmdb") and operands.startswith("sp!")):
        function.frame += _list_bytes(operands)
    elif plain in ("sub", "subw", "subs") and re.match(r"sp,", operands):
        if immediate:
            function.frame += int(immediate.group(1))
        else:
            function.unknown = "its frame depends on its arguments"
    elif plain in ("add", "addw") and re.match(r"sp,", operands):
        if not immediate:  # armv6-m: large frames by way of a register
            function.unknown = "its frame is set by a register"
    elif plain.startswith(("str", "vstr")) and "[sp, #-" in operands and operands.endswith("]!"):
        function.frame -= int(re.search(r"\[sp, #(-\d+)\]!", operands).group(1))
    elif plain in ("mov", "mov.w", "movs") and operands.startswith("sp,"):
        function.unknown = "it sets the stack pointer"
    if _BRANCH.match(mnemonic) and (target := _TARGET.search(operands)):
        (function.calls if plain == "bl" else function.jumps).add(int(target.group(1), 16))
    elif (plain in ("blx", "bx") and operands != "lr") or (plain == "ldr" and _INDIRECT_LOAD.match(operands)):
        # Moving a register into the counter, or loading it with a scaled index, is the compiler's jump table: it stays
        # within the function.
        function.indirect = not function.name.startswith(_SWITCH_HELPERS)
    elif plain in ("movw", "movt") and immediate:
        (function.low_halves if plain == "movw" else function.high_halves).add(int(immediate.group(1)))


def parse_disassembly(text: str, starts: Collection[int]) -> dict[int, _Function]:
    """Functions by address, from `objdump -d --no-show-raw-insn`.

    Args:
        starts: addresses of functions. objdump names places after any symbol, absolute ones included: only these count.
    """
    functions: dict[int, _Function] = {}
    function = None
    for line in text.splitlines():
        if head := _HEAD.match(line):
            address = int(head.group(1), 16)
            if address in starts or function is None:
                function = functions.setdefault(address, _Function(head.group(2), address))
        elif function and (instruction := _LINE.match(line)) and not instruction.group(2).startswith("."):
            _take_instruction(function, instruction.group(2), instruction.group(3))
    _resolve_jumps(functions)
    return functions


def _resolve_jumps(functions: Mapping[int, _Function]) -> None:
    """Jumps become calls where they lead into another function: a tail call, or a jump into its middle.

    A jump within the function, or from its cold part back, is none; `bl` to its start is recursion. Thumb-1, whose
    branches do not reach far, jumps by `bl` within a large function: a target inside that is not the start.
    """
    ordered = sorted(functions)

    def around(address: int) -> int:
        index = bisect_right(ordered, address) - 1
        return ordered[index] if index >= 0 else address

    for function in functions.values():
        calls = {target: around(target) for target in function.calls}
        function.calls = {at for target, at in calls.items() if at != function.address or target == at}
        for target in map(around, function.jumps):
            if target in functions and not function.name.startswith(functions[target].name):
                function.calls.add(target)


def read_frames(build_dir: Path) -> dict[tuple[str, str], tuple[int, str]]:
    """(source file's name, function) → (bytes, qualifier), from all `.su` files; the larger of equal names."""
    frames: dict[tuple[str, str], tuple[int, str]] = {}
    for path in sorted(build_dir.rglob("*.su")):
        for line in path.read_text(errors="replace").splitlines():
            place, size, qualifier = (line.split("\t") + ["", "", ""])[:3]
            parts = place.rsplit(":", 3)
            if len(parts) == 4 and size.isdigit():
                key = (Path(parts[0]).name, parts[3])
                frames[key] = max(frames.get(key, (0, "")), (int(size), qualifier))
    return frames


def _symbol_files(elf: ELFFile) -> dict[int, tuple[str, str]]:
    """Function address → (source file's name, function); an empty file for global symbols."""
    names: dict[int, tuple[str, str]] = {}
    file = ""
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        kind = symbol["st_info"]["type"]
        if kind == "STT_FILE":
            file = Path(symbol.name).name
        elif kind == "STT_FUNC":
            local = symbol["st_info"]["bind"] == "STB_LOCAL"
            names.setdefault(symbol["st_value"] & ~1, (file if local else "", symbol.name))
    return names


def _apply_frames(
    functions: Mapping[int, _Function],
    symbols: Mapping[int, tuple[str, str]],
    frames: Mapping[tuple[str, str], tuple[int, str]],
) -> None:
    by_name: dict[str, tuple[int, str]] = {}
    for (_, name), frame in frames.items():
        by_name[name] = max(by_name.get(name, (0, "")), frame)
    for address, function in functions.items():
        file, name = symbols.get(address, ("", function.name))
        name = re.sub(r"\.\d+$", "", name)
        frame = frames.get((file, name)) if file else by_name.get(name)
        if frame is not None:
            function.frame = max(frame[0], function.frame if function.unknown == "" else 0)
            function.unknown = "" if frame[1] in ("static", "dynamic,bounded") else "its frame depends on its arguments"


def _address_taken(elf: ELFFile, functions: Mapping[int, _Function]) -> set[int]:
    """Functions whose address stands in data or is loaded into a register, from the relocations that the link keeps."""
    taken = set()
    for section in elf.iter_sections():
        if not isinstance(section, RelocationSection):
            continue
        place = elf.get_section(section["sh_info"])
        if not place["sh_flags"] & SH_FLAGS.SHF_ALLOC:
            continue  # debug information mentions every function
        data, base = place.data(), place["sh_addr"]
        # the vector table calls nobody
        start = base + (_VECTOR_BYTES if place.name == ".text" else 0)
        for relocation in section.iter_relocations():
            offset = relocation["r_offset"]
            if relocation["r_info_type"] in _ABSOLUTE and start <= offset <= base + len(data) - 4:
                word = int.from_bytes(data[offset - base : offset - base + 4], "little")
                taken.add(word & ~1)
    for function in functions.values():
        for high in function.high_halves:
            taken |= {(high << 16 | low) & ~1 for low in function.low_halves if low & 1}
    return taken & functions.keys()


def _depths(functions: Mapping[int, _Function], taken: set[int], root: int) -> StackBound:
    """The deepest path from `root`, iteratively: a hostile image must not exhaust our own stack."""
    done: dict[int, tuple[int, int | None]] = {}  # address → (bytes, next function on the deepest path)
    open_path: list[int] = []
    work: list[tuple[int, bool]] = [(root, False)]
    while work:
        address, leaving = work.pop()
        function = functions.get(address)
        if function is None:
            return StackBound(None, reason=f"a call leaves the image, to 0x{address:x}")
        callees = sorted(function.calls | (taken if function.indirect else set()))
        if leaving:
            open_path.pop()
            deepest = max(((done[c][0], c) for c in callees), default=(0, None))
            done[address] = (function.frame + deepest[0], deepest[1])
            continue
        if address in done:
            continue
        if address in open_path:
            loop = [functions[a].name for a in open_path[open_path.index(address) :]]
            return StackBound(None, tuple(loop), f"recursion: {' → '.join([*loop, function.name])}")
        if function.unknown:
            names = tuple(functions[a].name for a in [*open_path, address])
            return StackBound(None, names, f"{function.name}: {function.unknown}")
        open_path.append(address)
        work.append((address, True))
        work.extend((callee, False) for callee in callees if callee not in done)
    path, at = [], root
    while at is not None:
        path.append(functions[at].name)
        at = done[at][1]
    return StackBound(done[root][0], tuple(path))


def bound_stack(elf_path: Path, disassembly: str, build_dir: Path) -> StackBound:
    """The stack bound of a target image.

    Args:
        elf_path: the image, with symbols.
        disassembly: of `objdump -d --no-show-raw-insn`.
        build_dir: the folder that holds the compiler's `.su` files.
    """
    with open(elf_path, "rb") as file:
        elf = ELFFile(file)
        if not any(isinstance(section, RelocationSection) for section in elf.iter_sections()):
            return StackBound(None, reason="the image was linked without --emit-relocs")
        symbols = _symbol_files(elf)
        functions = parse_disassembly(disassembly, symbols.keys())
        _apply_frames(functions, symbols, read_frames(build_dir))
        taken = _address_taken(elf, functions)
        addresses = {name: address for address, (_, name) in symbols.items()}
    if "edgeq_start" not in addresses:
        return StackBound(None, reason="the image has no function edgeq_start")
    bound = _depths(functions, taken, addresses["edgeq_start"])
    handler = StackBound(0)
    if "SysTick_Handler" in addresses:
        handler = _depths(functions, taken, addresses["SysTick_Handler"])
    if bound.nbytes is None or handler.nbytes is None:
        return bound if bound.nbytes is None else handler
    has_fpu = re.search(r"\t(v|dlstp|letp)", disassembly) is not None
    return StackBound(bound.nbytes + handler.nbytes + _EXCEPTION_FRAME[has_fpu], bound.path)
