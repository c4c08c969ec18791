"""A circuit as a netlist of Spectre with a Verilog-A module for each device, after its manuals; not run here.

Names differ in upper and lower case; devices have no outputs for states; a transient starts from the operating point,
in which the modules hold their states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from devices import Waveform
from devices.common.validation import choice, number
from netlists.analyses import AC, DCSweep, Noise, OperatingPoint, Transient
from netlists.circuit import Capacitor, Circuit, Element, Instance, Resistor, VoltageSource
from netlists.dialects.checks import check_circuit, check_foreign
from netlists.dialects.expressions import real_text
from netlists.dialects.probes import without_probes
from netlists.dialects.spice import clamp_rate
from netlists.dialects.text import device_notes, one_line, package_version, wrapped
from netlists.dialects.verilog_a import verilog_name, write_verilog_a
from netlists.dialects.waveforms import as_points, as_sine

__all__ = ["SpectreOptions", "write_spectre"]

#: Names of the components of Spectre, which a module of ours must not have.
_TAKEN = frozenset({"bsource", "capacitor", "inductor", "iprobe", "isource", "port", "relay", "resistor", "vsource"})


@dataclass(frozen=True, kw_only=True)
class SpectreOptions:
    """Tolerances of Spectre.

    Parameters
    ----------
    reltol : float, optional
        Relative tolerance of Newton's iteration and of a step.
    vabstol : float, optional
        Absolute tolerance of voltages [V].
    iabstol : float, optional
        Absolute tolerance of currents [A].
    gmin : float, optional
        Conductance that Spectre may add across junctions [S].
    method : {"traponly", "gear2only"}, optional
        Integration method.
    """

    reltol: float = 1e-9
    vabstol: float = 1e-12
    iabstol: float = 1e-18
    gmin: float = 1e-18
    method: Literal["traponly", "gear2only"] = "traponly"

    def __post_init__(self) -> None:
        for name in ("reltol", "vabstol", "iabstol", "gmin"):
            number(name, getattr(self, name), minimum=0.0, open_minimum=True)
        choice("method", self.method, ("traponly", "gear2only"))


def write_spectre(circuit: Circuit, options: SpectreOptions | None = None) -> tuple[str, dict[str, str]]:
    """Return `circuit` as a netlist of Spectre, and the Verilog-A files that it includes.

    Parameters
    ----------
    circuit : Circuit
        As made by `device_circuit`, `crossbar_circuit` or `tiles_circuit`.
    options : SpectreOptions, optional
        Tolerances.

    Returns
    -------
    netlist : str
        The netlist with a final line end. Run it with ``spectre FILE``.
    modules : dict of str to str
        Name and text of each Verilog-A file, to be put beside the netlist.

    Raises
    ------
    InputError
        If a name or a number cannot be written, or a law is outside the vocabulary.
    """
    check_circuit(circuit, ignores_case=False)
    check_foreign(circuit, "spectre")
    given = options or SpectreOptions()
    names = [*(d.name for d in circuit.subcircuits), *(block.name for block in circuit.blocks)]
    written = {name: f"{name}_" if name in _TAKEN else name for name in names}
    modules = {d.name: written[d.name] for d in circuit.subcircuits}
    bare = without_probes(circuit)

    def lines_of(elements: tuple[Element, ...]) -> list[str]:
        return [line for element in elements for line in _element(element, written)]

    driven = circuit.analysis.source if isinstance(circuit.analysis, AC | Noise) else None

    lines = [_comment(circuit.title), _comment(f"dialect Spectre; written by memductance {package_version()}")]
    lines += [_comment(f"net {gone} is net {kept}") for gone, kept in circuit.merged.items()]
    for definition in circuit.subcircuits:
        lines += map(_comment, device_notes(definition.model, definition.parameter_set))
    lines += ["simulator lang=spectre", "global 0"]
    lines += [f'ahdl_include "{module}.va"' for module in modules.values()]
    for block in bare.blocks:
        lines += [_comment(f"in {block.name}, net {gone} is net {kept}") for gone, kept in block.merged.items()]
        lines += [f"subckt {written[block.name]} (", *wrapped(block.ports, "+ "), "+ )", *lines_of(block.elements)]
        lines.append(f"ends {written[block.name]}")
    for element in bare.elements:
        own = _element(element, written)
        lines += [f"{own[0]} mag=1", *own[1:]] if element.name == driven else own
    tight = ("reltol", "vabstol", "iabstol", "gmin")
    lines.append(f"tight options {' '.join(f'{name}={real_text(getattr(given, name))}' for name in tight)}")
    lines += _analysis(circuit, given)
    if circuit.measured:
        lines += ["save", *wrapped((f"{source}:1" for source in circuit.measured), "+ ")]
    texts = {
        f"{module}.va": write_verilog_a(definition, module=module, clamp_rate=clamp_rate(circuit))
        for definition, module in zip(circuit.subcircuits, modules.values(), strict=True)
    }
    return "\n".join([*lines, ""]), texts


def _analysis(circuit: Circuit, options: SpectreOptions) -> list[str]:
    analysis = circuit.analysis
    if isinstance(analysis, OperatingPoint):
        return ["atrest dc"]
    if isinstance(analysis, Transient):
        step, stop = real_text(analysis.step), real_text(analysis.duration)
        return [f"overtime tran stop={stop} maxstep={step} method={options.method}"]
    if isinstance(analysis, DCSweep):
        lines: list[str] = []
        for depth, (name, v) in enumerate(analysis.sources.items()):
            ends = " ".join(f"{w}={real_text(getattr(v, w))}" for w in ("start", "stop", "step"))
            if depth == 0:
                lines = [f"swept dc dev={name} param=dc {ends}"]
            else:
                lines = [f"outer{depth} sweep dev={name} param=dc {ends} {{", *lines, "}"]
        return lines
    decades = f"start={real_text(analysis.start)} stop={real_text(analysis.stop)} dec={analysis.points}"
    if isinstance(analysis, AC):
        return [f"response ac {decades}"]
    warm = f"warm options temp={real_text(round(analysis.temperature - 273.15, 9))}"
    return [warm, f"density {circuit.net(analysis.output)} 0 noise {decades} iprobe={analysis.source}"]


def _element(element: Element, written: dict[str, str]) -> list[str]:
    if isinstance(element, Instance):
        words = [*element.nets, ")", written[element.subcircuit]]
        words += [f"{verilog_name(name)}={real_text(value)}" for name, value in element.values.items()]
        head, *more = wrapped(words, "")
        return [f"{element.name} ( {head}", *(f"+ {line}" for line in more)]
    head = f"{element.name} ({element.plus} {element.minus})"
    if isinstance(element, Resistor):
        return [f"{head} resistor r={real_text(element.resistance)}"]
    if isinstance(element, Capacitor):
        return [f"{head} capacitor c={real_text(element.capacitance)}"]
    return _source(head, element)


def _source(head: str, source: VoltageSource) -> list[str]:
    value = source.value
    if not isinstance(value, Waveform):
        return [f"{head} vsource type=dc dc={real_text(value)}"]
    sine = as_sine(value)
    if sine is not None:
        words = ("sinedc", "ampl", "freq", "sinephase")
        values = (f"{word}={real_text(number)}" for word, number in zip(words, sine, strict=True))
        return [f"{head} vsource type=sine {' '.join(values)}"]
    pairs = (f"{real_text(t)} {real_text(v)}" for t, v in zip(*as_points(value), strict=True))
    return [f"{head} vsource type=pwl wave=[", *wrapped(pairs, "+ "), "+ ]"]


def _comment(text: str) -> str:
    return f"// {one_line(text)}"
