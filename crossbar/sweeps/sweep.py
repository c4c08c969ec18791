"""`sweep`: a function evaluated over labelled axes and trials, anywhere, and resumed where it was left."""

from __future__ import annotations

import inspect
import itertools
import os
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from crossbar.sweeps.evaluation import Evaluation, Found, Trial
from crossbar.sweeps.executors import check_executor, evaluate_all, open_pool
from crossbar.sweeps.keys import full_name, label
from crossbar.sweeps.point import Axis, Design, Dimension, check_name
from crossbar.sweeps.results import DONE, Output, Results, dataset_of, provenance, stamp_of
from crossbar.sweeps.store import Store, read_grid
from devices.common.errors import InputError
from devices.common.validation import integer, number

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SweepInterrupt", "load_sweep", "sweep"]

_FLUSH = 0.1  # shortest time between two writes of points that are not complete [s]
_SHARE = 0.05  # largest share of time for these writes


class SweepInterrupt(KeyboardInterrupt):
    """An interrupted sweep.

    Attributes
    ----------
    dataset : xarray.Dataset
        The results so far; the status of trials that are missing is 0.
    """

    def __init__(self, message: str, dataset: xr.Dataset) -> None:
        super().__init__(message)
        self.dataset = dataset


def sweep(
    evaluate: Callable[..., Any],
    axes: Sequence[Axis | Design] | Mapping[str, Sequence[Any]],
    *,
    trials: int = 1,
    seed: int = 0,
    name: str = "accuracy",
    outputs: Sequence[Output] = (),
    paired: bool = True,
    executor: Any = None,
    store: str | os.PathLike[str] | None = None,
    stamp: str | None = None,
    used: Sequence[Any] = (),
    task_seconds: float = 0.5,
    progress: bool = False,
) -> xr.Dataset:
    """Evaluate a function over the product of axes, several times at each point.

    The results do not depend on the executor, on the number of its workers or on the order in which they come: the
    random numbers of a trial follow from the seed and the number of the trial, and unless trials are paired from the
    values of the point. BLAS and OpenMP use one thread meanwhile.

    Parameters
    ----------
    evaluate : callable
        ``evaluate(rng, **point)`` returns a number, or a mapping of names to numbers or arrays whose shapes are the
        same at all points. Where its arguments have types, the values of axes are checked against them.
    axes : sequence of Axis or Design, or mapping of str to sequence
        The parameters that vary; a mapping gives names and values alone.
    trials : int, optional
        Evaluations at each point, each with a generator of its own.
    seed : int, optional
        Seed of the whole sweep.
    name : str, optional
        Name of the output where `evaluate` returns a number.
    outputs : sequence of Output, optional
        Units and long names of outputs.
    paired : bool, optional
        Give a trial the same random numbers at every point (common random numbers), so that differences between points
        are free of most of the spread between trials. False for independent points.
    executor : int, Executor or dask.distributed.Client, optional
        Number of worker processes, an executor of `concurrent.futures` or one like it, or a client of a dask cluster;
        this process alone where not given.
    store : path, optional
        Folder of a zarr group in which results are kept as they come. A second call evaluates only what is missing or
        has failed; further values of an axis, or trials, extend it.
    stamp : str, optional
        Version of `evaluate` and of all that it holds, in your words. It takes the place of their comparison with
        those that a store was made with.
    used : sequence, optional
        Devices, effects, recipes or chips whose sources are kept with the result, besides those that axes and
        `evaluate` hold.
    task_seconds : float, optional
        Trials are sent to workers in tasks of about this time [s].
    progress : bool, optional
        Show a progress bar with the time left on stderr.

    Returns
    -------
    xarray.Dataset
        A variable for each output over the axes and ``trial``, NaN where a trial failed; ``status`` (1 done, 2 failed)
        and ``error``, the text of the error. Attributes: units, long names, the seed, options, versions and sources.

    Raises
    ------
    InputError
        Before anything is evaluated: if an axis is empty, its name reserved or used twice, a value of another type
        than `evaluate` declares, or the store is of another sweep. Later, if a worker cannot import the function.
    MemductanceError
        If the store cannot be written, or the executor breaks down; finished points are in the store.
    SweepInterrupt
        At Ctrl-C; it holds the results so far.

    Examples
    --------
    >>> def accuracy(rng, sigma: float, bits: int | None):
    ...     return 0.9 - 0.1 * sigma * rng.random()
    >>> result = sweep(accuracy, [Axis("sigma", (0.0, 0.4)), Axis("bits", (4, None))], trials=3)
    >>> dict(result.sizes), result["bits"].values.tolist()
    ({'sigma': 2, 'bits': 2, 'trial': 3}, ['4', 'None'])
    """
    dimensions = _dimensions(axes)
    integer("trials", trials, minimum=1)
    integer("seed", seed, minimum=0)
    for flag, value in (("paired", paired), ("progress", progress)):
        if not isinstance(value, bool):
            raise InputError(flag, repr(value), "True or False")
    task_seconds = number("task_seconds", task_seconds, unit="s", minimum=0.0)
    described = _outputs(name, outputs, dimensions)
    if stamp is not None and not isinstance(stamp, str):
        raise InputError("stamp", repr(stamp), "a text", "stamp='1'")
    check_executor(executor)
    _check_function(evaluate, dimensions)
    facts = provenance(evaluate, dimensions, seed=seed, paired=paired, used=used)
    evaluation = Evaluation(evaluate, dimensions, seed, paired, name)
    results = Results((*evaluation.shape, trials))
    opened: Any = nullcontext()
    if store is not None:
        stamps = stamp_of(evaluate, seed, paired, used, stamp)
        opened = Store(Path(store).absolute(), stamps, dimensions, trials, facts)

    def dataset() -> xr.Dataset:
        along = {n: (d.name, values, a) for d in dimensions for n, (values, a) in d.coordinates.items()}
        return dataset_of(results, along, [d.name for d in dimensions], described, facts)

    with opened as kept, _one_thread():
        run = _Run(results, kept, described)
        wanted = run.missing()
        try:
            with _bar(results.status.size, len(wanted), progress) as bar, open_pool(executor, evaluation) as pool:

                def handle(found: Found) -> None:
                    run.take(found)
                    bar.update()

                run.order = wanted
                evaluate_all(evaluation, pool, wanted, handle, task_seconds)
        except KeyboardInterrupt:
            run.settle()
            done = int(np.count_nonzero(results.status))
            raise SweepInterrupt(
                f"{done} of {results.status.size} trials are finished"
                + (f", and kept in {store}" if store is not None else ": the exception holds them as .dataset"),
                dataset(),
            ) from None
        except BaseException:
            run.settle()
            raise
        run.settle()
    if results.layout is None:
        results.set_layout({name: ()})
    return dataset()


class _Run:
    """The results of a sweep while it runs: in memory, and in the store, where there is one."""

    def __init__(self, results: Results, store: Store | None, outputs: Mapping[str, Output]) -> None:
        self.results, self.store, self.outputs = results, store, outputs
        self.order: list[Trial] = []
        self.early: dict[Trial, Found] = {}  # results before the shapes of the outputs are known
        self.front = 0
        self.changed: dict[tuple[int, ...], None] = {}
        self.due = 0.0  # time of the next write [s]
        if store is not None:
            if store.layout is not None:
                results.set_layout(store.layout)
            results.load(store.load())

    def missing(self) -> list[Trial]:
        """Return the trials that are not done, point by point."""
        status = self.results.status.reshape(-1, self.results.shape[-1])
        return [(int(point), int(trial)) for point, trial in np.argwhere(status != DONE)]

    def take(self, found: Found) -> None:
        """Enter a result. The first point in order that does not fail decides on the outputs of all."""
        if self.results.layout is None:
            self.early[found.trial] = found
            while self.front < len(self.order) and self.order[self.front] in self.early:
                first = self.early[self.order[self.front]]
                if first.values is not None:
                    self._decide({n: v.shape for n, v in first.values.items()})
                    break
                self.front += 1
            return
        self._enter(found)

    def _decide(self, layout: dict[str, tuple[int, ...]]) -> None:
        self.results.set_layout(layout)
        if self.store is not None:
            self.store.set_layout(layout, {n: self.outputs.get(n, Output(n)).attributes() for n in layout})
        for found in self.early.values():
            self._enter(found)
        self.early.clear()

    def _enter(self, found: Found) -> None:
        self.results.take(found)
        point = self.results.place(found.trial[0])
        self.changed[point] = None
        if self.results.status[point].all():
            self._write(point)
        elif time.monotonic() > self.due:
            self.flush()

    def _write(self, point: tuple[int, ...]) -> None:
        if self.store is not None:
            self.store.write(point, self.results.rows(point))
        del self.changed[point]

    def flush(self) -> None:
        """Write all results that are not in the store yet."""
        begun = time.monotonic()
        while self.changed:
            self._write(next(iter(self.changed)))
        now = time.monotonic()
        self.due = now + max(_FLUSH, (now - begun) / _SHARE)

    def settle(self) -> None:
        """Enter the results that wait for an earlier trial to decide on the outputs, and write all that is left."""
        known = [found for trial in self.order if (found := self.early.get(trial)) is not None]
        success = next((found.values for found in known if found.values is not None), None)
        if success is not None:
            self._decide({n: v.shape for n, v in success.items()})
        for found in self.early.values():
            self._enter(found)
        self.early.clear()
        self.flush()


def load_sweep(store: str | os.PathLike[str]) -> xr.Dataset:
    """Return all results in a store, without evaluating or changing anything.

    Parameters
    ----------
    store : path
        Folder that `sweep` has made.

    Returns
    -------
    xarray.Dataset
        As from `sweep`, with all values of axes and all trials that the store has seen; the status of those that were
        never evaluated is 0. Axes of numbers are in order.

    Raises
    ------
    InputError
        If there is no sweep at this place.
    """
    import zarr

    path = Path(store).absolute()
    grid = read_grid(path)
    group: Any = zarr.open_group(path, mode="r")
    axes = list(grid["axes"])
    sizes = (*(len(keys) for keys in grid["axes"].values()), grid["trials"])
    results = Results(sizes)
    if grid["outputs"]:
        results.set_layout({n: tuple(shape) for n, shape in grid["outputs"].items()})
    inside = tuple(slice(0, n) for n in sizes)
    results.load({n: group[n][inside] for n in ("status", "error", *grid["outputs"]) if n in group})
    along = {n: (c["dimension"], np.array(c["values"]), c["attributes"]) for n, c in grid["coordinates"].items()}
    described = {}
    for n in grid["outputs"]:
        given = dict(group[n].attrs)
        described[n] = Output(n, given.get("units", ""), given.get("long_name", ""))
    found = dataset_of(results, along, axes, described, grid.get("facts", {}))
    for axis in axes:
        if axis in found.coords and found[axis].dtype.kind in "if":
            found = found.sortby(axis)
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    import threadpoolctl

    with threadpoolctl.threadpool_limits(1):
        yield


@contextmanager
def _bar(total: int, missing: int, progress: bool) -> Iterator[Any]:
    from tqdm import TqdmWarning

    with warnings.catch_warnings():  # a notebook without widgets has a bar of text
        warnings.simplefilter("ignore", TqdmWarning)
        from tqdm.auto import tqdm

    with tqdm(total=total, initial=total - missing, disable=not progress, desc="trials", smoothing=0.05) as bar:
        yield bar


def _dimensions(axes: Any) -> tuple[Dimension, ...]:
    """Return the dimensions of a sweep, checked."""
    if isinstance(axes, Axis | Design):
        axes = [axes]
    if isinstance(axes, Mapping):
        axes = [Axis(name, values) for name, values in axes.items()]
    if not isinstance(axes, Sequence) or not axes or not all(isinstance(a, Axis | Design) for a in axes):
        raise InputError("axes", repr(axes), "one or more axes or designs", "[Axis('sigma', (0.0, 0.1))]")
    dimensions = tuple(axis.dimension() for axis in axes)
    names = [name for d in dimensions for name in d.coordinates]
    if len(set(names)) != len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise InputError("axes", f"{twice!r} twice", "axes with different names")
    return dimensions


def _outputs(name: str, outputs: Sequence[Output], dimensions: tuple[Dimension, ...]) -> dict[str, Output]:
    """Return the outputs that are described, by name."""
    check_name(name)
    if not isinstance(outputs, Sequence) or not all(isinstance(o, Output) for o in outputs):
        raise InputError("outputs", repr(outputs), "a sequence of Output", "[Output('energy', 'J')]")
    described = {o.name: o for o in outputs}
    for one in (*described, name):
        if any(one in d.coordinates for d in dimensions):
            raise InputError("name", repr(one), "an output that is named unlike the axes")
    return described


def _check_function(evaluate: Any, dimensions: tuple[Dimension, ...]) -> None:
    """Refuse a function that does not take the axes, or values of other types than it declares."""
    if not callable(evaluate):
        raise InputError("evaluate", repr(evaluate), "a function evaluate(rng, **point)")
    try:
        signature = inspect.signature(evaluate)
    except (TypeError, ValueError):
        return
    first = {name: value for d in dimensions for name, value in d.points[0].items()}
    try:
        signature.bind(None, **first)
    except TypeError as error:
        taken = ", ".join(signature.parameters)
        raise InputError(
            "axes", f"{', '.join(first)}: {error}", f"the arguments of {full_name(evaluate)}: {taken}"
        ) from None
    try:
        hints = get_type_hints(evaluate if inspect.isroutine(evaluate) else type(evaluate).__call__)
    except Exception:  # a name that is only known to type checkers
        return
    for dimension in dimensions:
        for name, point in itertools.product(dimension.points[0], dimension.points):
            if name in hints and not _fits(point[name], hints[name]):
                wanted = getattr(hints[name], "__name__", None) if not get_args(hints[name]) else None
                allowed = f"{wanted or hints[name]}, as {full_name(evaluate)} declares"
                raise InputError(name, f"{label(name, point[name])!r} ({type(point[name]).__name__})", allowed)


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value may be of a declared type; True where that cannot be told."""
    if hint is None or hint is type(None):
        return value is None
    if get_origin(hint) in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if not isinstance(hint, type):
        return True
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and (hint is bool or not issubclass(hint, int | float | str))
    if hint is float:
        return isinstance(value, int | float)
    if hint in (int, str, tuple, list, dict):
        return isinstance(value, hint)
    try:
        return isinstance(value, hint)
    except TypeError:  # a protocol that cannot be checked
        return True
