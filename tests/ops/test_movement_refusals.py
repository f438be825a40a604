"""What the operators that move, pick and reduce elements refuse: their constants come from untrusted files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgeq.errors import ModelError, QuantizationError
from edgeq.fixedpoint import Dialect
from edgeq.ir import QuantParams, Tensor
from edgeq.ops import find_op, infer_results

from .cases import cases_of
from .graphs import activation_input, constant

UNIT = QuantParams([1.0], [0])
MOVING = (
    "TRANSPOSE",
    "SLICE",
    "STRIDED_SLICE",
    "SPLIT",
    "SPLIT_V",
    "UNPACK",
    "PACK",
    "SPACE_TO_DEPTH",
    "DEPTH_TO_SPACE",
    "TILE",
    "REVERSE_V2",
    "GATHER",
    "MIRROR_PAD",
    "RESIZE_NEAREST_NEIGHBOR",
    "RESIZE_BILINEAR",
    "REDUCE_MAX",
    "REDUCE_MIN",
    "MINIMUM",
    "MAXIMUM",
)


@pytest.mark.parametrize("op", MOVING)
def test_one_quantization_is_needed(op: str) -> None:
    (case,) = cases_of(op, 1, 1)
    (node,) = case.graph.nodes
    other = QuantParams([0.123], [-7])
    results = [Tensor(t.name, t.shape, t.dtype, other) for t in case.graph.results(node)]
    find_op(op).lower(node, case.graph, Dialect.DOUBLE)
    with pytest.raises(QuantizationError, match="differ in scale or zero point"):
        find_op(op).lower(node, case.graph.rewrite(tensors=results), Dialect.DOUBLE)


def x(*shape: int) -> Tensor:
    return activation_input("x", shape, UNIT)


def c(*values: int) -> Tensor:
    return constant("c", np.array(values, np.int32))


@pytest.mark.parametrize(
    ("op", "attrs", "operands"),
    [
        ("TRANSPOSE", {}, [x(2, 3), c(0, 0)]),
        ("TRANSPOSE", {}, [x(2, 3), c(0)]),
        ("TRANSPOSE", {}, [x(2, 3), c(0, 2)]),
        ("TRANSPOSE", {}, [x(2, 3)]),
        ("TRANSPOSE", {}, [x(2, 3), x(2)]),
        ("TRANSPOSE", {}, [x(2, 0), c(0, 1)]),
        ("SLICE", {}, [x(4), c(2), c(3)]),
        ("SLICE", {}, [x(4), c(-1), c(2)]),
        ("SLICE", {}, [x(4), c(1), c(0)]),
        ("SLICE", {}, [x(4, 4), c(1), c(1)]),
        ("STRIDED_SLICE", {}, [x(4), c(0), c(4), c(0)]),
        ("STRIDED_SLICE", {}, [x(4), c(3), c(1), c(1)]),
        ("STRIDED_SLICE", {"shrink_axis_mask": 1}, [x(4), c(4), c(5), c(1)]),
        ("STRIDED_SLICE", {"ellipsis_mask": 3}, [x(4), c(0, 0), c(1, 1), c(1, 1)]),
        ("STRIDED_SLICE", {}, [x(4), c(0, 0), c(1, 1), c(1, 1)]),
        ("SPLIT", {"num_splits": 3}, [c(0), x(4)]),
        ("SPLIT", {"num_splits": 0}, [c(0), x(4)]),
        ("SPLIT", {"num_splits": 2}, [c(1), x(4)]),
        ("SPLIT", {"num_splits": 2}, [c(0, 0), x(4)]),
        ("SPLIT_V", {}, [x(4), c(3, 2), c(0)]),
        ("SPLIT_V", {}, [x(4), c(-1, -1), c(0)]),
        ("SPLIT_V", {}, [x(4), c(5, -1), c(0)]),
        ("SPLIT_V", {}, [x(4), c(), c(0)]),
        ("UNPACK", {"num": 3}, [x(4)]),
        ("UNPACK", {"num": 4, "axis": 1}, [x(4)]),
        ("PACK", {"values_count": 3}, [x(4), x(4)]),
        ("PACK", {"values_count": 2}, [x(4), x(5)]),
        ("PACK", {"values_count": 2, "axis": 2}, [x(4), x(4)]),
        ("SPACE_TO_DEPTH", {"block_size": 2}, [x(1, 3, 4, 1)]),
        ("SPACE_TO_DEPTH", {"block_size": 0}, [x(1, 4, 4, 1)]),
        ("DEPTH_TO_SPACE", {"block_size": 2}, [x(1, 3, 4, 6)]),
        ("DEPTH_TO_SPACE", {"block_size": 2}, [x(4, 4)]),
        ("TILE", {}, [x(4), c(0)]),
        ("TILE", {}, [x(4), c(2, 2)]),
        ("REVERSE_V2", {}, [x(4), c(1)]),
        ("GATHER", {}, [x(4), c(4)]),
        ("GATHER", {}, [x(4), c(-1)]),
        ("GATHER", {"axis": 1}, [x(4), c(0)]),
        ("GATHER", {"batch_dims": 1}, [x(4), c(0)]),
        ("MIRROR_PAD", {}, [x(4), c(4, 0)]),
        ("MIRROR_PAD", {}, [x(4), constant("c", np.int32([[4, 0]]))]),
        ("MIRROR_PAD", {"symmetric": True}, [x(4), constant("c", np.int32([[0, -1]]))]),
        ("RESIZE_NEAREST_NEIGHBOR", {}, [x(1, 2, 2, 1), c(0, 4)]),
        ("RESIZE_NEAREST_NEIGHBOR", {}, [x(1, 2, 2, 1), c(1 << 30, 4)]),
        ("RESIZE_BILINEAR", {}, [x(1, 2, 2, 1), c(4)]),
        ("RESIZE_BILINEAR", {}, [x(1, 2, 2, 1), c(1 << 30, 4)]),
        ("RESIZE_BILINEAR", {"align_corners": True, "half_pixel_centers": True}, [x(1, 2, 2, 1), c(4, 4)]),
        ("REDUCE_MAX", {}, [x(4), c(1)]),
        ("REDUCE_MIN", {}, [x(4), x(1)]),
        ("MAXIMUM", {}, [x(4), x(3)]),
        ("PRELU", {}, [x(1, 4), x(3, 4)]),
    ],
)
def test_operands_that_do_not_fit(op: str, attrs: dict[str, Any], operands: list[Tensor]) -> None:
    with pytest.raises(ModelError):
        infer_results(find_op(op), find_op(op).Attrs(**attrs), tuple(operands))


def test_a_hard_swish_of_a_far_too_small_scale_is_refused() -> None:
    (case,) = cases_of("HARD_SWISH", 1, 1)
    (node,) = case.graph.nodes
    y = Tensor("y", case.graph.tensors["y"].shape, case.graph.tensors["y"].dtype, QuantParams([1e-6], [0]))
    with pytest.raises(QuantizationError, match="more than 1/128"):
        find_op("HARD_SWISH").lower(node, case.graph.rewrite(tensors=[y]), Dialect.DOUBLE)
