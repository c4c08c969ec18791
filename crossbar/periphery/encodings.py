"""Input encodings with their DACs: how inputs reach the word lines.

Inputs are shares u of their full scale, -1 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.common.validation import integer, number
from devices.sources import Citation

__all__ = ["Amplitude", "BitSerial", "Encoding", "PulseWidth"]


def _round_to(share: Array, bits: int | None) -> Array:
    """Clip to [-1, 1] and round the magnitude to one of 2^bits - 1 equal steps; unchanged where bits is None."""
    if bits is None:
        return share
    steps = 2**bits - 1
    return np.rint(np.clip(share, -1.0, 1.0) * steps) / steps


def _beyond(share: Array, bits: int | None) -> NDArray[np.bool_]:
    """Return which shares are clipped: those beyond full scale by more than rounding, of a DAC with `bits`."""
    return np.abs(share) > (np.inf if bits is None else 1.0 + 1e-12)


@dataclass(frozen=True)
class Amplitude:
    """Inputs as voltage amplitudes: ``V = u read_voltage``, for the length of one read.

    Parameters
    ----------
    read_voltage : float
        Voltage of a full-scale input [V].
    bits : int, optional
        Resolution of the magnitude (sign apart); None for an ideal DAC, which has no largest voltage either.
    """

    read_voltage: float = 0.3
    bits: int | None = None

    def __post_init__(self) -> None:
        number("read_voltage", self.read_voltage, unit="V", minimum=0.0, open_minimum=True)
        if self.bits is not None:
            integer("bits", self.bits, minimum=1, maximum=24)

    def encode(self, share: Array) -> Array:
        """Return the shares that reach the array: clipped to full scale and rounded to the DAC's steps."""
        return _round_to(share, self.bits)

    def reads(self, share: Array) -> tuple[tuple[float, Array], ...]:
        """Return the reads of one input vector: the factor and the drive of each, as a share of `read_voltage`."""
        return ((1.0, self.encode(share)),)

    def clipped(self, share: Array) -> NDArray[np.bool_]:
        """Return which shares `encode` clips."""
        return _beyond(share, self.bits)


@dataclass(frozen=True)
class PulseWidth:
    """Inputs as lengths of pulses of one amplitude, read by integrating the column's charge.

    ``t = n unit`` with n the input rounded to one of ``2^bits - 1`` counts; negative inputs take the other polarity.
    The cells see one amplitude only, so a nonlinear current-voltage law does not distort the product. The charge is
    ``Q = sum_i T_ij V t_i``, so shares of full scale stand for the currents of `Amplitude`.

    Parameters
    ----------
    read_voltage : float
        Amplitude of every pulse [V].
    bits : int
        Resolution of the length.
    unit : float
        Length of one count [s].
    """

    read_voltage: float = 0.3
    bits: int = 6
    unit: float = 1e-8

    def __post_init__(self) -> None:
        number("read_voltage", self.read_voltage, unit="V", minimum=0.0, open_minimum=True)
        integer("bits", self.bits, minimum=1, maximum=24)
        number("unit", self.unit, unit="s", minimum=0.0, open_minimum=True)

    @property
    def full_scale(self) -> float:
        """Length of a full-scale pulse [s]."""
        return (2**self.bits - 1) * self.unit

    def encode(self, share: Array) -> Array:
        """Return the shares that reach the array: clipped to full scale and rounded to whole counts."""
        return _round_to(share, self.bits)

    def reads(self, share: Array) -> tuple[tuple[float, Array], ...]:
        """Return the reads of one input vector: the factor and the drive of each, as a share of `read_voltage`."""
        return ((1.0, self.encode(share)),)

    def clipped(self, share: Array) -> NDArray[np.bool_]:
        """Return which shares `encode` clips."""
        return _beyond(share, self.bits)


@dataclass(frozen=True)
class BitSerial:
    r"""Inputs as bits: one read for each bit of the magnitude, or for a few; their results are shifted and added.

    .. math:: I = \sum_{d} \frac{2^{kd} (2^k - 1)}{2^b - 1} I_d, \quad u = \pm \frac{n}{2^b - 1}, \quad
              n = \sum_d 2^{kd} n_d

    with the input n of b bits in slices of k bits, each of which drives its word line with
    :math:`\pm n_d / (2^k - 1)` of the read voltage for a read of its own. Each read is converted; negative inputs take
    the other polarity.

    Parameters
    ----------
    read_voltage : float
        Voltage of the largest slice [V].
    bits : int
        Bits b of the magnitude, from 1 to 24; the sign is apart.
    bits_per_read : int
        Bits k of one read; with 1 the cells see one amplitude only.

    Raises
    ------
    InputError
        If a figure is out of its range.

    Notes
    -----
    A. Shafiee et al., ISCA 2016, 14, doi 10.1109/ISCA.2016.12 (ISAAC). Whole inputs are exact where
    ``Recipe(full_scale=2**bits - 1)``.
    """

    read_voltage: float = 0.3
    bits: int = 8
    bits_per_read: int = 1

    def __post_init__(self) -> None:
        number("read_voltage", self.read_voltage, unit="V", minimum=0.0, open_minimum=True)
        integer("bits", self.bits, minimum=1, maximum=24)
        integer("bits_per_read", self.bits_per_read, minimum=1, maximum=self.bits)

    def cited(self) -> tuple[Citation, ...]:
        """Return its source; see `devices.citations`."""
        return (Citation("A. Shafiee et al., ISCA 2016, 14, doi 10.1109/ISCA.2016.12", ("BitSerial",), "recalled"),)

    def encode(self, share: Array) -> Array:
        """Return the shares that reach the array: clipped to full scale and rounded to whole numbers n."""
        return _round_to(share, self.bits)

    def reads(self, share: Array) -> tuple[tuple[float, Array], ...]:
        """Return the reads of one input vector: the factor and the drive of each, as a share of `read_voltage`."""
        steps, largest = 2**self.bits - 1, 2**self.bits_per_read - 1
        whole = np.rint(self.encode(share) * steps)
        size, sign = np.abs(whole).astype(np.int64), np.sign(whole)
        shifts = range(0, self.bits, self.bits_per_read)
        return tuple((2.0**k * largest / steps, sign * ((size >> k) & largest) / largest) for k in shifts)

    def clipped(self, share: Array) -> NDArray[np.bool_]:
        """Return which shares `encode` clips."""
        return _beyond(share, self.bits)


Encoding = Amplitude | PulseWidth | BitSerial
