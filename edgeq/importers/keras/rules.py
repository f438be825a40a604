"""What a layer rule is, and the register of all rules. The modules below `layers/` hold them; nothing lists them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import ModelError

if TYPE_CHECKING:
    from edgeq.importers.keras.builder import GraphBuilder

Config = Mapping[str, Any]


@dataclass(frozen=True)
class WeightNames:
    """A layer's weights in the order in which Keras saves them: trainable ones first.

    Those of a layer within it bear its name before a slash: "cell/kernel".
    """

    trainable: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """One call of a layer, as its rule sees it.

    Attributes:
        name: unique in the graph; the name of the layer's result.
        weights: by the names its rule gave them, float32.
        major: the Keras version that wrote the file.
        arguments: what the layer is called with beside tensors, such as use_causal_mask.
    """

    name: str
    config: Config
    weights: Mapping[str, np.ndarray]
    builder: GraphBuilder
    major: int
    owner: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def emit(self, op: str, inputs: tuple[str, ...], part: str = "", **attrs: Any) -> str:
        """Adds a node with these attributes of its operator and gives the name of its result.

        That is the layer's name, or `<layer>/<part>` for an intermediate result.
        """
        return self.builder.emit(
            op, inputs, attrs, f"{self.name}/{part}" if part else self.name, self.owner or self.name
        )

    def emit_all(self, op: str, inputs: tuple[str, ...], parts: tuple[str, ...], **attrs: Any) -> tuple[str, ...]:
        """The same with several results, the first of them the layer's own, the others its parts."""
        names = (self.name, *(f"{self.name}/{part}" for part in parts))
        return self.builder.emit_all(op, inputs, attrs, names, self.owner or self.name)

    def constant(self, part: str, values: np.ndarray) -> str:
        """Adds a constant; several calls of one layer share it."""
        return self.builder.constant(f"{self.owner or self.name}/{part}", values)

    def shape(self, tensor: str) -> tuple[int, ...]:
        return self.builder.tensors[tensor].shape

    def weight(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """A weight, checked: a damaged file may hold any shape."""
        array = self.weights[name]
        if array.shape != shape:
            raise ModelError(f"{name} has shape {list(array.shape)}, expected {list(shape)}", where=self.name)
        return array

    def inner(self, part: str) -> Layer:
        """The same layer where its result is only an intermediate one."""
        return replace(self, name=f"{self.name}/{part}", owner=self.owner or self.name)

    def part(self, part: str, config: Config, prefix: str = "") -> Layer:
        """A layer within this one: its own configuration, and the weights whose names begin with `prefix`."""
        weights = {name[len(prefix) :]: w for name, w in self.weights.items() if name.startswith(prefix)}
        inner, owner = self.inner(part), f"{self.owner or self.name}/{part}"
        return replace(inner, config=config, weights=weights, owner=owner, arguments={})


@dataclass(frozen=True)
class Rule:
    """How one Keras class becomes operators.

    Attributes:
        build: adds the nodes of one call and gives the name of its result, or the names of several.
        weights: the weights that such a layer has.
        check: why this configuration is not supported, "" if it is.
        arguments: names of the arguments beside tensors that it understands.
    """

    build: Callable[..., str | tuple[str, ...]]
    weights: Callable[[Config], WeightNames] = field(default=lambda config: WeightNames())
    check: Callable[[Config], str] = field(default=lambda config: "")
    arguments: tuple[str, ...] = ()

    @property
    def operands(self) -> int | None:
        """How many tensors such a layer is called with, None for any number."""
        kinds = [p.kind for p in inspect.signature(self.build).parameters.values()]
        return None if inspect.Parameter.VAR_POSITIONAL in kinds else len(kinds) - 1


_RULES: dict[str, Rule] = {}


def rule(
    *kinds: str,
    weights: Callable[[Config], WeightNames] | None = None,
    check: Callable[[Config], str] | None = None,
    arguments: tuple[str, ...] = (),
) -> Callable[[Callable[..., str]], Callable[..., str]]:
    """Function decorator: makes the rule known for these Keras classes."""

    def add(build: Callable[..., str]) -> Callable[..., str]:
        given = {key: value for key, value in (("weights", weights), ("check", check)) if value is not None}
        for kind in kinds:
            if kind in _RULES:
                raise ValueError(f"layer {kind} has two rules")
            _RULES[kind] = Rule(build, **given, arguments=arguments)
        return build

    return add


def find_rule(kind: str) -> Rule | None:
    return _RULES.get(kind)


def known_layers() -> tuple[str, ...]:
    """Keras classes that have a rule, sorted; `keras.ops` functions begin with "ops."."""
    return tuple(sorted(_RULES))


# --- reading configurations: every value comes from an untrusted file ------------------------------------------------


def integers(config: Config, key: str, count: int, default: Any = None) -> tuple[int, ...]:
    """`count` positive integers; a single one stands for all."""
    value = config.get(key, default)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count or not all(type(v) is int and 0 < v < 1 << 31 for v in values):
        raise ModelError(f"{key} is {value!r}, expected {count} positive integers", where=str(config.get("name", "")))
    return tuple(values)


def number(config: Config, key: str, default: float) -> float:
    """A finite number."""
    value = config.get(key, default)
    # numpy constants are saved as objects holding the value
    if isinstance(value, dict) and isinstance(value.get("config"), dict):
        value = value["config"].get("value")
    if type(value) not in (int, float) or not abs(value) < 1e38:
        raise ModelError(f"{key} is {value!r}, expected a number", where=str(config.get("name", "")))
    return float(value)


def channels_last(config: Config) -> str:
    """A `check`: the data format that all operators here use."""
    if config.get("data_format") in (None, "channels_last"):
        return ""
    return "data_format 'channels_first'; build the model with channels_last"
