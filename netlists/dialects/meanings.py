"""Operators, functions and constants of the dialects that are read, in operations of ngspice.

Sources: the help of LTspice (B sources, ``.param``), the PSpice Reference Guide and User Guide (expressions), the
HSPICE User Guide (parameters and functions), the Xyce Reference Guide (expressions); ngspice itself for its own.

- Powers. LTspice, PSpice and Xyce: ``a**b`` and ``pow(a, b)`` are the real part of the power, ``pwr`` takes the
  absolute value of the base, ``pwrs`` gives its sign back. HSPICE: ``pwr`` gives the sign back, ``pow`` takes the whole
  part of the exponent, ``**`` does so for a negative base. ngspice takes the absolute value for ``**``, ``^`` and
  ``pow`` and gives the sign back in ``pwr``; in its parameters ``pow`` is that of C, and ``pwr`` that of the absolute
  value.
- Truth. LTspice: above one half. Others: other than zero.
- ``log`` is the natural logarithm. In HSPICE it is that of the absolute value with the sign of the argument, as the
  root is. Versions of ngspice and of Xyce differ: it is refused there.
- Steps are 0 at 0; ngspice's ``u`` is 1/2 there.
- ``limit`` is the middle one of three values in LTspice, and not below the second, else not above the third, elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from netlists.dialects.formula import CONDITIONS, Formula, Formulas
from netlists.dialects.functions import (
    Rule,
    above_half,
    absolute_power,
    angle,
    c_power,
    choice,
    compared,
    copied_sign,
    decibels,
    endless,
    half_step,
    hspice_power,
    hypotenuse,
    limited,
    many,
    middle,
    ngspice_signed_power,
    not_above_half,
    odd,
    plain,
    ramp,
    real_power,
    remainder,
    rounded,
    signed_power,
    square,
    step,
    table,
    truncated,
    whole_part_power,
    with_sign,
)

__all__ = ["FOREIGN_DIALECTS", "MEANINGS", "PARAMETER_MEANINGS", "Meaning"]

_ORDER = (("||", "|"), ("&&", "&"), ("==", "!=", "<>"), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%", "\\"))
_LEVELS = {sign: level for level, signs in enumerate(_ORDER) for sign in signs}
#: How tightly operators bind in ngspice's parameters, where all comparisons are alike.
_ALIKE = {**_LEVELS, **dict.fromkeys(("==", "!=", "<>"), 3)}


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Meaning of the expressions of a dialect.

    Parameters
    ----------
    functions : mapping of str to (int, callable)
        Number of arguments and rule of each function.
    lists : mapping of str to callable
        Functions with any number of arguments.
    power : callable
        Meaning of ``**``.
    caret : callable or None
        Power that ``^`` means; None where it is an exclusive or.
    chains : bool
        Whether powers in a row are taken from the left; elsewhere their order is not documented, and they are refused.
    tight_minus : bool
        Whether a minus after an operator belongs to the value before any power, as in ngspice's parameters.
    minus_is_open : bool
        Whether the order of a minus before a power is not documented.
    threshold : float or None
        Value above which a number is true; None: where it is not zero.
    levels : mapping of str to int
        How tightly each operator binds.
    constants : mapping of str to float
        Constants by name.
    refused : mapping of str to (str, str)
        Functions that are refused, each with the reason and a way out.
    """

    functions: Mapping[str, tuple[int, Rule]]
    lists: Mapping[str, Rule]
    power: Rule
    caret: Rule | None = None
    chains: bool = False
    tight_minus: bool = False
    minus_is_open: bool = False
    threshold: float | None = None
    levels: Mapping[str, int] = field(default_factory=lambda: _LEVELS)
    constants: Mapping[str, float]
    refused: Mapping[str, tuple[str, str]]

    def truth(self, f: Formulas, value: Formula) -> Formula:
        """Return a value as a condition."""
        if self.threshold is None or value.operation in CONDITIONS:
            return value
        return f.make(">", value, f.number(self.threshold))


_OWN = (
    "exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan", "asinh", "acosh", "atanh",
    "abs", "log10", "sgn", "floor", "ceil",
)  # fmt: skip
_COMMON: dict[str, tuple[int, Rule]] = {
    **{name: (1, plain(name)) for name in _OWN}, "ln": (1, plain("ln")),
    "int": (1, truncated), "nint": (1, rounded),
}  # fmt: skip
_WIDE: dict[str, tuple[int, Rule]] = {
    **_COMMON, "log": (1, plain("ln")), "pow": (2, real_power), "pwr": (2, absolute_power),
    "pwrs": (2, signed_power), "arcsin": (1, plain("asin")), "arccos": (1, plain("acos")), "arctan": (1, plain("atan")),
    "arcsinh": (1, plain("asinh")), "arccosh": (1, plain("acosh")), "arctanh": (1, plain("atanh")),
    "atan2": (2, angle), "hypot": (2, hypotenuse), "square": (1, square), "trunc": (1, truncated),
    "u": (1, step), "stp": (1, step), "uramp": (1, ramp), "sign": (2, copied_sign), "fmod": (2, remainder),
    "mod": (2, remainder), "db": (1, decibels), "if": (3, choice),
}  # fmt: skip
_LISTS: dict[str, Rule] = {"min": many("min"), "max": many("max"), "table": table}
_OTHER_LOG = ("'log', which versions of this simulator read differently,", "ln or log10")
#: Values of SPICE 3, from which LTspice has its constants; its help does not give them.
_LTSPICE_CONSTANTS = {
    "pi": math.pi, "e": math.e, "boltz": 1.38062e-23, "echarge": 1.6021918e-19, "kelvin": -273.15,
    "planck": 6.62620e-34, "c": 2.997925e8, "temp": 27.0, "true": 1.0, "false": 0.0,
}  # fmt: skip
_LTSPICE = Meaning(
    functions={
        **_WIDE, "limit": (3, middle), "buf": (1, above_half), "inv": (1, not_above_half), "round": (1, rounded),
        "fabs": (1, plain("abs")),
    },
    lists={**_LISTS, "pwl": table}, power=real_power, threshold=0.5, minus_is_open=True, constants=_LTSPICE_CONSTANTS,
    refused={},
)  # fmt: skip
_PSPICE = Meaning(
    functions={**_WIDE, "limit": (3, limited)}, lists={**_LISTS, "pwl": table}, power=real_power,
    constants={"pi": math.pi, "temp": 27.0}, refused={},
)  # fmt: skip
_XYCE = Meaning(
    functions={name: rule for name, rule in {**_WIDE, "limit": (3, limited)}.items() if name != "log"},
    lists=_LISTS, power=real_power, constants={"pi": math.pi, "e": math.e, "temp": 27.0, "temper": 27.0},
    refused={"log": _OTHER_LOG},
)  # fmt: skip
_HSPICE = Meaning(
    functions={
        **_COMMON, "log": (1, odd("ln")), "ln": (1, odd("ln")), "log10": (1, odd("log10")),
        "sqrt": (1, odd("sqrt")), "sign": (2, with_sign),
        "db": (1, lambda f, x: f.make("*", f.number(20), odd("log10")(f, x))),
        "pow": (2, whole_part_power), "pwr": (2, signed_power), "atan2": (2, angle), "trunc": (1, truncated),
    },
    lists={"min": many("min"), "max": many("max")}, power=hspice_power, constants={"temper": 25.0},
    refused={"int": ("'int', which HSPICE's manuals describe differently,", "floor or nint")},
)  # fmt: skip
_NGSPICE_OWN: dict[str, tuple[int, Rule]] = {
    **{name: (1, plain(name)) for name in (*_OWN, "ln", "nint")}, "ternary_fcn": (3, choice),
    "min": (2, plain("min")), "max": (2, plain("max")),
}  # fmt: skip
_NGSPICE = Meaning(
    functions={
        **_NGSPICE_OWN, "pow": (2, absolute_power), "pwr": (2, ngspice_signed_power), "u": (1, half_step),
        "uramp": (1, ramp), "eq0": (1, compared("==")), "ne0": (1, compared("!=")), "gt0": (1, compared(">")),
        "lt0": (1, compared("<")), "ge0": (1, compared(">=")), "le0": (1, compared("<=")),
        "u2": (1, lambda f, x: f.make("max", f.number(0), f.make("min", x, f.number(1)))),
    },
    lists={"pwl": endless}, power=absolute_power, caret=absolute_power, chains=True,
    constants={"pi": math.pi, "e": math.e, "temper": 27.0}, refused={"log": _OTHER_LOG},
)  # fmt: skip
_NGSPICE_PARAMETERS = Meaning(
    functions={
        **_NGSPICE_OWN, "pow": (2, c_power), "pwr": (2, absolute_power), "sqr": (1, square), "int": (1, truncated),
        "arctan": (1, plain("atan")),
    },
    lists={}, power=absolute_power, caret=absolute_power, chains=True, tight_minus=True, levels=_ALIKE,
    constants={"pi": math.pi, "e": math.e, "temper": 27.0},
    refused={"log": _OTHER_LOG, "limit": ("'limit', which draws by chance in ngspice's parameters,", "min and max")},
)  # fmt: skip
#: Meaning of the laws of each dialect.
MEANINGS = {"ltspice": _LTSPICE, "pspice": _PSPICE, "ngspice": _NGSPICE, "hspice": _HSPICE, "xyce": _XYCE}
#: Meaning of the parameters of each dialect.
PARAMETER_MEANINGS = {**MEANINGS, "ngspice": _NGSPICE_PARAMETERS}
#: Dialects of SPICE texts that are read.
FOREIGN_DIALECTS = tuple(MEANINGS)
