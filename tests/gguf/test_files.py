"""GGUF files: written for the `gguf` package to read, read when it wrote them, and refused when damaged."""

from __future__ import annotations

import json
import struct
import time

import numpy as np
import pytest
from click.testing import CliRunner

import edgeq
from edgeq import api
from edgeq.cli import main
from edgeq.errors import EdgeqError, ModelError
from edgeq.gguf import TYPES_OF_SCHEMES, export_gguf, with_weights
from edgeq.gguf.codecs import GgmlType, decode, encode
from edgeq.gguf.container import GgufFile, gguf_bytes
from edgeq.ir import Graph
from edgeq.ops.base import Activation
from tests.passes.net import Net

gguf = pytest.importorskip("gguf")


def network(seed: int = 0) -> Graph:
    """A convolution whose channels fill blocks, one whose channels do not, and a dense layer."""
    net = Net(seed)
    x = net.node("CONV_2D", net.input(6, 6, 3), net.random(8, 2, 2, 3), net.random(8), name="first")
    x = net.node("CONV_2D", x, net.random(12, 2, 2, 8), net.random(12), name="second", activation=Activation.RELU)
    x = net.node("RESHAPE", x, net.constant([1, 192], np.int32), name="flat")
    return net.graph(net.node("FULLY_CONNECTED", x, net.random(5, 192), net.random(5), name="dense"))


def floats(graph: Graph) -> dict[str, np.ndarray]:
    return {name: t.data for name, t in graph.tensors.items() if t.data is not None and t.dtype.value == "float32"}


@pytest.mark.parametrize("kind", [GgmlType.F32, *TYPES_OF_SCHEMES.values()], ids=lambda kind: kind.name)
def test_the_package_reads_what_is_written(kind, tmp_path):
    graph = network()
    data, blocked = export_gguf(graph, kind)
    (tmp_path / "w.gguf").write_bytes(data)
    reader = gguf.GGUFReader(tmp_path / "w.gguf")
    assert {t.name for t in reader.tensors} == floats(graph).keys()
    assert len(blocked) == (0 if kind is GgmlType.F32 else 2)
    for tensor in reader.tensors:
        source = floats(graph)[tensor.name]
        expected = kind if tensor.name in blocked else GgmlType.F32
        assert tensor.tensor_type.value == expected.value
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        matrix = source.reshape(source.shape[0], -1) if tensor.name in blocked else source
        assert values.shape == matrix.shape
        again = gguf.dequantize(gguf.quantize(matrix, tensor.tensor_type), tensor.tensor_type)
        np.testing.assert_array_equal(values, again)
    assert reader.fields["general.architecture"].contents() == "edgeq"


@pytest.mark.parametrize("kind", [GgmlType.F16, GgmlType.BF16, *TYPES_OF_SCHEMES.values()], ids=lambda kind: kind.name)
def test_what_the_package_writes_is_read(kind, tmp_path):
    """With metadata of every type, and another alignment."""
    graph, rng = network(), np.random.default_rng(1)
    writer = gguf.GGUFWriter(tmp_path / "w.gguf", "edgeq")
    writer.add_custom_alignment(64)
    writer.add_array("words", ["a", "bc", ""])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_float32("float", 1.5)
    writer.add_bool("flag", True)
    writer.add_uint64("wide", 1 << 40)
    stored = {}
    for name, values in floats(graph).items():
        new = rng.normal(size=values.shape).astype(np.float32)
        if new.ndim > 1 and new[0].size % 32 == 0:
            matrix = new.reshape(len(new), -1)
            stored[name] = decode(encode(matrix, kind), kind).reshape(new.shape)
            raw = gguf.quantize(matrix, gguf.GGMLQuantizationType(kind.value))
            writer.add_tensor(name, raw, raw_dtype=gguf.GGMLQuantizationType(kind.value))
        else:
            stored[name] = new
            writer.add_tensor(name, new)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    replaced = floats(with_weights(graph, tmp_path / "w.gguf"))
    for name, values in stored.items():
        np.testing.assert_array_equal(replaced[name], values)


def test_weights_travel_from_model_to_file_to_firmware(tmp_path):
    """A model with other weights becomes, with the file, the model that was exported."""
    np.savez(tmp_path / "data.npz", in0=np.random.default_rng(2).normal(size=(16, 1, 6, 6, 3)).astype(np.float32))
    written = api.export(network(0), tmp_path / "w.gguf")
    assert written["bytes"] == (tmp_path / "w.gguf").stat().st_size
    options = {"calibration": tmp_path / "data.npz", "compile": False, "scheme": "q4_0"}
    direct = edgeq.build(network(0), "mps2-an386", out=tmp_path / "a", **options)
    other = edgeq.build(network(1), "mps2-an386", out=tmp_path / "b", weights=tmp_path / "w.gguf", **options)
    assert direct.program.hash == other.program.hash
    assert edgeq.build(network(1), "mps2-an386", out=tmp_path / "c", **options).program.hash != direct.program.hash


def test_single_weights_are_replaced_and_others_stay(tmp_path):
    graph = network()
    name, values = next((n, v) for n, v in floats(graph).items() if v.shape == (5, 192))
    (tmp_path / "w.gguf").write_bytes(gguf_bytes({}, [(name, values * 2, GgmlType.F32)]))
    changed = {n for n, v in floats(with_weights(graph, tmp_path / "w.gguf")).items() if (v != floats(graph)[n]).any()}
    assert changed == {name}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda v: [("nobody", v, GgmlType.F32)], "no weights named 'nobody'"),
        (lambda v: [("NAME", v[:4], GgmlType.F32)], "has shape"),
        (lambda v: [("NAME", v * np.inf, GgmlType.F32)], "NaN or infinite"),
        (lambda v: [("NAME", v, GgmlType.F32)] * 2, "two tensors"),
        (lambda v: [], "no tensors"),
    ],
)
def test_files_that_do_not_fit_are_refused(make, message, tmp_path):
    graph = network()
    name, values = next((n, v) for n, v in floats(graph).items() if v.shape == (5, 192))
    tensors = [(n.replace("NAME", name), v, kind) for n, v, kind in make(values)]
    with np.errstate(invalid="ignore"):
        (tmp_path / "w.gguf").write_bytes(gguf_bytes({}, tensors))
    with pytest.raises(ModelError, match=message):
        with_weights(graph, tmp_path / "w.gguf")


def head(tensors: int = 0, entries: int = 0, version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, entries)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a GGUF file"),
        (b"GGUF", "not a GGUF file"),
        (head(version=1), "version 1"),
        (head(version=3 << 24), "version 50331648"),
        (head(tensors=1 << 40), "tensors, at most"),
        (head(entries=1 << 62), "entries of metadata, at most"),
        (head(entries=1) + struct.pack("<Q", 1 << 60), "bytes of text, at most"),
        (head(entries=1) + struct.pack("<QI", 0, 9) + struct.pack("<IQ", 9, 1), "an array of metadata of type 9"),
        (head(entries=1) + struct.pack("<QI", 0, 9) + struct.pack("<IQ", 8, 1 << 40), "items of an array, at most"),
        (head(entries=1) + struct.pack("<QI", 0, 99), "unknown type 99"),
        (head(tensors=1) + struct.pack("<QI", 0, 9), "9 axes"),
        (head(tensors=1) + struct.pack("<QIQIQ", 0, 1, 64, 12, 0), "GGUF's type 12"),
        (head(tensors=1) + struct.pack("<QIQIQ", 0, 1, 33, 2, 0), "no whole blocks"),
        (head(tensors=1) + struct.pack("<QIQIQ", 0, 1, 1 << 62, 0, 0), "does not lie within the file"),
        (head(tensors=1) + struct.pack("<QIQIQ", 0, 1, 1, 0, 7), "does not lie within the file"),
    ],
)
def test_damaged_files_are_refused(data, message, tmp_path):
    (tmp_path / "w.gguf").write_bytes(data)
    with pytest.raises(ModelError, match=message):
        GgufFile(tmp_path / "w.gguf")


def test_mutated_files_are_read_or_refused(tmp_path):
    """Cut off, with flipped bits, with numbers of the tables replaced by large ones."""
    graph, rng, path = network(), np.random.default_rng(5), tmp_path / "w.gguf"
    whole = np.frombuffer(export_gguf(graph, GgmlType.Q4_1)[0], np.uint8)
    tables = whole.tobytes().index(b"general.quantization_version") + 400
    outcomes = {"read": 0, "refused": 0}
    start = time.perf_counter()
    for _ in range(1500):
        data = whole.copy()
        kind = rng.integers(3)
        if kind == 0:
            data = data[: rng.integers(len(data))]
        elif kind == 1:
            for place in rng.integers(0, tables, rng.integers(1, 4)):
                data[place] ^= 1 << rng.integers(8)
        else:
            place = int(rng.integers(0, tables))
            data[place : place + 8] = np.frombuffer(
                struct.pack("<Q", int(rng.choice([1 << 63, 1 << 31, 255]))), np.uint8
            )
        path.write_bytes(data.tobytes())
        try:
            with_weights(graph, path)
            outcomes["read"] += 1
        except EdgeqError:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 50
    assert time.perf_counter() - start < 60


def test_export_says_what_it_cannot_do(tmp_path):
    for options, message in (
        ({"scheme": "awq"}, "no scheme of GGUF's: 'awq'"),
        ({"calibration": tmp_path / "x.npz"}, "need no calibration"),
        ({"recipe": tmp_path / "x.toml"}, "need no"),
    ):
        with pytest.raises(EdgeqError, match=message):
            api.export(network(), tmp_path / "w.gguf", **options)


def test_the_command_line_writes_and_reads_weights(tmp_path):
    tf = pytest.importorskip("tensorflow")
    model = tf.keras.Sequential([tf.keras.Input((64,)), tf.keras.layers.Dense(32, "relu"), tf.keras.layers.Dense(3)])
    model.save(tmp_path / "m.keras")
    np.savez(tmp_path / "d.npz", x=np.random.default_rng(0).normal(size=(16, 64)).astype(np.float32))

    def run(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(map(str, arguments)), catch_exceptions=False)
        assert result.exit_code == status, result.output
        return result.output

    shown = json.loads(run("export", tmp_path / "m.keras", "-o", tmp_path / "w.gguf", "--scheme", "q8_0", "--json"))
    assert len(shown["blocks"]) == 2
    assert "2 tensors in blocks" in run("export", tmp_path / "m.keras", "-o", tmp_path / "w.gguf", "--scheme", "q8_0")
    common = ("--calibration", tmp_path / "d.npz", "--weights", tmp_path / "w.gguf")
    run("build", tmp_path / "m.keras", "--target", "mps2-an386", *common, "-o", tmp_path / "f", "--no-compile")
    run("compare", tmp_path / "m.keras", "--schemes", "q8_0", *common, "--no-compile")
    refused = run("build", tmp_path / "m.keras", "--target", "mps2-an386", "--weights", tmp_path / "d.npz", status=2)
    assert "not a GGUF file" in refused
