"""``python -m benchmarks.training``: networks trained in software and through the IR drop of their arrays.

Stores training.json and writes docs/training.md and its picture (``--render`` does that alone). It needs torch
(tools/torch-cpu.sh PYTHON) and takes some eight minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from benchmarks.training_page import write
from crossbar import AnalogNetwork, Crossbar, Recipe, Wires
from crossbar.inference.torch_layer import CrossbarLinear
from devices import Lognormal
from devices.common.arrays import Array

LIMITS = (1e-6, 1e-4)
TILE = (64, 128)
HIDDEN = 50
SEGMENTS = (1.0, 10.0, 30.0, 100.0)
STEPS = 100
SPREAD = 0.2
WAYS = ("software", "longer", "noise", "gain", "array")
STORED = Path(__file__).with_name("training.json")


class Data(NamedTuple):
    """Images and labels of the training part and of the test part."""

    inputs: torch.Tensor
    labels: torch.Tensor
    test_inputs: torch.Tensor
    test_labels: torch.Tensor


def data(seed: int) -> Data:
    """Return scikit-learn's digits, a quarter of them for the test."""
    images, labels = load_digits(return_X_y=True)
    a, b, c, d = train_test_split(images / 16.0, labels, test_size=0.25, stratify=labels, random_state=seed)
    return Data(*(torch.tensor(part) for part in (a, c, b, d)))


def in_software(task: Data, seed: int) -> Any:
    """Return a network of one hidden layer, trained over 30 passes in batches of 64."""
    torch.manual_seed(seed)
    network = torch.nn.Sequential(torch.nn.Linear(64, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, 10)).double()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(30):
        for part in torch.randperm(len(task.inputs)).split(64):
            step(network, optimizer, task.inputs[part], task.labels[part])
    return network


def step(network: Any, optimizer: Any, inputs: Any, labels: Any) -> None:
    """Take one step of the optimizer."""
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(network(inputs), labels).backward()
    optimizer.step()


def trained_on(network: Any, task: Data, follow: bool = False) -> list[float]:
    """Train a network for some steps on all images at once; return its test accuracy after each, if wanted."""
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    seen = []
    for _ in range(STEPS):
        if follow:
            seen.append(accuracy(network.eval(), task))
            network.train()
        step(network, optimizer, task.inputs, task.labels)
    network.eval()
    return [*seen, accuracy(network, task)] if follow else []


def accuracy(network: Any, task: Data) -> float:
    """Return the share of test images that a network gets right."""
    with torch.no_grad():
        return float((network(task.test_inputs).argmax(1) == task.test_labels).double().mean())


def on_arrays(network: Any, segment: float, *effects: Any, seed: int = 0) -> Any:
    """Return the network on arrays with wires of `segment` ohm."""
    recipe = Recipe(conductance_limits=LIMITS, tile=TILE, wires=Wires(segment, segment), effects=effects)
    layers = [CrossbarLinear.from_linear(network[k], recipe, seed=seed + k) for k in (0, 2)]
    return torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1]).double().eval()


def with_gains(network: Any, segment: float, task: Data) -> float:
    """Return the accuracy on arrays whose outputs have a digital factor each, the best for the training images."""
    arrays = on_arrays(network, segment)
    x, wanted, test = task.inputs, task.inputs, task.test_inputs
    with torch.no_grad():
        for mine, plain in ((arrays[0], network[0]), (arrays[2], network[2])):
            y, y0 = mine(x) - mine.bias, plain(wanted) - plain.bias
            gain = (y * y0).sum(0) / (y * y).sum(0)
            test = (mine(test) - mine.bias) * gain + mine.bias
            x, wanted = (torch.relu(z) for z in (y * gain + mine.bias, y0 + plain.bias))
            test = test if mine is arrays[2] else torch.relu(test)
    return float((test.argmax(1) == task.test_labels).double().mean())


def check_network(arrays: Any, task: Data) -> None:
    """Check that the layers get right what the `AnalogNetwork` of the same weights and recipe does."""
    weights = [arrays[k].weight.detach().numpy().T for k in (0, 2)]
    biases = [arrays[k].bias.detach().numpy() for k in (0, 2)]
    recipe = arrays[0].recipe
    network = AnalogNetwork.from_layers(weights, biases, recipe, calibration=task.inputs.numpy())
    found = network.score(task.test_inputs.numpy(), task.test_labels.numpy())
    assert abs(found - accuracy(arrays, task)) < 1e-12


def compare(seeds: int) -> dict[str, Any]:
    """Return test accuracies by way of training, shape ``(seeds, segments)``, and those of each step at 30 ohm."""
    found = {way: np.zeros((seeds, len(SEGMENTS))) for way in ("ideal", *WAYS)}
    followed = []
    for seed in range(seeds):
        task = data(seed)
        network = in_software(task, seed)
        longer, noise = on_arrays(network, 0.0), on_arrays(network, 0.0, Lognormal(SPREAD), seed=100 * seed)
        for one in (longer, noise):
            trained_on(one, task)
        found["ideal"][seed] = accuracy(network, task)
        for k, segment in enumerate(SEGMENTS):
            arrays = on_arrays(network, segment)
            found["software"][seed, k] = accuracy(arrays, task)
            found["longer"][seed, k] = accuracy(on_arrays(longer, segment), task)
            found["noise"][seed, k] = accuracy(on_arrays(noise, segment), task)
            found["gain"][seed, k] = with_gains(network, segment, task)
            seen = trained_on(arrays, task, follow=segment == 30.0)
            found["array"][seed, k] = accuracy(arrays, task)
            check_network(arrays, task)
            if seen:
                followed.append(seen)
            print(seed, segment, {way: round(float(found[way][seed, k]), 4) for way in WAYS}, flush=True)
    return {"segments": SEGMENTS, "followed": followed, "accuracy": {way: a.tolist() for way, a in found.items()}}


def gradient_error() -> float:
    """Return the largest difference of the gradient from central differences, relative to the largest derivative.

    An array of 64 x 64 cells, 100 vectors, 30 ohm wires: 40 cells, the two kinds of segments, and all voltages of one
    vector.
    """
    rng = np.random.default_rng(0)
    G, v, g = rng.uniform(*LIMITS, (64, 64)), rng.uniform(size=(100, 64)), rng.normal(size=(100, 64))

    def loss(cells: Array, word: float, bit: float, volts: Array) -> float:
        return float((Crossbar(cells, Wires(word, bit)).read(volts, rtol=1e-14).current * g).sum())

    found = Crossbar(G, Wires(30.0, 30.0)).read_gradient(v, g)
    pairs = []
    for cell in (tuple(n) for n in rng.integers(0, 64, (40, 2))):

        def with_cell(share: float, cell: Any = cell) -> float:
            changed = G.copy()
            changed[cell] *= share
            return loss(changed, 30.0, 30.0, v)

        pairs.append((slope(with_cell), G[cell] * found.conductance[cell]))
    errors = [worst(pairs)]
    errors.append(worst([(slope(lambda share: loss(G, 30.0 * share, 30.0, v)), 30.0 * found.word_line)]))
    errors.append(worst([(slope(lambda share: loss(G, 30.0, 30.0 * share, v)), 30.0 * found.bit_line)]))
    pairs = []
    for k in range(64):

        def with_voltage(share: float, k: int = k) -> float:
            changed = v.copy()
            changed[0, k] *= share
            return loss(G, 30.0, 30.0, changed)

        pairs.append((slope(with_voltage), v[0, k] * found.voltage[0, k]))
    return max(*errors, worst(pairs))


def slope(value: Callable[[float], float]) -> float:
    """Return the derivative at 1 from central differences of 1e-3 and 2e-3: their error is of the fourth order."""
    near, far = ((value(1.0 + h) - value(1.0 - h)) / (2.0 * h) for h in (1e-3, 2e-3))
    return (4.0 * near - far) / 3.0


def worst(pairs: list[tuple[float, float]]) -> float:
    """Return the largest difference within pairs, relative to the largest first number."""
    one, two = np.array(pairs).T
    return float(np.abs(one - two).max() / np.abs(one).max())


def times() -> list[tuple[int, int, float, float]]:
    """Return size, vectors, and the shortest times of a new array's reads and of their gradient [s]."""
    rows = []
    for n, vectors in ((64, 1000), (128, 1000), (256, 1000), (256, 10)):
        rng = np.random.default_rng(0)
        G, v, g = rng.uniform(*LIMITS, (n, n)), rng.uniform(size=(vectors, n)), rng.normal(size=(vectors, n))
        best = [np.inf, np.inf]
        for _ in range(5):
            array = Crossbar(G, Wires(10.0, 10.0))
            start = time.perf_counter()
            array.read(v)
            middle = time.perf_counter()
            array.read_gradient(v, g)
            best = [min(best[0], middle - start), min(best[1], time.perf_counter() - middle)]
        rows.append((n, vectors, *best))
    return rows


def main() -> None:
    """Measure all, and write the page and its picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--render", action="store_true", help="write the page from the stored results")
    given = parser.parse_args()
    if given.render:
        write(json.loads(STORED.read_text()))
        return
    torch.set_num_threads(1)
    with threadpool_limits(1):
        kept = {"error": gradient_error(), "times": times()} | compare(given.seeds)
    STORED.write_text(json.dumps(kept, indent=1) + "\n")
    write(kept)


if __name__ == "__main__":
    main()
