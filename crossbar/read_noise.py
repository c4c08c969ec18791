"""Noise of reads: the seeds of each input vector, and the currents of an array whose cells are noisy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from crossbar.array import Crossbar
from devices.common.arrays import Array
from devices.common.randomness import Seed, root_seed
from devices.effects.base import Effect, apply_effects
from devices.effects.noise import FlickerNoise, WhiteNoise

__all__ = ["ReadSeeds", "noisy_currents", "white_noise_response"]

#: Columns whose cell voltages are solved at once for `white_noise_response`: bounds the memory.
_COLUMNS_AT_ONCE = 32

#: Number of the first place, see `ReadSeeds.each`: larger than any number of a layer, tile or converter.
_PLACES = 2**31


@dataclass(frozen=True)
class ReadSeeds:
    """Seeds of the noise of reads, one for each input vector.

    A seed depends on the root, on the vector's own numbers and on how many equal vectors came before it: the same
    root gives a vector the same noise alone and among others, and repeated reads of one vector differ.

    Parameters
    ----------
    root : int
        Seed of all.
    keys : tuple of tuple of int
        Key of each vector.
    path : tuple of int, optional
        Key of the layer, tile or converter that draws.
    """

    root: int
    keys: tuple[tuple[int, ...], ...]
    path: tuple[int, ...] = ()

    @classmethod
    def of(cls, seed: Seed, vectors: Array) -> ReadSeeds:
        """Return the seeds of `vectors`, shape ``(..., lines)``; a generator moves on."""
        rows = np.ascontiguousarray(vectors).reshape(-1, vectors.shape[-1])
        before: Counter[bytes] = Counter()
        keys = []
        for row in rows + 0.0:  # minus zero equals zero
            digest = blake2b(row.tobytes(), digest_size=8).digest()
            keys.append((int.from_bytes(digest[:4]), int.from_bytes(digest[4:]), before[digest]))
            before[digest] += 1
        return cls(root_seed(seed), tuple(keys))

    def child(self, key: int) -> ReadSeeds:
        """Return the seeds of one of several that draw for the same vectors."""
        return ReadSeeds(self.root, self.keys, (*self.path, key))

    def part(self, some: slice) -> ReadSeeds:
        """Return the seeds of some of the vectors."""
        return ReadSeeds(self.root, self.keys[some], self.path)

    def each(self, places: Sequence[int]) -> ReadSeeds:
        """Return the seeds of the vectors that each vector becomes, such as an image's patches: one for each place."""
        keys = tuple((*key, _PLACES + place) for key in self.keys for place in places)
        return ReadSeeds(self.root, keys, self.path)

    def generators(self) -> Iterator[np.random.Generator]:
        """Yield the generator of each vector."""
        for key in self.keys:
            yield np.random.default_rng(np.random.SeedSequence(self.root, spawn_key=(*key, *self.path)))

    def standard_normal(self, count: int) -> Array:
        """Return `count` normal numbers for each vector, shape ``(vectors, count)``."""
        return np.stack([rng.standard_normal(count) for rng in self.generators()])


def noisy_currents(
    array: Crossbar,
    volts: Array,
    share: Array,
    noise: Sequence[Effect],
    seeds: ReadSeeds,
    *,
    response: Array | None = None,
    backward: bool = False,
) -> Array:
    r"""Return the line currents [A] of noisy reads, shape ``(vectors, sensed lines)``.

    White noise is a current source across each cell,

    .. math:: \mathrm{Var}[I_c] = \sum_{ij} a_{ijc}^2 \, S(G_{ij}, V_i) \, B \, \tau_i

    with the share a of its current that reaches line c (one on ideal wires) and the share τ of a full-scale pulse for
    which the line is driven, so that the charge's deviation grows with the root of a pulse's length. The density S is
    taken at the voltage of the driver. Other noise is an error of the conductance over the whole read: drawn for each
    cell, and the array solved for each vector; on ideal wires 1/f noise is drawn for each line, with the same variance.

    Parameters
    ----------
    array : Crossbar
        The array of ohmic cells.
    volts : numpy.ndarray
        Drive, averaged over a full-scale pulse [V], shape ``(vectors, driven lines)``.
    share : numpy.ndarray
        Share of a full-scale pulse for which each line is driven, of the same shape; 1 where amplitudes are inputs.
    noise : sequence of Effect
        Effects drawn at each read.
    seeds : ReadSeeds
        Seeds of the vectors.
    response : numpy.ndarray, optional
        `white_noise_response`; made where needed and not given.
    backward : bool, optional
        Bit lines are driven and word lines sensed.
    """
    white = [e for e in noise if isinstance(e, WhiteNoise)]
    others = [e for e in noise if not isinstance(e, WhiteNoise)]
    cells = array.conductance.T if backward else array.conductance
    lines = cells.shape[1]
    variance = np.zeros((len(volts), lines))
    for effect in white:
        h = white_noise_response(array, backward=backward) if response is None else response
        with np.errstate(divide="ignore", invalid="ignore"):
            height = np.where(share > 0.0, np.abs(volts) / share, 0.0)
        variance += (effect.density(1.0, height) * share * effect.bandwidth) @ h
    if _drawn_per_line(array, others):
        currents = volts @ cells
        for flicker in others:
            assert isinstance(flicker, FlickerNoise)
            variance += flicker.relative_variance * (np.square(volts) @ np.square(cells))
        others = []
    elif not others:
        currents = array.read(volts, backward=backward).current
    else:
        currents = np.empty_like(variance)
    for k, rng in enumerate(seeds.generators()):
        if others:
            noisy = np.maximum(apply_effects(array.conductance, others, rng), 0.0)
            currents[k] = Crossbar(noisy, array.wires).read(volts[k], backward=backward).current
        currents[k] += np.sqrt(variance[k]) * rng.standard_normal(lines)
    return currents


def white_noise_response(array: Crossbar, *, backward: bool = False) -> Array:
    r"""Return :math:`h_{ic} = \sum_j a_{ijc}^2 G_{ij}` [S], shape ``(driven lines, sensed lines)``.

    By reciprocity, the share a of a current source across a cell that reaches line c equals the voltage across the
    cell when line c alone is driven with one volt.
    """
    cells = array.conductance.T if backward else array.conductance
    if array.wires.ideal:
        return cells
    lines = cells.shape[1]
    response = np.empty(cells.shape)
    for start in range(0, lines, _COLUMNS_AT_ONCE):
        some = np.eye(lines)[start : start + _COLUMNS_AT_ONCE]
        readout = array.read(some, backward=not backward, nodes=True)
        across = readout.word_line_voltage - readout.bit_line_voltage
        across = across.swapaxes(-1, -2) if backward else across
        response[:, start : start + len(some)] = np.einsum("cij,cij,ij->ic", across, across, cells)
    return response


def _drawn_per_line(array: Crossbar, effects: Sequence[Effect]) -> bool:
    """Return whether each line's noise is a sum of independent normal errors of its cells."""
    return array.wires.ideal and bool(effects) and all(isinstance(e, FlickerNoise) for e in effects)
