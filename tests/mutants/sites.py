"""Where the C of the runtime can be broken on purpose.

A copy of the runtime is made in which every site asks at run time whether it is the broken one, so that one executable
holds all mutants. Sites are found by their form, none is listed:

    ROUNDING    the half that is added before a shift to the right is not; ties that go away from zero go up; the
                half of a division has the wrong sign; a quotient that is rounded is floored
    ARITHMETIC  one more after a +, a -, their assignments or a comparison; a loop that begins one late

What stands in a header is a mutant of its own in every file that includes it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

import numpy as np

#: Of a project's runtime, where kernels are.
FOLDERS = ("include", "kernels", "cmsis_nn/Source")


class Kind(enum.Enum):
    """What a mutant gets wrong."""

    ROUNDING = "rounding"
    ARITHMETIC = "arithmetic"


@dataclass(frozen=True)
class Site:
    """One place of the runtime, in one of its files."""

    path: str
    line: int
    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} ({self.kind.value}): {self.text}"


# A power of two, cast or not.
_POWER = r"\((?:\(\w+\))?1 << (?:\d+|\([^()]*\)|\w+)\)"
#: What to replace, and by what; @ asks whether it is wrong.
_RULES = (
    # (x + (1 << 30)) >> 31: without the half
    (Kind.ROUNDING, rf"(?<=\+ )({_POWER}|half|\w+_half \+ 1)(?=\)+ >> )", r"(@ ? 0 : (\1))"),
    # ties away from zero: up
    (Kind.ROUNDING, r"\(x < 0 \? 1u : 0u\)", r"(x < 0 && !@ ? 1u : 0u)"),
    (Kind.ROUNDING, r"(?<= [+-] )(\(\w+ >> 31\)|\(\S+ & \(\w+ >> 31\)\))", r"(@ ? 0 : \1)"),
    (Kind.ROUNDING, r"(\w+ >=? 0)(?= \? (?:\w+ \+ half : \w+ - half|\w+ \* \w+ / 2 : -))", r"(\1 || @)"),
    # a half in floating point: more
    (Kind.ROUNDING, r"(?<== )-?0\.5f", r"\g<0> * (float)(1 + @)"),
    # one more
    (Kind.ARITHMETIC, r"(?<=[\w)\]] )(<|<=|>|>=)(?= [\w(&*-])", r"\1 @ +"),
    (Kind.ARITHMETIC, r"(?<=[\w)\]] )([+-])(?= [\w(&*])", r"\1 @ \1"),
    (Kind.ARITHMETIC, r"(?<=[\w)\]] )([+-]=)(?= [\w(&*])", r"\1 @ +"),
    (Kind.ARITHMETIC, r"(?<=\w = )0(?=; \w+ <)", r"@"),
)
_CONSTANT = re.compile(r"\] = \{|^\s*(?:#|static const|enum|typedef|case|_Static_assert|[A-Z_]+ = )|__asm__|\\$|^\s*\"")
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def without_comments(text: str) -> str:
    """C with its comments blanked, every character in its place."""
    return _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def _in_function(lines: list[str]) -> list[bool]:
    """For each line whether it belongs to a function's body, not to a table or a macro."""
    inside, depth, table, macro = [], 0, False, False
    for line in lines:
        table = table or bool(re.match(r"^\s*(?:static const|const static)\b.*= *\{?\s*$", line))
        macro = macro or line.startswith("#")
        inside.append(depth > 0 and not table and not macro and not _CONSTANT.search(line))
        depth += line.count("{") - line.count("}")
        table = table and not line.rstrip().endswith(";")
        macro = macro and line.endswith("\\")
    return inside


def mutate(path: str, text: str, first: int = 0) -> tuple[str, list[Site]]:
    """The file with all its sites, and these in their order: the n-th asks edgeq_mutant_is(first + n)."""
    lines, sites = without_comments(text).split("\n"), []
    for at, (line, inside) in enumerate(zip(lines, _in_function(lines), strict=True)):
        if not inside:
            continue
        taken = np.zeros(len(line), bool)
        changes: list[tuple[int, int, str]] = []
        for kind, pattern, replacement in _RULES:
            for match in re.finditer(pattern, line):
                start, end = match.span()
                if taken[start:end].any():
                    continue
                taken[start:end] = True
                ask = f"edgeq_mutant_is({first + len(sites)})"
                sites.append(Site(path, at + 1, kind, line.strip()))
                changes.append((start, end, match.expand(replacement).replace("@", ask)))
        for start, end, new in sorted(changes, reverse=True):
            line = line[:start] + new + line[end:]
        lines[at] = line
    return "\n".join(lines), sites
