"""Builds the portable runtime for the host, with undefined behaviour trapping, as a shared library."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "templates" / "runtime"
WARNINGS = ["-Wall", "-Wextra", "-Wconversion", "-Werror"]
INCLUDES = [f"-I{RUNTIME / folder}" for folder in ("", "include", "cmsis_nn/Include", "kernels")]

#: Array versions of the inline functions, for ctypes.
SHIM = """
#include "edgeq_fixedpoint.h"
void requantize(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y);
void requantize_single(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y);
void mul_q31(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y);
void divide_by_pot(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y);
void requantize(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y)
{
    for (int32_t i = 0; i < n; ++i) { y[i] = edgeq_requantize(x[i], m[i], s[i]); }
}
void requantize_single(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y)
{
    for (int32_t i = 0; i < n; ++i) { y[i] = edgeq_requantize_single(x[i], m[i], s[i]); }
}
void mul_q31(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y)
{
    (void)s;
    for (int32_t i = 0; i < n; ++i) { y[i] = edgeq_mul_q31(x[i], m[i]); }
}
void divide_by_pot(int32_t n, const int32_t *x, const int32_t *m, const int32_t *s, int32_t *y)
{
    (void)m;
    for (int32_t i = 0; i < n; ++i) { y[i] = edgeq_divide_by_pot(x[i], -s[i]); }
}
"""


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The runtime's functions and those of SHIM."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("runtime")
    shim = folder / "shim.c"
    shim.write_text(SHIM)
    sources = [shim, *sorted(RUNTIME.glob("cmsis_nn/Source/*.c")), *sorted(RUNTIME.glob("kernels/*.c"))]
    library = folder / "runtime.so"
    sanitize = ["-fsanitize=undefined", "-fsanitize-undefined-trap-on-error"]
    command = ["gcc", "-std=c99", "-O1", *WARNINGS, *sanitize, "-shared", "-fPIC", *INCLUDES, *map(str, sources)]
    subprocess.run([*command, "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))
