"""Reads of arrays whose cells have a current law, with amplitudes or with pulses of different lengths."""

from __future__ import annotations

import numpy as np

from crossbar.array import Crossbar
from devices.cells.device import Device
from devices.cells.series import Series
from devices.common.arrays import Array

__all__ = ["amplitude_currents", "controls_of", "pulse_currents"]

_AT_ONCE = 4096  # reads that are solved together: bounds the memory


def controls_of(cell: Device | Series, gate: float | None) -> list[float] | None:
    """Return the voltages of a cell's further terminals [V]: `gate`, and 0 of others; None where there are none."""
    if not cell.control_names:
        return None
    return [float(gate or 0.0) if name == "gate" else 0.0 for name in cell.control_names]


def amplitude_currents(array: Crossbar, volts: Array, gate: float | None, *, backward: bool = False) -> Array:
    """Return the sensed currents [A], shape ``(vectors, lines)``, of reads with voltages [V] at the driven lines."""
    return array.read(volts, gate=_gates(array, gate), backward=backward).current


def pulse_currents(
    array: Crossbar, share: Array, voltage: float, gate: float | None, *, backward: bool = False
) -> Array:
    r"""Return the charges of reads with pulses, over the length of a full-scale pulse [A], ``(vectors, sensed lines)``.

    .. math:: \frac{Q}{T} = \sum_k (\tau_k - \tau_{k-1})\, I(\text{lines with } |u| \ge \tau_k \text{ at } \pm V)

    All pulses begin together; between two ends the array is at rest, with the lines whose pulses are over at ground.
    States do not move.

    Parameters
    ----------
    array : Crossbar
        The array.
    share : numpy.ndarray
        Length of each pulse as a share of a full-scale pulse, its sign that of the voltage, shape ``(vectors, lines)``.
    voltage : float
        Amplitude of all pulses [V].
    gate : float or None
        Potential of all gate lines [V].
    backward : bool, optional
        Bit lines are driven and word lines sensed.
    """
    if array.wires.ideal and not (backward and array.cells.control_names):
        up, down, rest = (_cell_currents(array, sign * voltage, gate, backward) for sign in (1.0, -1.0, 0.0))
        return np.maximum(share, 0.0) @ up + np.maximum(-share, 0.0) @ down + (1.0 - np.abs(share)) @ rest
    length = np.abs(share)
    found = np.zeros((len(share), array.rows if backward else array.columns))
    reads: list[Array] = []
    weights: list[tuple[int, float]] = []

    def finish() -> None:
        currents = amplitude_currents(array, np.array(reads), gate, backward=backward)
        for (vector, weight), current in zip(weights, currents, strict=True):
            found[vector] += weight * current
        reads.clear()
        weights.clear()

    for vector in range(len(share)):
        before = 0.0
        for end in np.unique(length[vector][length[vector] > 0.0]):
            reads.append(np.where(length[vector] >= end, np.sign(share[vector]) * voltage, 0.0))
            weights.append((vector, float(end - before)))
            before = end
            if len(reads) == _AT_ONCE:
                finish()
    if reads:
        finish()
    return found


def _cell_currents(array: Crossbar, volts: float, gate: float | None, backward: bool) -> Array:
    """Return the current of each cell into the sensed lines [A], with `volts` at all driven lines and ideal wires."""
    cells = array.cells
    assert isinstance(cells, Device | Series)
    one = cells.current(-volts if backward else volts, None, controls_of(cells, gate))
    currents = np.broadcast_to(one, array.shape)
    return -currents.T if backward else currents


def _gates(array: Crossbar, gate: float | None) -> Array | None:
    return None if gate is None else np.full(array.gate_lines, gate)
