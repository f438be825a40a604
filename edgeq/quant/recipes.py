"""Recipes: a scheme for the whole network, and others for the layers whose names match.

scheme = "int8"            # of every layer that no rule names
observer = "percentile:99.9"

[[layer]]
match = "conv2d_[12]"      # a regular expression for the whole name; later rules go before earlier ones
granularity = "per tensor"
weight_bits = 4            # 2 to 8, within int4 and int8; activation_bits as well
"""

from __future__ import annotations

import enum
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgeq.errors import EdgeqError, QuantizationError
from edgeq.ir import DType, Graph, Node
from edgeq.ops import find_op
from edgeq.quant.channel_scaling import find_scaler
from edgeq.quant.ends import schemes_of_ends
from edgeq.quant.following import followers, real_operands
from edgeq.quant.observers import find_observer
from edgeq.quant.schemes import INT16_STATE, Granularity, QuantScheme, RoleScheme, Rounding, find_scheme
from edgeq.quant.states import typed_states
from edgeq.quant.weights import find_chooser

# A recipe is written by hand; more than this is another file given by mistake.
_MAX_BYTES = 1 << 20
_NAMES_SHOWN = 12
#: What a recipe may give weights and activations.
FEWEST, WIDEST = 2, 8


@dataclass(frozen=True)
class Rule:
    """The scheme of the layers whose whole name matches a pattern."""

    pattern: re.Pattern[str]
    scheme: QuantScheme


@dataclass(frozen=True)
class Recipe:
    """The scheme of each layer: that of the last rule which matches its name, else the default.

    Attributes:
        ends: by name, the layers at the network's ends, where the default makes a difference (`check` finds them).
        following: schemes of layers that no rule names, after those of their neighbours, by name
            (`edgeq.quant.following`): what `check` has found.
    """

    default: QuantScheme
    rules: tuple[Rule, ...] = ()
    ends: Mapping[str, QuantScheme] = field(default_factory=dict)
    following: Mapping[str, QuantScheme] = field(default_factory=dict)

    @classmethod
    def of(cls, default: QuantScheme, rules: Mapping[str, QuantScheme]) -> Recipe:
        """From schemes by pattern."""
        return cls(default, tuple(Rule(re.compile(pattern), scheme) for pattern, scheme in rules.items()))

    @property
    def name(self) -> str:
        return self.default.name if not self.rules else f"{self.default.name} with {len(self.rules)} rules"

    @property
    def schemes(self) -> tuple[QuantScheme, ...]:
        """All that it names."""
        return (self.default, *(rule.scheme for rule in self.rules), *self.ends.values())

    def named(self, name: str) -> QuantScheme | None:
        """The scheme of the last rule that names a layer, or of the network's ends."""
        found = next((rule.scheme for rule in reversed(self.rules) if rule.pattern.fullmatch(name)), None)
        return found or self.ends.get(name)

    @property
    def calibrated(self) -> bool:
        """Whether ranges come from calibration data; of a recipe that fits a graph, for all its layers."""
        return self.default.calibrated

    def layer(self, name: str) -> QuantScheme:
        return self.named(name) or self.following.get(name) or self.default

    def activation_roles(self, graph: Graph) -> dict[str, RoleScheme]:
        """The role of each tensor that a layer computes, by name.

        Inputs have the default's, but that of their readers where these have another type, all the same; states too,
        unless a layer computes a state's new value: then both have the layer's. What an operator carries on in a type
        of its own has INT16_STATE's.
        """
        roles = {name: self._source_role(graph.consumers().get(name, [])) for name in graph.sources}
        for node in graph.nodes:
            roles.update(dict.fromkeys(node.outputs, self.layer(node.loc).activation))
        roles.update(dict.fromkeys(typed_states(graph), INT16_STATE))
        roles.update({state.read: roles[state.written] for state in graph.states if state.written in roles})
        return roles

    def _source_role(self, readers: Sequence[Node]) -> RoleScheme:
        # a border between types is the reader's: what it reads, it takes in any type
        found = [self.layer(node.loc).activation for node in readers if node.op != "QUANTIZE"]
        types = {role.dtype for role in found}
        border = len(found) < len(readers)
        default = (self.default.ends or self.default).activation
        return default if border or len(types) != 1 or default.dtype in types else found[0]

    def check(self, graph: Graph) -> Recipe:
        """The recipe for a float graph that is ready to be quantized, with the network's ends and with the layers that
        follow others.

        Raises:
            QuantizationError: a rule names no layer, a layer cannot compute in its scheme's type, or the ranges of some
                are found at run time, and those of others are not, or not in the same way.
        """
        names = list(dict.fromkeys(node.loc for node in graph.nodes))
        for rule in self.rules:
            if not any(map(rule.pattern.fullmatch, names)):
                more = ", …" if len(names) > _NAMES_SHOWN else ""
                raise QuantizationError(
                    f"the recipe's rule {rule.pattern.pattern!r} matches no layer",
                    where=graph.name,
                    hint=f"the layers, after folding and fusing: {', '.join(names[:_NAMES_SHOWN])}{more}",
                )
        fitted = replace(self, ends=schemes_of_ends(graph, self.default))
        fitted = replace(fitted, following=followers(graph, fitted.named, self.default))
        for node in graph.nodes:
            _check_type(graph, node, fitted.layer(node.loc).activation.dtype)
        _check_times(graph, {node.loc: fitted.layer(node.loc) for node in graph.nodes}, fitted.default)
        return fitted


def _check_times(graph: Graph, layers: Mapping[str, QuantScheme], default: QuantScheme) -> None:
    times = {default.activation.ranges: "the default"}
    for name, scheme in layers.items():
        times.setdefault(scheme.activation.ranges, name)
        plain = (
            scheme.weight.dtype is DType.INT8
            and scheme.weight.is_plain
            and scheme.rounding is Rounding.NEAREST
            and not scheme.scaling
        )
        if not scheme.calibrated and not (plain and scheme.activation.high == DType.INT8.range[1]):
            raise QuantizationError(
                f"{scheme.name}: with ranges found at run time, weights are int8, unscaled and rounded to the nearest, "
                "and activations have all of int8",
                where=name,
            )
    if len(times) > 1:
        listed = ", ".join(f"{when.value} ({who})" for when, who in times.items())
        raise QuantizationError(
            f"the ranges of all layers of a network are found at one time, the recipe asks for {listed}",
            where=graph.name,
        )


def _check_type(graph: Graph, node: Node, dtype: DType) -> None:
    op = find_op(node.op)
    if op is None or not real_operands(graph, node) or not op.dtypes or dtype in op.dtypes:
        return
    known = [each.value for each in op.dtypes if each in (DType.INT8, DType.INT16)]
    raise QuantizationError(
        f"{node.op} computes in {' or '.join(known)}, not {dtype.value}",
        where=node.loc,
        hint=f"give this layer a rule of its own in a recipe, with a scheme of {' or '.join(known)} activations",
    )


def as_recipe(scheme: QuantScheme | Recipe) -> Recipe:
    return scheme if isinstance(scheme, Recipe) else Recipe(scheme)


def _observer(scheme: QuantScheme, value: Any) -> QuantScheme:
    if not scheme.calibrated:
        raise QuantizationError(f"{scheme.name} finds its ranges at run time: there is nothing to observe before")
    find_observer(value)
    return replace(scheme, activation=replace(scheme.activation, algorithm=value))


def _weights(scheme: QuantScheme, value: Any) -> QuantScheme:
    find_chooser(value)
    return replace(scheme, weight=replace(scheme.weight, algorithm=value))


def _granularity(scheme: QuantScheme, value: Any) -> QuantScheme:
    return replace(scheme, weight=replace(scheme.weight, granularity=_entry(Granularity, value, "granularity")))


def _clipping(scheme: QuantScheme, value: Any) -> QuantScheme:
    choices = {"results": True, "none": False}
    if value not in choices:
        raise QuantizationError(f"unknown clipping {value!r}", hint=f"one of: {', '.join(map(repr, choices))}")
    return replace(scheme, clipping=choices[value])


def _scaling(scheme: QuantScheme, value: Any) -> QuantScheme:
    if value != "none":
        find_scaler(value)
    return replace(scheme, scaling="" if value == "none" else value)


def _rounding(scheme: QuantScheme, value: Any) -> QuantScheme:
    return replace(scheme, rounding=_entry(Rounding, value, "rounding"))


def _weight_bits(scheme: QuantScheme, value: int) -> QuantScheme:
    role = scheme.weight.of_bits(
        value, mirrored=scheme.weight.symmetric and (not scheme.learned_steps or value == WIDEST)
    )
    return replace(scheme, weight=replace(role, dtype=DType.INT4 if value <= 4 else DType.INT8))


def _activation_bits(scheme: QuantScheme, value: int) -> QuantScheme:
    return replace(scheme, activation=scheme.activation.of_bits(value, mirrored=scheme.activation.symmetric))


def _bits(change: Callable[[QuantScheme, int], QuantScheme]) -> Callable[[QuantScheme, Any], QuantScheme]:
    def checked(scheme: QuantScheme, value: Any) -> QuantScheme:
        if isinstance(value, bool) or not isinstance(value, int) or not FEWEST <= value <= WIDEST:
            raise QuantizationError(f"bits are {FEWEST} to {WIDEST}, not {value!r}")
        return change(scheme, value)

    return checked


def _entry(kind: type[enum.Enum], value: Any, what: str) -> Any:
    known = {each.value: each for each in kind}
    if value not in known:
        raise QuantizationError(f"unknown {what} {value!r}", hint=f"one of: {', '.join(map(repr, known))}")
    return known[value]


#: What a recipe may say beside `scheme`, at its top and in a rule.
OPTIONS: Mapping[str, Callable[[QuantScheme, Any], QuantScheme]] = {
    "observer": _observer,
    "weights": _weights,
    "granularity": _granularity,
    "scaling": _scaling,
    "rounding": _rounding,
    "clipping": _clipping,
    "weight_bits": _bits(_weight_bits),
    "activation_bits": _bits(_activation_bits),
}
#: Those that a scheme's ends do not take over; they are integers.
_OF_BITS = {"weight_bits", "activation_bits"}


def with_options(scheme: QuantScheme, options: Mapping[str, Any], where: str = "") -> QuantScheme:
    """The scheme with some things done differently; raises QuantizationError for what cannot be."""
    for key, value in options.items():
        if key not in OPTIONS:
            raise QuantizationError(f"unknown option {key!r}", where=where, hint=f"known: {', '.join(OPTIONS)}")
        if key not in _OF_BITS and not isinstance(value, str):
            raise QuantizationError(f"option {key!r} takes a string, got {value!r}", where=where)
        try:
            scheme = OPTIONS[key](scheme, value)
            if scheme.ends is not None and key not in _OF_BITS:
                scheme = replace(scheme, ends=OPTIONS[key](scheme.ends, value))
        except EdgeqError as error:
            raise QuantizationError(error.what, where=where, hint=error.hint) from None
    return scheme


def choose_recipe(scheme: str | None, recipe: Path | str | Recipe | None, **options: str | int | None) -> Recipe:
    """What the user asked for: a recipe or its file, or a scheme by name ("int8" where neither is given), with OPTIONS.

    Options go for layers that no rule of the recipe names.

    Raises:
        QuantizationError: both a scheme and a recipe, or as `load_recipe`.
    """
    if scheme is not None and recipe is not None:
        raise QuantizationError(
            "a scheme and a recipe exclude each other", where=str(recipe), hint="write `scheme = …` into the recipe"
        )
    if isinstance(recipe, Recipe):
        chosen = recipe
    else:
        chosen = load_recipe(Path(recipe)) if recipe is not None else Recipe(find_scheme(scheme or "int8"))
    given = {key: value for key, value in options.items() if value is not None}
    return replace(chosen, default=with_options(chosen.default, given))


def load_recipe(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        QuantizationError: unreadable, not TOML, an unknown scheme or option, a bad pattern, or a combination that no
            kernel computes; names the rule.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise QuantizationError("too large for a recipe", where=str(path))
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise QuantizationError(f"cannot read: {problem.strerror or problem}", where=str(path)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise QuantizationError(f"not a TOML file: {problem}", where=str(path)) from None
    return parse_recipe(document, str(path))


def parse_recipe(document: Mapping[str, Any], where: str = "recipe") -> Recipe:
    """`load_recipe` of what is in memory."""
    rest = dict(document)
    layers = rest.pop("layer", [])
    default = _scheme(rest, find_scheme("int8"), where)
    if not isinstance(layers, list) or not all(isinstance(each, dict) for each in layers):
        raise QuantizationError("`layer` must be tables: [[layer]]", where=where)
    return Recipe(default, tuple(_rule(table, default, f"{where}: layer {n}") for n, table in enumerate(layers, 1)))


def _rule(table: Mapping[str, Any], default: QuantScheme, where: str) -> Rule:
    rest = dict(table)
    pattern = rest.pop("match", None)
    if not isinstance(pattern, str):
        raise QuantizationError("a layer's table needs `match`, a regular expression for layer names", where=where)
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as problem:
        raise QuantizationError(f"`match` is not a regular expression: {problem}", where=where) from None
    return Rule(compiled, _scheme(rest, default, where))


def _scheme(table: dict[str, Any], default: QuantScheme, where: str) -> QuantScheme:
    """`scheme` of a table, else the default, with the table's options."""
    name = table.pop("scheme", None)
    if name is None:
        return with_options(default, table, where)
    if not isinstance(name, str):
        raise QuantizationError(f"`scheme` takes a name, got {name!r}", where=where)
    try:
        return with_options(find_scheme(name), table, where)
    except QuantizationError as error:
        raise QuantizationError(error.what, where=error.where or where, hint=error.hint) from None
