"""One circuit in both worlds: run here and in SPICE, compared quantity by quantity."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar import Crossbar
from devices import Device, InputError, Waveform, simulate
from devices.errors import MemductanceError
from devices.validation import choice, finite_array, integer, number
from netlists.circuit import Circuit, crossbar_circuit, device_circuit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Agreement", "DisagreementError", "Quantity", "crosscheck"]

Array = NDArray[np.float64]
Vectors = dict[str, Array]


class DisagreementError(MemductanceError, AssertionError):
    """Two simulators differ by more than was asked for."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """One compared quantity.

    Attributes
    ----------
    name : str
        What it is.
    unit : str
        Its unit.
    axis : str
        What the values are laid out along, with its unit: time, or columns, or cells.
    place : numpy.ndarray
        Coordinate of each value on that axis.
    ours, theirs : numpy.ndarray
        The values of both sides.
    scale : float
        What a relative difference is relative to, in `unit`.
    meaning : str
        What the scale is, in words.
    """

    name: str
    unit: str
    axis: str
    place: Array
    ours: Array
    theirs: Array
    scale: float
    meaning: str

    @property
    def worst_absolute(self) -> float:
        """Largest absolute difference."""
        return float(np.abs(self.ours - self.theirs).max())

    @property
    def worst_relative(self) -> float:
        """Largest absolute difference over the scale."""
        return self.worst_absolute / self.scale if self.scale else self.worst_absolute

    @property
    def where(self) -> str:
        """Where the difference is largest."""
        k = int(np.abs(self.ours - self.theirs).argmax())
        name, _, unit = self.axis.partition(" [")
        return f"{name} {self.place[k]:.6g} {unit.rstrip(']')}".rstrip()


@dataclass(frozen=True, eq=False)
class Agreement:
    """What `crosscheck` returns.

    Attributes
    ----------
    title : str
        The circuit.
    quantities : tuple of Quantity
        What was compared.
    engine, engine_version : str
        The other side.
    our_tolerance, engine_tolerance : str
        What each side was asked for.
    our_seconds, engine_seconds : float
        Run times [s]; the engine's includes writing the netlist and starting it.
    """

    title: str
    quantities: tuple[Quantity, ...]
    engine: str
    engine_version: str
    our_tolerance: str
    engine_tolerance: str
    our_seconds: float
    engine_seconds: float

    def __getitem__(self, name: str) -> Quantity:
        by_name = {q.name: q for q in self.quantities}
        return by_name[choice("quantity", name, by_name)]

    @property
    def worst(self) -> float:
        """Largest relative difference of all quantities."""
        return max(q.worst_relative for q in self.quantities)

    def assert_within(self, relative: float) -> None:
        """Raise `DisagreementError` if a relative difference exceeds `relative`."""
        if not self.worst <= relative:
            raise DisagreementError(f"worst relative difference {self.worst:.3g}, allowed {relative:g}\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the waves as plain data."""
        return {
            "title": self.title,
            "engine": self.engine,
            "engine_version": self.engine_version,
            "memductance_version": version("memductance"),
            "our_tolerance": self.our_tolerance,
            "engine_tolerance": self.engine_tolerance,
            "our_seconds": self.our_seconds,
            "engine_seconds": self.engine_seconds,
            "worst_relative": self.worst,
            "quantities": [
                {
                    "name": q.name,
                    "unit": q.unit,
                    "worst_absolute": q.worst_absolute,
                    "worst_relative": q.worst_relative,
                    "relative_to": f"{q.meaning}, {q.scale:.6g} {q.unit}",
                    "where": q.where,
                    "values": int(q.ours.size),
                }
                for q in self.quantities
            ],
        }

    def __str__(self) -> str:
        head = f"{self.title}: memductance ({self.our_tolerance}, {self.our_seconds:.3g} s)"
        lines = [f"{head} and {self.engine_version} ({self.engine_tolerance}, {self.engine_seconds:.3g} s)"]
        for q in self.quantities:
            lines.append(
                f"  {q.name:<18} worst {q.worst_absolute:.3e} {q.unit} at {q.where}: "
                f"{q.worst_relative:.3e} of the {q.meaning}, {q.scale:.4g} {q.unit}"
            )
        return "\n".join(lines)

    def plot(self, ax: Axes | None = None, quantity: str | None = None) -> Axes:
        """Draw both sides over each other, and their difference on an axis of its own.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where not given.
        quantity : str, optional
            Which; the first one where not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the overlay.
        """
        from devices.plot import scaled

        if ax is None:
            from matplotlib.pyplot import subplots

            ax = subplots(figsize=(5.5, 3.5), layout="constrained")[1]
        q = self.quantities[0] if quantity is None else self[quantity]
        factor, unit = scaled(float(np.abs(q.ours).max()), q.unit)
        name, _, axis_unit = q.axis.partition(" [")
        stretch, axis_unit = (1.0, "") if not axis_unit else scaled(float(q.place[-1]), axis_unit.rstrip("]"))
        dots = "." if q.place.size <= 256 else ""
        ax.plot(stretch * q.place, factor * q.theirs, color="0.6", lw=4, marker=dots, label=self.engine)
        ax.plot(stretch * q.place, factor * q.ours, color="C0", lw=1.2, label="memductance")
        ax.set_xlabel(f"{name} [{axis_unit}]" if axis_unit else name)
        ax.set_ylabel(f"{q.name} [{unit}]")
        difference = ax.twinx()
        difference.plot(stretch * q.place, (q.ours - q.theirs) / (q.scale or 1.0), color="C3", lw=0.7)
        difference.set_ylabel(f"difference / {q.meaning}", color="C3")
        difference.tick_params(axis="y", colors="C3")
        difference.ticklabel_format(axis="y", scilimits=(0, 0))
        ax.set_zorder(difference.get_zorder() + 1)
        ax.patch.set_visible(False)
        ax.legend(loc="best", fontsize="small", framealpha=0.8)
        return ax


def crosscheck(
    subject: Device | Crossbar,
    stimulus: Waveform | ArrayLike,
    *,
    engine: str = "ngspice",
    reltol: float = 1e-7,
    steps: int = 20_000,
    timeout: float = 300.0,
) -> Agreement:
    """Run one circuit here and in SPICE, and compare.

    A device under a waveform is compared as a transient, at the engine's own time points: current relative to the
    loop's peak, each state relative to its span. A crossbar under a voltage vector is compared as an operating point:
    bit-line currents relative to the largest, node voltages relative to the largest drive.

    Parameters
    ----------
    subject : Device or Crossbar
        One device or an array.
    stimulus : Waveform or array_like
        Waveform for a device; driver voltages [V], shape ``(rows,)``, for an array.
    engine : {"ngspice", "pyspice"}, optional
        ngspice in its own process, or PySpice's shared library.
    reltol : float, optional
        The engine's relative tolerance.
    steps : int, optional
        Least number of steps of a transient.
    timeout : float, optional
        Longest time for the process engine [s].

    Returns
    -------
    Agreement
        Worst differences, where they are, tolerances, versions and run times.

    Raises
    ------
    InputError
        If the stimulus does not fit the subject.
    SimulatorError
        If the engine fails.
    """
    choice("engine", engine, ("ngspice", "pyspice"))
    number("reltol", reltol, minimum=1e-12, maximum=1e-2)
    integer("steps", steps, minimum=10)
    if isinstance(subject, Device):
        if not isinstance(stimulus, Waveform):
            raise InputError("stimulus", type(stimulus).__name__, "a Waveform for a Device", "devices.Sine(...)")
        circuit = device_circuit(subject, stimulus)
        compare: Callable[[Vectors], tuple[tuple[Quantity, ...], float]] = lambda v: _device(subject, stimulus, v)  # noqa: E731
        ours = "tolerance 1e-09 of the span"
    elif isinstance(subject, Crossbar):
        volts = finite_array("stimulus", stimulus, unit="V", shape=(subject.rows,))  # type: ignore[arg-type]
        circuit = crossbar_circuit(subject, volts)
        compare = lambda v: _crossbar(subject, volts, v)  # noqa: E731
        ours = "relative residual 1e-12"
    else:
        raise InputError("subject", type(subject).__name__, "a Device or a Crossbar")
    started = time.perf_counter()
    vectors, engine_version = _run(circuit, engine, reltol, steps, timeout)
    engine_seconds = time.perf_counter() - started
    quantities, our_seconds = compare(vectors)
    asked = f"reltol {reltol:g}" + (f", {steps} steps or more" if circuit.duration else "")
    return Agreement(circuit.title, quantities, engine, engine_version, ours, asked, our_seconds, engine_seconds)


def _run(circuit: Circuit, engine: str, reltol: float, steps: int, timeout: float) -> tuple[Vectors, str]:
    """Run a circuit on an engine with matched, tight tolerances."""
    # An operating point needs no gmin: every net has a resistive path to ground.
    options: dict[str, Any] = {"reltol": reltol, "abstol": 1e-15, "vntol": 1e-12}
    options |= {"method": "gear", "maxord": 2, "chgtol": 1e-18} if circuit.duration else {"gmin": 1e-18}
    step = circuit.duration / steps
    if engine == "pyspice":
        from netlists.engines.pyspice import pyspice_version, run_pyspice

        return run_pyspice(circuit, options=options, step=step, max_step=step), pyspice_version()
    from netlists.dialects.ngspice import number as text
    from netlists.dialects.ngspice import write_ngspice
    from netlists.engines.ngspice import ngspice_version, run_ngspice

    written = " ".join(f"{k}={v}" for k, v in options.items())
    analysis = f".tran {text(step)} {text(circuit.duration)} 0 {text(step)} uic" if circuit.duration else ".op"
    return run_ngspice(write_ngspice(circuit, analysis=analysis, options=written), timeout=timeout), ngspice_version()


def _device(device: Device, waveform: Waveform, vectors: Vectors) -> tuple[tuple[Quantity, ...], float]:
    times = np.clip(vectors["time"], 0.0, waveform.duration)
    keep = np.append(True, np.diff(times) > 0.0)
    times = times[keep]
    started = time.perf_counter()
    trace = simulate(device, waveform, samples=times)
    seconds = time.perf_counter() - started
    current = vectors["i(vs)"][keep]
    peak = float(np.abs(trace.current).max())
    quantities = [Quantity("current", "A", "time [s]", times, trace.current, current, peak, "peak")]
    lower, upper = device.bounds()
    for k, state in enumerate(device.model.states):
        share = np.clip(vectors[f"v(xd_{state.name.lower()})"][keep], 0.0, 1.0)
        theirs = lower[k] + share * (upper[k] - lower[k])
        span = float(upper[k] - lower[k])
        unit = "" if state.unit == "1" else state.unit
        quantities.append(
            Quantity(f"state {state.name}", unit, "time [s]", times, trace.state[:, k], theirs, span, "span")
        )
    return tuple(quantities), seconds


def _crossbar(crossbar: Crossbar, volts: Array, vectors: Vectors) -> tuple[tuple[Quantity, ...], float]:
    started = time.perf_counter()
    readout = crossbar.read(volts, nodes=True)
    seconds = time.perf_counter() - started
    columns = np.arange(crossbar.columns)
    current = np.array([vectors[f"i(vs{j})"][0] for j in columns])
    largest = float(np.abs(readout.current).max())
    quantities = [
        Quantity("bit-line current", "A", "column", columns.astype(float), readout.current, current, largest, "largest")
    ]
    drive = float(np.abs(volts).max())
    for name, letter, ours in (
        ("word-line voltage", "w", readout.word_line_voltage),
        ("bit-line voltage", "b", readout.bit_line_voltage),
    ):
        cells = [(i, j) for i in range(crossbar.rows) for j in columns if f"v({letter}{i}_{j})" in vectors]
        if cells:
            theirs = np.array([vectors[f"v({letter}{i}_{j})"][0] for i, j in cells])
            mine = np.array([ours[i, j] for i, j in cells])
            place = np.array([i * crossbar.columns + j for i, j in cells], dtype=float)
            quantities.append(Quantity(name, "V", "cell", place, mine, theirs, drive, "largest drive"))
    return tuple(quantities), seconds
