"""What every scheme makes of some models, as hashes: `python -m tests.quant.digests FILES FOLDER`, FILES a JSON object.

A process of its own orders its sets in another way.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from edgeq import api
from edgeq.quant.schemes import SCHEMES


def digests(files: dict[str, Path], folder: Path) -> dict[str, str]:
    """A hash of all files, by scheme and model, of projects that are written anew."""
    found = {}
    for scheme in SCHEMES:
        for name, path in files.items():
            out = folder / f"{scheme}-{name}"
            api.build(path, "mps2-an386", calibration=path.with_suffix(".npz"), scheme=scheme, out=out, compile=False)
            contents = hashlib.sha256()
            for each in sorted(p for p in out.rglob("*") if p.is_file()):
                contents.update(f"{each.relative_to(out)}\n".encode() + each.read_bytes())
            found[f"{scheme} {name}"] = contents.hexdigest()
    return found


if __name__ == "__main__":
    given = {name: Path(path) for name, path in json.loads(sys.argv[1]).items()}
    json.dump(digests(given, Path(sys.argv[2])), sys.stdout)
