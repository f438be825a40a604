"""Reports as text for a terminal; every function returns a string and takes the JSON form of a report."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from edgeq.verify import VerifyReport

WIDTH = 118


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A plain table; columns whose cells are numbers are set flush right."""
    rows = [list(row) for row in rows]
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for i, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[i], (int, float)) or row[i] in ("", None) for row in rows)
        grid.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    for row in rows:
        grid.add_row(*(_cell(v) for v in row))
    out = io.StringIO()
    Console(file=out, width=WIDTH, highlight=False, markup=False, color_system=None).print(grid)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines())


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    return "" if value is None else str(value)


def build(report: Mapping[str, Any], folder: Path) -> str:
    """What `edgeq build` made, and what to do next."""
    lines = [
        table(
            ("layer", "operator", "kernel", "estimate", "the next", "MACs", "accumulator"),
            [
                (
                    *(x["name"], x["op"], x["kernel"]),
                    *_estimates(x),
                    *(x["macs"], _bits(x["accumulator_bound"], x["accumulator_bits"])),
                )
                for x in report["layers"]
            ],
        )
    ]
    ram, flash = report["ram"], report["flash"]
    lines.append(
        f"RAM    {_bytes(ram['total'])}: arena {_bytes(ram['arena'])}, scratch {_bytes(ram['scratch'])}, "
        f"other static {_bytes(ram['static'])}, stack {_bytes(ram['stack'])}"
    )
    if report["states"]:
        lines.append(f"state  {_bytes(ram['state'])} of the arena live across inferences: {_states(report['states'])}")
    if flash["total"] is not None:
        lines.append(
            f"flash  {_bytes(flash['total'])}: layers and kernels {_bytes(flash['model_code'])}, "
            f"constants {_bytes(flash['constants'])}, start-up, protocol and C library {_bytes(flash['other'])}"
        )
    lines.append(f"{report['macs']:,} MACs, program {report['program_hash'][:12]}, for {report['target']}")
    lines += [f"shrunk, exactly: {x}" for x in report["shrunk"]]
    lines += [f"warning: {w}" for w in report["warnings"]]
    lines.append(f"next: edgeq verify {folder} --on host --on qemu")
    return "\n".join(lines)


def _estimates(layer: Mapping[str, Any]) -> tuple[int | None, str]:
    """Estimated instructions of a layer's kernel, and the cheapest of those that it was chosen before."""
    costs = {each["kernel"]: each["cost"] for each in layer["considered"]}
    others = [(cost, name) for name, cost in costs.items() if name != layer["kernel"]]
    own = costs.get(layer["kernel"], 0) or None
    return own, "{1} {0:,}".format(*min(others)) if others and own else ""


def _bits(bound: int, width: int) -> str:
    """The proven size of an accumulator."""
    return f"{bound.bit_length() + 1} of {width} bits" if bound else ""


def export(written: Mapping[str, Any]) -> str:
    """What `edgeq export` wrote."""
    lines = [f"wrote {written['output']}, {_bytes(written['bytes'])}"]
    if "blocks" in written:
        lines.append(f"{len(written['blocks'])} tensors in blocks, all others float32")
    return "\n".join(lines + [f"warning: {w}" for w in written["warnings"]])


def _states(states: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{x['name']} {x['type']} {x['shape']}" for x in states)


def _bytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,} B"


def verify(report: VerifyReport) -> str:
    """One line a rung, and the first difference where there is one."""
    lines = []
    for rung in report.rungs:
        verdict = "equal" if rung.equal else "DIFFERENT"
        lines.append(f"{rung.on}: {verdict}, {rung.vectors} vectors, {rung.tensors:,} tensors compared")
        if rung.first_difference:
            lines.append(f"  first difference: {rung.first_difference}")
    return "\n".join(lines)


def outputs(arrays: Mapping[str, np.ndarray]) -> str:
    """Output arrays, abbreviated."""
    return "\n".join(f"{name} {array.dtype}{list(array.shape)}\n{array}" for name, array in arrays.items())


def inspect(found: Mapping[str, Any]) -> str:
    """A model's layers."""
    rows = [
        (x["name"], x["op"], x["inputs"], x["outputs"], x["type"], x["macs"], x["parameters"], x["problem"])
        for x in found["layers"]
    ]
    columns = ("layer", "operator", "in", "out", "type", "MACs", "parameters", "")
    lines = [table(columns, rows)]
    lines.append(f"{found['format']}: {found['macs']:,} MACs, {found['parameters']:,} parameters")
    for kind in ("inputs", "outputs"):
        lines += [f"{kind[:-1]} {x['name']}: {x['type']} {x['shape']}" for x in found[kind]]
    lines += [f"state {x['name']}: {x['type']} {x['shape']}, {_bytes(x['bytes'])}" for x in found["states"]]
    if found["unsupported"]:
        lines.append(f"unsupported: {', '.join(found['unsupported'])}")
    return "\n".join(lines)


def operators(supported: Mapping[str, Any]) -> str:
    """Supported operators and layers."""
    rows = [(x["name"], ", ".join(x["types"]), ", ".join(x["kernels"]), x["exported"]) for x in supported["operators"]]
    lines = [table(("operator", "types", "kernels", "exported"), rows)]
    lines.append(f"read as constants, reshapes, states or other operators: {', '.join(supported['absorbed'])}")
    lines.append(f"Keras: {', '.join(supported['keras'])}")
    return "\n".join(lines)


def profile(counted: Mapping[str, Any]) -> str:
    """Instructions and estimated cycles by layer."""
    rows = [
        (
            x["name"],
            x["op"],
            x["kernel"],
            x["macs"],
            x["instructions"],
            x["instructions"] / x["macs"] if x["macs"] else None,
            x["cycles"],
        )
        for x in counted["layers"]
    ]
    columns = ("layer", "operator", "kernel", "MACs", "instructions", "per MAC", "cycles, estimated")
    total = (
        f"{counted['instructions']:,} instructions per inference on {counted['target']}, exactly; "
        f"about {counted['cycles']:,} cycles"
    )
    return f"{table(columns, rows)}\n{total}\ncycles by {counted['cycles_source']}"


def schemes(known: Sequence[Mapping[str, Any]]) -> str:
    """The ways to quantize, a sentence below each."""
    paragraphs = []
    for scheme in known:
        sentence = textwrap.fill(scheme["summary"], WIDTH, initial_indent="    ", subsequent_indent="    ")
        roles = f"activations {scheme['activations']}; weights {scheme['weights']}"
        paragraphs.append(f"{scheme['name']}: {roles}\n{sentence}")
    return "\n".join(paragraphs)


def compare(found: Mapping[str, Any], best: Sequence[str]) -> str:
    """The table of `edgeq compare`; a star marks the schemes that no other one beats in all figures."""
    columns = ("scheme", "accuracy", "agreement", "SQNR dB", "flash", "constants", "RAM", "instructions", "device")
    rows, problems = [], []
    for row in found["rows"]:
        shares = [None if row[key] is None else _share(row[key]) for key in ("accuracy", "agreement")]
        equal = None if row["equal"] is None else "equal" if row["equal"] else "DIFFERS"
        name = row["scheme"] + (" *" if row["scheme"] in best else "")
        figures = [row[key] for key in ("sqnr", "flash", "constants", "ram", "instructions")]
        rows.append((name, *shares, *figures, equal))
        if row["problem"]:
            problems.append(f"{row['scheme']}: {row['problem']}")
    last = f"{found['vectors']:,} vectors of the {found['evaluated_on']}; {found['target']}; * beaten by none"
    return "\n".join([table(columns, rows), last, *problems])


def search(found: Mapping[str, Any], saved: Path | None) -> str:
    """What `edgeq search` has found: each layer with what it would lose and cost, and the whole as it was measured."""
    rows = []
    for layer in found["layers"]:
        options = {each["scheme"]: each for each in layer["options"]}
        mine = options[layer["scheme"]]
        loss = [None if name not in options else options[name]["sqnr"] for name in found["candidates"]]
        rows.append((layer["name"], layer["scheme"], *loss, mine["flash"], mine["instructions"]))
    columns = ("layer", "scheme", *found["candidates"], "constants", "instructions")
    result, exact = found["found"], found["float"]
    what = "agreement" if result["accuracy"] is None else "accuracy"
    lines = [
        table(columns, rows),
        "below the candidates' names: signal to noise at the outputs in dB with that layer alone so, all others at the "
        "most precise candidate",
        f"found: {what} {_share(result[what])} (float {_share(exact[what])}), "
        f"{'exact' if result['sqnr'] is None else format(result['sqnr'], '.1f') + ' dB'}, "
        f"flash {_bytes(result['flash'])}, "
        f"RAM {_bytes(result['ram'])}, {_count(result['instructions'])} instructions on {found['target']}, measured",
        f"budgets: {', '.join(f'{name} {limit:,}' for name, limit in found['budgets'].items())}",
        f"{found['vectors']:,} vectors of the {found['evaluated_on']}",
        *found["notes"],
    ]
    lines.append(f"next: edgeq build … --recipe {saved}" if saved else f"\n{found['recipe'].rstrip()}")
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{100 * value:.2f} %"


def _count(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def targets(boards: Sequence[Mapping[str, Any]]) -> str:
    """The boards."""
    rows = [(b["name"], b["cpu"], b["flash"] // 1024, b["ram"] // 1024, b["qemu"], b["description"]) for b in boards]
    return table(("board", "core", "flash KB", "RAM KB", "emulated", "what it is"), rows)


def doctor(tools: Sequence[Mapping[str, Any]]) -> str:
    """The tools."""
    rows = [(t["name"], t["version"] or "missing", t["purpose"], "" if t["version"] else t["hint"]) for t in tools]
    return table(("tool", "found", "for", "how to get it"), rows)
