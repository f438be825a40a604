"""The same vectors down every rung, every layer's output compared for equality."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from edgeq.device.session import Session
from edgeq.errors import ProtocolError
from edgeq.ir import DType
from edgeq.program import Program, ProgramTensor
from edgeq.simulate import check_inputs, reset, trace

Progress = Callable[[int, int], None]


def quiet(done: int, of: int) -> None:
    """The progress of those who do not care."""


@dataclass(frozen=True)
class Difference:
    """The first place where a rung left the simulator's way.

    Attributes:
        vector: index of the input vector. layer: index of the layer, or −1 for a program output.
        layer_name, tensor: their names. element: index into the tensor's shape. expected, actual: the integers, or
            floats at an edge.
        differing: how many elements of this tensor differ.
    """

    vector: int
    layer: int
    layer_name: str
    tensor: str
    element: tuple[int, ...]
    expected: int | float
    actual: int | float
    differing: int

    def __str__(self) -> str:
        return (
            f"vector {self.vector}, layer {self.layer} ({self.layer_name}), tensor {self.tensor!r}, element "
            f"{list(self.element)}: expected {self.expected}, got {self.actual} ({self.differing} elements differ)"
        )


@dataclass(frozen=True)
class RungResult:
    """What one rung made of the vectors. `tensors` counts the tensors compared over all vectors."""

    on: str
    vectors: int
    tensors: int
    equal: bool
    first_difference: Difference | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class VerifyReport:
    """The outcome over all rungs that were asked for."""

    rungs: tuple[RungResult, ...]

    @property
    def equal(self) -> bool:
        return all(rung.equal for rung in self.rungs)

    def to_json(self) -> dict[str, Any]:
        """`{equal, rungs[{on, vectors, tensors, equal, first_difference}]}`."""
        return {"equal": self.equal, "rungs": [rung.to_json() for rung in self.rungs]}


def random_vectors(program: Program, count: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """`count` vectors for every input: uniform over the whole range of the type, but the first three hold nothing but
    its smallest value, its largest, and zero. Floats are whole and half steps of the scale that they are quantized
    with, somewhat beyond its range; the extremes are infinite."""
    dice = np.random.default_rng(seed)
    inputs = []
    for name in program.inputs:
        tensor = program.tensors[name]
        if tensor.dtype is DType.FLOAT32:
            low, high = -np.inf, np.inf
            x = _random_floats(program, name, (count, *tensor.shape), dice)
        else:
            low, high = tensor.dtype.range
            x = dice.integers(low, high, (count, *tensor.shape), tensor.dtype.numpy, endpoint=True)
        for index, value in enumerate((low, high, 0)[: min(3, count)]):
            x[index] = value
        inputs.append(x)
    return tuple(inputs)


def _random_floats(program: Program, name: str, shape: tuple[int, ...], dice: np.random.Generator) -> np.ndarray:
    (p, *_) = [c.params for c in program.calls if name in c.inputs]
    steps = dice.integers(2 * (p.low - p.zero_point) - 20, 2 * (p.high - p.zero_point) + 20, shape)
    return (steps * (np.float64(p.scale) / 2)).astype(np.float32)


def check_device(program: Program, session: Session) -> None:
    """Raises ProtocolError where the device's tables do not fit the program: it was built from other sources."""
    hello = session.hello
    have = (hello.layer_count, hello.input_count, hello.output_count)
    want = (len(program.calls), len(program.inputs), len(program.outputs))
    if have != want:
        raise ProtocolError(
            f"the device counts {have} layers, inputs, outputs; the program has {want}",
            where=session.name,
            hint="build and flash this project again",
        )


def verify_on(
    program: Program,
    session: Session,
    inputs: Sequence[np.ndarray],
    on: str,
    progress: Progress = quiet,
) -> RungResult:
    """Runs vectors layer by layer on a device and compares every result with the simulator's, `array_equal`. Both start
    from a reset, and carry the states from one vector to the next.

    Args:
        inputs: one integer array (n, *shape) per program input.
        on: what the report calls the rung.
        progress: called with (vectors done, vectors in all).

    Returns: the result; it stops at the first difference.

    Raises:
        ProtocolError: the device fell silent, failed, or was built from other sources.
    """
    check_device(program, session)
    count = check_inputs(program, inputs)
    compared = 0
    memory = reset(program)
    if program.states:
        session.reset()
    for vector in range(count):
        single = [x[vector : vector + 1] for x in inputs]
        session.write_inputs([x.tobytes() for x in single])
        session.begin()
        outputs: dict[str, np.ndarray] = {**dict(zip(program.inputs, single, strict=True)), **memory}
        for layer, (call, results) in enumerate(trace(program, single, memory)):
            tensors = [program.tensors[name] for name in call.outputs]
            _, read = session.step_and_read(layer, [t.nbytes for t in tensors])
            outputs.update(zip(map(program.storage, call.outputs), results, strict=True))
            for tensor, expected, actual in zip(tensors, results, read, strict=True):
                compared += 1
                difference = _compare(tensor, expected, actual, vector, layer, call.name)
                if difference:
                    return RungResult(on, vector + 1, compared, False, difference)
        tensors = [program.tensors[name] for name in program.outputs]
        for tensor, actual in zip(tensors, session.read_outputs([t.nbytes for t in tensors]), strict=True):
            expected = tensor.data if tensor.data is not None else outputs[program.storage(tensor.name)]
            compared += 1
            difference = _compare(tensor, expected, actual, vector, -1, "output")
            if difference:
                return RungResult(on, vector + 1, compared, False, difference)
        progress(vector + 1, count)
    return RungResult(on, count, compared, True, None)


def _compare(
    tensor: ProgramTensor, expected: np.ndarray, actual: bytes, vector: int, layer: int, layer_name: str
) -> Difference | None:
    want = np.asarray(expected).reshape(tensor.shape)
    have = np.frombuffer(actual, tensor.dtype.numpy.newbyteorder("<")).reshape(tensor.shape)
    if want.tobytes() == have.tobytes():
        return None
    bits = np.dtype(f"u{want.itemsize}")
    wrong = np.argwhere(np.ascontiguousarray(want).view(bits) != have.view(bits))
    element = tuple(int(i) for i in wrong[0])
    return Difference(
        vector, layer, layer_name, tensor.name, element, want[element].item(), have[element].item(), len(wrong)
    )


def run_on(
    program: Program,
    session: Session,
    inputs: Sequence[np.ndarray],
    progress: Progress = quiet,
    *,
    states: bool = False,
) -> tuple[np.ndarray, ...]:
    """Runs whole inferences on a device, from a reset on: one integer array (n, *shape) per program output.

    Args:
        states: whether what each state holds after each vector follows the outputs; layers then run one by one.

    Raises:
        ProtocolError: as `verify_on`.
    """
    check_device(program, session)
    count = check_inputs(program, inputs)
    tensors = [program.tensors[name] for name in program.outputs]
    outputs = [np.empty((count, *t.shape), t.dtype.numpy) for t in tensors]
    remembered = {s.name: np.repeat(s.initial[np.newaxis], count, axis=0) for s in program.states if states}
    if program.states:
        session.reset()
    for vector in range(count):
        session.write_inputs([x[vector].tobytes() for x in inputs])
        if remembered:
            _run_and_read(program, session, {name: values[vector] for name, values in remembered.items()})
        else:
            session.invoke()
        read = session.read_outputs([t.nbytes for t in tensors])
        for index, (tensor, data) in enumerate(zip(tensors, read, strict=True)):
            outputs[index][vector] = _array(data, tensor)
        progress(vector + 1, count)
    return (*outputs, *remembered.values())


def _run_and_read(program: Program, session: Session, states: Mapping[str, np.ndarray]) -> None:
    """Runs one inference and fills in what is written into the states' memory."""
    session.begin()
    for layer, call in enumerate(program.calls):
        session.step()
        if any(program.storage(name) in states for name in call.outputs):
            tensors = [program.tensors[name] for name in call.outputs]
            read = session.read_layer(layer, [t.nbytes for t in tensors])
            for tensor, data in zip(tensors, read, strict=True):
                home = program.tensors[program.storage(tensor.name)]
                if home.name in states:
                    states[home.name][...] = _array(data, home)


def _array(data: bytes, tensor: ProgramTensor) -> np.ndarray:
    return np.frombuffer(data, tensor.dtype.numpy.newbyteorder("<")).reshape(tensor.shape)
