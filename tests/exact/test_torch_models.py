"""Models of torch whose layers are computed by arrays, against torch itself.

They need torch (``tools/torch-cpu.sh .venv/bin/python`` installs a CPU build). Without it they are left out, and fail
where ``CI`` is set.
"""

import importlib.util
import os
from dataclasses import replace

import numpy as np
import pytest

from crossbar import Pool, Recipe, Wires, analog_modules, convertible, from_torch, to_torch, with_matrices
from crossbar.inference.graph import chain
from devices import InputError, Lognormal, PowerLawDrift, WhiteNoise

if importlib.util.find_spec("torch") is None and not os.environ.get("CI"):
    pytest.skip("no torch: run tools/torch-cpu.sh PYTHON", allow_module_level=True)

import torch
from torch import nn

IDEAL = Recipe(conductance_limits=(1e-6, 1e-5), tile=(32, 32))
NOISY = replace(IDEAL, effects=(Lognormal(0.1), PowerLawDrift(1.0, nu=0.05), WhiteNoise("thermal", 0.3, 1e8)))


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
    torch.set_num_threads(1)


def flat(outputs):
    """All tensors of an output."""
    return [t for o in outputs for t in flat(o)] if isinstance(outputs, tuple) else [outputs]


def check(model, *inputs, **options):
    """The ideal recipe equals torch to 1e-6; returns the copy."""
    given = inputs if len(inputs) > 1 else inputs[0]
    copy = from_torch(model, IDEAL, calibration=given, **options)
    with torch.no_grad():
        found, wanted = copy(*inputs), model.eval()(*inputs)
    for one, other in zip(flat(found), flat(wanted), strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6 * max(1.0, float(other.abs().max())))
    return copy


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: nn.Linear(5, 3, bias=False), (4, 5)),
        (lambda: nn.Linear(5, 3), (4, 2, 5)),
        (lambda: nn.Linear(5, 3), (5,)),
        (lambda: nn.Linear(5, 3).double(), (4, 5)),
        (lambda: nn.Conv1d(4, 6, 3, padding="same", dilation=2, groups=2), (3, 4, 9)),
        (lambda: nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(2, 1), padding_mode="reflect"), (3, 2, 7, 6)),
        (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="circular"), (2, 5, 6)),
        (lambda: nn.Conv2d(2, 3, 3, padding=1, padding_mode="replicate", bias=False), (2, 2, 5, 6)),
        (lambda: nn.Conv2d(2, 3, (3, 5), padding="same", dilation=(1, 2)), (2, 2, 9, 10)),
        (lambda: nn.Conv3d(1, 2, 2), (2, 1, 3, 4, 3)),
        *[(lambda c=c: c(3, 4), (5, 2, 3)) for c in (nn.RNN, nn.LSTM, nn.GRU)],
        *[(lambda c=c: c(3, 4, batch_first=True), (2, 5, 3)) for c in (nn.RNN, nn.LSTM, nn.GRU)],
        *[(lambda c=c: c(3, 4, 2, bidirectional=True, dropout=0.1), (5, 2, 3)) for c in (nn.LSTM, nn.GRU)],
        (lambda: nn.RNN(3, 4, 2, nonlinearity="relu", bias=False), (5, 3)),
        *[(lambda c=c: c(3, 4), (2, 3)) for c in (nn.RNNCell, nn.LSTMCell, nn.GRUCell)],
        (lambda: nn.LSTMCell(3, 4), (3,)),
    ],
)
def test_each_kind_of_module(make, shape):
    model = make()
    check(model, torch.randn(shape, dtype=next(model.parameters()).dtype))


@pytest.mark.parametrize("cell", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_modules_with_first_states(cell):
    states = torch.randn(4, 2, 4), torch.randn(4, 2, 4)
    given = states if cell is nn.LSTM else states[0]
    check(cell(3, 4, 2, bidirectional=True), torch.randn(5, 2, 3), given)


class Loop(nn.Module):
    """Code of any kind: a cell in a loop, a module that is used twice, a residual sum, a product in torch."""

    def __init__(self):
        super().__init__()
        self.cell, self.mix, self.norm = nn.GRUCell(3, 4), nn.Linear(4, 4), nn.LayerNorm(4)
        self.scale = nn.Parameter(torch.randn(4))
        self.again = self.mix

    def forward(self, x):
        h = torch.zeros(len(x), 4)
        for t in range(x.shape[1]):
            h = self.cell(input=x[:, t], hx=h)
        h = self.norm(h + torch.relu(self.mix(h)))
        return self.again(h) * self.scale


def mlp():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3))


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.GELU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def test_models_of_any_code():
    copy = check(Loop(), torch.randn(3, 5, 3))
    assert list(analog_modules(copy)) == ["cell", "mix"]
    assert copy.again is copy.mix
    check(mlp(), torch.randn(5, 3, 4))
    model = cnn()
    model.train()(torch.randn(20, 1, 8, 8))
    copy = check(model, torch.randn(5, 1, 8, 8))
    assert isinstance(copy[1], nn.BatchNorm2d)
    assert isinstance(model[0], nn.Conv2d), "the model itself is not changed"


def test_recipes_of_single_modules_and_excluded_ones():
    model, x = nn.Sequential(mlp(), nn.Linear(3, 2)), torch.randn(6, 3, 4)
    coarse = replace(IDEAL, adc_bits=3)
    exact = from_torch(model, coarse, calibration=x, per_layer={"0": IDEAL}, exclude=["1"])
    assert list(analog_modules(exact)) == ["0.1", "0.4"]
    torch.testing.assert_close(exact(x), model.eval()(x), rtol=0, atol=1e-6)
    rough = from_torch(model, IDEAL, calibration=x, per_layer={"0.4": coarse})
    assert (rough(x) - model(x)).abs().max() > 1e-2
    assert sum(m.clipped[0].conversions_of for m in analog_modules(rough).values()) == 6 * 6


def test_noise_at_a_seed_and_without():
    """A sample alone and among others, in modules of all kinds; each module has noise of its own."""
    for model, x in (
        (cnn(), torch.randn(4, 1, 8, 8)),
        (Loop(), torch.randn(4, 5, 3)),
        (nn.GRU(3, 4), torch.randn(5, 4, 3)),
    ):
        copy = from_torch(model, NOISY, calibration=x)
        first = lambda out: out[0] if isinstance(out, tuple) else out  # noqa: E731
        axis = 1 if isinstance(model, nn.GRU) else 0
        with torch.no_grad():
            assert (first(copy(x)) - first(copy(x))).abs().max() > 1e-7
            for module in analog_modules(copy).values():
                module.seed = 3
            together = first(copy(x))
            alone = torch.cat([first(copy(one)) for one in x.split(1, axis)], axis)
        torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("make", "shape"), [(mlp, (6, 3, 4)), (cnn, (4, 1, 8, 8)), (Loop, (4, 5, 3))])
def test_networks_age_and_are_compensated(make, shape):
    model, x = make(), torch.randn(shape)
    drift = replace(IDEAL, adc_bits=14, effects=(PowerLawDrift(1.0, nu=0.05), WhiteNoise("thermal", 0.3, 1.0)))
    copy = from_torch(model, drift, calibration=x)
    with torch.no_grad():
        wanted = model.eval()(x)
        size = float(wanted.abs().max())
        torch.testing.assert_close(copy(x), wanted, rtol=0, atol=1e-2 * size)
        aged = with_matrices(copy, lambda matrix: matrix.at(1e6))
        assert (aged(x) - wanted).abs().max() > 0.05 * size
        torch.testing.assert_close(copy(x), wanted, rtol=0, atol=1e-2 * size)
        again = with_matrices(aged, lambda matrix, inputs: matrix.compensated(inputs), x)
        torch.testing.assert_close(again(x), wanted, rtol=0, atol=1e-2 * size)
    assert all(m.recorded == [] for m in analog_modules(again).values())


def test_gradients_pass_through_to_what_stays_in_torch():
    x, model = torch.randn(4, 1, 8, 8, requires_grad=True), cnn()
    copy = from_torch(model, IDEAL, calibration=x)
    copy(x).sum().backward()
    found = x.grad.clone(), copy[1].weight.grad
    x.grad = None
    model.eval()(x).sum().backward()
    torch.testing.assert_close(found, (x.grad, model[1].weight.grad), rtol=1e-4, atol=1e-6)
    assert {n.split(".")[0] for n, _ in copy.named_parameters()} == {"1"}, "only what stays in torch has parameters"


@pytest.mark.parametrize("make", [mlp, cnn, Loop, lambda: nn.LSTM(3, 4, 2, bidirectional=True)])
def test_back_to_torch(make):
    model = make()
    x = torch.randn({"Loop": (3, 5, 3), "LSTM": (5, 3, 3)}.get(type(model).__name__, (4, 1, 8, 8)))
    x = torch.randn(4, 3, 4) if make is mlp else x
    copy = from_torch(model, IDEAL, calibration=x)
    for weights in ("programmed", "read"):
        back = to_torch(copy, weights)
        assert [type(m) for m in back.modules()] == [type(m) for m in model.modules()]
        for (name, one), (_, other) in zip(back.named_parameters(), model.named_parameters(), strict=True):
            torch.testing.assert_close(one.data, other.data, rtol=0, atol=1e-6, msg=name)
    real = replace(IDEAL, effects=(Lognormal(0.2),), wires=Wires(word_line=20.0, bit_line=20.0))
    copy = from_torch(model, real, calibration=x)
    with torch.no_grad():  # linear tiles: the weights that are read give the outputs of the arrays
        torch.testing.assert_close(flat(to_torch(copy, "read")(x)), flat(copy(x)), rtol=0, atol=1e-5)


def test_pooling_equals_that_of_torch():
    """Random windows, strides, paddings, dilations and sizes, with a last window that reaches past the end or not."""
    rng, compared = np.random.default_rng(0), 0
    for _ in range(300):
        kernel, stride, dilation = (tuple(map(int, rng.integers(1, top, 2))) for top in (4, 4, 3))
        padding, ceil, counted = [int(rng.integers(0, k // 2 + 1)) for k in kernel], *(rng.integers(2, size=2) == 1)
        x = torch.from_numpy(rng.normal(size=(1, 2, *rng.integers(1, 9, 2))))
        options = {"stride": stride, "padding": padding, "ceil": bool(ceil)}
        extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        if all(n + 2 * p >= e for n, p, e in zip(x.shape[2:], padding, extent, strict=True)):
            wanted = nn.functional.max_pool2d(x, kernel, stride, padding, dilation, ceil_mode=bool(ceil))
            if torch.isfinite(wanted).all():
                found = chain([Pool("max", kernel, dilation=dilation, **options)]).exact(x.numpy())
                np.testing.assert_array_equal(found, wanted.numpy())
                compared += 1
        if all(n + 2 * p >= k for n, p, k in zip(x.shape[2:], padding, kernel, strict=True)):
            wanted = nn.functional.avg_pool2d(x, kernel, stride, padding, bool(ceil), bool(counted))
            found = chain([Pool("average", kernel, count_padding=bool(counted), **options)]).exact(x.numpy())
            np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-14, atol=1e-14)
            compared += 1
    assert compared > 400


class Own(nn.Module):
    """A matrix in code of its own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3))
        self.fc = nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(x) @ self.weight


class Unused(nn.Module):
    """A layer that is not called."""

    def __init__(self):
        super().__init__()
        self.fc, self.spare = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.fc(x) @ self.spare.weight


class Doubled(nn.Linear):
    """A layer with a forward() of its own."""

    def forward(self, x):
        return 2 * super().forward(x)


def test_the_report_on_modules():
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.ReLU(), nn.ConvTranspose1d(2, 1, 3), Own(), nn.GRU(3, 4))
    report = convertible(model)
    assert not report
    assert report.analog == ("0", "4")
    assert report.refused == ("2", "3")
    lines = str(report).splitlines()
    assert lines[1].split() == ["0", "Conv1d", "analog", "2", "x", "1", "x", "3"]
    assert lines[2].split() == ["1", "ReLU", "digital"]
    assert "parameters that are used by code of its own: weight" in lines[4]
    assert convertible(mlp())
    assert not convertible(nn.ReLU())


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.ConvTranspose1d(3, 3, 1)), "1"),
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.TransformerEncoderLayer(3, 1)), "1"),
        (lambda: nn.ModuleDict({"a": nn.MultiheadAttention(3, 1), "b": nn.Linear(3, 3)}), "a"),
        (lambda: nn.Sequential(nn.Sequential(Own())), "0.0"),
        (lambda: nn.Sequential(nn.Linear(3, 3), Doubled(3, 3)), "1"),
        (lambda: nn.Sequential(nn.LSTM(3, 4, proj_size=2)), "0"),
        (lambda: nn.Sequential(nn.LazyLinear(3)), "0"),
        (lambda: nn.Sequential(nn.Linear(3, 3, dtype=torch.complex64)), "0"),
        (lambda: torch.nn.Sequential(torch.jit.ScriptModule()), "0"),
    ],
)
def test_modules_that_cannot_be_mapped_are_named(make, path):
    with pytest.raises(InputError, match=rf"module '{path}': got .*allowed: one that can be mapped; try: exclude="):
        from_torch(make(), IDEAL, calibration=torch.randn(2, 3))


def test_modules_that_stay_in_torch_where_asked():
    model = nn.Sequential(nn.Linear(3, 3), Doubled(3, 3))
    for options in ({"strict": False}, {"exclude": ["1"]}):
        copy = check(model, torch.randn(2, 3), **options)
        assert isinstance(copy[1], Doubled)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (Unused, {}, r"module 'spare': got no call of it"),
        (nn.ReLU, {}, r"model: got ReLU without a module that arrays compute"),
        (lambda: np.eye(3), {}, r"model: got ndarray; allowed: a torch.nn.Module"),
        (
            lambda: nn.Sequential(nn.Linear(3, 2)),
            {"exclude": ["fc"]},
            r"exclude: got 'fc'; allowed: names of layers: 0",
        ),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"exclude": "0"}, r"exclude: got '0'; .*try: \('0',\)"),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"per_layer": {"1": IDEAL}}, r"per_layer: got '1'"),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"calibration": np.full((2, 3), np.nan)}, r"calibration: got numbers"),
        (lambda: nn.Sequential(nn.Linear(4, 2)), {}, r"module '0', inputs: got shape \(2, 3\)"),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"calibration": "x"}, r"calibration: got str that is not numeric"),
        (lambda: nn.Sequential(nn.Linear(3, 2)), {"calibration": np.ones((0, 3))}, r"calibration: got shape \(0, 3\)"),
    ],
)
def test_bad_input(make, options, message):
    with pytest.raises(InputError, match=message):
        from_torch(make(), IDEAL, **{"calibration": torch.randn(2, 3), **options})


def test_weights_that_are_not_finite_and_packed_sequences():
    model = nn.Sequential(nn.Linear(3, 2))
    model[0].weight.data[1, 2] = torch.nan
    with pytest.raises(InputError, match=r"module '0', weights: got nan at index \(2, 1\)"):
        from_torch(model, IDEAL, calibration=torch.randn(2, 3))
    copy = from_torch(nn.LSTM(3, 4), IDEAL, calibration=torch.randn(5, 2, 3))
    packed = nn.utils.rnn.pack_padded_sequence(torch.randn(5, 2, 3), [5, 3])
    with pytest.raises(InputError, match=r"module '': got PackedSequence as an argument of LSTM"):
        copy(packed)
    with pytest.raises(InputError, match="model: got none with modules of arrays"):
        to_torch(model)
