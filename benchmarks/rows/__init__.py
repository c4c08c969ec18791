"""The benchmarks of the performance page: functions that take a `Bench` and yield figures as they are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.rows import growth, imports, many, read, spice, stream, transfer, transients

Row = Callable[[Bench], Iterator[Figure]]

ROWS: dict[str, Row] = {
    "read": read.against_spsolve,
    "crosssim": read.against_crosssim,
    "badcrossbar": read.against_badcrossbar,
    "vectors": many.against_splu,
    "cholmod": many.against_cholmod,
    "transfer": transfer.run,
    "stream": stream.run,
    "spice": spice.linear,
    "nonlinear": spice.nonlinear,
    "transients": transients.run,
    "growth": growth.run,
    "import": imports.run,
}
