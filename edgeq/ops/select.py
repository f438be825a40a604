"""SELECT: elements of one of two tensors of equal shape. A condition of one axis chooses along their first."""

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.selecting import SelectAttrs, Selecting


@register
class Select(Selecting):
    name = "SELECT"

    def condition(self, shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
        return shape + (1,) * (rank - 1) if len(shape) == 1 and rank > 1 else shape

    def infer(self, attrs: SelectAttrs, condition, a, b) -> tuple[tuple[int, ...], ...]:
        require(a.shape == b.shape, "operands differ in shape")
        require(
            condition.shape in ((), a.shape, a.shape[:1]),
            f"a condition of shape {list(condition.shape)} does not choose among {list(a.shape)}",
        )
        return super().infer(attrs, condition, a, b)
