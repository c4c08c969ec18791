"""Bad input to effects is refused in one clear line."""

import numpy as np
import pytest

from devices import (
    Correlated,
    FlickerNoise,
    InputError,
    Lognormal,
    Normal,
    PcmCells,
    PowerLawDrift,
    ProgrammingNoise,
    StuckCells,
    StuckLines,
    TelegraphNoise,
    Truncated,
    UniformLevels,
    WhiteNoise,
    apply_effects,
    device,
    spread_parameters,
)

G = np.full((3, 2), 1e-5)
THERMAL, SHOT = WhiteNoise("thermal", 0.1, 1e6), WhiteNoise("shot", 0.1, 1e6)
TELEGRAPH = TelegraphNoise(0.5, 1.0, 1.0, spread=Lognormal(2.0))


def vteam(effects, shape=(50,)):
    return spread_parameters(device("vteam"), effects, shape, seed=1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: apply_effects(G, [0.1], 1), r"effects: got 0.1; allowed: a sequence of effects"),
        (lambda: apply_effects(G, None, 1), r"effects: got None"),
        (lambda: apply_effects(G, StuckCells(0.1), 1), r"limits: got none; .* StuckCells needs"),
        (lambda: apply_effects(G, [THERMAL, SHOT], 1), r"WhiteNoise twice; .* try: origin='barrier'"),
        (lambda: apply_effects(G, [], -1), r"seed: got -1"),
        (lambda: apply_effects([np.nan], [], 1), r"conductance: got nan at index \(0,\)"),
        (lambda: apply_effects([0.0], [Normal(1e-6, relative=False), Lognormal(0.1)], 1), r"value: got -.*>= 0"),
        (lambda: UniformLevels(4).apply(G, (1e-5, 1e-6)), r"limits: got \(1e-05, 1e-06\); allowed: lower < upper"),
        (lambda: StuckCells(0.1).apply(G, (-1.0, 1e-6), 1), r"limits: got -1 at index \(0,\)"),
        (lambda: StuckLines(0.1).apply([1e-6], (1e-7, 1e-5), 1), r"conductance: got shape \(1,\)"),
        (lambda: Lognormal(0.1).apply([-1.0], 1), r"value: got -1 at index \(0,\)"),
        (lambda: Truncated(Lognormal(0.1), 1.0, 2.0).apply([0.0], 1), r"value: got 0 without spread; .*\[1, 2\]"),
        (lambda: Truncated(Normal(0.1)).apply([np.inf], 1), r"value: got inf"),
        (lambda: Correlated(Normal(0.1)).apply(1.0, 1), r"value: got one value; .* first axis is the cycle"),
        (lambda: ProgrammingNoise().apply([60e-6], 1), r"coefficients: got sigma .* at a target of 6e-05 S"),
        (lambda: ProgrammingNoise.wan_2022("3 d"), r"time: got '3 d'; allowed: one of 1 d, 1 s, 2 d"),
        (lambda: ProgrammingNoise.relative(-1.0), r"sigma: got -1"),
        (lambda: PcmCells().apply([26e-6], 1), r"value: got 2.6e-05 at index"),
        (lambda: PcmCells(time=1.0), r"time: got 1; .* t_inference \+ t0"),
        (lambda: PowerLawDrift(1.0, 0.1, t0=20.0), r"time: got 1; .* counted from programming"),
        (lambda: FlickerNoise(1e-4, 1.0, 1e6).series(1.0, 1e-6, 8, 1), r"step: got 1e-06; .*<= 5e-07"),
        (lambda: FlickerNoise(1e-4, 1.0, 1e6).series(1.0, 1e-7, 0, 1), r"samples: got 0"),
        (lambda: TELEGRAPH.apply(G.repeat(100), 1), r"spread: got amplitudes from .* Truncated\(spread, 0, 1\)"),
        (lambda: TELEGRAPH.series(1.0, [0.0, 2.0, 1.0], 1), r"time: got times that fall"),
        (lambda: vteam({"r_om": Lognormal(0.1)}), r"parameter: got 'r_om'; .* try: r_on"),
        (lambda: vteam({"r_on": 0.1}), r"r_on: got 0.1"),
        (lambda: vteam(Lognormal(0.1)), r"effects: got Lognormal.* allowed: a mapping"),
        (lambda: vteam({"r_on": [0.1]}), r"r_on: got 0.1"),
        (lambda: vteam({"r_on": StuckCells(0.1)}), r"r_on: got StuckCells.* an effect that needs no window"),
        (lambda: vteam({"r_on": Normal(2.0)}), r"r_on: got draws from -.* > 0 .* try: .*Truncated"),
        (lambda: vteam({"r_on": Lognormal(0.1)}, (0,)), r"shape: got 0"),
        (lambda: spread_parameters(vteam({}), {"r_on": Lognormal(0.1)}, seed=None), r"seed: got None"),
        (lambda: spread_parameters(vteam({"r_on": Normal(0.1)}), {"r_on": Normal(0.1)}, (3,)), r"shape: got \(3,\)"),
    ],
)
def test_bad_input_gets_one_clear_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_one_white_noise_passes_beside_others():
    found = apply_effects(G, [Lognormal(0.1), FlickerNoise(1e-5, 1.0, 1e6), THERMAL], 1)
    assert found.shape == G.shape


def test_an_ensemble_can_be_spread_again():
    cells = vteam({"r_on": Truncated(Normal(0.5), 10.0, 90.0)})
    again = spread_parameters(cells, {"r_on": Lognormal(0.01)}, seed=2)
    ratio = again.parameters["r_on"] / cells.parameters["r_on"]
    assert again.shape == (50,)
    assert 0 < np.abs(ratio - 1).max() < 0.06
