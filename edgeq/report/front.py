"""The accuracy, size and speed of schemes as one SVG picture: no dependency, the same bytes for the same table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT, MARGIN = 760, 480, 80
# Area of the largest circle, in square pixels per π.
_LARGEST = 900


def front(rows: Sequence[Mapping[str, Any]], quality: str, best: Sequence[str]) -> str:
    """Instructions to the right, quality upwards, flash as the circle's area; the schemes `best` stand out.

    rows: of `edgeq compare`; those without all three figures are left out.
    """
    points = [r for r in rows if None not in (r["instructions"], r["flash"], r[quality])]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<path d="M{MARGIN} {MARGIN // 2}V{HEIGHT - MARGIN}H{WIDTH - MARGIN // 2}" fill="none" stroke="black"/>',
        _text(WIDTH / 2, HEIGHT - 20, "instructions per inference (circle area: flash)", "middle"),
        _text(MARGIN - 10, MARGIN / 2 - 12, quality, "middle"),
    ]
    if points:
        right = _axis([r["instructions"] for r in points], MARGIN, WIDTH - 2 * MARGIN)
        up = _axis([r[quality] for r in points], HEIGHT - MARGIN, MARGIN)
        largest = max(r["flash"] for r in points)
        for low_or_high in (min, max):
            x = low_or_high(r["instructions"] for r in points)
            y = low_or_high(r[quality] for r in points)
            parts.append(_text(right(x), HEIGHT - MARGIN + 20, f"{x:,}", "middle"))
            parts.append(_text(MARGIN - 8, up(y) + 4, f"{y:.4g}", "end"))
        for row in points:
            x, y = right(row["instructions"]), up(row[quality])
            radius = (_LARGEST * row["flash"] / largest) ** 0.5 / 2
            colour = "#0b6e4f" if row["scheme"] in best else "#9aa5b1"
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.6">'
                f"<title>{escape(row['scheme'])}: {row['flash']:,} bytes</title></circle>"
            )
            parts.append(_text(x + radius + 3, y + 4, row["scheme"], "start"))
    return "\n".join([*parts, "</svg>", ""])


def _axis(values: Sequence[float], start: float, end: float):
    """A function from a value to pixels; a tenth of the way is left free at both ends."""
    low, high = min(values), max(values)
    room = (high - low) / 10 or abs(high) / 10 or 1.0
    return lambda value: start + (end - start) * (value - low + room) / (high - low + 2 * room)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
