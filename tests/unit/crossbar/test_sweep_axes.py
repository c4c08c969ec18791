"""Axes of a sweep: what values become, and which are refused before anything is evaluated."""

from dataclasses import dataclass

import numpy as np
import pytest

from crossbar import Amplitude, Axis, Design, DifferentialPairs, PulseWidth, Wires, log_axis, sweep
from crossbar.sweeps.keys import key, unread_arguments
from devices import InputError, Lognormal, device


def never(rng, **point):
    raise AssertionError("evaluated")


def values_and_coordinate(values, **options):
    dimension = Axis("a", values, **options).dimension()
    return [p["a"] for p in dimension.points], dimension.coordinates["a"][0]


@pytest.mark.parametrize(
    ("values", "kinds", "coordinate"),
    [
        ((4, 6, 8), int, [4, 6, 8]),
        (np.array([4, 6]), int, [4, 6]),
        (range(2), int, [0, 1]),
        ((1, 2.5), float, [1.0, 2.5]),
        ((np.float32(0.5), np.int64(1)), float, [0.5, 1.0]),
        ((True, False), bool, [True, False]),
        (("pairs", "offset"), str, ["pairs", "offset"]),
        (((64, 64), (32, 64)), tuple, ["(64, 64)", "(32, 64)"]),
    ],
)
def test_values_keep_their_type(values, kinds, coordinate):
    points, shown = values_and_coordinate(values)
    assert [type(v) for v in points] == [kinds] * len(points)
    assert shown.tolist() == coordinate


def test_none_is_a_value_and_whole_numbers_beside_it_stay_whole():
    points, shown = values_and_coordinate((4, None, 6), unit="bit")
    assert points == [4, None, 6]
    assert [type(v) for v in points] == [int, type(None), int]
    assert shown.tolist() == ["4", "None", "6"]


def test_objects_have_readable_labels():
    cells = device("vteam"), device("yakopcic")
    assert values_and_coordinate(cells)[1].tolist() == [repr(c) for c in cells]
    assert values_and_coordinate((DifferentialPairs, Wires))[1].tolist() == ["DifferentialPairs", "Wires"]
    assert values_and_coordinate(((), (Lognormal(0.1),)))[1][1] == "(Lognormal(sigma=0.1))"
    assert values_and_coordinate(({"a": 1}, {"a": 2}))[1].tolist() == ["a=1", "a=2"]
    assert values_and_coordinate((Amplitude(), PulseWidth(bits=4)))[1].tolist() == ["Amplitude()", "PulseWidth(bits=4)"]
    assert values_and_coordinate((Wires(), Wires(word_line=1.0)), labels=("ideal", "1 ohm"))[1].tolist()[0] == "ideal"


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ((), {}, "a: got no values"),
        ("abc", {}, "a: got 'abc'; allowed: a list"),
        ((1, "2"), {}, "a: got '2' among numbers"),
        ((1, True), {}, "a: got True among numbers"),
        ((1, (1, 2)), {}, "among numbers"),
        (("0.1", "0.2"), {}, "a: got '0.1'; allowed: names"),
        (("False", "x"), {}, "a: got 'False'; allowed: names"),
        (("none",), {}, "a: got 'none'"),
        (("low", "high"), {"unit": "ohm"}, r"a: got 'low'; allowed: numbers \[ohm\]"),
        ((1.0, np.nan), {}, "a: got nan"),
        ((1.0, np.inf), {}, "a: got inf"),
        ((1, 1.0), {}, "a: got 1 twice"),
        ((1j,), {"unit": "ohm"}, "a: got 1j"),
        ((object(), 1.0), {}, "among"),
        ((object(),), {}, "labels, or|labels="),
        ((Wires(), Wires()), {"labels": ("a", "b")}, "a: got b twice"),
        ((Wires(), Wires(word_line=1.0)), {"labels": ("a", "a")}, "a: got a twice; allowed: different labels"),
        ((Wires(),), {"labels": ("a", "b")}, "a: got 2 labels"),
    ],
)
def test_refused_values(values, options, message):
    with pytest.raises(InputError, match=message):
        sweep(never, [Axis("a", values, **options)])


@pytest.mark.parametrize("name", ["trial", "rng", "seed", "status", "error", "two words", "", 3, "_a", "a/b"])
def test_refused_names(name):
    with pytest.raises(InputError, match="name: got"):
        sweep(never, [Axis(name, (1, 2))])


@pytest.mark.parametrize(
    "axes", [(), None, 3, [1], (Axis("a", (1,)), Axis("a", (2,))), [Axis("accuracy", (1,))], [Axis("x", (1,)), "y"]]
)
def test_refused_lists_of_axes(axes):
    with pytest.raises(InputError, match=r"axes: got|name: got 'accuracy'"):
        sweep(never, axes)


def test_values_must_be_of_the_type_that_the_function_declares():
    def evaluate(rng, bits: int | None, share: float, flag: bool, name: str):
        raise AssertionError("evaluated")

    good = {"bits": (4, None), "share": (0, 0.5), "flag": (True,), "name": ("x",)}
    for axis, values, text in (
        ("bits", (4.5,), "int | None"),
        ("bits", (True,), "int | None"),
        ("share", ("low",), "float"),
        ("share", (None, 0.1), "float"),
        ("flag", (0, 1), "bool"),
        ("flag", ("yes!",), "bool"),
        ("name", (1,), "str"),
    ):
        with pytest.raises(InputError, match=rf"{axis}: got .*; allowed: {text}".replace("|", r"\|")):
            sweep(evaluate, {**good, axis: values})


def test_the_function_must_take_the_axes():
    with pytest.raises(InputError, match=r"axes: got a, c: .*unexpected keyword argument 'c'"):
        sweep(lambda rng, a, b=1: a, {"a": (1,), "c": (1,)})
    with pytest.raises(InputError, match="axes: got a: missing a required argument: 'b'"):
        sweep(lambda rng, a, b: a, {"a": (1,)})
    with pytest.raises(InputError, match="evaluate: got 3"):
        sweep(3, {"a": (1,)})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": 0}, "trials"),
        ({"trials": 2.0}, "trials"),
        ({"seed": -1}, "seed"),
        ({"paired": "False"}, "paired: got 'False'"),
        ({"progress": 1}, "progress"),
        ({"executor": "pool"}, "executor: got 'pool'"),
        ({"executor": 0}, "executor: got 0"),
        ({"executor": True}, "executor: got True"),
        ({"task_seconds": -1.0}, "task_seconds"),
        ({"outputs": ["accuracy"]}, "outputs"),
        ({"stamp": 1}, "stamp"),
        ({"used": [3]}, "used: got int"),
        ({"name": "trial"}, "name: got 'trial'"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises(InputError, match=message):
        sweep(never, {"a": (1,)}, **options)


def test_log_axis_has_round_values():
    assert log_axis("r", 1e-3, 1e3, 7, "ohm").values == (1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3)
    with pytest.raises(InputError, match="first"):
        log_axis("r", 0.0, 1.0, 3)


@pytest.mark.parametrize("method", ["sobol", "halton", "latin hypercube"])
def test_designs_fill_their_limits(method):
    design = Design({"sigma": (0.0, 0.4), "r": (0.1, 100.0)}, 64, method=method, log=("r",), units={"r": "ohm"})
    result = sweep(lambda rng, sigma, r: sigma + np.log10(r), design, name="sum")
    assert result["sum"].dims == ("sample", "trial")
    assert result.r.attrs["units"] == "ohm"
    for values, low, high in ((result.sigma, 0.0, 0.4), (np.log10(result.r), -1.0, 2.0)):
        counts = np.histogram(values, bins=4, range=(low, high))[0]
        assert counts.sum() == 64
        assert counts.min() >= 13
    np.testing.assert_allclose(result["sum"][:, 0], result.sigma + np.log10(result.r), rtol=1e-12)


@pytest.mark.parametrize("method", ["sobol", "halton"])
def test_a_longer_sequence_begins_with_a_shorter_one(method):
    short, long = (Design({"a": (0.0, 1.0), "b": (0.0, 1.0)}, n, method=method).dimension() for n in (5, 12))
    assert long.keys[:5] == short.keys


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"limits": {}}, "limits"),
        ({"limits": {"a": (1.0, 0.0)}}, "a: got 0"),
        ({"limits": {"a": (0.0, 1.0)}, "log": ("a",)}, "a: got 0"),
        ({"limits": {"a": (0.0, 1.0)}, "log": ("b",)}, "log: got 'b'"),
        ({"limits": {"a": 1.0}}, "a: got 1.0"),
        ({"limits": {"seed": (0.0, 1.0)}}, "name: got 'seed'"),
        ({"limits": {"a": (0.0, 1.0)}, "method": "random"}, "method"),
        ({"limits": {"a": (0.0, 1.0)}, "count": 0}, "count"),
    ],
)
def test_refused_designs(given, message):
    with pytest.raises(InputError, match=message):
        sweep(never, Design(**{"count": 4, **given}))


def test_keys_tell_values_apart():
    @dataclass
    class Held:
        a: object = 1

    same = [
        (1, 1.0, np.float64(1.0), np.int8(1)),
        ((1, 2), [1, 2]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Held(), Held(1.0)),
        (np.arange(3), np.arange(3)),
        (device("vteam"), device("vteam")),
    ]
    for group in same:
        assert len({key(v) for v in group}) == 1
    different = [1, 2, True, "1", "True", None, "None", (1,), {"a": 1}, Held(), Held(2), np.arange(3), np.arange(3.0)]
    different += [device("vteam"), device("vteam", r_off=2e3), Wires(), Wires(word_line=1.0), Wires, 2**70, 2**70 + 1]
    different += [lambda: 1, lambda: 2]
    keys = [key(v) for v in different]
    assert len(set(keys)) == len(keys)
    with pytest.raises(InputError, match="values: got"):
        key(n for n in ())


def test_arguments_that_are_never_read():
    def evaluate(rng, a, b, c, d=1):
        def inner():
            return c

        b = 2
        return a + inner() + b

    assert unread_arguments(evaluate, ["a", "b", "c", "d"]) == ["d"]
