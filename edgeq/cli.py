"""The command line: the only place that prints or exits.

Exit status: 0 success, 1 a rung differs from the simulator, 2 a problem that the user can act on. Anything else shows
a traceback: it is our bug.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from edgeq import __version__
from edgeq.errors import EdgeqError
from edgeq.report import text

_PATH = click.Path(path_type=Path)
_STATES = click.option("--states", is_flag=True, help="Also what the model remembers after each vector.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else there.")
_ON = click.option(
    "--on", "on", default="host", show_default=True, help="host, qemu, or a serial PORT (pyserial URLs too)."
)


_WEIGHTS = click.option(
    "--weights", type=_PATH, help="Take a float model's weights from this .gguf file, by their names."
)


def _quantization(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how a float model is quantized."""
    for option in reversed(
        (
            _WEIGHTS,
            click.option(
                "--calibration",
                type=_PATH,
                help="Typical inputs (.npz, .npy, a folder of them), for a float model.",
            ),
            click.option("--scheme", help="How to quantize it: `edgeq schemes` lists them  [default: int8]"),
            click.option("--recipe", type=_PATH, help="A TOML file that says so layer by layer."),
            click.option(
                "--observer", help="How calibration finds ranges: min-max, moving-average, percentile, mse, entropy."
            ),
        )
    ):
        command = option(command)
    return command


class _Group(click.Group):
    """Prints an EdgeqError as its message and exits with 2."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EdgeqError as error:
            click.echo(f"edgeq: {error}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="edgeq")
def main() -> None:
    """Compiles trained Keras and TFLite models to bit-exact int8 firmware for Cortex-M boards."""


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr where that is a terminal, nothing in a pipe."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of or None)


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2))


def _print(lines: str) -> None:
    click.echo(lines)


@main.command()
@click.argument("model", type=_PATH)
@click.option("--target", required=True, help="The board: `edgeq targets` lists them.")
@_quantization
@click.option("-o", "--output", type=_PATH, help="The project folder  [default: ./<model>-<target>]")
@click.option("--name", help="What the C code calls the model  [default: the file's name]")
@click.option(
    "--rounding",
    type=click.Choice(["double", "litert", "micro"]),
    default="double",
    show_default=True,
    help="double: as TFLite 2.14 and CMSIS-NN. litert: FULLY_CONNECTED rounds once, as LiteRT 2.x. "
    "micro: int8 LSTMs as TFLite Micro and CMSIS-NN.",
)
@click.option(
    "--edges",
    type=click.Choice(["integer", "float"]),
    default="integer",
    show_default=True,
    help="float: inputs and outputs that are float32 in the model stay so; the firmware quantizes and dequantizes.",
)
@click.option("--no-shrink", is_flag=True, help="Keep channels that no output depends on.")
@click.option(
    "--kernels",
    type=click.Choice(["auto", "cmsis-nn", "tuned"]),
    help="auto: the cheapest of every layer  [default: cmsis-nn where one is given, else auto]",
)
@click.option(
    "--optimize",
    type=click.Choice(["speed", "size", "ram"]),
    default="speed",
    show_default=True,
    help="speed: few instructions. size: small code. ram: the smallest arena, and what is fast within it.",
)
@click.option("--cmsis-nn", type=_PATH, envvar="CMSIS_NN_ROOT", help="Link this CMSIS-NN  [env: CMSIS_NN_ROOT]")
@click.option("--no-compile", is_flag=True, help="Write the sources only; needs no compiler.")
@_JSON
def build(model: Path, target: str, as_json: bool, **options: Any) -> None:
    """Compiles MODEL (.tflite, .keras, .h5) to a firmware project."""
    from edgeq import api

    with _progress("building") as progress:
        project = api.build(
            model,
            target,
            weights=options["weights"],
            calibration=options["calibration"],
            out=options["output"],
            name=options["name"],
            scheme=options["scheme"],
            recipe=options["recipe"],
            observer=options["observer"],
            rounding=options["rounding"],
            edges=options["edges"],
            shrink=not options["no_shrink"],
            kernels=options["kernels"],
            optimize=options["optimize"],
            cmsis_nn_root=options["cmsis_nn"],
            compile=not options["no_compile"],
            progress=progress,
        )
    report = project.report()
    _print_json(report) if as_json else _print(text.build(report, project.folder))


@main.command()
@click.argument("project", type=_PATH)
@click.option(
    "--on", "rungs", multiple=True, default=("host",), show_default=True, help="host, qemu or a PORT; repeatable."
)
@click.option(
    "--vectors", type=click.IntRange(1, 1_000_000), default=16, show_default=True, help="Random input vectors."
)
@click.option("--input", "inputs", type=_PATH, help="Take the vectors from this file (.npz, .npy).")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random vectors.")
@_JSON
def verify(project: Path, rungs: tuple[str, ...], vectors: int, inputs: Path | None, seed: int, as_json: bool) -> None:
    """Runs the same vectors through the simulator and the named rungs and compares every layer's output."""
    from edgeq import api

    opened = api.open_project(project)
    with _progress("verifying") as progress:
        report = opened.verify(on=rungs, vectors=vectors, inputs=inputs, seed=seed, progress=progress)
    _print_json(report.to_json()) if as_json else _print(text.verify(report))
    if not report.equal:
        sys.exit(1)


def _show_outputs(outputs: dict[str, Any], save: Path | None, as_json: bool) -> None:
    import numpy as np

    if save:
        try:
            np.savez(save, **outputs)
        except OSError as error:
            raise EdgeqError(f"cannot write: {error.strerror}", where=str(save)) from None
    if as_json:
        _print_json({"outputs": {name: array.tolist() for name, array in outputs.items()}})
    elif not save:
        _print(text.outputs(outputs))


@main.command()
@click.argument("project", type=_PATH)
@_ON
@click.option("--input", "inputs", type=_PATH, required=True, help="Input vectors (.npz, .npy); floats are quantized.")
@click.option("--dequantize", is_flag=True, help="Give the outputs as real numbers.")
@_STATES
@click.option("--save", type=_PATH, help="Write the outputs to this .npz file.")
@_JSON
def run(project: Path, on: str, inputs: Path, dequantize: bool, states: bool, save: Path | None, as_json: bool) -> None:
    """Runs inferences on the host executable, the emulated board or a real one."""
    from edgeq import api

    opened = api.open_project(project)
    with _progress("running") as progress:
        outputs = opened.run(inputs, on=on, dequantize=dequantize, states=states, progress=progress)
    _show_outputs(outputs, save, as_json)


@main.command()
@click.argument("project", type=_PATH)
@click.option("--input", "inputs", type=_PATH, required=True, help="Input vectors (.npz, .npy); floats are quantized.")
@click.option("--dequantize", is_flag=True, help="Give the outputs as real numbers.")
@_STATES
@click.option("--save", type=_PATH, help="Write the outputs to this .npz file.")
@_JSON
def simulate(project: Path, inputs: Path, dequantize: bool, states: bool, save: Path | None, as_json: bool) -> None:
    """Runs inferences in the Python integer simulator."""
    from edgeq import api

    outputs = api.open_project(project).simulate(inputs, dequantize=dequantize, states=states)
    _show_outputs(outputs, save, as_json)


@main.command()
@click.argument("model", type=_PATH, required=False)
@click.option("--ops", "ops", is_flag=True, help="Show what edgeq supports instead: operators, kernels, Keras layers.")
@_JSON
def inspect(model: Path | None, ops: bool, as_json: bool) -> None:
    """Shows MODEL's operators, shapes, types, multiply-accumulates, parameters, and what is unsupported."""
    from edgeq import api

    if ops == (model is not None):
        raise click.UsageError("give either a MODEL or --ops")
    if ops:
        supported = api.operators()
        _print_json(supported) if as_json else _print(text.operators(supported))
        return
    found = api.inspect(model)
    _print_json(found) if as_json else _print(text.inspect(found))


@main.command()
@click.argument("project", type=_PATH)
@click.option("--on", "on", type=click.Choice(["qemu"]), default="qemu", show_default=True)
@_JSON
def profile(project: Path, on: str, as_json: bool) -> None:
    """Counts the instructions that each layer executes on the emulated board, exactly; estimates cycles from them."""
    from edgeq import api

    counted = api.open_project(project).profile()
    _print_json(counted) if as_json else _print(text.profile(counted))


@main.command()
@click.argument("model", type=_PATH)
@_quantization
@click.option("-o", "--output", type=_PATH, required=True, help="The .tflite or .gguf file to write.")
@_JSON
def export(model: Path, output: Path, as_json: bool, **options: Any) -> None:
    """Quantizes MODEL and writes it as an int8 .tflite file, or its weights as a .gguf file."""
    from edgeq import api

    with _progress("building") as progress:
        written = api.export(model, output, **options, progress=progress)
    _print_json(written) if as_json else _print(text.export(written))


@main.command()
@click.argument("model", type=_PATH)
@click.option("--schemes", "schemes_", default="all", show_default=True, help="Names or recipes (.toml), by commas.")
@_WEIGHTS
@click.option("--calibration", type=_PATH, required=True, help="Typical inputs (.npz, .npy, a folder of them).")
@click.option("--eval", "evaluation", type=_PATH, help="Inputs and `labels` (.npz) to measure accuracy on.")
@click.option("--target", default="mps2-an386", show_default=True, help="The board.")
@click.option("--no-compile", is_flag=True, help="Measure accuracy only; needs no compiler.")
@click.option("--plot", type=_PATH, help="Draw the front of accuracy, speed and size into this .svg file.")
@click.option("-o", "--output", type=_PATH, help="Save the table as this .json file.")
@_JSON
def compare(
    model: Path,
    schemes_: str,
    no_compile: bool,
    plot: Path | None,
    output: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Builds a float MODEL by several schemes and shows their accuracy, flash, RAM and instructions in one table."""
    from edgeq import comparison
    from edgeq.report.front import front

    names = _names(schemes_)
    with _progress("comparing") as progress:
        found = comparison.compare(model, names, compile=not no_compile, progress=progress, **options)
    rows = found["rows"]
    quality = "sqnr" if rows[0]["accuracy"] is None else "accuracy"
    best = comparison.front(rows, quality, () if no_compile else ("flash", "ram", "instructions"))
    if plot:
        _write(plot, front(rows, quality, best))
    if output:
        _write(output, json.dumps(found, indent=2) + "\n")
    _print_json(found) if as_json else _print(text.compare(found, best))


@main.command()
@click.argument("model", type=_PATH)
@click.option("--calibration", type=_PATH, required=True, help="Typical inputs (.npz, .npy, a folder of them).")
@click.option("--eval", "evaluation", type=_PATH, help="Inputs and `labels` (.npz) to measure accuracy on.")
@click.option("--max-flash", type=int, help="Bytes of the whole image.")
@click.option("--max-ram", type=int, help="Bytes: arena, scratch, other static data and the stack.")
@click.option("--max-instructions", type=int, help="Of one inference.")
@click.option("--min-accuracy", type=float, help="0 to 1; agreement with the float model where there are no labels.")
@click.option(
    "--candidates", help="Schemes that layers may have, by commas  [default: the first of each kind of integers]"
)
@click.option("--target", default="mps2-an386", show_default=True, help="The board.")
@click.option("--jobs", type=click.IntRange(1, 1024), help="Processes that evaluate  [default: one for each core]")
@click.option("--dask", metavar="ADDRESS", help="Evaluate on a Dask cluster: its scheduler, tcp://host:port.")
@click.option("-o", "--output", type=_PATH, help="Write the recipe to this .toml file.")
@_JSON
def search(
    model: Path, candidates: str | None, jobs: int | None, output: Path | None, as_json: bool, **options: Any
) -> None:
    """Finds a scheme for each layer of a float MODEL, within budgets; writes a recipe for `edgeq build --recipe`.

    With a budget of flash, RAM or instructions the most precise that fits, with --min-accuracy alone the cheapest that
    reaches it. What is found has been built and measured.
    """
    import os

    from edgeq.search import Budgets
    from edgeq.search import search as run_search

    limits = ("max_flash", "max_ram", "max_instructions", "min_accuracy")
    budgets = Budgets(*(options.pop(limit) for limit in limits))
    names = None if candidates is None else _names(candidates)
    with _progress("searching") as progress:
        found = run_search(
            model, budgets=budgets, candidates=names, jobs=jobs or os.cpu_count() or 1, progress=progress, **options
        )
    if output:
        _write(output, found["recipe"])
    _print_json(found) if as_json else _print(text.search(found, output))


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]


def _write(path: Path, content: str) -> None:
    try:
        path.write_text(content)
    except OSError as error:
        raise EdgeqError(f"cannot write: {error.strerror}", where=str(path)) from None


@main.command()
@_JSON
def schemes(as_json: bool) -> None:
    """Lists the ways to quantize a float model."""
    from edgeq import api

    known = api.schemes()
    _print_json({"schemes": known}) if as_json else _print(text.schemes(known))


@main.command()
@_JSON
def targets(as_json: bool) -> None:
    """Lists the boards."""
    from edgeq import api

    boards = api.targets()
    _print_json({"targets": boards}) if as_json else _print(text.targets(boards))


@main.command()
@_JSON
def doctor(as_json: bool) -> None:
    """Says which tools are there, which are missing, and how to get them."""
    from edgeq import api

    tools = api.doctor()
    _print_json({"tools": tools}) if as_json else _print(text.doctor(tools))


if __name__ == "__main__":
    main()
