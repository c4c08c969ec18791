"""The axes of a sweep, and the random numbers of each of its points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Axis", "point_seed"]


@dataclass(frozen=True)
class Axis:
    """A swept parameter.

    Parameters
    ----------
    name : str
        Argument of the evaluated function, and dimension of the result.
    values : sequence of float
        Its values.
    unit : str, optional
        Unit for labels.
    long_name : str, optional
        Text for labels; the name where not given.
    """

    name: str
    values: Sequence[float]
    unit: str = ""
    long_name: str = ""


def point_seed(seed: int, point: dict[str, float], trial: int) -> np.random.Generator:
    """Return the generator of one trial at one point: a function of the seed, the point's values and the trial only."""
    text = json.dumps([seed, sorted((k, float(v).hex()) for k, v in point.items()), trial])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(digest[:16], "big")))
