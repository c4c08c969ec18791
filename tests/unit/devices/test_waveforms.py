import numpy as np
import pytest

from devices import Constant, InputError, Pulses, Samples, Sine, Triangle


def test_sine():
    wave = Sine(amplitude=2.0, frequency=50.0, cycles=1.5, offset=0.5, phase=0.3)
    time = np.linspace(0, wave.duration, 101)
    np.testing.assert_allclose(wave.at(time), 0.5 + 2 * np.sin(2 * np.pi * 50 * time + 0.3), atol=1e-14)
    assert wave.duration == 0.03


def test_triangle_corners():
    wave = Triangle(amplitude=1.0, frequency=2.0, cycles=2)
    np.testing.assert_allclose(wave.at([0, 0.125, 0.25, 0.375, 0.5, 0.625, 1.0]), [0, 1, 0, -1, 0, 1, 0], atol=1e-15)
    np.testing.assert_allclose(wave.corners, [0, 0.125, 0.375, 0.625, 0.875, 1.0])


def test_pulses():
    wave = Pulses(amplitude=1.0, width=1e-6, period=3e-6, count=2, edge=0.1e-6, base=-0.1)
    times = [0, 0.05e-6, 0.5e-6, 1.15e-6, 2e-6, 3.05e-6, 3.5e-6, 6e-6]
    np.testing.assert_allclose(wave.at(times), [-0.1, 0.45, 1, 0.45, -0.1, 0.45, 1, -0.1], atol=1e-12)
    assert wave.duration == pytest.approx(6e-6)


def test_samples_and_constant_hold_their_ends():
    wave = Samples([0.0, 1.0, 3.0], [0.0, 2.0, -2.0])
    np.testing.assert_allclose(wave.at([-1.0, 0.5, 2.0, 9.0]), [0.0, 1.0, 0.0, -2.0])
    assert Constant(0.7, 2.0).at(1.3) == 0.7


def test_at_keeps_the_shape():
    assert Sine(amplitude=1.0, frequency=1.0).at(np.zeros((2, 3))).shape == (2, 3)
    assert Triangle(amplitude=1.0, frequency=1.0).at(0.25).shape == ()


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: Sine(amplitude=1.0, frequency=0.0), "frequency"),
        (lambda: Sine(amplitude=float("nan"), frequency=1.0), "amplitude"),
        (lambda: Sine(amplitude="1", frequency=1.0), "amplitude"),
        (lambda: Triangle(amplitude=1.0, frequency=1.0, cycles=0), "cycles"),
        (lambda: Pulses(amplitude=1.0, width=1e-6, period=1e-6), "period"),
        (lambda: Pulses(amplitude=1.0, width=-1.0, period=1.0), "width"),
        (lambda: Samples([0.0, 1.0, 0.5], [0, 0, 0]), "time"),
        (lambda: Samples([1.0, 2.0], [0, 0]), "time"),
        (lambda: Samples([0.0], [0.0]), "time"),
        (lambda: Samples([0.0, 1.0], [0.0, np.inf]), "voltage"),
        (lambda: Samples([0.0, 1.0], [0.0]), "voltage"),
        (lambda: Constant(1.0, 0.0), "length"),
    ],
)
def test_bad_waveforms_are_refused_by_name(make, argument):
    with pytest.raises(InputError, match=rf"^{argument}: got .*; allowed: "):
        make()


def test_the_message_names_the_first_time_that_does_not_rise():
    with pytest.raises(InputError, match=r"0\.5 s after 1 s at index 2"):
        Samples([0.0, 1.0, 0.5], [0, 0, 0])


@pytest.mark.parametrize("wave", [
    Sine(1.0, 2.0, cycles=2.3), Sine(-0.7, 1.0, offset=0.2, phase=1.1), Sine(1.0, 1.0, phase=np.pi / 2, cycles=0.4),
    Triangle(1.0, 1.0, cycles=2),
])  # fmt: skip
def test_voltage_is_monotonic_on_each_piece(wave):
    pieces = wave.pieces
    ends = np.append(pieces[:, 0], wave.duration)
    assert (np.diff(ends) > 0).all()
    for (start, value, slope, amplitude, omega, phase), end in zip(pieces, ends[1:], strict=True):
        time = np.linspace(start, end, 101)
        volts = value + slope * (time - start) + amplitude * np.sin(omega * (time - start) + phase)
        np.testing.assert_allclose(volts, wave.at(time), atol=1e-12)
        assert (np.diff(volts) >= -1e-12).all() or (np.diff(volts) <= 1e-12).all()
