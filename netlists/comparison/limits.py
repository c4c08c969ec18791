"""The side that limits an agreement: found by solving again here and in the simulator, with other tolerances."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from devices.common.errors import ConvergenceError, SimulatorConvergenceError, SimulatorTimeoutError
from netlists.circuit import Transient
from netlists.comparison.agreement import Limit
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.comparison.agreement import Agreement
    from netlists.comparison.comparison import Comparison

__all__ = ["find_limits"]

_ROUNDING = 1e-13  # smaller relative differences are rounding
_SMALLEST = 1e-14  # tolerance that our solvers take
_OURS = 1e-2  # factors on our tolerance, on the tolerances of the simulator, and on its steps
_TIGHTER, _FINER = 0.1, 1 / 3
_LOOSER, _COARSER = 1e3, 3.0


def find_limits(
    comparison: Comparison,
    agreement: Agreement,
    engine: str,
    waves: Waves,
    options: Any,
    tolerance: float,
    timeout: float,
) -> dict[str, Limit]:
    """Solve a comparison again with other tolerances, and return the limit of each quantity."""
    tight = max(tolerance * _OURS, _SMALLEST)
    ours = _worst(comparison, waves, tight)
    if ours is None:
        tight = tolerance
    finer = _solve_again(comparison, engine, options, tight, timeout, _TIGHTER, _FINER)
    coarser = _solve_again(comparison, engine, options, tight, timeout, _LOOSER, _COARSER)
    limits = {}
    for name, quantity in agreement.quantities.items():
        base = quantity.worst_relative
        figures = [None if found is None else found[name] for found in (ours, finer, coarser)]
        limits[name] = Limit(
            side=_side(engine, base, *figures),
            base=base,
            ours_tighter=figures[0],
            engine_tighter=figures[1],
            engine_looser=figures[2],
        )
    return limits


def _side(engine: str, base: float, ours: float | None, finer: float | None, coarser: float | None) -> str:
    """Return the side whose tolerance changes the difference by a factor of 2 at least."""
    if base < _ROUNDING:
        return "rounding"
    rest = base if ours is None else ours
    if rest <= base / 2:
        return "memductance"
    if (finer is not None and finer <= rest / 2) or (coarser is not None and coarser >= 2 * rest):
        return engine
    return "neither"


def _solve_again(
    comparison: Comparison, engine: str, options: Any, tolerance: float, timeout: float, factor: float, steps: float
) -> dict[str, float] | None:
    """Return the worst differences with other tolerances and steps of the simulator; None where it fails."""
    circuit, plan = comparison.circuit, comparison.circuit.analysis
    if isinstance(plan, Transient):
        circuit = replace(circuit, analysis=replace(plan, step=plan.step * steps))
    try:
        waves, _ = comparison.run(circuit, engine, options.loosened(factor).stretched(steps), timeout)
    except (SimulatorConvergenceError, SimulatorTimeoutError):
        return None
    return _worst(replace(comparison, circuit=circuit), waves, tolerance)


def _worst(comparison: Comparison, waves: Waves, tolerance: float) -> dict[str, float] | None:
    try:
        quantities = comparison.compare(comparison.circuit, waves, tolerance)["quantities"]
    except ConvergenceError:
        return None
    return {name: quantity.worst_relative for name, quantity in quantities.items()}
