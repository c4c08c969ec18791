"""The circuits of the benchmarks, made with numpy alone, so that all programs solve the same ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SINH_SCALE = 0.25  # [V], of the nonlinear cells


@dataclass(frozen=True)
class Regime:
    """Resistance of one wire segment, and smallest and largest resistance of a cell [ohm]."""

    segment: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.segment:g} ohm wires, {self.low / 1e3:g}-{self.high / 1e3:g} kohm cells"


REGIMES = {"easy": Regime(1.0, 1e4, 1e5), "hard": Regime(10.0, 1e3, 1e4)}


@dataclass(frozen=True)
class ReadProblem:
    """A square array: word lines driven at the left, bit lines grounded at the bottom, each through a segment."""

    conductance: Array  # [S], (size, size)
    segment: float  # [ohm]
    voltage: Array  # [V], (size,)


def problem(size: int, regime: str = "easy") -> ReadProblem:
    chosen = REGIMES[regime]
    rng = np.random.default_rng(0)
    conductance = rng.uniform(1 / chosen.high, 1 / chosen.low, (size, size))
    return ReadProblem(conductance, chosen.segment, rng.uniform(0, 0.5, size))


def vectors(size: int, count: int) -> Array:
    return np.random.default_rng(1).uniform(0, 0.5, (count, size))
