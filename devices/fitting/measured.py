"""`Measured`: a checked record of an instrument in SI units: an I-V trace, a pulse train or retention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, number
from devices.waveforms import Constant, Samples, Waveform

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Measured"]

Kind = Literal["trace", "pulses", "retention"]
_KINDS = ("trace", "pulses", "retention")
_OPTIONS = {
    "trace": ("label", "waveform"),
    "pulses": ("label", "read_voltage", "width", "period", "edge"),
    "retention": ("label", "read_voltage"),
}


@dataclass(frozen=True, eq=False)
class Measured:
    """One measured record, for `fit` to compare with a model.

    Made by `trace`, `pulses`, `retention` or `read`.

    Attributes
    ----------
    kind : {"trace", "pulses", "retention"}
        Kind of measurement.
    time : numpy.ndarray
        Times of the observations from the start of the waveform [s], shape ``(n,)``.
    observed : numpy.ndarray
        Current [A] of a trace, else conductance [S], shape ``(n,)``.
    waveform : Waveform
        Voltage on the device.
    read_voltage : float
        Voltage at which a conductance was read [V].
    label : str
        Label in plots.
    """

    kind: Kind
    time: Array
    observed: Array
    waveform: Waveform
    read_voltage: float = 0.1
    label: str = "measured"

    def __post_init__(self) -> None:
        choice("kind", self.kind, _KINDS)
        if number("read_voltage", self.read_voltage, unit="V") == 0.0:
            raise InputError("read_voltage", "0", "a voltage other than 0 [V]", "read_voltage=0.1")
        time = finite_array("time", self.time, unit="s", shape=("n",), minimum=0.0)
        observed = finite_array("observed", self.observed, unit=self.unit, shape=(time.size,))
        for name, array in (("time", time.copy()), ("observed", observed.copy())):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def trace(
        cls,
        time: ArrayLike,
        voltage: ArrayLike,
        current: ArrayLike,
        *,
        waveform: Waveform | None = None,
        label: str = "measured",
    ) -> Measured:
        """Return a current recorded under a voltage, such as an I-V loop.

        Parameters
        ----------
        time : array_like
            Times [s], rising; they are counted from the first one.
        voltage : array_like
            Voltages [V]; linear between samples.
        current : array_like
            Currents [A].
        waveform : Waveform, optional
            Exact waveform, where it is known better than from its samples.
        label : str, optional
            Label in plots.

        Returns
        -------
        Measured
            The record.

        Raises
        ------
        InputError
            For a value that is missing or not finite, columns of different lengths, times that do not rise
            (the row is named), or fewer than 3 rows.
        """
        table = _clean({"time": time, "voltage": voltage, "current": current})
        seconds = table["time"] - table["time"][0]
        stimulus = Samples(seconds, table["voltage"]) if waveform is None else waveform
        if not isinstance(stimulus, Waveform):
            raise InputError("waveform", type(stimulus).__name__, "a Waveform", "devices.Samples(time, voltage)")
        if seconds[-1] > stimulus.duration * (1 + 1e-9):
            raise InputError("time", f"{seconds[-1]:g} s", f"within the waveform's {stimulus.duration:g} s")
        return cls("trace", np.minimum(seconds, stimulus.duration), table["current"], stimulus, label=label)

    @classmethod
    def pulses(
        cls,
        amplitude: ArrayLike,
        width: ArrayLike,
        conductance: ArrayLike,
        *,
        period: ArrayLike | None = None,
        edge: float | None = None,
        read_voltage: float = 0.1,
        label: str = "measured",
    ) -> Measured:
        """Return the conductances read after each pulse of a train.

        Each pulse is a trapezoid followed by 0 V until the end of its period, when the device is read. The read is
        assumed not to disturb the state. A row of amplitude 0 is a read without a pulse.

        Parameters
        ----------
        amplitude : array_like
            Height of each pulse [V], shape ``(n,)``.
        width : array_like
            Width of the flat top of each pulse [s], one value or shape ``(n,)``.
        conductance : array_like
            Conductance read after each pulse [S], shape ``(n,)``.
        period : array_like, optional
            Time from each pulse to the next [s]; twice the width where not given.
        edge : float, optional
            Length of each edge [s]; a hundredth of the shortest width where not given.
        read_voltage : float, optional
            Voltage of the reads [V].
        label : str, optional
            Label in plots.

        Returns
        -------
        Measured
            The record.

        Raises
        ------
        InputError
            For a value that is missing or not finite (the row is named), a width that is not positive, a period that
            is not longer than its pulse, or fewer than 3 rows.
        """
        table = _clean({"amplitude": amplitude, "width": width, "conductance": conductance})
        widths = table["width"]
        if (widths <= 0).any():
            raise InputError("width", f"{widths.min():g} s in row {int(np.argmin(widths))}", "> 0 [s]")
        rise = number("edge", widths.min() / 100 if edge is None else edge, unit="s", minimum=0.0, open_minimum=True)
        periods = 2 * widths if period is None else _clean({"period": period}, rows=widths.size)["period"]
        too_short = periods <= widths + 2 * rise
        if too_short.any():
            row = int(np.argmax(too_short))
            raise InputError("period", f"{periods[row]:g} s in row {row}", f"> {widths[row] + 2 * rise:g} s there")
        ends = np.cumsum(periods)
        starts = np.concatenate([[0.0], ends[:-1]])
        time = np.stack([starts, starts + rise, starts + rise + widths, starts + 2 * rise + widths], axis=1).ravel()
        volts = np.stack([0 * widths, table["amplitude"], table["amplitude"], 0 * widths], axis=1).ravel()
        stimulus = Samples(np.append(time, ends[-1]), np.append(volts, 0.0))
        return cls("pulses", ends, table["conductance"], stimulus, read_voltage, label)

    @classmethod
    def retention(
        cls, time: ArrayLike, conductance: ArrayLike, *, read_voltage: float = 0.1, label: str = "measured"
    ) -> Measured:
        """Return conductances read over time, with no voltage between the reads.

        Parameters
        ----------
        time : array_like
            Times since programming [s], rising, 0 or later.
        conductance : array_like
            Conductances [S].
        read_voltage : float, optional
            Voltage of the reads [V].
        label : str, optional
            Label in plots.

        Returns
        -------
        Measured
            The record.

        Raises
        ------
        InputError
            For a value that is missing or not finite, times that do not rise or lie before 0 (the row is named), or
            fewer than 3 rows.
        """
        table = _clean({"time": time, "conductance": conductance})
        if table["time"][0] < 0:
            raise InputError("time", f"{table['time'][0]:g} s in row 0", ">= 0, counted from programming [s]")
        stimulus = Constant(0.0, float(table["time"][-1]))
        return cls("retention", table["time"], table["conductance"], stimulus, read_voltage, label)

    @classmethod
    def read(
        cls,
        source: str | Path | pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        units: Mapping[str, str] | None = None,
        kind: Kind | None = None,
        **options: Any,
    ) -> Measured:
        """Read a record from a CSV file or a table, with its columns and units.

        Headers such as ``Current (uA)``, ``V [mV]`` or ``t / ms`` are recognised; `columns` and `units` set what they
        do not say. A conductance may also come as a resistance, or as the current at `read_voltage`.

        Parameters
        ----------
        source : path or pandas.DataFrame
            A text file with one header line (any delimiter, ``#`` starts a comment), or a table.
        columns : mapping of str to str, optional
            Names of the columns for time, voltage, current, conductance, resistance, amplitude, width, period.
        units : mapping of str to str, optional
            Unit of each, instead of that in the header; SI where neither is given.
        kind : {"trace", "pulses", "retention"}, optional
            Kind of record; where not given, pulses if there is an amplitude, a trace if there is a voltage, else
            retention.
        **options
            Passed to the constructor of that kind: `read_voltage`, `label`, `waveform`, `width`, `period`, `edge`.

        Returns
        -------
        Measured
            The record.

        Raises
        ------
        InputError
            For a file that cannot be read, a column that is not there (those there are listed), a unit that is unknown
            or of the wrong dimension, a gap or a text among the numbers (the row is named), or what the
            kind's constructor refuses.

        Examples
        --------
        >>> import pandas as pd
        >>> table = pd.DataFrame({"t (ms)": [0.0, 1.0, 2.0], "V": [0.0, 1.0, 0.0], "I [uA]": [0.0, 5.0, 0.0]})
        >>> Measured.read(table)
        Measured('trace', 3 points, 0 to 0.002 s, 'measured')
        """
        from devices.fitting.columns import read_table

        table, name = read_table(source, columns or {}, units or {})
        options.setdefault("label", name)
        if kind is None:
            kind = "pulses" if "amplitude" in table else "trace" if "voltage" in table else "retention"
        choice("kind", kind, _KINDS)
        for option in options:
            choice("options", option, _OPTIONS[kind])
        if number("read_voltage", options.get("read_voltage", 0.1), unit="V") == 0.0:
            raise InputError("read_voltage", "0", "a voltage other than 0 [V]", "read_voltage=0.1")
        if kind == "trace":
            return cls.trace(*_take(table, "time", "voltage", "current"), **options)
        if "conductance" not in table and "resistance" in table:
            if (table["resistance"] == 0).any():
                raise InputError("resistance", f"0 in row {int(np.argmin(np.abs(table['resistance'])))}", "not 0 [ohm]")
            table["conductance"] = 1 / table["resistance"]
        if "conductance" not in table and "current" in table:
            if "read_voltage" not in options:
                raise InputError(
                    "read_voltage",
                    "none",
                    "the voltage of the reads, as only currents are there [V]",
                    "read_voltage=0.1",
                )
            table["conductance"] = table["current"] / options["read_voltage"]
        if kind == "retention":
            return cls.retention(*_take(table, "time", "conductance"), **options)
        options = {**{n: table[n] for n in ("width", "period") if n in table}, **options}
        if "width" not in options:
            _take(table, "width")  # says that it is missing
        amplitude, conductance = _take(table, "amplitude", "conductance")
        return cls.pulses(amplitude, conductance=conductance, **options)

    @property
    def quantity(self) -> str:
        """Name of the observed quantity: current or conductance."""
        return "current" if self.kind == "trace" else "conductance"

    @property
    def unit(self) -> str:
        """SI unit of the observed quantity."""
        return "A" if self.kind == "trace" else "S"

    def __len__(self) -> int:
        return int(self.time.size)

    def __repr__(self) -> str:
        return f"Measured({self.kind!r}, {len(self)} points, {self.time[0]:g} to {self.time[-1]:g} s, {self.label!r})"


def _take(table: Mapping[str, Array], *names: str) -> list[Array]:
    missing = [n for n in names if n not in table]
    if missing:
        there = ", ".join(table) or "none that is understood"
        raise InputError(
            "columns", f"no column for {', '.join(missing)} (understood: {there})", f"columns for {', '.join(names)}",
            f'columns={{"{missing[0]}": "name of that column"}}',
        )  # fmt: skip
    return [table[n] for n in names]


def _clean(table: Mapping[str, ArrayLike], rows: int | None = None) -> dict[str, Array]:
    """Return columns of one length, finite, with rising times; a single value fills its column."""
    arrays = {}
    for name, values in table.items():
        try:
            given = np.asarray(values)
            if given.dtype.kind in "cmM":
                raise TypeError
            arrays[name] = given.astype(float)
        except (TypeError, ValueError):
            raise InputError(name, f"{type(values).__name__} that is not numeric", "an array of real numbers") from None
    wanted = rows if rows is not None else max(a.size for a in arrays.values())
    for name, array in arrays.items():
        if array.ndim == 0:
            array = arrays[name] = np.full(wanted, array)
        if array.shape != (wanted,):
            raise InputError(name, f"shape {array.shape}", f"shape ({wanted},), as the other columns have")
        bad = ~np.isfinite(array)
        if bad.any():
            row = int(np.argmax(bad))
            more = f" ({int(bad.sum())} in all)" if bad.sum() > 1 else ""
            raise InputError(name, f"{array[row]} in row {row}{more}", "a finite number in each row", "drop these rows")
    if wanted < 3:
        raise InputError("measured", f"{wanted} rows", "at least 3 rows")
    if "time" in arrays:
        steps = np.diff(arrays["time"])
        if (steps <= 0).any():
            row = int(np.argmax(steps <= 0)) + 1
            before, here = arrays["time"][row - 1], arrays["time"][row]
            word = "repeats" if here == before else "goes back"
            raise InputError(
                "time", f"{here:g} s after {before:g} s in row {row}, which {word}", "times that rise from row to row",
                "sort by time and drop repeats",
            )  # fmt: skip
    return arrays
