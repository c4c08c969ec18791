"""Selection schemes: potentials of the other lines while one cell of an array is pulsed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossbar.bias import FLOATING, Bias
from devices.common.validation import choice
from devices.waveforms import Waveform

__all__ = ["SCHEMES", "Scheme", "scheme_named"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """Potentials of the lines that are not selected, as shares of the pulse on the selected word line.

    The pulse is on the left end of the selected word line, the selected bit line is at ground at its bottom end.

    Parameters
    ----------
    name : str
        Its name.
    word_line, bit_line : float
        Share of the pulse on the other word lines and on the other bit lines; `FLOATING` leaves them open.
    gated : bool, optional
        Transistors select the cell: only the gate line of the selected cell is on.
    """

    name: str
    word_line: float
    bit_line: float
    gated: bool = False

    def bias(self, shape: tuple[int, int], row: int, column: int, pulse: float | Waveform) -> Bias:
        """Return the bias of a `pulse`, a voltage or a waveform, on the cell at `row` and `column`."""
        rows, columns = shape

        def share(part: float) -> float | Waveform:
            if np.isnan(part) or part == 0.0 or not isinstance(pulse, Waveform):
                return part if np.isnan(part) or isinstance(pulse, Waveform) else part * pulse
            return pulse if part == 1.0 else pulse.scaled(part)

        words = [share(self.word_line)] * rows
        bits = [share(self.bit_line)] * columns
        words[row], bits[column] = pulse, 0.0
        return Bias(word_left=words, bit_bottom=bits)


#: V/2, V/3 and floating lines for passive arrays; two for transistors, whose gate lines run along rows or columns.
SCHEMES = {
    scheme.name: scheme
    for scheme in (
        Scheme("V/2", 0.5, 0.5),
        Scheme("V/3", 1.0 / 3.0, 2.0 / 3.0),
        Scheme("floating", FLOATING, FLOATING),
        Scheme("1T1R columns", 0.0, 0.0, gated=True),
        Scheme("1T1R rows", 0.0, 1.0, gated=True),
    )
}


def scheme_named(name: str | Scheme, *, gates: str | None) -> Scheme:
    """Return a scheme by name; ``"1T1R"`` is the one for gate lines along `gates`."""
    if isinstance(name, Scheme):
        return name
    if name == "1T1R":
        name = f"1T1R {gates or 'rows'}"
    return SCHEMES[choice("scheme", name, [*SCHEMES, "1T1R"])]
