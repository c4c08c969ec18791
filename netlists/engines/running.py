"""One way to run a circuit in any simulator: its tolerances, and another attempt where the first is too strict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devices import InputError
from devices.common.errors import SimulatorConvergenceError, SimulatorTimeoutError
from devices.common.validation import choice
from netlists.circuit import Circuit, OperatingPoint, Transient
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["ENGINES", "run_circuit"]

#: All simulators, by the names that `netlists.crosscheck` takes.
ENGINES = ("ngspice", "pyspice", "vacask")
#: Factors on the tolerances of an analysis that does not converge.
_LOOSER = {OperatingPoint: (1e3, 1e6), Transient: (1e2, 1e4)}


def run_circuit(
    circuit: Circuit,
    engine: str = "ngspice",
    *,
    options: NgspiceOptions | VacaskOptions | None = None,
    timeout: float = 120.0,
) -> tuple[Waves, NgspiceOptions | VacaskOptions]:
    """Run a circuit in a simulator, and say with which tolerances it was solved.

    Where no options are given and a circuit of cells with a law does not converge in time, it is tried with tolerances
    that are 1e3 and 1e6 times as large, in a transient 1e2 and 1e4 times.

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
        If the options are not the engine's.
    SimulatorError
        If the simulator is missing, refuses the circuit, does not converge, crashes or takes too long.
    """
    choice("engine", engine, ENGINES)
    run, kind = _engine(engine)
    if not isinstance(options, kind | None):
        raise InputError("options", type(options).__name__, f"{kind.__name__} for engine={engine!r}")
    chosen = [options] if options else [kind.suited(circuit)]
    if options is None and circuit.subcircuits:
        chosen += [chosen[0].loosened(factor) for factor in _LOOSER[type(circuit.analysis)]]
    left: list[Path] = []
    for attempt in chosen:
        try:
            waves = run(circuit, options=attempt, timeout=timeout)
        except (SimulatorConvergenceError, SimulatorTimeoutError) as error:
            if attempt is chosen[-1]:
                raise
            left += [error.netlist] if error.netlist else []
        else:
            for netlist in left:  # of attempts that this one makes good
                netlist.unlink(missing_ok=True)
            return waves, attempt
    raise AssertionError("one attempt at least")


def _engine(name: str) -> tuple[Callable[..., Waves], Any]:
    """Return how an engine runs a circuit, and the class of its options."""
    if name == "vacask":
        from netlists.dialects.vacask import VacaskOptions
        from netlists.engines.vacask import run_vacask

        return run_vacask, VacaskOptions
    from netlists.dialects.ngspice import NgspiceOptions

    if name == "ngspice":
        from netlists.engines.ngspice import run_ngspice

        return run_ngspice, NgspiceOptions
    from netlists.engines.pyspice import run_pyspice

    return run_pyspice, NgspiceOptions
