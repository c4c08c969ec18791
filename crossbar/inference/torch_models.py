"""Models of torch whose layers are computed by arrays: `from_torch`, `convertible`, `to_torch`.

It needs the extra ``torch``; the CPU is enough.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np

from crossbar.inference.graph import check_names, checked_recipes
from crossbar.inference.matrix import AnalogMatrix
from crossbar.inference.products import vectors_of
from crossbar.inference.recipe import Recipe
from devices.common.errors import InputError
from devices.common.randomness import Seed, generator
from devices.common.tables import columns_of_text
from devices.common.validation import choice

__all__ = ["Convertibility", "ModuleReport", "analog_modules", "convertible", "from_torch", "to_torch", "with_matrices"]

_INSTALL = "tools/torch-cpu.sh PYTHON, or pip install 'memductance[torch]'"


@dataclass(frozen=True)
class ModuleReport:
    """The report on one module of a model.

    Parameters
    ----------
    path : str
        Its path in the model; empty for the model itself.
    module : str
        Name of its class.
    kind : {"analog", "digital", "not convertible"}
        Whether arrays compute it, torch does as before, or it holds products that cannot be mapped.
    note : str
        Shapes of its matrices, or the reason.
    """

    path: str
    module: str
    kind: Literal["analog", "digital", "not convertible"]
    note: str


@dataclass(frozen=True)
class Convertibility:
    """The report on all modules of a model, printed as a table."""

    modules: tuple[ModuleReport, ...]

    @property
    def analog(self) -> tuple[str, ...]:
        """Paths of the modules that arrays compute."""
        return tuple(m.path for m in self.modules if m.kind == "analog")

    @property
    def refused(self) -> tuple[str, ...]:
        """Paths of the modules that cannot be mapped."""
        return tuple(m.path for m in self.modules if m.kind == "not convertible")

    def __bool__(self) -> bool:
        return bool(self.analog) and not self.refused

    def __str__(self) -> str:
        rows = [(m.path or "(model)", m.module, m.kind, m.note) for m in self.modules]
        return "\n".join(columns_of_text([("path", "module", "kind", "note"), *rows]))


def _modules() -> ModuleType:
    """Return the file of the modules, which imports torch."""
    try:
        from crossbar.inference import torch_modules
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise InputError("torch", "no package torch", "that package", _INSTALL) from None
    return torch_modules


def convertible(model: Any) -> Convertibility:
    """Report what `from_torch` does with each module of a model; true if it maps some and refuses none.

    Parameters
    ----------
    model : torch.nn.Module
        The model.

    Returns
    -------
    Convertibility
        Modules without others in them, and those that are converted or refused as a whole.
    """
    found = _modules().walk(model)
    return Convertibility(tuple(ModuleReport(p, type(m).__name__, kind, note) for p, m, kind, note in found))


def from_torch(
    model: Any,
    recipe: Recipe,
    *,
    calibration: Any,
    per_layer: Mapping[str, Recipe] | None = None,
    exclude: Collection[str] = (),
    strict: bool = True,
    seed: Seed = 0,
) -> Any:
    """Return a copy of a model of torch in which arrays compute all dense, convolutional and recurrent modules.

    The model's own code runs as before, so that it may be any; modules such as normalisations and pooling stay those
    of torch. The copy is in evaluation mode. Gradients pass through a module of arrays as if it were the one it stands
    for, without changing it.

    Parameters
    ----------
    model : torch.nn.Module
        Trained; it is not changed. The first axis of inputs counts samples.
    recipe : Recipe
        The recipe by which matrices become arrays.
    calibration : torch.Tensor, array_like or tuple
        Typical inputs of the model, several arguments as a tuple; full scales and ADC ranges of each matrix are set on
        what these become in the model.
    per_layer : mapping of Recipe, optional
        Recipes by path, of modules or of all within them.
    exclude : collection of str, optional
        Paths of modules that stay as they are, with all within them.
    strict : bool, optional
        Whether modules with products that cannot be mapped are refused, or stay in torch.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the effects that act once; every matrix has an independent stream.

    Returns
    -------
    torch.nn.Module
        The copy; `analog_modules` returns its modules of arrays. With an ideal recipe it equals the model to 1e-6.

    Raises
    ------
    InputError
        If a module cannot be mapped, is not used for the calibration inputs, or a path is unknown; names the path.
    """
    modules = _modules()
    walked = modules.walk(model)
    paths = {path for path, _ in model.named_modules()}
    recipes = checked_recipes(recipe, per_layer, paths)
    check_names("exclude", exclude, paths)
    chosen = [entry for entry in walked if not _within(entry[0], exclude)]
    for path, module, kind, note in chosen:
        if strict and kind == "not convertible":
            given = f"{type(module).__name__}: {note}"
            raise InputError(
                f"module {path!r}", given, "one that can be mapped", f"exclude=({path!r},) or strict=False"
            )
    analog = [path for path, _, kind, _ in chosen if kind == "analog"]
    if not analog:
        raise InputError("model", f"{type(model).__name__} without a module that arrays compute", "at least one")
    exact = copy.deepcopy(model).eval()
    targets = {path: exact.get_submodule(path) for path in analog}
    plans = {path: modules.plan_of(path, module) for path, module in targets.items()}
    recorded = modules.record(exact, targets, plans, calibration)
    streams = iter(generator(seed).spawn(2 * sum(len(plan.matrices) for plan in plans.values())))
    replaced = {}
    for path, module in targets.items():
        one = recipes.get(next((p for p in _ancestors(path) if p in recipes), ""), recipe)
        matrices = []
        for (w, b), inputs in zip(plans[path].matrices, recorded[path], strict=True):
            if not inputs:
                allowed = "a module that the model calls for the calibration inputs"
                raise InputError(f"module {path!r}", "no call of it", allowed, f"exclude=({path!r},)")
            try:
                typical = vectors_of(inputs)
                matrices.append(AnalogMatrix.program(w, b, one, calibration=typical, seed=next(streams)))
            except InputError as error:
                raise _of_module(path, error) from None
        arrays = modules.AnalogModule(path, module, plans[path], tuple(matrices), next(streams))
        replaced[id(module)] = arrays
    return modules.replaced(exact, replaced)


def with_matrices(model: Any, change: Callable[..., AnalogMatrix], inputs: Any = None) -> Any:
    """Return a copy of a model from `from_torch` with each matrix changed.

    Parameters
    ----------
    model : torch.nn.Module
        A model from `from_torch`.
    change : callable
        Takes an `AnalogMatrix` and returns one: ``lambda m: m.at(86400.0)`` for the same cells a day later. With
        `inputs` it takes what these become at the matrix too, shape ``(vectors, rows)``:
        ``lambda m, x: m.compensated(x)``, ``lambda m, x: m.calibrated(x)``.
    inputs : torch.Tensor, array_like or tuple, optional
        Typical inputs of the model, several arguments as a tuple; they pass the arrays as they are before the change.

    Returns
    -------
    torch.nn.Module
        The copy.
    """
    found = copy.deepcopy(model)
    targets = analog_modules(found)
    recorded = {} if inputs is None else _modules().record_arrays(found, targets, inputs)
    for path, module in targets.items():
        try:
            if inputs is None:
                module.matrices = tuple(change(m) for m in module.matrices)
            else:
                given = zip(module.matrices, recorded[path], strict=True)
                module.matrices = tuple(change(m, vectors_of(x)) for m, x in given)
        except InputError as error:
            raise _of_module(path, error) from None
    return found


def _of_module(path: str, error: InputError) -> InputError:
    """Return an error that names a module."""
    return InputError(f"module {path!r}, {error.argument}", error.given, error.allowed, error.fix)


def analog_modules(model: Any) -> dict[str, Any]:
    """Return the modules of arrays of a model from `from_torch`, by path.

    Each has ``matrices``, a tuple of `AnalogMatrix`, which `with_matrices` changes; ``seed``,
    an integer for the noise of all reads, or None for noise that moves on; and ``clipped``, counts of what was clipped.
    """
    found = {p: m for p, m in model.named_modules() if isinstance(m, _modules().AnalogModule)}
    if not found:
        raise InputError("model", "none with modules of arrays", "a model from from_torch(...)")
    return found


def to_torch(model: Any, weights: Literal["programmed", "read"] = "programmed") -> Any:
    """Return a copy of a model from `from_torch` with plain modules of torch in place of arrays.

    Parameters
    ----------
    model : torch.nn.Module
        A model from `from_torch`.
    weights : {"programmed", "read"}, optional
        The weights that were programmed, or those that the arrays return when each input alone is at full scale:
        with the spread, wires, converters and age of the arrays, and one draw of their noise.

    Returns
    -------
    torch.nn.Module
        The copy.
    """
    choice("weights", weights, ("programmed", "read"))
    found = copy.deepcopy(model)
    plain = {}
    for path, module in analog_modules(found).items():
        one = module.plain
        if weights == "read":
            try:
                module.plan.write(one, [_weights_read(matrix) for matrix in module.matrices])
            except InputError as error:
                raise _of_module(path, error) from None
        plain[id(module)] = one
    return _modules().replaced(found, plain)


def _weights_read(matrix: AnalogMatrix) -> tuple[Any, Any]:
    """Return the weights that an array returns for single inputs at full scale, and its outputs without inputs."""
    offset = matrix.matmul(np.zeros((1, matrix.inputs)))[0]
    scale = matrix.full_scale
    return (matrix.matmul(scale * np.eye(matrix.inputs)) - offset) / scale, offset


def _ancestors(path: str) -> list[str]:
    """Return a path and those of all modules that hold it, the longest first."""
    parts = path.split(".") if path else []
    return [".".join(parts[:k]) for k in range(len(parts), -1, -1)]


def _within(path: str, names: Collection[str]) -> bool:
    return any(p in names for p in _ancestors(path))
