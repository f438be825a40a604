"""The lowered model: integers only, everything after lowering reads it and nothing else.

A `Program` is an ordered tuple of `KernelCall`s over storage-less tensors. Parameters are the operator's own frozen
dataclass of integers, tuples of integers and constant integer arrays; neither the simulator nor a template computes a
constant from them. Scales appear only as metadata at the edges, to translate between users' real numbers and the
program's integers.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import ProjectError
from edgeq.ir import DType, QuantParams, frozen_array

FORMAT = 2


@dataclass(frozen=True, eq=False)
class ProgramTensor:
    """A tensor of the program.

    Attributes:
        name: unique; the source model's name where it had one.
        shape, dtype: of one inference.
        quant: how its integers relate to real numbers: metadata, never used in computing.
        data: the value of a constant, else None.
        alias_of: the tensor whose memory this one shares (a reshape), else "". Never an alias itself.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: QuantParams | None = None
    data: np.ndarray | None = None
    alias_of: str = ""

    @property
    def size(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class Overlap:
    """How a call's result may lie over an operand that nothing else needs any more.

    Attributes:
        in_place: exactly over any operand of the same number of bytes.
        forwards: the kernel computes its result, the first of several, from the first byte to the last, and it may
            start at least this many bytes below the first operand's start; None where it may not overlap.
        backwards: the kernel can be told to compute from the last byte to the first, and the result may then end at
            least this many bytes above the first operand's end; None where it can not.
    """

    in_place: bool = False
    forwards: int | None = None
    backwards: int | None = None

    def joint_bytes(self, operand: int, result: int) -> int:
        """The least memory that holds an operand and a result of so many bytes."""
        least = operand + result
        if self.in_place and operand == result:
            least = operand
        if self.forwards is not None:
            least = min(least, max(result, operand + self.forwards))
        if self.backwards is not None:
            above = operand - result + self.backwards  # of the result's start over the operand's
            least = min(least, max(operand - min(0, above), result + max(0, above)))
        return least


@dataclass(frozen=True, eq=False)
class KernelCall:
    """One kernel invocation.

    Attributes:
        name: the layer's name, unique in the program.
        op: operator (TFLite's builtin name); `params` is that operator's parameter dataclass.
        kernel: name of the entry in `edgeq.kernels` that runs it.
        inputs, outputs: tensor names of runtime operands.
        scratch_bytes: working memory the kernel needs on the chosen core, 0 or more.
        overlap: where the result may lie.
        macs: multiply-accumulates of one inference.
        accumulator_bound: proven largest magnitude that an accumulator reaches, 0 where there is none.
        accumulator_bits: its width.
        extras: constants prepared for this kernel and core (packed weights, kernel sums), by name.
    """

    name: str
    op: str
    kernel: str
    params: Any
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    scratch_bytes: int = 0
    overlap: Overlap = Overlap()
    macs: int = 0
    accumulator_bound: int = 0
    accumulator_bits: int = 32
    extras: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class ProgramState:
    """A tensor whose memory survives inferences. Calls that write it have results that are aliases of it.

    Attributes:
        name: of the tensor, which is no alias, no input, and no constant.
        initial: its value after a reset, in its type and shape.
    """

    name: str
    initial: np.ndarray


@dataclass(frozen=True, eq=False)
class Program:
    """Kernel calls in execution order.

    Attributes:
        states: what is remembered from one inference to the next.
        rounding: the requantization dialect the program was lowered for (see `edgeq.fixedpoint.Dialect`).
        cpu: the core whose scratch sizes and packings it carries.
    """

    name: str
    tensors: Mapping[str, ProgramTensor]
    calls: tuple[KernelCall, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    cpu: str
    rounding: str = "double"
    states: tuple[ProgramState, ...] = ()

    @property
    def macs(self) -> int:
        return sum(call.macs for call in self.calls)

    @property
    def hash(self) -> str:
        """SHA-256, in hex, over everything that decides what the program computes and where it runs."""
        return hashlib.sha256(program_bytes(self)).hexdigest()

    @property
    def state_bytes(self) -> int:
        """Memory that survives inferences."""
        return sum(self.tensors[state.name].nbytes for state in self.states)

    def storage(self, name: str) -> str:
        """The tensor whose memory `name` lives in."""
        return self.tensors[name].alias_of or name


# --- saving --------------------------------------------------------------------------------------------------------


class _ArrayTable:
    """Collects arrays while a program is turned into JSON, and gives them back by index."""

    def __init__(self):
        self.arrays: list[np.ndarray] = []

    def add(self, array: np.ndarray) -> dict:
        self.arrays.append(array)
        return {"array": len(self.arrays) - 1}


def _encode(value: Any, table: _ArrayTable) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iub":
            raise TypeError(f"a program holds integers only, found an array of {value.dtype}")
        return table.add(value)
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, tuple):
        return [_encode(v, table) for v in value]
    if dataclasses.is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name), table) for f in dataclasses.fields(value)}
    raise TypeError(f"a program holds integers only, found {type(value).__name__}")


def _encode_quant(quant: QuantParams | None) -> dict | None:
    if quant is None:
        return None
    # float.hex keeps every bit of the scale
    return {
        "scale": [float(s).hex() for s in quant.scale],
        "zero_point": [int(z) for z in quant.zero_point],
        "axis": quant.axis,
    }


def program_bytes(program: Program) -> bytes:
    """The program as a zip of one JSON document and its arrays (`.npy`); equal programs give equal bytes."""
    table = _ArrayTable()
    document = {
        "format": FORMAT,
        "name": program.name,
        "cpu": program.cpu,
        "rounding": program.rounding,
        "inputs": list(program.inputs),
        "outputs": list(program.outputs),
        "states": [{"name": s.name, "initial": _encode(s.initial, table)} for s in program.states],
        "tensors": [
            {
                "name": t.name,
                "shape": list(t.shape),
                "dtype": t.dtype.value,
                "quant": _encode_quant(t.quant),
                "data": _encode(t.data, table),
                "alias_of": t.alias_of,
            }
            for t in program.tensors.values()
        ],
        "calls": [
            {
                "name": c.name,
                "op": c.op,
                "kernel": c.kernel,
                "form": type(c.params).__name__,
                "params": _encode(c.params, table),
                "inputs": list(c.inputs),
                "outputs": list(c.outputs),
                "scratch_bytes": c.scratch_bytes,
                "overlap": _encode(c.overlap, table),
                "macs": c.macs,
                "accumulator_bound": c.accumulator_bound,
                "accumulator_bits": c.accumulator_bits,
                "extras": {k: _encode(v, table) for k, v in sorted(c.extras.items())},
            }
            for c in program.calls
        ],
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        # a fixed date keeps equal programs equal, byte for byte
        def put(name: str, data: bytes) -> None:
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)

        put("program.json", json.dumps(document, indent=1).encode())
        for index, array in enumerate(table.arrays):
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
            put(f"{index}.npy", buffer.getvalue())
    return out.getvalue()


def load_program(path: Path, params_type: Callable[[str, str], type]) -> Program:
    """Reads what `program_bytes` wrote.

    Args:
        params_type: gives the parameter dataclass of an operator by both names (`edgeq.ops.params_type`).

    Raises:
        ProjectError: the file is missing or is not a program of this version.
    """
    hint = "build the project again with `edgeq build`"
    try:
        with zipfile.ZipFile(path) as archive:
            document = json.loads(archive.read("program.json"))

            def array(index: int) -> np.ndarray:
                with archive.open(f"{index}.npy") as stream:
                    data = np.lib.format.read_array(io.BytesIO(stream.read()), allow_pickle=False)
                return frozen_array(data)

            if document.get("format") != FORMAT:
                raise ProjectError(
                    f"program format {document.get('format')}, this edgeq reads {FORMAT}", where=str(path), hint=hint
                )
            return _from_document(document, array, params_type)
    except FileNotFoundError:
        raise ProjectError("no program here", where=str(path), hint="name a folder that `edgeq build` wrote") from None
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, OSError) as error:
        raise ProjectError(f"damaged program: {error}", where=str(path), hint=hint) from error


def _from_document(
    document: dict, array: Callable[[int], np.ndarray], params_type: Callable[[str, str], type]
) -> Program:
    def decode(value: Any) -> Any:
        if isinstance(value, dict):
            return array(int(value["array"]))
        return tuple(decode(v) for v in value) if isinstance(value, list) else value

    def quant(value: dict | None) -> QuantParams | None:
        if value is None:
            return None
        return QuantParams([float.fromhex(s) for s in value["scale"]], value["zero_point"], value["axis"])

    tensors = {
        t["name"]: ProgramTensor(
            t["name"], tuple(t["shape"]), DType(t["dtype"]), quant(t["quant"]), decode(t["data"]), t["alias_of"]
        )
        for t in document["tensors"]
    }
    calls = tuple(
        KernelCall(
            name=c["name"],
            op=c["op"],
            kernel=c["kernel"],
            params=params_type(c["op"], c["form"])(**{k: decode(v) for k, v in c["params"].items()}),
            inputs=tuple(c["inputs"]),
            outputs=tuple(c["outputs"]),
            scratch_bytes=c["scratch_bytes"],
            overlap=Overlap(**c["overlap"]),
            macs=c["macs"],
            accumulator_bound=c["accumulator_bound"],
            accumulator_bits=c["accumulator_bits"],
            extras={k: decode(v) for k, v in c["extras"].items()},
        )
        for c in document["calls"]
    )
    return Program(
        name=document["name"],
        tensors=tensors,
        calls=calls,
        inputs=tuple(document["inputs"]),
        outputs=tuple(document["outputs"]),
        cpu=document["cpu"],
        rounding=document["rounding"],
        states=tuple(ProgramState(s["name"], decode(s["initial"])) for s in document["states"]),
    )
