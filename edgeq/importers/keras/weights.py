"""Which saved array is which weight of which layer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from edgeq.errors import ModelError
from edgeq.importers.keras.container import KerasFile
from edgeq.importers.keras.rules import WeightNames, find_rule
from edgeq.importers.keras.topology import LayerSpec, ModelSpec

_HINT = (
    "save the model again with model.save(...); where that gives the same, its Keras names weights in a way that edgeq "
    "does not know"
)

Assigned = dict[str, dict[str, np.ndarray]]


def assign_weights(spec: ModelSpec, file: KerasFile) -> Assigned:
    """By full layer name (nested ones joined by "/"), by weight name.

    Raises:
        ModelError: a weight is missing, or a layer has another number of them; or one is NaN or infinite.
    """
    if file.legacy:
        assigned = _from_legacy(spec, file.weights)
    else:
        saved = {_modern(path): array for path, array in file.weights.items()}
        assigned = dict(_from_paths(spec, saved, "", ""))
    for layer, weights in assigned.items():
        for name, array in weights.items():
            if not np.all(np.isfinite(array)):
                raise ModelError(f"{name} holds NaN or infinite values", where=layer, hint="train the model again")
    return assigned


def _modern(path: str) -> str:
    """Keras 3's path for one of Keras 2.12 to 2.15, whose .keras files call folders as attributes are called."""
    return re.sub(r"(^|/)_", r"\1", path.replace("_layer_checkpoint_dependencies/", "layers/"))


def _names(layer: LayerSpec) -> WeightNames:
    rule = find_rule(layer.kind)
    return WeightNames() if rule is None else rule.weights(layer.config)


def _from_paths(
    spec: ModelSpec, saved: Mapping[str, np.ndarray], path: str, prefix: str
) -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Keras 3 files layers by their class name in snake case, numbered in the order of the model's layers."""
    counts: dict[str, int] = {}
    for index, layer in enumerate(spec.layers):
        # `keras.ops` nodes are no layers; neither is, to a Sequential model, the InputLayer it starts with
        if layer.kind.startswith("ops.") or (spec.sequential and index == 0 and layer.kind == "InputLayer"):
            continue
        snake = _snake_case(layer.kind)
        count = counts.get(snake, 0)
        counts[snake] = count + 1
        place = f"{path}layers/{snake}" + (f"_{count}" if count else "")
        if layer.nested is not None:
            yield from _from_paths(layer.nested, saved, f"{place}/", f"{prefix}{layer.name}/")
            continue
        names = _names(layer)
        found: dict[str, np.ndarray] = {}
        positions: dict[str, int] = {}
        for name in names.trainable + names.frozen:
            folder = f"{place}/{name}".rpartition("/")[0]
            position = positions.get(folder, 0)
            positions[folder] = position + 1
            if f"{folder}/vars/{position}" not in saved:
                raise ModelError(f"its weight {name!r} is missing", where=prefix + layer.name, hint=_HINT)
            found[name] = saved[f"{folder}/vars/{position}"]
        yield prefix + layer.name, found


def _snake_case(name: str) -> str:
    """Keras' naming of classes in weight files: SeparableConv2D → separable_conv2d."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _from_legacy(spec: ModelSpec, saved: Mapping[str, np.ndarray]) -> Assigned:
    """`.h5` files keep one list per layer of the outermost model: the trainable weights, then the others."""
    assigned: Assigned = {}
    for layer in spec.layers:
        slots = _legacy_slots(layer, "", True)
        order = [slot for slot in slots if slot[2]] + [slot for slot in slots if not slot[2]]
        for position, (owner, name, _) in enumerate(order):
            key = f"{layer.name}/{position}"
            if key not in saved:
                raise ModelError(f"its weight {name!r} is missing", where=owner, hint=_HINT)
            assigned.setdefault(owner, {})[name] = saved[key]
    return assigned


def _legacy_slots(layer: LayerSpec, prefix: str, trainable: bool) -> list[tuple[str, str, bool]]:
    """(layer, weight, trainable) of all weights of a layer and of the layers in it."""
    trainable = trainable and layer.config.get("trainable", True) is not False
    if layer.nested is not None:
        return [
            slot for inner in layer.nested.layers for slot in _legacy_slots(inner, f"{prefix}{layer.name}/", trainable)
        ]
    names = _names(layer)
    owner = prefix + layer.name
    return [(owner, name, trainable) for name in names.trainable] + [(owner, name, False) for name in names.frozen]
