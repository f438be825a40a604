"""The order of the modules: imports run one way, from the command line down, and never in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "edgeq"

# From the top down; a module may import from its own room and from rooms below. A package stands for all within it.
# A room of one line each: two modules that share a line do not know each other.
LAYERS = (
    ("edgeq.__main__",),
    ("edgeq.cli",),
    ("edgeq.search",),
    ("edgeq.comparison",),
    ("edgeq.api", "edgeq.qat"),
    ("edgeq.describing", "edgeq.evaluation"),
    ("edgeq.project",),
    ("edgeq.report",),
    ("edgeq.compiling",),
    ("edgeq.verify",),
    ("edgeq.emit", "edgeq.simulate", "edgeq.lower"),
    ("edgeq.persistence",),
    ("edgeq.kernels", "edgeq.memory"),
    ("edgeq.importers", "edgeq.exporters", "edgeq.quant", "edgeq.vectors"),
    ("edgeq.passes", "edgeq.program", "edgeq.gguf"),
    ("edgeq.ops",),
    ("edgeq.toolchain", "edgeq.device"),
    ("edgeq.ir", "edgeq.target"),
    (
        "edgeq.fixedpoint_math",
        "edgeq.fixedpoint_tables",
        "edgeq.fixedpoint_scales",
        "edgeq.resources",
        "edgeq.csource",
        "edgeq.arrays",
        "edgeq.naming",
    ),
    ("edgeq.fixedpoint", "edgeq.fixedpoint_tables"),
    ("edgeq.errors", "edgeq._version"),
)
# `import edgeq` offers the API by name, loaded when it is asked for: the package's own file stands outside the order.
FRONT = "edgeq"


def module_name(path: Path, package: Path) -> str:
    parts = [package.name, *path.relative_to(package).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules(package: Path) -> dict[str, Path]:
    return {module_name(path, package): path for path in sorted(package.rglob("*.py"))}


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _statements(node: ast.AST, deferred: bool = False) -> Iterator[tuple[ast.AST, bool]]:
    """Every import statement, and whether it runs later than the module's own body."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, deferred
        elif not _only_for_types(child):
            inside = deferred or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
            yield from _statements(child, inside)


def imports(path: Path, known: dict[str, Path], top: str) -> Iterator[tuple[str, int, bool]]:
    """(module, line, deferred) of the file's imports from the package; `from p import m` is m where m is a module."""
    for node, deferred in _statements(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found = [name if name in known else str(node.module) for name in names]
        else:
            found = [alias.name for alias in node.names]
        for name in dict.fromkeys(found):
            if name.split(".")[0] == top:
                yield name, node.lineno, deferred


def rank(module: str, layers: tuple[tuple[str, ...], ...]) -> tuple[int, str]:
    """(depth, room) of a module."""
    for depth, rooms in enumerate(layers):
        for room in rooms:
            if module == room or module.startswith(room + "."):
                return depth, room
    raise AssertionError(f"{module} has no place in the order: add it to LAYERS, where it belongs")


def against_the_order(package: Path, layers: tuple[tuple[str, ...], ...], front: str) -> list[str]:
    """One sentence for each import that runs up, or across to another room of the same layer."""
    known = modules(package)
    wrong = []
    for module, path in known.items():
        if module == front:
            continue
        depth, room = rank(module, layers)
        for imported, line, _ in imports(path, known, package.name):
            if imported == front:
                continue
            below, other = rank(imported, layers)
            if other != room and below <= depth:
                way = "up" if below < depth else "across"
                wrong.append(f"{path.relative_to(package.parent)}:{line}: {module} imports {way} from {imported}")
    return wrong


def circles(package: Path, front: str) -> list[str]:
    """Each circle of imports that run when the modules load, as 'a → b → a'."""
    known = modules(package)
    edges = {
        module: [m for m, _, deferred in imports(path, known, package.name) if not deferred and m != front]
        for module, path in known.items()
    }
    found, done = [], set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        if module in trail:
            found.append(" → ".join([*trail[trail.index(module) :], module]))
        elif module not in done:
            for imported in edges.get(module, ()):
                visit(imported, (*trail, module))
            done.add(module)

    for module in edges:
        visit(module, ())
    return found


def test_imports_run_from_the_command_line_down():
    wrong = against_the_order(PACKAGE, LAYERS, FRONT)
    assert not wrong, "imports against the order of LAYERS:\n" + "\n".join(wrong)


def test_no_circles():
    found = circles(PACKAGE, FRONT)
    assert not found, "modules that import each other:\n" + "\n".join(found)


def test_every_room_exists():
    names = modules(PACKAGE)
    assert [room for rooms in LAYERS for room in rooms if room not in names] == []


def test_only_the_command_line_prints_or_exits():
    """`print` and `sys.exit` stand in edgeq/cli.py alone."""
    wrong = []
    for module, path in modules(PACKAGE).items():
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("print", "sys.exit", "exit", "os._exit") and module != "edgeq.cli":
                wrong.append(f"{path.relative_to(PACKAGE.parent)}:{node.lineno}: {called}")
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def small_package(tmp_path) -> Path:
    """A package with one import that runs up, one across, and a circle of two."""
    package = tmp_path / "pack"
    package.mkdir()
    sources = {
        "__init__": "",
        "high": "import pack.low\n",
        "low": "def f():\n    from pack import high\n",
        "left": "from pack import right\n",
        "right": "from pack.left import x\n",
        "typed": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack import high\n",
    }
    for name, source in sources.items():
        (package / f"{name}.py").write_text(source)
    return package


def test_the_checks_find_what_they_look_for(small_package):
    layers = (("pack.high",), ("pack.left", "pack.right"), ("pack.low", "pack.typed"))
    wrong = against_the_order(small_package, layers, "pack")
    assert [line.split(": ", 1)[1] for line in wrong] == [
        "pack.left imports across from pack.right",
        "pack.low imports up from pack.high",
        "pack.right imports across from pack.left",
    ]
    assert circles(small_package, "pack") == ["pack.left → pack.right → pack.left"]
