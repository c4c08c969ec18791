"""What bad input to mapping, periphery and inference gets."""

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from crossbar import (
    ADC,
    Amplitude,
    AnalogMatrix,
    AnalogNetwork,
    DifferentialPairs,
    PulseWidth,
    Recipe,
)
from devices import ArrheniusRate, Correlated, InputError, Lognormal, Normal, StuckCells

LIMITS = (1e-6, 1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Recipe(conductance_limits=(1e-5, 1e-6)), r"conductance_limits\[1\]: got 1e-06"),
        (lambda: Recipe(conductance_limits=(-1e-5, 1e-6)), r"conductance_limits\[0\]: got -1e-05"),
        (lambda: Recipe(conductance_limits=1e-6), r"conductance_limits: got"),
        (lambda: Recipe(conductance_limits=LIMITS, tile=(0, 4)), r"tile rows: got 0"),
        (lambda: Recipe(conductance_limits=LIMITS, tile=(4, 1)), r"tile columns: got 1.*a pair of columns"),
        (lambda: Recipe(conductance_limits=LIMITS, adc_bits=0), r"bits: got 0"),
        (lambda: Recipe(conductance_limits=LIMITS, effects=[0.1]), r"effects: got 0.1; allowed: effects on programmed"),
        (lambda: Recipe(conductance_limits=LIMITS, effects=[ArrheniusRate(0.6, 350.0)]), r"effects: got ArrheniusRate"),
        (lambda: Recipe(conductance_limits=LIMITS, effects=[Correlated(Normal(0.1))]), r"effects: got Correlated"),
        (lambda: Recipe(conductance_limits=LIMITS, effects=Lognormal(0.1)), r"effects: got .*; allowed: a sequence"),
        (lambda: Amplitude(read_voltage=0.0), r"read_voltage: got 0"),
        (lambda: PulseWidth(bits=2.5), r"bits: got 2.5"),
        (lambda: ADC(full_scale=-1.0), r"full_scale: got -1"),
        (lambda: ADC(8, 0.0), r"full_scale: got 0"),
        (lambda: ADC(8, [1e-6, 0.0]), r"full_scale: got 0 A"),
        (lambda: ADC(noise=1.0), r"bits: got None, with errors in steps"),
        (lambda: ADC(2, 1.0, inl=(0.0, 0.0, -2.0, 0.0)), r"inl: got boundaries of codes that fall"),
        (lambda: ADC(2, 1.0, noise=1.0).convert([1.0]), r"noise: got None"),
        (lambda: Recipe(conductance_limits=LIMITS, tile=64), r"tile: got 64; .*tile=\(64, 64\)"),
        (lambda: Recipe(conductance_limits=LIMITS, encoding="amplitude"), r"encoding: got 'amplitude'"),
        (lambda: Recipe(conductance_limits=LIMITS, wires=1.0), r"wires: got 1.0"),
        (lambda: Recipe(conductance_limits=LIMITS, bias="none"), r"bias: got 'none'"),
        (lambda: Recipe(conductance_limits=LIMITS, adc=ADC(8), adc_bits=6), r"adc_bits: got 6; allowed: the 8 bits"),
        (lambda: Lognormal(-0.1), r"sigma: got -0.1"),
        (lambda: Lognormal(0.1, hold="mode"), r"hold: got 'mode'"),
        (lambda: StuckCells(0.7, 0.6), r"p_stuck_lrs \+ p_stuck_hrs: got 1.3"),
        (lambda: StuckCells(p_stuck_hrs=1.2), r"p_stuck_hrs: got 1.2"),
        (lambda: DifferentialPairs(LIMITS, 1.0).conductance([[2.0]]), r"weights: got 2 at 1 S per unit"),
        (lambda: DifferentialPairs.fit([[np.nan]], LIMITS), r"weights: got nan at index \(0, 0\)"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_shapes_that_do_not_fit():
    recipe = Recipe(conductance_limits=LIMITS)
    with pytest.raises(InputError, match="bias: got shape"):
        AnalogMatrix.program(np.ones((3, 2)), np.ones(3), recipe, calibration=np.ones((4, 3)))
    with pytest.raises(InputError, match="calibration: got shape"):
        AnalogMatrix.program(np.ones((3, 2)), np.ones(2), recipe, calibration=np.ones((4, 2)))
    matrix = AnalogMatrix.program(np.ones((3, 2)), np.ones(2), recipe, calibration=np.ones((4, 3)))
    assert matrix.matmul(np.ones(3)).shape == (2,)
    with pytest.raises(InputError, match="inputs: got shape"):
        matrix.matmul(np.ones((4, 2)))


def test_models_that_are_not_fitted_or_not_known():
    for model in (MLPClassifier(), object()):
        with pytest.raises(InputError, match="model: got"):
            AnalogNetwork.from_sklearn(model, Recipe(conductance_limits=LIMITS), calibration=np.ones((2, 2)))
