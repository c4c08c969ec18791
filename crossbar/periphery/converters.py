"""`ADC`, an analog-to-digital converter of column currents, and `AdcRange`, how its range is chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.validation import choice, finite_array, integer, number

__all__ = ["ADC", "AdcRange"]

#: A current within this share of a step of a code's boundary counts as having reached it.
_BOUNDARY = 1e-9


@dataclass(frozen=True, eq=False)
class ADC:
    r"""A converter of column currents (or charges, as shares of a full-scale pulse) to numbers.

    .. math:: k = \mathrm{round}\left(g \frac{I}{\Delta} + o + n\right), \quad \hat I = k \Delta

    with the step Δ, gain g, offset o and noise n. The :math:`2^b` codes are

    - unipolar: k from 0 to :math:`2^b - 1`, :math:`\Delta = I_\mathrm{FS} / (2^b - 1)`;
    - signed: k from :math:`-2^{b-1}` to :math:`2^{b-1} - 1`, :math:`\Delta = I_\mathrm{FS} / (2^{b-1} - 1)`, so that
      zero and both ends of the range are codes; of one bit, a comparator with codes for plus and minus full scale.

    A current beyond the first or the last code gives that code; `clipped` tells which do.

    Parameters
    ----------
    bits : int, optional
        Resolution; None for an ideal converter, which has no range.
    full_scale : float or array_like, optional
        Largest current that it converts [A]; an array has one for each column. None for a range that is still to be
        set, see `ranged`.
    signed : bool, optional
        Whether it converts negative currents too.
    rounding : {"nearest", "floor"}, optional
        A code stands for the currents around it, or for those from it up to the next one.
    offset : float, optional
        Offset o [steps].
    gain : float, optional
        Gain g; 1 for none too large or small.
    inl : tuple of float, optional
        Integral nonlinearity: by how many steps the lower boundary of each of the :math:`2^b` codes lies too high; the
        first one is not used. `with_dnl` draws it.
    noise : float, optional
        Standard deviation of n [steps], drawn at each conversion.

    Raises
    ------
    InputError
        If a figure is out of its range.

    Examples
    --------
    >>> ADC(3, 7e-6, signed=False).convert([0.0, 2.4e-6, 7e-6, 9e-6]).round(9).tolist()
    [0.0, 2e-06, 7e-06, 7e-06]
    >>> ADC(3, 3e-6).convert([-9e-6, -3e-6, 0.4e-6, 3e-6]).round(9).tolist()
    [-4e-06, -3e-06, 0.0, 3e-06]
    """

    bits: int | None = None
    full_scale: float | Array | None = None
    signed: bool = True
    rounding: Literal["nearest", "floor"] = "nearest"
    offset: float = 0.0
    gain: float = 1.0
    inl: tuple[float, ...] | None = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        if self.full_scale is not None:
            if np.ndim(self.full_scale) == 0:
                scale: float | Array = number(
                    "full_scale", self.full_scale, unit="A", minimum=0.0, open_minimum=True, fix="None to calibrate it"
                )
            else:
                scale = finite_array("full_scale", self.full_scale, unit="A", shape=("columns",)).copy()
                if (scale <= 0.0).any():
                    raise InputError("full_scale", f"{scale.min():g} A", "> 0 [A] for each column")
                scale.setflags(write=False)
            object.__setattr__(self, "full_scale", scale)
        if not isinstance(self.signed, (bool, np.bool_)):
            raise InputError("signed", repr(self.signed), "True or False")
        choice("rounding", self.rounding, ("nearest", "floor"))
        number("offset", self.offset)
        number("gain", self.gain, minimum=0.0, open_minimum=True)
        number("noise", self.noise, minimum=0.0)
        if self.bits is not None:
            integer("bits", self.bits, minimum=1, maximum=24)
        elif self.noise or self.offset or self.gain != 1.0 or self.inl is not None or self.rounding == "floor":
            raise InputError(
                "bits", "None, with errors in steps", "a number of bits for a converter with errors", "bits=8"
            )
        if self.inl is not None and self.bits is not None:
            inl = finite_array("inl", self.inl, shape=(2**self.bits,))
            if (np.diff(np.arange(inl.size) + inl)[1:] < 0.0).any():
                raise InputError("inl", "boundaries of codes that fall", "boundaries that rise: no code before another")
            object.__setattr__(self, "inl", tuple(inl.tolist()))

    @property
    def step(self) -> float | Array:
        """Current between two codes [A]; 0 for an ideal converter."""
        if self.bits is None:
            return 0.0
        if self.full_scale is None:
            raise InputError("full_scale", "None", "a range [A]", "adc.ranged(current), or full_scale=1e-5")
        if self.bits == 1:
            return self.full_scale * (2.0 if self.signed else 1.0)
        return self.full_scale / (2 ** (self.bits - int(self.signed)) - 1)

    @property
    def lowest(self) -> float | Array:
        """Current of the first code [A]; minus infinity for an ideal converter."""
        if self.bits is None:
            return -math.inf
        return self._first * self.step

    @property
    def _first(self) -> float:
        """The first code [steps]."""
        if self.bits is None or not self.signed:
            return 0.0
        return -0.5 if self.bits == 1 else -(2.0 ** (self.bits - 1))

    @property
    def highest(self) -> float | Array:
        """Current of the last code [A]; infinity for an ideal converter."""
        return math.inf if self.bits is None else self.lowest + (2**self.bits - 1) * self.step

    def convert(self, current: ArrayLike, noise: Seed | Array | None = None) -> Array:
        """Return the currents [A] that the codes of `current` [A], shape ``(..., columns)``, stand for.

        A converter with noise needs a seed, a generator, or standard normal numbers of the shape of `current`.
        """
        given = np.asarray(current, dtype=float)
        if self.bits is None:
            return given
        return self.step * (self._first + self._places(given, noise))

    def clipped(self, current: ArrayLike) -> Array:
        """Return which currents [A] lie beyond the first or the last code by more than half a step."""
        given = np.asarray(current, dtype=float)
        slack = 0.5 * self.step
        return np.asarray((given < self.lowest - slack) | (given > self.highest + slack))

    def _places(self, current: Array, noise: Seed | Array | None) -> Array:
        """Return the place of each code, from 0 to ``2^bits - 1``."""
        assert self.bits is not None
        step = self.step
        share = (self.gain * current - self.lowest) / step + self.offset
        if self.noise:
            if noise is None:
                raise InputError("noise", "None", "a seed or generator for a converter with noise", "noise=0")
            drawn = noise if isinstance(noise, np.ndarray) else generator(noise).standard_normal(share.shape)
            share = share + self.noise * drawn
        if self.rounding == "nearest":
            share = share + 0.5
        if self.inl is None:
            places = np.floor(share + _BOUNDARY)
        else:
            boundaries = np.arange(1, 2**self.bits) + np.array(self.inl[1:])
            places = np.searchsorted(boundaries, share + _BOUNDARY, side="right").astype(float)
        return np.clip(places, 0.0, 2**self.bits - 1)

    def with_dnl(self, sigma: float, seed: Seed) -> ADC:
        """Return this converter with steps of unequal width.

        Parameters
        ----------
        sigma : float
            Standard deviation of the width of a code, its differential nonlinearity [steps]; a width is at least 0.
        seed : int or numpy.random.Generator
            Seed or generator of the widths.

        Returns
        -------
        ADC
            A converter whose first and last boundary are right.
        """
        if self.bits is None:
            raise InputError("bits", "None", "a number of bits for a converter with errors", "ADC(8)")
        inner = 2**self.bits - 2
        widths = 1.0 + number("sigma", sigma, minimum=0.0) * generator(seed).standard_normal(inner)
        widths = np.maximum(widths, 0.0)
        if widths.sum() > 0.0:
            widths *= inner / widths.sum()
        inl = np.concatenate([[0.0, 0.0], np.cumsum(widths) - np.arange(1, inner + 1)])
        return replace(self, inl=tuple(inl.tolist()))

    def ranged(self, current: ArrayLike, policy: AdcRange | None = None) -> ADC:
        """Return this converter with the range that typical currents [A], shape ``(..., columns)``, demand.

        An ideal converter needs none, and is returned as it is.
        """
        if self.bits is None:
            return self
        chosen = policy or AdcRange()
        low, high = chosen.ends(finite_array("current", current, unit="A", shape=("...", "columns")))
        signed = bool(np.min(low, initial=0.0) < 0.0) if chosen.signed is None else chosen.signed
        scale = np.maximum(np.abs(high), np.abs(low)) if signed else np.maximum(high, 0.0)
        # A column without any current has nothing to convert: it takes the range of the others.
        scale = np.where(scale > 0.0, scale, np.max(scale, initial=0.0) or 1.0)
        return replace(self, full_scale=scale if chosen.per == "column" else float(scale), signed=signed)


@dataclass(frozen=True)
class AdcRange:
    """How the range of an ADC follows from the currents of typical inputs.

    Parameters
    ----------
    percentile : float, optional
        The range holds this share of the currents [%]: 100 holds all, a little less wastes no codes on rare ones.
    per : {"tile", "column"}, optional
        One range for all columns of a tile, or one for each.
    signed : bool, optional
        Whether the range holds negative currents; None for one that does where there are any.
    """

    percentile: float = 100.0
    per: Literal["tile", "column"] = "tile"
    signed: bool | None = None

    def __post_init__(self) -> None:
        number("percentile", self.percentile, unit="%", minimum=50.0, maximum=100.0)
        choice("per", self.per, ("tile", "column"))
        if self.signed not in (None, True, False):
            raise InputError("signed", repr(self.signed), "None, True or False")

    def ends(self, current: Array) -> tuple[Array, Array]:
        """Return the lowest and the highest current of the range [A], each a scalar or of shape ``(columns,)``."""
        flat = current.reshape(-1, current.shape[-1])
        if flat.size == 0:
            raise InputError("current", f"shape {current.shape}", "the currents of at least one input vector")
        axis = 0 if self.per == "column" else None
        tail = 100.0 - self.percentile
        low, high = (np.percentile(flat, q, axis=axis) for q in (tail, self.percentile))
        return np.asarray(low), np.asarray(high)
