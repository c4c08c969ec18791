"""The demo: devices against SPICE, a read with its wires, digits on arrays and on a chip, in one report."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from devices.common.files import whole_file
from memductance.pages.report import Report, Section

if TYPE_CHECKING:
    from rich.console import Console

    from crossbar import Task

__all__ = ["run_demo"]

#: Wire resistance for each segment [ohm] and sigma of the lognormal spread, for the accuracy map.
SEGMENTS = (0.0, 1.0, 10.0, 100.0, 300.0)
SPREADS = (0.0, 0.1, 0.2, 0.4)
TILE = (64, 64)
ADC_BITS = 8
DEVICE = "wox_scaled_decay"
CHIP = "michigan_2019"


@dataclass
class _Run:
    """Options, report and figures, shared by the parts of the demo."""

    out: Path
    trials: int
    size: int
    seed: int
    console: Console
    report: Report
    figures: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def task(self) -> Task:
        """The digits and the network trained on them, shared by the two parts that need them."""
        from crossbar import digits

        return digits(seed=self.seed)

    def save(self, section: Section, name: str, figure: Figure, caption: str) -> None:
        """Add a picture to the report, and save it as a file next to it."""
        section.add_figure(figure, caption)
        with whole_file(self.out / f"{name}.png", "--out") as unfinished:
            figure.savefig(unfinished, dpi=110, format="png")


def run_demo(out: Path, *, trials: int, size: int, seed: int, console: Console) -> tuple[dict[str, Any], Path]:
    """Run the demo.

    Parameters
    ----------
    out : pathlib.Path
        Folder for the report and its pictures; it exists.
    trials : int
        Random arrays for each point of the accuracy map.
    size : int
        Rows and columns of the array that is read and cross-checked.
    seed : int
        Seed of everything random.
    console : rich.console.Console
        Console on which progress is shown.

    Returns
    -------
    tuple of (dict, pathlib.Path)
        The figures by part, and the path of ``report.html``.
    """
    report = Report("memductance: from device equations to a crossbar that recognises digits")
    run = _Run(out, trials, size, seed, console, report)
    parts: tuple[tuple[str, Callable[[_Run], Section]], ...] = (
        ("three devices and their ngspice runs", _devices),
        (f"a {size}x{size} read and its ngspice run", _read),
        ("digits over wire resistance and spread", _accuracy),
        ("digits on the Michigan chip", _chip),
    )
    for title, part in parts:
        started = time.perf_counter()
        console.print(f"{title} ...", highlight=False, end=" ")
        report.sections.append(part(run))
        console.print(f"{time.perf_counter() - started:.1f} s", highlight=False)
    return run.figures, report.write(out / "report.html")


def _devices(run: _Run) -> Section:
    from devices import Sine, device, plot_loop, simulate
    from netlists import crosscheck

    loops = (
        ("linear_ion_drift", Sine(amplitude=1.0, frequency=1.0, cycles=2)),
        ("vteam", Sine(amplitude=1.0, frequency=2e6, cycles=2)),
        ("wox_scaled_decay", Sine(amplitude=1.4, frequency=0.5, cycles=2)),
    )
    section = Section(
        "Device loops, against ngspice",
        "Each model is declared once, as equations. The integrator's kernel and the SPICE subcircuit are both derived "
        "from that declaration, so ngspice integrates the same physics with other numerics.",
    )
    picture = Figure(figsize=(11, 8.5), layout="constrained")
    rows = []
    for line, (name, wave) in zip(picture.subplots(3, 3), loops, strict=True):
        cell = device(name)
        agreement = crosscheck(cell, wave)
        trace = simulate(cell, wave)
        plot_loop(trace, line[0], color="C0")
        line[0].set_title(name, fontsize="medium", loc="left")
        plot_loop(trace, line[1], log=True, color="C0")
        agreement.plot(ax=line[2])
        current = agreement["current"]
        given = cell.parameter_set
        rows.append(
            (
                name,
                f"{current.worst_relative:.1e}",
                f"{current.where}",
                f"{1e3 * agreement.our_seconds:.1f} ms",
                f"{1e3 * agreement.engine_seconds:.0f} ms",
            )
        )
        section.notes.append(f"{name}: set {given.name} ({given.status}), {given.source}. {given.note}")
        run.figures[f"device_{name}_worst_relative"] = current.worst_relative
    run.save(
        section, "devices", picture, "Pinched loops on linear and logarithmic axes; right: the difference from ngspice."
    )
    section.add_table(
        "Worst difference in current, relative to the loop's peak",
        ("model", "difference", "at", "our time", "ngspice"),
        rows,
    )
    worst = max(run.figures[f"device_{name}_worst_relative"] for name, _ in loops)
    run.report.summary.append((f"{worst:.0e}", "of the peak: worst difference of three device loops from ngspice"))
    return section


def _read(run: _Run) -> Section:
    from crossbar import Crossbar, Wires, plot_currents, plot_ir_drop
    from netlists import crosscheck

    n = run.size
    rng = np.random.default_rng(run.seed)
    array = Crossbar(rng.uniform(1e-5, 1e-4, (n, n)), Wires(word_line=1.0, bit_line=1.0))
    volts = rng.uniform(0.0, 0.5, n)
    array.read(volts)  # the first read of a process loads the compiled kernels
    started = time.perf_counter()
    Crossbar(array.conductance, array.wires).read(volts)
    seconds = time.perf_counter() - started
    readout = array.read(volts, nodes=True)
    agreement = crosscheck(array, volts)
    loss = 1.0 - readout.current / (volts @ array.conductance)
    by_transfer = np.abs(volts @ array.transfer() / readout.current - 1.0).max()

    section = Section(
        f"A {n}x{n} read with its wires, against ngspice",
        f"Cells of 10 to 100 kohm, drives of 0 to 0.5 V, 1 ohm for each wire segment. The drivers are at the left, the "
        f"sense amplifiers at the bottom. The wires take {100 * loss.min():.1f} to {100 * loss.max():.1f} % of a bit "
        f"line's current.",
    )
    picture = Figure(figsize=(14, 4.2), layout="constrained")
    word, bit, currents = picture.subplots(1, 3)
    plot_ir_drop(readout, word, line="word")
    plot_ir_drop(readout, bit, line="bit")
    plot_currents(readout, array, currents)
    run.save(section, "read", picture, "IR drop along word lines and bit lines, and the currents with and without it.")
    section.add_table(
        f"Agreement with {agreement.engine}",
        ("quantity", "worst difference", "relative to", "ratio", "at"),
        [
            (q.name, f"{q.worst_absolute:.1e} {q.unit}", f"{q.scale:.3g} {q.unit}", f"{q.worst_relative:.1e}", q.where)
            for q in agreement.quantities.values()
        ],
    )
    section.add_table(
        "This read",
        ("", "value"),
        [
            ("iterations, relative residual", f"{readout.iterations}, {readout.residual:.1e}"),
            ("worst error of Kirchhoff's current law", f"{readout.kcl_error:.1e} A"),
            ("transfer matrix against the read, largest relative difference", f"{by_transfer:.1e}"),
            ("time of a first read", f"{1e3 * seconds:.2f} ms"),
            ("time of ngspice", f"{agreement.engine_seconds:.2f} s, {agreement.engine_seconds / seconds:,.0f} times"),
        ],
    )
    worst = agreement["current"].worst_relative
    run.figures |= {
        "read_worst_relative": worst,
        "read_seconds": seconds,
        "read_ngspice_seconds": agreement.engine_seconds,
        "read_transfer_worst_relative": by_transfer,
    }
    run.report.summary.append((f"{worst:.0e}", f"worst relative difference of a {n}x{n} read from ngspice"))
    return section


def _accuracy(run: _Run) -> Section:
    from crossbar import (
        AnalogNetwork,
        Axis,
        Recipe,
        Wires,
        confidence_interval,
        plot_map,
        summarize_sweep,
        sweep,
    )
    from devices import Lognormal, device

    task = run.task
    cell = device(DEVICE)
    limits = cell.conductance_limits(0.3)

    def network(recipe: Recipe, seed: Any = 0) -> AnalogNetwork:
        return AnalogNetwork.from_sklearn(task.model, recipe, calibration=task.train_inputs, seed=seed)

    ideal = network(Recipe(conductance_limits=limits, tile=TILE)).predict(task.test_inputs)
    software = task.model.predict(task.test_inputs)

    def accuracy(rng: np.random.Generator, segment: float, sigma: float) -> float:
        recipe = Recipe(
            conductance_limits=limits,
            tile=TILE,
            adc_bits=ADC_BITS,
            wires=Wires(word_line=segment, bit_line=segment),
            effects=(Lognormal(sigma),),
        )
        return network(recipe, rng).score(task.test_inputs, task.test_labels)

    axes = (
        Axis("segment", SEGMENTS, "ohm", "wire resistance of a segment"),
        Axis("sigma", SPREADS, "", "sigma of the lognormal spread"),
    )
    result = sweep(accuracy, axes, trials=run.trials, seed=run.seed, used=(cell,), progress=True)
    summary = summarize_sweep(result)
    summary.raise_errors()
    found = confidence_interval(result)
    mean, half = 100 * found["mean"], 100 * (found["upper"] - found["mean"])
    units = " - ".join(str(n) for n in (*(len(w) for w in task.model.coefs_), len(task.model.classes_)))
    window = f"{1e6 * limits[0]:.2f} to {1e6 * limits[1]:.2f} µS at 0.3 V"
    section = Section(
        "Digits on arrays: accuracy over wire resistance and spread",
        f"A network of {units} units, trained by scikit-learn on real handwritten digits, as differential pairs on "
        f"{TILE[0]} x {TILE[1]} tiles of WOx cells ({window}). Each tile is read through its exact circuit; "
        f"{ADC_BITS}-bit ADCs; {run.trials} random arrays, the same at every point but for what the axes change; "
        f"{len(task.test_labels)} test images.",
    )
    picture = Figure(figsize=(7.5, 4.6), layout="constrained")
    plot_map(result, picture.subplots())
    run.save(section, "accuracy", picture, "Mean accuracy, and half of its 95 % confidence interval.")
    section.add_table(
        "Accuracy on the test images",
        ("", "accuracy"),
        [
            ("software", f"{100 * task.software_accuracy:.2f} %"),
            ("ideal arrays", f"{100 * np.mean(ideal == task.test_labels):.2f} %"),
            ("images that software and ideal arrays classify differently", int((ideal != software).sum())),
        ],
    )
    section.notes.append(task.source)
    section.notes += [f"{axis} moved nothing: {reason}" for axis, reason in summary.unmoved.items()]
    section.notes.append("Cells are read as ohmic at 0.3 V; device-to-device spread with a fixed median.")
    run.figures |= {
        "software_accuracy": task.software_accuracy,
        "ideal_accuracy": float(np.mean(ideal == task.test_labels)),
        "ideal_differs_from_software": int((ideal != software).sum()),
        "accuracy_percent": {
            f"{r:g} ohm, sigma {s:g}": [round(float(m.sel(segment=r, sigma=s)), 2) for m in (mean, half)]
            for r in SEGMENTS
            for s in SPREADS
        },
    }
    run.report.summary.append((f"{100 * task.software_accuracy:.1f} %", "digits: software, and ideal arrays alike"))
    return section


def _chip(run: _Run) -> Section:
    from crossbar import AnalogNetwork
    from crossbar.fabric import Chip, chip_preset
    from devices import Lognormal, device

    task = run.task
    preset = chip_preset(CHIP)
    limits = device(preset.device).conductance_limits(preset["read_voltage"])
    rows, ledger, placement = [], None, None
    for sigma in (0.0, 0.1, 0.2):
        scores = []
        for trial in range(run.trials if sigma else 1):
            recipe = preset.recipe(limits, effects=(Lognormal(sigma),))
            network = AnalogNetwork.from_sklearn(
                task.model, recipe, calibration=task.train_inputs, seed=run.seed + trial
            )
            placement = Chip(preset, grid=(1, sum(map(len, network.tiles)))).place(network)
            done = placement.run(task.test_inputs)
            ledger = ledger or done.ledger
            scores.append(100 * float(np.mean(done.predictions == task.test_labels)))
        rows.append((f"{sigma:g}", f"{np.mean(scores):.2f} %", f"{np.std(scores):.2f} %", len(scores)))
        run.figures[f"chip_accuracy_percent_sigma_{sigma:g}"] = [float(np.mean(scores)), float(np.std(scores))]
    assert ledger is not None
    assert placement is not None
    section = Section(
        "The same network on a Michigan-style chip",
        f"{preset.title}. Inputs are pulse widths of one amplitude, columns integrate charge. "
        f"The network takes {len(placement.cores)} arrays.",
    )
    section.add_table("Accuracy", ("sigma of the spread", "mean", "deviation", "trials"), rows)
    section.add_table(
        f"Ledger of {ledger.images} images",
        ("event", "count", "energy of one", "energy", "in series", "time of one", "time"),
        [
            *(
                (
                    e.name, e.count, _si(e.energy, "J"), _si(e.total_energy, "J"), e.serial, _si(e.latency, "s"),
                    _si(e.total_latency, "s"),
                )
                for e in ledger.events
            ),
            ("total", "", "", _si(ledger.energy, "J"), "", "", _si(ledger.latency, "s")),
            ("per image", "", "", _si(ledger.energy_per_image, "J"), "", "", _si(ledger.latency_per_image, "s")),
        ],
    )  # fmt: skip
    section.add_table("Counted, not charged", ("", "value"), [(k, f"{v:.4g}") for k, v in ledger.memo.items()])
    section.add_table(
        "Figures of the preset",
        ("figure", "value", "status", "source"),
        [(n.replace("_", " "), f"{f.value:g} {f.unit if f.unit != '1' else ''}", f.status, f.source)
         for n, f in preset.figures.items()],
    )  # fmt: skip
    section.notes += [*preset.references, *preset.assumptions]
    run.figures["chip"] = {k: v for k, v in ledger.to_dict().items() if k != "events"}
    run.report.summary.append(
        (
            f"{_si(ledger.energy_per_image, 'J', 3)}, {_si(ledger.latency_per_image, 's', 3)}",
            f"for an image on the Michigan-style chip, at {rows[0][1]} accuracy",
        )
    )
    return section


def _si(value: float, unit: str, digits: int = 4) -> str:
    """Return a quantity with a prefixed unit as text."""
    from devices.common.plotting import scaled

    factor, prefixed = scaled(value, unit)
    return f"{factor * value:.{digits}g} {prefixed}"
