"""The metal of a crossbar: what lies between the drivers, the cells and the sense amplifiers."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

from devices.errors import InputError
from devices.validation import number

__all__ = ["Wires"]

_LINES = {"word_line": "word", "driver": "word", "bit_line": "bit", "sense": "bit"}


@dataclass(frozen=True, slots=True)
class Wires:
    """Resistances along the lines of a crossbar; all zero by default, which is ideal metal.

    A word line runs ``source -- driver -- segment -- cell 0 -- segment -- cell 1 ...`` and ends open
    after its last cell. A bit line starts open at row 0 and runs
    ``... cell rows-1 -- segment -- sense -- ground``. So each line has as many segments as cells. A zero
    merges the nodes on its two sides; no large number stands in for it.

    Parameters
    ----------
    word_line : float, optional
        Resistance of one word-line segment [ohm].
    bit_line : float, optional
        Resistance of one bit-line segment [ohm].
    driver : float, optional
        Output resistance of each word-line driver [ohm].
    sense : float, optional
        Input resistance of each bit-line sense amplifier [ohm].

    Raises
    ------
    InputError
        If a resistance is negative, not a number, or infinite: the lines behind it would float.

    Examples
    --------
    >>> Wires(word_line=2.5, bit_line=2.5, driver=50.0)
    Wires(word_line=2.5, bit_line=2.5, driver=50.0, sense=0.0)
    """

    word_line: float = 0.0
    bit_line: float = 0.0
    driver: float = 0.0
    sense: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            name = field.name
            value = getattr(self, name)
            if isinstance(value, float) and math.isinf(value) and value > 0:
                raise InputError(
                    name,
                    f"inf, which lets every {_LINES[name]} line float",
                    "finite, >= 0 [ohm]",
                    "an open cell is conductance 0, a broken driver a large finite resistance",
                )
            object.__setattr__(self, name, number(name, value, unit="ohm", minimum=0.0))

    @property
    def word_line_end(self) -> float:
        """Resistance from a source to the first cell of its word line: driver and one segment [ohm]."""
        return self.driver + self.word_line

    @property
    def bit_line_end(self) -> float:
        """Resistance from the last cell of a bit line to ground: one segment and the sense amplifier [ohm]."""
        return self.sense + self.bit_line
