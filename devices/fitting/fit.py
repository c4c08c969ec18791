"""`fit`: parameters of a device model, or of a law of retention, from measured data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.cells.device import assemble
from devices.common.errors import InputError
from devices.common.randomness import generator
from devices.common.validation import choice, finite_array, integer, number
from devices.fitting.intervals import infer, state
from devices.fitting.measured import Measured
from devices.fitting.predictions import predictor
from devices.fitting.retention_laws import RETENTION_LAWS, RetentionLaw
from devices.fitting.search import Problem, Search, Try, polish
from devices.fitting.search_space import Bounds, free_parameters
from devices.model import DeviceModel
from devices.parameters import ParameterSet
from devices.registry import chosen_set, models

if TYPE_CHECKING:
    from devices.fitting.result import Fit

__all__ = ["fit"]

Loss = Literal["linear", "soft_l1", "huber", "cauchy", "arctan"]
_LOSSES = ("linear", "soft_l1", "huber", "cauchy", "arctan")
#: How often weights are taken anew at most, and the change at which they have settled.
_REWEIGHTED, _SETTLED = 10, 0.01
#: How often the search is taken up again where an interval leads to a better place.
_BETTER = 3
#: Residuals below this share of the data are rounding, not noise.
_ROUNDING = 1e-7


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
    moved parameters. Intervals are those of the linearised model at the optimum, with Student's t, made on the scale of
    the search (logarithmic where both bounds of a parameter have one sign) and taken back. Where the misfit is no
    parabola there, they come from the misfit itself: profiles, and a walk through the joint region.

    Parameters
    ----------
    model : str, DeviceModel or RetentionLaw
        Registry name of a model, or ``"power_law"``, ``"stretched_exponential"``, ``"logarithmic"``.
    measured : Measured or sequence of Measured
        Records that one set of parameters explains together; the device starts anew in each.
    parameters : iterable of str or mapping of str to (float, float), optional
        What is free, states for their starts included, with bounds; all parameters where not given. Without bounds: a
        decade either side of the set's value, and the whole span of a state; a decade beyond the data for ``tau``.
    set : str or ParameterSet, optional
        Where everything else, and the first start, comes from; the model's default where not given.
    fixed : mapping of str to float, optional
        Values over those of the set.
    starts : int, optional
        Starts that are followed: that of the set, and the best of a Latin hypercube of 32 times as many. Fewer where
        three end at the best place and leave what looks like noise; up to four times as many while only one did.
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
        Values, intervals, and whether to believe them: `converged`, `adequate`, `undetermined`, `at_bound`, `message`.

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
    from devices.fitting.result import conclude

    records = _records(measured)
    declared = _model(model)
    held = dict(fixed or {})
    law = declared if isinstance(declared, RetentionLaw) else None
    states = () if isinstance(declared, RetentionLaw) else declared.states
    start, given = _start(declared, records, set, held)
    if parameters is None:
        kept = {*held, *(law.fixed if law else ())}
        parameters = [p.name for p in declared.parameters if p.name not in kept]
    usual = law.bounds(np.concatenate([r.time for r in records])) if law else {}
    free = free_parameters(parameters, declared.parameters, states, start, held, usual)
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

    predict = predictor(declared, records, start, given)
    observed = np.concatenate([r.observed for r in records])
    weights = _Weights(records, sigma, weighting, floor)
    problem = Problem(free, predict, observed, weights.first(), tolerance)
    rng = generator(seed)
    search = Search(problem, free.unit(start), starts, rng, progress)
    tries, scale = list(search.tries if loss == "linear" else search.tries[:1]), 1.0
    for _ in range(_REWEIGHTED if weights.open or loss != "linear" else 0):
        before, problem.weights = problem.weights, weights.again(problem, tries[0].unit)
        settled = bool(np.abs(problem.weights / before - 1).max() < _SETTLED)
        if loss != "linear" and not weights.known:
            before_scale, scale = scale, problem.typical(tries[0].unit)
            settled &= abs(scale / before_scale - 1) < _SETTLED
        tries = sorted((polish(problem, t, loss, scale) for t in tries), key=lambda t: t.cost)
        if settled:
            break
    for further in range(_BETTER, -1, -1):
        residuals = problem.residuals(tries[0].unit)
        found = infer(
            residuals, *problem.fine_jacobian(tries[0].unit), problem.signal, tries[0].unit, free.names,
            known=weights.known, loss=loss, scale=scale,
        )  # fmt: skip
        stated = state(problem, tries, found, confidence, loss == "linear", rng)
        if stated.lower is None or not further:
            break
        tries = sorted([polish(problem, Try(stated.lower, np.inf, 0, "")), *tries], key=lambda t: t.cost)
    return conclude(declared, records, start, given, problem, search, tries[0], found, stated, confidence)


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
        given = chosen_set(model, set)
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
        several = isinstance(sigma, list | tuple) or np.ndim(sigma)
        each = [sigma] if len(records) == 1 else list(sigma) if several else []
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
    def open(self) -> bool:
        """Whether they depend on what is fitted."""
        return not self.known and (self.weighting == "relative" or len(self.records) > 1)

    def first(self) -> NDArray[np.float64]:
        """Return the weights from the measured values."""
        return self._at(np.concatenate([r.observed for r in self.records]))

    def again(self, problem: Problem, unit: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weights where the true values are those fitted, and each record has the noise of its residuals.

        The noise of a record is that of its residuals over the points that the parameters leave it, their leverages
        taken off. One fitted to rounding, or with no points left, keeps a thousandth of the mean noise.
        """
        if not self.open:
            return problem.weights
        fitted = problem.predictions(unit[None])[0]
        weights = self._at(fitted)
        if len(self.records) == 1:
            return weights
        rest = (weights * (fitted - problem.observed)) ** 2
        basis, singular, _ = np.linalg.svd(problem.jacobian(unit), full_matrices=False)
        free = 1 - np.sum(basis[:, singular > 1e-9 * singular[0]] ** 2, axis=1)
        mean = float(rest.sum() / free.sum())
        if mean > _ROUNDING**2:
            ends = np.cumsum([0, *(len(r) for r in self.records)])
            for part in (slice(a, b) for a, b in pairwise(ends)):
                noise = rest[part].sum() / max(free[part].sum(), 1e-9)
                weights[part] /= np.sqrt(np.clip(noise / mean, 1e-6, 1e6))
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
