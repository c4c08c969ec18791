"""What limits an agreement: both sides are solved again, tighter and looser, and the difference follows one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from devices.common.errors import ConvergenceError, SimulatorConvergenceError, SimulatorTimeoutError
from netlists.circuit import Transient
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.comparison.agreement import Agreement
    from netlists.comparison.cases import Case

__all__ = ["Limit", "find_limits"]

_ROUNDING = 1e-13  # smaller relative differences are units in the last place
_SMALLEST = 1e-14  # tolerance that ours takes
_OURS = 1e-2  # factors on tolerances and on steps
_TIGHTER, _FINER = 0.1, 1 / 3
_LOOSER, _COARSER = 1e3, 3.0


@dataclass(frozen=True, kw_only=True)
class Limit:
    """Which side limits a quantity, with the figures that say so.

    Parameters
    ----------
    side : str
        ``"memductance"`` or the simulator: the side with which the difference moves. ``"rounding"`` where there is
        next to none. ``"neither"`` where it stays: the two do not solve the same equations, or both are as exact as
        doubles are there.
    base : float
        Worst relative difference, as compared.
    ours_tighter : float or None
        With our tolerance a hundredth; None where that does not converge.
    engine_tighter, engine_looser : float or None
        With ours tighter, and the simulator's tolerances a tenth and its steps a third, or 1000 times and 3 times as
        large; None where it does not converge or takes too long.
    """

    side: str
    base: float
    ours_tighter: float | None
    engine_tighter: float | None
    engine_looser: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the figures, ready for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        figures = (
            ("", self.base),
            ("ours tighter ", self.ours_tighter),
            ("simulator tighter ", self.engine_tighter),
            ("looser ", self.engine_looser),
        )
        texts = [f"{name}{'fails' if value is None else f'{value:.1e}'}" for name, value in figures]
        return f"{self.side} ({', '.join(texts)})"


def find_limits(
    case: Case, agreement: Agreement, engine: str, waves: Waves, options: Any, tolerance: float, timeout: float
) -> dict[str, Limit]:
    """Solve a case again, and return what limits each quantity of its agreement."""
    tight = max(tolerance * _OURS, _SMALLEST)
    ours = _worst(case, waves, tight)
    if ours is None:
        tight = tolerance
    finer = _again(case, engine, options, tight, timeout, _TIGHTER, _FINER)
    coarser = _again(case, engine, options, tight, timeout, _LOOSER, _COARSER)
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
    """Name the side with which the difference moves by a factor of 2 at least."""
    if base < _ROUNDING:
        return "rounding"
    rest = base if ours is None else ours
    if rest <= base / 2:
        return "memductance"
    if (finer is not None and finer <= rest / 2) or (coarser is not None and coarser >= 2 * rest):
        return engine
    return "neither"


def _again(
    case: Case, engine: str, options: Any, tolerance: float, timeout: float, factor: float, steps: float
) -> dict[str, float] | None:
    """Return the worst differences with other tolerances and steps of the simulator."""
    circuit, plan = case.circuit, case.circuit.analysis
    if isinstance(plan, Transient):
        circuit = replace(circuit, analysis=replace(plan, step=plan.step * steps))
    other = options.loosened(factor)
    if hasattr(other, "corner"):
        other = replace(other, corner=min(0.25, other.corner * steps))
    try:
        waves, _ = case.run(circuit, engine, other, timeout)
    except (SimulatorConvergenceError, SimulatorTimeoutError):
        return None
    return _worst(replace(case, circuit=circuit), waves, tolerance)


def _worst(case: Case, waves: Waves, tolerance: float) -> dict[str, float] | None:
    try:
        quantities = case.compare(case.circuit, waves, tolerance)["quantities"]
    except ConvergenceError:
        return None
    return {name: quantity.worst_relative for name, quantity in quantities.items()}
