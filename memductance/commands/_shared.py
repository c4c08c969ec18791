"""Options that all commands have, their results, and their errors."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from devices.common.errors import InputError, MemductanceError
from devices.common.files import whole_file

__all__ = ["Json", "Out", "Result", "Seed", "command"]

Seed = Annotated[int, typer.Option(help="Seed of everything random in this run.", min=0)]
Out = Annotated[Path | None, typer.Option(help="Folder for files and pictures; created if missing.", file_okay=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else there.")]

#: Text goes to stderr when stdout is kept for JSON.
_stdout = Console()


class Result:
    """The result of a command: figures, which are printed as text or as JSON, and files."""

    def __init__(self, out: Path | None, as_json: bool) -> None:
        self.as_json = as_json
        self.figures: dict[str, Any] = {}
        self.files: list[Path] = []
        self.out = out
        self.console = Console(stderr=True) if as_json else _stdout

    def path(self, name: str) -> Path | None:
        """Return the path of the file `name`; None where no folder is given."""
        if self.out is None:
            return None
        self.files.append(self.out / name)
        return self.files[-1]

    def save_figure(self, name: str, figure: Any) -> None:
        """Save a picture as `name`, where a folder is given."""
        path = self.path(name)
        if path is not None:
            try:
                with whole_file(path, "--out") as unfinished:
                    figure.savefig(unfinished, dpi=150, format="png")
            except InputError:
                self.files.pop()
                raise

    def finish(self) -> None:
        """Print the figures as JSON, or the names of the files."""
        if self.as_json:
            figures = _finite({**self.figures, "files": [str(f) for f in self.files]})
            print(json.dumps(figures, default=_plain, allow_nan=False))
            return
        for file in self.files:
            self.console.print(f"wrote {file}", style="dim", highlight=False, soft_wrap=True)


def _finite(value: Any) -> Any:
    """Return nested figures with None for infinity and nan, which JSON does not have."""
    if isinstance(value, dict):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    """Return numpy values as plain Python values, anything else as text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


@contextmanager
def command(out: Path | None, as_json: bool) -> Iterator[Result]:
    """Run a command: create its folder, print its result; our exceptions become one line on stderr and exit code 2."""
    result = Result(out, as_json)
    try:
        if out is not None:
            try:
                out.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError("--out", f"{str(out)!r} ({error.strerror})", "a folder that can be created") from None
        yield result
    except MemductanceError as error:
        print(f"memductance: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        print("memductance: interrupted", file=sys.stderr)
        raise typer.Exit(130) from None
    result.finish()
