"""`crosscheck`: one circuit in both worlds, and how far they agree."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossbar import Crossbar
from devices import Device, InputError, SimulatorError, Waveform, simulate
from devices.validation import choice, number
from netlists.circuit import Circuit, Transient, crossbar_circuit, device_circuit
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from netlists.dialects.ngspice import NgspiceOptions

__all__ = ["Agreement", "Quantity", "crosscheck"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantity:
    """One compared quantity.

    Parameters
    ----------
    name : str
        What it is.
    unit : str
        Its unit.
    ours, theirs : numpy.ndarray
        Values of both sides, shape ``(points,)``.
    scale : float
        What differences are relative to, in `unit`.
    scale_meaning : str
        What the scale is.
    places : callable
        Says where point k is.
    """

    name: str
    unit: str
    ours: Array
    theirs: Array
    scale: float
    scale_meaning: str
    places: Callable[[int], str]

    @property
    def difference(self) -> Array:
        """Absolute difference at each point, in `unit`."""
        return np.abs(self.theirs - self.ours)

    @property
    def worst_absolute(self) -> float:
        """Largest absolute difference, in `unit`."""
        return float(self.difference.max(initial=0.0))

    @property
    def worst_relative(self) -> float:
        """Largest difference relative to the scale; 0 where both sides are 0 throughout."""
        if self.scale == 0.0:
            return 0.0 if self.worst_absolute == 0.0 else float("inf")
        return self.worst_absolute / self.scale

    @property
    def where(self) -> str:
        """Place or time of the largest difference."""
        return self.places(int(self.difference.argmax()))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return {
            "unit": self.unit,
            "points": int(self.ours.size),
            "worst_absolute": self.worst_absolute,
            "worst_relative": self.worst_relative,
            "where": self.where,
            "scale": self.scale,
            "relative_to": self.scale_meaning,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Agreement:
    """How far our solution and a simulator's agree; made by `crosscheck`.

    Parameters
    ----------
    title : str
        The circuit.
    quantities : mapping of str to Quantity
        What was compared, the main one first.
    engine : str
        The other side: simulator and version.
    our_tolerance, engine_tolerance : str
        Tolerances of both sides.
    our_seconds, engine_seconds : float
        Time that each side took [s]: ours without compilation, the engine's with all it needs to run.
    axis : numpy.ndarray
        Position of the points of the main quantity: time [s], or the number of the bit line.
    axis_label : str
        What the axis is.
    """

    title: str
    quantities: Mapping[str, Quantity]
    engine: str
    our_tolerance: str
    engine_tolerance: str
    our_seconds: float
    engine_seconds: float
    axis: Array
    axis_label: str

    def __getitem__(self, name: str) -> Quantity:
        return self.quantities[choice("quantity", name, self.quantities)]

    @property
    def worst(self) -> float:
        """Largest relative difference of all quantities."""
        return max(q.worst_relative for q in self.quantities.values())

    def assert_within(self, relative: float) -> None:
        """Raise `AssertionError`, with the table, if a relative difference exceeds `relative`."""
        if not self.worst <= number("relative", relative, minimum=0.0):
            raise AssertionError(f"the worst relative difference is {self.worst:.3g}, allowed {relative:g}\n{self}")

    def to_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON."""
        return {
            "circuit": self.title,
            "engine": self.engine,
            "our_tolerance": self.our_tolerance,
            "engine_tolerance": self.engine_tolerance,
            "our_seconds": self.our_seconds,
            "engine_seconds": self.engine_seconds,
            "worst": self.worst,
            "quantities": {name: q.to_dict() for name, q in self.quantities.items()},
        }

    def __str__(self) -> str:
        head = ("quantity", "points", "absolute", "relative", "to", "worst at")
        rows = [
            (
                name,
                str(q.ours.size),
                f"{q.worst_absolute:.2e} {q.unit}",
                f"{q.worst_relative:.2e}",
                f"{q.scale_meaning} {q.scale:.4g} {q.unit}",
                q.where,
            )
            for name, q in self.quantities.items()
        ]
        widths = [max(len(row[k]) for row in (head, *rows)) for k in range(len(head))]
        table = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in (head, *rows)]
        return "\n".join(
            [
                f"{self.title}: memductance and {self.engine}",
                *table,
                f"memductance: {self.our_tolerance}; {self.our_seconds:.3g} s",
                f"{self.engine}: {self.engine_tolerance}; {self.engine_seconds:.3g} s",
            ]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the main quantity of both sides, and on the right axis their relative difference.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure where not given.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the quantity.
        """
        from netlists._plot import plot_agreement

        return plot_agreement(self, ax)


def crosscheck(
    subject: Device | Crossbar,
    stimulus: Waveform | ArrayLike,
    *,
    engine: str = "ngspice",
    options: NgspiceOptions | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    timeout: float = 120.0,
) -> Agreement:
    """Run one circuit here and in SPICE, and compare.

    A device: transients under a waveform, compared at each of the simulator's own time points; terminal voltage
    relative to its peak, current relative to its peak, states relative to their span. An array: one read;
    currents relative to the largest one, node voltages relative to the largest source.

    Parameters
    ----------
    subject : Device or Crossbar
        One device, or an array.
    stimulus : Waveform or array_like
        A waveform for a device; source voltages [V], shape ``(rows,)``, for an array.
    engine : {"ngspice", "pyspice"}, optional
        ngspice in a process of its own, or PySpice's shared library.
    options : NgspiceOptions, optional
        Tolerances of the simulator.
    tolerance : float, optional
        Ours: of a step (`devices.simulate`, 1e-11), or of a bit line's residual (`Crossbar.read`, 1e-13).
    step : float, optional
        Longest step of the simulator [s].
    timeout : float, optional
        Longest run of the ngspice process [s]; PySpice's library cannot be stopped.

    Returns
    -------
    Agreement
        The comparison.

    Raises
    ------
    InputError
        If subject and stimulus do not fit.
    SimulatorNotFoundError
        If the simulator is not installed.
    SimulatorError
        If it fails.
    """
    choice("engine", engine, ("ngspice", "pyspice"))
    if isinstance(subject, Device):
        circuit = device_circuit(subject, stimulus, step=step)  # type: ignore[arg-type]
        compare = _compare_device
    elif isinstance(subject, Crossbar):
        circuit, compare = crossbar_circuit(subject, stimulus), _compare_crossbar  # type: ignore[arg-type,assignment]
    else:
        raise InputError("subject", type(subject).__name__, "a Device or a Crossbar")
    from netlists.dialects.ngspice import NgspiceOptions, write_ngspice

    chosen = options or NgspiceOptions()
    if engine == "ngspice":
        from netlists.engines.ngspice import run_ngspice

        waves = run_ngspice(write_ngspice(circuit, chosen), timeout=timeout)
    else:
        from netlists.engines.pyspice import run_pyspice

        waves = run_pyspice(circuit, options=chosen)
    found = compare(subject, stimulus, circuit, waves, tolerance)  # type: ignore[arg-type]
    return Agreement(
        title=circuit.title,
        engine=waves.engine,
        engine_tolerance=", ".join(f"{name} {value}" for name, value in chosen.items()),
        engine_seconds=waves.seconds,
        **found,
    )


def _compare_device(
    device: Device, waveform: Waveform, circuit: Circuit, waves: Waves, tolerance: float | None
) -> dict[str, Any]:
    assert isinstance(circuit.analysis, Transient)
    tolerance = 1e-11 if tolerance is None else tolerance
    times = np.minimum(waves["time"], waveform.duration)
    if times[-1] < waveform.duration * (1 - 1e-9):
        raise SimulatorError(f"{waves.engine} stopped at {times[-1]:g} s of {waveform.duration:g} s")
    times, back = np.unique(times, return_inverse=True)
    simulate(device, waveform, samples=2, tolerance=tolerance)  # compiles, where that has not been done
    started = time.perf_counter()
    trace = simulate(device, waveform, samples=times, tolerance=tolerance)
    seconds = time.perf_counter() - started

    def at(k: int) -> str:
        return f"t = {times[back[k]]:.6g} s"

    peak_current, peak_voltage = float(np.abs(trace.current).max()), float(np.abs(trace.voltage).max())
    table = [
        ("current", "A", trace.current, -waves["i(vin)"], peak_current, "peak"),
        ("voltage", "V", trace.voltage, waves["v(te)"], peak_voltage, "peak"),
    ]
    lower, upper = device.bounds()
    for k, (state, probe) in enumerate(zip(device.model.states, circuit.subcircuits[0].probes, strict=True)):
        share = (trace.state[:, k] - lower[k]) / (upper[k] - lower[k])
        table.append((f"state {state.name}", "of its span", share, waves[f"v({probe})"], 1.0, "span"))
    quantities = {
        name: Quantity(name=name, unit=unit, ours=ours[back], theirs=theirs, scale=scale, scale_meaning=what, places=at)
        for name, unit, ours, theirs, scale, what in table
    }
    return {
        "quantities": quantities,
        "our_tolerance": f"step error {tolerance:g} of a state's span",
        "our_seconds": seconds,
        "axis": times[back],
        "axis_label": "time [s]",
    }


def _compare_crossbar(
    crossbar: Crossbar, voltage: ArrayLike, circuit: Circuit, waves: Waves, tolerance: float | None
) -> dict[str, Any]:
    tolerance = 1e-13 if tolerance is None else tolerance
    crossbar.read(voltage, nodes=True, rtol=tolerance)  # factors the lines, and compiles where that has not been done
    started = time.perf_counter()
    readout = crossbar.read(voltage, nodes=True, rtol=tolerance)
    seconds = time.perf_counter() - started
    columns = crossbar.columns
    largest = float(np.abs(readout.voltage).max())
    current = np.array([waves[f"i(vs{j})"][0] for j in range(columns)])
    quantities = {
        "current": Quantity(
            name="current",
            unit="A",
            ours=readout.current,
            theirs=current,
            scale=float(np.abs(readout.current).max()),
            scale_meaning="largest",
            places=lambda k: f"bit line {k}",
        )
    }
    for letter, name, ours in (
        ("w", "word-line voltage", readout.word_line_voltage),
        ("b", "bit-line voltage", readout.bit_line_voltage),
    ):
        nets = [f"{letter}{i}_{j}" for i, j in np.ndindex(crossbar.shape)]
        quantities[name] = Quantity(
            name=name,
            unit="V",
            ours=ours.ravel(),
            theirs=np.array([waves[f"v({circuit.net(net)})"][0] for net in nets]),
            scale=largest,
            scale_meaning="largest source",
            places=nets.__getitem__,
        )
    return {
        "quantities": quantities,
        "our_tolerance": f"bit-line residual {tolerance:g}, reached {readout.residual:.1e}",
        "our_seconds": seconds,
        "axis": np.arange(columns, dtype=float),
        "axis_label": "bit line",
    }
