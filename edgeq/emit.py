"""Program + plan + board → a firmware project: a mapping of relative paths to bytes, then a folder.

Templates hold the C; this module prepares what they loop over. Names from the model pass `edgeq.naming`, nothing else
of the model's text reaches C.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from edgeq._version import __version__
from edgeq.csource import needed_files
from edgeq.errors import ProjectError
from edgeq.ir import DType, QuantParams
from edgeq.kernels import find_kernel
from edgeq.memory import MemoryPlan, Place
from edgeq.naming import c_comment, c_identifier, unique
from edgeq.program import KernelCall, Program, ProgramState, program_bytes
from edgeq.resources import templates_dir
from edgeq.target import Board

PROGRAM_FILE = "program.edgeq"
MANIFEST_FILE = "manifest.json"

_CTYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "bool": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
}


# What templates/model/model.h.j2 declares, each after the model's name.
_MODEL_SYMBOLS = ("init", "reset", "input", "invoke", "step", "output", "state", "model")
# What templates/ops/ define at file scope, each after the layer's name.
_LAYER_SYMBOLS = (
    "params", "input_dims", "filter_dims", "filter", "bias_dims", "output_dims", "state_dims", "features_dims",
    "time_dims", "before", "after", "dims", "strides_0", "strides_1", "strides_2", "kept_dims", "kept_strides",
    "reduced_dims", "reduced_strides", "bounds", "range", "unit",
)  # fmt: skip
# What they define for each of a layer's results, with its number.
_RESULT_SYMBOLS = ("dims", "strides")


@dataclass(frozen=True)
class TensorView:
    """A tensor as the templates see it."""

    pointer: str
    dtype: str
    shape: str
    nbytes: int
    scale: str
    zero_point: int


@dataclass(frozen=True)
class ConstantView:
    """A constant array as the templates see it."""

    symbol: str
    ctype: str
    size: int
    shape: str
    values: np.ndarray


@dataclass(frozen=True)
class PlaceView:
    """One entry of the memory plan as the templates see it."""

    symbol: str
    offset: int
    what: str
    first: str
    last: str


@dataclass(frozen=True)
class StateView:
    """A state as the templates see it.

    Attributes:
        fill: the value of all its bytes after a reset, if `symbol` is "".
        symbol: the constant with its reset value.
    """

    tensor: TensorView
    title: str
    pointer: str
    fill: int
    symbol: str


@dataclass(frozen=True)
class LayerView:
    """A kernel call as an operator's template sees it.

    Attributes:
        name: C identifier. kernel: the C function to call. x, y: pointer expressions of operands and results; x_bytes,
            y_bytes: the same as int8_t pointers, for what moves bytes.
        k: C identifiers of the constants by the name of their field in the parameters (or in the kernel's extras).
        scratch, scratch_bytes: working memory, "NULL" and 0 when there is none.
        backwards: the kernel has to compute from the last byte to the first.
    """

    name: str
    title: str
    op: str
    kernel: str
    macs: int
    x: tuple[str, ...]
    y: tuple[str, ...]
    x_bytes: tuple[str, ...]
    y_bytes: tuple[str, ...]
    k: Mapping[str, str]
    scratch: str
    scratch_bytes: int
    backwards: bool
    extras: Mapping[str, np.ndarray]
    outputs: tuple[TensorView, ...]
    first_tensor: int
    code: str = ""
    scratch_demand: str = ""


@dataclass(frozen=True)
class ModelView:
    """The whole model as the templates see it."""

    name: str
    macro: str
    title: str
    inputs: tuple[TensorView, ...]
    outputs: tuple[TensorView, ...]
    layers: tuple[LayerView, ...]
    places: tuple[PlaceView, ...]
    constants: tuple[ConstantView, ...]
    states: tuple[StateView, ...]
    state_bytes: int
    checks_kernels: bool
    hash_rows: tuple[str, ...]


def _c_float(value: float) -> str:
    """A float32 as a C literal: nine digits tell any two apart."""
    literal = f"{np.float32(value):.9g}"
    return (literal if any(c in literal for c in ".e") else literal + ".0") + "f"


def _c_array(values: np.ndarray, width: int = 112) -> str:
    """The elements as C literals, comma separated, wrapped at `width` columns."""
    suffix = "" if values.dtype.itemsize < 8 else "LL"
    # the smallest int32 has no literal of type int, nor the smallest int64 one of type long long
    literals = {-(1 << 31): "(-2147483647 - 1)"} if not suffix else {-(1 << 63): "(-9223372036854775807LL - 1)"}
    words = [literals.get(v) or f"{int(v)}{suffix}" for v in values.ravel().tolist()]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) + 2 > width:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return "\n".join([*lines, line])


@functools.cache
def environment() -> jinja2.Environment:
    """Jinja set up for C: undefined names are errors, block tags leave no blank lines."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    env.filters["c_array"] = _c_array
    env.filters["c_float"] = _c_float
    env.filters["c_comment"] = c_comment
    return env


class _Namer:
    """C symbols of one program, no two the same and none that of the model's own functions.

    Attributes:
        layers, parameters: of each call its function, and its constants by field. places, constants: by tensor.
        resets: of each state the array with its reset value, where not all its bytes are the same.
    """

    def __init__(self, program: Program, plan: MemoryPlan):
        self.program = program
        self.plan = plan
        self.model = c_identifier(program.name, fallback="model")
        taken = {f"{self.model}_{function}" for function in _MODEL_SYMBOLS}
        layers = unique([c_identifier(call.name, fallback="layer") for call in program.calls], taken)
        beside = {f"{layer}_{symbol}" for layer in layers for symbol in _LAYER_SYMBOLS}
        for layer, call in zip(layers, program.calls, strict=True):
            beside |= {f"{layer}_{symbol}_{i}" for i in range(len(call.outputs)) for symbol in _RESULT_SYMBOLS}
        self.layers = unique(layers, taken | beside)
        places: dict[str, str] = {name: f"AT_INPUT_{i}" for i, name in enumerate(program.inputs)}
        places.update((state.name, f"AT_STATE_{i}") for i, state in enumerate(program.states))
        for layer, call in zip(self.layers, program.calls, strict=True):
            for i, name in enumerate(call.outputs):
                if program.storage(name) == name:
                    places[name] = f"AT_{layer.upper()}" + (f"_{i}" if len(call.outputs) > 1 else "")
        symbols = unique(list(places.values()))
        self.places = dict(zip(places, symbols, strict=True))
        constants = [name for name, t in program.tensors.items() if t.data is not None]
        fields = [(i, field) for i, call in enumerate(program.calls) for field in _call_constants(call)]
        wishes = [c_identifier(name, fallback="constant") for name in constants]
        wishes += [f"{self.layers[i]}_{field}" for i, field in fields]
        stored = [state.name for state in program.states if _fill(state.initial) is None]
        wishes += [f"{c_identifier(name, fallback='state')}_at_reset" for name in stored]
        symbols = unique([f"{self.model}_{wish}" for wish in wishes], taken | set(self.layers))
        self.constants = dict(zip(constants, symbols, strict=False))
        self.resets = dict(zip(stored, symbols[len(constants) + len(fields) :], strict=True))
        self.parameters: list[dict[str, str]] = [{} for _ in program.calls]
        for (i, field), symbol in zip(fields, symbols[len(constants) :], strict=False):
            self.parameters[i][field] = symbol

    def pointer(self, name: str) -> str:
        """Pointer expression of a tensor."""
        storage = self.program.storage(name)
        if storage in self.constants:
            return self.constants[storage]
        expression = f"&arena[{self.places[storage]}]"
        ctype = _CTYPES[self.program.tensors[name].dtype.value]
        return expression if ctype == "int8_t" else f"({ctype} *)(void *){expression}"

    def byte_pointer(self, name: str) -> str:
        """Pointer expression of a tensor's first byte."""
        storage = self.program.storage(name)
        if storage not in self.constants:
            return f"&arena[{self.places[storage]}]"
        symbol = self.constants[storage]
        return symbol if self.program.tensors[name].dtype is DType.INT8 else f"(const int8_t *){symbol}"

    def tensor(self, name: str) -> TensorView:
        tensor = self.program.tensors[name]
        scale, zero_point = ("", 0)
        if isinstance(tensor.quant, QuantParams) and tensor.quant.scale.size == 1:
            value, zero_point = tensor.quant.per_tensor
            scale = _c_float(value)
        shape = "x".join(map(str, tensor.shape)) or "scalar"
        return TensorView(self.pointer(name), tensor.dtype.value, shape, tensor.nbytes, scale, zero_point)


def _fill(values: np.ndarray) -> int | None:
    """The value of all the array's bytes, None where they differ."""
    distinct = np.unique(np.frombuffer(values.tobytes(), np.uint8))
    return int(distinct[0]) if distinct.size == 1 else None


def _state_view(state: ProgramState, names: _Namer) -> StateView:
    fill = _fill(state.initial)
    return StateView(
        names.tensor(state.name),
        state.name,
        names.byte_pointer(state.name),
        fill or 0,
        names.resets.get(state.name, ""),
    )


def _call_constants(call: KernelCall) -> dict[str, np.ndarray]:
    fields = {f.name: getattr(call.params, f.name) for f in dataclasses.fields(call.params)}
    return {**{k: v for k, v in fields.items() if isinstance(v, np.ndarray)}, **call.extras}


def _constant_view(symbol: str, values: np.ndarray) -> ConstantView:
    shape = "x".join(map(str, values.shape)) or "1"
    return ConstantView(symbol, _CTYPES[values.dtype.name], max(1, values.size), shape, values)


def _model_view(program: Program, plan: MemoryPlan, env: jinja2.Environment) -> ModelView:
    names = _Namer(program, plan)
    constants = [_constant_view(names.constants[n], program.tensors[n].data) for n in names.constants]
    constants += [_constant_view(names.resets[s.name], s.initial) for s in program.states if s.name in names.resets]
    layers, places, first_tensor = [], [], 0

    def moment(call: int) -> str:
        return "start" if call < 0 else "end" if call >= len(program.calls) else str(call)

    def place_view(symbol: str, place: Place, what: str) -> PlaceView:
        return PlaceView(symbol, place.offset, what, moment(place.first), moment(place.last))

    for storage, place in plan.places.items():
        tensor = names.tensor(storage)
        places.append(place_view(names.places[storage], place, f"{tensor.dtype} {tensor.shape}"))
    for layer, symbols, call in zip(names.layers, names.parameters, program.calls, strict=True):
        constants += [_constant_view(symbols[field], values) for field, values in _call_constants(call).items()]
        scratch = "NULL"
        if call.scratch_bytes:
            symbol = f"SCRATCH_{layer.upper()}"
            scratch = f"&arena[{symbol}]"
            places.append(place_view(symbol, plan.scratch[call.name], f"scratch, {call.scratch_bytes} bytes"))
        view = LayerView(
            name=layer,
            title=call.name,
            op=call.op,
            kernel=call.kernel,
            macs=call.macs,
            x=tuple(map(names.pointer, call.inputs)),
            y=tuple(map(names.pointer, call.outputs)),
            x_bytes=tuple(map(names.byte_pointer, call.inputs)),
            y_bytes=tuple(map(names.byte_pointer, call.outputs)),
            k=symbols,
            scratch=scratch,
            scratch_bytes=call.scratch_bytes,
            backwards=call.name in plan.backwards,
            extras=call.extras,
            outputs=tuple(map(names.tensor, call.outputs)),
            first_tensor=first_tensor,
        )
        first_tensor += len(call.outputs)
        module = env.get_template(f"ops/{find_kernel(call.kernel).template}").module
        demand = getattr(module, "scratch_demand", None)
        code = str(module.layer(view, call.params)).strip("\n") + "\n"
        layers.append(
            dataclasses.replace(
                view, code=code, scratch_demand=str(demand(view, call.params)).strip() if demand else ""
            )
        )
    digest = bytes.fromhex(program.hash)
    return ModelView(
        name=names.model,
        macro=names.model.upper(),
        title=program.name,
        inputs=tuple(map(names.tensor, program.inputs)),
        outputs=tuple(map(names.tensor, program.outputs)),
        layers=tuple(layers),
        places=tuple(places),
        constants=tuple(constants),
        states=tuple(_state_view(state, names) for state in program.states),
        state_bytes=program.state_bytes,
        checks_kernels=any("kernel_status(" in layer.code for layer in layers),
        hash_rows=tuple(", ".join(f"0x{b:02x}" for b in digest[i : i + 8]) for i in range(0, len(digest), 8)),
    )


# Files of these folders come along where something calls them.
_LIBRARIES = ("runtime/include/", "runtime/kernels/", "runtime/cmsis_nn/")


@functools.cache
def _runtime_texts() -> Mapping[str, str]:
    """The plain C of all projects, by its place in them."""
    root = templates_dir() / "runtime"
    paths = sorted(path for path in root.rglob("*") if path.suffix in (".c", ".h"))
    return {f"runtime/{path.relative_to(root).as_posix()}": path.read_text() for path in paths}


def _runtime_files(board: Board, model: Iterable[str]) -> dict[str, bytes]:
    """The plain C that a project carries: drivers of this board and the host, and the kernels that are called.

    model: the generated sources.
    """
    drivers = {f"uart/{board.uart.driver}.c", f"timer/{board.soc.timer.driver}.c", "uart/host_stdio.c", "timer/host.c"}
    others = ("runtime/uart/", "runtime/timer/")
    own, library = {}, {}
    for path, text in _runtime_texts().items():
        if path.startswith(_LIBRARIES):
            library[path] = text
        elif path.endswith(".h") or not path.startswith(others) or path.removeprefix("runtime/") in drivers:
            own[path] = text
    needed = needed_files([*own.values(), *model], library)
    return {path: text.encode() for path, text in (own | library).items() if path in own or path in needed}


def manifest(program: Program, plan: MemoryPlan, board: Board) -> dict[str, Any]:
    """What a later `edgeq verify` and a curious reader want to know of the project."""
    return {
        "edgeq": __version__,
        "model": c_identifier(program.name, fallback="model"),
        "target": board.name,
        "program": PROGRAM_FILE,
        "program_hash": program.hash,
        "macs": program.macs,
        "arena_bytes": plan.arena_bytes,
        "scratch_bytes": plan.scratch_bytes,
        "state_bytes": program.state_bytes,
        "layers": [
            {
                "name": call.name,
                "op": call.op,
                "kernel": call.kernel,
                "macs": call.macs,
                "accumulator_bound": call.accumulator_bound,
            }
            for call in program.calls
        ],
    }


def emit(program: Program, plan: MemoryPlan, board: Board, *, small: bool = False) -> dict[str, bytes]:
    """The files of the project, by path relative to its folder. The same inputs give the same bytes.

    small: kernels are compiled for small code.
    """
    env = environment()
    view = _model_view(program, plan, env)
    model_sources = [f"model/{view.name}.c", f"model/{view.name}_weights.c"]
    context = {
        "m": view,
        "plan": plan,
        "board": board,
        "small": small,
        "version": __version__,
        "project": view.name,
        "model_symbol": f"{view.name}_model",
        "model_sources": model_sources,
    }
    model = {
        f"model/{view.name}.h": "model/model.h.j2",
        f"model/{view.name}.c": "model/model.c.j2",
        f"model/{view.name}_weights.h": "model/weights.h.j2",
        f"model/{view.name}_weights.c": "model/weights.c.j2",
    }
    texts = {path: env.get_template(template).render(context) for path, template in model.items()}
    files = _runtime_files(board, texts.values())
    context["kernel_sources"] = sorted(f for f in files if f.startswith("runtime/kernels/") and f.endswith(".c"))
    rendered = {
        "runtime/board.h": "board.h.j2",
        "CMakeLists.txt": "CMakeLists.txt.j2",
        "CMakePresets.json": "CMakePresets.json.j2",
        "toolchain.cmake": "toolchain.cmake.j2",
        "linker.ld": "linker.ld.j2",
        "README.md": "README.md.j2",
    }
    texts |= {path: env.get_template(template).render(context) for path, template in rendered.items()}
    files |= {path: text.encode() for path, text in texts.items()}
    files[PROGRAM_FILE] = program_bytes(program)
    files[MANIFEST_FILE] = (json.dumps(manifest(program, plan, board), indent=2) + "\n").encode()
    return dict(sorted(files.items()))


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes the files below an existing folder.

    Raises:
        ProjectError: the disk is full or the folder is not writable.
    """
    try:
        for relative, data in files.items():
            path = folder / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise ProjectError(f"cannot write the project: {error.strerror}", where=str(folder)) from None
