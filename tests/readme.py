"""The parts of the README that say what the code supports, written from the code: `python -m tests.readme`.

Such a part stands between `<!-- NAME: make readme -->` and `<!-- end -->`; `tests/test_readme.py` fails where it is not
what this module would write.
"""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

from edgeq import api

README = Path(__file__).resolve().parents[1] / "README.md"
WIDTH = 120


def operators() -> str:
    """A table with a row for each set of activation types."""
    supported = api.operators()
    rows = sorted(supported["operators"], key=lambda row: (-len(row["types"]), row["types"]))
    lines = ["| activations | operators (in italics: edgeq's own, which TFLite lacks) |", "| --- | --- |"]
    for types, group in itertools.groupby(rows, key=lambda row: row["types"]):
        names = [f"*{row['name']}*" if row["own"] else row["name"] for row in group]
        lines.append(f"| {', '.join(types)} | {', '.join(names)} |")
    absorbed = ", ".join(supported["absorbed"])
    return (
        "\n".join(lines)
        + "\n\n"
        + _wrapped(f"What becomes constants, reshapes, states and other operators: {absorbed}.")
    )


def layers() -> str:
    """A sentence with the names of Keras layers."""
    names = [name for name in api.operators()["keras"] if not name.startswith("ops.")]
    return _wrapped(f"Keras layers: {', '.join(names)}; and the `keras.ops` functions that map onto the operators.")


PARTS: dict[str, Callable[[], str]] = {"operators": operators, "layers": layers}


def renewed(text: str) -> str:
    """The README's text with every generated part written anew; raises ValueError where one is not marked out."""
    for name, write in PARTS.items():
        pattern = re.compile(rf"(<!-- {name}: make readme -->\n).*?\n(<!-- end -->)", re.DOTALL)
        part = write()
        found, count = pattern.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)
        if count != 1:
            raise ValueError(f"the README needs one part {name!r}, has {count}")
        text = found
    return text


def _wrapped(sentence: str) -> str:
    return textwrap.fill(sentence, WIDTH, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text()))
