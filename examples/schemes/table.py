"""All schemes on two real datasets, after training and trained with: accuracy, flash, RAM, instructions.

python table.py [--target BOARD] [--folder FOLDER] [--data digits,vowels] [--only REGEX] [--no-training] [--keep]

Writes figures.json beside this file and the README's table. What has been trained is kept below FOLDER, and figures of
rows that `--only` leaves out stay as they are, so that an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import edgeq
from edgeq.comparison import measured
from edgeq.errors import EdgeqError
from edgeq.evaluation import load_evaluation
from edgeq.importers import load
from edgeq.passes import prepare_float
from edgeq.quant.schemes import SCHEMES, QuantScheme

HERE = Path(__file__).resolve().parent
FIGURES, README = HERE / "figures.json", HERE.parents[1] / "README.md"
BEGIN, END = "<!-- written by make schemes -->\n", "<!-- end -->\n"
DATA = ("digits", "vowels")
#: Widths that no scheme has for its name: recipes, with options that training takes too.
WIDTHS = {f"lsq, {bits} bits": {"scheme": "lsq", "weight_bits": bits, "activation_bits": bits} for bits in (2, 3)}


def is_trained(scheme: QuantScheme) -> bool:
    """Schemes that the table shows trained with: plain int8, learned steps, and those made for training, whose ends are
    finer than the rest."""
    return scheme.name == "int8" or scheme.learned_steps or scheme.ends is not None


def rows() -> dict[str, dict[str, Any]]:
    """By name of the row what a recipe says at its top."""
    return {**{name: {"scheme": name} for name in SCHEMES}, **WIDTHS}


def run_training(*arguments: str) -> None:
    """In a process of its own: TensorFlow talks a lot."""
    command = [sys.executable, str(HERE / "train.py"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise EdgeqError(f"training fails: {result.stderr.strip().splitlines()[-1]}")


class Table:
    """The rows of one dataset."""

    def __init__(self, name: str, folder: Path, target: str):
        self.name, self.folder, self.target = name, folder / name, target
        self.model = self.folder / f"{name}.keras"
        self.calibration, self.test = self.folder / "calibration.npz", self.folder / "test.npz"
        if not self.model.exists():
            run_training("float", name, str(self.folder))
        self.samples = load_evaluation(self.test, prepare_float(load(self.model)))

    def in_float(self) -> float:
        graph = prepare_float(load(self.model))
        name = graph.outputs[0]
        found = self.samples.exact[name].reshape(len(self.samples.labels), -1).argmax(axis=1)
        return float((found == self.samples.labels).mean())

    def after_training(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Accuracy and costs of a row without training."""
        with tempfile.TemporaryDirectory() as folder:
            recipe = Path(folder) / "recipe.toml"
            recipe.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items()))
            return self._built(Path(folder), self.model, calibration=self.calibration, recipe=recipe)

    def trained(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Accuracy where training has had the row's integers; the firmware costs the same."""
        way = json.dumps(options, sort_keys=True)
        file = self.folder / f"{re.sub(r'[^a-z0-9]+', '-', way).strip('-')}.json"
        if not file.exists():
            run_training(way, self.name, str(self.folder), str(file))
        return json.loads(file.read_text())

    def _built(self, folder: Path, model: Path, **options: Any) -> dict[str, Any]:
        project = edgeq.build(model, self.target, out=folder / "firmware", **options)
        found = measured(project, self.samples, True)
        if not found["equal"]:
            raise EdgeqError("the emulated board differs from the simulator")
        return {key: found[key] for key in ("accuracy", "flash", "ram", "instructions")}


def measure(arguments: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Adds to the figures; writes them after every row."""
    for name in arguments.data.split(","):
        table = Table(name, arguments.folder, arguments.target)
        found = figures.setdefault(name, {"rows": {}})
        found.update(float=table.in_float(), held_out=len(table.samples.labels), target=arguments.target)
        for row, options in rows().items():
            if not re.search(arguments.only, row):
                continue
            figure: dict[str, Any] = dict(found["rows"].get(row, {}))
            for part in () if arguments.keep else ("ptq", "problem") if arguments.no_training else tuple(figure):
                figure.pop(part, None)
            try:
                if "ptq" not in figure:
                    figure["ptq"] = table.after_training(options)
                if is_trained(SCHEMES[options["scheme"]]) and not arguments.no_training and "qat" not in figure:
                    figure["qat"] = table.trained(options)
            except EdgeqError as error:
                figure["problem"] = str(error).splitlines()[0]
            found["rows"][row] = figure
            found["rows"] = {each: found["rows"][each] for each in rows() if each in found["rows"]}
            print(f"{name:8s} {row:18s} {json.dumps(figure)}", flush=True)
            FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def markdown(figures: Mapping[str, Any]) -> str:
    """The README's table: a row for each scheme. Training changes no bytes and no instructions."""
    names = [name for name in DATA if name in figures]
    heads = [f"{name}, {figures[name]['held_out']} held out" for name in names]
    columns = ["scheme", *(head for name in heads for head in (name, "trained with", "flash", "RAM", "1,000 instr."))]
    floats = [cell for name in names for cell in (_share(figures[name]["float"]), "", "", "", "")]
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], ["float", *floats]]
    for row in rows():
        cells = [cell for name in names for cell in _cells(figures[name]["rows"].get(row, {}))]
        if any(cells):
            lines.append([row, *cells])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cells(figure: Mapping[str, Any]) -> list[str]:
    ptq, qat = figure.get("ptq"), figure.get("qat") or {}
    if ptq is None:
        return ["–" if "problem" in figure else "", "", "", "", ""]
    sizes = [f"{ptq['flash']:,}", f"{ptq['ram']:,}", f"{ptq['instructions'] / 1000:,.0f}"]
    trained = _share(qat.get("accuracy"))
    # no epoch was better: it is the untrained network
    return [_share(ptq["accuracy"]), f"= {trained}" if qat.get("epoch") == 0 else trained, *sizes]


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f}"


def readme_table(readme: str) -> str:
    """The table that stands in the README."""
    return readme.split(BEGIN)[1].split(END)[0]


def stored() -> dict[str, Any]:
    return json.loads(FIGURES.read_text()) if FIGURES.exists() else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", default="mps2-an386")
    parser.add_argument("--folder", type=Path, default=Path("build/schemes"))
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--only", default="", help="a regular expression for rows")
    parser.add_argument("--keep", action="store_true", help="measure only what figures.json lacks")
    parser.add_argument("--no-training", action="store_true", help="what is trained with a scheme stays as it stands")
    arguments = parser.parse_args()
    figures = stored()
    measure(arguments, figures)
    before, rest = README.read_text().split(BEGIN)
    README.write_text(before + BEGIN + markdown(figures) + END + rest.split(END, 1)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
