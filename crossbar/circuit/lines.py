"""A crossbar as ladders: which end of each line is fed, the resistances toward it, and the factors of all lines."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crossbar.bias import SIDES
from crossbar.circuit.branches import Branches, branches
from crossbar.circuit.coarse import Coarse, coarse_crossbar, no_coarse
from crossbar.circuit.network import check_grounded, surely_grounded
from crossbar.wires import Short, Wires
from devices.common.arrays import Array
from devices.common.errors import InputError

__all__ = [
    "Ladders",
    "LineFactors",
    "check_joined",
    "connected_sides",
    "factor_lines",
    "joined_sources",
    "ladders",
    "line_drops",
]

Mask = NDArray[np.bool_]
#: Roundings of a potential that add up in a current, seen in random arrays of up to 12 x 12 cells.
ROUNDINGS = 50.0 * float(np.finfo(float).eps)


class Ladder(NamedTuple):
    """The lines of one kind as ladders.

    Parameters
    ----------
    resistance : numpy.ndarray or tuple of numpy.ndarray
        Resistance from each node toward the fed end [ohm]; a tuple of one line where all lines are alike.
    far : numpy.ndarray
        Conductance from the last node to the terminal at the other end [S], one for each line; 0 where that floats.
    turned : numpy.ndarray
        Lines whose fed end is the other one: their only terminal, and nothing but ideal metal to it.
    joined : numpy.ndarray
        Lines of ideal metal from one source to another.
    """

    resistance: Any
    far: Array
    turned: Mask
    joined: Mask

    def ends(self, fed: Array, other: Array) -> tuple[Array, Array]:
        """Return the potentials at the fed end and at the other end, 0 where they float, shape ``(vectors, lines)``."""
        near, far = np.where(self.turned, other, fed), np.where(self.turned, fed, other)
        near[np.isnan(near)] = 0.0
        far[np.isnan(far)] = 0.0
        return near, far


class Ladders(NamedTuple):
    """The wires of a crossbar with some of their terminals connected, which all its solutions share.

    Word lines are fed from the left and bit lines from the bottom. Rows are padded with open cells on ideal metal at
    the top, `padding` of them, to a multiple of four. Where `branched` is set, the circuit is more than ladders: ideal
    metal leads from uneven wires to a second terminal, shorts have no resistance or hold what would float. Then it is
    solved as a list of branches.
    """

    word: Ladder
    bit: Ladder
    shorts: tuple[Short, ...]
    shape: tuple[int, int]
    padding: int
    branched: tuple[Wires, dict[str, Mask]] | None = None


class LineFactors(NamedTuple):
    """Cells with padded rows, the factors of all lines of each kind, and the coarse crossbar; or the branches."""

    conductance: Array
    word: tuple[Array, Any]
    bit: tuple[Array, Any]
    coarse: Coarse
    ladders: Ladders
    net: Branches | None = None


def ladders(
    wires: Wires,
    connected: dict[str, Mask],
    conductance: Array,
    shorted: bool = False,
    held: Array | None = None,
) -> Ladders:
    """Return the ladders of a crossbar.

    Parameters
    ----------
    wires : Wires
        The metal.
    connected : dict of str to numpy.ndarray
        For each side, which of its terminals are connected.
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``: cells of zero conductance join nothing.
    shorted : bool, optional
        Whether a conductance is infinite.
    held : numpy.ndarray, optional
        Not zero at nodes of word lines and of bit lines that need no terminal, shape ``(2, rows, columns)``.

    Raises
    ------
    InputError
        If a part floats.
    """
    rows, columns = conductance.shape
    sure = all(connected[side].all() for side in ("word_left", "bit_bottom"))
    branched = shorted or any(short.resistance == 0.0 for short in wires.shorts)
    if not branched and not surely_grounded(wires, connected):
        branched = not check_grounded(conductance, wires, connected, held)
    padding = -rows % 4
    alike = wires.simple and sure and not branched
    if alike and not connected["word_right"].any() and not connected["bit_top"].any():
        r_word = np.full(columns, wires.word_line)
        r_word[0] = wires.word_line_end
        r_bit = np.zeros(rows + padding)
        r_bit[padding:-1] = wires.bit_line
        r_bit[-1] = wires.bit_line_end
        lines = [
            Ladder((r,), np.zeros(n), np.zeros(n, dtype=bool), np.zeros(n, dtype=bool))
            for r, n in ((r_word, rows), (r_bit, columns))
        ]
        return Ladders(lines[0], lines[1], wires.shorts, (rows, columns), padding)
    segments = wires.segments(rows, columns)
    word, uneven_word = _ladder(segments[0], connected["word_left"], connected["word_right"])
    bit, uneven_bit = _ladder(segments[1][::-1].T, connected["bit_bottom"], connected["bit_top"])
    if branched or uneven_word or uneven_bit:
        return Ladders(word, bit, wires.shorts, (rows, columns), padding, (wires, connected))
    r_word, r_bit = np.zeros((rows + padding, columns)), np.zeros((rows + padding, columns))
    r_word[padding:] = word.resistance
    r_bit[padding:] = bit.resistance.T[::-1]
    return Ladders(
        word._replace(resistance=r_word), bit._replace(resistance=r_bit), wires.shorts, (rows, columns), padding
    )


def _ladder(segments: Array, fed: Mask, other: Mask) -> tuple[Ladder, bool]:
    """Return the ladders of lines with resistances `segments` ``(lines, nodes + 1)`` from the fed end to the other.

    The second value tells whether ideal metal leads from uneven wires to the other end of one, which no ladder has.
    """
    near = np.where(fed, segments[:, 0], np.inf)
    far = np.where(other, segments[:, -1], np.inf)
    ideal = far == 0.0
    inner = segments[:, 1:-1].max(axis=1, initial=0.0) > 0.0
    uneven = bool((ideal & inner).any())
    ideal &= ~inner
    joined = ideal & (near == 0.0)
    near, far = np.where(ideal, far, near), np.where(ideal, near, far)
    far[joined] = np.inf
    resistance = np.array(segments[:, :-1])
    resistance[:, 0] = near
    with np.errstate(divide="ignore"):
        return Ladder(resistance, 1.0 / far, ideal, joined), uneven


def factor_lines(
    conductance: Array, shared: Ladders, word_load: Array | None = None, bit_load: Array | None = None
) -> LineFactors:
    """Factor the word lines and the bit lines of a crossbar.

    Parameters
    ----------
    conductance : numpy.ndarray
        Cell conductances [S], shape ``(rows, columns)``.
    shared : Ladders
        The lines.
    word_load, bit_load : numpy.ndarray, optional
        Conductance from each node of the word lines and of the bit lines to ground [S], shape ``(rows, columns)``.

    Returns
    -------
    LineFactors
        The factors.
    """
    from crossbar.circuit.line_solves import factor_bit_lines, factor_word_lines

    if shared.branched is not None:
        net = branches(conductance, *shared.branched, (word_load, bit_load))
        nothing = np.empty((0, 0))
        return LineFactors(conductance, (nothing, nothing), (nothing, nothing), no_coarse(), shared, net)
    padding = shared.padding
    padded = pad(conductance, padding)
    factors, loads = [], []
    for kind, ladder, load, factor in (
        ("word", shared.word, word_load, factor_word_lines),
        ("bit", shared.bit, bit_load, factor_bit_lines),
    ):
        seen = padded
        if load is not None or ladder.far.any():
            seen = padded.copy()
            if load is not None:
                seen[padding:] += load
            if kind == "word":
                seen[padding:, -1] += ladder.far
            else:
                seen[padding] += ladder.far
        c = np.empty_like(padded)
        r = ladder.resistance
        z = r if isinstance(r, tuple) else np.empty_like(padded)
        factor(seen, r, c, z)
        factors.append((c, z))
        loads.append(seen)
    coarse = coarse_crossbar(padded, loads[0], loads[1], shared.word.resistance, shared.bit.resistance, padding)
    return LineFactors(padded, factors[0], factors[1], coarse, shared)


def line_drops(factors: LineFactors) -> float:
    """Return the largest voltage drop of a line, relative to the voltage that its cells would all have without drops.

    It is the sum over the cells of ``G R``, with ``R`` the resistance of the line from the cell to the fed end: small
    where metal conducts well. Rounding of potentials is larger in the currents by about as much.
    """
    G, (word, bit) = factors.conductance, (factors.ladders.word.resistance, factors.ladders.bit.resistance)
    padding = factors.ladders.padding
    if isinstance(word, tuple) and isinstance(bit, tuple):
        from crossbar.circuit.line_solves import largest_drop

        return largest_drop(G, word[0], bit[0])
    word, bit = (np.where(np.isinf(r[padding:]), 0.0, r[padding:]) for r in (word, bit))
    along, down = np.cumsum(word, axis=1), np.cumsum(bit[::-1], axis=0)[::-1]
    with np.errstate(over="ignore"):
        return float(max((G[padding:] * along).sum(axis=1).max(), (G[padding:] * down).sum(axis=0).max()))


def pad(array: Array, padding: int) -> Array:
    """Return `array` with `padding` rows of zeros before its first row, as a writeable C-ordered array."""
    if not padding and array.flags.c_contiguous and array.flags.writeable:
        return array
    result = np.zeros((*array.shape[:-2], array.shape[-2] + padding, array.shape[-1]))
    result[..., padding:, :] = array
    return result


def connected_sides(sides: dict[str, Array]) -> dict[str, Mask]:
    """Return which terminals of each side are connected, for potentials of one vector."""
    return {name: ~np.isnan(sides[name]) for name in SIDES}


def check_joined(shared: Ladders, sides: dict[str, Array]) -> None:
    """Raise `InputError` where ideal metal joins two sources of different potential."""
    for ladder, one, two in ((shared.word, "word_left", "word_right"), (shared.bit, "bit_top", "bit_bottom")):
        apart = ladder.joined & (sides[one] != sides[two]).any(axis=0)
        if apart.any():
            raise joined_sources(one, two, int(np.flatnonzero(apart)[0]))


def joined_sources(one: str, two: str, line: int) -> InputError:
    """Return the error for ideal metal between two terminals of one line that differ in potential."""
    kind = one.partition("_")[0]
    return InputError(
        one,
        f"another potential than {two} at {kind} line {line}, which is ideal metal between them",
        "equal potentials, or a resistance along the line",
        f"Wires({kind}_line=1.0)",
    )
