"""Processor time that other work used during a measurement, which slows the measured programs down unnoticed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import psutil


class Others:
    """Counts the processor time, on all cores, that was used outside of this process and of the given ones."""

    def __init__(self, processes: Iterable[int]) -> None:
        self.processes = [psutil.Process(number) for number in (os.getpid(), *processes)]
        self.start = time.perf_counter()
        self.before = self._outside()

    def share(self) -> float | None:
        """Return the share of the time of all cores since the start; None if it cannot be measured."""
        after = self._outside()
        if self.before is None or after is None:
            return None
        return max(0.0, after - self.before) / ((time.perf_counter() - self.start) * (psutil.cpu_count() or 1))

    def _outside(self) -> float | None:
        """Return the processor time of all other processes since the machine started [s]."""
        try:
            own = sum(sum(process.cpu_times()[:4]) for process in self.processes)
        except psutil.Error:
            return None
        spent = psutil.cpu_times()._asdict()
        # Time of guests is part of user time.
        idle = ("idle", "iowait", "guest", "guest_nice")
        return sum(seconds for name, seconds in spent.items() if name not in idle) - own
