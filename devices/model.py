"""`DeviceModel`: a memristive device declared once, as symbols."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import sympy

from devices.common.errors import InputError, shortened
from devices.common.validation import choice, number
from devices.dimensions import require_unit, unit_of
from devices.formulas import formula, readable
from devices.parameters import Control, Parameter, ParameterSet, Part, State, Unknown
from devices.pulse_update import PulseUpdate
from devices.sources import Citation
from devices.special import FUNCTIONS
from devices.units import Unit, parse_unit

__all__ = ["VOLTAGE", "DeviceModel"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Voltage from the top electrode to the bottom electrode [V].
VOLTAGE = sympy.Symbol("v", real=True)


#: Kinds of constants that no law may have.
_NOT_REAL = tuple(type(c) for c in (sympy.I, sympy.nan, sympy.oo, -sympy.oo, sympy.zoo))
#: Fields that are computed on first access where a model has parts: the laws without letters.
_EXPANDED = ("current", "rates", "unknown")
#: Fields that are tuples, with the type of their entries.
_TUPLES = {
    "states": State,
    "parameters": Parameter,
    "controls": Control,
    "parts": Part,
    "parameter_sets": ParameterSet,
    "rates": sympy.Expr,
    "references": str,
}


class Written(NamedTuple):
    """Laws as declared, with letters for the parts: current, rates, and the residual of the unknown, if any."""

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
    They must be finite for any voltage of interest and any state within its bounds; they are not evaluated
    outside, because a state stops at its bounds.

    Parameters
    ----------
    name : str
        Registry name.
    title : str
        Description in one line.
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
        Range in which the model holds, and its known limits.
    passive : bool, optional
        Whether the current has the sign of the voltage, which the conformance suite checks.
    terminals : tuple of str, optional
        Terminal names, top electrode first.
    controls : tuple of Control, optional
        Further terminals, which draw no current.
    unknown : Unknown, optional
        An internal quantity, given by an equation.
    parts : tuple of Part, optional
        Quantities that the laws abbreviate by letters. In `current`, `rates` and the residual of the model the letters
        are replaced; `written` has the laws as declared.
    pulse_update : PulseUpdate, optional
        The change that one programming pulse of nominal width makes, for a device that is programmed by equal pulses.

    Raises
    ------
    InputError
        If a field has the wrong type, an expression uses a symbol that is neither the voltage, a state nor a parameter,
        a state has no law, two names clash (SPICE ignores case), units do not fit (see `devices.dimensions`), or a set
        does not fit the parameters or starts outside the states' bounds. The message names the field or the law.
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
    unknown: Unknown | None = field(default_factory=lambda: None)  # no attribute of the class: see __getattr__
    parts: tuple[Part, ...] = ()
    pulse_update: PulseUpdate | None = None
    written: Written = field(init=False)
    registered_sets: dict[str, ParameterSet] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._check_form()
        residual = None if self.unknown is None else self.unknown.residual
        object.__setattr__(self, "written", Written(self.current, self.rates, residual))
        unknowns = () if self.unknown is None else (self.unknown,)
        quantities = (*self.states, *self.parameters, *self.controls, *unknowns, *(p.letter for p in self.parts))
        names = [q.name.lower() for q in quantities]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"{self.name}.parameters", f"{name!r} twice", "names that differ in SPICE too")
        if len(self.rates) != len(self.states):
            missing = ", ".join(s.name for s in self.states[len(self.rates) :]) or "a law without a state"
            raise InputError(f"{self.name}.rates", missing, "one law for each state")
        self._check_symbols()
        by_name = {p.name for p in self.parameters}
        for state in self.states:
            for bound in (state.lower, state.upper):
                if isinstance(bound, str) and bound not in by_name:
                    raise InputError(f"{self.name}.{state.name}", f"bound {bound!r}", "a number or a parameter's name")
        if self.pulse_update is not None:
            self.pulse_update.check(self.name, by_name, [s.name for s in self.states])
        if not self.parameter_sets:
            raise InputError(f"{self.name}.parameter_sets", "none", "at least one set with its source")
        self.check_units()
        sets = [given.name for given in self.parameter_sets]
        for given in self.parameter_sets:
            if sets.count(given.name) > 1:
                raise InputError(f"{self.name}.parameter_sets", f"{given.name!r} twice", "one set for each name")
            self.check_set(given)
        object.__setattr__(self, "registered_sets", {})
        if self.parts:  # their letters are replaced on first access, as this takes long for long laws
            object.__setattr__(self, "_given_unknown", self.unknown)
            for name in _EXPANDED:
                object.__delattr__(self, name)

    def __getattr__(self, name: str) -> Any:
        if name not in _EXPANDED or "written" not in vars(self):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        expanded: dict[sympy.Basic, sympy.Basic] = {}
        for part in self.parts:
            expanded[part.letter] = part.law.xreplace(expanded)
        current, rates, residual = self.written
        object.__setattr__(self, "current", current.xreplace(expanded))
        object.__setattr__(self, "rates", tuple(rate.xreplace(expanded) for rate in rates))
        unknown = vars(self)["_given_unknown"]
        if unknown is not None and residual is not None:
            unknown = replace(unknown, residual=residual.xreplace(expanded))
        object.__setattr__(self, "unknown", unknown)
        return vars(self)[name]

    def _check_form(self) -> None:
        """Check the types of the fields, and convert sequences to tuples and numbers to expressions."""
        for name in ("name", "title", "validity"):
            if not isinstance(getattr(self, name), str):
                raise InputError(f"DeviceModel.{name}", repr(getattr(self, name)), "a text")
        if not _NAME.fullmatch(self.name):
            raise InputError("DeviceModel.name", repr(self.name), "a letter, then letters, digits and _", "my_device")
        for name, kind in _TUPLES.items():
            given = getattr(self, name)
            if isinstance(given, kind | str) or not isinstance(given, Sequence):
                kinds = f"a tuple of {'SymPy expressions' if kind is sympy.Expr else kind.__name__}"
                raise InputError(f"{self.name}.{name}", shortened(repr(given)), kinds, f"{name}=(..., )")
            entries = [self._law(f"{name}[{k}]", e) if kind is sympy.Expr else e for k, e in enumerate(given)]
            for k, entry in enumerate(entries):
                if not isinstance(entry, kind):
                    raise InputError(f"{self.name}.{name}[{k}]", shortened(repr(entry)), f"a {kind.__name__}")
            object.__setattr__(self, name, tuple(entries))
        object.__setattr__(self, "current", self._law("current", self.current))
        for part in self.parts:
            if not isinstance(part.letter, sympy.Symbol):
                fix = "Part(sympy.Symbol('T', real=True), ...)"
                raise InputError(f"{self.name}.parts", f"the letter {part.letter!r}", "a SymPy symbol", fix)
        parts = (replace(part, law=self._law(part.letter.name, part.law)) for part in self.parts)
        object.__setattr__(self, "parts", tuple(parts))
        for part in self.parts:
            if part.shown is not None:
                self._law(f"{part.letter}.shown", part.shown)
        names = self.terminals
        if isinstance(names, str) or not isinstance(names, Sequence) or len(names) != 2:
            allowed = "two names, top electrode first"
            raise InputError(f"{self.name}.terminals", repr(names), allowed, "terminals=('te', 'be')")
        if not isinstance(self.passive, bool):
            raise InputError(f"{self.name}.passive", shortened(repr(self.passive)), "True or False")
        for name, kind in (("unknown", Unknown), ("pulse_update", PulseUpdate)):
            if not isinstance(getattr(self, name), kind | None):
                raise InputError(
                    f"{self.name}.{name}", shortened(repr(getattr(self, name))), f"an {kind.__name__}, or None"
                )
        if self.unknown is not None:
            label, between = f"{self.unknown.name}.between", self.unknown.between
            if not isinstance(between, Sequence) or len(between) != 2:
                raise InputError(
                    f"{self.name}.{label}", shortened(repr(between)), "two expressions that enclose the solution"
                )
            ends = self._law(label, between[0]), self._law(label, between[1])
            residual = self._law(self.unknown.name, self.unknown.residual)
            object.__setattr__(self, "unknown", replace(self.unknown, residual=residual, between=ends))

    def _law(self, label: str, law: object) -> sympy.Expr:
        """Return a law as a SymPy expression, or raise `InputError`."""
        if isinstance(law, sympy.Expr):
            return law
        if isinstance(law, int | float) and not isinstance(law, bool):
            return sympy.sympify(law)
        fix = "an expression of VOLTAGE and of the .symbol of states and parameters"
        raise InputError(f"{self.name}.{label}", shortened(repr(law)), "a SymPy expression", fix)

    def _check_symbols(self) -> None:
        """Raise `InputError` for an undeclared symbol or an undefined function in a law."""
        unknowns = () if self.unknown is None else (self.unknown,)
        known = {VOLTAGE, *(q.symbol for q in (*self.states, *self.parameters, *self.controls))}
        solved = known | {u.symbol for u in unknowns}
        laws: list[tuple[str, sympy.Basic, set[sympy.Symbol]]] = []
        letters: set[sympy.Symbol] = set()
        for part in self.parts:
            laws.append((part.letter.name, part.law, solved | letters))
            letters.add(part.letter)
        laws.append(("current", self.current, solved | letters))
        laws += [(s.name, rate, solved | letters) for s, rate in zip(self.states, self.rates, strict=True)]
        for u in unknowns:
            laws.append((u.name, u.residual, solved | letters))
            laws += [(f"{u.name}.between", end, known) for end in u.between]
        by_name = {s.name: s for s in solved | letters}
        for label, law, allowed in laws:
            for symbol in sorted(law.free_symbols - allowed, key=str):
                given, wanted = f"unknown symbol {symbol}", "the voltage, states, parameters, controls"
                if symbol not in by_name.values() and symbol.name in by_name:
                    given = f"another symbol with the name {symbol}"
                    fix = "VOLTAGE" if symbol.name == VOLTAGE.name else "the quantity's own .symbol"
                else:
                    close = difflib.get_close_matches(symbol.name, [s.name for s in allowed], n=1)
                    fix = close[0] if close else ""
                raise InputError(f"{self.name}.{label}", given, wanted, fix)
            self._check_compiles(label, law)

    def _check_compiles(self, label: str, law: sympy.Basic) -> None:
        """Refuse what a kernel cannot have: other functions, constants that are not real, incomplete branches."""
        label = f"{self.name}.{label}"
        for function in sorted(law.atoms(sympy.Function, sympy.Derivative, sympy.Integral), key=str):
            if not isinstance(function, FUNCTIONS):
                raise InputError(label, shortened(str(function)), "functions with a definition, such as exp or tanh")
            if isinstance(function, sympy.Piecewise) and function.args[-1][1] != sympy.true:
                allowed = "a Piecewise whose last condition is True"
                raise InputError(label, shortened(str(function)), allowed, "add (0, True)")
        for constant in sorted(law.atoms(*_NOT_REAL), key=str):
            raise InputError(label, f"{constant} in {shortened(str(law))}", "real, finite numbers")

    def check_units(self) -> None:
        """Check the units of all laws.

        The current is in A, a rate in its state's unit per second, a bound in its state's unit, the ends of a bracket
        in that of the unknown; within a law, see `devices.dimensions.unit_of`.

        Raises
        ------
        InputError
            If a unit does not fit, or is not known; the message names the model, the law or quantity, and the units.
        """
        units = dict.fromkeys((self.voltage, *(c.symbol for c in self.controls)), parse_unit("V"))
        unknowns = () if self.unknown is None else (self.unknown,)
        for quantity in (*self.states, *self.parameters, *unknowns):
            try:
                units[quantity.symbol] = parse_unit(quantity.unit)
            except ValueError as error:
                label, given = f"{self.name}.{quantity.name}", f"unit {quantity.unit!r}: {error}"
                raise InputError(label, given, "SI units", "unit='m^2/(V s)'") from None
        known: dict[sympy.Symbol, Unit | None] = {**units}
        for part in self.parts:
            known[part.letter] = unit_of(part.law, known, f"{self.name}.{part.letter}")
        current, rates, residual = self.written
        for state, rate in zip(self.states, rates, strict=True):
            label, unit = f"{self.name}.{state.name}", units[state.symbol]
            for bound in self.bounds(state):
                if isinstance(bound, sympy.Symbol):
                    require_unit(label, bound, units[bound], unit, "as bound")
            require_unit(label, rate, unit_of(rate, known, label), unit / parse_unit("s"), "as rate")
        label = f"{self.name}.current"
        require_unit(label, current, unit_of(current, known, label), parse_unit("A"), "as current")
        for u in unknowns:
            if residual is not None:
                unit_of(residual, known, f"{self.name}.{u.name}")
            for end in u.between:
                label = f"{self.name}.{u.name}.between"
                require_unit(label, end, unit_of(end, known, label), units[u.symbol], "as end of the bracket")

    def check_set(self, given: ParameterSet) -> ParameterSet:
        """Return a parameter set if it has the model's names and allowed values, or raise `InputError`."""
        if not isinstance(given, ParameterSet):
            raise InputError("set", type(given).__name__, "a ParameterSet", "fit(...).to_set(name)")
        for kind, values, wanted in (
            ("parameters", given.values, [p.name for p in self.parameters]),
            ("states", given.initial, [s.name for s in self.states]),
        ):
            missing, extra = (sorted({*a} - {*b}) for a, b in ((wanted, values), (values, wanted)))
            if missing or extra:
                wrong = [f"{word} {', '.join(n)}" for word, n in (("missing", missing), ("unknown", extra)) if n]
                label = f"{self.name}.{given.name}: {kind}"
                raise InputError(label, "; ".join(wrong), ", ".join(wanted) or f"no {kind}")
        for parameter in self.parameters:
            parameter.check(given.values[parameter.name])
        for state in self.states:
            label = f"{self.name}.{given.name}.{state.name}"
            lower, upper = map(float, state.limits(given.values))
            if not lower < upper:
                raise InputError(label, f"bounds [{lower:g}, {upper:g}]", f"lower < upper [{state.unit}]")
            number(label, given.initial[state.name], unit=state.unit, minimum=lower, maximum=upper)
        return given

    def with_sets(self, sets: Iterable[ParameterSet]) -> DeviceModel:
        """Return the same model with further parameter sets after its own."""
        current, rates, residual = self.written
        unknown = None if self.unknown is None else replace(self.unknown, residual=residual)
        return replace(
            self, current=current, rates=rates, unknown=unknown, parameter_sets=(*self.parameter_sets, *sets)
        )

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
        """Hash of the equations and of the kind and order of their symbols: the key of the compiled kernel."""
        unknowns = () if self.unknown is None else (self.unknown,)
        groups = (self.states, self.controls, self.parameters, unknowns)
        order = [",".join(q.name for q in group) for group in groups]
        ends = [law for u in unknowns for law in (u.residual, *u.between)]
        text = "\n".join([*order, *map(sympy.srepr, [self.current, *self.rates, *ends])])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @cached_property
    def switches(self) -> tuple[sympy.Expr, ...]:
        """Expressions at whose zeros a state law jumps or bends, such as thresholds; derived from the laws."""
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
        by_name = {s.name: s for s in self.all_sets}
        return by_name[choice("set", name, by_name)]

    @property
    def all_sets(self) -> tuple[ParameterSet, ...]:
        """The model's own sets, the default first, and those that `devices.register` added in this session."""
        return (*self.parameter_sets, *self.registered_sets.values())

    def cited(self) -> tuple[Citation, ...]:
        """Return the papers of the model; see `devices.citations`."""
        return tuple(Citation(text, (self.name,)) for text in self.references)

    def equations(self) -> list[tuple[str, sympy.Expr]]:
        """Return the laws in readable form: left-hand side and expression of each; see `devices.formulas.readable`."""
        residuals = () if self.written.residual is None else (self.written.residual,)
        parts = [part.law if part.shown is None else part.shown for part in self.parts]
        laws, named = readable([self.written.current, *self.written.rates, *residuals, *parts])
        lefts = ["i", *(f"d{s.name}/dt" for s in self.states), *("0" for _ in residuals)]
        lefts += [part.letter.name for part in self.parts]
        return [*zip(lefts, laws, strict=True), *((symbol.name, part) for symbol, part in named)]

    def latex(self) -> list[str]:
        """Return `equations` as LaTeX."""
        unknowns = () if self.unknown is None else (self.unknown,)
        names = {q.symbol: q.latex for q in (*self.states, *self.parameters, *self.controls, *unknowns) if q.latex}
        lefts = {f"d{s.name}/dt": rf"\frac{{d {s.latex or sympy.latex(s.symbol)}}}{{dt}}" for s in self.states}
        equations = [(lefts.get(left) or sympy.latex(sympy.Symbol(left)), law) for left, law in self.equations()]
        return [f"{left} = {formula(law, names)}" for left, law in equations]

    def _repr_markdown_(self) -> str:
        unknowns = () if self.unknown is None else (self.unknown,)
        rows: Iterable[str] = (
            f"| {p.name} | {p.unit} | {p.meaning} |" for p in (*self.states, *self.parameters, *unknowns)
        )
        equations = "\n\n".join(f"$${line}$$" for line in self.latex())
        table = "\n".join(["| name | unit | meaning |", "|---|---|---|", *rows])
        references = "\n".join(f"- {r}" for r in self.references)
        return f"**{self.title}**\n\n{equations}\n\n{table}\n\n{references}\n"

    def __repr__(self) -> str:
        return f"DeviceModel({self.name!r}, states={[s.name for s in self.states]})"
