"""`fit_population`: distribution over devices of fitted parameters or measured conductances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from devices.cells.device import Device, assemble
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.randomness import generator
from devices.common.validation import finite_array, integer, number
from devices.fitting.fit import fit
from devices.fitting.measured import Measured
from devices.fitting.result import Fit
from devices.model import DeviceModel
from devices.registry import chosen_set, get_model

if TYPE_CHECKING:
    import pandas as pd

    from devices.parameters import ParameterSet

__all__ = ["Marginal", "Population", "fit_population"]


@dataclass(frozen=True)
class Marginal:
    """Distribution of one quantity over devices.

    Attributes
    ----------
    kind : {"normal", "lognormal"}
        The likelier of the two.
    center : float
        Mean of a normal, median of a lognormal distribution.
    spread : float
        Standard deviation: of the value, or of its logarithm.
    center_interval, spread_interval : tuple of float
        Their confidence intervals, exact for the distribution (Student t and chi2).
    aic_margin : float
        Difference of the Akaike criterion to the other distribution; below about 2 the data do not decide. NaN where
        values are not all positive, so that only the normal distribution is possible.
    """

    kind: Literal["normal", "lognormal"]
    center: float
    spread: float
    center_interval: tuple[float, float]
    spread_interval: tuple[float, float]
    aic_margin: float


@dataclass(frozen=True, eq=False)
class Population:
    """Joint distribution over devices: a normal copula of normal and lognormal marginals.

    Attributes
    ----------
    marginals : mapping of str to Marginal
        Distribution of each quantity.
    correlation : numpy.ndarray
        Correlation between devices, of the logarithm where a marginal is lognormal.
    count : int
        Number of devices.
    confidence : float
        Confidence of the intervals.
    """

    marginals: Mapping[str, Marginal]
    correlation: Array
    count: int
    confidence: float

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self.marginals), self.correlation, self.count, self.confidence)

    def draw(self, size: int, seed: int | np.random.Generator) -> dict[str, Array]:
        """Return values for `size` new devices.

        Parameters
        ----------
        size : int
            Number of devices.
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.

        Returns
        -------
        dict of str to numpy.ndarray
            Each of shape ``(size,)``; pass them to `device` as overrides.
        """
        integer("size", size, minimum=1)
        values, vectors = np.linalg.eigh(self.correlation)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        z = generator(seed).standard_normal((size, len(self.marginals))) @ root.T
        drawn = {}
        for k, (name, m) in enumerate(self.marginals.items()):
            drawn[name] = (
                m.center * np.exp(m.spread * z[:, k]) if m.kind == "lognormal" else m.center + m.spread * z[:, k]
            )
        return drawn

    def devices(
        self,
        model: str | DeviceModel,
        size: int,
        seed: int | np.random.Generator,
        set: str | ParameterSet | None = None,
    ) -> Device:
        """Return an ensemble of `size` devices; draws out of a parameter's bounds are drawn again.

        Parameters
        ----------
        model : str or DeviceModel
            Model that has the quantities as parameters or states.
        size : int
            Number of devices.
        seed : int or numpy.random.Generator
            Seed or generator of the random numbers.
        set : str or ParameterSet, optional
            Parameter set of all other values; the model's default where not given.

        Returns
        -------
        Device
            Ensemble of shape ``(size,)``.

        Raises
        ------
        InputError
            For a quantity that the model does not have, or bounds that exclude nine draws in ten.
        """
        declared = get_model(model)
        given = chosen_set(declared, set)
        values: dict[str, Any] = {**given.values, **given.initial}
        unknown = [n for n in self.marginals if n not in values]
        if unknown:
            raise InputError("model", f"{declared.name} without {', '.join(unknown)}", "a model with these parameters")
        drawn = self.draw(10 * integer("size", size, minimum=1) + 100, seed)
        good = np.ones(len(next(iter(drawn.values()))), dtype=bool)
        every = {**values, **drawn}
        for p in declared.parameters:
            good &= (every[p.name] >= p.lower) & (every[p.name] <= p.upper)
            good &= (every[p.name] > p.lower) | (not p.open_lower)
        for s in declared.states:
            lower, upper = s.limits(every)
            good &= (every[s.name] >= lower) & (every[s.name] <= upper)
        if good.sum() < size:
            raise InputError("model", f"bounds that hold {100 * good.mean():.0f} % of the draws", "most of them")
        values |= {name: column[good][:size] for name, column in drawn.items()}
        return assemble(declared, values, given)

    def __str__(self) -> str:
        lines = [f"{self.count} devices; intervals {100 * self.confidence:g} %"]
        for name, m in self.marginals.items():
            word, unit = ("median", "sigma of ln") if m.kind == "lognormal" else ("mean", "sigma")
            lines.append(
                f"{name}: {m.kind}, {word} {m.center:.5g} ({m.center_interval[0]:.4g} to {m.center_interval[1]:.4g}), "
                f"{unit} {m.spread:.4g} ({m.spread_interval[0]:.4g} to {m.spread_interval[1]:.4g})"
            )
        return "\n".join(lines)


def fit_population(
    data: Mapping[str, ArrayLike] | pd.DataFrame | Sequence[Fit] | Sequence[Measured],
    *,
    model: str | DeviceModel | None = None,
    confidence: float = 0.95,
    **options: Any,
) -> Population:
    """Estimate the distribution over devices, from one value or one fit for each device.

    The spread is that of the estimates: it includes their uncertainty, which adds in squares.

    Parameters
    ----------
    data : table, sequence of Fit, or sequence of Measured
        A column of values for each quantity (conductances, parameters), fits of one model, or records that are fitted
        one by one.
    model : str or DeviceModel, optional
        Model to fit to records.
    confidence : float, optional
        Confidence of the intervals.
    **options
        Passed to `fit` for each record.

    Returns
    -------
    Population
        A normal or lognormal distribution for each quantity, chosen by Akaike's criterion, and their correlation.

    Raises
    ------
    InputError
        For fewer than 3 devices, not more devices than quantities, a quantity that does not vary, or a fit that did not
        converge or left a parameter undetermined (its index is named).
    """
    number("confidence", confidence, minimum=0.01, maximum=0.9999)
    columns = _columns(data, model, options)
    names = list(columns)
    count = columns[names[0]].size
    if count < max(3, len(names) + 1):
        raise InputError("data", f"{count} devices", f"at least {max(3, len(names) + 1)} for {len(names)} quantities")
    marginals, scores = {}, []
    for name, values in columns.items():
        marginals[name], score = _marginal(name, values, confidence)
        scores.append(score)
    return Population(MappingProxyType(marginals), np.atleast_2d(np.corrcoef(scores)), count, confidence)


def _columns(data: Any, model: str | DeviceModel | None, options: dict[str, Any]) -> dict[str, Array]:
    if isinstance(data, Mapping) or hasattr(data, "columns"):
        columns: dict[str, Array] = {}
        for name in data:
            size = next(iter(columns.values())).size if columns else "devices"
            columns[str(name)] = finite_array(str(name), np.asarray(data[name]), shape=(size,))
        if not columns:
            raise InputError("data", "no columns", "a column of values for each quantity")
        return columns
    each = list(data)
    if each and all(isinstance(one, Measured) for one in each):
        if model is None:
            raise InputError("model", "none", "the model to fit to the records", 'model="vteam"')
        each = [fit(model, one, **options) for one in each]
    if not each or not all(isinstance(one, Fit) for one in each):
        raise InputError("data", "something else", "a table, fits or measured records")
    names = list(each[0].values)
    for k, one in enumerate(each):
        if list(one.values) != names or one.model.name != each[0].model.name:
            raise InputError("data", f"fit {k} of other parameters", f"{each[0].model.name}: {', '.join(names)}")
        if not one.converged or one.undetermined:
            raise InputError("data", f"fit {k}: {one.message}", "fits that converged, with every parameter determined")
    return {n: np.array([one.values[n] for one in each]) for n in names}


def _marginal(name: str, values: Array, confidence: float) -> tuple[Marginal, Array]:
    from scipy.stats import chi2, norm, t

    if not np.ptp(values) > 0:
        raise InputError(f"data[{name!r}]", f"{values[0]:g} for every device", "values that vary", "leave it out")
    n = values.size
    found: dict[str, tuple[float, Array]] = {}
    found["normal"] = (-2 * norm.logpdf(values, values.mean(), values.std()).sum(), values)
    if (values > 0).all():
        logs = np.log(values)
        found["lognormal"] = (-2 * (norm.logpdf(logs, logs.mean(), logs.std()) - logs).sum(), logs)
    better = "lognormal" in found and found["lognormal"][0] < found["normal"][0]
    kind: Literal["normal", "lognormal"] = "lognormal" if better else "normal"
    score = found[kind][1]
    margin = abs(found["normal"][0] - found["lognormal"][0]) if len(found) == 2 else float("nan")
    mean, spread = float(score.mean()), float(score.std(ddof=1))
    half = float(t.ppf(0.5 + confidence / 2, n - 1)) * spread / np.sqrt(n)
    tails = [chi2.ppf(0.5 + side * confidence / 2, n - 1) for side in (1, -1)]
    spreads = (spread * float(np.sqrt((n - 1) / tails[0])), spread * float(np.sqrt((n - 1) / tails[1])))
    back = np.exp if kind == "lognormal" else float
    centers = (float(back(mean - half)), float(back(mean + half)))
    return Marginal(kind, float(back(mean)), spread, centers, spreads, float(margin)), score
