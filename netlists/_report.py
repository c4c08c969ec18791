"""How results are set as text."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["columns_of_text"]


def columns_of_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
