"""`Waves`: the vectors of a run by name, as every engine returns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from devices.common.arrays import Array
from devices.common.errors import SimulatorError
from devices.common.validation import choice

__all__ = ["Waves"]


@dataclass(frozen=True, eq=False)
class Waves(Mapping[str, Array]):
    """Vectors of one run by name, in lower case: ``time`` or ``frequency``, ``v(net)``, ``i(source)``.

    The current of a source is the one that flows through it from its plus to its minus net [A].

    Parameters
    ----------
    vectors : mapping of str to numpy.ndarray
        Shape ``(points,)`` each; one point for an operating point. Of an `AC` analysis they are complex.
    engine : str
        Name of the simulator and its version.
    seconds : float
        Time of the whole run [s].

    Raises
    ------
    SimulatorError
        If there are no vectors or no points, or a number is not finite.
    """

    vectors: Mapping[str, Array]
    engine: str
    seconds: float

    def __post_init__(self) -> None:
        if not self.vectors:
            raise SimulatorError(f"{self.engine} returned no vectors; check that the netlist asks for an analysis")
        for name, vector in self.vectors.items():
            if not vector.size:
                raise SimulatorError(f"{self.engine} returned no points")
            if not np.isfinite(vector).all():
                where = int(np.argmin(np.isfinite(vector)))
                raise SimulatorError(f"{self.engine} returned {vector[where]} in {name} at point {where}")

    def __getitem__(self, name: str) -> Array:
        return self.vectors[choice("name", name.lower(), self.vectors)]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self.vectors

    def __iter__(self) -> Iterator[str]:
        return iter(self.vectors)

    def __len__(self) -> int:
        return len(self.vectors)

    def renamed(self, names: Mapping[str, str]) -> Waves:
        """Return the run with the new name of each net or source in `names`, given by its present one."""
        new = {f"{kind}({a.lower()})": f"{kind}({b.lower()})" for a, b in names.items() for kind in "vi"}
        return replace(self, vectors={new.get(name, name): vector for name, vector in self.vectors.items()})

    def thinned(self, most: int) -> Waves:
        """Return a transient at `most` of its points at most, the first and the last among them.

        Half of them lie evenly by number, more where steps are short, the other half evenly by time.
        """
        time = self["time"]
        if time.size <= most:
            return self
        by_number = np.linspace(0, time.size - 1, most // 2).round().astype(int)
        by_time = np.searchsorted(time, np.linspace(time[0], time[-1], most - most // 2))
        kept = np.unique(np.concatenate([by_number, by_time.clip(max=time.size - 1)]))
        return replace(self, vectors={name: vector[kept] for name, vector in self.vectors.items()})

    def samples(self, duration: float) -> tuple[Array, NDArray[np.intp]]:
        """Return the time points of a transient without repeats [s], and the number of each vector entry among them.

        Raises
        ------
        SimulatorError
            If the run ended before `duration` [s].
        """
        times = np.minimum(self["time"], duration)
        if times[-1] < duration * (1 - 1e-9):
            raise SimulatorError(f"{self.engine} stopped at {times[-1]:g} s of {duration:g} s")
        times, back = np.unique(times, return_inverse=True)
        return times, back

    def __repr__(self) -> str:
        points = len(next(iter(self.vectors.values())))
        return f"Waves({len(self)} vectors of {points} points from {self.engine})"
