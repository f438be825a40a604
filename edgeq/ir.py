"""The model between import and lowering: an immutable graph of named tensors.

A `Graph` holds its nodes in execution order. Tensors are values (`Tensor.data` set: constants) or places to be
computed; nodes refer to them by name, names are unique within a graph. Arrays are read-only. Every pass takes a
`Graph` and returns another one; `verify_graph` states what holds between passes.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeq.errors import ModelError

#: What edgeq writes as the description of `.tflite` files, by which it knows them again.
TFLITE_DESCRIPTION = "edgeq"


class DType(enum.Enum):
    """Element types; the value is the NumPy name, except for those that NumPy cannot store."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BINARY = "binary"
    TERNARY = "ternary"
    INT4 = "int4"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    BOOL = "bool"

    @property
    def numpy(self) -> np.dtype:
        """The NumPy type that holds one element (types of fewer bits are held unpacked, in int8)."""
        return np.dtype("int8" if self.is_narrow else self.value)

    @property
    def is_narrow(self) -> bool:
        """Whether it is one of weights alone, which firmware packs: of 4 bits, of −1, 0 and 1, or of −1 and 1."""
        return self in (DType.INT4, DType.TERNARY, DType.BINARY)

    @property
    def itemsize(self) -> int:
        """Bytes of one element at run time (1 where it is held unpacked)."""
        return self.numpy.itemsize

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value of an integer type."""
        if self is DType.INT4:
            return -8, 7
        if self in (DType.TERNARY, DType.BINARY):
            return -1, 1
        if self is DType.BOOL:
            return 0, 1
        info = np.iinfo(self.numpy)
        return int(info.min), int(info.max)


def frozen_array(values: Any, dtype: Any = None) -> np.ndarray:
    """A read-only, C-contiguous, little-endian copy of `values`."""
    array = np.array(values, dtype=dtype, order="C", copy=True)
    array.flags.writeable = False
    return array


def packed_int4(values: np.ndarray) -> np.ndarray:
    """int4 values as int8 of half their number: two to a byte in C order, that of even index in the low half; of an odd
    number, the last high half is 0."""
    flat = np.ravel(values).astype(np.uint8) & 15
    flat = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    return (flat[0::2] | flat[1::2] << 4).astype(np.uint8).view(np.int8)


def unpacked_int4(data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The int8 array of that shape which `packed_int4` made these bytes of."""
    halves = np.stack([data.view(np.uint8) & 15, data.view(np.uint8) >> 4], axis=1).ravel()
    return (halves[: math.prod(shape)].astype(np.int8) ^ 8).reshape(shape) - np.int8(8)


@dataclass(frozen=True, eq=False)
class Blocks:
    """Finer scales and minima within each channel of a weight tensor, integers in units of the channel's scale.

    Attributes:
        size: weights of a block, counted along one channel's weights in C order; the last of a channel may be shorter.
        scales: int8 (channels, blocks); one may be negative.
        minima: int16 (channels, blocks), what a code of 0 stands for; None where it stands for 0.
    """

    size: int
    scales: np.ndarray
    minima: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "scales", frozen_array(self.scales, np.int8))
        if self.minima is not None:
            object.__setattr__(self, "minima", frozen_array(self.minima, np.int16))
        if (
            self.size < 1
            or self.scales.ndim != 2
            or (self.minima is not None and self.minima.shape != self.scales.shape)
        ):
            raise ModelError("the scales and minima of blocks do not fit together")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Blocks)
            and self.size == other.size
            and np.array_equal(self.scales, other.scales)
            and (self.minima is None) == (other.minima is None)
            and (self.minima is None or np.array_equal(self.minima, other.minima))
        )

    def spread(self, values: np.ndarray, weights: int) -> np.ndarray:
        """A value for each block, (channels, blocks), as one for each of a channel's weights: (channels, weights)."""
        if -(-weights // self.size) != values.shape[1]:
            raise ModelError(f"{values.shape[1]} blocks of {self.size} do not hold {weights} weights of a channel")
        return np.repeat(values, self.size, axis=1)[:, :weights]


@dataclass(frozen=True, eq=False)
class QuantParams:
    """Affine quantization: real = scale · (q − zero_point), of weights in blocks scale · (block's scale · q + minimum).

    Attributes:
        scale: float32, shape (1,) per tensor or (channels,) per channel; finite and positive.
        zero_point: int64, same shape.
        axis: the channel axis, or None for per-tensor.
        blocks: of weights with finer scales than one per channel; their zero points are 0.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int | None = None
    blocks: Blocks | None = None

    def __post_init__(self):
        object.__setattr__(self, "scale", frozen_array(np.atleast_1d(self.scale), np.float32))
        object.__setattr__(self, "zero_point", frozen_array(np.atleast_1d(self.zero_point), np.int64))
        if self.scale.ndim != 1 or self.scale.shape != self.zero_point.shape:
            raise ModelError("quantization scales and zero points differ in number")
        if not (np.all(np.isfinite(self.scale)) and np.all(self.scale > 0)):
            raise ModelError("a quantization scale is not a positive finite number")
        if self.axis is None and self.scale.size != 1:
            raise ModelError("several quantization scales without a channel axis")
        if self.blocks is not None and (
            self.axis is None or len(self.blocks.scales) != self.scale.size or np.any(self.zero_point != 0)
        ):
            raise ModelError("blocks go with a scale for each channel and no zero points")

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, QuantParams)
            and self.axis == other.axis
            and self.blocks == other.blocks
            and np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
        )

    @property
    def per_tensor(self) -> tuple[float, int]:
        """(scale, zero_point) of a per-tensor quantization; the scale is a float32 value held in a double."""
        if self.scale.size != 1:
            raise ModelError("a per-tensor quantization was expected, found one per channel")
        return float(self.scale[0]), int(self.zero_point[0])

    @property
    def is_plain(self) -> bool:
        """Whether an integer stands for itself times its scale: no zero point, no blocks."""
        return self.blocks is None and not np.any(self.zero_point)

    def units(self, quantized: np.ndarray) -> np.ndarray:
        """The integers, in units of the scale, that these stand for: int64 of the same shape."""
        codes = quantized.astype(np.int64)
        if self.blocks is None:
            return codes - self._spread(self.zero_point, np.ndim(quantized))
        scales, minima = self._of_each_weight(quantized.shape)
        return codes * scales + minima

    def _of_each_weight(self, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        """The block scales and minima, int64, each in the weights' own shape."""
        moved = (shape[self.axis], *shape[: self.axis], *shape[self.axis + 1 :])
        count = math.prod(moved[1:])
        minima = np.zeros_like(self.blocks.scales) if self.blocks.minima is None else self.blocks.minima

        def each(values: np.ndarray) -> np.ndarray:
            return np.moveaxis(self.blocks.spread(values.astype(np.int64), count).reshape(moved), 0, self.axis)

        return each(self.blocks.scales), each(minima)

    def _spread(self, values: np.ndarray, rank: int) -> np.ndarray:
        if self.axis is None:
            return values[0]
        shape = [1] * rank
        shape[self.axis] = values.size
        return values.reshape(shape)

    def quantize(self, real: np.ndarray, dtype: DType) -> np.ndarray:
        """Nearest representable integers (ties away from zero, as TFLite's QUANTIZE), saturated to `dtype`'s range.

        The division is done in float32, which is what the reference kernel does. Of binary numbers 1 is nearest to 0.
        """
        scale = self._spread(self.scale, np.ndim(real))
        zero_point = self._spread(self.zero_point, np.ndim(real))
        ratio = np.asarray(real, np.float32) / scale
        if self.blocks is not None:
            scales, minima = self._of_each_weight(np.shape(real))
            # a block whose scale is 0 stands for its minimum, whatever its codes
            ratio = (ratio.astype(np.float64) - minima) / np.where(scales == 0, np.inf, scales)
        with np.errstate(over="ignore"):
            nearest = np.sign(ratio) * np.floor(np.abs(ratio).astype(np.float64) + 0.5)
        if dtype is DType.BINARY:
            return np.where(ratio + zero_point >= 0, 1, -1).astype(dtype.numpy)
        low, high = dtype.range
        return np.clip(nearest + zero_point, low, high).astype(dtype.numpy)

    def dequantize(self, quantized: np.ndarray) -> np.ndarray:
        """float32 values, the scale times `units`."""
        scale = self._spread(self.scale, np.ndim(quantized))
        return (scale * self.units(quantized).astype(np.float32)).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A value of the graph. `data` is set for constants and matches `shape` and `dtype`."""

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quant: QuantParams | None = None
    data: np.ndarray | None = None

    def __post_init__(self):
        object.__setattr__(self, "shape", tuple(int(d) for d in self.shape))
        if any(d < 0 for d in self.shape):
            raise ModelError(f"tensor has a negative dimension: {self.shape}", where=self.name)
        if self.data is not None:
            data = self.data if not self.data.flags.writeable else frozen_array(self.data)
            if data.shape != self.shape or data.dtype != self.dtype.numpy:
                raise ModelError(
                    f"constant holds {data.dtype}{list(data.shape)}, declared {self.dtype.value}{list(self.shape)}",
                    where=self.name,
                )
            object.__setattr__(self, "data", data)
        if self.quant is not None and self.quant.axis is not None:
            axis = self.quant.axis
            if not 0 <= axis < len(self.shape) or self.shape[axis] != self.quant.scale.size:
                raise ModelError(
                    f"{self.quant.scale.size} scales along axis {axis} do not fit shape {list(self.shape)}",
                    where=self.name,
                )

    @property
    def is_constant(self) -> bool:
        return self.data is not None

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for d in self.shape:
            size *= d
        return size

    @property
    def nbytes(self) -> int:
        """Bytes of the tensor at run time."""
        return self.size * self.dtype.itemsize


@dataclass(frozen=True)
class Node:
    """One operation.

    Attributes:
        op: TFLite's builtin operator name, such as "CONV_2D".
        inputs: tensor names; "" for an optional operand that is absent.
        outputs: tensor names.
        attrs: the operator's own frozen dataclass (`edgeq.ops`), None when it has none.
        loc: where the node comes from, for messages: the layer's name in the source model.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attrs: Any = None
    loc: str = ""


@dataclass(frozen=True, eq=False)
class State:
    """A value that lives across inferences.

    Attributes:
        read: the tensor that holds it while an inference starts; no node computes it.
        written: the tensor that holds its new value at the inference's end, of the same shape, type and quantization;
            `read` itself where it never changes.
        initial: its value after a reset, in the type of both.
    """

    read: str
    written: str
    initial: np.ndarray

    def __post_init__(self):
        object.__setattr__(self, "initial", frozen_array(self.initial))


@dataclass(frozen=True)
class Graph:
    """A model: tensors by name, nodes in execution order, the names of its inputs and outputs, its states."""

    name: str
    tensors: Mapping[str, Tensor]
    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    states: tuple[State, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The tensors whose values are there before any node runs: inputs and states."""
        return (*self.inputs, *(state.read for state in self.states))

    @property
    def kept(self) -> tuple[str, ...]:
        """The tensors that are needed after the last node has run: outputs and the new values of states."""
        return (*self.outputs, *(state.written for state in self.states))

    def operands(self, node: Node) -> tuple[Tensor | None, ...]:
        """The node's input tensors, None where an optional one is absent."""
        return tuple(self.tensors[name] if name else None for name in node.inputs)

    def results(self, node: Node) -> tuple[Tensor, ...]:
        return tuple(self.tensors[name] for name in node.outputs)

    def producers(self) -> dict[str, Node]:
        """The node that computes each tensor."""
        return {name: node for node in self.nodes for name in node.outputs}

    def consumers(self) -> dict[str, list[Node]]:
        """The nodes that read each tensor (a node is listed once per operand); tensors nobody reads are absent."""
        readers: dict[str, list[Node]] = {}
        for node in self.nodes:
            for name in filter(None, node.inputs):
                readers.setdefault(name, []).append(node)
        return readers

    def rewrite(
        self,
        nodes: Iterable[Node] | None = None,
        tensors: Iterable[Tensor] = (),
        inputs: Iterable[str] | None = None,
        outputs: Iterable[str] | None = None,
        states: Iterable[State] | None = None,
    ) -> Graph:
        """A graph with other nodes and with `tensors` added or replaced; tensors that nothing mentions are dropped."""
        nodes = self.nodes if nodes is None else tuple(nodes)
        inputs = self.inputs if inputs is None else tuple(inputs)
        outputs = self.outputs if outputs is None else tuple(outputs)
        states = self.states if states is None else tuple(states)
        pool = {**self.tensors, **{t.name: t for t in tensors}}
        used = {*inputs, *outputs, *(name for state in states for name in (state.read, state.written))}
        for node in nodes:
            used.update(filter(None, node.inputs))
            used.update(node.outputs)
        kept = {name: tensor for name, tensor in pool.items() if name in used}
        return replace(self, nodes=nodes, tensors=kept, inputs=inputs, outputs=outputs, states=states)


def verify_graph(graph: Graph, stage: str) -> Graph:
    """Checks what every stage relies on and returns the graph.

    Every name resolves, every tensor is defined once and before its use, constants are not computed, inputs are not
    constants, outputs are defined; a state's initial and new values fit its tensor.

    Raises:
        ModelError: naming the stage, the node and the tensor at fault.
    """

    def fail(what: str, where: str) -> None:
        raise ModelError(f"{what} (after {stage})", where=where or graph.name)

    for name, tensor in graph.tensors.items():
        if name != tensor.name:
            fail(f"tensor {tensor.name!r} is filed under {name!r}", "")
    defined = {name for name, tensor in graph.tensors.items() if tensor.is_constant}
    for name in graph.inputs:
        if name not in graph.tensors:
            fail(f"graph input {name!r} does not exist", "")
        if name in defined:
            fail(f"graph input {name!r} is a constant or listed twice", "")
        defined.add(name)
    for state in graph.states:
        if state.read not in graph.tensors:
            fail(f"state {state.read!r} does not exist", "")
        if state.read in defined:
            fail(f"state {state.read!r} is a constant, an input, or listed twice", "")
        defined.add(state.read)
    for node in graph.nodes:
        for name in filter(None, node.inputs):
            if name not in graph.tensors:
                fail(f"operand {name!r} does not exist", node.loc)
            if name not in defined:
                fail(f"operand {name!r} is used before it is computed (a cycle?)", node.loc)
        for name in node.outputs:
            if name not in graph.tensors:
                fail(f"result {name!r} does not exist", node.loc)
            if name in defined:
                fail(f"result {name!r} is defined twice", node.loc)
            defined.add(name)
    for name in graph.outputs:
        if name not in defined:
            fail(f"graph output {name!r} is never computed", "")
    if not graph.outputs:
        fail("the graph has no outputs", "")
    for state in graph.states:
        if state.written not in defined:
            fail(f"the new value {state.written!r} of a state is never computed", state.read)
        old, new = graph.tensors[state.read], graph.tensors[state.written]
        if (old.shape, old.dtype, old.quant) != (new.shape, new.dtype, new.quant):
            fail(f"a state's old and new value {new.name!r} differ in shape, type or quantization", old.name)
        if state.initial.shape != old.shape or state.initial.dtype != old.dtype.numpy:
            fail("a state's initial value has another shape or type", old.name)
    return graph
