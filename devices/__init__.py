"""Physics of one memristive cell: models as equations, parameter sets with sources, transients.

>>> from devices import Sine, device, simulate
>>> trace = simulate(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0))
>>> trace.current.shape == trace.time.shape
True
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "Constant": "devices.waveforms",
    "ConvergenceError": "devices.errors",
    "Device": "devices.device",
    "DeviceModel": "devices.model",
    "InputError": "devices.errors",
    "Lognormal": "devices.variability",
    "MemductanceError": "devices.errors",
    "Parameter": "devices.parameters",
    "ParameterSet": "devices.parameters",
    "Pulses": "devices.waveforms",
    "Samples": "devices.waveforms",
    "SimulatorError": "devices.errors",
    "SimulatorNotFoundError": "devices.errors",
    "Sine": "devices.waveforms",
    "State": "devices.parameters",
    "StuckCells": "devices.faults",
    "Trace": "devices.simulate",
    "Triangle": "devices.waveforms",
    "Waveform": "devices.waveforms",
    "device": "devices.device",
    "models": "devices.registry",
    "parameter_sets": "devices.registry",
    "plot_loop": "devices.plot",
    "plot_trace": "devices.plot",
    "simulate": "devices.simulate",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name where it lives, on first use, so that ``import devices`` stays light."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
