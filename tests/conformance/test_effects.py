"""Requirements that every effect must meet; a new effect needs an example here."""

import importlib
import inspect
import pickle
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace

import numpy as np
import pytest

import devices
from devices import (
    ArrheniusRate,
    Correlated,
    Effect,
    FlickerNoise,
    Forgetting,
    GivenLevels,
    InputError,
    LogBroadening,
    Lognormal,
    MetalResistance,
    Normal,
    PcmCells,
    PowerLawDrift,
    ProgrammingNoise,
    StuckCells,
    StuckLines,
    TelegraphNoise,
    Truncated,
    UniformLevels,
    WeibullEndurance,
    WhiteNoise,
    WindowEffect,
    apply_effects,
)

for module in pkgutil.iter_modules(devices.__path__, "devices."):
    importlib.import_module(module.name)


def concrete(kind: type) -> set[type]:
    """All subclasses of `kind` that are not abstract."""
    below = {c for s in kind.__subclasses__() for c in concrete(s)}
    return below if kind is Effect or inspect.isabstract(kind) else {kind, *below}


LIMITS = (1e-6, 2e-5)
#: For each effect: an example, what makes it do nothing (None where nothing does), and changes that are refused.
EXAMPLES = {
    Normal(0.1): ({"sigma": 0.0}, [{"sigma": -0.1}]),
    Lognormal(0.3): ({"sigma": 0.0}, [{"sigma": -0.1}, {"sigma": 21.0}, {"hold": "mode"}]),
    Truncated(Lognormal(0.3), 0.0, 3e-5): (
        {"spread": Lognormal(0.0)},
        [{"lower": 4e-5}, {"upper": 0.0, "lower": -1.0}, {"spread": StuckCells()}, {"upper": float("nan")}],
    ),
    Correlated(Lognormal(0.3), 5.0): (
        {"spread": Normal(0.0)},
        [{"cycles": 0.0}, {"spread": 0.1}, {"spread": Correlated(Normal(0.1))}],
    ),
    ProgrammingNoise(): ({"coefficients": (0.0,)}, [{"g_max": 0.0}, {"coefficients": ()}, {"coefficients": ("a",)}]),
    WhiteNoise("thermal", 0.1, 1e6): (
        {"bandwidth": 0.0},
        [{"origin": "both"}, {"voltage": 0.0}, {"bandwidth": -1.0}, {"temperature": 0.0}],
    ),
    FlickerNoise(1e-4, 1.0, 1e6): ({"k": 0.0}, [{"k": -1.0}, {"f_low": 0.0}, {"f_high": 1.0}]),
    TelegraphNoise(0.3, 1e-3, 2e-3): (
        {"amplitude": 0.0},
        [{"amplitude": 1.1}, {"tau_high": 0.0}, {"tau_low": -1.0}, {"spread": 0.1}],
    ),
    PowerLawDrift(1e3, 0.05, spread=Normal(0.1)): (
        {"time": 1.0},
        [{"time": 0.5}, {"t0": 0.0}, {"nu": float("inf")}, {"spread": 0.1}],
    ),
    LogBroadening(1e3): (
        {"mean_slope": 0.0, "sigma": 0.0, "sigma_slope": 0.0},
        [{"time": 0.5}, {"t0": 0.0}, {"sigma": -1e-6}, {"sigma_slope": -1e-6}],
    ),
    Forgetting(1.0, 10.0): (
        {"time": 0.0},
        [{"time": -1.0}, {"tau": 0.0}, {"beta": 0.0}, {"beta": 1.1}, {"rest": float("nan")}],
    ),
    ArrheniusRate(0.6, 350.0): (
        {"temperature": 300.0},
        [{"activation_energy": -0.1}, {"temperature": 0.0}, {"reference": 0.0}, {"temperature": 1.0}],
    ),
    MetalResistance(393.0): ({"temperature": 293.0}, [{"temperature": 0.0}, {"alpha": -0.02}, {"reference": -1.0}]),
    UniformLevels(4): (None, [{"count": 1}, {"count": 4.0}]),
    GivenLevels((1e-6, 5e-6)): (None, [{"levels": ()}, {"levels": (1e-6, 1e-6)}, {"levels": (-1e-6,)}]),
    StuckCells(0.2, 0.2): (
        {"p_stuck_lrs": 0.0, "p_stuck_hrs": 0.0},
        [{"p_stuck_lrs": -0.1}, {"p_stuck_hrs": 0.9}],
    ),
    StuckLines(0.2, 0.2, 0.2, 0.2): (
        {"p_word_lrs": 0.0, "p_word_hrs": 0.0, "p_bit_lrs": 0.0, "p_bit_hrs": 0.0},
        [{"p_word_lrs": 0.9}, {"p_bit_hrs": 1.1}],
    ),
    WeibullEndurance(1e10): (
        {"cycles": 0.0},
        [{"cycles": -1.0}, {"characteristic": 0.0}, {"beta": 0.0}, {"p_lrs": 1.1}],
    ),
    PcmCells(): (
        {"programming_scale": 0.0, "drift_scale": 0.0, "read_scale": 0.0},
        [{"time": 19.0}, {"g_max": 0.0}, {"t0": 0.0}, {"t_read": 0.0}, {"read_scale": -1.0}],
    ),
}
EFFECTS = sorted(concrete(Effect), key=lambda kind: kind.__name__)


def find(kind):
    """The example of a class, parameters with which it has no effect, and parameters that it refuses."""
    [entry] = [(e, *rest) for e, rest in EXAMPLES.items() if type(e) is kind]
    return entry


@pytest.fixture(params=EFFECTS, ids=lambda kind: kind.__name__)
def effect(request):
    return find(request.param)[0]


def given(shape=(30, 20)):
    return np.random.default_rng(0).uniform(*LIMITS, shape)


def apply(effect, values, seed=1):
    return effect.apply(values, LIMITS, seed) if isinstance(effect, WindowEffect) else effect.apply(values, seed)


def random(effect):
    return not np.array_equal(apply(effect, given(), 1), apply(effect, given(), 2))


def test_every_effect_has_an_example():
    assert len(EFFECTS) >= 19
    assert {type(e) for e in EXAMPLES} == set(EFFECTS)
    assert all(hasattr(devices, kind.__name__) for kind in EFFECTS)


def test_it_is_a_frozen_dataclass_with_a_source(effect):
    assert is_dataclass(effect)
    with pytest.raises(FrozenInstanceError):
        setattr(effect, fields(effect)[0].name, 0.0)
    assert len(effect.source) > 10
    assert effect.status in ("seen", "recalled", "code default", "ours")
    assert "source" in vars(type(effect)), "each class names its own source"
    for field in fields(effect):
        assert field.name in type(effect).__doc__


def test_it_changes_values_and_does_not_modify_its_input(effect):
    values = given()
    before = values.copy()
    assert not np.array_equal(apply(effect, values), before)
    np.testing.assert_array_equal(values, before)


def test_the_same_seed_gives_the_same_result(effect):
    first = apply(effect, given(), 5)
    np.testing.assert_array_equal(apply(effect, given(), 5), first)
    np.testing.assert_array_equal(apply(effect, given(), np.random.default_rng(5)), first)
    deterministic = {"ArrheniusRate", "Forgetting", "GivenLevels", "MetalResistance", "UniformLevels"}
    assert random(effect) == (type(effect).__name__ not in deterministic)


def test_a_generator_advances(effect):
    rng = np.random.default_rng(5)
    again = [apply(effect, given(), rng) for _ in range(2)]
    assert np.array_equal(*again) != random(effect)


@pytest.mark.parametrize("shape", [(4, 3), (2, 4, 3), (1, 1), (5,), ()])
def test_the_shape_is_kept_and_everything_is_finite(effect, shape):
    least = {StuckLines: 2, Correlated: 1}.get(type(effect), 0)
    if len(shape) < least:
        with pytest.raises(InputError):
            apply(effect, given(shape))
    else:
        found = apply(effect, given(shape))
        assert np.shape(found) == shape
        assert np.isfinite(found).all()


def test_zero_strength_changes_nothing(effect):
    nothing = find(type(effect))[1]
    if nothing is None:
        levels = apply(effect, given())
        np.testing.assert_array_equal(apply(effect, levels), levels)
    else:
        np.testing.assert_array_equal(apply(replace(effect, **nothing), given()), given())


def test_pickle_and_repr(effect):
    again = pickle.loads(pickle.dumps(effect))
    assert again == effect
    assert hash(again) == hash(effect)
    assert eval(repr(effect), {kind.__name__: kind for kind in EFFECTS}) == effect


def test_effects_can_be_combined(effect):
    values = given()
    chain = [Lognormal(0.01), effect]
    found = apply_effects(values, chain, seed=3, limits=LIMITS)
    assert found.shape == values.shape
    np.testing.assert_array_equal(apply_effects(values, chain, seed=3, limits=LIMITS), found)


@pytest.mark.parametrize("kind", EFFECTS, ids=lambda kind: kind.__name__)
def test_bad_parameters_are_refused(kind):
    effect, _, refused = find(kind)
    assert refused
    for change in refused:
        with pytest.raises(InputError):
            replace(effect, **change)


def test_bad_values_are_refused(effect):
    for values in ([[1e-6, np.nan]], [["a", "b"]], [[1e-6, np.inf]], [[1e-6j]]):
        with pytest.raises(InputError):
            apply(effect, values)
    if random(effect):
        for seed in (-1, 0.5, "1", None):
            with pytest.raises(InputError, match="seed"):
                apply(effect, given(), seed)
