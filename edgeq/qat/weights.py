"""How a layer's weights are rounded while they are trained, by what the scheme says of their scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from edgeq.ir import Node, Tensor
from edgeq.qat import fake_quant as fq
from edgeq.quant.params import SMALLEST_SCALE
from edgeq.quant.schemes import RoleScheme
from edgeq.quant.tying import rule_of
from edgeq.quant.weights import fitting_role, weight_params

#: (weights, the axes without the channels, role) → (scales, kept broadcastable; the rounded weights, through which
#: gradients pass straight).
_Follow = Callable[[Any, tuple[int, ...], RoleScheme], tuple[Any, Any]]


def _abs_max(w: Any, axes: tuple[int, ...], role: RoleScheme) -> tuple[Any, Any]:
    scale = _usable(ops.max(ops.abs(w), axis=axes, keepdims=True) / role.high)
    return scale, fq.fake_quant(w, scale, 0.0, role.low, role.high)


def _ternary(w: Any, axes: tuple[int, ...], role: RoleScheme) -> tuple[Any, Any]:
    """−1, 0 and 1: 0 below 0.7 of the mean magnitude, and the scale is the mean of the magnitudes beyond (Li et al.,
    "Ternary Weight Networks", 2016, equations 4 and 6)."""
    sizes = ops.abs(w)
    large = ops.cast(sizes > 0.7 * ops.mean(sizes, axis=axes, keepdims=True), w.dtype)
    count = ops.maximum(ops.sum(large, axis=axes, keepdims=True), 1.0)
    scale = _usable(ops.sum(sizes * large, axis=axes, keepdims=True) / count)
    return scale, fq.straight_through(w, ops.sign(w) * large * scale)


def _signs(w: Any, axes: tuple[int, ...], role: RoleScheme) -> tuple[Any, Any]:
    """−1 below 0, else 1; the scale is the mean magnitude (Rastegari et al., "XNOR-Net", 2016, equation 6)."""
    scale = _usable(ops.mean(ops.abs(w), axis=axes, keepdims=True))
    return scale, fq.straight_through(w, ops.where(w < 0, -scale, scale))


def _usable(scale: Any) -> Any:
    return ops.stop_gradient(ops.where(scale > SMALLEST_SCALE, scale, 1.0))


#: By algorithm of the scheme: those whose scales follow the weights through training. Others choose once, before.
_FOLLOWING: dict[str, _Follow] = {"abs-max": _abs_max, "ternary": _ternary, "mean": _signs}
#: Those among them that a learned step cannot stand for.
_OF_SIGNS = {"mean"}


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """A layer's weights and where their scales come from.

    Attributes:
        node: the layer. role: what its operator takes of the scheme's. axis: of the channels, None for one scale.
        first: float32, scales in a shape that broadcasts against the weights; None where they follow the weights.
        factor: variable, what the first scales have been multiplied with; None where they are held.
    """

    node: Node
    role: RoleScheme
    axis: int | None
    first: np.ndarray | None = None
    factor: Any = None

    @classmethod
    def of(
        cls, node: Node, weights: Tensor, role: RoleScheme, learned: bool, variable: Callable[[Any, str], Any]
    ) -> LayerWeights:
        """Weights as training begins.

        Args:
            learned: the scales are trained, but those of signs.
            variable: (first value, name) → a variable that stays positive.
        """
        role = fitting_role(node.op, role)
        params = weight_params(weights.data, rule_of(node).weight_axis, role)
        shape = [1] * len(weights.shape)
        if params.axis is not None:
            shape[params.axis] = -1
        learned = learned and role.algorithm not in _OF_SIGNS
        if role.algorithm in _FOLLOWING and not learned:
            return cls(node, role, params.axis)
        held = params.scale.reshape(shape)
        if not learned:
            return cls(node, role, params.axis, held)
        others = tuple(a for a in range(len(shape)) if a != params.axis)
        # 2⟨|v|⟩ / sqrt(Q_P): Esser et al. (2020), section 2.1
        first = 2 * np.abs(weights.data).mean(axis=others, keepdims=True) / role.high**0.5
        first = np.where(first > SMALLEST_SCALE, first, held).astype(np.float32)
        return cls(node, role, params.axis, first, variable(np.ones(first.shape), f"{weights.name}_step"))

    def scale(self, w: Any) -> Any:
        """float32, broadcasts against the weights; without a gradient but to a learned factor."""
        if self.first is not None:
            return self.first if self.factor is None else self.factor * self.first
        return self._follow(w)[0]

    def rounded(self, w: Any) -> Any:
        """The weights as multiples of their scales."""
        if self.factor is not None:
            per_step = float(np.prod(w.shape)) / self.first.size
            step = fq.multiple(self.factor, self.first)
            return fq.learned_step_quant(w, step, 0, self.role.low, self.role.high, per_step)
        if self.first is not None:
            return fq.fake_quant(w, self.first, 0.0, self.role.low, self.role.high)
        return self._follow(w)[1]

    def _follow(self, w: Any) -> tuple[Any, Any]:
        axes = tuple(a for a in range(len(w.shape)) if a != self.axis)
        return _FOLLOWING[self.role.algorithm](w, axes, self.role)
