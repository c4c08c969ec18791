"""`fit`: parameters of a device model, or of a law of retention, from measured data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices._free import Bounds, Free, free_parameters
from devices._predictions import DevicePrediction, LawPrediction, assemble
from devices.errors import InputError
from devices.measurements import Measured
from devices.model import DeviceModel
from devices.parameters import ParameterSet
from devices.registry import models
from devices.retention_laws import RETENTION_LAWS, RetentionLaw
from devices.validation import choice, finite_array, integer, number

if TYPE_CHECKING:
    from devices.fit_result import Fit

__all__ = ["fit"]

Loss = Literal["linear", "soft_l1", "huber", "cauchy", "arctan"]
_LOSSES = ("linear", "soft_l1", "huber", "cauchy", "arctan")
#: Step of the central differences in the unit cube.
_STEP = 1e-5
#: Candidates evaluated for each start that is then followed.
_CANDIDATES = 32


def fit(
    model: str | DeviceModel | RetentionLaw,
    measured: Measured | Sequence[Measured],
    parameters: Iterable[str] | Bounds | None = None,
    *,
    set: str | ParameterSet | None = None,
    fixed: Mapping[str, float] | None = None,
    starts: int = 8,
    seed: int | np.random.Generator = 0,
    sigma: ArrayLike | Sequence[ArrayLike] | None = None,
    weighting: Literal["absolute", "relative"] = "absolute",
    floor: float = 1e-3,
    loss: Loss = "linear",
    confidence: float = 0.95,
    tolerance: float = 1e-10,
    progress: bool = False,
) -> Fit:
    r"""Estimate parameters by bounded least squares from many starts.

    .. math:: \min_p \sum_k \rho\left( \left[ \frac{y_k(p) - y_k}{\sigma_k} \right]^2 \right)

    Each start is followed by a trust-region method (`scipy.optimize.least_squares`); every Jacobian is one ensemble of
    moved parameters. Intervals are those of the linearised model at the optimum, with Student's t, made on
    the scale of the search (logarithmic where both bounds of a parameter have one sign) and taken back.

    Parameters
    ----------
    model : str, DeviceModel or RetentionLaw
        Registry name of a model, or ``"power_law"``, ``"stretched_exponential"``, ``"logarithmic"``.
    measured : Measured or sequence of Measured
        Records that one set of parameters explains together; the device starts anew in each.
    parameters : iterable of str or mapping of str to (float, float), optional
        What is free, states for their starts included, with bounds; all parameters where not given. Without bounds: a
        decade either side of the set's value, and the whole span of a state.
    set : str or ParameterSet, optional
        Where everything else, and the first start, comes from; the model's default where not given.
    fixed : mapping of str to float, optional
        Values over those of the set.
    starts : int, optional
        Starts that are followed: that of the set, and the best of a Latin hypercube of 32 times as many.
    seed : int or numpy.random.Generator, optional
        Of the Latin hypercube.
    sigma : array_like, optional
        Known standard deviation of the data [A or S], one value or one for each point; with several records, a
        sequence with one entry for each. Where not given, it is estimated from the residuals, for each record.
    weighting : {"absolute", "relative"}, optional
        Where sigma is not known: noise of one size over a record, or in proportion to the value.
    floor : float, optional
        Smallest value that counts as itself under relative weighting, as a share of the record's peak.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, optional
        Others than linear make outliers count less.
    confidence : float, optional
        Of the intervals.
    tolerance : float, optional
        Of `simulate`.
    progress : bool, optional
        Show a bar over the starts.

    Returns
    -------
    Fit
        Values, intervals, and whether to believe them: `converged`, `undetermined`, `at_bound`, `message`.

    Raises
    ------
    InputError
        For an unknown name, bad bounds, no more points than free parameters, or a model that gives no finite numbers
        anywhere in the bounds.

    Examples
    --------
    >>> import numpy as np
    >>> time = np.geomspace(1, 1e4, 30)
    >>> found = fit("power_law", Measured.retention(time, 1e-5 * time**-0.08), seed=1)
    >>> round(found.values["nu"], 6)
    0.08
    """
    from devices.fit_result import conclude

    records = _records(measured)
    declared = _model(model)
    held = dict(fixed or {})
    law = declared if isinstance(declared, RetentionLaw) else None
    states = () if isinstance(declared, RetentionLaw) else declared.states
    start, given = _start(declared, records, set, held)
    if parameters is None:
        kept = {*held, *(law.fixed if law else ())}
        parameters = [p.name for p in declared.parameters if p.name not in kept]
    free = free_parameters(parameters, declared.parameters, states, start, held)
    points = sum(len(r) for r in records)
    if points <= len(free.names):
        raise InputError(
            "measured", f"{points} points for {len(free.names)} free parameters", "more points than parameters",
            "free fewer parameters",
        )  # fmt: skip
    integer("starts", starts, minimum=1)
    number("confidence", confidence, minimum=0.01, maximum=0.9999)
    number("tolerance", tolerance, minimum=1e-14, maximum=1e-4)
    number("floor", floor, minimum=1e-12, maximum=1.0)
    choice("weighting", weighting, ("absolute", "relative"))
    choice("loss", loss, _LOSSES)

    predict: DevicePrediction | LawPrediction
    if isinstance(declared, RetentionLaw):
        predict = LawPrediction(declared, records, start)
    else:
        assert given is not None
        predict = DevicePrediction(declared, records, start, given)
    observed = np.concatenate([r.observed for r in records])
    weights = _Weights(records, sigma, weighting, floor)
    problem = Problem(free, predict, observed, weights.first(), tolerance)
    rng = np.random.default_rng(seed)
    tries = _search(problem, free.unit(start), starts, rng, progress)
    worth = max(10 * tries[0].cost, 1e-6 * float(np.sum((observed * problem.weights) ** 2)))
    tries = [_polish(problem, t) for t in _distinct(tries) if t.cost <= worth]
    tries = _shaken(problem, sorted(tries, key=lambda t: t.cost), rng)
    scale = 1.0
    for _ in range(weights.rounds if loss == "linear" else 4):
        if weights.rounds > 1:
            problem.weights = weights.again(problem.predictions(tries[0].unit[None])[0])
        scale = 1.0 if loss == "linear" or weights.known else problem.typical(tries[0].unit)
        tries[0] = _polish(problem, tries[0], loss, scale)
    others = [replace(t, cost=0.5 * float(np.sum(problem.residuals(t.unit) ** 2))) for t in tries[1:]]
    tries = [tries[0], *(others if loss == "linear" else ())]
    return conclude(declared, records, start, given, problem, tries, weights.known, loss, scale, confidence)


def _records(measured: Measured | Sequence[Measured]) -> tuple[Measured, ...]:
    records = (measured,) if isinstance(measured, Measured) else tuple(measured)
    if not records or not all(isinstance(r, Measured) for r in records):
        wrong = next((type(r).__name__ for r in records if not isinstance(r, Measured)), "nothing")
        raise InputError("measured", wrong, "a Measured or several", "devices.Measured.read(file)")
    for record in records:
        if not np.abs(record.observed).max() > 0:
            raise InputError("measured", f"{record.label!r} with every {record.quantity} 0", "a signal")
    return records


def _model(model: str | DeviceModel | RetentionLaw) -> DeviceModel | RetentionLaw:
    if isinstance(model, DeviceModel | RetentionLaw):
        return model
    known: dict[str, DeviceModel | RetentionLaw] = {**models(), **RETENTION_LAWS}
    return known[choice("model", model, known)]


def _start(
    model: DeviceModel | RetentionLaw,
    records: Sequence[Measured],
    set: str | ParameterSet | None,
    fixed: Mapping[str, float],
) -> tuple[dict[str, float], ParameterSet | None]:
    """Value of everything, and the set that it comes from."""
    given = None
    if isinstance(model, RetentionLaw):
        if any(r.kind != "retention" for r in records):
            raise InputError("measured", "a record of another kind", f"retention, which {model.name} describes")
        if set is not None:
            raise InputError("set", repr(set), f"nothing: {model.name} has no sets", "fixed={...}")
        time = np.concatenate([r.time for r in records])
        if model.fixed and (time == 0).any():
            raise InputError("time", "0 s", f"> 0, where {model.name} is defined [s]", "drop that row")
        start = model.guess(records[0].time, records[0].observed)
    else:
        if model.controls:
            raise InputError("model", f"{model.name}, with a gate", "a model with two terminals")
        given = set if isinstance(set, ParameterSet) else model.parameter_set(set)
        start = {**given.values, **given.initial}
    by_name = {p.name: p for p in model.parameters}
    for name, value in fixed.items():
        choice("fixed", name, start)
        start[name] = by_name[name].check(value) if name in by_name else number(name, value)
    if given is not None:
        assert isinstance(model, DeviceModel)
        assemble(model, start, given)  # checks the set and the starts
    return start, given


class _Weights:
    """Inverse standard deviations of the points, up to a factor where `sigma` is not known."""

    def __init__(self, records: Sequence[Measured], sigma: Any, weighting: str, floor: float) -> None:
        self.records, self.weighting, self.floor, self.known = records, weighting, floor, sigma is not None
        if sigma is None:
            return
        each = [sigma] if len(records) == 1 else list(sigma) if np.ndim(sigma) or isinstance(sigma, list) else []
        if len(each) != len(records):
            raise InputError("sigma", "one value", f"one entry for each of {len(records)} records")
        parts = []
        for record, values in zip(records, each, strict=True):
            array = finite_array("sigma", values, unit=record.unit, minimum=0.0)
            if array.shape not in ((), (len(record),)) or (array == 0).any():
                given = f"shape {array.shape}" if (array > 0).all() else "0"
                raise InputError("sigma", given, f"one value > 0, or {len(record)} of them [{record.unit}]")
            parts.append(np.broadcast_to(1 / array, len(record)))
        self._known = np.concatenate(parts)

    @property
    def rounds(self) -> int:
        """How often the weights are taken anew from the fitted values."""
        return 1 if self.known or (self.weighting == "absolute" and len(self.records) == 1) else 4

    def first(self) -> NDArray[np.float64]:
        """Return the weights from the measured values."""
        return self._at(np.concatenate([r.observed for r in self.records]))

    def again(self, fitted: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights where the true values are those fitted, and each record has the noise of its residuals."""
        weights = self._at(fitted)
        ends = np.cumsum([0, *(len(r) for r in self.records)])
        parts = [slice(a, b) for a, b in pairwise(ends)]
        rest = [weights[p] * (fitted[p] - r.observed) for p, r in zip(parts, self.records, strict=True)]
        noise = np.array([np.sqrt(np.mean(r**2)) for r in rest])
        whole = float(np.sqrt(np.mean(np.concatenate(rest) ** 2)))
        if whole > 1e-7:  # noise, not rounding
            for part, one in zip(parts, noise, strict=True):
                weights[part] /= np.clip(one / whole, 0.1, 10.0)
        return weights

    def _at(self, reference: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.known:
            return self._known
        parts, at = [], 0
        for record in self.records:
            here = reference[at : at + len(record)]
            at += len(record)
            if self.weighting == "relative":
                parts.append(1 / np.hypot(here, self.floor * float(np.abs(record.observed).max())))
            else:
                parts.append(np.full(len(record), 1 / float(np.sqrt(np.mean(record.observed**2)))))
        return np.concatenate(parts)


class Problem:
    """Weighted residuals and their Jacobian over the unit cube."""

    def __init__(
        self,
        free: Free,
        predict: Callable[[Sequence[str], NDArray[np.float64], float], NDArray[np.float64]],
        observed: NDArray[np.float64],
        weights: NDArray[np.float64],
        tolerance: float,
    ) -> None:
        self.free, self.predict, self.observed, self.weights = free, predict, observed, weights
        self.tolerance = tolerance

    def predictions(self, units: NDArray[np.float64], tolerance: float | None = None) -> NDArray[np.float64]:
        """Return predictions for rows of the unit cube, NaN where there are none."""
        return self.predict(self.free.names, self.free.values(units), tolerance or self.tolerance)

    def residuals(self, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return weighted residuals at a point."""
        return (self.predictions(unit[None])[0] - self.observed) * self.weights

    def jacobian(
        self, unit: NDArray[np.float64], step: float = _STEP, tolerance: float | None = None
    ) -> NDArray[np.float64]:
        """Return their derivatives, shape ``(points, parameters)``: central differences, one-sided at the walls."""
        n = unit.size
        unit = np.clip(unit, 0.0, 1.0)
        moved = np.concatenate([np.clip(unit + side * step * np.eye(n), 0.0, 1.0) for side in (1, -1)])
        found = self.predictions(np.concatenate([moved, unit[None]]), tolerance)
        centre = found[-1]
        columns = []
        for k in range(n):
            ends = [(found[r], moved[r, k]) if np.isfinite(found[r]).all() else (centre, unit[k]) for r in (k, n + k)]
            (above, u_above), (below, u_below) = ends
            width = u_above - u_below
            columns.append((above - below) / width if width > 0 else np.zeros_like(centre))
        return np.stack(columns, axis=1) * self.weights[:, None]

    def typical(self, unit: NDArray[np.float64]) -> float:
        """Return the size of residuals, whatever the outliers: from here on a point is one."""
        return max(1.4826 * float(np.median(np.abs(self.residuals(unit)))), 1e-12)

    def fine_jacobian(self, unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the Jacobian extrapolated from two steps, and what that changed.

        Of three sizes of step, the one changed least: sharp thresholds want small steps, stiff transients large ones.
        """
        exact = max(self.tolerance * 1e-2, 1e-14)
        found = []
        for step in (_STEP, 10 * _STEP, 100 * _STEP):
            coarse, fine = (self.jacobian(unit, h, exact) for h in (step, step / 2))
            length = np.linalg.norm(fine, axis=0)
            doubt = np.linalg.norm((fine - coarse) / np.where(length > 0, length, 1.0))
            found.append((doubt, (4 * fine - coarse) / 3, fine - coarse))
            if doubt < 1e-5:
                break
        return min(found, key=lambda f: f[0])[1:]


@dataclass(frozen=True, eq=False)
class Try:
    """Where one start led: a point of the unit cube, half the sum of the losses, and why it stopped."""

    unit: NDArray[np.float64]
    cost: float
    status: int
    message: str


def _search(
    problem: Problem, start: NDArray[np.float64], starts: int, rng: np.random.Generator, progress: bool
) -> list[Try]:
    """Follow the start of the set and the best candidates of a Latin hypercube for a while."""
    from scipy.optimize import least_squares

    n, count = start.size, _CANDIDATES * starts
    cells = rng.permuted(np.tile(np.arange(count), (n, 1)), axis=1).T
    candidates = np.concatenate([start.clip(0.0, 1.0)[None], (cells + rng.random((count, n))) / count])
    found = problem.predictions(candidates, tolerance=max(problem.tolerance, 1e-6))
    costs = np.sum(((found - problem.observed) * problem.weights) ** 2, axis=1)
    finite = np.isfinite(costs)
    if not finite.any():
        raise InputError("parameters", "bounds in which the model gives no finite numbers", "other bounds", "narrower")
    picked: list[int] = [0] if finite[0] else []
    for k in np.argsort(np.where(finite, costs, np.inf)):
        if len(picked) >= starts or not finite[k]:
            break
        if all(np.linalg.norm(candidates[k] - candidates[j]) > 0.1 * np.sqrt(n) for j in picked):
            picked.append(int(k))
    rows: Iterable[int] = picked
    if progress:
        from tqdm.auto import tqdm

        rows = tqdm(picked, desc="starts")
    tries = []
    for k in rows:
        point = np.clip(candidates[k], 1e-6, 1 - 1e-6)
        if not np.isfinite(problem.residuals(point)).all():
            continue
        end = least_squares(
            problem.residuals, point, problem.jacobian, bounds=(0.0, 1.0), x_scale="jac", max_nfev=60,
            ftol=1e-7, xtol=1e-7, gtol=1e-12,
        )  # fmt: skip
        tries.append(Try(end.x, float(end.cost), int(end.status), str(end.message)))
    if not tries:
        raise InputError("parameters", "bounds in which the model gives no finite numbers", "other bounds", "narrower")
    return sorted(tries, key=lambda t: t.cost)


def _distinct(tries: Sequence[Try], count: int = 3) -> list[Try]:
    """Return the best few that ended apart."""
    kept: list[Try] = []
    for one in tries:
        if len(kept) < count and all(np.abs(one.unit - other.unit).max() > 1e-3 for other in kept):
            kept.append(one)
    return kept


def _polish(problem: Problem, start: Try, loss: str = "linear", scale: float = 1.0) -> Try:
    """Follow one start to the end; residuals above `scale` are outliers to a loss that knows any."""
    from scipy.optimize import least_squares

    end = least_squares(
        problem.residuals, np.clip(start.unit, 1e-10, 1 - 1e-10), problem.jacobian, bounds=(0.0, 1.0), x_scale="jac",
        max_nfev=200, ftol=1e-13, xtol=1e-12, gtol=1e-14, loss=loss, f_scale=scale,
    )  # fmt: skip
    return Try(end.x, float(end.cost), int(end.status), str(end.message))


def _shaken(problem: Problem, tries: list[Try], rng: np.random.Generator, most: int = 4) -> list[Try]:
    """Leave the best end for a lower place near it, as long as there is one: kinks of the cost stop a search early."""
    for _ in range(most):
        best = tries[0]
        radius = 10.0 ** rng.uniform(-4, -0.5, (_CANDIDATES * 2, 1))
        around = np.clip(best.unit + radius * rng.standard_normal((len(radius), best.unit.size)), 1e-6, 1 - 1e-6)
        found = problem.predictions(np.concatenate([best.unit[None], around]))
        costs = np.sum(((found - problem.observed) * problem.weights) ** 2, axis=1)
        lower = int(np.argmin(np.where(np.isfinite(costs), costs, np.inf)))
        if lower == 0 or costs[lower] > costs[0] * (1 - 1e-6):
            break
        after = _polish(problem, Try(around[lower - 1], float(costs[lower]) / 2, 0, ""))
        if not after.cost < best.cost:
            break
        tries = sorted([after, *tries], key=lambda t: t.cost)
    return tries
