"""How much of the machine other work used during a measurement: what makes a figure worthless without a trace in it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable


class Others:
    """Counts the processor time, of all cores, that was spent outside of the given processes (Linux)."""

    def __init__(self, processes: Iterable[int]) -> None:
        self.processes = [os.getpid(), *processes]
        self.start = time.perf_counter()
        self.before = self._outside()

    def share(self) -> float | None:
        """Return the share of all cores' time since the start; None on systems that do not tell."""
        after = self._outside()
        if self.before is None or after is None:
            return None
        return max(0.0, after - self.before) / ((time.perf_counter() - self.start) * (os.cpu_count() or 1))

    def _outside(self) -> float | None:
        try:
            with open("/proc/stat") as stat:
                user, nice, system, _, _, irq, soft, steal = map(int, stat.readline().split()[1:9])
            return (user + nice + system + irq + soft + steal - sum(map(_used, self.processes))) / os.sysconf(
                "SC_CLK_TCK"
            )
        except (OSError, ValueError):
            return None


def _used(process: int) -> int:
    """Return the time of a process and of its children that have ended [ticks]."""
    with open(f"/proc/{process}/stat") as stat:
        return sum(map(int, stat.read().rpartition(")")[2].split()[11:15]))
