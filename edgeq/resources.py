"""Finds the data folders `templates/` and `targets/`, in a checkout or inside an installed wheel."""

from __future__ import annotations

from pathlib import Path

from edgeq.errors import ProjectError


def data_dir(name: str) -> Path:
    """The folder `templates` or `targets`.

    In a wheel the folders are mapped to `edgeq/_data/`; in a checkout they stand beside the package.

    Raises:
        ProjectError: the installation lacks the folder.
    """
    package = Path(__file__).resolve().parent
    for candidate in (package / "_data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise ProjectError(
        f"the data folder '{name}' is missing from this installation",
        where=str(package),
        hint="reinstall edgeq: pip install --force-reinstall edgeq",
    )


def templates_dir() -> Path:
    """The folder of Jinja templates and of the plain C runtime."""
    return data_dir("templates")


def targets_dir() -> Path:
    """The folder that holds `cpus/`, `socs/` and `boards/`."""
    return data_dir("targets")
