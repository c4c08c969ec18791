"""`DeviceModel`: a memristive device declared once, as symbols."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

import sympy

from devices.common.errors import InputError
from devices.common.validation import choice, number
from devices.dimensions import check_units
from devices.formulas import formula, readable
from devices.parameters import Control, Parameter, ParameterSet, Part, State, Unknown

__all__ = ["VOLTAGE", "DeviceModel"]

#: Voltage from the top electrode to the bottom electrode [V].
VOLTAGE = sympy.Symbol("v", real=True)


class Written(NamedTuple):
    """Laws with letters for the parts of a model: current, rates, and the unknown's residual, where there is one."""

    current: sympy.Expr
    rates: tuple[sympy.Expr, ...]
    residual: sympy.Expr | None


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceModel:
    r"""A two-terminal device: a current law and a law of motion for each state.

    .. math:: i = i(v, x, y; p), \qquad \dot x = f(v, x, y; p), \qquad 0 = r(v, x, y; p)

    Further terminals that only control it, such as a gate, enter the laws with their voltages; so does an internal
    unknown `y`, where the device has one: the root of its residual `r`.

    All are SymPy expressions in `VOLTAGE`, the states' and the parameters' symbols. Everything else is
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
        State variables; the first one is what the device stores.
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
    unknown : Unknown, optional
        An internal quantity, given by an equation.
    parts : tuple of Part, optional
        What the laws abbreviate by letters. `current`, `rates` and the residual hold the whole laws once the model is
        made, `written` the laws with letters, as given.

    Raises
    ------
    InputError
        If an expression uses a symbol that is neither the voltage, a state nor a parameter, if a state
        has no law, if two names clash (SPICE ignores case), if units do not fit (see `devices.dimensions`), or if
        a set does not fit the parameters, or starts outside the states' bounds.
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
    unknown: Unknown | None = None
    parts: tuple[Part, ...] = ()
    written: Written = field(init=False)

    def __post_init__(self) -> None:
        residual = None if self.unknown is None else self.unknown.residual
        object.__setattr__(self, "written", Written(self.current, self.rates, residual))
        whole: dict[sympy.Basic, sympy.Basic] = {}
        for part in self.parts:
            whole[part.letter] = part.law.xreplace(whole)
        object.__setattr__(self, "current", self.current.xreplace(whole))
        object.__setattr__(self, "rates", tuple(rate.xreplace(whole) for rate in self.rates))
        if self.unknown is not None:
            object.__setattr__(self, "unknown", replace(self.unknown, residual=self.unknown.residual.xreplace(whole)))
        inner = () if self.unknown is None else (self.unknown,)
        quantities = (*self.states, *self.parameters, *self.controls, *inner, *(p.letter for p in self.parts))
        names = [q.name.lower() for q in quantities]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.name}.parameters", f"{name!r} twice", "names that differ in SPICE too")
        if len(self.rates) != len(self.states):
            missing = ", ".join(s.name for s in self.states[len(self.rates) :]) or "a law without a state"
            raise InputError(f"{self.name}.rates", missing, "one law for each state")
        known = {VOLTAGE, *(q.symbol for q in (*self.states, *self.parameters, *self.controls))}
        bracket = [(f"{u.name}.between", end) for u in inner for end in u.between]
        laws = [
            ("current", self.current),
            *zip((s.name for s in self.states), self.rates, strict=True),
            *((u.name, u.residual) for u in inner),
        ]
        for label, law in (*laws, *bracket):
            allowed = known if label.endswith(".between") else known | {u.symbol for u in inner}
            for symbol in sorted(law.free_symbols - allowed, key=str):
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
        check_units(self)
        names = [given.name for given in self.parameter_sets]
        for given in self.parameter_sets:
            if names.count(given.name) > 1:
                raise InputError(f"{self.name}.parameter_sets", f"{given.name!r} twice", "one set for each name")
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
        for state in self.states:
            label = f"{self.name}.{given.name}.{state.name}"
            lower, upper = map(float, state.limits(given.values))
            if not lower < upper:
                raise InputError(label, f"bounds [{lower:g}, {upper:g}]", f"lower < upper [{state.unit}]")
            number(label, given.initial[state.name], unit=state.unit, minimum=lower, maximum=upper)

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
        laws = [self.current, *self.rates]
        if self.unknown is not None:
            order.append(self.unknown.name)
            laws += [self.unknown.residual, *self.unknown.between]
        text = "\n".join([",".join(order), *map(sympy.srepr, laws)])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def switches(self) -> tuple[sympy.Expr, ...]:
        """Expressions at whose zeros a state law jumps or bends, such as thresholds; read off the laws."""
        found: list[sympy.Expr] = []
        laws = sympy.Tuple(*self.rates, *(() if self.unknown is None else (self.unknown.residual,)))
        for part in sympy.preorder_traversal(laws):
            if isinstance(part, sympy.Heaviside | sympy.sign):
                found.append(part.args[0])
            elif isinstance(part, sympy.Max | sympy.Min):
                found += [a - b for a, b in combinations(part.args, 2)]
            elif isinstance(part, sympy.core.relational.Relational):
                found.append(part.lhs - part.rhs)
        moving = {VOLTAGE, *(s.symbol for s in self.states)}
        if self.unknown is not None:
            moving.add(self.unknown.symbol)
        unique = {e if not e.could_extract_minus_sign() else -e for e in found if e.free_symbols & moving}
        return tuple(sorted(unique, key=sympy.default_sort_key))

    def parameter_set(self, name: str | None = None) -> ParameterSet:
        """Return the set called `name`, registered ones included, or the default set."""
        if name is None:
            return self.parameter_sets[0]
        from devices.parameter_files import registered

        by_name = {s.name: s for s in (*self.parameter_sets, *registered(self))}
        return by_name[choice("set", name, by_name)]

    def equations(self) -> list[tuple[str, sympy.Expr]]:
        """Return the laws as people read them, see `devices.formulas.readable`: what each gives, and the expression."""
        inner = () if self.written.residual is None else (self.written.residual,)
        parts = [part.law if part.shown is None else part.shown for part in self.parts]
        laws, named = readable([self.written.current, *self.written.rates, *inner, *parts])
        lefts = ["i", *(f"d{s.name}/dt" for s in self.states), *("0" for _ in inner)]
        lefts += [part.letter.name for part in self.parts]
        return [*zip(lefts, laws, strict=True), *((symbol.name, part) for symbol, part in named)]

    def latex(self) -> list[str]:
        """Return `equations` as LaTeX."""
        inner = () if self.unknown is None else (self.unknown,)
        names = {q.symbol: q.latex for q in (*self.states, *self.parameters, *self.controls, *inner) if q.latex}
        lefts = {f"d{s.name}/dt": rf"\frac{{d {s.latex or sympy.latex(s.symbol)}}}{{dt}}" for s in self.states}
        equations = [(lefts.get(left) or sympy.latex(sympy.Symbol(left)), law) for left, law in self.equations()]
        return [f"{left} = {formula(law, names)}" for left, law in equations]

    def _repr_markdown_(self) -> str:
        inner = () if self.unknown is None else (self.unknown,)
        rows: Iterable[str] = (
            f"| {p.name} | {p.unit} | {p.meaning} |" for p in (*self.states, *self.parameters, *inner)
        )
        equations = "\n\n".join(f"$${line}$$" for line in self.latex())
        table = "\n".join(["| name | unit | meaning |", "|---|---|---|", *rows])
        references = "\n".join(f"- {r}" for r in self.references)
        return f"**{self.title}**\n\n{equations}\n\n{table}\n\n{references}\n"

    def __repr__(self) -> str:
        return f"DeviceModel({self.name!r}, states={[s.name for s in self.states]})"
