"""`SweepSpec`: a task, a recipe and the axes of a sweep, read from a TOML file."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from devices.common.errors import InputError
from devices.common.validation import choice, integer, number, readable_file
from memductance.commands.tables import build, build_object

if TYPE_CHECKING:
    import numpy as np

    from crossbar import Axis, Recipe, Task

__all__ = ["RecipeAccuracy", "SweepSpec"]

_TOP = ("title", "trials", "seed", "paired", "workers", "target", "task", "recipe", "axes")
_AXIS = ("fields", "values", "log", "unit", "long_name", "labels")
_WINDOW = ("device", "set", "read_voltage")
#: What is done to the programmed network, and not a field of the recipe.
_TIME, _COMPENSATE = "network.time", "network.compensate"
_COMPENSATIONS = ("none", "matrix", "output")


@dataclass(frozen=True, eq=False)
class RecipeAccuracy:
    """The accuracy of a task's network on arrays, as a function of fields of the recipe.

    Parameters
    ----------
    task : Task
        A trained model and its data.
    recipe : dict
        The table of the recipe.
    fields : dict
        For each axis, the places in the table that take its value: ``network.time`` is the time since programming [s]
        at which the network is evaluated, ``network.compensate`` the digital factors after that: none, one for each
        matrix, or one for each output.
    """

    task: Task
    recipe: dict[str, Any]
    fields: dict[str, tuple[str, ...]]

    def __call__(self, rng: np.random.Generator, **point: Any) -> float:
        """Return the share of the test part that the arrays get right."""
        from crossbar import AnalogNetwork

        task = self.task
        network = AnalogNetwork.from_sklearn(task.model, self.at(**point), calibration=task.train_inputs, seed=rng)
        time, compensation = _of_network(self.fields, point)
        if time is not None:
            network = network.at(time)
        if compensation != "none":
            network = network.compensated(task.train_inputs, compensation)
        return network.score(task.test_inputs, task.test_labels)

    def at(self, **point: Any) -> Recipe:
        """Return the recipe at a point."""
        return _recipe_at(self.recipe, self.fields, point)


@dataclass(frozen=True, eq=False)
class SweepSpec:
    """A sweep of a recipe, as a TOML file describes it.

    Attributes
    ----------
    title : str
        Title.
    trials, seed : int
        Evaluations at each point, and the seed of all.
    paired : bool
        Whether a trial has the same random numbers at every point.
    workers : int or None
        Processes; None for the process of the command alone.
    target : float or None
        Accuracy whose tolerances are wanted.
    evaluate : RecipeAccuracy
        The function of the sweep.
    axes : tuple of Axis
        Its axes.
    """

    title: str
    trials: int
    seed: int
    paired: bool
    workers: int | None
    target: float | None
    evaluate: RecipeAccuracy
    axes: tuple[Axis, ...]

    @classmethod
    def read(cls, file: str | Path) -> SweepSpec:
        """Return the specification in a TOML file; each recipe of each axis is built once.

        Raises
        ------
        InputError
            If the file cannot be read, a key is not known, or a value is not of the type of its field.
        """
        path = readable_file("spec", file)
        try:
            given = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                "spec", f"{str(path)!r}, no TOML: {error}", "a file with [recipe] and [axes.NAME]"
            ) from None
        for name in given:
            choice("spec", name, _TOP)
        for name in ("recipe", "axes"):
            if not isinstance(given.get(name), dict) or not given[name]:
                raise InputError("spec", f"no table {name}", f"a table [{name}]")
        trials = integer("trials", given.get("trials", 10), minimum=1)
        seed = integer("seed", given.get("seed", 0), minimum=0)
        title = build(str, given.get("title", path.stem), "title")
        paired = build(bool, given.get("paired", True), "paired")
        workers = None if "workers" not in given else integer("workers", given["workers"], minimum=1)
        target = None if "target" not in given else number("target", given["target"], minimum=0.0, maximum=1.0)
        read_recipe(deepcopy(given["recipe"]))
        axes, places = [], {}
        for name, table in given["axes"].items():
            axis, places[name] = _axis(name, table)
            axes.append(axis)
        first = {axis.name: axis.dimension().points[0][axis.name] for axis in axes}
        for axis in axes:
            for point in axis.dimension().points:
                _recipe_at(given["recipe"], places, {**first, **point})
        evaluate = RecipeAccuracy(_task(given.get("task", {"name": "digits"})), given["recipe"], places)
        return cls(title, trials, seed, paired, workers, target, evaluate, tuple(axes))


def _recipe_at(table: dict[str, Any], fields: Mapping[str, tuple[str, ...]], point: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a table with the values of a point in their places, checked with its time."""
    changed = deepcopy(table)
    for name, value in point.items():
        for place in fields[name]:
            if place not in (_TIME, _COMPENSATE):
                _put(changed, place, value)
    recipe = read_recipe(changed)
    time, _ = _of_network(fields, point)
    for effect in recipe.effects:
        if time is not None and effect.earliest is not None:
            effect.at(time)  # refused where the effect is not known at that time
    return recipe


def _of_network(fields: Mapping[str, tuple[str, ...]], point: Mapping[str, Any]) -> tuple[float | None, Any]:
    """Return the time [s] and the compensation of a point, checked."""
    places = {place: value for name, value in point.items() for place in fields[name]}
    time = places.get(_TIME)
    if time is not None:
        time = number(_TIME, time, unit="s", minimum=0.0)
    compensation = places.get(_COMPENSATE)
    return time, choice(_COMPENSATE, "none" if compensation is None else compensation, _COMPENSATIONS)


def read_recipe(table: dict[str, Any]) -> Recipe:
    """Return the recipe of a table: its fields, or a device and a read voltage in place of the conductance limits."""
    from crossbar import Recipe
    from devices import device

    window = {name: table.pop(name) for name in _WINDOW if name in table}
    if "device" in window and "conductance_limits" in table:
        raise InputError("recipe", "device and conductance_limits", "one of them")
    if "device" in window:
        for name in ("device", "set"):
            build(str, window.get(name, ""), f"recipe.{name}")
        volts = number("recipe.read_voltage", window.get("read_voltage", 0.3), unit="V")
        table["conductance_limits"] = list(device(window["device"], window.get("set")).conductance_limits(volts))
    elif window:
        raise InputError("recipe", f"{next(iter(window))} without device", "device, or conductance_limits alone")
    return build_object(Recipe, table, "recipe")


def _task(table: Any) -> Task:
    from crossbar import digits, mnist

    known = {"digits": digits, "mnist": mnist}
    if not isinstance(table, dict):
        raise InputError("task", repr(table), "a table [task]", '[task]\nname = "digits"')
    make = known[choice("task.name", table.get("name"), known)]
    hints = get_type_hints(make)
    arguments = {}
    for name, value in table.items():
        if name != "name":
            choice(f"task.{name}", name, inspect.signature(make).parameters)
            arguments[name] = build(hints[name], value, f"task.{name}")
    return make(**arguments)


def _axis(name: str, table: Any) -> tuple[Axis, tuple[str, ...]]:
    """Return an axis, and the places in the recipe that take its value."""
    from crossbar import Axis, log_axis

    if not isinstance(table, Mapping):
        raise InputError(f"axes.{name}", repr(table), f"a table [axes.{name}]")
    for key in table:
        choice(f"axes.{name}", key, _AXIS)
    places = table.get("fields", name)
    places = (places,) if isinstance(places, str) else places
    if not isinstance(places, list | tuple) or not places or not all(isinstance(p, str) and p for p in places):
        allowed = "a field of the recipe, or a list of them"
        raise InputError(f"axes.{name}.fields", repr(places), allowed, '"wires.word_line"')
    texts = {key: build(str, table.get(key, ""), f"axes.{name}.{key}") for key in ("unit", "long_name")}
    if ("values" in table) == ("log" in table):
        raise InputError(f"axes.{name}", "values and log, or neither", "values = [...], or log = [first, last, count]")
    if "log" in table:
        log = table["log"]
        if not isinstance(log, list) or len(log) != 3:
            raise InputError(f"axes.{name}.log", repr(log), "[first, last, count]", "[0.1, 100.0, 7]")
        return log_axis(name, *log, **texts), tuple(places)
    values = table["values"]
    if not isinstance(values, list):
        raise InputError(f"axes.{name}.values", repr(values), "a list of values")
    axis = Axis(name, [None if v == "none" else v for v in values], **texts, labels=table.get("labels"))
    axis.dimension()
    return axis, tuple(places)


def _put(table: dict[str, Any], place: str, value: Any) -> None:
    """Enter a value of an axis into the table of a recipe."""
    *path, last = place.split(".")
    at: Any = table
    for k, name in enumerate(path):
        at = at.setdefault(name, {})
        if not isinstance(at, dict):
            raise InputError(f"axes: {place}", f"{'.'.join(path[: k + 1])} that is no table", "a field within a table")
    at[last] = "none" if value is None else list(value) if isinstance(value, tuple) else value
