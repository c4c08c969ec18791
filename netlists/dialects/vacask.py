"""A circuit as a netlist of VACASK, with the Verilog-A modules of its devices in the same file.

VACASK has the embedded modules compiled by OpenVAF, which has names of modules and parameters in lower case. States
start at their given values, because the modules hold them there in the operating point from which a transient starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from devices import InputError, Waveform
from devices.common.validation import choice, integer, number
from netlists.analyses import AC, DCSweep, Noise, OperatingPoint, Transient
from netlists.circuit import GROUND, Block, Capacitor, Circuit, Element, Instance, Resistor, Subcircuit, VoltageSource
from netlists.dialects.checks import check_circuit, check_foreign
from netlists.dialects.expressions import real_text
from netlists.dialects.held import held_nets
from netlists.dialects.ngspice import clamp_rate
from netlists.dialects.probes import shown_states, without_probes
from netlists.dialects.text import one_line, package_version, wrapped
from netlists.dialects.verilog_a import CURRENT_VARIABLE, internal_node, verilog_name, write_verilog_a
from netlists.dialects.waveforms import as_sine, check_straight

__all__ = [
    "VacaskOptions",
    "current_vectors",
    "state_vectors",
    "sweep_vectors",
    "write_vacask",
]

#: VACASK's models of wires: name in the netlist, file and module.
_WIRES = {Resistor: ("wire", "resistor"), Capacitor: ("capacitance", "capacitor")}
_SOURCE = "source"  # its model of voltage sources
_STEP_BY_CORNERS = 5e-6  # so that all steps that corners ask for are 200 000 at most
_HALVINGS = 14  # 6e-8 of the time between corners for the first step, where steps are 1e-3 of each part


@dataclass(frozen=True, kw_only=True)
class VacaskOptions:
    """Tolerances of VACASK; the defaults are for reference runs, far tighter than those of VACASK.

    Parameters
    ----------
    reltol : float, optional
        Relative tolerance of Newton's iteration, and error of a step relative to the largest value so far.
    abstol : float, optional
        Absolute tolerance of currents [A].
    vntol : float, optional
        Absolute tolerance of voltages [V].
    gmin : float, optional
        Conductance that VACASK may add across junctions [S].
    method : {"bdf", "am"}, optional
        Backward differentiation, which holds stiff laws, or Adams and Moulton's method.
    order : int, optional
        Highest order of the method, 1 to 4; with 5, VACASK loses digits.
    first : float, optional
        First step, as a fraction of the longest; its error is not controlled.
    corner : float, optional
        Longest step as a fraction of the time from one corner of a waveform to the next: nor are the errors of the
        first steps after a corner controlled.
    halvings : int, optional
        Number of times that this time is halved, towards the corner at its start, by points on the straight line that
        VACASK takes for corners too: steps are short while charges settle after a corner, and grow later. Not where
        the slope does not change, as at the start of a constant: nothing settles there, and charges over short steps
        are rounding.
    residuals : bool, optional
        Whether the sum of currents at each node must be below `abstol` too, not only the last change of all unknowns.
        With wires that is impossible: 1 V across 0.1 ohm is known to 1e-15 A only.
    """

    reltol: float = 1e-12
    abstol: float = 1e-18
    vntol: float = 1e-12
    gmin: float = 1e-18
    method: Literal["bdf", "am"] = "bdf"
    order: int = 4
    first: float = 1e-5
    corner: float = 0.25
    halvings: int = 0
    residuals: bool = True

    def __post_init__(self) -> None:
        for name in ("reltol", "abstol", "vntol", "gmin"):
            number(name, getattr(self, name), minimum=0.0, open_minimum=True)
        for name in ("first", "corner"):
            number(name, getattr(self, name), minimum=0.0, maximum=1.0, open_minimum=True)
        choice("method", self.method, ("bdf", "am"))
        integer("order", self.order, minimum=1, maximum=4)
        integer("halvings", self.halvings, minimum=0, maximum=40)

    @classmethod
    def suited(cls, circuit: Circuit) -> VacaskOptions:
        """Return the options with which `netlists.crosscheck` runs a circuit: small steps where corners are few.

        Residuals are not checked in a circuit with wires. With capacitors, steps are short after each corner, and
        tolerances a hundred times as large, because the iteration does not come closer where a small step makes a large
        conductance of a capacitor. Elements in blocks count as those outside.
        """
        parts = circuit.parts
        waves = [e.value for e in parts if isinstance(e, VoltageSource) and isinstance(e.value, Waveform)]
        corners = len({float(t) for wave in waves for t in wave.corners})
        metal = any(isinstance(e, Resistor) for e in parts)
        over_time = isinstance(circuit.analysis, Transient)
        if not over_time or not any(isinstance(e, Capacitor) for e in parts):
            return cls(corner=min(0.25, max(1e-4, corners * _STEP_BY_CORNERS)), residuals=not metal)
        corner = min(0.25, max(1e-3, corners * (_HALVINGS + 1) * _STEP_BY_CORNERS))
        return cls(corner=corner, halvings=_HALVINGS, residuals=not metal).loosened(1e2)

    def loosened(self, factor: float) -> VacaskOptions:
        """Return these options with tolerances of Newton's iteration that are `factor` times as large."""
        return replace(self, reltol=factor * self.reltol, abstol=factor * self.abstol, vntol=factor * self.vntol)

    def stretched(self, factor: float) -> VacaskOptions:
        """Return these options with steps between corners `factor` times as long, a quarter of the time at most."""
        return replace(self, corner=min(0.25, self.corner * factor))

    def items(self) -> list[tuple[str, str]]:
        """Return names and values as text, in a fixed order."""
        plain = [(name, real_text(getattr(self, name))) for name in ("reltol", "abstol", "vntol", "gmin")]
        method = [("tran_method", f'"{self.method}"'), ("tran_maxord", str(self.order))]
        method.append(("nr_residualcheck", str(int(self.residuals))))
        return [*plain, *method, ("tran_fs", real_text(self.first)), ("tran_fbr", real_text(self.corner))]


def write_vacask(circuit: Circuit, options: VacaskOptions | None = None) -> str:
    """Return `circuit` as a netlist of VACASK: the same text for the same circuit.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`.
    options : VacaskOptions, optional
        Tolerances; those suited to the circuit where not given.

    Returns
    -------
    str
        The netlist with the Verilog-A modules in it, and a final line end. Run it with ``vacask FILE``.

    Raises
    ------
    InputError
        If a name cannot be written, or a law is outside the vocabulary.
    """
    check_circuit(circuit, ignores_case=False)
    check_foreign(circuit, "vacask")
    options = options or VacaskOptions.suited(circuit)
    driven = circuit.analysis.source if isinstance(circuit.analysis, AC | Noise) else None
    bare = without_probes(circuit)
    wires = [named for kind, named in _WIRES.items() if any(isinstance(e, kind) for e in circuit.parts)]
    observed = [path.replace(".", ":") for path in _observed(circuit)]
    lines = [
        one_line(circuit.title) or "circuit",
        f"// dialect VACASK; written by memductance {package_version()}",
        *(f"// {one_line(f'net {gone} is net {kept}')}" for gone, kept in circuit.merged.items()),
        f"ground {GROUND}",
        f"model {_SOURCE} vsource",
        *(line for name, module in wires for line in (f'load "{module}.osdi"', f"model {name} {module}")),
        *(
            line
            for d in circuit.subcircuits
            for line in (f'load "{_module(d)}.va"', f"model {_written(d.name)} {_module(d).lower()}")
        ),
        *dict.fromkeys(line for foreign in circuit.foreign for line in foreign.lines),
        *(line for block in bare.blocks for line in _block(block, options.halvings)),
        *(_element(e, options.halvings) + (" mag=1" if e.name == driven else "") for e in bare.elements),
        "control",
        "  abort always",
        f"  {_option_text(options)}",
        *wrapped(["default", *(f'p("{path}",{CURRENT_VARIABLE})' for path in observed)], "  save "),
        *(f"  {line}" for line in _analysis(circuit)),
        "endc",
    ]
    for definition in circuit.subcircuits:
        text = write_verilog_a(definition, module=_module(definition), clamp_rate=clamp_rate(circuit))
        lines += _embedded(f"{_module(definition)}.va", text)
    files: dict[str, str] = {}
    for name, text in ((name, text) for foreign in circuit.foreign for name, text in foreign.files.items()):
        if files.setdefault(name, text) != text:
            raise InputError("circuit", f"two files {name}", "files that differ in their names", "rename one")
    for name, text in files.items():
        lines += _embedded(name, text)
    return "\n".join([*lines, ""])


def _option_text(options: VacaskOptions) -> str:
    """Return the command that sets the tolerances."""
    chosen = " ".join(f"{name}={value}" for name, value in options.items())
    return f'options rawfile="binary" tran_lteratio=1.1 tran_itl=100 {chosen}'


def _embedded(name: str, text: str) -> list[str]:
    """Return the lines that put a file into a netlist."""
    mark = "MODULE"
    while f">>>{mark}" in text:
        mark += "_"
    return [f'embed "{name}" <<<{mark}', text.rstrip("\n"), f">>>{mark}"]


def _module(definition: Subcircuit) -> str:
    """Return the name of a device's module: its own, with a ``_`` where VACASK has wires of that name."""
    taken = [module for _, module in _WIRES.values()]
    return f"{definition.name}_" if definition.name in taken else definition.name


def _written(name: str) -> str:
    """Return the name of a device or a block: its own, with a ``_`` where a model of the netlist has that name."""
    return f"{name}_" if name in (_SOURCE, *(model for model, _ in _WIRES.values())) else name


def current_vectors(circuit: Circuit) -> dict[str, str]:
    """Return the vector for each observed current, with ``.`` between the names of its path, by its instance."""
    return {name: f"{name}.{CURRENT_VARIABLE}" for name in _observed(circuit)}


def _observed(circuit: Circuit) -> tuple[str, ...]:
    """Return the instances whose currents are saved: none for small sines, for which VACASK has nodes and sources."""
    return () if isinstance(circuit.analysis, AC | Noise) else circuit.observed


def sweep_vectors(circuit: Circuit) -> list[str]:
    """Return the names of the vectors that VACASK adds in a sweep."""
    return [_swept(name) for name in circuit.analysis.sources] if isinstance(circuit.analysis, DCSweep) else []


def _swept(source: str) -> str:
    return f"swept_{source.lower()}"


def state_vectors(circuit: Circuit) -> dict[str, str]:
    """Return the vector for each state, with ``.`` between the names of its path, by the net that shows the state."""
    return {net: f"{device}.{internal_node(state)}" for net, (device, state) in shown_states(circuit).items()}


def _analysis(circuit: Circuit) -> list[str]:
    analysis = circuit.analysis
    if isinstance(analysis, OperatingPoint):
        return ["analysis circuit op"]
    if isinstance(analysis, Transient):
        step, stop = real_text(analysis.step), real_text(analysis.duration)
        starts = ", ".join(f'"{net.replace(".", ":")}", 0.0' for net in held_nets(circuit))
        start = f" ic={{{starts}}}" if starts else ""
        return [f"analysis circuit tran step={step} stop={stop} maxstep={step}{start}"]
    if isinstance(analysis, DCSweep):
        swept = ((name, _listed(analysis.values(name))) for name in reversed(list(analysis.sources)))
        sweeps = (f'sweep {_swept(name)} instance="{name}" parameter="dc" values={values}' for name, values in swept)
        return [*sweeps, "  analysis circuit op"]
    decades = f"values={_listed(analysis.frequencies)}"
    if isinstance(analysis, AC):
        return [f"analysis circuit ac {decades}"]
    warm = f"options temp={real_text(round(analysis.temperature - 273.15, 9))}"
    net = circuit.net(analysis.output)
    return [warm, f'analysis circuit noise out="{net}" in="{analysis.source}" {decades}']


def _listed(values: Iterable[float]) -> str:
    return f"[{', '.join(map(real_text, values))}]"


def _block(block: Block, halvings: int) -> list[str]:
    return [
        *(f"// {one_line(f'in {block.name}, net {gone} is net {kept}')}" for gone, kept in block.merged.items()),
        f"subckt {_written(block.name)} ({' '.join(block.ports)})",
        *(f"  {_element(element, halvings)}" for element in block.elements),
        "ends",
    ]


def _element(element: Element, halvings: int) -> str:
    nets = element.nets if isinstance(element, Instance) else (element.plus, element.minus)
    head = f"{element.name} ({' '.join(nets)})"
    if isinstance(element, Resistor):
        return f"{head} wire r={real_text(element.resistance)}"
    if isinstance(element, Capacitor):
        return f"{head} capacitance c={real_text(element.capacitance)}"
    if isinstance(element, VoltageSource):
        return f"{head} {_SOURCE} {_source_text(element.value, halvings)}"
    values = "".join(f" {verilog_name(name).lower()}={real_text(value)}" for name, value in element.values.items())
    return f"{head} {_written(element.subcircuit)}{values}"


def _source_text(value: float | Waveform, halvings: int) -> str:
    """Return the value of a voltage source; points towards the corners of a waveform as in `VacaskOptions`."""
    if not isinstance(value, Waveform):
        return f"dc={real_text(value)}"
    sine = as_sine(value)
    if sine is not None:
        words = ("sinedc", "ampl", "freq", "tdphase")
        return 'type="sine" ' + " ".join(f"{w}={real_text(n)}" for w, n in zip(words, sine, strict=True))
    check_straight(value)
    rows = value.segments
    after = np.outer(np.diff(value.corners), [0.0, *(0.5**k for k in range(halvings, 0, -1))])
    told = np.ones(after.shape, dtype=bool)
    told[np.diff(rows[:, 2], prepend=0.0) == 0.0, 1:] = False
    time = np.append((rows[:, :1] + after)[told], value.duration)
    voltage = np.append((rows[:, 1:2] + rows[:, 2:3] * after)[told], value.at(value.duration))
    points = ", ".join(f"{real_text(t)}, {real_text(v)}" for t, v in zip(time, voltage, strict=True))
    return f'type="pwl" break="all" wave=[{points}]'
