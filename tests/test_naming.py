"""Names from a model reach C only as identifiers, and comments only as one harmless line."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from edgeq.naming import MAX_IDENTIFIER, c_comment, c_identifier, unique

HOSTILE = [
    "../../etc/passwd",
    'a"; system("x"); //',
    "*/ int x; /*",
    "line\nbreak",
    "int",
    "main",
    "memcpy",
    "int8_t",
    "arm_softmax_s8",
    "NULL",
    "9lives",
    "",
    "Größe",
    "\u202eevil",
    "a" * 500,
    "__attribute__",
    "_Static_assert",
    "exp",
    "y0",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_identifier_is_plain_and_short(name):
    word = c_identifier(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", word)
    assert len(word) <= MAX_IDENTIFIER + len("model_")


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_identifiers_compile_beside_the_headers_that_models_include(tmp_path):
    """A static function and a file-scope constant of every name, next to the C library's headers."""
    words = unique([c_identifier(name) for name in HOSTILE])
    lines = [
        "#include <stdint.h>",
        "#include <stddef.h>",
        "#include <string.h>",
        "#include <math.h>",
        "#include <stdlib.h>",
    ]
    lines += [f"static int {w}(void) {{ return {i}; }}" for i, w in enumerate(words)]
    lines += ["int run_all(void);", "int run_all(void) { return " + " + ".join(f"{w}()" for w in words) + "; }"]
    source = tmp_path / "names.c"
    source.write_text("\n".join(lines) + "\n")
    command = ["gcc", "-std=gnu99", "-Wall", "-Wextra", "-Werror", "-c", str(source), "-o", str(tmp_path / "names.o")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_comment_stays_one_harmless_line(name):
    text = c_comment(name)
    assert "*/" not in text and "/*" not in text and "\n" not in text and "\\" not in text and "??" not in text
    assert text.isascii() and len(text) <= 80


def test_duplicates_are_numbered():
    assert unique(["a", "b", "a", "a"]) == ["a", "b", "a_2", "a_3"]
    assert unique(["a", "a_2", "a"]) == ["a", "a_2", "a_3"]
    assert unique(["a", "b", "a"], taken={"a", "a_2"}) == ["a_3", "b", "a_4"]
