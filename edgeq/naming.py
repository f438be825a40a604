"""The only way that names from a model reach C and the file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MAX_IDENTIFIER = 48

_C_WORDS = frozenset(
    re.split(
        r"\s+",
        "auto break case char const continue default do double else enum extern float for goto if inline int "
        "long register restrict return short signed sizeof static struct switch typedef union unsigned void "
        "volatile while asm typeof main errno assert offsetof bool true false linux unix arena layers inputs "
        "outputs kernel_status input_tensors output_tensors layer_tensors layer_table "
        # a model's name is also that of its header, which must not hide another
        "alloca complex ctype features fenv inttypes iso646 limits locale math pthread setjmp stdalign stdarg "
        "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn sys tgmath threads uchar unistd wctype "
        "board cobs crc32 frame platform probe server timer uart "
        # and that of its image, which Ninja knows by other rules
        "all clean help install",
    )
)
# Names that the C library, its headers or our own runtime claim.
_CLAIMED = re.compile(
    r"^(?:u?int(?:ptr|max|_least|_fast)?\d*(?:_t)?|size_t|ptrdiff_t|arm|cmsis|edgeq|str\w*|mem\w*|wcs\w*|is[a-z]\w*|to[a-z]\w*|"
    r"(?:at|scratch)(?:_\w*)?|"  # the arena's places are called so, in capitals as a model's macros are
    r"[a-z]?(?:abs|div)|(?:arm_|cmsis_|edgeq_)\w*|exp\d?\w?|log\d?\w*|pow\w?|sqrt\w?|sin\w*|cos\w*|tan\w*|floor\w?|ceil\w?|"
    r"round\w?|f?min|f?max|y[01n]|j[01n]|gamma\w?|index|exit|abort|free|malloc|calloc|printf|puts|gets|read|write|open|"
    r"close|signal|time|clock|rand|remove|rename|system|select|step|init|invoke|input|output|run|bcmp|bcopy|bzero|ffs\w*|"
    r"rindex|scalb\w?|nan\w?|rint\w?|trunc\w?|erfc?\w?|cbrt\w?|hypot\w?|fma\w?|fdim\w?|logb\w?|conj\w?|creal\w?|cimag\w?|carg\w?)$"
)


def c_identifier(name: str, fallback: str = "x") -> str:
    """A C identifier in lower case that says as much of `name` as it safely can.

    Only [a-z0-9_] survive, at most MAX_IDENTIFIER of them; keywords and names that C's headers or the runtime claim
    get the prefix `model_`. Different names may give the same identifier: see `unique`.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    word = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:MAX_IDENTIFIER].strip("_") or fallback
    if word[0].isdigit() or word in _C_WORDS or _CLAIMED.match(word):
        word = f"model_{word}"
    return word


def unique(names: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The names in order, numbered where they are in `taken` or come a second time."""
    used = set(taken)
    result = []
    for name in names:
        candidate, serial = name, 1
        while candidate in used:
            serial += 1
            candidate = f"{name}_{serial}"
        used.add(candidate)
        result.append(candidate)
    return result


def c_comment(text: str) -> str:
    """`text` made harmless inside a C comment: one printable ASCII line of at most 80 characters."""
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain.replace("*/", "* /").replace("/*", "/ *").replace("\\", "/").replace("??", "? ?")[:80]
