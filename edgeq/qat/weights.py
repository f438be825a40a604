"""How a layer's weights are rounded while they are trained, by what the scheme says of their scales."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from edgeq.ir import Node, QuantParams, Tensor
from edgeq.qat import fake_quant as fq
from edgeq.quant.params import SMALLEST_SCALE
from edgeq.quant.schemes import QuantScheme, RoleScheme, Rounding
from edgeq.quant.weights import fitting_role

#: (weights, the axes without the channels, role) → (scales, kept broadcastable; the rounded weights, through which
#: gradients pass straight).
_Follow = Callable[[Any, tuple[int, ...], RoleScheme], tuple[Any, Any]]


def _abs_max(w: Any, axes: tuple[int, ...], role: RoleScheme) -> tuple[Any, Any]:
    scale = _usable(ops.max(ops.abs(w), axis=axes, keepdims=True) / role.high)
    return scale, fq.fake_quant(w, scale, 0.0, role.low, role.high)


def _signs(w: Any, axes: tuple[int, ...], role: RoleScheme) -> tuple[Any, Any]:
    """−1 below 0, else 1; the scale is the mean magnitude (Rastegari et al., "XNOR-Net", 2016, equation 6)."""
    scale = _usable(ops.mean(ops.abs(w), axis=axes, keepdims=True))
    return scale, fq.straight_through(w, ops.where(w < 0, -scale, scale))


def _usable(scale: Any) -> Any:
    return ops.stop_gradient(ops.where(scale > SMALLEST_SCALE, scale, 1.0))


#: By algorithm of the scheme: those whose scales follow the weights through training. Others choose once, before.
_FOLLOWING: dict[str, _Follow] = {"abs-max": _abs_max, "mean": _signs}
#: Those among them that a learned step cannot stand for.
_OF_SIGNS = {"mean"}
#: Those that are trained with every scheme: of two steps around 0, none that is held stays the right one.
_TRAINED = {"ternary"}


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
        cls,
        node: Node,
        weights: Tensor,
        params: QuantParams,
        scheme: QuantScheme,
        variable: Callable[[Any, str], Any],
    ) -> LayerWeights:
        """Weights as training begins.

        Args:
            params: the first scales. scheme: the layer's.
            variable: (first value, name) → a variable that stays positive.
        """
        role = fitting_role(node.op, scheme.weight)
        trained = (scheme.learned_steps or role.algorithm in _TRAINED) and role.algorithm not in _OF_SIGNS
        # scales that follow the weights are those of weights that are rounded to the nearest
        nearest = scheme.rounding is Rounding.NEAREST
        if role.algorithm in _FOLLOWING and not trained and nearest:
            return cls(node, role, params.axis)
        shape = [1] * len(weights.shape)
        if params.axis is not None:
            shape[params.axis] = -1
        first = params.scale.reshape(shape)
        factor = variable(np.ones(first.shape), f"{weights.name}_step") if trained else None
        return cls(node, role, params.axis, first, factor)

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
