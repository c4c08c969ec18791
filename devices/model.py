"""`DeviceModel`: a memristive device declared once, as symbols."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import sympy

from devices.errors import InputError
from devices.parameters import Control, Parameter, ParameterSet, State

__all__ = ["VOLTAGE", "DeviceModel"]

#: Voltage from the top electrode to the bottom electrode [V].
VOLTAGE = sympy.Symbol("v", real=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceModel:
    r"""A two-terminal device: a current law and a law of motion for each state.

    .. math:: i = i(v, x; p), \qquad \dot x = f(v, x; p)

    Further terminals that only control it, such as a gate, enter the laws with their voltages.

    Both are SymPy expressions in `VOLTAGE`, the states' and the parameters' symbols. Everything else is
    derived from them: the compiled kernel with its exact Jacobian, the SPICE subcircuit, the formula.
    They must be finite for any voltage of interest and any state within its bounds; nobody evaluates
    them outside, because a state stops at its bounds.

    Parameters
    ----------
    name : str
        Registry name.
    title : str
        One line for people.
    states : tuple of State
        State variables.
    parameters : tuple of Parameter
        Parameters.
    current : sympy.Expr
        Current from top to bottom electrode [A].
    rates : tuple of sympy.Expr
        Time derivative of each state [state unit per second].
    parameter_sets : tuple of ParameterSet
        Published or labelled sets; the first one is the default.
    references : tuple of str
        Papers, with DOI.
    validity : str
        Where the model holds, and its known limits.
    passive : bool, optional
        The model claims a current with the sign of the voltage; the conformance suite holds it to that.
    terminals : tuple of str, optional
        Terminal names, top electrode first.
    controls : tuple of Control, optional
        Further terminals, which draw no current.

    Raises
    ------
    InputError
        If an expression uses a symbol that is neither the voltage, a state nor a parameter, if a state
        has no law, if two names clash (SPICE ignores case), or if a set does not fit the parameters.
    """

    name: str
    title: str
    states: tuple[State, ...]
    parameters: tuple[Parameter, ...]
    current: sympy.Expr
    rates: tuple[sympy.Expr, ...]
    parameter_sets: tuple[ParameterSet, ...]
    references: tuple[str, ...]
    validity: str
    passive: bool = True
    terminals: tuple[str, str] = ("te", "be")
    controls: tuple[Control, ...] = ()

    def __post_init__(self) -> None:
        names = [q.name.lower() for q in (*self.states, *self.parameters, *self.controls)]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.name}.parameters", f"{name!r} twice", "names that differ in SPICE too")
        if len(self.rates) != len(self.states):
            missing = ", ".join(s.name for s in self.states[len(self.rates) :]) or "a law without a state"
            raise InputError(f"{self.name}.rates", missing, "one law for each state")
        known = {VOLTAGE, *(q.symbol for q in (*self.states, *self.parameters, *self.controls))}
        for label, law in (
            ("current", self.current),
            *zip((s.name for s in self.states), self.rates, strict=True),
        ):
            for symbol in sorted(law.free_symbols - known, key=str):
                raise InputError(
                    f"{self.name}.{label}", f"unknown symbol {symbol}", "the voltage, states, parameters, controls"
                )
        by_name = {p.name for p in self.parameters}
        for state in self.states:
            for bound in (state.lower, state.upper):
                if isinstance(bound, str) and bound not in by_name:
                    raise InputError(f"{self.name}.{state.name}", f"bound {bound!r}", "a number or a parameter's name")
        if not self.parameter_sets:
            raise InputError(f"{self.name}.parameter_sets", "none", "at least one set with its source")
        for given in self.parameter_sets:
            self._check_set(given)

    def _check_set(self, given: ParameterSet) -> None:
        for kind, values, wanted in (
            ("parameters", given.values, [p.name for p in self.parameters]),
            ("states", given.initial, [s.name for s in self.states]),
        ):
            if set(values) != set(wanted):
                raise InputError(f"{self.name}.{given.name}", f"{kind} {sorted(values)}", f"{kind} {sorted(wanted)}")
        for parameter in self.parameters:
            parameter.check(given.values[parameter.name])

    @property
    def voltage(self) -> sympy.Symbol:
        """Symbol of the voltage from top to bottom electrode [V]."""
        return VOLTAGE

    def bounds(self, state: State) -> tuple[sympy.Expr, sympy.Expr]:
        """Lower and upper bound of `state` as SymPy expressions of the parameters."""
        symbols = {p.name: p.symbol for p in self.parameters}
        lower, upper = (symbols[b] if isinstance(b, str) else sympy.Float(b) for b in (state.lower, state.upper))
        return lower, upper

    @cached_property
    def digest(self) -> str:
        """Hash of the equations and the order of their symbols: the key of the compiled kernel."""
        order = [q.name for q in (*self.states, *self.controls, *self.parameters)]
        text = "\n".join([",".join(order), *(sympy.srepr(law) for law in (self.current, *self.rates))])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def parameter_set(self, name: str | None = None) -> ParameterSet:
        """Return the set called `name`, registered ones included, or the default set."""
        if name is None:
            return self.parameter_sets[0]
        from devices.exchange import registered
        from devices.validation import choice

        by_name = {s.name: s for s in (*self.parameter_sets, *registered(self))}
        return by_name[choice("set", name, by_name)]

    def latex(self) -> list[str]:
        """Return the current law and the state laws as LaTeX equations."""
        symbol_names = {q.symbol: q.latex for q in (*self.states, *self.parameters, *self.controls) if q.latex}
        laws = [("i", self.current)]
        laws += [
            (rf"\frac{{d {s.latex or sympy.latex(s.symbol)}}}{{dt}}", f)
            for s, f in zip(self.states, self.rates, strict=True)
        ]
        return [f"{left} = {sympy.latex(law, symbol_names=symbol_names)}" for left, law in laws]

    def _repr_markdown_(self) -> str:
        rows: Iterable[str] = (f"| {p.name} | {p.unit} | {p.meaning} |" for p in (*self.states, *self.parameters))
        equations = "\n\n".join(f"$${line}$$" for line in self.latex())
        table = "\n".join(["| name | unit | meaning |", "|---|---|---|", *rows])
        references = "\n".join(f"- {r}" for r in self.references)
        return f"**{self.title}**\n\n{equations}\n\n{table}\n\n{references}\n"

    def __repr__(self) -> str:
        return f"DeviceModel({self.name!r}, states={[s.name for s in self.states]})"
