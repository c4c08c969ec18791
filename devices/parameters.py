"""The quantities of a device declaration: parameters, states, further terminals, inner unknowns, published sets."""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from devices.common.errors import InputError
from devices.common.validation import choice, number
from devices.pulse_update import CycleNoise
from devices.sources import STATUSES, Status

if TYPE_CHECKING:
    import sympy

__all__ = ["Control", "Parameter", "ParameterSet", "Part", "State", "Unknown"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
#: Names that Python, SPICE or Verilog-A reserves, in lower case.
_RESERVED = {"v", "i", "e", "pi", "t", "time", "temper", "vt", "m", "te", "be", "xsv"}


def _check_texts(quantity: Any) -> None:
    """Refuse a name that Python, SPICE or Verilog-A does not allow, and a unit, meaning or LaTeX that is not a text."""
    name = quantity.name
    if not isinstance(name, str) or not _NAME.fullmatch(name) or keyword.iskeyword(name) or name.lower() in _RESERVED:
        raise InputError("name", repr(name), "a letter, then letters, digits and _; no reserved word", "x_0")
    for field in ("unit", "meaning", "latex"):
        text = getattr(quantity, field, "")
        if not isinstance(text, str):
            raise InputError(f"{name}.{field}", repr(text), "a text", "unit='1'" if field == "unit" else "")


def _check_bound(label: str, bound: object, unit: str) -> float:
    """Return a bound as a float, which may be infinite but not NaN, or refuse it."""
    if isinstance(bound, bool) or not isinstance(bound, Real) or math.isnan(bound):
        raise InputError(label, repr(bound), f"a number [{unit}]")
    return float(bound)


class _Symbolic:
    """A named quantity with its SymPy symbol, created on first access."""

    name: str
    unit: str
    meaning: str
    latex: str

    @cached_property
    def symbol(self) -> sympy.Symbol:
        """The real SymPy symbol of this quantity."""
        import sympy

        return sympy.Symbol(self.name, real=True)


@dataclass(frozen=True)
class Parameter(_Symbolic):
    """A parameter of a device model.

    Parameters
    ----------
    name : str
        Name in Python, SPICE and Verilog-A alike.
    unit : str
        SI unit, ``"1"`` for a pure number.
    meaning : str
        Short description.
    lower, upper : float, optional
        Bounds, included unless `open_lower`.
    open_lower : bool, optional
        Exclude the lower bound itself: a resistance with ``lower=0, open_lower=True`` is positive.
    nonzero : bool, optional
        Exclude 0, as for a divisor of either sign.
    latex : str, optional
        LaTeX in formulas; the name where empty.
    """

    name: str
    unit: str
    meaning: str
    lower: float = -math.inf
    upper: float = math.inf
    open_lower: bool = False
    nonzero: bool = False
    latex: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)
        lower, upper = (_check_bound(f"{self.name}.{s}", getattr(self, s), self.unit) for s in ("lower", "upper"))
        if lower > upper:
            raise InputError(self.name, f"bounds [{lower:g}, {upper:g}]", f"lower <= upper [{self.unit}]")

    def check(self, value: float) -> float:
        """Return `value` if it is finite and allowed, or raise `InputError`."""
        if self.nonzero and value == 0:
            raise InputError(self.name, "0", f"a number other than 0 [{self.unit}]", "a small number of either sign")
        return number(
            self.name,
            value,
            unit=self.unit,
            minimum=None if math.isinf(self.lower) else self.lower,
            maximum=None if math.isinf(self.upper) else self.upper,
            open_minimum=self.open_lower,
        )

    def check_all(self, values: NDArray[np.float64]) -> None:
        """Raise `InputError` unless all values of an array are allowed."""
        for value in (values.min(), values.max(), values.flat[np.abs(values).argmin()]):
            self.check(float(value))


@dataclass(frozen=True)
class State(_Symbolic):
    """A state variable of a device model.

    It stays between hard bounds: where the rate at a bound points outward, the state stays at the bound, and it
    leaves as soon as the rate points inward again.

    Parameters
    ----------
    name : str
        Name in Python, SPICE and Verilog-A alike.
    unit : str
        SI unit, ``"1"`` for a pure number.
    meaning : str
        Short description.
    lower, upper : float or str
        Bounds: a number, or the name of the parameter that holds it.
    latex : str, optional
        LaTeX in formulas.
    """

    name: str
    unit: str
    meaning: str
    lower: float | str = 0.0
    upper: float | str = 1.0
    latex: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)
        for side in ("lower", "upper"):
            bound = getattr(self, side)
            if not isinstance(bound, str) and not math.isfinite(_check_bound(f"{self.name}.{side}", bound, self.unit)):
                allowed = f"a finite number [{self.unit}], or the name of a parameter"
                raise InputError(f"{self.name}.{side}", repr(bound), allowed)

    def limits(self, values: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the bounds; a bound that is the name of a parameter is looked up in `values`."""
        lower, upper = (values[b] if isinstance(b, str) else b for b in (self.lower, self.upper))
        return lower, upper


@dataclass(frozen=True)
class Control(_Symbolic):
    """A further terminal of a device, such as a gate: its voltage above the bottom electrode [V].

    Parameters
    ----------
    name : str
        Name in Python, SPICE and Verilog-A alike.
    meaning : str
        Short description.
    latex : str, optional
        LaTeX in formulas.
    """

    name: str
    meaning: str
    latex: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)


@dataclass(frozen=True)
class Unknown(_Symbolic):
    """An internal quantity that an equation of the device gives at every moment, such as an inner node's voltage.

    Parameters
    ----------
    name : str
        Name in Python, SPICE and Verilog-A alike.
    unit : str
        SI unit.
    meaning : str
        Short description.
    residual : sympy.Expr
        Zero at the solution, for example the sum of the currents into the inner node; changes sign once, from one
        end of `between` to the other. In a netlist it is a current into a node whose voltage is the unknown.
    between : tuple of sympy.Expr
        Two expressions of the voltage, states, controls and parameters that enclose the solution, in any order.
    latex : str, optional
        LaTeX in formulas.
    """

    name: str
    unit: str
    meaning: str
    residual: sympy.Expr
    between: tuple[sympy.Expr, sympy.Expr]
    latex: str = ""

    def __post_init__(self) -> None:
        _check_texts(self)


@dataclass(frozen=True)
class Part:
    """A quantity that laws abbreviate by a letter, such as a temperature.

    Parameters
    ----------
    letter : sympy.Symbol
        Symbol that stands for it in the laws, and in later parts.
    law : sympy.Expr
        Its expression.
    shown : sympy.Expr, optional
        Expression in formulas, without the numerical safeguards of `law`.
    """

    letter: sympy.Symbol
    law: sympy.Expr
    shown: sympy.Expr | None = None


@dataclass(frozen=True)
class ParameterSet:
    """Values for every parameter of a model, with their source.

    Parameters
    ----------
    name : str
        Name of the set within its model.
    values : mapping of str to float
        One value for each parameter, in SI units.
    initial : mapping of str to float
        One starting value for each state.
    source : str
        Paper or code that gives the values, with its DOI where it has one.
    status : {"seen", "recalled", "code default", "ours"}
        ``seen``: read in the named source. ``recalled``: known to its authors from memory, not re-read.
        ``code default``: a published program's default, no device fit. ``ours``: chosen for this project.
    note : str, optional
        Device that it was fitted to, range of validity, values of another status.
    loop_voltage : float, optional
        Peak of a sine that draws a typical loop [V].
    loop_frequency : float, optional
        Frequency of that sine [Hz]; half the device's pace at the peak where not given.
    cycle_noise : CycleNoise, optional
        Cycle-to-cycle noise that the source gives, for a model with a `PulseUpdate`.
    """

    name: str
    values: Mapping[str, float]
    initial: Mapping[str, float]
    source: str
    status: Status
    note: str = ""
    loop_voltage: float = 1.0
    loop_frequency: float | None = None
    cycle_noise: CycleNoise | None = None

    def __post_init__(self) -> None:
        choice("status", self.status, STATUSES)
        for field, text in (("name", self.name), ("source", self.source), ("note", self.note)):
            if not isinstance(text, str):
                raise InputError(field, repr(text), "a text")
        if not self.name.strip():
            raise InputError("name", "an empty text", "a name for the set", "name='mine'")
        for field, given in (("values", self.values), ("initial", self.initial)):
            if not isinstance(given, Mapping):
                raise InputError(f"{self.name}.{field}", repr(given), "a mapping of names to numbers", f"{field}={{}}")
            for name, value in given.items():
                if not isinstance(name, str):
                    raise InputError(f"{self.name}.{field}", f"the key {name!r}", "names as texts", repr(str(name)))
                number(f"{self.name}.{name}", value)
        if not self.source.strip():
            raise InputError("source", "an empty text", "the paper or code that gives the values", "source='ours'")
        number("loop_voltage", self.loop_voltage, unit="V", minimum=0.0, open_minimum=True)
        if self.loop_frequency is not None:
            number("loop_frequency", self.loop_frequency, unit="Hz", minimum=0.0, open_minimum=True)
        if not isinstance(self.cycle_noise, CycleNoise | None):
            raise InputError("cycle_noise", repr(self.cycle_noise), "a CycleNoise, or None")
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        object.__setattr__(self, "initial", MappingProxyType(dict(self.initial)))

    def __reduce__(self) -> tuple[object, ...]:
        optional = (self.loop_voltage, self.loop_frequency, self.cycle_noise)
        fields = (self.name, dict(self.values), dict(self.initial), self.source, self.status, self.note, *optional)
        return type(self), fields
