"""Seeds and generators: the same seed gives the same numbers, and each purpose has a stream of its own."""

from __future__ import annotations

from zlib import crc32

import numpy as np

from devices.common.validation import integer

__all__ = ["Seed", "generator", "root_seed", "stream"]

Seed = int | np.random.Generator


def generator(seed: Seed) -> np.random.Generator:
    """Return `seed` if it is a generator, else a new generator with this seed."""
    if isinstance(seed, np.random.Generator):
        return seed
    return np.random.default_rng(integer("seed", seed, minimum=0, fix="an int or a numpy.random.Generator"))


def root_seed(seed: Seed) -> int:
    """Return a seed as one integer, which is drawn from it if it is a generator."""
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(2**63))
    return integer("seed", seed, minimum=0, fix="an int or a numpy.random.Generator")


def stream(root: int, *key: str | int) -> np.random.Generator:
    """Return the generator of a key: independent for different keys, the same for the same root and key."""
    words = tuple(crc32(part.encode()) if isinstance(part, str) else part for part in key)
    return np.random.default_rng(np.random.SeedSequence(root, spawn_key=words))
