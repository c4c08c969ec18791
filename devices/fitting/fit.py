"""`fit`: parameters of a device model or a retention law from measured data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.cells.device import assemble
from devices.common.errors import InputError
from devices.common.randomness import generator
from devices.common.validation import choice, integer, number
from devices.fitting.intervals import confidence_intervals, infer
from devices.fitting.least_squares import LeastSquares
from devices.fitting.measured import Measured
from devices.fitting.predictions import predictor
from devices.fitting.retention_laws import RETENTION_LAWS, RetentionLaw
from devices.fitting.search import Search, polish
from devices.fitting.search_space import Bounds, free_parameters
from devices.fitting.weights import Weights
from devices.model import DeviceModel
from devices.parameters import ParameterSet
from devices.registry import chosen_set, models

if TYPE_CHECKING:
    from devices.fitting.result import Fit

__all__ = ["fit"]

Loss = Literal["linear", "soft_l1", "huber", "cauchy", "arctan"]
_LOSSES = ("linear", "soft_l1", "huber", "cauchy", "arctan")
#: Most updates of the weights, and the relative change below which they have converged.
_MAX_REWEIGHTINGS, _WEIGHTS_TOL = 10, 0.01
#: Most returns to the search where the intervals lead to a better optimum.
_MAX_RETURNS = 3


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

    Each start is followed by a trust-region method (`scipy.optimize.least_squares`); each Jacobian is one ensemble with
    shifted parameters. Confidence intervals are those of the linearised model at the optimum, with Student's t, on the
    scale of the search (logarithmic where both bounds of a parameter have the same sign). Where the misfit is not a
    parabola there, they come from the profile likelihood and a random walk through the joint region.

    Parameters
    ----------
    model : str, DeviceModel or RetentionLaw
        Registry name of a model, or ``"power_law"``, ``"stretched_exponential"``, ``"logarithmic"``.
    measured : Measured or sequence of Measured
        Records that one set of values has to explain together; the device starts anew in each.
    parameters : iterable of str or mapping of str to (float, float), optional
        Names of the free parameters, and of states for their starts, with bounds; all parameters where not given. The
        default bounds are a decade either side of the set's value, the whole span of a state, and a decade beyond the
        times of the data for ``tau``.
    set : str or ParameterSet, optional
        Parameter set for all other values and for the first start; the model's default where not given.
    fixed : mapping of str to float, optional
        Values instead of those of the set, held fixed.
    starts : int, optional
        Number of starts: the values of the set, and the best of a Latin hypercube of 32 times as many. Fewer where
        three reach the best optimum with residuals that look like noise; up to four times as many while only one did.
    seed : int or numpy.random.Generator, optional
        Seed or generator of the starts.
    sigma : array_like, optional
        Known standard deviation of the data [A or S], one value or one for each point; with several records, a
        sequence with one entry for each. Where not given, it is estimated from the residuals, for each record.
    weighting : {"absolute", "relative"}, optional
        Noise of one size over a record, or in proportion to the value, where sigma is not known.
    floor : float, optional
        Smallest value that counts under relative weighting, as a share of the record's peak.
    loss : {"linear", "soft_l1", "huber", "cauchy", "arctan"}, optional
        Loss function; all but ``"linear"`` reduce the weight of outliers.
    confidence : float, optional
        Confidence of the intervals.
    tolerance : float, optional
        Tolerance of `simulate`.
    progress : bool, optional
        Whether to show a progress bar over the starts.

    Returns
    -------
    Fit
        Values, intervals, and whether to trust them: `converged`, `adequate`, `undetermined`, `at_bound`, `message`.

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
    from devices.fitting.result import build_fit

    records = _records(measured)
    declared = _model(model)
    fixed_values = dict(fixed or {})
    law = declared if isinstance(declared, RetentionLaw) else None
    states = () if isinstance(declared, RetentionLaw) else declared.states
    start, given = _start(declared, records, set, fixed_values)
    if parameters is None:
        kept = {*fixed_values, *(law.fixed if law else ())}
        parameters = [p.name for p in declared.parameters if p.name not in kept]
    default_bounds = law.bounds(np.concatenate([r.time for r in records])) if law else {}
    space = free_parameters(parameters, declared.parameters, states, start, fixed_values, default_bounds)
    points = sum(len(r) for r in records)
    if points <= len(space.names):
        raise InputError(
            "measured", f"{points} points for {len(space.names)} free parameters", "more points than parameters",
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
    weights = Weights(records, sigma, weighting, floor)
    problem = LeastSquares(space, predict, observed, weights.initial(), tolerance)
    rng = generator(seed)
    search = Search(problem, space.unit(start), starts, rng, progress)
    optima, scale = list(search.optima if loss == "linear" else search.optima[:1]), 1.0
    for _ in range(_MAX_REWEIGHTINGS if weights.depend_on_fit or loss != "linear" else 0):
        before, problem.weights = problem.weights, weights.updated(problem, optima[0].unit)
        converged = bool(np.abs(problem.weights / before - 1).max() < _WEIGHTS_TOL)
        if loss != "linear" and not weights.sigma_known:
            before_scale, scale = scale, problem.residual_scale(optima[0].unit)
            converged &= abs(scale / before_scale - 1) < _WEIGHTS_TOL
        optima = sorted((polish(problem, o.unit, loss, scale) for o in optima), key=lambda o: o.cost)
        if converged:
            break
    for returns_left in range(_MAX_RETURNS, -1, -1):
        best = optima[0].unit
        inference = infer(
            problem.residuals(best), *problem.accurate_jacobian(best), problem.signal, best, space.names,
            sigma_known=weights.sigma_known, loss=loss, scale=scale,
        )  # fmt: skip
        intervals = confidence_intervals(problem, optima, inference, confidence, loss == "linear", rng)
        if intervals.lower_point is None or not returns_left:
            break
        optima = sorted([polish(problem, intervals.lower_point), *optima], key=lambda o: o.cost)
    return build_fit(declared, records, start, given, problem, search, optima[0], inference, intervals, confidence)


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
    """Return the value of every parameter and the start of every state, and their parameter set."""
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
