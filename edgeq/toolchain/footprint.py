"""How much flash, RAM and stack an image takes, and which part of it takes how much."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile

from edgeq.errors import ProjectError, ToolchainError
from edgeq.target import Board
from edgeq.toolchain.build import find_tool
from edgeq.toolchain.stack import StackBound, bound_stack

#: Parts of an image, in the order of reports.
GROUPS = ("model", "constants", "runtime", "library")
KINDS = ("text", "rodata", "data", "bss")
_KIND_OF_SECTION = {
    ".text": "text",
    ".rodata": "rodata",
    ".ARM.exidx": "rodata",
    ".data": "data",
    ".bss": "bss",
    ".noinit": "bss",
}
_INPUT_SECTION = re.compile(r"^(?: \S+)?\s+0x[0-9a-f]+\s+0x([0-9a-f]+) (\S.*)$")
_OUTPUT_SECTION = re.compile(r"^(\.\S+)")


@dataclass(frozen=True)
class Footprint:
    """Sizes in bytes.

    Attributes:
        sections: (group, kind) → bytes, for every group and kind. "model" is the layers, the kernels and the arena,
            "constants" the weights, "runtime" start-up, drivers and protocol, "library" the C library and padding.
        flash, ram: what the image takes, the stack aside; flash_size, ram_size: what the chip has.
        stack: the proven bound; stack_room: what remains for the stack.
    """

    sections: dict[tuple[str, str], int]
    flash: int
    flash_size: int
    ram: int
    ram_size: int
    stack: StackBound

    @property
    def stack_room(self) -> int:
        return self.ram_size - self.ram

    def group(self, group: str, *kinds: str) -> int:
        """Bytes of a group, of all kinds or of those named."""
        return sum(self.sections[group, kind] for kind in kinds or KINDS)


def _group(path: str, kind: str) -> str:
    if re.search(r"/model/[^/]*_weights\.c", path) and kind in ("rodata", "data"):
        return "constants"
    if "/model/" in path or "/runtime/kernels/" in path or "libcmsis_nn.a(" in path:
        return "model"
    return "runtime" if "/runtime/" in path else "library"


def parse_map(text: str) -> dict[tuple[str, str], int]:
    """(group, kind) → bytes, from the map file of GNU ld; what has no input file is counted nowhere."""
    sizes = {(group, kind): 0 for group in GROUPS for kind in KINDS}
    _, _, placed = text.partition("Linker script and memory map")
    kind = None
    for line in placed.splitlines():
        if output := _OUTPUT_SECTION.match(line):
            kind = _KIND_OF_SECTION.get(output.group(1))
        elif kind and (found := _INPUT_SECTION.match(line)):
            sizes[_group(found.group(2), kind), kind] += int(found.group(1), 16)
    return sizes


def measure(elf: Path, board: Board) -> Footprint:
    """The footprint of a target image, which `edgeq.toolchain.build.build` has made.

    Raises:
        ProjectError: the image or its map file is missing or damaged.
        ToolchainError: objdump is missing or fails.
    """
    elf = Path(elf)
    objdump = find_tool("arm-none-eabi-objdump")
    try:
        sizes = parse_map(elf.with_suffix(".map").read_text(errors="replace"))
        totals = dict.fromkeys(KINDS, 0)
        with open(elf, "rb") as file:
            for section in ELFFile(file).iter_sections():
                if section.name in _KIND_OF_SECTION:
                    totals[_KIND_OF_SECTION[section.name]] += section["sh_size"]
    except (OSError, ELFError) as error:
        raise ProjectError(f"the image cannot be measured: {error}", where=str(elf), hint="build it again") from error
    for kind in KINDS:  # the rest is padding
        sizes["library", kind] += totals[kind] - sum(sizes[group, kind] for group in GROUPS)
    command = [objdump, "-d", "--no-show-raw-insn", str(elf)]
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if result.returncode:
        raise ToolchainError(f"objdump fails: {result.stderr.strip()[-500:]}", where=str(elf))
    return Footprint(
        sections=sizes,
        flash=totals["text"] + totals["rodata"] + totals["data"],
        flash_size=board.soc.flash.size,
        ram=totals["data"] + totals["bss"],
        ram_size=board.soc.ram.size,
        stack=bound_stack(elf, result.stdout, elf.parent),
    )


def object_sizes(elf: Path) -> dict[str, int]:
    """Bytes of each constant array of an image, by symbol; of equal names, the sum.

    Raises:
        ProjectError: the file is no ELF image.
    """
    found: dict[str, int] = {}
    try:
        with open(elf, "rb") as file:
            image = ELFFile(file)
            table = image.get_section_by_name(".symtab")
            # what can be written stands in RAM
            constant = {i for i, s in enumerate(image.iter_sections()) if s["sh_type"] == "SHT_PROGBITS"}
            constant -= {i for i, s in enumerate(image.iter_sections()) if s["sh_flags"] & 1}
            for symbol in table.iter_symbols() if table else ():
                if symbol["st_info"]["type"] == "STT_OBJECT" and symbol["st_shndx"] in constant:
                    found[symbol.name] = found.get(symbol.name, 0) + symbol["st_size"]
    except (OSError, ELFError) as error:
        raise ProjectError(f"the image cannot be read: {error}", where=str(elf), hint="build it again") from error
    return found
