"""Tables: `Table`, a read-only mapping that prints as a table; aligned columns of text; tables in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "columns_of_text", "markdown_table"]

#: Columns whose cells are not broken into lines, so that they can be copied.
_UNBROKEN = ("name", "model", "set", "doi")

Key = TypeVar("Key")
Value = TypeVar("Value")


class Table(Mapping[Key, Value], Generic[Key, Value]):
    """A read-only mapping with one row for each entry.

    Parameters
    ----------
    entries : mapping
        The mapping.
    columns : sequence of str
        Column headings.
    row : callable
        Returns the cells of an entry, given its key and its value.
    """

    def __init__(
        self,
        entries: Mapping[Key, Value],
        columns: Sequence[str],
        row: Callable[[Key, Value], Sequence[Any]],
    ) -> None:
        self._entries = dict(entries)
        self._columns = tuple(columns)
        self._row = row

    def __getitem__(self, key: Key) -> Value:
        return self._entries[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column headings."""
        return self._columns

    def rows(self) -> list[tuple[Any, ...]]:
        """Cells of every entry, in order."""
        return [tuple(self._row(key, value)) for key, value in self._entries.items()]

    def to_frame(self) -> pd.DataFrame:
        """Return the table as a DataFrame, to filter and sort."""
        import pandas as pd

        return pd.DataFrame(self.rows(), columns=list(self.columns))

    def __repr__(self) -> str:
        import io
        import shutil

        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table as Drawn

        drawn = Drawn(box=SIMPLE_HEAD, pad_edge=False)
        for name in self.columns:
            drawn.add_column(name, overflow="fold", no_wrap=name in _UNBROKEN, min_width=len(name))
        for row in self.rows():
            drawn.add_row(*map(str, row))
        width = max(shutil.get_terminal_size((120, 24)).columns, 60)
        console = Console(
            file=io.StringIO(), width=width, color_system=None, markup=False, highlight=False, force_jupyter=False
        )
        console.print(drawn)
        assert isinstance(console.file, io.StringIO)
        return "\n".join(line.rstrip() for line in console.file.getvalue().strip().splitlines())

    def _repr_html_(self) -> str:
        import pandas as pd

        with pd.option_context("display.max_colwidth", None):
            return str(self.to_frame().to_html(index=False, border=0))


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown; cells are converted with ``str``."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def columns_of_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
