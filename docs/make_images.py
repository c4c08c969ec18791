"""Draw the README's picture: ``python docs/make_images.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from crossbar import Crossbar, Wires, plot_ir_drop
from devices import Sine, device, plot_loop, simulate

LOOPS = (
    ("linear_ion_drift", "HP linear ion drift", Sine(amplitude=1.0, frequency=1.0)),
    ("vteam", "VTEAM", Sine(amplitude=1.0, frequency=2e6, cycles=2)),
    ("wox_scaled_decay", "Michigan WOx", Sine(amplitude=1.4, frequency=0.5, cycles=2)),
)


def main() -> None:
    """Write docs/images/overview.png."""
    figure = Figure(figsize=(14, 3.4), layout="constrained")
    axes = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    for ax, (name, title, wave) in zip(axes, LOOPS, strict=False):
        plot_loop(simulate(device(name), wave), ax, color="C0").set_title(title)
    rng = np.random.default_rng(0)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (64, 64)), Wires(word_line=1.0, bit_line=1.0))
    plot_ir_drop(array.read(np.full(64, 0.5), nodes=True), axes[3], line="word")
    folder = Path(__file__).parent / "images"
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / "overview.png", dpi=100)


if __name__ == "__main__":
    main()
