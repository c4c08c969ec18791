"""`Table`, a read-only mapping that shows itself in a terminal and in a notebook; and aligned columns of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Table", "columns_of_text"]

#: Columns whose words are copied as a whole.
_UNBROKEN = ("name", "model", "set", "doi")

Key = TypeVar("Key")
Value = TypeVar("Value")


class Table(Mapping[Key, Value], Generic[Key, Value]):
    """A read-only mapping with one row for each entry.

    Parameters
    ----------
    entries : mapping
        What is looked up.
    columns : sequence of str
        Heads of the columns.
    row : callable
        Gives the cells of an entry from its key and its value.
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
        """Heads of the columns."""
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


def columns_of_text(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose columns are aligned."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
