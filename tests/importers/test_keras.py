"""Keras models become graphs that compute what Keras computes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import ModelError
from edgeq.importers.keras import load
from edgeq.ir import verify_graph
from edgeq.quant.evaluate import run
from tests.e2e.zoo import FOLDER, needs_zoo

from .conftest import MODELS


def assert_same_outputs(model, graph, vectors=3):
    rng = np.random.default_rng(5)
    inputs = {name: rng.normal(size=(vectors,) + graph.tensors[name].shape).astype(np.float32) for name in graph.inputs}
    for name, array in inputs.items():
        inputs[name] = array * 100 if len(graph.tensors[name].shape) == 4 else array
    found = run(graph, inputs)
    expected = model(
        [array[:, 0] for array in inputs.values()] if len(inputs) > 1 else next(iter(inputs.values()))[:, 0]
    )
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    assert len(expected) == len(graph.outputs)
    for name, wanted in zip(graph.outputs, expected, strict=True):
        wanted = np.asarray(wanted)
        assert graph.tensors[name].shape == (1, *wanted.shape[1:])
        np.testing.assert_allclose(found[name][:, 0], wanted, rtol=2e-4, atol=2e-5 * (1 + np.abs(wanted).max()))


@pytest.mark.parametrize("extension", [".keras", ".h5"])
@pytest.mark.parametrize("name", MODELS)
def test_computes_what_keras_computes(built, name, extension):
    model, folder = built(name)
    graph = load(folder / f"model{extension}")
    verify_graph(graph, "test")
    assert_same_outputs(model, graph)


def test_loading_needs_no_keras(built):
    """The importer reads files; it never runs the framework that wrote them."""
    import subprocess
    import sys

    _, folder = built("conv_stack")
    code = (
        "import sys, pathlib; from edgeq.importers.keras import load; "
        f"load(pathlib.Path({str(folder / 'model.keras')!r})); "
        "sys.exit(any(m in sys.modules for m in ('keras', 'tensorflow')))"
    )
    root = str(Path(__file__).resolve().parents[2])
    assert (
        subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, timeout=60).returncode == 0
    )


def test_tensors_are_named_after_layers(built):
    _, folder = built("nested_and_shared")
    graph = load(folder / "model.keras")
    assert graph.inputs == ("left", "right")
    assert {"shared/dense", "shared/call1/dense", "inner/twice", "inner/twice/call1"} <= {
        name.rsplit("_", 1)[0] if name.rsplit("_", 1)[-1].isdigit() else name for name in graph.tensors
    }


def test_calls_of_a_shared_layer_share_its_constants(built):
    _, folder = built("nested_and_shared")
    graph = load(folder / "model.keras")
    kernels = [n.inputs[1] for n in graph.nodes if n.op == "FULLY_CONNECTED" and "twice" in n.loc]
    assert len(kernels) == 4 and len(set(kernels)) == 1


def test_keras_ops_nodes(keras, tmp_path):
    x = keras.Input((6,), name="x")
    y = keras.ops.relu((x * 2.0 - 1.0) / 4.0) + keras.ops.convert_to_tensor(np.arange(6, dtype=np.float32))
    y = keras.ops.concatenate([y, 3.0 - x], axis=-1)
    y = y * keras.ops.mean(y, axis=-1, keepdims=True)
    y = keras.ops.reshape(keras.ops.tanh(keras.ops.sigmoid(y)), (-1, 3, 4))
    model = keras.Model(x, keras.ops.softmax(y))
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_more_keras_ops_nodes(keras, tmp_path):
    ops, x = keras.ops, keras.Input((3, 4), name="x")
    y = ops.maximum(ops.gelu(x), ops.leaky_relu(x, 0.1)) - ops.minimum(ops.elu(x), ops.hard_silu(x))
    y = ops.transpose(y + keras.activations.gelu(x), (0, 2, -2))
    model = keras.Model(x, [ops.exp(y), ops.rsqrt(ops.absolute(y) + 0.5)])
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_reductions_and_broadcasts(keras, tmp_path):
    ops, x = keras.ops, keras.Input((3, 4), name="x")
    y = ops.sum(x, axis=(1, -1), keepdims=True) + ops.broadcast_to(ops.max(x, axis=1, keepdims=True), (1, 3, 4))
    z = [ops.min(x, axis=2), ops.sum(x, axis=1), ops.prod(x, axis=2), ops.cumsum(x, axis=1), ops.cumsum(x, axis=-1)]
    model = keras.Model(x, [y, *z])
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"), vectors=1)


def test_functions_of_tensors(keras, tmp_path):
    ops, x = keras.ops, keras.Input((3, 4), name="x")
    y = ops.square(x) + 1.0
    z = [ops.log(y), ops.sqrt(y), ops.sin(x), ops.cos(x), ops.floor(x * 3.0), ops.ceil(x * 3.0), ops.round(x * 3.0)]
    z += [x / y, 2.0 / y, ops.log_softmax(x), ops.normalize(x, axis=-1), -x]
    model = keras.Model(x, z)
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_activations_that_are_tables(keras, tmp_path):
    ops, layers, x = keras.ops, keras.layers, keras.Input((3, 7), name="x")
    names = ("celu", "hard_tanh", "log_sigmoid", "mish", "selu", "softplus", "softsign", "squareplus", "tanh_shrink")
    y = [layers.Activation(name)(x) for name in (*names, "soft_shrink", "hard_shrink", "sparse_plus")]
    y += [layers.ReLU(max_value=2, negative_slope=0.1, threshold=0.3)(x), layers.ELU(0.4)(x)]
    y += [ops.celu(x, 0.3), ops.threshold(x, 0.2, -1.0), ops.soft_shrink(x, 0.3), ops.clip(x, -0.4, 0.9)]
    y += [ops.clip(x, 0, 6), (ops.absolute(x) + 1.0) ** 1.7, x**2.0, ops.reciprocal(ops.absolute(x) + 1.0)]
    model = keras.Model(x, y)
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_rearrangements(keras, tmp_path):
    ops, x = keras.ops, keras.Input((3, 1, 4), name="x")
    y = [ops.squeeze(x, axis=2), ops.squeeze(x), ops.expand_dims(x, axis=(1, -1)), ops.flip(x, axis=(1, -1))]
    y += [ops.tile(x, (1, 2, 3, 1)), ops.tile(x, 2), ops.stack([x, x + 1.0], axis=-2)]
    model = keras.Model(x, y)
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_normalization_of_groups(keras, tmp_path):
    layers, x = keras.layers, keras.Input((5, 4, 6), name="x")
    y = [layers.GroupNormalization(3)(x), layers.GroupNormalization(-1, epsilon=0.1)(x)]
    y.append(layers.GroupNormalization(1, center=False, scale=False)(layers.Reshape((20, 6))(x)))
    model = keras.Model(x, y)
    rng = np.random.default_rng(2)
    for layer in model.layers:
        layer.set_weights([rng.normal(size=w.shape) for w in layer.get_weights()])
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_depthwise_layers_of_old_files_have_groups(keras, tmp_path):
    """Keras 2 saved `groups` of DepthwiseConv2D, which Keras 3 refuses to load."""
    import h5py

    x = keras.Input((6, 6, 2))
    model = keras.Model(x, keras.layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"][1]["config"]["groups"] = 2
        file.attrs["model_config"] = json.dumps(config)
    assert_same_outputs(model, load(tmp_path / "m.h5"))


def test_embeddings_take_integers(keras, tmp_path):
    layers, x, y = keras.layers, keras.Input((5,), dtype="int32", name="x"), keras.Input((2, 3), name="y")
    shared = layers.Embedding(11, 4)
    model = keras.Model([x, y], [layers.GlobalAveragePooling1D()(shared(x)), layers.Embedding(7, 2)(y), shared(x)])
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        graph = load(tmp_path / name)
        assert [graph.tensors[i].dtype.value for i in graph.inputs] == ["int32", "int32"]
        ids = [np.arange(10).reshape(2, 5) % 11, np.arange(12).reshape(2, 2, 3) % 7]
        found = run(graph, {n: i[:, np.newaxis].astype(np.int32) for n, i in zip(graph.inputs, ids, strict=True)})
        for name_, wanted in zip(graph.outputs, model(ids), strict=True):
            np.testing.assert_allclose(found[name_][:, 0], wanted, atol=1e-6)


def test_indices_are_not_computed_with(keras, tmp_path):
    x = keras.Input((5,), name="x")
    model = keras.Model(x, [keras.layers.Embedding(11, 4)(x), keras.layers.Dense(2)(x)])
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="computed with"):
        load(tmp_path / "m.keras")


def test_products_of_tensors(keras, tmp_path):
    x, y = keras.Input((3, 4), name="x"), keras.Input((5, 4), name="y")
    model = keras.Model([x, y], keras.ops.matmul(x, keras.ops.transpose(y, (0, 2, 1))))
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_normalization_by_the_root_mean_square(keras, tmp_path):
    x = keras.Input((3, 6), name="x")
    model = keras.Model(x, keras.layers.RMSNormalization()(x))
    model.layers[-1].scale.assign(np.linspace(-1, 2, 6))
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_normalization_adapted_to_data(keras, tmp_path):
    data = np.random.default_rng(1).normal(3.0, [1.0, 5.0, 0.2], (50, 7, 3)).astype(np.float32)
    for axis, invert in ((-1, False), (None, False), (-1, True)):
        layer = keras.layers.Normalization(axis=axis, invert=invert)
        layer.adapt(data)
        model = keras.Sequential([keras.Input((7, 3)), layer])
        model.save(tmp_path / "m.keras")
        assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_sequential_without_an_input_layer(keras, tmp_path):
    model = keras.Sequential([keras.layers.Dense(3), keras.layers.Dense(2)])
    model.build((None, 4))
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


def test_mixed_precision_and_custom_regularizers_do_not_matter(keras, tmp_path):
    """What only training needs is not looked at."""

    @keras.saving.register_keras_serializable("user")
    class Odd(keras.regularizers.Regularizer):
        def __call__(self, x):
            return 0.0 * keras.ops.sum(x)

        def get_config(self):
            return {}

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, kernel_regularizer=Odd())])
    model.save(tmp_path / "m.keras")
    assert_same_outputs(model, load(tmp_path / "m.keras"))


@needs_zoo
@pytest.mark.parametrize(
    ("stem", "layers"),
    [("resnet8_float", {"CONV_2D": 9, "ADD": 3, "FULLY_CONNECTED": 1}), ("ad_float", {"FULLY_CONNECTED": 10})],
)
def test_keras_2_files(keras, stem, layers):
    from edgeq.passes import prepare_float

    path = FOLDER / f"{stem}.h5"
    graph = prepare_float(load(path))
    assert {op: sum(n.op == op for n in graph.nodes) for op in layers} == layers
    assert_same_outputs(keras.saving.load_model(path, compile=False), graph)


@needs_zoo
def test_the_keras_and_the_tflite_file_of_one_model_agree():
    from edgeq.importers import tflite

    graphs = [load(FOLDER / "resnet8_float.h5"), tflite.load(FOLDER / "resnet8_float.tflite")]
    x = np.random.default_rng(3).uniform(0, 255, (2, 1, 32, 32, 3)).astype(np.float32)
    mine, theirs = (run(g, {g.inputs[0]: x})[g.outputs[0]] for g in graphs)
    np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_files_of_keras_2_name_the_folder_of_layers_otherwise(keras, tmp_path):
    """Keras 2.12 to 2.15 wrote `.keras` files too."""
    x = keras.Input((7,), name="x")
    model = keras.Model(x, keras.layers.Dense(3)(keras.layers.Dense(5)(x)))
    assert_same_outputs(model, load(as_keras_2(model, tmp_path)))


def test_attention_of_keras_2(keras, tmp_path):
    """Its files name inner layers as attributes are called, and its calls hold a tensor in an argument with a name."""
    x = keras.Input((6, 8), name="x")
    inner = keras.Model(y := keras.Input((6, 8)), keras.layers.Dense(8)(y), name="inner")(x)
    model = keras.Model(x, keras.layers.MultiHeadAttention(2, 3, name="attention")(x, inner, key=x))

    def legacy(config):
        attention = next(layer for layer in config["config"]["layers"] if layer["name"] == "attention")
        # in Keras 2 the inner model's construction is call 0
        attention["inbound_nodes"] = [[["x", 0, 0, {"value": ["inner", 1, 0], "key": ["x", 0, 0]}]]]
        layer = next(layer for layer in config["config"]["layers"] if layer["name"] == "inner")
        layer["inbound_nodes"] = [[["x", 0, 0, {}]]]

    def attributes(h5):
        group = h5["_layer_checkpoint_dependencies/multi_head_attention"]
        for name in list(group):
            if name != "vars":
                group.move(name, f"_{name}")

    path = as_keras_2(model, tmp_path, legacy, attributes)
    assert_same_outputs(model, load(path))


def test_functions_of_tensorflow_in_files_of_keras_2(keras, tmp_path):
    """As its MobileNetV3 holds them: a number stands among the arguments, by name or first of all."""
    ops = keras.ops
    x = keras.Input((5,), name="x")
    y = keras.layers.Dense(4, name="dense")(x)
    z = ops.multiply(ops.relu6(ops.add(y, 3.0)), 0.25)
    model = keras.Model(x, ops.add(ops.subtract(2.0, z), y))
    functions = {"Add": "math.add", "Relu6": "nn.relu6", "Multiply": "math.multiply", "Subtract": "math.subtract"}

    def tensor(value):
        return value["config"]["keras_history"] if isinstance(value, dict) else value

    def legacy(config):
        for layer in config["config"]["layers"]:
            if layer["class_name"] not in functions:
                continue
            ((first, *rest),) = (node["args"] for node in layer["inbound_nodes"])
            named = {"y": tensor(rest[0])} if rest else {}
            first = tensor(first) if isinstance(first, dict) else ["_CONSTANT_VALUE", -1, first]
            layer["inbound_nodes"] = [[*first, {**named, "name": None}]]
            layer["config"] = {"name": layer["name"], "function": functions[layer["class_name"]]}
            layer |= {"class_name": "TFOpLambda", "module": "keras.layers"}

    path = as_keras_2(model, tmp_path, legacy)
    assert_same_outputs(model, load(path))

    def unknown(config):
        legacy(config)
        config["config"]["layers"][-1]["config"]["function"] = "math.betainc"

    with pytest.raises(ModelError, match="tf.math.betainc, a function of TensorFlow's"):
        load(as_keras_2(model, tmp_path, unknown))


def as_keras_2(model, folder, change_config=lambda config: None, change_weights=lambda h5: None):
    """The model's `.keras` file with Keras 2's names of folders and what else is changed."""
    import io
    import json
    import zipfile

    import h5py

    model.save(folder / "new.keras")
    with zipfile.ZipFile(folder / "new.keras") as new, zipfile.ZipFile(folder / "old.keras", "w") as old:
        for name in new.namelist():
            data = new.read(name)
            if name == "config.json":
                config = json.loads(data)
                change_config(config)
                data = json.dumps(config).encode()
            if name == "model.weights.h5":
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as h5:
                    _rename_folders(h5)
                    change_weights(h5)
                data = buffer.getvalue()
            old.writestr(name, data)
    return folder / "old.keras"


def _rename_folders(group):
    """Every folder of layers, those of nested models included."""
    for name in [name for name in group if hasattr(group[name], "keys")]:
        _rename_folders(group[name])
        if name == "layers":
            group.move(name, "_layer_checkpoint_dependencies")
