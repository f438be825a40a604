"""A firmware project around a tiny hand-written model, as the emitter would write it."""

from __future__ import annotations

import shutil
from pathlib import Path

import jinja2

from edgeq.resources import templates_dir
from edgeq.target import load_board

INPUT_BYTES = 3000
OUTPUT_BYTES = 3000
PROGRAM_HASH = bytes(range(100, 132))

KERNEL_FAILS = 0xF0
CPU_FAULTS = 0xF1
STACK_OVERFLOWS = 0xF2
INDEX_OVERRUNS = 0xF3
NEVER_RETURNS = 0xF4

#: Two layers that add constants, the second in place of the first's input; x wraps modulo 256. The first byte of the
#: input can order a misfortune, see the constants below.
MODEL = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include "edgeq_model.h"

#define COUNT 3000

extern uint32_t edgeq_stack_limit[];

static uint8_t arena[2][COUNT];
static const uint8_t offsets[2] = {3, 40};
static unsigned starts;

static int init(void)
{
    starts++;
    @INIT@
    return EDGEQ_OK;
}

static int add_first(void)
{
    for (int i = 0; i < COUNT; i++) {
        arena[1][i] = (uint8_t)(arena[0][i] + offsets[0]);
    }
    return EDGEQ_OK;
}

static int add_second(void)
{
    switch (arena[1][0] - offsets[0]) {
    case 0xF0:
        return EDGEQ_ERROR_KERNEL;
    case 0xF1:
        __builtin_trap();
    case 0xF2:
#if defined(__arm__)
        edgeq_stack_limit[1] = 0u;
#endif
        break;
    case 0xF3:
        arena[1][0] = offsets[arena[1][1]];
        break;
    case 0xF4:
        while (*(volatile uint8_t *)arena[1] != 0u) {
        }
        break;
    default:
        break;
    }
    @SECOND@
    for (int i = 0; i < COUNT; i++) {
        arena[0][i] = (uint8_t)(arena[1][i] + offsets[1]);
    }
    return EDGEQ_OK;
}

static const edgeq_tensor inputs[1] = {{arena[0], COUNT}};
static const edgeq_tensor outputs[1] = {{arena[0], COUNT}};
static const edgeq_tensor first_outputs[1] = {{arena[1], COUNT}};
static const edgeq_layer layers[2] = {{add_first, first_outputs, 1}, {add_second, outputs, 1}};

extern const edgeq_model tiny_model;
const edgeq_model tiny_model = {
    .name = "tiny",
    .program_hash = {@HASH@},
    .init = init,
    .inputs = inputs,
    .outputs = outputs,
    .layers = layers,
    .input_count = 1,
    .output_count = 1,
    .layer_count = 2,
};
"""


def expected(data: bytes) -> tuple[bytes, bytes]:
    """The outputs of both layers."""
    first = bytes((x + 3) & 0xFF for x in data)
    return first, bytes((x + 40) & 0xFF for x in first)


def write_project(
    folder: Path,
    board_name: str,
    *,
    second: str = "",
    init: str = "",
    prelude: str = "",
    kernels: dict[str, str] | None = None,
) -> Path:
    """Writes the project into `folder`.

    Args:
        second, init: C statements at the beginning of the second layer and of init().
        prelude: C before the model.
        kernels: further sources, by file name.
    """
    board = load_board(board_name)
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    shutil.copytree(
        templates_dir() / "runtime", folder / "runtime", ignore=shutil.ignore_patterns("cmsis_nn", "kernels", "*.j2")
    )
    (folder / "model").mkdir()
    (folder / "runtime" / "kernels").mkdir()
    for name, text in (kernels or {}).items():
        (folder / "runtime" / "kernels" / name).write_text(text)
    digest = ", ".join(str(byte) for byte in PROGRAM_HASH)
    model = prelude + MODEL.replace("@HASH@", digest).replace("@SECOND@", second).replace("@INIT@", init)
    (folder / "model" / "tiny.c").write_text(model)
    variables = {
        "board": board,
        "project": "tiny",
        "model_symbol": "tiny_model",
        "small": False,
        "model_sources": ["model/tiny.c"],
        "kernel_sources": [f"runtime/kernels/{name}" for name in sorted(kernels or {})],
    }
    outputs = {
        "CMakeLists.txt.j2": "CMakeLists.txt",
        "CMakePresets.json.j2": "CMakePresets.json",
        "toolchain.cmake.j2": "toolchain.cmake",
        "linker.ld.j2": "linker.ld",
        "board.h.j2": "runtime/board.h",
    }
    for template, output in outputs.items():
        (folder / output).write_text(env.get_template(template).render(variables))
    return folder
