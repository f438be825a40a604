"""MIRROR_PAD: padding by the elements near the border. Operands: the data, (before, after) per axis (constant)."""

from dataclasses import dataclass

import numpy as np

from edgeq.ops import register
from edgeq.ops.base import require
from edgeq.ops.selection import Places, Selection


@dataclass(frozen=True)
class MirrorPadAttrs:
    """symmetric: the border itself is repeated; otherwise (REFLECT) it is the mirror's axis."""

    symmetric: bool = False


@register
class MirrorPad(Selection):
    name = "MIRROR_PAD"
    Attrs = MirrorPadAttrs

    def places(
        self, attrs: MirrorPadAttrs, shape: tuple[int, ...], padding: np.ndarray
    ) -> tuple[Places, tuple[int, ...]]:
        require(padding.shape == (len(shape), 2), f"the padding needs shape {[len(shape), 2]}")
        places: Places = []
        for size, (before, after) in zip(shape, padding.astype(np.int64), strict=True):
            most = size if attrs.symmetric else size - 1
            require(min(before, after) >= 0 and max(before, after) <= most, f"cannot mirror {size} by more than {most}")
            mode = "symmetric" if attrs.symmetric else "reflect"
            places.append(np.pad(np.arange(size), (int(before), int(after)), mode=mode) if before or after else None)
        return places, tuple(d if p is None else len(p) for d, p in zip(shape, places, strict=True))
