"""Columns of tables and files, recognised by their headers and converted to SI units (pandas and pint)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, readable_file
from devices.units import factor

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["QUANTITIES", "read_table"]

#: SI unit of each quantity that a column may hold, and the headers that are recognised for it.
QUANTITIES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "time": ("s", ("time", "t")),
    "voltage": ("V", ("voltage", "v", "bias", "bias voltage", "applied voltage")),
    "current": ("A", ("current", "i", "read current", "measured current")),
    "conductance": ("S", ("conductance", "g")),
    "resistance": ("ohm", ("resistance", "r")),
    "amplitude": ("V", ("amplitude", "pulse amplitude", "pulse voltage", "pulse height")),
    "width": ("s", ("width", "pulse width")),
    "period": ("s", ("period", "pulse period")),
}
_UNIT = re.compile(r"^(?P<name>.*?)\s*(?:\((?P<round>[^()]*)\)|\[(?P<square>[^\[\]]*)\]|/\s*(?P<slash>[^/]+))$")


def _header(text: str) -> tuple[str, str]:
    """Split ``Current (uA)`` into its name and unit."""
    found = _UNIT.match(text.strip())
    if not found:
        return text.strip(), ""
    return found["name"].strip(), (found["round"] or found["square"] or found["slash"] or "").strip()


def read_table(
    source: str | Path | pd.DataFrame, columns: Mapping[str, str], units: Mapping[str, str]
) -> tuple[dict[str, Array], str]:
    """Return the recognised columns in SI units, and a label; see `Measured.read`."""
    import pandas as pd

    for argument, given in (("columns", columns), ("units", units)):
        for quantity in given:
            choice(argument, quantity, QUANTITIES)
    name = "measured"
    if isinstance(source, pd.DataFrame):
        frame = source
    elif isinstance(source, str | Path):
        path = readable_file("source", source)
        name = path.stem
        try:
            frame = pd.read_csv(path, sep=None, engine="python", comment="#", skipinitialspace=True, index_col=False)
        except Exception as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError("source", f"{str(path)!r} ({what})", "a text table with one header line") from None
    else:
        raise InputError("source", type(source).__name__, "a path or a pandas DataFrame")
    headers = {str(h): h for h in frame.columns}
    chosen: dict[str, str] = {}
    for quantity, column in columns.items():
        if column not in headers:
            raise InputError(
                f"columns[{quantity!r}]", repr(column), "one of the columns there: " + ", ".join(map(repr, headers))
            )
        chosen[quantity] = column
    for text in headers:
        if text in chosen.values():
            continue
        plain = _header(text)[0].lower().replace("_", " ")
        for quantity, (_, names) in QUANTITIES.items():
            if plain not in names or quantity in columns:
                continue
            if quantity in chosen:
                raise InputError(
                    "columns", f"{chosen[quantity]!r} and {text!r} for {quantity}", "one column for each",
                    f"columns={{{quantity!r}: {text!r}}}",
                )  # fmt: skip
            chosen[quantity] = text
    if not chosen:
        raise InputError(
            "columns", "none that is understood among " + (", ".join(map(repr, headers)) or "no columns"),
            "columns for " + ", ".join(QUANTITIES), 'columns={"time": "name of that column"}',
        )  # fmt: skip
    for column in chosen.values():
        if list(map(str, frame.columns)).count(column) > 1:
            what = f"two columns {column!r}"
            raise InputError("source", what, "a name of its own for each column", "rename or drop one")
    for quantity in units:
        if quantity not in chosen:
            raise InputError(f"units[{quantity!r}]", "a unit for a column that is not there", ", ".join(chosen))
    return {q: _numbers(frame[headers[c]], q, c, units.get(q, "")) for q, c in chosen.items()}, name


def _numbers(column: pd.Series, quantity: str, header: str, unit: str) -> Array:
    import pandas as pd

    si = QUANTITIES[quantity][0]
    kind = column.dtype.kind
    if kind == "m" and si == "s":
        column, header, unit = column.dt.total_seconds(), quantity, si
    elif kind in "mMc":
        raise InputError(
            f"column {header!r}", f"values of type {column.dtype}", "real numbers, or times since a start (timedelta)",
            "frame[column] - frame[column].iloc[0]" if kind == "M" else "",
        )  # fmt: skip
    scale = factor(quantity, unit or _header(header)[1] or si, si)
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.argmax(bad))
        cell = column.iloc[row]
        what = "a gap" if pd.isna(cell) else repr(cell)
        more = f" ({int(bad.sum())} such rows)" if bad.sum() > 1 else ""
        raise InputError(
            f"column {header!r}", f"{what} in row {row}{more}", "a finite number in each row (the first is row 0)",
            "drop or repair these rows",
        )  # fmt: skip
    return values * scale
