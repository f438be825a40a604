"""What the Keras importer refuses, and how: damaged, hostile and unsupported files give one ModelError, quickly."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import zipfile

import h5py
import numpy as np
import pytest

from edgeq.errors import ModelError
from edgeq.importers.keras import container, load
from edgeq.importers.keras.trial import survive


def rewrite(source, target, **members):
    """A copy of a .keras archive with members replaced by bytes, or left out where None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = members.get(name.replace(".", "_"), old.read(name))
            if data is not None:
                new.writestr(name, data)
    return target


def config_of(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json"))


@pytest.fixture
def archive(built):
    return built("conv_stack")[1] / "model.keras"


@pytest.fixture
def edited(archive, tmp_path):
    """edited(change) → a copy of the model whose configuration `change` has altered in place."""

    def make(change):
        config = config_of(archive)
        change(config)
        return rewrite(archive, tmp_path / "edited.keras", config_json=json.dumps(config).encode())

    return make


def layer_entry(config, kind):
    return next(entry for entry in config["config"]["layers"] if entry["class_name"] == kind)


# --- code in files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_a_lambda_layer_is_refused_and_never_run(keras, tmp_path, extension):
    witness = tmp_path / "executed"
    # a file's code is run without this module's globals
    code = lambda x, path=str(witness): (__import__("pathlib").Path(path).touch(), x)[1]  # noqa: E731
    poison = keras.layers.Lambda(code, name="poison")
    model = keras.Sequential([keras.Input((4,)), poison, keras.layers.Dense(2)])
    model.save(tmp_path / f"m{extension}")
    witness.unlink(missing_ok=True)
    with pytest.raises(ModelError, match="poison: Lambda .*never run"):
        load(tmp_path / f"m{extension}")
    assert not witness.exists()


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_a_custom_layer_is_refused_by_name(keras, tmp_path, extension):
    @keras.saving.register_keras_serializable("user")
    class Twice(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    keras.Sequential([keras.Input((4,)), Twice(name="double")]).save(tmp_path / f"m{extension}")
    with pytest.raises(ModelError, match="double: .*Twice"):
        load(tmp_path / f"m{extension}")


def test_a_layer_from_another_module_is_custom_whatever_its_name(edited):
    def change(config):
        layer_entry(config, "Dense")["module"] = "os.path"

    with pytest.raises(ModelError, match="custom class"):
        load(edited(change))


# --- what is not supported ------------------------------------------------------------------------------------------


def test_every_unsupported_layer_is_named_at_once(keras, tmp_path):
    layers = keras.layers
    inner = keras.Sequential([layers.Softmax(axis=1, name="rows")], name="inner")
    x = keras.Input((8, 4))
    y = layers.LSTM(4, activation="relu", return_sequences=True, name="memory")(x)
    y = inner(layers.Activation("sparsemax", name="bend")(y))
    y = layers.Masking(name="low")(y)
    keras.Model(x, keras.ops.erf(y)).save(tmp_path / "m.keras")
    with pytest.raises(ModelError) as caught:
        load(tmp_path / "m.keras")
    for line in (
        "memory: LSTM",
        "inner/rows: Softmax with an axis other than the last",
        "bend: Activation with activation 'sparsemax'",
        "low: Masking",
        "keras.ops Erf",
    ):
        assert line in str(caught.value)


def test_channels_first_is_refused(edited):
    def change(config):
        layer_entry(config, "Conv2D")["config"]["data_format"] = "channels_first"

    with pytest.raises(ModelError, match="channels_first"):
        load(edited(change))


def test_an_open_input_dimension_is_refused(keras, tmp_path):
    keras.Sequential([keras.Input((None, 3)), keras.layers.Dense(2)]).save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="input has the shape"):
        load(tmp_path / "m.keras")


def test_a_subclassed_model_is_refused(keras, tmp_path):
    @keras.saving.register_keras_serializable("user")
    class Mine(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = keras.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(np.zeros((1, 3), np.float32))
    model.save(tmp_path / "m.keras")
    with pytest.raises(ModelError, match="custom class 'Mine'"):
        load(tmp_path / "m.keras")


def test_weights_alone_are_no_model(built, tmp_path):
    built("conv_stack")[0].save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ModelError, match="weights only"):
        load(tmp_path / "m.weights.h5")


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK", b"not a model at all", b"\x89HDF\r\n\x1a\n"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "m.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ModelError, match="No such file"):
        load(tmp_path / "none.keras")


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_truncated_files_are_refused(built, tmp_path, extension):
    data = (built("conv_stack")[1] / f"model{extension}").read_bytes()
    path = tmp_path / f"m{extension}"
    for part in range(1, 12):
        path.write_bytes(data[: len(data) * part // 12])
        with pytest.raises(ModelError):
            load(path)


@pytest.mark.parametrize("extension", [".keras", ".h5"])
def test_flipped_bits_give_a_model_or_a_model_error(built, tmp_path, extension):
    data = (built("nested_and_shared")[1] / f"model{extension}").read_bytes()
    path = tmp_path / f"m{extension}"
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(150):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), 4):
            damaged[position] ^= 1 << rng.integers(8)
        path.write_bytes(damaged)
        try:
            load(path)
        except ModelError:
            refused += 1
    assert refused > 10


def test_damaged_configurations_are_refused(archive, tmp_path):
    """Any value of the configuration replaced by one of another kind."""
    original = config_of(archive)
    rng = np.random.default_rng(2)
    odd = [None, -1, 10**30, 1.5, "x", [], {}, [[]], True, [1, 2, 3, 4, 5, 6, 7, 8, 9]]

    def spots(value, found):
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            found.append((value, key))
            spots(inner, found)
        return found

    for _ in range(300):
        config = json.loads(json.dumps(original))
        places = spots(config, [])
        holder, key = places[rng.integers(len(places))]
        holder[key] = odd[rng.integers(len(odd))]
        path = rewrite(archive, tmp_path / "m.keras", config_json=json.dumps(config).encode())
        try:
            load(path)
        except ModelError as error:
            assert str(error)


@pytest.mark.parametrize("member", ["config_json", "metadata_json", "model_weights_h5"])
def test_a_missing_member_is_refused(archive, tmp_path, member):
    path = rewrite(archive, tmp_path / "m.keras", **{member: None})
    with pytest.raises(ModelError, match="lacks"):
        load(path)


def test_nan_weights_are_refused_by_layer(archive, tmp_path):
    with zipfile.ZipFile(archive) as old:
        data = io.BytesIO(old.read("model.weights.h5"))
    with h5py.File(data, "r+") as h5:
        h5["layers/dense/vars/0"][0, 0] = np.nan
    with pytest.raises(ModelError, match="dense: kernel holds NaN"):
        load(rewrite(archive, tmp_path / "m.keras", model_weights_h5=data.getvalue()))


# --- hostility ------------------------------------------------------------------------------------------------------


def test_a_zip_bomb_is_not_unpacked(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_CONFIG_BYTES", 1 << 20)
    path = rewrite(archive, tmp_path / "m.keras", config_json=b" " * (32 << 20))
    assert path.stat().st_size < 1 << 20
    with pytest.raises(ModelError, match="larger than 1 MiB"):
        load(path)


def test_huge_claimed_weights_are_not_read(archive, tmp_path):
    data = io.BytesIO()
    with h5py.File(data, "w") as h5:
        # chunked and never written: a few hundred bytes that claim a terabyte
        h5.create_dataset("layers/conv2d/vars/0", (1 << 20, 1 << 18), "f4", chunks=(1024, 1024))
    with pytest.raises(ModelError, match="larger than"):
        load(rewrite(archive, tmp_path / "m.keras", model_weights_h5=data.getvalue()))


def test_weights_in_other_files_are_not_followed(archive, tmp_path):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as h5:
        h5["data"] = np.zeros((3, 5, 3, 8), np.float32)
    for link in (h5py.ExternalLink(str(secret), "data"), h5py.SoftLink("/layers")):
        data = io.BytesIO()
        with h5py.File(data, "w") as h5:
            h5.create_group("layers/conv2d/vars")["0"] = link
        with pytest.raises(ModelError, match="is a link"):
            load(rewrite(archive, tmp_path / "m.keras", model_weights_h5=data.getvalue()))


def test_legacy_files_do_not_follow_links_either(built, tmp_path):
    path, secret = tmp_path / "m.h5", tmp_path / "secret.h5"
    shutil.copy(built("conv_stack")[1] / "model.h5", path)
    with h5py.File(path, "r+") as h5, h5py.File(secret, "w") as other:
        weight = next(name for name in h5["model_weights/dense"].attrs["weight_names"] if "bias" in name)
        other["data"] = h5["model_weights/dense"][weight][()]
        del h5["model_weights/dense"][weight]
        h5["model_weights/dense"][weight] = h5py.ExternalLink(str(secret), "data")
    with pytest.raises(ModelError, match="is a link"):
        load(path)


def test_hdf5_groups_in_a_circle_end(archive, tmp_path):
    data = io.BytesIO()
    with h5py.File(data, "w") as h5:
        h5.create_group("layers")["again"] = h5["/"]
    with pytest.raises(ModelError, match="nested too deeply"):
        load(rewrite(archive, tmp_path / "m.keras", model_weights_h5=data.getvalue()))


def test_hdf5_groups_with_exponentially_many_paths_end(archive, tmp_path):
    data = io.BytesIO()
    with h5py.File(data, "w") as h5:
        inner = h5.create_group("inner")
        for _ in range(60):
            outer = h5.create_group(None)
            outer["a"] = outer["b"] = inner
            inner = outer
        h5["layers"] = inner
        del h5["inner"]
    with pytest.raises(ModelError, match="too many"):
        load(rewrite(archive, tmp_path / "m.keras", model_weights_h5=data.getvalue()))


def test_deep_json_is_refused(archive, tmp_path):
    path = rewrite(archive, tmp_path / "m.keras", config_json=b"[" * 200_000)
    with pytest.raises(ModelError, match="not valid JSON"):
        load(path)


def test_a_cycle_of_layers_is_refused(built, tmp_path):
    archive = built("separable")[1] / "model.keras"
    config = config_of(archive)
    first, last = config["config"]["layers"][1], config["config"]["layers"][-1]
    history = first["inbound_nodes"][0]["args"][0]["config"]["keras_history"]
    history[0] = last["name"]
    with pytest.raises(ModelError, match="cycle"):
        load(rewrite(archive, tmp_path / "m.keras", config_json=json.dumps(config).encode()))


def test_models_that_call_each_other_do_not_explode(archive, tmp_path):
    """Thirty levels, each calling the one below twice: 2^30 additions from a small file."""

    def tensor(name, call=0):
        config = {"shape": [None, 2], "dtype": "float32", "keras_history": [name, call, 0]}
        return {"class_name": "__keras_tensor__", "config": config}

    def node(*args):
        return {"args": list(args), "kwargs": {}}

    source = {
        "class_name": "InputLayer",
        "name": "i",
        "config": {"name": "i", "batch_shape": [None, 2]},
        "inbound_nodes": [],
    }
    inner = {"class_name": "Add", "module": "keras.layers", "name": "m", "config": {"name": "m"}}
    inner["inbound_nodes"] = [node([tensor("i"), tensor("i")])]
    output = ["m", 0, 0]
    for level in range(30):
        body = {
            "name": f"m{level}",
            "layers": [source, inner],
            "input_layers": [["i", 0, 0]],
            "output_layers": [output],
        }
        inner = {"class_name": "Functional", "name": "m", "config": body}
        inner["inbound_nodes"] = [node(tensor("i")), node(tensor("m", 0))]
        output = ["m", 2, 0]
    path = rewrite(archive, tmp_path / "m.keras", config_json=json.dumps(inner).encode())
    with pytest.raises(ModelError, match="more than 20000 operations"):
        load(path)


def test_a_layer_called_with_too_many_tensors_is_refused(built, tmp_path):
    archive = built("gates")[1] / "model.keras"
    config = config_of(archive)
    node = config["config"]["layers"][1]["inbound_nodes"][0]
    node["args"] = [node["args"] * 2]
    with pytest.raises(ModelError, match="called with 2 tensors, Activation takes 1"):
        load(rewrite(archive, tmp_path / "m.keras", config_json=json.dumps(config).encode()))


def test_a_tensor_of_absurd_size_is_refused(edited):
    def change(config):
        layer_entry(config, "InputLayer")["config"]["batch_shape"] = [None, 1 << 28, 1 << 28, 3]

    with pytest.raises(ModelError, match="too large"):
        load(edited(change))


def test_errors_name_the_file(archive, tmp_path):
    path = tmp_path / "copy.keras"
    shutil.copy(archive, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ModelError, match="copy.keras"):
        load(path)


def test_a_file_on_which_hdf5_never_returns_is_refused(tmp_path):
    """An object in the heap of texts whose size, rounded up, is none: libhdf5 looks at it again and again."""
    path = tmp_path / "endless.h5"
    with h5py.File(path, "w") as h5:
        h5.attrs["model_config"] = "{}" * 50
    data = bytearray(path.read_bytes())
    size = data.index(b"GCOL") + 24
    data[size : size + 8] = (2**64 - 16).to_bytes(8, "little")
    path.write_bytes(data)
    with pytest.raises(ModelError, match="reasonable time") as caught:
        load(path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize(
    ("run", "says"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "reasonable time"),
        (lambda: bytearray(2 << 30), "reasonable time"),
        (lambda: (_ for _ in ()).throw(ModelError("says so", where="here")), "says so"),
    ],
    ids=["crash", "memory", "refusal"],
)
def test_what_a_trial_does_not_survive(run, says):
    with pytest.raises(ModelError, match=says):
        survive(run, 100, "file", "")


def test_a_trial_that_ends_well_says_nothing():
    survive(lambda: None, 100, "file", "")


def test_an_input_layer_in_the_midst_is_refused(edited):
    def change(config):
        layer_entry(config, "ReLU")["class_name"] = "InputLayer"

    with pytest.raises(ModelError, match="InputLayer"):
        load(edited(change))


def test_bias_axes_that_are_no_text_are_refused(built, tmp_path):
    path = built("attention")[1] / "model.keras"
    config = config_of(path)
    layer_entry(config, "EinsumDense")["config"]["bias_axes"] = 5
    with pytest.raises(ModelError, match="bias axes 5"):
        load(rewrite(path, tmp_path / "m.keras", config_json=json.dumps(config).encode()))
