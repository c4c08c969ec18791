"""A self-contained HTML report: text, tables and pictures in one file that opens anywhere."""

from __future__ import annotations

import base64
import io
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from devices.common.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Report", "Section"]

#: Distributions whose versions a reader needs to repeat the run.
_PROVENANCE = ("memductance", "numpy", "scipy", "sympy", "numba", "scikit-learn", "PySpice")
#: Headings of columns that hold text, which are aligned left; all others hold numbers.
_TEXT_COLUMNS = (
    "source", "status", "at", "engine", "analysis", "quantity", "cells", "option", "options", "fault", "message",
    "shrunk", "replay", "largest", "limited by",
)  # fmt: skip


@dataclass
class Section:
    """A part of the report, in the order text, figures, tables, notes.

    Attributes
    ----------
    title : str
        Heading.
    text : str
        Description of the figures and tables.
    figures : list of (str, str)
        PNG as base64, and its caption.
    tables : list of (str, list, list)
        Caption, column heads, rows of text.
    notes : list of str
        Sources and remarks.
    """

    title: str
    text: str
    figures: list[tuple[str, str]] = field(default_factory=list)
    tables: list[tuple[str, list[str], list[list[str]]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add_figure(self, figure: Figure, caption: str) -> None:
        """Add a figure with its caption."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=110)
        self.figures.append((base64.b64encode(buffer.getvalue()).decode(), caption))

    def add_table(self, caption: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Add a table; cells are converted with ``str``."""
        self.tables.append((caption, list(head), [[str(cell) for cell in row] for row in rows]))


@dataclass
class Report:
    """Sections under a title, with a line of key figures at the top."""

    title: str
    summary: list[tuple[str, str]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)

    def write(self, path: Path) -> Path:
        """Write the report as one HTML file, completely or not at all.

        Parameters
        ----------
        path : pathlib.Path
            The file.

        Returns
        -------
        pathlib.Path
            The same, absolute.

        Raises
        ------
        InputError
            If the file cannot be written.
        """
        from jinja2 import Environment

        source = files("memductance.pages").joinpath("report.html.j2").read_text(encoding="utf-8")
        template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
        made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        versions = [("Python", platform.python_version()), *((n, version(n)) for n in _PROVENANCE)]
        text = template.render(
            report=self, made=made, versions=versions, machine=platform.platform(), words=_TEXT_COLUMNS
        )
        path = path.absolute()
        return write_whole(path, text, "--out")
