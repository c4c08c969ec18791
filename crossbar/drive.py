"""Waveforms at the terminals of an array, and its drive: all potentials and their slopes over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES, Bias
from crossbar.circuit.lines import Ladders, joined_sources
from crossbar.circuit.sources import Sources, table_of
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.waveforms import Waveform

__all__ = ["Drive", "split_bias", "split_gate"]


def split_bias(
    bias: Bias, rows: int, columns: int, *, within: str
) -> tuple[dict[str, Array], dict[str, dict[int, Waveform]]]:
    """Return the numbers and the waveforms of a bias, by side.

    Parameters
    ----------
    bias : Bias
        One vector, each of its entries a number or a waveform.
    rows, columns : int
        Shape of the array.
    within : str
        The calculation that takes one vector only, such as "a transient", for the error where there are several.

    Returns
    -------
    numbers : dict of str to numpy.ndarray
        Potential of each terminal [V], shape ``(lines,)``: `nan` where it floats, 0 where it has a waveform.
    waveforms : dict of str to dict of int to Waveform
        The waveforms by the numbers of their lines.

    Raises
    ------
    InputError
        If a side does not fit the array, or the bias holds several vectors.
    """
    waveforms: dict[str, dict[int, Waveform]] = {}
    rest = {}
    for side in SIDES:
        given = getattr(bias, side)
        entries = [given] * (rows if side.startswith("word") else columns) if isinstance(given, Waveform) else given
        listed = isinstance(entries, list | tuple)
        waveforms[side] = {k: e for k, e in enumerate(entries) if isinstance(e, Waveform)} if listed else {}
        rest[side] = [0.0 if isinstance(e, Waveform) else e for e in entries] if waveforms[side] else given
    batch, numbers = Bias(**rest).resolve(rows, columns)
    if batch:
        raise InputError("bias", f"a batch of shape {batch}", f"one vector in {within}", "one call for each")
    return {side: values[0] for side, values in numbers.items()}, waveforms


def split_gate(gate: Any, lines: int) -> tuple[Any, dict[int, Waveform]]:
    """Return the numbers of gate lines, at time 0 where a line has a waveform, and the waveforms by line.

    Raises
    ------
    InputError
        If a list with waveforms does not have an entry for each line.
    """
    entries = [gate] * lines if isinstance(gate, Waveform) else gate
    if not isinstance(entries, list | tuple) or not any(isinstance(e, Waveform) for e in entries):
        return gate, {}
    if len(entries) != lines:
        raise InputError("gate", f"{len(entries)} entries", f"a number or a waveform for each of {lines} gate lines")
    numbers = [float(e.at(0.0)) if isinstance(e, Waveform) else e for e in entries]
    return numbers, {k: e for k, e in enumerate(entries) if isinstance(e, Waveform)}


class Drive:
    """The potentials of terminals and gate lines and their slopes over time, made once from a bias.

    Parameters
    ----------
    bias : Bias
        One vector of numbers and waveforms; a waveform holds its last value when it is over.
    rows, columns : int
        Shape of the array.
    gates : mapping of int to Waveform, optional
        Waveforms of gate lines, by number.

    Raises
    ------
    InputError
        If it is not a `Bias`, does not fit the array, or holds several vectors.
    """

    def __init__(self, bias: Bias, rows: int, columns: int, gates: Mapping[int, Waveform] | None = None) -> None:
        if not isinstance(bias, Bias):
            raise InputError("bias", type(bias).__name__, "a Bias", "Bias(word_left=waveform, bit_bottom=0.0)")
        self.numbers, self._by_line = split_bias(bias, rows, columns, within="a transient")
        #: Numbers of gate lines and the waveform that they share.
        self.gates: list[tuple[list[int], Waveform]] = []
        for waveform in {id(w): w for w in (gates or {}).values()}.values():
            self.gates.append(([line for line, w in (gates or {}).items() if w is waveform], waveform))
        #: Side, numbers of the lines, and the waveform that these lines share.
        self.waveforms: list[tuple[str, NDArray[np.int64], Waveform]] = []
        for side, by_line in self._by_line.items():
            for waveform in {id(w): w for w in by_line.values()}.values():
                at = np.array([line for line, w in by_line.items() if w is waveform])
                self.waveforms.append((side, at, waveform))

    def check_joined(self, shared: Ladders) -> None:
        """Raise `InputError` where ideal metal joins terminals that do not have the same waveform or number."""
        for ladder, one, two in ((shared.word, "word_left", "word_right"), (shared.bit, "bit_top", "bit_bottom")):
            for line in np.flatnonzero(ladder.joined).tolist():
                waves = self._by_line[one].get(line), self._by_line[two].get(line)
                apart = self.numbers[one][line] != self.numbers[two][line]
                if waves[0] is not waves[1] or (waves[0] is None and apart):
                    raise joined_sources(one, two, line)

    def potentials(self) -> dict[str, Array]:
        """Return the potentials at time 0 [V] by side, shape ``(1, lines)``."""
        potential = {side: numbers[None].copy() for side, numbers in self.numbers.items()}
        for side, at, waveform in self.waveforms:
            potential[side][0, at] = waveform.at(0.0)
        return potential

    def sources(self) -> Sources:
        """Return all terminals, side by side in the order of `SIDES`, for the compiled transient."""
        first = dict(zip(SIDES, np.cumsum([0, *(self.numbers[side].size for side in SIDES)]), strict=False))
        waves = [(first[side] + at, waveform.segments, waveform.duration) for side, at, waveform in self.waveforms]
        return table_of(np.concatenate([self.numbers[side] for side in SIDES]), waves)

    def controls(self, control: Array, lines: Array) -> Sources:
        """Return the further terminals of all cells for the compiled transient.

        Parameters
        ----------
        control : numpy.ndarray
            Their potentials at time 0 [V], shape ``(cells, terminals)``, the gate first.
        lines : numpy.ndarray
            Gate line of each cell, shape ``(cells,)``.
        """
        waves = [
            (control.shape[1] * np.flatnonzero(np.isin(lines, at)), waveform.segments, waveform.duration)
            for at, waveform in self.gates
        ]
        return table_of(control.ravel(), waves)

    @property
    def _every(self) -> list[Waveform]:
        return [*(waveform for _, _, waveform in self.waveforms), *(waveform for _, waveform in self.gates)]

    @property
    def duration(self) -> float:
        """Length of the longest waveform [s]."""
        return max((waveform.duration for waveform in self._every), default=0.0)

    @property
    def longest(self) -> float:
        """Longest step that cannot miss a swing of a sine [s]."""
        fastest = max((float(w.segments[:, 4].max()) for w in self._every), default=0.0)
        return np.pi / (16.0 * fastest) if fastest > 0.0 else np.inf

    @property
    def largest(self) -> float:
        """Largest absolute potential [V]."""
        peaks = [float(np.nanmax(np.abs(numbers), initial=0.0)) for numbers in self.numbers.values()]
        for _, _, waveform in self.waveforms:
            rows = waveform.segments
            ends = waveform.at(waveform.corners)
            peaks.append(float(np.abs(ends).max() + np.abs(rows[:, 3]).max()))
        return max(peaks)

    def corners(self, span: float) -> Array:
        """Return the times between which all potentials are smooth, from 0 to `span` [s]."""
        parts = [waveform.corners for waveform in self._every]
        every = np.unique(np.concatenate([np.array([0.0, span]), *parts]))
        every = every[(every >= 0.0) & (every <= span)]
        return every[np.append(True, np.diff(every) > 1e-13 * span)]
