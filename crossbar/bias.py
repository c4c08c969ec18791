"""`Bias`: the potentials at the ends of the lines of a crossbar."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.waveforms import Waveform

__all__ = ["FLOATING", "SIDES", "Bias"]


#: The potential of a terminal that is connected to nothing.
FLOATING = float("nan")
#: The four sides of a crossbar: the terminals of the word lines and of the bit lines.
SIDES = ("word_left", "word_right", "bit_top", "bit_bottom")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bias:
    """Potentials of the terminals on the four sides of a crossbar.

    Each side takes a number for all its lines, or an array of shape ``(..., lines)`` for many vectors, where `FLOATING`
    is an open end; or ``None``, which lets the whole side float. In a transient an entry may be a
    waveform, alone or in a list with a number or a waveform for each line.

    Parameters
    ----------
    word_left, word_right : float, array_like or Waveform, optional
        Potentials at the two ends of each word line [V]; ``lines`` is the number of rows.
    bit_top, bit_bottom : float, array_like or Waveform, optional
        Potentials at the two ends of each bit line [V]; ``lines`` is the number of columns.

    Examples
    --------
    Word line 0 at 0.2 V, the others floating, all bit lines at ground: a sneak-path measurement of two rows.

    >>> Bias(word_left=[0.2, FLOATING], bit_bottom=0.0)
    Bias(word_left=[0.2, nan], bit_bottom=0.0)
    """

    word_left: Any = None
    word_right: Any = None
    bit_top: Any = None
    bit_bottom: Any = None

    def __repr__(self) -> str:
        given = ((f.name, getattr(self, f.name)) for f in fields(self))
        return f"Bias({', '.join(f'{name}={value!r}' for name, value in given if value is not None)})"

    @classmethod
    def read(cls, voltage: ArrayLike) -> Bias:
        """Sources at the left ends of the word lines, bit lines at virtual ground at the bottom, the rest open."""
        return cls(word_left=voltage, bit_bottom=0.0)

    @classmethod
    def backward(cls, voltage: ArrayLike) -> Bias:
        """Sources at the bottom of the bit lines, word lines at virtual ground on the left: a read of the transpose."""
        return cls(bit_bottom=voltage, word_left=0.0)

    @classmethod
    def both_ends(cls, voltage: ArrayLike) -> Bias:
        """Sources at both ends of the word lines, virtual ground at both ends of the bit lines."""
        return cls(word_left=voltage, word_right=voltage, bit_top=0.0, bit_bottom=0.0)

    def resolve(self, rows: int, columns: int) -> tuple[tuple[int, ...], dict[str, Array]]:
        """Return the batch shape, and the potentials of each side, shape ``(vectors, lines)``, `nan` where it floats.

        Raises
        ------
        InputError
            If a side does not fit the array, is infinite, or holds a waveform.
        """
        sides: dict[str, Array] = {}
        for name in SIDES:
            given = getattr(self, name)
            lines = rows if name.startswith("word") else columns
            kind = "word lines" if name.startswith("word") else "bit lines"
            allowed = f"a number or an array of shape (..., {lines}) for {lines} {kind} [V]"
            if isinstance(given, Waveform) or (
                isinstance(given, (list, tuple)) and any(isinstance(g, Waveform) for g in given)
            ):
                raise InputError(name, "a waveform", allowed, "simulate() takes waveforms")
            try:
                plain = np.asarray(FLOATING if given is None else given)
                if plain.dtype.kind not in "iuf":
                    raise TypeError
                array = np.array(plain, dtype=float)
            except (TypeError, ValueError):
                raise InputError(name, repr(given), allowed) from None
            if np.isinf(array).any():
                raise InputError(name, "inf", allowed, "FLOATING for an open end")
            if array.ndim and array.shape[-1] != lines:
                raise InputError(name, f"shape {array.shape}", allowed)
            sides[name] = array if array.ndim else np.full(lines, float(array))
        try:
            batch = np.broadcast_shapes(*(a.shape[:-1] for a in sides.values()))
        except ValueError:
            shapes = {name: a.shape for name, a in sides.items()}
            raise InputError("bias", f"shapes {shapes}", "batches that broadcast") from None
        return batch, {
            name: np.ascontiguousarray(np.broadcast_to(a, (*batch, a.shape[-1]))).reshape(-1, a.shape[-1])
            for name, a in sides.items()
        }
