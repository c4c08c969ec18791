"""Cases of `fit_recovery`: the records of each model, its free parameters, and data of random parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from devices import Measured, Samples, Sine, device, models
from devices.fitting.least_squares import LeastSquares
from devices.fitting.predictions import DevicePrediction, LawPrediction
from devices.fitting.retention_laws import RETENTION_LAWS
from devices.fitting.search_space import free_parameters

#: Standard deviation of the noise as a share of a record's peak, and largest factor between true parameters and the
#: set.
NOISE, WIDEST = 0.01, 1.5
#: Free parameters: the largest expected 95 % interval as a factor, at how many draws it is computed, and how many at
#: most.
LARGEST_FACTOR, DRAWS, MOST = 1.35, 16, 6
SAMPLES, TIMES = 201, np.geomspace(1.0, 1e5, 100)


def loop(name: str, *waves: Any) -> tuple[Measured, ...]:
    """Traces of the model's usual loop, or of given waveforms, with equally many samples in each of their segments."""
    records = []
    for wave in waves or (device(name).loop(),):
        corners = wave.corners
        time = np.interp(np.linspace(0, corners.size - 1, SAMPLES), np.arange(corners.size), corners)
        records.append(Measured("trace", time, np.ones(SAMPLES), wave))
    return tuple(records)


def train(volts: tuple[float, float], width: float, count: int = 40) -> Measured:
    """Return equally many pulses up and down, each followed by a read."""
    return Measured.pulses(np.repeat(volts, count), width, np.ones(2 * count))


def _records() -> dict[str, tuple[Measured, ...]]:
    """Records of the models whose usual loop determines few parameters, or which are programmed by pulses."""
    sine = Sine(1.0, 2.0, cycles=2)
    reset = Samples([0, 2e-7, 2.02e-7, 2.3e-7], [1.0, 1.0, 0.0, -0.6])
    melted = np.r_[np.full(24, 1.2), 2.0, np.full(15, 1.2)]
    return {
        "linear_ion_drift": loop("", Sine(1.0, 2.0)),
        "linear_ion_drift_joglekar": loop("", sine),
        "linear_ion_drift_prodromakis": loop("", sine),
        "vteam": loop("", Sine(0.8, 2e6), reset),
        "wox_scaled_decay": loop("", Sine(1.2, 0.5, cycles=2)),
        "exponential_selector": loop("", Sine(0.8, 1.0)),
        "threshold_switch": loop("", Sine(0.5, 1e6, cycles=2)),
        "linear_step_synapse": (train((1.0, -1.0), 50e-6),),
        "power_step_synapse": (train((1.0, -1.0), 20e-6),),
        "neurosim_synapse": (train((3.2, -2.8), 600e-6),),
        "pcm": (Measured.pulses(melted, 50e-9, np.ones(40)), Measured.retention(TIMES, np.ones(100))),
        **dict.fromkeys(RETENTION_LAWS, (Measured.retention(TIMES, np.ones(100)),)),
    }


#: Retention laws: central values of the true parameters, and the known ones.
LAWS: dict[str, tuple[dict[str, float], dict[str, float]]] = {
    "power_law": ({"g0": 2e-5, "nu": 0.07}, {"t0": 1.0}),
    "logarithmic": ({"g0": 2e-5, "slope": 0.03}, {"t0": 1.0}),
    "stretched_exponential": ({"g0": 2.3e-5, "g_end": 5e-6, "tau": 700.0, "beta": 0.55}, {}),
}
#: Constants of nature, which are never free.
KNOWN = {
    "jart_vcm": ("q_e", "k_q", "q_eps", "w_00"),
    "simmons_tunnel_barrier": ("j_0", "b_0"),
    "stanford_pku": ("kq",),
}
#: Models whose fit takes minutes: largest number of free parameters, and arguments of `fit`.
SLOW: dict[str, tuple[int, dict[str, Any]]] = {
    name: (3, {"starts": 2, "tolerance": 1e-8}) for name in ("jart_vcm", "simmons_tunnel_barrier")
}
#: Initial states that differ from those of the set.
STARTS = {"pcm": {"g": 2e-6}}


def classes() -> list[str]:
    """Every registered model with two terminals, and the retention laws."""
    return [*(n for n, m in models().items() if not m.controls), *LAWS]


@dataclass(frozen=True)
class FitClass:
    """A model with its records and the parameters that are free in its trials."""

    name: str
    center: Mapping[str, float]
    fixed: Mapping[str, float]

    @property
    def asked(self) -> dict[str, Any]:
        """Arguments of `fit` other than the defaults."""
        return SLOW.get(self.name, (MOST, {}))[1]

    @property
    def records(self) -> tuple[Measured, ...]:
        return _records().get(self.name) or loop(self.name)

    def draw(self, rng: np.random.Generator) -> tuple[dict[str, float], list[Measured]]:
        """Return random true parameters, each up to a factor `WIDEST` from the centre, and noisy data of them."""
        true = {n: v * WIDEST ** rng.uniform(-1, 1) for n, v in self.center.items()}
        data = []
        for record in self.exact(true):
            noise = NOISE * np.abs(record.observed).max() * rng.standard_normal(len(record))
            data.append(replace(record, observed=record.observed + noise))
        return true, data

    def exact(self, true: Mapping[str, float]) -> list[Measured]:
        records = self.records
        predict, _ = predictor(self.name, records, {**self.fixed, **true})
        values = np.array([list(true.values())])
        found = np.split(predict(list(true), values, 1e-11)[0], np.cumsum([len(r) for r in records])[:-1])
        return [replace(r, observed=f) for r, f in zip(records, found, strict=True)]


def predictor(name: str, records: Any, changed: Mapping[str, float]) -> tuple[Any, dict[str, float]]:
    """Return the prediction of the records of a model, and the values of all its parameters and initial states."""
    if name in LAWS:
        start = {**LAWS[name][0], **LAWS[name][1], **changed}
        return LawPrediction(RETENTION_LAWS[name], records, start), start
    model = models()[name]
    given = model.parameter_set()
    start = {**given.values, **given.initial, **STARTS.get(name, {}), **changed}
    return DevicePrediction(model, records, start, given), start


def prepare(name: str) -> FitClass:
    """Choose the free parameters of a model from exact data, at its set and at draws around it.

    In order of sensitivity, a parameter is added if the expected 95 % intervals of all parameters so far stay within a
    factor of `LARGEST_FACTOR` at each draw.
    """
    if name in LAWS:
        return FitClass(name, *LAWS[name])
    model = models()[name]
    values = model.parameter_set().values
    fixed = STARTS.get(name, {})
    known, most = KNOWN.get(name, ()), SLOW.get(name, (MOST, {}))[0]
    names = [p.name for p in model.parameters if values[p.name] and _inside(p, values[p.name]) and p.name not in known]
    each = np.linalg.norm(_sensitivity(FitClass(name, {n: values[n] for n in names}, fixed)), axis=0)
    chosen = FitClass(name, {}, fixed)
    for k in np.argsort(-each).tolist():
        if each[k] > 0 and len(chosen.center) < most:
            tried = FitClass(name, {**chosen.center, names[k]: values[names[k]]}, fixed)
            rng = np.random.default_rng(0)
            if all(_determined(_sensitivity(tried, rng if draw else None)) for draw in range(DRAWS + 1)):
                chosen = tried
    return replace(chosen, center={n: chosen.center[n] for n in names if n in chosen.center})


def _inside(parameter: Any, value: float) -> bool:
    return all(parameter.lower <= value * f <= parameter.upper for f in (WIDEST, 1 / WIDEST))


def _sensitivity(case: FitClass, rng: np.random.Generator | None = None) -> Any:
    """Derivatives of the data, in units of the noise, by the logarithms of the parameters, at the set or at a draw."""
    true = {n: v if rng is None else v * WIDEST ** rng.uniform(-1, 1) for n, v in case.center.items()}
    predict, start = predictor(case.name, case.records, {**case.fixed, **true})
    model = models()[case.name]
    space = free_parameters(list(true), model.parameters, model.states, start, ())
    exact = predict(space.names, space.values(space.unit(start)[None]), 1e-10)[0]
    ends = np.cumsum([len(r) for r in case.records])[:-1]
    weights = np.concatenate([np.full(len(d), 1 / (NOISE * np.abs(d).max())) for d in np.split(exact, ends)])
    problem = LeastSquares(space, predict, exact, weights, 1e-10)
    return problem.jacobian(space.unit(start), 1e-4) / np.log(np.abs(space.upper / space.lower))


def _determined(jacobian: Any) -> bool:
    """Whether the expected 95 % intervals of all parameters are within a factor of `LARGEST_FACTOR`."""
    if not np.isfinite(jacobian).all():
        return False
    _, singular, right = np.linalg.svd(jacobian, full_matrices=False)
    if singular[-1] <= 1e-9 * singular[0]:
        return False
    return bool(1.96 * np.sqrt(np.sum((right.T / singular) ** 2, axis=1)).max() < np.log(LARGEST_FACTOR))
