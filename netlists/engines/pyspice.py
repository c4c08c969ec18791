"""PySpice: a circuit as a PySpice ``Circuit``, run by PySpice's own simulator on the system's ngspice library.

The only module that imports PySpice (GPLv3). What stands in the way of PySpice 1.5 on current systems, and is handled
here before PySpice is first used:

- it loads ``libngspice.so``, which Debian ships only in the development package: the library that the loader knows is
  named in ``NGSPICE_LIBRARY_PATH`` instead;
- it logs that ngspice versions above 34 are not supported, though they work: that line is dropped;
- its subprocess mode does not understand the output of ngspice 39: the shared mode is used;
- its shared mode keeps one library for the process and leaks some memory for each large analysis: campaigns use the
  process engine.
"""

from __future__ import annotations

import ctypes.util
import logging
import os
import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from devices import Sine, Waveform
from devices.errors import SimulatorError, SimulatorNotFoundError
from netlists.circuit import Cell, Circuit, Resistor, VoltageSource
from netlists.dialects.ngspice import start_shares, stimulus, subcircuit
from netlists.engines.ngspice import INSTALL

__all__ = ["pyspice_version", "run_pyspice", "to_pyspice"]


class _DropUnsupportedVersion(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "Unsupported Ngspice version" not in record.getMessage()


class _PySpice(NamedTuple):
    """What of PySpice is used here."""

    version: str
    circuit: Any
    shared: Any


@cache
def _pyspice() -> _PySpice:
    """Import PySpice with the library found and its own warnings contained."""
    if "NGSPICE_LIBRARY_PATH" not in os.environ:
        library = ctypes.util.find_library("ngspice")
        if library is None:
            raise SimulatorNotFoundError(f"pyspice: got no ngspice library on this system; try: {INSTALL}")
        os.environ["NGSPICE_LIBRARY_PATH"] = library
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from PySpice import __version__
        from PySpice.Spice.Netlist import Circuit as PySpiceCircuit
        from PySpice.Spice.NgSpice import Shared

    Shared.NgSpiceShared._logger.addFilter(_DropUnsupportedVersion())
    return _PySpice(__version__, PySpiceCircuit, Shared)


def pyspice_version() -> str:
    """Return the versions of PySpice and of the ngspice library that it loaded."""
    module = _pyspice()
    library = module.shared.NgSpiceShared.new_instance()
    return f"PySpice {module.version}, ngspice-{library.ngspice_version}"


def to_pyspice(circuit: Circuit) -> Any:
    """Return a circuit as a ``PySpice.Spice.Netlist.Circuit``, to run or to extend in PySpice.

    Parameters
    ----------
    circuit : Circuit
        From `device_circuit` or `crossbar_circuit`; nets and elements keep their names.

    Returns
    -------
    PySpice.Spice.Netlist.Circuit
        The same circuit. Subcircuits of devices stand in it as text.

    Raises
    ------
    SimulatorNotFoundError
        If no ngspice library is installed.
    """
    made = _pyspice().circuit(circuit.title)
    sets = {e.model.name: e.parameter_set for e in circuit.elements if isinstance(e, Cell)}
    made.raw_spice = "".join(subcircuit(model, sets[name]) for name, model in circuit.models.items())
    for item in circuit.elements:
        name = item.name[1:]  # PySpice puts the letter of the element's kind in front
        if isinstance(item, Resistor):
            made.R(name, item.a, item.b, item.resistance)
        elif isinstance(item, VoltageSource):
            made.V(name, item.a, item.b, stimulus(item.value))
        else:
            nets = [item.te, item.be, *(item.state_net(s.name) for s in item.model.states)]
            starts = {f"x0_{s.name}": x for s, x in zip(item.model.states, start_shares(item), strict=True)}
            values = {**item.parameters, "tscale": circuit.duration or 1.0, **starts}
            made.X(name, item.model.name, *nets, **values)
    return made


def run_pyspice(
    circuit: Circuit, *, options: dict[str, Any] | None = None, step: float = 0.0, max_step: float = 0.0
) -> dict[str, NDArray[np.float64]]:
    """Run a circuit through PySpice's shared mode.

    Parameters
    ----------
    circuit : Circuit
        The circuit; a transient where it has a duration, an operating point otherwise.
    options : dict, optional
        Simulator options, e.g. ``{"reltol": 1e-6}``.
    step, max_step : float, optional
        Suggested and largest step of a transient [s].

    Returns
    -------
    dict of str to numpy.ndarray
        Vectors by ngspice's lower-case names: ``time``, ``v(net)``, ``i(source)``.

    Raises
    ------
    SimulatorError
        If the run fails; the message carries ngspice's own words where PySpice passes them on.
    """
    module = _pyspice()
    made = to_pyspice(circuit)
    simulator = made.simulator(simulator="ngspice-shared")
    simulator.options(**(options or {}))
    try:
        if circuit.duration:
            found = simulator.transient(
                step_time=step, end_time=circuit.duration, max_time=max_step, use_initial_condition=True
            )
        else:
            found = simulator.operating_point()
    except module.shared.NgSpiceCommandError as error:
        raise SimulatorError(f"pyspice: {error}") from None
    vectors = {f"v({name})": node for name, node in found.nodes.items()}
    vectors |= {f"i({name})": branch for name, branch in found.branches.items()}
    result = {name.lower(): np.array(wave.as_ndarray(), dtype=float) for name, wave in vectors.items()}
    if circuit.duration:
        result["time"] = np.array(found.time.as_ndarray(), dtype=float)
    return result
