"""Properties of sweeps: however a sweep is split and resumed, its results are those of the whole."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crossbar import Axis, sweep
from crossbar.sweeps.keys import key

VALUES = st.lists(
    st.one_of(st.integers(-5, 5), st.floats(-5, 5, allow_nan=False), st.none()), min_size=1, max_size=4, unique_by=key
)
PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)


def evaluate(rng, a, b):
    if a == b:
        raise ValueError(f"both are {a}")
    return rng.normal() + (a or 0) * (b or 0)


@settings(max_examples=6)
@given(a=VALUES, b=VALUES, trials=st.integers(1, 3), seed=st.integers(0, 9), paired=st.booleans(), data=st.data())
def test_parts_in_a_store_give_the_whole(a, b, trials, seed, paired, data):
    options = {"seed": seed, "paired": paired}
    whole = sweep(evaluate, [Axis("a", a), Axis("b", b)], trials=trials, **options)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):
            part = [data.draw(st.lists(st.sampled_from(v), min_size=1, unique_by=key)) for v in (a, b)]
            axes = [Axis("a", part[0]), Axis("b", part[1])]
            sweep(evaluate, axes, trials=data.draw(st.integers(1, 3)), store=Path(folder) / "s.zarr", **options)
        found = sweep(evaluate, [Axis("a", a), Axis("b", b)], trials=trials, store=Path(folder) / "s.zarr", **options)
    assert found.identical(whole)


@given(PLAIN, PLAIN)
def test_keys_are_equal_for_equal_values_alone(one, other):
    def plain(value):
        """The value in which numbers are told from truth values, and lists are tuples."""
        if isinstance(value, list):
            return ("sequence", *map(plain, value))
        if isinstance(value, dict):
            return ("mapping", frozenset((k, plain(v)) for k, v in value.items()))
        return ("number" if type(value) in (int, float) else type(value), value)

    assert (key(one) == key(other)) == (plain(one) == plain(other))
    assert key(one) == key(np.asarray(one).item() if isinstance(one, float) else one)
