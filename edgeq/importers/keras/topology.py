"""Keras model configurations, of every dialect, in one form: layers, their calls, and who feeds whom."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.tf_functions import LAYER, ops_class

MAX_DEPTH = 32
_MODELS = ("Functional", "Model", "Sequential")


@dataclass(frozen=True)
class Ref:
    """The `index`-th output of the `call`-th call of a layer."""

    layer: str
    call: int
    index: int


@dataclass(frozen=True)
class Call:
    """One use of a layer: arguments as given to it, `Ref`s in place of tensors, lists and dicts kept."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refs(self) -> tuple[Ref, ...]:
        """All tensors among the arguments, in order."""
        return tuple(_refs_in([self.args, self.kwargs]))


@dataclass(frozen=True)
class LayerSpec:
    """One layer of a model.

    Attributes:
        kind: its class name; for `keras.ops` nodes "ops.<class name>".
        custom: registered or defined outside Keras.
        calls: empty in a Sequential model, whose layers are called one after the other.
        nested: the model, if the layer is one.
    """

    name: str
    kind: str
    config: Mapping[str, Any]
    custom: bool
    calls: tuple[Call, ...] = ()
    nested: ModelSpec | None = None


@dataclass(frozen=True)
class ModelSpec:
    """A model. `inputs` and `outputs` are empty for a Sequential one."""

    name: str
    sequential: bool
    layers: tuple[LayerSpec, ...]
    inputs: tuple[Ref, ...] = ()
    outputs: tuple[Ref, ...] = ()
    input_shape: tuple[Any, ...] | None = None


def parse_model(document: Mapping[str, Any]) -> ModelSpec:
    """The model of a configuration.

    Raises:
        ModelError: the configuration is inconsistent, or the model is a subclassed one.
    """
    try:
        kind = document["class_name"]
        if kind not in _MODELS or _is_custom(document):
            raise ModelError(
                f"the model is of the custom class {kind!r}",
                hint="build it with the functional API, whose files describe the layers: keras.Model(inputs, outputs)",
            )
        return _model(document, 0)
    # a configuration that lacks an entry or has one of another type: the file is at fault, whichever it is
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise ModelError(
            f"the model's configuration is damaged: {type(error).__name__}: {error}",
            hint="save the model again with model.save(...)",
        ) from error


def walk(model: ModelSpec, prefix: str = "") -> Iterator[tuple[str, LayerSpec]]:
    """All layers with their full names, nested ones included, models themselves left out."""
    for layer in model.layers:
        if layer.nested is not None:
            yield from walk(layer.nested, f"{prefix}{layer.name}/")
        else:
            yield prefix + layer.name, layer


def _is_custom(entry: Mapping[str, Any]) -> bool:
    """Whether the class lives outside Keras. `.h5` files name no module: "package>name" is a kind without a rule."""
    module = entry.get("module")
    return module is not None and str(module).split(".")[0] not in ("keras", "builtins")


def _model(entry: Mapping[str, Any], depth: int) -> ModelSpec:
    if depth > MAX_DEPTH:
        raise ModelError(f"models are nested more than {MAX_DEPTH} deep")
    config = entry["config"]
    sequential = entry["class_name"] == "Sequential"
    # Keras before 2.2.3 wrote a bare list of layers
    entries = config if isinstance(config, list) else config["layers"]
    name = str(config.get("name", "model")) if isinstance(config, dict) else "model"
    layers = tuple(_layer(item, depth) for item in entries)
    if len({layer.name for layer in layers}) != len(layers):
        raise ModelError("two layers have the same name", where=name)
    if sequential:
        shape = None if isinstance(config, list) else config.get("build_input_shape")
        return ModelSpec(name, True, layers, input_shape=tuple(shape) if shape is not None else None)
    shifted = {layer.name for layer in layers if layer.nested is not None and not layer.nested.sequential}
    shifted |= {layer.name for layer in layers if _is_legacy_shifted(layer, entries)}

    def ends(key: str) -> tuple[Ref, ...]:
        refs = _flat_refs(config[key])
        # a nested functional model counts its own construction as call 0, but only in these two lists
        return tuple(Ref(r.layer, r.call - 1, r.index) if r.layer in shifted else r for r in refs)

    return ModelSpec(name, False, _legacy_shift(layers, entries, shifted), ends("input_layers"), ends("output_layers"))


def _is_legacy_shifted(layer: LayerSpec, entries: list[Any]) -> bool:
    """Keras 2 treats a Sequential model that starts with an InputLayer like a functional one."""
    if layer.nested is None or not layer.nested.sequential or not _is_legacy(entries):
        return False
    return bool(layer.nested.layers) and layer.nested.layers[0].kind == "InputLayer"


def _is_legacy(entries: list[Any]) -> bool:
    """Calls are written as lists (Keras 2) instead of args and kwargs (Keras 3)."""
    return any(isinstance(node, list) for entry in entries for node in entry.get("inbound_nodes", ()))


def _legacy_shift(layers: tuple[LayerSpec, ...], entries: list[Any], shifted: set[str]) -> tuple[LayerSpec, ...]:
    """Keras 2 counts the construction of a nested model as its call 0 in the calls of other layers too."""
    if not shifted or not _is_legacy(entries):
        return layers

    def unshift(value: Any) -> Any:
        if isinstance(value, Ref):
            return Ref(value.layer, value.call - 1, value.index) if value.layer in shifted else value
        if isinstance(value, list):
            return [unshift(v) for v in value]
        return value

    return tuple(
        LayerSpec(
            layer.name,
            layer.kind,
            layer.config,
            layer.custom,
            tuple(
                Call(tuple(unshift(a) for a in call.args), {k: unshift(v) for k, v in call.kwargs.items()})
                for call in layer.calls
            ),
            layer.nested,
        )
        for layer in layers
    )


def _layer(entry: Mapping[str, Any], depth: int) -> LayerSpec:
    kind, config = str(entry["class_name"]), entry["config"]
    custom = _is_custom(entry)
    nested = _model(entry, depth + 1) if kind in _MODELS and not custom else None
    name = entry.get("name") or (nested.name if nested is not None else config["name"])
    if str(entry.get("module", "")).startswith("keras.src.ops") or str(entry.get("module", "")).startswith("keras.ops"):
        kind = f"ops.{kind}"
    if nested is None and not isinstance(config, dict):
        raise TypeError(f"the configuration of layer {name!r} is not an object")
    calls = tuple(_call(node) for node in entry.get("inbound_nodes", ()))
    if kind == LAYER and not custom and (known := ops_class(config, [call.kwargs for call in calls])):
        kind = f"ops.{known}"
        calls = tuple(Call((*call.args, *(call.kwargs[n] for n in ("y",) if n in call.kwargs))) for call in calls)
    return LayerSpec(str(name), kind, config if isinstance(config, dict) else {}, custom, calls, nested)


def _call(node: Any) -> Call:
    if isinstance(node, dict):
        return Call(tuple(_argument(a) for a in node["args"]), {k: _argument(v) for k, v in node["kwargs"].items()})
    # Keras 2: one [layer, call, index, kwargs] per tensor; several make one list argument
    refs, kwargs = [], {}
    for item in [node] if node and isinstance(node[0], str) else node:
        # numbers stand among them where a function of TensorFlow takes one first
        is_number = item[0] == "_CONSTANT_VALUE" and type(item[2]) in (int, float)
        refs.append(item[2] if is_number else Ref(str(item[0]), int(item[1]), int(item[2])))
        if len(item) > 3:
            kwargs.update({name: _legacy_argument(value) for name, value in item[3].items()})
    return Call((refs[0],) if len(refs) == 1 else (refs,), kwargs)


def _legacy_argument(value: Any) -> Any:
    """An argument of a Keras 2 call that has a name; a tensor is [layer, call, index]."""
    if not isinstance(value, list):
        return value
    if [type(v) for v in value] == [str, int, int]:
        return Ref(*value)
    return [_legacy_argument(v) for v in value]


def _argument(value: Any) -> Any:
    """An argument of a Keras 3 call."""
    if isinstance(value, list):
        return [_argument(v) for v in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__keras_tensor__":
        layer, call, index = value["config"]["keras_history"]
        return Ref(str(layer), int(call), int(index))
    if kind in ("__tensor__", "__numpy__"):
        return np.asarray(value["config"]["value"], np.float32)
    if kind == "__tuple__":
        return [_argument(v) for v in value["items"]]
    if kind is None:
        return {k: _argument(v) for k, v in value.items()}
    raise ModelError(f"a layer is called with an argument of class {kind!r}, which is not supported")


def _refs_in(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _refs_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _refs_in(item)


def _flat_refs(value: Any) -> list[Ref]:
    """[layer, call, index], or lists or dicts of them, in Keras' order (dicts by sorted key)."""
    if isinstance(value, dict):
        return [ref for key in sorted(value) for ref in _flat_refs(value[key])]
    if not isinstance(value, list):
        raise TypeError(f"expected a list of tensors, found {json.dumps(value)[:40]}")
    if len(value) == 3 and isinstance(value[0], str):
        return [Ref(value[0], int(value[1]), int(value[2]))]
    return [ref for item in value for ref in _flat_refs(item)]
