"""Recipes: what they say, and everything that is wrong with one before any work starts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from edgeq import api
from edgeq.cli import main
from edgeq.errors import EdgeqError, QuantizationError
from edgeq.ir import DType
from edgeq.quant.recipes import choose_recipe, load_recipe
from edgeq.quant.schemes import SCHEMES, Granularity

from .nets import data_for, mixed_net

GOOD = """
scheme = "abs-max"
observer = "mse"
[[layer]]
match = "conv|dense"
scheme = "int8"
granularity = "per tensor"
[[layer]]
match = "dense"
weights = "mse"
"""


def recipe(tmp_path, text: str):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return path


def test_later_rules_win_and_begin_from_the_default(tmp_path):
    found = load_recipe(recipe(tmp_path, GOOD)).check(mixed_net())
    assert found.layer("depthwise").name == "abs-max" and found.layer("depthwise").activation.algorithm == "mse"
    assert found.layer("conv").name == "int8" and found.layer("conv").activation.algorithm == "min-max"
    assert found.layer("conv").weight.granularity is Granularity.PER_TENSOR
    assert found.layer("dense").name == "abs-max" and found.layer("dense").weight.algorithm == "mse"
    # the whole name has to match
    assert found.layer("dense_1").weight.algorithm == "abs-max"


def test_bits_are_ranges_within_the_types(tmp_path):
    found = load_recipe(
        recipe(tmp_path, "weight_bits = 5\nactivation_bits = 3\n[[layer]]\nmatch='conv'\nweight_bits = 3")
    )
    assert (found.default.activation.low, found.default.activation.high) == (-4, 3)
    assert (found.default.weight.low, found.default.weight.high, found.default.weight.dtype) == (-15, 15, DType.INT8)
    weight = found.layer("conv").weight
    assert (weight.low, weight.high, weight.dtype) == (-3, 3, DType.INT4)


def test_a_schemes_ends_take_its_options_but_the_bits(tmp_path):
    found = load_recipe(recipe(tmp_path, "scheme = 'lsq'\nobserver = 'entropy'\nweight_bits = 2\nactivation_bits = 2"))
    scheme = found.default
    assert (scheme.weight.low, scheme.weight.high) == (-2, 1) and scheme.ends.weight.high == 127
    assert scheme.activation.algorithm == scheme.ends.activation.algorithm == "entropy"
    resolved = found.check(mixed_net())
    bits = {name: (resolved.layer(name).weight.high, resolved.layer(name).activation.high) for name in resolved.ends}
    # what the last layer with weights reads, and what comes behind it, has 8 bits
    assert bits == {"conv": (127, 1), "dense": (1, 127), "logits": (127, 127), "probabilities": (1, 127)}
    assert resolved.name == "lsq"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scheme = ", "not a TOML file"),
        ("scheme = 'int9'", "unknown quantization scheme 'int9'"),
        ("scheme = 8", "takes a name, got 8"),
        ("colour = 'red'", "unknown option 'colour'"),
        ("observer = 'guess'", "unknown calibration algorithm 'guess'"),
        ("observer = 3", "'observer' takes a string"),
        ("weights = 'guess'", "unknown algorithm for weights: 'guess'"),
        ("granularity = 'fine'", "unknown granularity 'fine'"),
        ("weight_bits = '4'", "bits are 2 to 8, not '4'"),
        ("weight_bits = true", "bits are 2 to 8, not True"),
        ("activation_bits = 9", "bits are 2 to 8, not 9"),
        ("layer = 3", r"\[\[layer\]\]"),
        ("[[layer]]\nscheme = 'int8'", "layer 1: .*needs `match`"),
        ("[[layer]]\nmatch = '('", "not a regular expression"),
        ("[[layer]]\nmatch = 'conv'\n[[layer]]\nmatch = 'x'\nscheme = 'y'", "layer 2: unknown quantization scheme 'y'"),
    ],
)
def test_what_a_recipe_cannot_say(tmp_path, text, message):
    with pytest.raises(QuantizationError, match=message):
        load_recipe(recipe(tmp_path, text))


def test_files_that_are_no_recipes(tmp_path):
    with pytest.raises(QuantizationError, match="cannot read"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "noise").write_bytes(bytes(range(256)))
    with pytest.raises(QuantizationError, match="not a TOML file"):
        load_recipe(tmp_path / "noise")
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(1 << 30)
    with pytest.raises(QuantizationError, match="too large"):
        load_recipe(tmp_path / "large")


def test_a_scheme_and_a_recipe_exclude_each_other(tmp_path):
    with pytest.raises(QuantizationError, match="exclude"):
        choose_recipe("int8", recipe(tmp_path, GOOD))


def test_a_rule_for_no_layer_lists_the_layers_before_any_data_is_read(tmp_path):
    path = recipe(tmp_path, "[[layer]]\nmatch = 'conv2d_9'\nscheme = 'abs-max'")
    with pytest.raises(QuantizationError, match="'conv2d_9' matches no layer") as refused:
        api.quantize_model(mixed_net(), tmp_path / "there is no such file.npz", recipe=path)
    assert "depthwise" in refused.value.hint


def test_a_float_model_needs_calibration_unless_ranges_are_found_at_run_time():
    for scheme in (name for name, each in SCHEMES.items() if each.calibrated):
        with pytest.raises(EdgeqError, match="typical inputs are needed"):
            api.quantize_model(mixed_net(), None, scheme=scheme)


def test_options_given_beside_a_recipe_go_for_its_default(tmp_path):
    found = choose_recipe(None, recipe(tmp_path, GOOD), observer="percentile:99", weights=None)
    assert found.layer("depthwise").activation.algorithm == "percentile:99"
    assert found.layer("conv").activation.algorithm == "min-max"


def test_quantize_model_takes_schemes_recipes_and_observers(tmp_path):
    graph = mixed_net()
    np.savez(tmp_path / "data.npz", **data_for(graph))
    found = {}
    for key, options in {
        "int8": {}, "abs-max": {"scheme": "abs-max"}, "mse": {"observer": "mse"},
        "recipe": {"recipe": recipe(tmp_path, GOOD)},
    }.items():  # fmt: skip
        integer, _ = api.quantize_model(graph, tmp_path / "data.npz", **options)
        found[key] = integer.tensors["conv"].quant.per_tensor
    assert len(set(found.values())) == 3 and found["recipe"] == found["int8"]


def test_the_command_line_lists_the_schemes():
    listed = json.loads(CliRunner().invoke(main, ["schemes", "--json"], catch_exceptions=False).stdout)["schemes"]
    assert [row["name"] for row in listed] == list(SCHEMES)
    printed = CliRunner().invoke(main, ["schemes"], catch_exceptions=False).stdout
    words = " ".join(printed.split())
    for row in listed:
        assert row["name"] in words and row["activations"] in words
