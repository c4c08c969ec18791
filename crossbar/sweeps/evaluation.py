"""The evaluation of trials, in any process: what a worker is sent, and what it sends back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from crossbar.sweeps.point import Dimension, check_name, point_generator
from devices.common.errors import InputError

__all__ = ["Evaluation", "Found", "Layout", "Trial", "digest", "error_text", "evaluate_trials", "misfit", "one_thread"]

#: Shapes of the outputs by name.
Layout = dict[str, tuple[int, ...]]
#: A trial: the index of its point among all of the sweep, and its number.
Trial = tuple[int, int]
_LONGEST_ERROR = 500


class Found(NamedTuple):
    """The end of a trial.

    Parameters
    ----------
    trial : tuple of int
        Index of the point, and number of the trial.
    values : dict or None
        Outputs by name; None after an error.
    error : str
        Type and message of the error; empty without one.
    seconds : float
        Time that it took [s].
    """

    trial: Trial
    values: dict[str, np.ndarray[Any, Any]] | None
    error: str
    seconds: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The evaluated function and the grid of its points, as they are sent to workers.

    Parameters
    ----------
    function : callable
        ``function(rng, **point)`` returns a number, or a mapping of names to numbers or arrays.
    dimensions : tuple of Dimension
        Dimensions of the grid.
    seed : int
        Seed of the sweep.
    paired : bool
        Whether a trial has the same random numbers at every point.
    name : str
        Name of the output where it is a number.
    """

    function: Callable[..., Any]
    dimensions: tuple[Dimension, ...]
    seed: int
    paired: bool
    name: str
    shape: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(len(d.points) for d in self.dimensions))

    def arguments(self, index: int) -> dict[str, Any]:
        """Return the arguments of a point."""
        where = np.unravel_index(index, self.shape)
        return {k: v for d, at in zip(self.dimensions, where, strict=True) for k, v in d.points[at].items()}

    def keys(self, index: int) -> dict[str, str]:
        """Return the keys of a point by dimension."""
        where = np.unravel_index(index, self.shape)
        return {d.name: d.keys[at] for d, at in zip(self.dimensions, where, strict=True)}

    def run(self, trial: Trial) -> Found:
        """Evaluate one trial; what the function raises becomes the error of the trial."""
        index, number = trial
        rng = point_generator(self.seed, number, None if self.paired else self.keys(index))
        begun = time.perf_counter()
        values, error = None, ""
        try:
            values = _values(self.function(rng, **self.arguments(index)), self.name)
        except (Exception, SystemExit) as failure:
            error = error_text(failure)
        return Found(trial, values, error, time.perf_counter() - begun)


def error_text(error: BaseException) -> str:
    """Return the type and the message of an error, on one line."""
    text = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(": ")
    return text if len(text) <= _LONGEST_ERROR else text[: _LONGEST_ERROR - 3] + "..."


def _values(result: Any, name: str) -> dict[str, np.ndarray[Any, Any]]:
    named = result if isinstance(result, Mapping) else {name: result}
    values = {}
    for output, value in named.items():
        check_name(output)
        if not isinstance(value, Real | np.number | np.bool_ | np.ndarray | list | tuple):
            raise TypeError(f"evaluate returned {type(value).__name__} for {output}; a number or an array is allowed")
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"evaluate returned an array of {array.dtype} for {output}; real numbers are allowed")
        values[output] = array.astype(np.float64)
    if not values:
        raise TypeError("evaluate returned no output")
    return values


def misfit(values: Mapping[str, np.ndarray[Any, Any]], layout: Layout) -> str:
    """Return how the outputs of a trial differ from those of the first one; empty where they do not."""
    found = {name: value.shape for name, value in values.items()}
    if found == layout:
        return ""
    return f"TypeError: evaluate returned {_named(found)}; the first point returned {_named(layout)}"


def _named(layout: Layout) -> str:
    return ", ".join(f"{name}{list(shape) if shape else ''}" for name, shape in sorted(layout.items()))


def one_thread() -> None:
    """Let BLAS and OpenMP use one thread, so that the last bits do not depend on the number of cores."""
    import threadpoolctl

    threadpoolctl.threadpool_limits(1)


#: The evaluation that this process ran last, by the digest of its bytes.
_latest: dict[str, Evaluation] = {}


def digest(content: bytes) -> str:
    """Return the digest by which workers know an evaluation."""
    return hashlib.sha256(content).hexdigest()


def evaluate_trials(name: str, content: bytes | str, trials: Iterable[Trial]) -> list[Found]:
    """Evaluate trials in a worker.

    Parameters
    ----------
    name : str
        Digest of the evaluation.
    content : bytes or str
        The evaluation, pickled by the process that started the sweep, or the path of a file with it.
    trials : iterable of tuple
        The trials.

    Raises
    ------
    InputError
        If the worker cannot load the evaluated function, because a module is missing on its machine.
    """
    evaluation = _latest.get(name)
    if evaluation is None:
        import pickle

        try:
            evaluation = pickle.loads(Path(content).read_bytes() if isinstance(content, str) else content)
        except Exception as error:
            allowed = "a function that each worker can import: install its module there too"
            raise InputError("evaluate", f"{error_text(error)} in a worker", allowed) from None
        for other in [*_latest]:
            _latest.pop(other, None)
        _latest[name] = evaluation
    one_thread()
    return [evaluation.run(trial) for trial in trials]
