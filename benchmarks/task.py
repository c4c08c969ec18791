"""`Task`: the work of a worker process, and a small version of it for warming up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Timed:
    """An answer with its own time [s], for a simulator that runs in another process."""

    value: Any
    seconds: float


@dataclass(frozen=True)
class Task:
    """Work to be timed; `warm` does the same at the smallest size, so that compilation and imports are done before."""

    work: Callable[[], Any]
    warm: Callable[[], object] = field(default=lambda: None)
    report: Callable[[Any], dict[str, Any]] = field(default=lambda answer: {})
    value: Callable[[Any], Any] = field(default=lambda answer: answer)
