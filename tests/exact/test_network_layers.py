"""Layers of all kinds on ideal arrays, against SciPy's correlation and equations written out here."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate

from crossbar import (
    Activation,
    AnalogNetwork,
    BatchNorm,
    Bidirectional,
    Convolution,
    Dense,
    Function,
    Graph,
    Node,
    Pool,
    Recipe,
    Recurrent,
    Reshape,
)
from crossbar.inference.graph import chain
from crossbar.inference.layers import Digital
from devices import InputError, Lognormal, PowerLawDrift, WhiteNoise

IDEAL = Recipe(conductance_limits=(1e-6, 1e-5), tile=(16, 16))


def on_arrays(layers, x, **options):
    """Outputs of a network on ideal arrays, and in software."""
    network = AnalogNetwork.program(layers, IDEAL, calibration=x, classes=(), **options)
    return network.decision(x), network.graph.exact(x)


def correlation(x, w, b, stride, padding, dilation, groups):
    """The convolution of a network, one output at a time, by SciPy."""
    wide = np.zeros((*w.shape[:2], *(d * (k - 1) + 1 for k, d in zip(w.shape[2:], dilation, strict=True))))
    wide[(..., *(slice(None, None, d) for d in dilation))] = w
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    each_in, each_out = x.shape[1] // groups, len(w) // groups
    found = []
    for o in range(len(w)):
        first = o // each_out * each_in
        parts = [
            [correlate(image[first + c], wide[o, c], mode="valid", method="direct") for c in range(each_in)]
            for image in padded
        ]
        found.append(np.sum(parts, axis=1)[(slice(None), *(slice(None, None, s) for s in stride))] + b[o])
    return np.stack(found, axis=1)


@given(st.data())
def test_convolutions_of_any_shape(data):
    axes = data.draw(st.integers(1, 3))
    small = st.integers(1, 3 if axes < 3 else 2)
    draw = lambda strategy: tuple(data.draw(strategy) for _ in range(axes))  # noqa: E731
    groups, kernel, stride, dilation = data.draw(st.integers(1, 3)), draw(small), draw(small), draw(small)
    padding = tuple((data.draw(st.integers(0, 2)), data.draw(st.integers(0, 2))) for _ in range(axes))
    each_in, each_out = data.draw(st.integers(1, 2)), data.draw(st.integers(1, 2))
    sizes = tuple(d * (k - 1) + 1 + data.draw(st.integers(0, 3)) for k, d in zip(kernel, dilation, strict=True))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.normal(size=(2, groups * each_in, *sizes))
    w, b = rng.normal(size=(groups * each_out, each_in, *kernel)), rng.normal(size=groups * each_out)
    layer = Convolution(w, b, stride=stride, padding=padding, dilation=dilation, groups=groups)
    found, software = on_arrays([layer], x)
    wanted = correlation(x, w, b, stride, padding, dilation, groups)
    assert len(layer.matrices) == groups
    np.testing.assert_allclose(software, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * np.abs(wanted).max())


def test_pooling():
    x = np.arange(16.0).reshape(1, 1, 4, 4)
    pooled = lambda *a, **k: chain([Pool(*a, **k)]).exact(x)[0, 0].tolist()  # noqa: E731
    assert pooled("max", (2, 2)) == [[5, 7], [13, 15]]
    assert pooled("average", (2, 2)) == [[2.5, 4.5], [10.5, 12.5]]
    assert pooled("max", (3, 3), stride=2, padding=1) == [[5, 7], [13, 15]]
    assert pooled("average", (2, 2), stride=3, padding=1) == [[0, 2.5], [10, 12.5]]
    assert pooled("average", (2, 2), stride=3, padding=1, count_padding=True) == [[0, 1.25], [5, 12.5]]
    assert pooled("max", (3, 3), stride=2, ceil=True) == [[10, 11], [14, 15]]
    assert pooled("average", (3, 3), stride=2, ceil=True) == [[5, 6.5], [11, 12.5]]
    assert pooled("max", (2, 2), stride=1, dilation=3) == [[15]]
    assert pooled("average") == [[7.5]]


def test_a_convolutional_network_with_batch_norm_equals_its_software():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 2, 9, 8))
    norms = [
        BatchNorm(rng.normal(size=n), rng.uniform(0.5, 2, n), rng.normal(size=n), rng.normal(size=n)) for n in (4, 5)
    ]
    layers = {
        "conv": Convolution(rng.normal(size=(4, 2, 3, 3)), rng.normal(size=4), padding=1),
        "norm": norms[0],
        "relu": "relu",
        "pool": Pool("max", (2, 2)),
        "flat": Reshape(),
        "dense": Dense(rng.normal(size=(64, 5))),
        "norm 2": norms[1],
        "softmax": "softmax",
    }
    network = AnalogNetwork.program(layers, IDEAL, calibration=x)
    assert [n.name for n in network.graph.nodes] == ["conv", "relu", "pool", "flat", "dense", "softmax"]
    wanted = chain(layers).exact(x)
    np.testing.assert_allclose(network.graph.exact(x), wanted, rtol=0, atol=1e-14)
    np.testing.assert_allclose(network.decision(x), wanted, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(network.predict(x), wanted.argmax(axis=1))
    np.testing.assert_allclose(wanted.sum(axis=1), 1.0, rtol=1e-12)


def test_a_residual_network():
    """Values that are used twice; a batch norm after a value that has another use stays digital."""
    rng = np.random.default_rng(6)
    w, x = rng.normal(size=(3, 3)), rng.normal(size=(5, 3))
    norm = BatchNorm(rng.normal(size=3), rng.uniform(1, 2, 3))
    nodes = [
        Node("dense", Dense(w), ("",), "a"),
        Node("norm", norm, ("a",), "b"),
        Node("sum", Function(np.add), ("a", "b"), "c"),
        Node("again", Dense(w), ("c",), "d"),
        Node("all", Function(lambda *v: np.concatenate(v, axis=1)), ("", "d", ""), "e"),
    ]
    found, software = on_arrays(Graph(tuple(nodes)), x)
    a = x @ w
    wanted = np.hstack([x, (a + a * norm.scale + norm.shift) @ w, x])
    np.testing.assert_allclose(software, wanted, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("cell", ["rnn_tanh", "rnn_relu", "lstm", "gru"])
def test_recurrent_layers_follow_their_equations(cell, reverse):
    rng = np.random.default_rng(2)
    gates, n, samples, times = {"lstm": 4, "gru": 3}.get(cell, 1), 3, 4, 5
    w, u = rng.normal(size=(2, gates * n)), rng.normal(size=(n, gates * n))
    b, c, x = rng.normal(size=gates * n), rng.normal(size=gates * n), rng.normal(size=(samples, times, 2))
    wanted = np.empty((samples, times, n))
    for k in range(samples):
        h, s = np.zeros(n), np.zeros(n)
        for t in range(times)[:: -1 if reverse else 1]:
            a, r = (x[k, t] @ w + b).reshape(gates, n), (h @ u + c).reshape(gates, n)
            if cell == "lstm":
                i, f, o = (sigmoid(a[g] + r[g]) for g in (0, 1, 3))
                s = f * s + i * np.tanh(a[2] + r[2])
                h = o * np.tanh(s)
            elif cell == "gru":
                q, z = (sigmoid(a[g] + r[g]) for g in (0, 1))
                h = (1 - z) * np.tanh(a[2] + q * r[2]) + z * h
            else:
                h = np.tanh(a[0] + r[0]) if cell == "rnn_tanh" else np.maximum(a[0] + r[0], 0.0)
            wanted[k, t] = h
    layer = Recurrent(cell, w, u, b, c, reverse=reverse)
    found, _ = on_arrays([layer], x)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12 * max(1.0, np.abs(wanted).max()))
    last, _ = on_arrays([Recurrent(cell, w, u, b, c, reverse=reverse, sequences=False)], x)
    np.testing.assert_allclose(last, wanted[:, 0 if reverse else -1], atol=1e-12 * max(1.0, np.abs(wanted).max()))


def test_both_directions_stand_side_by_side():
    rng = np.random.default_rng(3)
    parts = [Recurrent("gru", rng.normal(size=(2, 9)), rng.normal(size=(3, 9)), reverse=r) for r in (False, True)]
    x = rng.normal(size=(4, 5, 2))
    found, _ = on_arrays([Bidirectional(*parts)], x)
    wanted = np.concatenate([chain([part]).exact(x) for part in parts], axis=-1)
    np.testing.assert_allclose(found, wanted, atol=1e-12)


NOISY = replace(
    IDEAL, adc_bits=8, effects=(Lognormal(0.05), PowerLawDrift(1.0, nu=0.05), WhiteNoise("thermal", 0.3, 1e8))
)


def small_networks():
    rng = np.random.default_rng(4)
    images = rng.normal(size=(5, 1, 6, 6))
    convolution = [Convolution(rng.normal(size=(3, 1, 3, 3))), "relu", Reshape(), Dense(rng.normal(size=(48, 4)))]
    sequences = rng.normal(size=(5, 4, 2))
    recurrent = [
        Recurrent("lstm", rng.normal(size=(2, 12)), rng.normal(size=(3, 12)), sequences=False),
        Dense(rng.normal(size=(3, 4))),
    ]
    return [(convolution, images), (recurrent, sequences)]


@pytest.mark.parametrize("case", [0, 1])
def test_noise_of_a_sample_is_the_same_alone_and_among_others(case):
    layers, x = small_networks()[case]
    network = AnalogNetwork.program(layers, NOISY, calibration=x)
    together = network.decision(x, seed=3)
    alone = np.concatenate([network.decision(one[None], seed=3) for one in x])
    np.testing.assert_allclose(alone, together, rtol=1e-12, atol=1e-12 * np.abs(together).max())
    assert np.abs(network.decision(x, seed=4) - together).max() > 1e-6
    assert np.abs(network.decision(x) - network.decision(x)).max() > 1e-6, "noise moves on without a seed"


def test_each_position_and_each_time_has_noise_of_its_own():
    x = np.ones((2, 1, 6, 6))
    recipe = replace(IDEAL, effects=(WhiteNoise("thermal", 0.3, 1e8),))
    network = AnalogNetwork.program([Convolution(np.ones((1, 1, 2, 2)))], recipe, calibration=x, classes=())
    assert np.unique(network.decision(x, seed=0)).size == 2 * 25
    cell = Recurrent("rnn_relu", np.eye(1), np.zeros((1, 1)))
    network = AnalogNetwork.program([cell], recipe, calibration=np.ones((2, 5, 1)), classes=())
    assert np.unique(network.decision(np.ones((2, 5, 1)), seed=0)).size == 2 * 5


@pytest.mark.parametrize("case", [0, 1])
def test_networks_age_and_are_compensated(case):
    layers, x = small_networks()[case]
    recipe = replace(IDEAL, effects=(PowerLawDrift(1.0, nu=0.05),))
    network = AnalogNetwork.program(layers, recipe, calibration=x)
    aged, wanted = network.at(1e6), network.graph.exact(x)
    np.testing.assert_allclose(network.decision(x), wanted, atol=1e-12 * np.abs(wanted).max())
    off = np.abs(aged.decision(x) - wanted).max()
    assert off > 0.01 * np.abs(wanted).max()
    np.testing.assert_allclose(aged.compensated(x).decision(x), wanted, atol=1e-9 * np.abs(wanted).max())
    coarse = AnalogNetwork.program(layers, replace(recipe, adc_bits=6), calibration=x).at(1e6)
    ranges = [net.tiles[0][0].adc.full_scale for net in (coarse, coarse.calibrated(x))]
    assert ranges[1] < 0.8 * ranges[0]


def test_layers_in_software_and_with_recipes_of_their_own():
    layers, x = small_networks()[0]
    coarse = replace(IDEAL, adc_bits=3)
    exact = AnalogNetwork.program(layers, coarse, calibration=x, per_layer={"layers[0]": IDEAL}, exclude=["layers[3]"])
    assert len(exact.layers) == 1
    lines = [line.split("  ") for line in str(exact.graph).splitlines()]
    assert [[part.strip() for part in line if part] for line in lines] == [
        ["layer", "kind", "matrices on arrays"],
        ["layers[0]", "Convolution", "9 x 3"],
        ["layers[1]", "relu", "none"],
        ["layers[2]", "Reshape", "none"],
        ["layers[3]", "Dense", "none"],
    ]
    assert isinstance(exact.graph.nodes[3].layer, Digital)
    wanted = chain(layers).exact(x)
    np.testing.assert_allclose(exact.decision(x), wanted, atol=1e-12 * np.abs(wanted).max())
    rough = AnalogNetwork.program(layers, coarse, calibration=x, per_layer={"layers[3]": IDEAL})
    assert np.abs(rough.decision(x) - wanted).max() > 0.01 * np.abs(wanted).max()


def test_runs_count_and_keep_all_vectors_in_blocks(monkeypatch):
    layers, x = small_networks()[0]
    network = AnalogNetwork.program(layers, NOISY, calibration=x)
    whole = network.run(x, seed=1)
    assert [d.shape for d in whole.driven] == [(5 * 16, 9), (5, 48)]
    assert [c.conversions_of for c in whole.clipped] == [5 * 16 * 6, 5 * 8 * 3]
    monkeypatch.setattr("crossbar.inference.network._NUMBERS", 300)
    monkeypatch.setattr("crossbar.inference.network._SMALL", 1)
    blocks = network.run(x, seed=1)
    np.testing.assert_allclose(blocks.outputs, whole.outputs, rtol=1e-12, atol=1e-12)
    assert blocks.clipped == whole.clipped
    np.testing.assert_allclose(np.concatenate(blocks.driven, axis=None), np.concatenate(whole.driven, axis=None))


def test_a_logistic_output_decides_at_one_half():
    x = np.array([[-2.0], [1.0], [3.0]])
    network = AnalogNetwork.from_layers([[[1.0]]], None, IDEAL, activations=["logistic"], calibration=x)
    assert network.predict(x).tolist() == [0, 1, 1]


EYE = np.eye(3)


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ({"a": Dense(EYE), "b": Dense(np.eye(4))}, {}, r"b, inputs: got shape \(1, 3\); .*\(samples, ..., 4\)"),
        ({"conv": Convolution(np.ones((1, 1, 2, 2)))}, {}, r"conv, inputs: got shape \(1, 3\)"),
        ({"x": Pool("max", (2, 2))}, {}, r"x, inputs: got shape \(1, 3\)"),
        ([Dense(EYE), "rleu"], {}, r"activation: got 'rleu'.*try: relu"),
        ([Dense(EYE), 3], {}, r"layers\[1\]: got int; allowed: a layer"),
        ([], {}, r"layers: got \[\]"),
        (None, {}, r"layers: got NoneType; allowed: several layers"),
        (Dense(EYE), {}, r"layers: got Dense; .*try: \[Dense"),
        ([Dense(EYE), Activation("softmax", {"axis": 4})], {}, r"layers\[1\], inputs: got shape \(1, 3\): axis 4"),
        ([Dense(EYE)], {"exclude": None}, r"exclude: got None; allowed: a collection of names; try: \(\)"),
        (["relu"], {}, r"layers: got none with a matrix"),
        ([Dense(EYE)], {"exclude": ["dense"]}, r"exclude: got 'dense'; allowed: .*layers\[0\]"),
        ([Dense(EYE)], {"exclude": "layers[0]"}, r"exclude: got 'layers\[0\]'"),
        ([Dense(EYE)], {"per_layer": {"d": IDEAL}}, r"per_layer: got 'd'"),
        ([Dense(EYE)], {"per_layer": {"layers[0]": 8}}, r"per_layer\['layers\[0\]'\]: got int; allowed: a Recipe"),
        ([Dense(EYE)], {"per_layer": [IDEAL]}, r"per_layer: got list; allowed: recipes by name"),
        ([Dense(EYE)], {"classes": [1, 2]}, r"classes: got shape \(2,\)"),
        ({"fc": Dense(1e-300 * EYE)}, {}, r"fc, weights: got 1e-300 at most"),
        ([BatchNorm(np.zeros(2), np.ones(2)), Dense(EYE)], {}, r"layers\[0\], inputs: got shape \(1, 3\)"),
        ([Dense(EYE), Reshape((2, 2))], {}, r"layers\[1\], inputs: got shape \(1, 3\)"),
    ],
)
def test_layers_that_cannot_be_mapped_are_named(layers, options, message):
    with pytest.raises(InputError, match=message):
        AnalogNetwork.program(layers, IDEAL, calibration=np.ones((2, 3)), **options)


def test_a_recipe_is_needed():
    with pytest.raises(InputError, match="recipe: got str; allowed: a Recipe"):
        AnalogNetwork.program([Dense(EYE)], "ideal", calibration=np.ones((2, 3)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense([[np.nan]]), r"weights: got nan at index \(0, 0\)"),
        (lambda: Dense(EYE, np.ones(2)), r"bias: got shape \(2,\)"),
        (lambda: Convolution(np.ones((2, 2))), r"weights: got shape \(2, 2\)"),
        (lambda: Convolution(np.ones((3, 1, 2)), groups=2), r"groups: got 2"),
        (lambda: Convolution(np.ones((1, 1, 2)), stride=0), r"stride: got 0"),
        (lambda: Convolution(np.ones((1, 1, 2, 2)), padding=(1, 2, 3)), r"padding: got \(1, 2, 3\)"),
        (lambda: Convolution(np.ones((1, 1, 2)), padding=-1), r"padding: got -1"),
        (lambda: Pool("mean", (2,)), r"kind: got 'mean'"),
        (lambda: Pool("max", (2,), padding=2), r"padding: got 2 for a window of 2"),
        (lambda: BatchNorm(np.zeros(2), -np.ones(2)), r"variance: got -1"),
        (lambda: Recurrent("gru", np.ones((2, 9)), np.ones((4, 9))), r"input_weights: got shape \(2, 9\)"),
        (
            lambda: Recurrent("lstm", np.ones((2, 4)), np.ones((1, 4)), reset_first=True),
            r"reset_first: got True for lstm",
        ),
        (lambda: Activation("relu", {"slope": 2.0}), r"parameters of relu: got .*slope"),
        (lambda: Graph((Node("a", Dense(EYE), ("x",), "y"),)), r"inputs of node 'a': got 'x'; allowed: '' for"),
        (lambda: Graph((Node("a", Dense(EYE), ("",), ""),)), r"output of a node: got '' twice"),
        (lambda: Graph(()), r"nodes: got none"),
        (lambda: Recurrent("gate", np.ones((2, 9)), np.ones((3, 9))), r"cell: got 'gate'"),
    ],
)
def test_bad_layers(make, message):
    with pytest.raises(InputError, match=message):
        make()
