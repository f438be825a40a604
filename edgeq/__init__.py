"""edgeq: trained Keras and TFLite models become fixed-point firmware that proves itself bit-exact."""

from __future__ import annotations

from typing import Any

from edgeq._version import __version__

__all__ = [
    "EdgeqError",
    "Project",
    "__version__",
    "build",
    "compare",
    "export",
    "inspect",
    "load_model",
    "open_project",
]


def __getattr__(name: str) -> Any:
    # `import edgeq` stays quick: the compiler is loaded when it is first used
    if name == "EdgeqError":
        from edgeq.errors import EdgeqError

        return EdgeqError
    if name == "compare":
        from edgeq.comparison import compare

        return compare
    if name in __all__:
        from edgeq import api

        return getattr(api, name)
    raise AttributeError(f"module 'edgeq' has no attribute {name!r}")
