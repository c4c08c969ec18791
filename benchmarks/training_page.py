"""docs/training.md and its picture, from the results of `benchmarks.training`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

__all__ = ["write"]

DOCS = Path(__file__).parents[1] / "docs"
WAYS = {
    "software": "software",
    "longer": "100 steps more",
    "noise": "aware of noise",
    "gain": "gains calibrated",
    "array": "through the array",
}
USE = r"""# Training through the array

The exact read is differentiable: one more solution of the same array, the adjoint, gives the derivatives of any number
that depends on its currents with respect to *every* cell, wire resistance and source. With the sources at 0 V and the
sense amplifiers driven with $-\partial L/\partial I$, reciprocity gives for each vector

```math
\frac{\partial L}{\partial G_{ij}} = w_{ij}\,\tilde w_{ij}, \qquad
\frac{\partial L}{\partial R} = -i\,\tilde\imath, \qquad \frac{\partial L}{\partial V_i} = \tilde\imath_i
```

with the voltages w over cells and the currents i along metal, of the read and of the adjoint (S. W. Director and R. A.
Rohrer, IEEE Trans. Circuit Theory 16, 318 (1969), doi 10.1109/TCT.1969.1082967).

```python
from crossbar import Crossbar, Wires

array = Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]], Wires(word_line=10.0, bit_line=10.0, sense=50.0))
current = array.read([0.2, 0.1]).current
found = array.read_gradient([0.2, 0.1], 2 * current)  # of the sum of the squares of the currents
found.conductance, found.voltage, found.word_line, found.sense
```

`bias_gradient` does the same for any `Bias`, such as lines fed from both ends. A batch on ohmic cells acts through one
matrix, so that at most min(rows, columns) pairs of vectors are solved, however large it is. Cells with a current law
are replaced by their small-signal conductances at each vector; cells with a transistor are refused.

In torch (`pip install 'memductance[torch]'`; on Linux a CPU build first: `tools/torch-cpu.sh PYTHON`) the read is the
function `crossbar_read`, and `CrossbarLinear` a linear layer of differential pairs on tiles:

```python
import torch
from crossbar import Recipe, Wires
from crossbar.inference.torch_layer import CrossbarLinear

recipe = Recipe(conductance_limits=(1e-6, 1e-4), tile=(64, 128), wires=Wires(word_line=30.0, bit_line=30.0))
network = torch.nn.Sequential(
    CrossbarLinear(64, 50, recipe), torch.nn.ReLU(), CrossbarLinear(50, 10, recipe)
)
```

Its weights are trained as those of any module, and the loss sees the currents of the real array.
`CrossbarLinear.from_linear` takes the weights of a trained layer. Effects of the recipe that act once (spread, stuck
cells) are drawn anew at each pass of a training, and the gradient is that of the drawn array. Converters and noise of
reads have no gradient here and are refused.
"""


def write(kept: dict[str, Any]) -> None:
    """Write the page and its picture."""
    (DOCS / "training.md").write_text(page(kept))
    picture(kept).savefig(DOCS / "images" / "training.png", dpi=100)


def page(kept: dict[str, Any]) -> str:
    """Return docs/training.md."""
    found = {way: 100 * np.array(values) for way, values in kept["accuracy"].items()}
    ideal = found["ideal"][:, 0]
    lines = [
        USE,
        "## Accuracy of the gradient",
        "",
        "64 x 64 cells of 1 to 100 uS, 30 ohm wires, 100 vectors: the largest difference from central differences is",
        f"**{kept['error']:.0e}** of the largest derivative (40 cells, both kinds of wires, 64 voltages). In random",
        "circuits of any resistances, with shorts and open wires, the gradient agrees with exact rational derivatives",
        "to 1e-11 (`tests/exact/test_read_gradient.py`).",
        "",
        "## Accuracy of trained networks",
        "",
        "scikit-learn's digits, 64-50-10, cells of 1 to 100 uS, one array for each layer (64 x 100 and 50 x 20 cells),",
        "ohmic cells without spread, ideal converters: all that is lost is lost in the wires. "
        f"{len(ideal)} seeds, each with its",
        "own split, start and order; test accuracy in %, mean and standard deviation over the seeds. With ideal wires",
        f"the networks reach {ideal.mean():.1f} ± {ideal.std(ddof=1):.1f}.",
        "",
        "| ohm per segment | " + " | ".join(WAYS.values()) + " | gained |",
        "|---" * (len(WAYS) + 2) + "|",
    ]
    for k, segment in enumerate(kept["segments"]):
        cells = [f"{found[w][:, k].mean():.1f} ± {found[w][:, k].std(ddof=1):.1f}" for w in WAYS]
        gained = (found["array"] - found["software"])[:, k]
        cells[-1] = f"**{cells[-1]}**"
        lines.append(f"| {segment:g} | " + " | ".join(cells) + f" | {gained.mean():+.1f} ± {gained.std(ddof=1):.1f} |")
    lines += [
        "",
        "- *software*: 30 passes of Adam in batches of 64, ideal wires; then the weights are programmed.",
        "- *100 steps more*: as many further steps as the last way takes, on all images at once, with ideal wires.",
        "- *aware of noise*: these steps with a lognormal spread of 0.2 of all cells, drawn anew at each, ideal wires.",
        "- *gains calibrated*: the software's weights, and a digital factor for each output of a layer, the best for",
        "  the training images.",
        "- *through the array*: 100 steps on all images, from the software's weights, through the exact array.",
        "- *gained*: through the array, less software, on the same split.",
        "",
        "All are accuracies of the exact arrays; `AnalogNetwork.from_layers` gives the same for the same weights.",
        "",
        "![Accuracy over the wire resistance, and while training](images/training.png)",
        "",
        "## Time",
        "",
        "Shortest of five on two cores that other work shared, with 10 ohm wires. Both columns are for a new array, as",
        "in each step of a training. The gradient solves the potentials of the read, which the transfer matrix of many",
        "reads leaves out, and those of the adjoint.",
        "",
        "| cells | vectors | reads [ms] | gradient [ms] |",
        "|---|---|---|---|",
        *(f"| {n} x {n} | {m} | {1e3 * a:.0f} | {1e3 * b:.0f} |" for n, m, a, b in kept["times"]),
        "",
        "`python -m benchmarks.training` measures all this and writes the page.",
        "",
    ]
    return "\n".join(lines)


def picture(kept: dict[str, Any]) -> Figure:
    """Return accuracy over wire resistance, and over the steps at 30 ohm."""
    found = {way: 100 * np.array(values) for way, values in kept["accuracy"].items()}
    ideal = found["ideal"].mean()
    figure = Figure(figsize=(11, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (way, label), mark in zip(WAYS.items(), "osv^D", strict=True):
        left.errorbar(
            kept["segments"],
            found[way].mean(axis=0),
            found[way].std(axis=0, ddof=1),
            marker=mark,
            capsize=3,
            label=label,
        )
    left.axhline(ideal, color="0.5", linestyle=":", label="ideal wires")
    left.set(xscale="log", xlabel="wire resistance of a segment [ohm]", ylabel="test accuracy [%]")
    left.legend(loc="lower left")
    followed = 100 * np.array(kept["followed"])
    right.plot(followed.T, color="C4", alpha=0.35, linewidth=1.0)
    right.plot(followed.mean(axis=0), color="C4", linewidth=2.0, label="mean over the seeds")
    right.axhline(ideal, color="0.5", linestyle=":", label="ideal wires")
    right.set(xlabel="step of the training through the array, 30 ohm", ylabel="test accuracy [%]")
    right.legend(loc="lower right")
    return figure
