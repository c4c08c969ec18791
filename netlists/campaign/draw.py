"""`draw`: case k of a specification, from its own seed, with all options equally often."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import numpy as np

from crossbar import Crossbar
from crossbar.bias import SIDES
from devices import Device, InputError, device
from devices.registry import get_model
from netlists.campaign.case import FLOATS, OPEN, Case, terminals, waveform
from netlists.campaign.spec import AXES, CampaignSpec

__all__ = ["Stratum", "draw", "is_solvable", "strata"]

SELECTORS = ("exponential_selector", "threshold_switch")
TRANSISTOR = "ekv_transistor"
_ATTEMPTS = 1000
_SPREAD = 0.02  # sigma of the lognormal spread of every parameter


class Stratum(NamedTuple):
    """A kind of cell in a kind of circuit; ``model`` is ``"model/set"``, empty for ohmic cells."""

    cells: str
    model: str
    analysis: str


def strata(spec: CampaignSpec) -> list[Stratum]:
    """Return the possible combinations of cells, models and analyses: one round of the draw."""
    found = []
    for analysis in spec.analyses:
        on_array = analysis != "device transient"
        if "ohmic" in spec.cells and on_array:
            found += [Stratum("ohmic", "", analysis)] * spec.ohmic_share
        for name in spec.models:
            model = get_model(name.partition("/")[0])
            if "device" in spec.cells and (on_array or not model.controls):
                found.append(Stratum("device", name, analysis))
            if model.states and model.name not in SELECTORS and on_array:
                found += [Stratum(cells, name, analysis) for cells in spec.cells if cells in ("1S1R", "1T1R", "1R")]
    if not found:
        raise InputError("analyses", list(spec.analyses), "some that the cells can have", 'cells = ["device"]')
    return found


def draw(spec: CampaignSpec, number: int) -> Case:
    """Return case `number`: the same for the same specification, independent of other cases.

    Each axis goes through a random permutation of its options before any is repeated, so that all come equally often.
    With these options, numbers are drawn until no part of the array floats.
    """
    rng = np.random.default_rng([spec.seed, number])
    kinds = strata(spec)
    stratum = kinds[_option_index(spec, "strata", len(kinds), number)]
    axes = {name: getattr(spec, name) for name in AXES}
    options = {name: given[_option_index(spec, name, len(given), number)] for name, given in axes.items()}
    for _ in range(_ATTEMPTS):
        case = _Draft(spec, number, stratum, options, rng).case()
        if is_solvable(case):
            return case
    raise InputError(
        "spec", f"case {number}, {stratum}, {options}", "circuits of which no part floats", "larger arrays"
    )


def _option_index(spec: CampaignSpec, axis: str, count: int, number: int) -> int:
    """Return the index of the option, of `count`, that this case has on an axis."""
    block, place = divmod(number, count)
    return int(np.random.default_rng([spec.seed, zlib.crc32(axis.encode()), block]).permutation(count)[place])


def is_solvable(case: Case) -> bool:
    """Return whether a source drives the circuit, no part of it floats, and no source shorts another one."""
    if case.shape is None:
        return True
    if all(p in (FLOATS, 0.0) for p in (case.potentials or case.voltage or ())):
        return False
    try:
        subject, stimulus, _ = case.build()
        conductance = subject.conductance if subject.ohmic else 1e-6 * _conducts(subject.cells)
        if case.bias is None:
            Crossbar(conductance, subject.wires).read(stimulus)
        else:
            Crossbar(conductance, subject.wires).solve(_constant_bias(case))
    except InputError:
        return False
    return True


def _conducts(cells: Any) -> np.ndarray:
    """Return 1 for cells that carry a current at some voltage, and 0 for cells without a filament."""
    gates = np.ones(len(cells.control_names)) if cells.control_names else None
    return np.logical_or(*(cells.current(v, controls=gates) != 0.0 for v in (-1.0, 1.0))).astype(float)


def _constant_bias(case: Case) -> Any:
    """Return the bias with another constant in place of each waveform."""
    assert case.bias is not None
    return terminals({s: [0.1 if isinstance(p, dict) else p for p in given] for s, given in case.bias.items()})


class _Draft:
    """One attempt at a case."""

    def __init__(
        self, spec: CampaignSpec, number: int, stratum: Stratum, options: dict[str, str], rng: np.random.Generator
    ) -> None:
        self.spec, self.number, self.stratum, self.options, self.rng = spec, number, stratum, dict(options), rng
        self.over_time = stratum.analysis.endswith("transient")
        self.cell = None if stratum.cells == "ohmic" else device(*stratum.model.split("/"))
        if stratum.cells == "1T1R" or (self.cell is not None and self.cell.control_names):
            # Shorts between lines are refused beside transistors.
            self.options["faults"] = options["faults"].replace("short", "open")
        self.loaded = stratum.analysis == "array transient" and options["capacitance"] != "none"
        self.peak = 1.0 if self.cell is None else self.cell.parameter_set.loop_voltage
        if stratum.cells == "1S1R":
            self.peak += 0.5

    def case(self) -> Case:
        """Return the case."""
        stratum, rng = self.stratum, self.rng
        shown = {"analysis": stratum.analysis, "cells": stratum.cells, "model": stratum.model}
        if stratum.analysis == "device transient":
            shown |= {name: self.options[name] for name in ("values", "waveforms")}
            parts = [self._part(self.cell, None)]
            return Case(number=self.number, options=shown, parts=parts, waveform=self._waveform())
        low, high = self.spec.moving if self.over_time else self.spec.rest
        edges = np.log([low, high + 1.0])
        rows, columns = (min(high, int(np.exp(rng.uniform(*edges)))) for _ in range(2))
        shape = self.shape = rows, columns
        used = ["wires", "terminals", "faults"]
        conductance, parts, gate, gates, bulk = None, [], None, "rows", 0.0
        if self.cell is None:
            conductance = self._conductance()
        else:
            used.append("values")
            parts = self._parts()
            if get_model(parts[-1]["model"]).controls:
                used.append("gates")
                gates = self.options["gates"]
                gate = rng.uniform(0.3, 1.8, rows if gates == "rows" else columns).tolist()
                bulk = -0.05
        wires = self._wires()
        bias, voltage, step, tolerance = None, None, None, None
        if stratum.analysis == "read":
            used.remove("terminals")
            voltage = self._volts(rows)
        else:
            bias = self._terminals()
        duration = None
        if self.over_time and bias is not None:
            used += ["waveforms", "capacitance"]
            wave = self._waveform()
            bias, duration = self._with_waveform(bias, wave), waveform(wave).duration
            wires |= self._capacitance(duration)
            step, tolerance = duration / self.spec.steps, self.spec.step_error
        shown |= {name: self.options[name] for name in used}
        return Case(
            number=self.number,
            options=shown,
            conductance=conductance,
            parts=parts,
            shape=shape,
            wires=wires,
            voltage=voltage,
            bias=bias,
            gates=gates,
            gate=gate,
            bulk=bulk,
            duration=duration,
            step=step,
            tolerance=tolerance,
        )

    def _volts(self, count: int) -> list[float]:
        return self.rng.uniform(-self.peak, self.peak, count).tolist()

    def _conductance(self) -> list[list[float]]:
        """Conductances over four decades; those of stuck cells beyond them or 0."""
        cells = 10.0 ** self.rng.uniform(-7.0, -3.0, self.shape)
        if self.options["faults"] == "stuck":
            stuck = self._some_cells()
            cells[stuck] = self.rng.choice([0.0, 1e-9, 1e-2], int(stuck.sum()))
        return cells.tolist()

    def _some_cells(self) -> np.ndarray:
        """About a tenth of all cells, one at least."""
        chosen = self.rng.random(self.shape) < 0.1
        chosen.flat[self.rng.integers(chosen.size)] = True
        return chosen

    def _parts(self) -> list[dict[str, Any]]:
        """Devices in series, top first."""
        assert self.cell is not None
        own = self._part(self.cell, self.shape)
        if self.stratum.cells == "1S1R":
            # A threshold switch in series with a slower device oscillates at a frequency of its own.
            selectors = SELECTORS[:1] if self.over_time else SELECTORS
            return [self._part(device(str(self.rng.choice(selectors))), self.shape), own]
        if self.stratum.cells == "1T1R":
            return [own, self._part(device(TRANSISTOR), self.shape)]
        if self.stratum.cells == "1R":
            resistance = 10.0 ** self.rng.uniform(2.0, 4.0, self.shape)
            return [own, {"model": "resistor", "set": "unit", "values": {"r": resistance.tolist()}}]
        return [own]

    def _part(self, cell: Device | None, shape: tuple[int, int] | None) -> dict[str, Any]:
        """A device, or one for each cell, with its first state anywhere between its bounds."""
        assert cell is not None
        values: dict[str, Any] = {}
        if self.options["values"] == "spread":
            for parameter in cell.model.parameters:
                centre = float(cell.parameters[parameter.name])
                spread = centre * np.exp(self.rng.normal(0.0, _SPREAD, shape))
                values[parameter.name] = np.clip(spread, parameter.lower, parameter.upper)
        if cell.model.states:
            start = self.rng.uniform(0.05, 0.95, shape)
            if shape is not None and self.options["faults"] == "stuck":
                stuck = self._some_cells()
                start[stuck] = self.rng.integers(0, 2, int(stuck.sum()))
            lower, upper = device(
                cell.model.name, cell.parameter_set.name, **self._clipped_starts(cell, values)
            ).bounds()
            first = cell.model.states[0].name
            values[first] = np.clip(lower[..., 0] + start * (upper - lower)[..., 0], lower[..., 0], upper[..., 0])
            for k, state in enumerate(cell.model.states[1:], start=1):
                if values.keys() & {state.lower, state.upper}:
                    values[state.name] = np.clip(cell.initial[state.name], lower[..., k], upper[..., k])
        listed = {name: np.asarray(v).tolist() for name, v in values.items()}
        return {"model": cell.model.name, "set": cell.parameter_set.name, "values": listed}

    @staticmethod
    def _clipped_starts(cell: Device, values: dict[str, Any]) -> dict[str, Any]:
        """The same parameters, with each start clipped to the bounds that they give."""
        clipped = dict(values)
        for state in cell.model.states:
            low, high = (
                values.get(b, cell.parameters[b]) if isinstance(b, str) else b for b in (state.lower, state.upper)
            )
            clipped[state.name] = np.clip(cell.initial[state.name], low, high)
        return clipped

    def _wires(self) -> dict[str, Any]:
        """Wires; with resistance at their ends where there is capacitance, whose current would jump at each corner."""
        rng, (rows, columns) = self.rng, self.shape
        shapes = {
            "word_line": (rows, columns + 1),
            "bit_line": (rows + 1, columns),
            "driver": (rows,),
            "far_driver": (rows,),
            "sense": (columns,),
            "far_sense": (columns,),
        }
        kind = self.options["wires"]
        wires: dict[str, Any] = {}
        for name, size in shapes.items():
            scale = 10.0 ** rng.uniform(-1.0, 1.5) * (1.0 if name.endswith("line") else 10.0)
            if kind == "uniform" or (self.loaded and kind == "ideal" and len(size) == 1):
                wires[name] = float(scale)
            elif kind != "ideal":
                drawn = scale * rng.uniform(0.5, 2.0, size)
                if kind == "partly zero" and not (self.loaded and len(size) == 1):
                    drawn *= rng.random(size) < rng.choice([0.0, 0.5, 1.0])
                wires[name] = drawn.tolist()
        if self.options["faults"] == "open":
            wires |= self._opens(wires)
        if self.options["faults"] == "short":
            wires["shorts"] = self._shorts()
        return wires

    def _opens(self, wires: dict[str, Any]) -> dict[str, Any]:
        """One to three broken segments, with all segments of those kinds of lines given one by one."""
        rows, columns = self.shape
        broken: dict[str, Any] = {}
        for _ in range(self.rng.integers(1, 4)):
            name, size = [("word_line", (rows, columns + 1)), ("bit_line", (rows + 1, columns))][self.rng.integers(2)]
            grid = broken.get(name) or np.broadcast_to(wires.get(name, 0.0), size).tolist()
            grid[self.rng.integers(size[0])][self.rng.integers(size[1])] = OPEN
            broken[name] = grid
        return broken

    def _shorts(self) -> list[dict[str, Any]]:
        """One or two bridges between neighbouring lines; none in an array of one line."""
        rows, columns = self.shape
        found = []
        kinds = [("word", rows, columns)] * (rows > 1) + [("bit", columns, rows)] * (columns > 1)
        for _ in range(self.rng.integers(1, 3)):
            if kinds:
                kind, lines, cells = kinds[self.rng.integers(len(kinds))]
                line, cell = int(self.rng.integers(lines - 1)), int(self.rng.integers(cells))
                resistance = float(10 ** self.rng.uniform(0, 2))
                found.append({"kind": kind, "line": line, "cell": cell, "resistance": resistance})
        return found

    def _capacitance(self, duration: float) -> dict[str, float]:
        """Capacitances that charge through 100 ohm within 1e-4 to 1e-1 of the duration, so that they have an effect."""
        if self.options["capacitance"] == "none":
            return {}
        word, bit, crossing = (duration / 100.0 * 10.0 ** self.rng.uniform(-4.0, -1.0, 3)).tolist()
        found = {"word_line_capacitance": word, "bit_line_capacitance": bit}
        return found | ({"crossing_capacitance": crossing} if "crossings" in self.options["capacitance"] else {})

    def _terminals(self) -> dict[str, list[Any]]:
        """The potential of each terminal, at rest."""
        rows, columns = self.shape
        kind, rng = self.options["terminals"], self.rng
        if self.over_time and self.stratum.cells in ("1S1R", "1T1R") and kind in ("mixed", "floating"):
            # The potential of metal of 1 S on selectors of 1e-11 S, or on transistors that are off, changes by rounding
            # alone: no step of a simulator is small enough.
            kind = self.options["terminals"] = "V/2"
        words, bits = self._volts(rows), self._volts(columns)
        if kind == "left to bottom":
            return {"word_left": words, "bit_bottom": [0.0] * columns}
        if kind == "bottom to left":
            return {"bit_bottom": bits, "word_left": [0.0] * rows}
        if kind == "both ends":
            ground = [0.0] * columns
            return {"word_left": words, "word_right": list(words), "bit_top": ground, "bit_bottom": list(ground)}
        if kind in ("V/2", "floating"):
            others: Any = 0.5 * self.peak if kind == "V/2" else FLOATS
            sides: dict[str, list[Any]] = {"word_left": [others] * rows, "bit_bottom": [others] * columns}
            sides["word_left"][rng.integers(rows)] = self.peak
            sides["bit_bottom"][rng.integers(columns)] = 0.0
            return sides
        sides = {side: [FLOATS] * (rows if side.startswith("word") else columns) for side in SIDES}
        for near, far, count in (("word_left", "word_right", rows), ("bit_top", "bit_bottom", columns)):
            for line, ends in enumerate(rng.choice(["near", "far", "same", "differ", "neither"], count)):
                near_volts, far_volts = self._volts(2)
                if ends in ("near", "same", "differ"):
                    sides[near][line] = near_volts
                if ends in ("far", "same", "differ"):
                    apart = ends != "same" and self.options["wires"] in ("uniform", "uneven")
                    sides[far][line] = far_volts if apart or ends == "far" else near_volts
        return sides

    def _waveform(self) -> dict[str, Any]:
        rng, kind = self.rng, self.options["waveforms"]
        frequency = 1e8 if self.cell is None else (self.cell.loop().frequency if self.cell.model.states else 1e6)
        frequency = float(frequency * 10.0 ** rng.uniform(0.0, 1.0))
        peak = float(self.peak * rng.uniform(0.5, 1.0) * rng.choice([-1.0, 1.0]))
        if kind == "sine":
            phase = float(rng.uniform(0.0, 2 * np.pi))
            offset = float(0.2 * peak * rng.uniform(-1.0, 1.0))
            return {"kind": "Sine", "amplitude": peak, "frequency": frequency, "phase": phase, "offset": offset}
        if kind == "triangle":
            return {"kind": "Triangle", "amplitude": peak, "frequency": frequency}
        length = 1.0 / frequency
        if kind == "pulses":
            count = int(rng.integers(1, 4))
            width, edge = (length / count * part for part in (0.4, 0.1))
            fields = {"width": width, "period": length / count, "count": count, "edge": edge}
            return {"kind": "Pulses", "amplitude": peak, **fields, "base": float(rng.choice([0.0, 0.2 * peak]))}
        if kind == "constant":
            return {"kind": "Constant", "voltage": peak, "length": length}
        inner = np.sort(rng.uniform(0.05, 0.95, 4))
        times = [0.0, *(length * inner).tolist(), length]
        return {"kind": "Samples", "time": times, "voltage": (abs(peak) * rng.uniform(-1.0, 1.0, len(times))).tolist()}

    def _with_waveform(self, bias: dict[str, list[Any]], wave: dict[str, Any]) -> dict[str, list[Any]]:
        """The bias with the waveform at about half of the driven terminals, one at least; both ends of a line alike."""
        driven = [(s, k) for s, given in bias.items() for k, p in enumerate(given) if p not in (FLOATS, 0.0)]
        moving = [place for place in driven if self.rng.random() < 0.5] or driven[:1]
        scaled = {}
        for side, line in moving:
            potential = bias[side][line]
            scaled[potential] = scaled_wave(wave, potential / self.peak)
        return {s: [scaled.get(p, p) for p in given] for s, given in bias.items()}


def scaled_wave(wave: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return a waveform with all its voltages times `factor`."""
    found = dict(wave)
    for name in ("amplitude", "offset", "base", "voltage"):
        if name in found:
            given = found[name]
            found[name] = [factor * v for v in given] if isinstance(given, list) else factor * given
    return found
