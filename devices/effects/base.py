"""Base classes of effects, `apply_effects` for several in a row, `spread_parameters` for parameters of a device.

An effect is a frozen dataclass with all that it needs: its strength, its operating point (time, temperature, read
voltage) and its source. `apply` returns a changed array of the same shape.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import Seed, root_seed, stream
from devices.common.validation import choice, finite_array, integer
from devices.parameters import Parameter
from devices.sources import Citation, Status

if TYPE_CHECKING:
    from devices.cells.device import Device

__all__ = ["Effect", "ValueEffect", "WindowEffect", "apply_effects", "spread_parameters"]


class Effect(ABC):
    """A change of the conductances or parameters of cells.

    Attributes
    ----------
    source : str
        Source of the law or its figures.
    status : {"seen", "recalled", "code default", "ours"}
        How sure the source is; as in `ParameterSet`.
    acts : {"once", "each read", "over cycles", "on parameters"}
        When it acts on programmed conductances: once, when they are programmed or afterwards; anew at each read; from
        one programming cycle to the next; or never, as it acts on rates and resistances.
    """

    source: ClassVar[str]
    status: ClassVar[Status]
    acts: ClassVar[Literal["once", "each read", "over cycles", "on parameters"]] = "once"

    @property
    def earliest(self) -> float | None:
        """Earliest time since programming at which the effect is known [s]; None if it does not change over time."""
        if not hasattr(self, "time"):
            return None
        return float(getattr(self, "t0", 0.0))

    def at(self, time: float) -> Self:
        """Return the effect at a time since programming [s]; itself if it does not change over time."""
        return self if self.earliest is None else replace(self, time=time)  # type: ignore[type-var]

    def cited(self) -> tuple[Citation, ...]:
        """Return the source of the law; see `devices.citations`."""
        return (Citation(self.source, (type(self).__name__,), self.status),)


class ValueEffect(Effect):
    """An effect that needs the values alone."""

    @abstractmethod
    def apply(self, value: ArrayLike, seed: Seed) -> Array:
        """Return `value` with the effect, of the same shape.

        Parameters
        ----------
        value : array_like
            Conductances [S], or values of another quantity where the effect says so.
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers; a deterministic effect needs none.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """


class WindowEffect(Effect):
    """An effect that also needs the conductance window in which cells are programmed."""

    @abstractmethod
    def apply(self, conductance: ArrayLike, limits: tuple[float, float], seed: Seed) -> Array:
        """Return `conductance` with the effect, of the same shape.

        Parameters
        ----------
        conductance : array_like
            Programmed conductances [S].
        limits : tuple of float
            Lower and upper limit of the conductance window [S].
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers; a deterministic effect needs none.

        Returns
        -------
        numpy.ndarray
            Of the same shape.
        """


def window(limits: tuple[float, float]) -> tuple[float, float]:
    """Return a conductance window as two floats, or raise `InputError`."""
    low, high = finite_array("limits", limits, unit="S", shape=(2,), minimum=0.0).tolist()
    if low >= high:
        raise InputError("limits", f"({low:g}, {high:g})", "lower < upper [S]")
    return low, high


def _as_tuple(given: Any) -> tuple[Any, ...]:
    """Return one effect or several as a tuple, unchecked."""
    return tuple(given) if isinstance(given, Iterable) else (given,)


def apply_effects(
    conductance: ArrayLike, effects: Effect | Iterable[Effect], seed: Seed, *, limits: tuple[float, float] | None = None
) -> Array:
    """Apply effects one after another.

    Each draws from a random stream of its own, set by the seed, the effect's class and the number of effects of that
    class before it: an effect that is added, removed or moved does not change the draws of other classes.

    Parameters
    ----------
    conductance : array_like
        Programmed conductances [S].
    effects : Effect or iterable of Effect
        In the order in which they happen: spread, faults, retention, then noise of the read.
    seed : int or numpy.random.Generator
        Seed or generator of the random numbers.
    limits : tuple of float, optional
        Conductance window [S], for effects that need one.

    Returns
    -------
    numpy.ndarray
        Of the same shape.

    Raises
    ------
    InputError
        If something is not an effect, a window is needed and not given, or white noise is counted twice.

    Examples
    --------
    >>> from devices import Lognormal, StuckCells
    >>> g = apply_effects([[1e-6, 2e-6]], [Lognormal(0.1), StuckCells(0.09, 0.02)], seed=1, limits=(1e-7, 1e-5))
    >>> g.shape
    (1, 2)
    """
    root = root_seed(seed)
    values = np.array(finite_array("conductance", conductance, unit="S"))
    seen: Counter[str] = Counter()
    for effect in _as_tuple(effects):
        if not isinstance(effect, Effect):
            raise InputError("effects", repr(effect), "a sequence of effects, such as [Lognormal(0.1)]")
        kind = type(effect).__name__
        rng = stream(root, kind, seen[kind])
        seen[kind] += 1
        if seen["WhiteNoise"] > 1:
            allowed = "one WhiteNoise: thermal and shot noise are two limits of the same noise"
            raise InputError("effects", "WhiteNoise twice", allowed, "origin='barrier', which holds both limits")
        if isinstance(effect, WindowEffect):
            if limits is None:
                raise InputError(
                    "limits", "none", f"the conductance window that {kind} needs [S]", "limits=(low, high)"
                )
            values = effect.apply(values, limits, rng)
        elif isinstance(effect, ValueEffect):
            values = effect.apply(values, rng)
    return values


def spread_parameters(
    device: Device,
    effects: Mapping[str, ValueEffect | Iterable[ValueEffect]],
    shape: tuple[int, ...] | None = None,
    seed: Seed = 0,
) -> Device:
    """Return an ensemble of `device` whose parameters differ from cell to cell.

    Parameters
    ----------
    device : Device
        Device or ensemble to start from.
    effects : mapping of str to ValueEffect
        An effect, or several in a row, for the name of each parameter, or of a state for its start. Each name has a
        random stream of its own: further names do not change the draws of the others.
    shape : tuple of int, optional
        Shape of the ensemble; that of `device` where not given.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the random numbers.

    Returns
    -------
    Device
        The ensemble.

    Raises
    ------
    InputError
        For an unknown name, a shape that does not fit, or draws that leave a parameter's bounds.

    Examples
    --------
    >>> from devices import Lognormal, device
    >>> spread_parameters(device("vteam"), {"r_on": Lognormal(0.1)}, shape=(100,), seed=1).shape
    (100,)
    """
    if not isinstance(effects, Mapping):
        raise InputError("effects", repr(effects), "a mapping", "{'r_on': Lognormal(0.1)}")
    root = root_seed(seed)
    full_shape = device.shape if shape is None else tuple(integer("shape", n, minimum=1) for n in np.atleast_1d(shape))
    parameters, initial = dict(device.parameters), dict(device.initial)
    bounded = {p.name: p for p in device.model.parameters}
    for name, given in effects.items():
        choice("parameter", name, [*parameters, *initial])
        values = parameters if name in parameters else initial
        try:
            drawn = np.array(np.broadcast_to(values[name], full_shape))
        except ValueError:
            raise InputError("shape", full_shape, f"a shape to which {device.shape} broadcasts") from None
        for place, effect in enumerate(_as_tuple(given)):
            if not isinstance(effect, ValueEffect):
                raise InputError(name, repr(effect), "an effect that needs no window, such as Lognormal(0.1)")
            drawn = effect.apply(drawn, stream(root, name, place))
        if name in bounded and drawn.size:
            _check_draws(bounded[name], drawn)
        values[name] = drawn
    return replace(device, parameters=parameters, initial=initial)


def _check_draws(parameter: Parameter, drawn: Array) -> None:
    try:
        parameter.check_all(drawn)
    except InputError as error:
        given = f"draws from {drawn.min():g} to {drawn.max():g}"
        fix = "less spread, or Truncated(spread, lower, upper)"
        raise InputError(parameter.name, given, error.allowed, fix) from None
