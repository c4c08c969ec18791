"""The metal of a crossbar: what lies between the drivers, the cells and the sense amplifiers."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, integer, number

__all__ = ["Short", "Wires"]

_RESISTANCES = ("word_line", "bit_line", "driver", "sense", "far_driver", "far_sense")
_CAPACITANCES = ("word_line_capacitance", "bit_line_capacitance", "crossing_capacitance")


@dataclass(frozen=True, slots=True)
class Short:
    """A bridge of metal between two neighbouring lines, a manufacturing fault.

    Parameters
    ----------
    kind : {"word", "bit"}
        Which lines it joins.
    line : int
        The first of the two lines; the other one is ``line + 1``.
    cell : int
        At which of the line's cells.
    resistance : float
        Resistance of the bridge [ohm]; 0 merges the two nodes, infinity is no bridge.
    """

    kind: Literal["word", "bit"]
    line: int
    cell: int
    resistance: float

    def __post_init__(self) -> None:
        choice("kind", self.kind, ("word", "bit"))
        integer("line", self.line, minimum=0)
        integer("cell", self.cell, minimum=0)
        if self.resistance != math.inf:
            number("resistance", self.resistance, unit="ohm", minimum=0.0, fix="resistance=1.0")


@dataclass(frozen=True, slots=True, eq=False)
class Wires:
    """Resistances and capacitances of the lines of a crossbar; all zero by default, which is ideal metal.

    A word line runs ``left terminal -- driver -- segment -- cell 0 -- segment ... cell columns-1 -- segment --
    far_driver -- right terminal``. A bit line runs from its top terminal ``far_sense -- segment -- cell row 0 ...``
    down to ``cell row rows-1 -- segment -- sense -- bottom terminal``. So each line has one more segment than
    cells; what leads to a terminal that floats carries no current. In a read the sources are the left
    terminals, the sense amplifiers are the bottom terminals at virtual ground, and the others float. A zero merges the
    nodes on its two sides; no large number stands in for it.

    Parameters
    ----------
    word_line : float or array_like, optional
        Resistance of the word-line segments [ohm]; an array broadcasts to ``(rows, columns + 1)``, from left to right.
        In an array, ``inf`` is an open wire.
    bit_line : float or array_like, optional
        Resistance of the bit-line segments [ohm]; an array broadcasts to ``(rows + 1, columns)``, from top to bottom.
    driver, far_driver : float or array_like, optional
        Output resistance at the left and the right terminal of each word line [ohm]; an array has shape ``(rows,)``.
    sense, far_sense : float or array_like, optional
        Resistance at the bottom and the top terminal of each bit line [ohm]; an array has shape ``(columns,)``.
    word_line_capacitance, bit_line_capacitance : float, optional
        Capacitance to ground of a word line and of a bit line at each cell [F].
    crossing_capacitance : float, optional
        Capacitance between the two lines at each cell [F].
    shorts : tuple of Short, optional
        Bridges between neighbouring lines.

    Raises
    ------
    InputError
        If a resistance or capacitance is negative or not a number, or a scalar is infinite: every line would float.

    Examples
    --------
    >>> Wires(word_line=2.5, bit_line=2.5, driver=50.0)
    Wires(word_line=2.5, bit_line=2.5, driver=50.0)
    """

    word_line: float | Array = 0.0
    bit_line: float | Array = 0.0
    driver: float | Array = 0.0
    sense: float | Array = 0.0
    far_driver: float | Array = 0.0
    far_sense: float | Array = 0.0
    word_line_capacitance: float = 0.0
    bit_line_capacitance: float = 0.0
    crossing_capacitance: float = 0.0
    shorts: tuple[Short, ...] = ()

    def __post_init__(self) -> None:
        for name in _RESISTANCES:
            object.__setattr__(self, name, _resistance(name, getattr(self, name)))
        for name in _CAPACITANCES:
            object.__setattr__(self, name, number(name, getattr(self, name), unit="F", minimum=0.0))
        fix = "shorts=(Short('word', line=0, cell=3, resistance=1.0),)"
        if not isinstance(self.shorts, Iterable):
            raise InputError("shorts", repr(self.shorts), "a sequence of Short objects", fix)
        object.__setattr__(self, "shorts", tuple(self.shorts))
        for short in self.shorts:
            if not isinstance(short, Short):
                raise InputError("shorts", repr(short), "Short objects", fix)

    def __repr__(self) -> str:
        shown = []
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                shown.append(f"{field.name}=<{value.shape} of {value.min():g} to {value.max():g}>")
            elif value:
                shown.append(f"{field.name}={value!r}")
        return f"Wires({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Wires):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    def __hash__(self) -> int:
        return hash(tuple(np.asarray(getattr(self, name)).tobytes() for name in (*_RESISTANCES, *_CAPACITANCES)))

    @classmethod
    def from_geometry(
        cls, pitch: float, width: float, thickness: float, resistivity: float | str, **others: Any
    ) -> Wires:
        """Return wires of equal lines both ways, each segment of ``resistivity * pitch / (width * thickness)``.

        Parameters
        ----------
        pitch : float
            Distance of neighbouring cells [m], at least the width.
        width, thickness : float
            Of each line [m].
        resistivity : float or str
            Resistivity [ohm m], or a metal of `crossbar.METALS`, whose resistivity rises in narrow lines; see
            `crossbar.line_resistivity`.
        **others
            Further fields of `Wires`.

        Returns
        -------
        Wires
            The metal.

        Examples
        --------
        >>> Wires.from_geometry(100e-9, 50e-9, 100e-9, "Cu").word_line.__round__(3)
        0.649
        """
        w = number("width", width, unit="m", minimum=0.0, open_minimum=True)
        t = number("thickness", thickness, unit="m", minimum=0.0, open_minimum=True)
        p = number("pitch", pitch, unit="m", minimum=w, fix="a pitch of at least the width")
        if isinstance(resistivity, str):
            from crossbar.metals import line_resistivity

            rho = line_resistivity(resistivity, w, t)
        else:
            rho = number("resistivity", resistivity, unit="ohm m", minimum=0.0)
        return cls(word_line=rho * p / (w * t), bit_line=rho * p / (w * t), **others)

    @property
    def capacitive(self) -> bool:
        """Whether any capacitance is not zero."""
        return any(getattr(self, name) > 0.0 for name in _CAPACITANCES)

    @property
    def ideal(self) -> bool:
        """Whether all lines are ideal metal: no resistance, and no shorts."""
        return not self.shorts and not any(np.any(getattr(self, name)) for name in _RESISTANCES)

    @property
    def simple(self) -> bool:
        """Whether every line of a kind is like the others and nothing is broken: scalars only, and no shorts."""
        return not self.shorts and all(isinstance(getattr(self, name), float) for name in _RESISTANCES)

    @property
    def word_line_end(self) -> float | Array:
        """Resistance from a left terminal to the first cell: driver and one segment [ohm]."""
        return self.driver + (self.word_line if isinstance(self.word_line, float) else self.word_line[..., 0])

    @property
    def bit_line_end(self) -> float | Array:
        """Resistance from the last cell to a bottom terminal: one segment and the sense amplifier [ohm]."""
        return self.sense + (self.bit_line if isinstance(self.bit_line, float) else self.bit_line[-1])

    def checked(self, rows: int, columns: int) -> Wires:
        """Return these wires if they fit an array of this shape; else raise `InputError` naming what does not."""
        for name, shape in (
            ("word_line", (rows, columns + 1)),
            ("bit_line", (rows + 1, columns)),
            ("driver", (rows,)),
            ("far_driver", (rows,)),
            ("sense", (columns,)),
            ("far_sense", (columns,)),
        ):
            value = getattr(self, name)
            if isinstance(value, float):
                continue
            try:
                np.broadcast_to(value, shape)
            except ValueError:
                allowed = f"a scalar or an array that broadcasts to {shape} for {rows} x {columns} cells"
                raise InputError(name, f"shape {value.shape}", allowed) from None
        for short in self.shorts:
            lines, cells = (rows, columns) if short.kind == "word" else (columns, rows)
            if short.line + 1 >= lines or short.cell >= cells:
                allowed = f"line below {lines - 1} and cell below {cells} in an array of {rows} x {columns}"
                raise InputError("shorts", repr(short), allowed)
        return self

    def segments(self, rows: int, columns: int) -> tuple[Array, Array]:
        """Return the resistances between terminals and cells, those of the terminals included [ohm].

        Word lines from left to right, shape ``(rows, columns + 1)``; bit lines from top to bottom, shape
        ``(rows + 1, columns)``.
        """
        word = np.array(np.broadcast_to(self.word_line, (rows, columns + 1)))
        bit = np.array(np.broadcast_to(self.bit_line, (rows + 1, columns)))
        word[:, 0] += self.driver
        word[:, -1] += self.far_driver
        bit[-1] += self.sense
        bit[0] += self.far_sense
        return word, bit

    def with_open(self, kind: Literal["word", "bit"], line: int, segment: int, *, shape: tuple[int, int]) -> Wires:
        """Return these wires with one segment broken: segment ``k`` leads to cell ``k``, the last one to the terminal.

        Parameters
        ----------
        kind : {"word", "bit"}
            Which line.
        line, segment : int
            Its number, and the number of the segment along it.
        shape : tuple of int
            Rows and columns of the crossbar.

        Returns
        -------
        Wires
            The same wires with that segment infinite.
        """
        try:
            rows, columns = (operator.index(n) for n in shape)
        except (TypeError, ValueError):
            raise InputError("shape", repr(shape), "rows and columns of the crossbar", "shape=crossbar.shape") from None
        name = "word_line" if choice("kind", kind, ("word", "bit")) == "word" else "bit_line"
        grid = (rows, columns + 1) if kind == "word" else (rows + 1, columns)
        lines, last = (rows, columns) if kind == "word" else (columns, rows)
        integer("line", line, minimum=0, maximum=lines - 1)
        integer("segment", segment, minimum=0, maximum=last)
        value = np.array(np.broadcast_to(getattr(self, name), grid))
        value[(line, segment) if kind == "word" else (segment, line)] = math.inf
        return replace(self, word_line=value) if kind == "word" else replace(self, bit_line=value)


def _resistance(name: str, value: ArrayLike) -> float | Array:
    if not isinstance(value, (list, tuple)) and np.ndim(value) == 0:
        if isinstance(value, float) and math.isinf(value) and value > 0:
            raise InputError(
                name,
                "inf, which lets every line float",
                "finite, >= 0 [ohm]",
                "a floating end in the Bias, or an array with inf where a wire is open",
            )
        return number(name, value, unit="ohm", minimum=0.0) + 0.0  # no -0.0
    try:
        given = np.asarray(value)
        opened = given == np.inf
        checked = finite_array(name, np.where(opened, 0.0, given), unit="ohm", minimum=0.0)
    except (TypeError, ValueError):
        raise InputError(name, f"{type(value).__name__} that is not numeric", "numbers >= 0, or inf [ohm]") from None
    if not checked.size:
        raise InputError(name, f"an empty array of shape {checked.shape}", "a number, or one for each segment [ohm]")
    array = np.where(opened, np.inf, checked) + 0.0
    array.flags.writeable = False
    return array
