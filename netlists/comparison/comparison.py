"""`Comparison`: a circuit, how an engine runs it, and how its vectors are compared with our solution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices import Waveform
from devices.common.arrays import Array
from netlists.circuit import Circuit, VoltageSource
from netlists.engines.waves import Waves

__all__ = ["Comparison"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A circuit that is solved here and in a simulator.

    Parameters
    ----------
    title : str
        Title of the agreement.
    circuit : Circuit
        The circuit that the simulator runs.
    tolerance : float
        Our tolerance where none is given.
    run : callable
        Runs a circuit in an engine, given its name, options or None, and a timeout [s]; returns vectors and options.
    compare : callable
        Solves the circuit here, given vectors of the simulator and our tolerance; returns the fields of `Agreement`
        that depend on the subject.
    """

    title: str
    circuit: Circuit
    tolerance: float
    run: Callable[[Circuit, str, Any, float], tuple[Waves, Any]]
    compare: Callable[[Circuit, Waves, float], dict[str, Any]]

    @property
    def corners(self) -> Array:
        """Times at which the waveform of a source bends [s]."""
        waveforms = [e.value for e in self.circuit.elements if isinstance(e, VoltageSource)]
        times = [w.corners for w in waveforms if isinstance(w, Waveform)]
        return np.unique(np.concatenate(times)) if times else np.array([])
