"""The comparison of a device under a waveform with a simulator."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from devices import Device, Waveform, simulate
from devices.common.arrays import Array
from netlists.comparison.agreement import Quantity
from netlists.engines.waves import Waves

__all__ = ["compare_device"]


def compare_device(
    device: Device, waveform: Waveform, waves: Waves, shares: Mapping[str, Array], tolerance: float
) -> dict[str, Any]:
    """Return the fields of `Agreement` that a device's transient gives, at all of the simulator's time points.

    `shares` are the states of the simulator by name, from 0 to 1 between their bounds; a state that is missing is not
    compared.
    """
    times, back = waves.samples(waveform.duration)
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
    for k, state in enumerate(device.model.states):
        if state.name in shares:
            share = (trace.state[:, k] - lower[k]) / (upper[k] - lower[k])
            table.append((f"state {state.name}", "of its span", share, shares[state.name], 1.0, "span"))
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
