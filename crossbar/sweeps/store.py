"""`Store`: the results of a sweep in a zarr group on disk, which grows by values of axes and by trials.

Each output is an array over the axes, trials last, in chunks of all trials of one point; ``status`` and ``error`` are
arrays like it. The process that started the sweep is the only writer. The values of a point are written before its
status, so that a status never stands for values that are not there. The grid is an attribute of the group, which is
written last when the grid grows: an array that is already larger is no contradiction. xarray reads the group as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from crossbar.sweeps.evaluation import Layout
from crossbar.sweeps.point import Dimension
from devices.common.errors import InputError, MemductanceError, shortened

__all__ = ["STATUS", "Store", "extra_dimensions", "read_grid"]

_ATTRIBUTE = "memductance_sweep"
_FORMAT = 1
_FEWEST = 16  # trials that a chunk has room for
#: Meanings of the status of a trial.
STATUS = {"flag_values": [0, 1, 2], "flag_meanings": "missing done failed", "long_name": "status"}
_ALWAYS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "status": (np.int8, 0, STATUS),
    "error": (str, "", {"long_name": "type and message of the error"}),
}


def read_grid(path: Path) -> dict[str, Any]:
    """Return the description of the sweep in a store.

    Raises
    ------
    InputError
        If there is no sweep at this place, or one of another format.
    """
    file = path / "zarr.json"
    try:
        attributes = json.loads(file.read_text(encoding="utf-8"))["attributes"]
        grid = attributes[_ATTRIBUTE]
        written = grid["format"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError("store", repr(str(path)), "a folder that `sweep` has made, or a new one") from None
    if written != _FORMAT:
        raise InputError("store", f"format {written}", f"format {_FORMAT}, that of this version", "another folder")
    return dict(grid)


class Store:
    """A store on disk, open for one sweep; a context manager.

    Parameters
    ----------
    path : pathlib.Path
        Folder of the zarr group; made if missing.
    stamp : dict
        All that the results depend on besides points and trials, ready for JSON, each as [key, text]; a store with
        another one is refused.
    dimensions : sequence of Dimension
        Dimensions of the sweep; the store grows by their values.
    trials : int
        Number of trials; the store grows to them.
    facts : dict
        Attributes of the Dataset, ready for JSON.

    Raises
    ------
    InputError
        If another process writes to the store, its stamp or its axes differ, or it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        stamp: dict[str, Any],
        dimensions: Sequence[Dimension],
        trials: int,
        facts: dict[str, Any],
    ) -> None:
        self.path, self.stamp, self.dimensions, self.trials, self.facts = path, stamp, dimensions, trials, facts
        self._failed: set[tuple[int, ...]] = set()  # points with errors in the store

    def __enter__(self) -> Store:
        from filelock import FileLock, Timeout

        self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise InputError("store", f"{str(self.path)!r}, in use", "a store that no other sweep writes to") from None
        except OSError as error:
            given = f"{str(self.path)!r} ({error.strerror})"
            raise InputError("store", given, "a folder that can be written") from None
        try:
            with self._writing():
                self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._lock.release()

    def _open(self) -> None:
        import zarr

        file = self.path / "zarr.json"
        if not file.exists() and self.path.exists() and any(self.path.iterdir()):
            raise InputError("store", repr(str(self.path)), "a folder that `sweep` has made, or a new one")
        if not file.exists():
            axes: dict[str, list[str]] = {d.name: [] for d in self.dimensions}
            empty = {"stamp": self.stamp, "axes": axes, "trials": 0, "outputs": {}, "coordinates": {}}
            zarr.create_group(self.path, attributes={_ATTRIBUTE: {"format": _FORMAT, **empty}})
        before = read_grid(self.path)
        self._compare(before)
        self.group: Any = zarr.open_group(self.path, mode="r+")
        axes = {}
        self.positions: list[list[int]] = []
        for dimension in self.dimensions:
            axes[dimension.name] = list(dict.fromkeys([*before["axes"][dimension.name], *dimension.keys]))
            self.positions.append([axes[dimension.name].index(one) for one in dimension.keys])
        trials = max(self.trials, before["trials"])
        self.shape = (*(len(keys) for keys in axes.values()), trials)
        self.grid = {**before, "axes": axes, "trials": trials, "coordinates": self._coordinates(before, axes)}
        self.grid["facts"] = self.facts
        if self.grid != before or any(name not in self.group for name in (*self.grid["coordinates"], *_ALWAYS)):
            for name in (*before["outputs"], *_ALWAYS):
                if name in self.group:
                    array: Any = self.group[name]
                    array.resize((*self.shape, *array.shape[len(self.shape) :]))
                else:
                    self._create(name, *_ALWAYS[name])
            for name, coordinate in self.grid["coordinates"].items():
                self._write_coordinate(name, coordinate)
            self.group.attrs[_ATTRIBUTE] = self.grid

    def _compare(self, grid: Mapping[str, Any]) -> None:
        """Refuse a store of another sweep."""
        before = grid["stamp"]
        for name in [*self.stamp, *(n for n in before if n not in self.stamp)]:
            was, now = before.get(name), self.stamp.get(name)
            if was != now:
                texts = [shortened(given[1]) if given else "nothing" for given in (now, was)]
                if texts[0] == texts[1]:
                    texts[0] += ", changed since"
                raise InputError(
                    f"store: {name}", texts[0], f"{texts[1]}, with which {str(self.path)!r} was made", "another store"
                )
        axes = [d.name for d in self.dimensions]
        if list(grid["axes"]) != axes:
            allowed = f"{', '.join(grid['axes'])}, those of {str(self.path)!r}, in this order"
            raise InputError("store: axes", ", ".join(axes), allowed, "another store")

    def _create(
        self, name: str, kind: Any, fill: Any, attributes: Mapping[str, Any], shape: Sequence[int] = ()
    ) -> None:
        chunk = self.shape[-1] if shape else max(self.shape[-1], _FEWEST)
        self.group.create_array(
            name,
            shape=(*self.shape, *shape),
            chunks=(*(1 for _ in self.dimensions), chunk, *shape),
            dtype=kind,
            fill_value=fill,
            compressors=None,
            dimension_names=[*self.grid["axes"], "trial", *extra_dimensions(name, shape)],
            attributes=dict(attributes),
            overwrite=True,
        )

    def _coordinates(self, before: Mapping[str, Any], axes: Mapping[str, list[str]]) -> dict[str, Any]:
        """Return the values or labels along all dimensions, ready for JSON; new ones after those that were there."""
        found = dict(before["coordinates"])
        for dimension, positions in zip(self.dimensions, self.positions, strict=True):
            for name, (values, attributes) in dimension.coordinates.items():
                whole = list(found[name]["values"]) if name in found else []
                whole += [None] * (len(axes[dimension.name]) - len(whole))
                for at, value in zip(positions, values.tolist(), strict=True):
                    if whole[at] is None:
                        whole[at] = value
                found[name] = {"dimension": dimension.name, "values": one_kind(whole), "attributes": attributes}
        return found

    def _write_coordinate(self, name: str, coordinate: Mapping[str, Any]) -> None:
        values = coordinate["values"]
        array = self.group.create_array(
            name,
            shape=(len(values),),
            chunks=(len(values),),
            dtype=str if isinstance(values[0], str) else np.array(values).dtype,
            compressors=None,
            dimension_names=[coordinate["dimension"]],
            attributes=coordinate["attributes"],
            overwrite=True,
        )
        array[:] = np.array(values)

    @property
    def layout(self) -> Layout | None:
        """Shapes of the outputs; None where none is known yet."""
        return {name: tuple(shape) for name, shape in self.grid["outputs"].items()} or None

    def set_layout(self, layout: Layout, attributes: Mapping[str, Mapping[str, str]]) -> None:
        """Make the arrays of the outputs."""
        with self._writing():
            for name, shape in layout.items():
                self._create(name, np.float64, np.nan, attributes.get(name, {}), shape)
            self.grid = {**self.grid, "outputs": {name: list(shape) for name, shape in layout.items()}}
            self.group.attrs[_ATTRIBUTE] = self.grid

    def load(self) -> dict[str, Any]:
        """Return outputs, status and error over the grid of this sweep, as arrays by name."""
        places = np.ix_(*self.positions, range(self.trials))
        with self._writing():
            found = {name: self.group[name][:][places] for name in ("status", "error", *(self.layout or ()))}
        self._failed = {tuple(int(k) for k in where[:-1]) for where in np.argwhere(found["error"] != "")}
        return found

    def write(self, point: tuple[int, ...], rows: Mapping[str, np.ndarray[Any, Any]]) -> None:
        """Write all trials of a point: rows of outputs and errors first, then its status."""
        where = (*(at[k] for at, k in zip(self.positions, point, strict=True)), slice(0, self.trials))
        failed = bool((rows["error"] != "").any())
        names = [name for name in rows if name not in ("error", "status")]
        if failed or point in self._failed:
            names.append("error")
            self._failed.add(point)
        with self._writing():
            for name in (*names, "status"):
                self.group[name][where] = rows[name]

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MemductanceError(
                f"{self.path}: cannot be written ({error.strerror or error}); "
                "what is in it stays whole, run again to go on"
            ) from None


def one_kind(values: list[Any]) -> list[Any]:
    """Return the values along a dimension as numbers alone, truth values alone, or texts."""
    kinds = {type(value) for value in values}
    if len(kinds) == 1 or kinds == {int, float}:
        return values
    return [f"{value:.12g}" if isinstance(value, float) else str(value) for value in values]


def extra_dimensions(name: str, shape: Sequence[int]) -> list[str]:
    """Return the names of the dimensions of an output with several numbers."""
    return [f"{name}_{k}" for k in range(len(shape))]
