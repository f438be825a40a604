"""Which files of a C library a program needs, found in the sources themselves: no list to keep.

A function is public where a header declares it. A source provides what it defines of these, and needs what its function
bodies and macros mention, or those of the headers that it includes. Too much costs the compiler time, too little is a
linker's error.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

_NO_CODE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|\\\n", re.DOTALL)
_OF_CPLUSPLUS = re.compile(r"^#ifdef __cplusplus$.*?^#endif", re.DOTALL | re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"\n]+)"', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_TOKEN = re.compile(r"[A-Za-z_]\w*|[{};(]")


@dataclass(frozen=True)
class _Names:
    """Of one file.

    Attributes:
        includes: the last part of the names of the headers that it includes.
        declared: the functions of its declarations.
        outside, inside: identifiers outside of braces (of definitions and macros that make them), and within braces or
            macros.
    """

    includes: frozenset[str]
    outside: frozenset[str]
    declared: frozenset[str]
    inside: frozenset[str]


@functools.cache
def _names(text: str) -> _Names:
    includes = frozenset(PurePosixPath(name).name for name in _INCLUDE.findall(text))
    code = _NO_CODE.sub(" ", _OF_CPLUSPLUS.sub(" ", text))
    outside, declared, inside = set(), set(), set()
    for directive in _DIRECTIVE.findall(code):
        inside.update(_TOKEN.findall(directive))
    depth, head = 0, []
    for token in _TOKEN.findall(_DIRECTIVE.sub(" ", code)):
        if token == "}":
            depth -= 1
        elif depth:
            depth += token == "{"
            inside.add(token)
        elif token == "{":
            outside.update(head)
            depth, head = 1, []
        elif token != ";":
            head.append(token)
        else:
            if "(" in head[1:] and not {"static", "typedef"} & set(head):
                declared.add(head[head.index("(") - 1])
            head = []
    outside.update(head)
    return _Names(includes, frozenset(outside), frozenset(declared), frozenset(inside))


def needed_files(roots: Iterable[str], library: Mapping[str, str]) -> set[str]:
    """The files of a library that a program needs, headers and sources.

    Args:
        roots: the texts of the program's own sources.
        library: path → text of headers (.h) and sources (.c); no two headers have the same last part of their path.
    """
    names = {path: _names(text) for path, text in library.items()}
    headers = {PurePosixPath(path).name: path for path in library if path.endswith(".h")}
    public = {name for path in headers.values() for name in names[path].declared}
    providers: dict[str, list[str]] = {}
    for path in library:
        if path.endswith(".c"):
            for name in names[path].outside & public:
                providers.setdefault(name, []).append(path)
    needed: set[str] = set()
    waiting = [_names(text) for text in roots]
    while waiting:
        of = waiting.pop()
        paths = {headers[name] for name in of.includes if name in headers}
        paths.update(path for name in of.inside & providers.keys() for path in providers[name])
        waiting += [names[path] for path in sorted(paths - needed)]
        needed |= paths
    return needed
