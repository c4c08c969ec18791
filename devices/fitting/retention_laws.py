"""Retention laws: closed forms of the conductance over time, without a device model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from devices.parameters import Parameter

__all__ = ["RETENTION_LAWS", "RetentionLaw"]

_G0 = Parameter("g0", "S", "conductance at the start", lower=0.0, open_lower=True)
_END = Parameter("g_end", "S", "conductance that it tends to", lower=0.0)


@dataclass(frozen=True)
class RetentionLaw:
    """A conductance as a closed form of the time since programming.

    Parameters
    ----------
    name : str
        Name, as `fit` takes it.
    title : str
        The equation in one line.
    parameters : tuple of Parameter
        Its parameters.
    conductance : callable
        ``conductance(time, **parameters)`` [S], vectorised.
    guess : callable
        ``guess(time, conductance)`` gives a typical value for each parameter from the data.
    fixed : tuple of str, optional
        Parameters that stay at their guess unless they are free.
    bounds : callable, optional
        ``bounds(time)`` gives bounds for parameters where a decade either side of the guess would be useless.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    conductance: Callable[..., Any]
    guess: Callable[[Any, Any], dict[str, float]]
    fixed: tuple[str, ...] = ()
    bounds: Callable[[Any], dict[str, tuple[float, float]]] = lambda time: {}


def _first_and_last(g: Any) -> tuple[float, float]:
    floor = 1e-3 * float(np.abs(g).max()) or 1e-12
    return max(float(g[0]), floor), max(float(g[-1]), floor)


def _power(t: Any, g0: Any, t0: Any, nu: Any) -> Any:
    return g0 * (t / t0) ** -nu


def _stretched(t: Any, g0: Any, g_end: Any, tau: Any, beta: Any) -> Any:
    return g_end + (g0 - g_end) * np.exp(-((t / tau) ** beta))


def _logarithmic(t: Any, g0: Any, t0: Any, slope: Any) -> Any:
    return g0 * (1 - slope * np.log(t / t0))


def _power_guess(t: Any, g: Any) -> dict[str, float]:
    return {"g0": _first_and_last(g)[0], "t0": float(t[t > 0][0]), "nu": 0.05}


def _stretched_guess(t: Any, g: Any) -> dict[str, float]:
    first, last = _first_and_last(g)
    return {"g0": first, "g_end": last, "tau": float(np.sqrt(t[t > 0][0] * t[-1])), "beta": 0.6}


def _power_bounds(t: Any) -> dict[str, tuple[float, float]]:
    return {"nu": (-1.0, 1.0)}


def _stretched_bounds(t: Any) -> dict[str, tuple[float, float]]:
    return {"tau": (float(t[t > 0].min()) / 10, float(t.max()) * 10)}


def _logarithmic_guess(t: Any, g: Any) -> dict[str, float]:
    return {"g0": _first_and_last(g)[0], "t0": float(t[t > 0][0]), "slope": 0.0}


_TAU = Parameter("tau", "s", "time of decay", lower=0.0, open_lower=True)
_T0 = Parameter("t0", "s", "time at which the conductance is g0", lower=0.0, open_lower=True)

#: The laws by name: power law, stretched exponential, logarithm.
RETENTION_LAWS: Mapping[str, RetentionLaw] = MappingProxyType(
    {
        law.name: law
        for law in (
            RetentionLaw(
                "power_law",
                "G = g0 (t/t0)^-nu",
                (_G0, _T0, Parameter("nu", "1", "drift exponent", lower=-5.0, upper=5.0)),
                _power,
                _power_guess,
                ("t0",),
                _power_bounds,
            ),
            RetentionLaw(
                "stretched_exponential",
                "G = g_end + (g0 - g_end) exp(-(t/tau)^beta)",
                (_G0, _END, _TAU, Parameter("beta", "1", "stretching exponent", lower=0.01, upper=5.0)),
                _stretched,
                _stretched_guess,
                bounds=_stretched_bounds,
            ),
            RetentionLaw(
                "logarithmic",
                "G = g0 (1 - slope ln(t/t0))",
                (_G0, _T0, Parameter("slope", "1", "relative loss for each factor e of time", lower=-1.0, upper=1.0)),
                _logarithmic,
                _logarithmic_guess,
                ("t0",),
            ),
        )
    }
)
