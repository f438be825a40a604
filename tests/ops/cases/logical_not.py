"""The opposite of bools."""

from typing import Any

from edgeq.ops.logical_not import LogicalNotAttrs

from ..logic import cases_of
from ..one_op import options as table

cases = cases_of("LOGICAL_NOT", 1, LogicalNotAttrs())


def options(attrs: LogicalNotAttrs) -> Any:
    return table("LogicalNotOptions")
