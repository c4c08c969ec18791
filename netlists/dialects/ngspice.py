"""ngspice: SymPy expressions, device subcircuits and whole netlists.

A state is the voltage of a node inside its subcircuit, as a share s of the span between its bounds: s = 0 at the lower
and s = 1 at the upper one. A behavioural source charges a capacitor with the state's rate. The laws see the state clipped to its
bounds. Past a bound the outward rate falls to zero over `WALL` of the span, without a jump, so the state rests there and
leaves at once when its law points inward.
"""

from __future__ import annotations

from importlib.metadata import version

import sympy
from sympy.printing.str import StrPrinter

from devices import Constant, DeviceModel, ParameterSet, Sine, Waveform
from netlists.circuit import Cell, Circuit, Resistor, VoltageSource

__all__ = ["WALL", "expression", "stimulus", "subcircuit", "write_ngspice"]

#: Width of the wall behind each bound, as a share of the span.
WALL = 1e-6


class _Printer(StrPrinter):
    """SymPy to a behavioural-source expression: every operand in brackets, so that no precedence is relied on."""

    def __init__(self, nodes: dict[sympy.Symbol, str]) -> None:
        super().__init__({"full_prec": False})
        self._nodes = nodes

    def _call(self, name: str, *arguments: sympy.Expr) -> str:
        return f"{name}({','.join(self._print(a) for a in arguments)})"

    def _fold(self, name: str, arguments: tuple[sympy.Expr, ...]) -> str:
        text = self._print(arguments[0])
        for argument in arguments[1:]:
            text = f"{name}({text},{self._print(argument)})"
        return text

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return self._nodes.get(expr, expr.name)

    def _print_Integer(self, expr: sympy.Integer) -> str:
        return str(int(expr)) if expr >= 0 else f"({int(expr)})"

    def _print_Float(self, expr: sympy.Float) -> str:
        return number(float(expr)) if expr >= 0 else f"({number(float(expr))})"

    def _print_Rational(self, expr: sympy.Rational) -> str:
        return f"({expr.p}/{expr.q})"

    def _print_Add(self, expr: sympy.Add, order: str | None = None) -> str:
        return "(" + "+".join(self._print(a) for a in self._as_ordered_terms(expr, order=order)) + ")"

    def _print_Mul(self, expr: sympy.Mul) -> str:
        above, below = [], []
        for factor in expr.as_ordered_factors():
            base, exponent = factor.as_base_exp()
            if exponent.is_Number and exponent < 0 and base is not sympy.E:
                below.append(self._print(base ** (-exponent)))
            else:
                above.append(self._print(factor))
        product = "*".join(above) or "1"
        return f"({product}/({'*'.join(below)}))" if below else f"({product})"

    def _print_Pow(self, expr: sympy.Pow, rational: bool = False) -> str:
        base, exponent = expr.args
        if exponent.is_Integer:
            power = abs(int(exponent))
            text = "(" + "*".join([self._print(base)] * power) + ")" if power <= 4 else self._power(base, power)
            return text if exponent > 0 else f"(1/{text})"
        if exponent == sympy.Rational(1, 2):
            return self._call("sqrt", base)
        return self._power(base, exponent)

    def _power(self, base: sympy.Expr, exponent: sympy.Expr | int) -> str:
        # ngspice raises the magnitude: right for the non-negative bases of real powers, and for even powers.
        return f"pow({self._print(base)},{self._print(sympy.sympify(exponent))})"

    def _print_exp(self, expr: sympy.exp) -> str:
        return self._call("exp", *expr.args)

    def _print_log(self, expr: sympy.log) -> str:
        return self._call("ln", *expr.args)

    def _print_Abs(self, expr: sympy.Abs) -> str:
        return self._call("abs", *expr.args)

    def _print_sign(self, expr: sympy.sign) -> str:
        return self._call("sgn", *expr.args)

    def _print_Heaviside(self, expr: sympy.Heaviside) -> str:
        return self._call("u", expr.args[0])

    def _print_Max(self, expr: sympy.Max) -> str:
        return self._fold("max", expr.args)

    def _print_Min(self, expr: sympy.Min) -> str:
        return self._fold("min", expr.args)

    def _print_Relational(self, expr: sympy.core.relational.Relational) -> str:
        return f"({self._print(expr.lhs)}{expr.rel_op}{self._print(expr.rhs)})"

    def _print_Piecewise(self, expr: sympy.Piecewise) -> str:
        *cases, (last, _) = expr.args
        text = self._print(last)
        for value, condition in reversed(cases):
            text = f"({self._print(condition)} ? {self._print(value)} : {text})"
        return text


def number(value: float) -> str:
    """Return a number as ngspice reads it back to the same double."""
    return repr(float(value))


def expression(law: sympy.Expr, nodes: dict[sympy.Symbol, str]) -> str:
    """Return a SymPy expression as a behavioural-source expression.

    Parameters
    ----------
    law : sympy.Expr
        The expression.
    nodes : dict
        Text for symbols that are node voltages; other symbols stand as parameters by name.

    Returns
    -------
    str
        The text, without blanks at its ends.
    """
    return _Printer(nodes).doprint(law)


def subcircuit(model: DeviceModel, given: ParameterSet | None = None) -> str:
    """Return the ``.subckt`` of a model: ports top electrode, bottom electrode and one for each state.

    Parameters
    ----------
    model : DeviceModel
        The declaration.
    given : ParameterSet, optional
        Default values and the source in the header; the model's default set where not given.

    Returns
    -------
    str
        The text. ``TSCALE`` [s] only scales the charge of the state nodes; ``X0_{state}`` is the start as a share of the
        span.
    """
    given = given or model.parameter_set()
    top, bottom = model.terminals
    ports = [f"xs_{s.name}" for s in model.states]
    # The port voltage as an inner node would add an unknown; v(te,be) is read where it is used.
    nodes = {model.voltage: f"v({top},{bottom})"}
    lines = [
        f"* {model.title}",
        *(f"* {r}" for r in model.references),
        f"* set {given.name} ({given.status}): {given.source}",
        f"* dialect ngspice, written by memductance {version('memductance')}",
    ]
    clipped = {}
    for state, port in zip(model.states, ports, strict=True):
        lower, upper = (expression(b, {}) for b in model.bounds(state))
        clipped[state.symbol] = f"({lower}+({upper}-{lower})*min(max(v({port}),0),1))"
    values = [f"{p.name}={number(given.values[p.name])}" for p in model.parameters]
    starts = [f"x0_{s.name}=0" for s in model.states]
    lines.append(
        f".subckt {model.name} {top} {bottom} {' '.join(ports)} params: {' '.join([*values, 'tscale=1', *starts])}"
    )
    lines.append(f"Bi {top} {bottom} I={expression(model.current, {**nodes, **clipped})}")
    for state, port, rate in zip(model.states, ports, model.rates, strict=True):
        lower, upper = (expression(b, {}) for b in model.bounds(state))
        law = expression(rate, {**nodes, **clipped})
        f, s = f"v(f_{state.name})", f"v({port})"
        lines += [
            f"Bf_{state.name} f_{state.name} 0 V=tscale/({upper}-{lower})*{law}",
            f"Bs_{state.name} 0 {port} I=max({f},0)*min(max((1+{WALL}-{s})/{WALL},0),1)"
            f"+min({f},0)*min(max(({s}+{WALL})/{WALL},0),1)",
            f"C{state.name} {port} 0 {{tscale}} ic={{x0_{state.name}}}",
        ]
    lines.append(".ends")
    return "\n".join(lines) + "\n"


def stimulus(value: float | Waveform) -> str:
    """Return the value of a voltage source: DC, SIN or PWL."""
    if not isinstance(value, Waveform):
        return f"DC {number(value)}"
    if isinstance(value, Constant):
        return f"DC {number(value.voltage)}"
    if isinstance(value, Sine):
        degrees = value.phase * 180.0 / 3.141592653589793
        parts = (value.offset, value.amplitude, value.frequency, 0.0, 0.0, degrees)
        return f"SIN({' '.join(number(p) for p in parts)})"
    pairs = (f"{number(t)} {number(v)}" for t, v in zip(value.corners, value.at(value.corners), strict=True))
    return f"PWL({' '.join(pairs)})"


def element(item: Resistor | VoltageSource | Cell, tscale: float) -> str:
    """Return the line of one element."""
    if isinstance(item, Resistor):
        return f"{item.name} {item.a} {item.b} {number(item.resistance)}"
    if isinstance(item, VoltageSource):
        return f"{item.name} {item.a} {item.b} {stimulus(item.value)}"
    values = [f"{n}={number(v)}" for n, v in item.parameters.items()]
    starts = [f"x0_{s.name}={number(share)}" for s, share in zip(item.model.states, start_shares(item), strict=True)]
    nets = " ".join([item.te, item.be, *(item.state_net(s.name) for s in item.model.states)])
    return f"{item.name} {nets} {item.model.name} params: {' '.join([*values, f'tscale={number(tscale)}', *starts])}"


def start_shares(item: Cell) -> list[float]:
    """Return the start of each state as a share of its span."""
    shares = []
    for state in item.model.states:
        lower, upper = (item.parameters[b] if isinstance(b, str) else b for b in (state.lower, state.upper))
        shares.append((item.start[state.name] - lower) / (upper - lower))
    return shares


def write_ngspice(circuit: Circuit, *, analysis: str = "", options: str = "", save: str = "all") -> str:
    """Return a circuit as an ngspice netlist.

    Parameters
    ----------
    circuit : Circuit
        The circuit.
    analysis : str, optional
        Analysis line; ``.op``, or a ``.tran`` of ten thousand steps for a circuit with a duration, where not given.
    options : str, optional
        What follows ``.options``.
    save : str, optional
        What follows ``.save``.

    Returns
    -------
    str
        The netlist: the same text for the same circuit.
    """
    if not analysis:
        step = number(circuit.duration / 1e4)
        analysis = f".tran {step} {number(circuit.duration)} 0 {step} uic" if circuit.duration else ".op"
    cells = [e for e in circuit.elements if isinstance(e, Cell)]
    sets = {c.model.name: c.parameter_set for c in cells}
    lines = [f"* {circuit.title}, written by memductance {version('memductance')}"]
    body = [subcircuit(model, sets[name]).rstrip("\n") for name, model in circuit.models.items()]
    lines += [*body, *(element(e, circuit.duration or 1.0) for e in circuit.elements)]
    lines += [f".options {options}"] * bool(options) + [f".save {save}", analysis, ".end"]
    return "\n".join(lines) + "\n"
