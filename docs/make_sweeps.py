"""Draw the picture of docs/sweeps.md: ``python docs/make_sweeps.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from crossbar import AnalogNetwork, Axis, Recipe, Wires, digits, plot_map, plot_tolerance, sweep
from devices import Lognormal, device


def main() -> None:
    """Write docs/images/sweeps.png."""
    task = digits()
    limits = device("wox_scaled_decay").conductance_limits(0.3)

    def accuracy(rng: np.random.Generator, segment: float, sigma: float) -> float:
        wires = Wires(word_line=segment, bit_line=segment)
        recipe = Recipe(conductance_limits=limits, wires=wires, effects=(Lognormal(sigma),), adc_bits=8)
        network = AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs, seed=rng)
        return network.score(task.test_inputs, task.test_labels)

    axes = (
        Axis("segment", (0.0, 10.0, 100.0, 300.0), "ohm", "wire resistance of a segment"),
        Axis("sigma", (0.0, 0.1, 0.2, 0.3, 0.4), "", "sigma of the lognormal spread"),
    )
    result = sweep(accuracy, axes, trials=20, executor=2, progress=True)
    figure = Figure(figsize=(11, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.15, 1.0))
    plot_map(result, left)
    plot_tolerance(result, "sigma", 0.95, right, select={"segment": 10.0})
    figure.savefig(Path(__file__).parent / "images" / "sweeps.png", dpi=100)


if __name__ == "__main__":
    main()
