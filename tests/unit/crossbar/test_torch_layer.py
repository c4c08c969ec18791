"""Arrays in torch: gradients by torch's own finite differences, equality with networks and with torch's layers.

They need torch (``tools/torch-cpu.sh .venv/bin/python`` installs a CPU build). Without it they are left out, and fail
where ``CI`` is set.
"""

import copy
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from crossbar import ADC, AnalogMatrix, Crossbar, DifferentialPairs, PulseWidth, Recipe, Wires
from devices import FlickerNoise, InputError, Lognormal

LIMITS = (1e-6, 1e-4)
FOUND = importlib.util.find_spec("torch") is not None
needed = pytest.mark.skipif(not FOUND and not os.environ.get("CI"), reason="no torch: run tools/torch-cpu.sh PYTHON")


@pytest.fixture(scope="module")
def torch():
    import torch

    return torch


@pytest.fixture(scope="module")
def layers(torch):
    from crossbar.inference import torch_layer

    return torch_layer


def numbers(torch, *shape, seed=0, low=-1.0, high=1.0):
    values = np.random.default_rng(seed).uniform(low, high, shape)
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.skipif(FOUND, reason="torch is here")
def test_without_torch_the_error_names_the_extra():
    with pytest.raises(InputError, match=r"pip install 'memductance\[torch\]'"):
        importlib.import_module("crossbar.inference.torch_layer")


@needed
def test_gradients_of_a_read_by_finite_differences(torch, layers):
    """Uneven word lines, one resistance for all bit lines, one driver for each word line, sense amplifiers."""

    def currents(voltage, conductance, word_line, bit_line, driver, sense):
        wires = {"word_line": 100 * word_line, "bit_line": 100 * bit_line, "driver": 100 * driver, "sense": 100 * sense}
        return 1e3 * layers.crossbar_read(voltage, 1e-3 * conductance, **wires)

    given = (
        numbers(torch, 2, 3, 4), numbers(torch, 4, 3, seed=1, low=0.1), numbers(torch, 4, 4, seed=2, low=0.1),
        numbers(torch, seed=3, low=0.1), numbers(torch, 4, seed=4, low=0.1), numbers(torch, seed=5, low=0.1),
    )  # fmt: skip
    assert torch.autograd.gradcheck(currents, given, eps=1e-5, rtol=1e-6, atol=1e-9)
    alone = [tensor.detach() for tensor in given]
    alone[0].requires_grad_()
    assert torch.autograd.gradcheck(currents, tuple(alone), eps=1e-5, rtol=1e-6, atol=1e-9)


@needed
@pytest.mark.parametrize("bias", [True, False])
def test_gradients_of_a_layer_by_finite_differences(torch, layers, bias):
    """Of inputs, weights and biases: tiles of 3 x 4 cells, the last ones smaller."""
    recipe = Recipe(conductance_limits=LIMITS, tile=(3, 5), wires=Wires(30.0, 20.0, 100.0, 50.0))
    layer = layers.CrossbarLinear(5, 3, recipe, bias=bias).double()
    names = [name for name, _ in layer.named_parameters()]

    def outputs(x, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (x,))

    given = (numbers(torch, 6, 5), *layer.parameters())
    assert torch.autograd.gradcheck(outputs, given, eps=1e-5, rtol=1e-6, atol=1e-8)


@needed
@pytest.mark.parametrize("tile", [(64, 64), (4, 7)])
def test_a_layer_equals_the_matrix_of_its_recipe(torch, layers, tile):
    recipe = Recipe(conductance_limits=LIMITS, tile=tile, wires=Wires(30.0, 20.0, 100.0, 50.0))
    layer = layers.CrossbarLinear(9, 5, recipe).double()
    weights, bias = layer.weight.detach().numpy().T, layer.bias.detach().numpy()
    x = numbers(torch, 2, 7, 9).detach()
    matrix = AnalogMatrix.program(weights, bias, recipe, calibration=x.numpy().reshape(-1, 9))
    assert_allclose(layer(x).detach(), matrix.matmul(x.numpy()), rtol=1e-10, atol=1e-12)
    pairs = DifferentialPairs.fit(weights, LIMITS)
    G, scale = layer.conductances()
    assert_allclose(G.detach(), pairs.conductances(weights), rtol=1e-14)
    assert float(scale.detach()) == pytest.approx(pairs.scale, rel=1e-14)


@needed
def test_with_ideal_wires_a_layer_is_torchs_own(torch, layers):
    linear = torch.nn.Linear(70, 40)
    layer = layers.CrossbarLinear.from_linear(linear, Recipe(conductance_limits=LIMITS, tile=(16, 16)))
    x = torch.rand(20, 70)
    assert layer(x).dtype == torch.float32
    assert_allclose(layer(x).detach(), linear(x).detach(), atol=1e-6)
    layer(x).square().sum().backward()
    linear(x).square().sum().backward()
    assert_allclose(layer.bias.grad, linear.bias.grad, rtol=1e-5, atol=1e-5)
    assert_allclose(layer.weight.grad, linear.weight.grad, rtol=1e-4, atol=1e-4)


@needed
def test_a_layer_of_zeros_has_products_and_gradients_of_zero_weights(torch, layers):
    layer = layers.CrossbarLinear(3, 2, Recipe(conductance_limits=LIMITS), bias=False).double()
    torch.nn.init.zeros_(layer.weight)
    x = torch.ones(1, 3, dtype=torch.float64)
    out = layer(x)
    assert_allclose(out.detach(), 0.0, atol=1e-15)
    out.sum().backward()
    assert torch.isfinite(layer.weight.grad).all()


@needed
def test_effects_are_drawn_anew_at_each_pass_of_a_training(torch, layers):
    recipe = Recipe(conductance_limits=LIMITS, effects=(Lognormal(0.2),), wires=Wires(10.0, 10.0))
    layer = layers.CrossbarLinear(6, 4, recipe, seed=3)
    twin = copy.deepcopy(layer)
    x = torch.rand(5, 6)
    first, second = layer(x).detach(), layer(x).detach()
    assert float((first - second).abs().max()) > 1e-3
    assert_allclose(twin(x).detach(), first, rtol=0.0)
    layer.eval()
    calm = layer(x).detach()
    assert_allclose(layer(x).detach(), calm, rtol=0.0)
    plain = layers.CrossbarLinear(6, 4, Recipe(conductance_limits=LIMITS, wires=Wires(10.0, 10.0)))
    plain.load_state_dict(layer.state_dict())
    assert_allclose(plain(x).detach(), calm, rtol=0.0)


@needed
def test_a_network_learns_through_its_wires(torch, layers):
    """Exclusive or, through wires that halve the current: the trained arrays themselves decide."""
    torch.manual_seed(0)
    recipe = Recipe(conductance_limits=LIMITS, wires=Wires(1e3, 1e3))
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    wanted = torch.tensor([[0.0], [1.0], [1.0], [0.0]], dtype=torch.float64)
    hidden, out = layers.CrossbarLinear(2, 8, recipe).double(), layers.CrossbarLinear(8, 1, recipe).double()
    network = torch.nn.Sequential(hidden, torch.nn.Tanh(), out)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    losses = []
    for _ in range(120):
        optimizer.zero_grad()
        loss = (network(x) - wanted).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.01 < 0.2 < losses[0]
    pairs, _ = hidden.conductances()
    read = Crossbar(pairs.detach().numpy(), recipe.wires).read(np.ones(2)).current
    assert read.sum() < 0.5 * pairs.detach().numpy().sum()


@needed
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("recipe.adc_bits", {"adc_bits": 6}),
        ("recipe.adc", {"adc": ADC(8)}),
        ("recipe.encoding", {"encoding": PulseWidth()}),
        ("recipe.bias", {"bias": "analog"}),
        ("recipe.effects", {"effects": (FlickerNoise(1e-4, f_low=1.0, f_high=1e6),)}),
    ],
)
def test_what_has_no_gradient_is_refused(layers, name, options):
    with pytest.raises(InputError, match=rf"{name}.*have no gradient"):
        layers.CrossbarLinear(3, 2, Recipe(conductance_limits=LIMITS, **options))


@needed
def test_bad_input(torch, layers):
    with pytest.raises(InputError, match="a Recipe"):
        layers.CrossbarLinear(3, 2, LIMITS)
    with pytest.raises(InputError, match="in_features"):
        layers.CrossbarLinear(0, 2, Recipe(conductance_limits=LIMITS))
    with pytest.raises(InputError, match=r"conductance.*-1"):
        layers.crossbar_read(torch.ones(1), torch.tensor([[-1.0]]))
    with pytest.raises(InputError, match=r"voltage.*int64"):
        layers.crossbar_read(torch.ones(1, dtype=torch.int64), torch.tensor([[1.0]]))
    layer = layers.CrossbarLinear(3, 2, Recipe(conductance_limits=LIMITS))
    with pytest.raises(InputError, match="inputs"):
        layer(torch.ones(4))
    assert_allclose(layer(torch.ones(3, dtype=torch.int64)).detach(), layer(torch.ones(3)).detach(), rtol=0.0)


def blocks():
    page = Path(__file__).parents[3] / "docs" / "training.md"
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_first_example_of_the_page_runs():
    namespace: dict = {}
    exec(compile(blocks()[0], "training.md", "exec"), namespace)
    found = namespace["found"]
    assert found.conductance.shape == (2, 2)
    assert found.sense < 0.0 < found.voltage.min()  # resistance takes current, voltage brings it


@needed
def test_the_second_example_of_the_page_runs(torch):
    namespace: dict = {}
    exec(compile(blocks()[1], "training.md", "exec"), namespace)
    assert namespace["network"](torch.ones(2, 64)).shape == (2, 10)


def test_the_packages_load_without_torch():
    code = "import sys, crossbar, crossbar.inference.network; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
