"""What a worker process runs: a piece of work, and a small one that warms it up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Timed:
    """An answer that brings its own time along, of a simulator in a process of its own."""

    value: Any
    seconds: float


@dataclass(frozen=True)
class Task:
    """Work to be timed; `warm` does the same at the smallest size, so that compilation and imports are over."""

    work: Callable[[], Any]
    warm: Callable[[], object] = field(default=lambda: None)
    report: Callable[[Any], dict[str, Any]] = field(default=lambda answer: {})
    value: Callable[[Any], Any] = field(default=lambda answer: answer)
