"""`run_circuit` and `run_sweep`: a circuit in any simulator, at once or for many values of its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from devices.common.errors import SimulatorConvergenceError, SimulatorTimeoutError
from devices.common.validation import choice
from netlists.circuit import Circuit, Transient
from netlists.engines.catalogue import find_engine, vector_engines
from netlists.engines.sweeps import prepare_sweep
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["first_solved", "run_circuit", "run_sweep"]

_Options = TypeVar("_Options")

#: Factors on the tolerances of an analysis that does not converge.
_LOOSER, _LOOSER_OVER_TIME = (1e3, 1e6), (1e2, 1e4)


def run_circuit(
    circuit: Circuit,
    engine: str = "ngspice",
    *,
    options: NgspiceOptions | VacaskOptions | None = None,
    timeout: float = 120.0,
) -> tuple[Waves, NgspiceOptions | VacaskOptions]:
    """Run a circuit in a simulator, and return its vectors and the tolerances with which it was solved.

    Where no options are given and a circuit of cells with a law does not converge in time, it is tried again with
    tolerances 1e3 and 1e6 times as large, in a transient 1e2 and 1e4 times.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit` or `crossbar_circuit`.
    engine : {"ngspice", "pyspice", "vacask"}, optional
        The simulator.
    options : NgspiceOptions or VacaskOptions, optional
        Tolerances; those suited to the circuit where not given.
    timeout : float, optional
        Longest run [s] of each attempt.

    Returns
    -------
    tuple of Waves and NgspiceOptions or VacaskOptions
        Vectors under the names that all engines use, and the tolerances that were reached.

    Raises
    ------
    InputError
        If the options are those of another engine.
    SimulatorError
        If the simulator is missing, refuses the circuit, does not converge, crashes or takes too long.
    """
    simulator = find_engine(engine)
    simulator.check_options(options)
    chosen = [options or simulator.options.suited(circuit)]
    looser = _LOOSER_OVER_TIME if isinstance(circuit.analysis, Transient) else _LOOSER
    if options is None and (circuit.subcircuits or circuit.foreign):
        chosen += [chosen[0].loosened(factor) for factor in looser]
    return first_solved(chosen, lambda attempt: simulator.run(circuit, options=attempt, timeout=timeout))


def first_solved(chosen: Sequence[_Options], run: Callable[[_Options], Waves]) -> tuple[Waves, _Options]:
    """Return the vectors of the first run that converges in time, and its tolerances, of several to be tried in turn.

    Raises
    ------
    SimulatorError
        If the last one fails, or one of them for another reason.
    """
    left: list[Path] = []
    for attempt in chosen:
        try:
            waves = run(attempt)
        except (SimulatorConvergenceError, SimulatorTimeoutError) as error:
            if attempt is chosen[-1]:
                raise
            left += [error.netlist] if error.netlist else []
        else:
            for netlist in left:  # of earlier attempts
                netlist.unlink(missing_ok=True)
            return waves, attempt
    raise AssertionError("one attempt at least")


def run_sweep(
    circuit: Circuit,
    values: Mapping[str, Sequence[float]],
    engine: str = "ngspice",
    *,
    options: NgspiceOptions | None = None,
    timeout: float = 120.0,
) -> Waves:
    """Solve a circuit at rest for many values of its sources, in one run.

    Parameters
    ----------
    circuit : Circuit
        With an `OperatingPoint`, as made by `crossbar_circuit`.
    values : mapping of str to sequence of float
        Values of the sources that change [V], by name; one for each point.
    engine : {"ngspice", "pyspice"}, optional
        The simulator. VACASK takes one vector in a run.
    options : NgspiceOptions, optional
        Tolerances; those suited to the circuit where not given.
    timeout : float, optional
        Longest run [s].

    Returns
    -------
    Waves
        The vectors of the circuit, an entry for each point.

    Raises
    ------
    InputError
        If a source is not in the circuit, the values are not finite or not equally many, or the circuit is a transient.
    SimulatorError
        If the simulator is missing or fails.

    Examples
    --------
    >>> from crossbar import Crossbar, Wires
    >>> from netlists import crossbar_circuit
    >>> circuit = crossbar_circuit(Crossbar([[1e-3]], Wires(driver=1e3)), [0.0])
    >>> run_sweep(circuit, {"Vin0": [0.0, 0.5, 1.0]})["v(w0_0)"].round(12).tolist()
    [0.0, 0.25, 0.5]
    """
    simulator = find_engine(choice("engine", engine, vector_engines()))
    simulator.check_options(options)
    assert simulator.vectors is not None
    return simulator.vectors(prepare_sweep(circuit, values), options=options, timeout=timeout)
