"""`Printed`: the text that a simulator printed, and its reason for a failure in one line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from devices.common.errors import SimulatorConvergenceError, SimulatorError

__all__ = ["Printed"]

#: Messages of simulators that have read a circuit and do not find its solution; "out of range" is of an iteration.
_UNSOLVED = re.compile(
    r"singular matrix|timestep too small|no convergence|iteration limit|stepping failed|failed to converge"
    r"|Factorization failed|Homotopy failed|NaN found|out of range for",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?", re.IGNORECASE)
_ALIKE = 8
#: Longest reason; of a longer one, which no simulator has given so far, half is the beginning and half the end.
_LONGEST = 6000


class Printed(NamedTuple):
    """The text that a simulator printed, on its output for errors and on its other one."""

    errors: str
    text: str

    @property
    def whole(self) -> str:
        """Both texts, errors first."""
        return f"{self.errors}\n{self.text}"

    def reason(self, pick: Callable[[str], Iterable[str]]) -> str:
        """Return the lines that `pick` takes from both outputs as one line, errors first; empty where it takes none.

        Each line stands there once. Of lines that differ in numbers alone, the first eight stay; the rest are counted.
        """
        kinds: dict[str, dict[str, None]] = {}
        lines: dict[str, None] = {}
        for line in (*pick(self.errors), *pick(self.text)):
            plain = " ".join(line.split())
            alike = kinds.setdefault(_NUMBER.sub("0", plain), {})
            alike[plain] = None
            if len(alike) <= _ALIKE:
                lines[plain] = None
        more = (
            f"and {len(alike) - _ALIKE} more like {next(iter(alike))!r}"
            for alike in kinds.values()
            if len(alike) > _ALIKE
        )
        whole = " | ".join((*lines, *more))
        half = _LONGEST // 2
        return whole if len(whole) <= _LONGEST else f"{whole[:half]} ... {whole[-half:]}"

    def failure(self, message: str) -> SimulatorError:
        """Return the error with a message: `SimulatorConvergenceError` where the simulator found no solution."""
        unsolved = _UNSOLVED.search(self.errors) or _UNSOLVED.search(self.text)
        return (SimulatorConvergenceError if unsolved else SimulatorError)(message)
