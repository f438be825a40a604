"""Of a C library a program takes along what it calls, and what that calls."""

from __future__ import annotations

import re

from edgeq.csource import needed_files
from edgeq.resources import templates_dir

LIBRARY = {
    "api/lib.h": """
/* void commented(void); */
#ifdef __cplusplus
extern "C" {
#endif
int add(int input, int output);
int twice(int input);
int scale_s8(int input);
int scale_s16(int input);
void (*table(void))(int);
typedef int (*operation)(int input, int output);
#ifdef __cplusplus
}
#endif
""",
    "api/other.h": "int far_off(void);\n",
    "inner/shared.h": "static inline int shared(int x)\n{\n    return add(x, x);\n}\n",
    "src/add.c": '#include "lib.h"\nint add(int input, int output) { return input + output; /* twice(1) */ }\n',
    "src/twice.c": '#include "../inner/shared.h"\nint twice(int input)\n{\n    return shared(input);\n}\n',
    "src/scale.c": "#define DEFINE(name) \\\n  int name(int input) { return far_off() + input; }\n"
    "DEFINE(scale_s8)\nDEFINE(scale_s16)\n",
    "src/far.c": '#include "other.h"\nint far_off(void) { char text[] = "add(1)"; return text[0]; }\n',
    "src/table.c": "static int twice(int);\nvoid (*table(void))(int) { return 0; }\n",
}


def needed(program: str) -> set[str]:
    return needed_files([program], LIBRARY)


def test_calls_and_what_they_call():
    assert needed("int main(void) { return 0; }") == set()
    assert needed('#include "lib.h"\nint add(int, int);\n') == {"api/lib.h"}
    assert needed("int main(void) { return add(1, 2); }") == {"src/add.c", "api/lib.h"}
    assert needed("int (*f)(int) = {twice};") == {"src/twice.c", "inner/shared.h", "src/add.c", "api/lib.h"}


def test_macros_define_and_call():
    assert needed("int main(void) { return scale_s16(1); }") == {"src/scale.c", "src/far.c", "api/other.h"}
    assert needed("#define CALL() far_off()\n") == {"src/far.c", "api/other.h"}


def test_text_and_comments_are_no_calls():
    assert needed('const char *f(void) { return "twice(1)"; /* twice(1) */ }') == set()


def test_declarations_alone_need_no_sources():
    """Types are no functions, those of functions among them: else whoever says `int32_t` would need everything."""
    assert needed('#include "lib.h"\noperation chosen;\n') == {"api/lib.h"}
    runtime = templates_dir() / "runtime"
    folders = ("include", "kernels", "cmsis_nn")
    files = [path for folder in folders for path in sorted((runtime / folder).rglob("*.[ch]"))]
    library = {path.relative_to(runtime).as_posix(): path.read_text() for path in files}
    headers = [path.name for path in files if path.name.startswith(("edgeq_kernels", "arm_nn"))]
    found = needed_files(["".join(f'#include "{name}"\n' for name in headers)], library)
    assert found >= {"kernels/edgeq_kernels.h", "cmsis_nn/Include/arm_nnfunctions.h"}
    assert not [path for path in found if path.endswith(".c")]


def test_headers_of_the_runtime_go_together():
    """No function is defined in two of them: whoever includes one may come to need the other."""
    defined: dict[str, set[str]] = {}
    for path in (templates_dir() / "runtime").rglob("*.h"):
        for name in re.findall(
            r"^static (?:[^;{}()]|__attribute__\(\(\w+\)\))*?\b(?!__attribute__)(\w+)\([^;{}]*\)\s*\{",
            path.read_text(),
            re.MULTILINE,
        ):
            defined.setdefault(name, set()).add(path.name)
    assert len(defined) > 100
    assert not {name: files for name, files in defined.items() if len(files) > 1}
