"""Bad input: one clear message that says what, where and what to do, exit status 2, nothing half-written."""

from __future__ import annotations

import json
import os
import pty
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import tty
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from edgeq import api
from edgeq.cli import main
from edgeq.errors import EdgeqError
from tests.tools import needs_cross, needs_host, needs_qemu

pytestmark = pytest.mark.xdist_group("boards")
M4 = "mps2-an386"


@pytest.fixture(scope="session")
def int8_file(digits, tmp_path_factory) -> Path:
    """A good int8 model to damage."""
    path = tmp_path_factory.mktemp("int8") / "digits.tflite"
    api.export(digits / "digits.keras", path, calibration=digits / "calibration.npz")
    return path


def refused(*arguments: object) -> str:
    """Runs the command line in this process; returns its message after checking that it is a refusal."""
    result = CliRunner().invoke(main, [str(a) for a in arguments], catch_exceptions=False)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("edgeq: ")
    assert "Traceback" not in result.stderr
    return result.stderr


def refused_build(model: Path, out: Path, *options: object) -> str:
    message = refused("build", model, "--target", M4, "-o", out, *options)
    assert not out.exists()
    assert not list(out.parent.glob(f".{out.name}*"))
    return message


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\x00" * 100, "not a TFLite model"),
        (os.urandom(4096), "not a TFLite model"),
        (b"\x1c\x00\x00\x00TFL3" + b"\xff" * 500, "damaged or truncated"),
    ],
    ids=["empty", "zeros", "random", "absurd offsets"],
)
def test_files_that_are_no_model(tmp_path, content, says):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    message = refused_build(path, tmp_path / "out")
    assert says in message and str(path) in message


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04" + b"\x00" * 64], ids=["empty", "text", "zip head"])
def test_keras_files_that_are_no_model(tmp_path, suffix, content):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(content)
    assert str(path) in refused_build(path, tmp_path / "out")


def test_wrong_type_missing_file_and_folder(tmp_path):
    text = tmp_path / "model.onnx"
    text.write_text("hello")
    assert ".tflite" in refused_build(text, tmp_path / "out")
    assert "no such file" in refused_build(tmp_path / "nowhere.tflite", tmp_path / "out")
    assert "folder" in refused_build(tmp_path, tmp_path / "out")


def test_every_truncation_is_refused(int8_file, tmp_path):
    data = int8_file.read_bytes()
    path = tmp_path / "cut.tflite"
    for length in range(0, len(data) - 1, max(1, len(data) // 60)):
        path.write_bytes(data[:length])
        refused_build(path, tmp_path / "out", "--no-compile")


def test_flipped_bits_are_refused_or_harmless_and_quick(int8_file, tmp_path):
    """Whatever a damaged file still says, nothing but EdgeqError may come of it, and soon."""
    data = int8_file.read_bytes()
    path = tmp_path / "flipped.tflite"
    outcomes = {0: 0, 2: 0}
    for seed in range(150):
        dice = np.random.default_rng(seed)
        damaged = bytearray(data)
        # tables stand at both ends of the file, constants between them
        for _ in range(int(dice.integers(1, 6))):
            place = int(dice.integers(0, 4000)) % len(damaged)
            damaged[place if dice.random() < 0.5 else -1 - place] ^= 1 << int(dice.integers(0, 8))
        path.write_bytes(bytes(damaged))
        start = time.monotonic()
        result = CliRunner().invoke(main, ["inspect", str(path)], catch_exceptions=False)
        outcomes[result.exit_code] += 1
        assert time.monotonic() - start < 2
    assert outcomes[2] > 10


def test_unknown_target_lists_the_known_ones(int8_file, tmp_path):
    message = refused("build", int8_file, "--target", "nucleo", "-o", tmp_path / "out")
    assert "nucleo-f446re" in message and "mps2-an386" in message


def test_float_model_without_calibration(digits, tmp_path):
    message = refused_build(digits / "digits.keras", tmp_path / "out")
    assert "--calibration" in message and "(n, 8, 8, 1)" in message


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.zeros((4, 9, 9, 1), np.float32), "8"),
        (np.full((4, 8, 8, 1), np.nan, np.float32), "NaN"),
        (np.zeros((0, 8, 8, 1), np.float32), "no"),
    ],
    ids=["shape", "nan", "empty"],
)
def test_calibration_that_does_not_fit(digits, tmp_path, array, says):
    path = tmp_path / "calibration.npz"
    np.savez(path, array)
    message = refused_build(digits / "digits.keras", tmp_path / "out", "--calibration", path)
    assert says in message and str(path) in message


def test_calibration_that_is_no_array_is_not_executed(digits, tmp_path):
    path = tmp_path / "calibration.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert str(path) in refused_build(digits / "digits.keras", tmp_path / "out", "--calibration", path)


def test_lambda_layers_are_not_executed(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 2, name="sneaky")])
    path = tmp_path / "lambda.keras"
    model.save(path)
    message = refused_build(path, tmp_path / "out")
    assert "Lambda" in message and "sneaky" in message


def test_all_unsupported_layers_are_listed_at_once(tmp_path):
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((8, 4)),
            layers.LSTM(4, activation="relu", return_sequences=True, name="memory"),
            layers.GRU(3, activation="relu", name="gate"),
        ]
    )
    path = tmp_path / "recurrent.keras"
    model.save(path)
    message = refused_build(path, tmp_path / "out")
    assert "memory" in message and "gate" in message


def test_output_folder_with_foreign_files_is_left_alone(int8_file, tmp_path):
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "chapter1.tex").write_text("precious")
    message = refused("build", int8_file, "--target", M4, "-o", out, "--no-compile")
    assert "thesis" in message
    assert [p.name for p in out.iterdir()] == ["chapter1.tex"]


def test_a_folder_with_a_manifest_of_another_kind_is_left_alone(int8_file, tmp_path):
    out = tmp_path / "extension"
    out.mkdir()
    (out / "manifest.json").write_text('{"manifest_version": 3}')
    message = refused("build", int8_file, "--target", M4, "-o", out, "--no-compile")
    assert "edgeq did not write" in message
    assert (out / "manifest.json").read_text() == '{"manifest_version": 3}'


def test_calibration_of_a_quantized_model(int8_file, tmp_path):
    for option, value in {"--calibration": "x.npz", "--observer": "min-max", "--scheme": "int8"}.items():
        assert option in refused_build(int8_file, tmp_path / "out", option, value)


def test_unknown_rounding_from_python(int8_file, tmp_path):
    with pytest.raises(EdgeqError, match="unknown rounding 'single'.*\n.*double, litert"):
        api.build(int8_file, M4, out=tmp_path / "out", rounding="single", compile=False)


def test_output_below_a_file(int8_file, tmp_path):
    (tmp_path / "file").write_text("x")
    message = refused("build", int8_file, "--target", M4, "-o", tmp_path / "file" / "out", "--no-compile")
    assert str(tmp_path / "file") in message


def test_full_disk_leaves_nothing(int8_file, tmp_path):
    """A limit on file size stands for the full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    command = [sys.executable, "-m", "edgeq", "build", str(int8_file), "--target", M4, "-o", "out", "--no-compile"]
    result = subprocess.run(command, cwd=tmp_path, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert result.returncode == 2, result.stderr
    assert "cannot write" in result.stderr and "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def without(monkeypatch, *tools: str) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **more: None if name in tools else which(name, **more))


@pytest.mark.parametrize("tools", [("arm-none-eabi-gcc",), ("cmake",), ("ninja", "make")], ids=str)
def test_missing_compiler(int8_file, tmp_path, monkeypatch, tools):
    without(monkeypatch, *tools)
    message = refused_build(int8_file, tmp_path / "out")
    assert tools[0] in message and "apt install" in message


def test_missing_host_compiler(digits_project, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(digits_project(M4).folder, copy, ignore=shutil.ignore_patterns("build"))
    without(monkeypatch, "gcc")
    message = refused("verify", copy, "--on", "host")
    assert "gcc" in message and "apt install" in message


@needs_cross
def test_missing_qemu(digits_project, monkeypatch):
    project = digits_project(M4)
    without(monkeypatch, "qemu-system-arm")
    message = refused("verify", project.folder, "--on", "qemu")
    assert "qemu-system-arm" in message and "apt install" in message


def big_model(folder: Path, units: int, image: int) -> tuple[Path, Path]:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((image, image, 1)),
            layers.Conv2D(8, 3, padding="same", name="wide"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(units, name="fat"),
            layers.Dense(64, name="second"),
        ]
    )
    model.save(folder / "big.keras")
    np.save(folder / "big.npy", np.random.default_rng(0).normal(size=(4, image, image, 1)).astype(np.float32))
    return folder / "big.keras", folder / "big.npy"


def test_model_too_big_for_ram_names_the_layer_and_the_excess(tmp_path):
    model, calibration = big_model(tmp_path, 8, 64)
    message = refused("build", model, "--target", "microbit", "--calibration", calibration, "-o", tmp_path / "out")
    assert "'wide'" in message and "microbit" in message and "more than the" in message
    assert not (tmp_path / "out").exists()


@needs_cross
def test_model_too_big_for_flash_says_by_how_much(tmp_path):
    model, calibration = big_model(tmp_path, 4000, 8)
    message = refused("build", model, "--target", "microbit", "--calibration", calibration, "-o", tmp_path / "out")
    assert "flash by" in message and "bytes" in message and "second" in message
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_no_project(tmp_path):
    for command in (("verify", tmp_path), ("simulate", tmp_path, "--input", "x.npy"), ("profile", tmp_path)):
        assert "edgeq build" in refused(*command)


def test_a_damaged_program_is_noticed(digits_project, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(digits_project(M4).folder, copy, ignore=shutil.ignore_patterns("build"))
    program = copy / "program.edgeq"
    data = bytearray(program.read_bytes())
    data[len(data) // 2] ^= 0x10
    program.write_bytes(bytes(data))
    assert "build the project again" in refused("verify", copy)


def test_a_port_that_does_not_exist(digits_project):
    assert "/dev/ttyNOPE" in refused("verify", digits_project(M4).folder, "--on", "/dev/ttyNOPE")


@pytest.fixture
def terminal():
    """A pty: (our end, the port's name)."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_silent_port(digits_project, terminal):
    start = time.monotonic()
    message = refused("verify", digits_project(M4).folder, "--on", terminal[1])
    assert terminal[1] in message and "hint" in message
    assert time.monotonic() - start < 30


def test_a_port_that_answers_garbage(digits_project, terminal):
    ours, port = terminal
    stop = threading.Event()

    def babble() -> None:
        dice = np.random.default_rng(0)
        while not stop.wait(0.01):
            os.write(ours, dice.bytes(64))

    thread = threading.Thread(target=babble)
    thread.start()
    try:
        message = refused("verify", digits_project(M4).folder, "--on", port)
    finally:
        stop.set()
        thread.join()
    assert port in message and "hint" in message


@needs_host
def test_a_board_with_another_programs_firmware(digits, digits_project, tmp_path):
    """The image of one program in the folder of another is refused by its hash."""
    other = api.build(
        digits / "digits.keras",
        M4,
        calibration=digits / "calibration.npz",
        out=tmp_path / "other",
        observer="moving-average",
        compile=False,
    )
    (tmp_path / "other" / "build" / "host").mkdir(parents=True)
    shutil.copy(digits_project(M4).image("host"), tmp_path / "other" / "build" / "host" / other.name)
    message = refused("verify", other.folder, "--on", "host")
    assert "another program" in message and "flash" in message


def test_input_vectors_that_do_not_fit(digits_project, tmp_path):
    path = tmp_path / "x.npy"
    for array, says in (
        (np.zeros((2, 3)), "shape"),
        (np.full((1, 8, 8, 1), np.inf), "finite"),
        (np.full((1, 8, 8, 1), 300), "range"),
    ):
        np.save(path, array)
        assert says in refused("simulate", digits_project(M4).folder, "--input", path)


@needs_qemu
def test_json_is_one_object_and_nothing_else(int8_file, digits, digits_project, tmp_path):
    folder, vectors = str(digits_project(M4).folder), str(tmp_path / "x.npy")
    np.save(vectors, np.load(digits / "test.npz")["images"][:2])
    commands = {
        "targets": [],
        "schemes": [],
        "doctor": [],
        "inspect": [str(int8_file)],
        "build": [str(int8_file), "--target", M4, "-o", str(tmp_path / "built")],
        "verify": [folder],
        "run": [folder, "--input", vectors],
        "simulate": [folder, "--input", vectors],
        "profile": [folder],
        "compare": [
            str(digits / "digits.keras"),
            "--schemes",
            "int8",
            "--no-compile",
            "--calibration",
            str(digits / "calibration.npz"),
            "--eval",
            str(digits / "test.npz"),
        ],
        "search": [
            str(digits / "digits.keras"),
            "--max-flash",
            "60000",
            "--candidates",
            "int8,int8x4",
            "--jobs",
            "1",
            "--calibration",
            str(digits / "calibration.npz"),
            "--eval",
            str(digits / "test.npz"),
        ],
        "export": [str(int8_file), "-o", str(tmp_path / "again.tflite")],
    }
    assert set(commands) == set(main.commands)
    for name, arguments in commands.items():
        result = CliRunner().invoke(main, [name, *arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.stderr
        assert isinstance(json.loads(result.stdout), dict), name


def test_a_failed_exchange_brings_the_old_project_back(int8_file, tmp_path, monkeypatch):
    out = tmp_path / "out"
    api.build(int8_file, M4, out=out, compile=False)
    before = {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()}
    replace, calls = os.replace, []

    def failing(source, target) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    message = refused("build", int8_file, "--target", "mps2-an385", "-o", out, "--no-compile")
    assert "No space left" in message
    assert {p.name: p.read_bytes() for p in out.iterdir() if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
