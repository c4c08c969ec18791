"""Random expressions of ngspice, in sources and in parameters: their values to our reader and to ngspice itself."""

import re
from dataclasses import replace

import numpy as np
import pytest

from devices import InputError, SimulatorError
from netlists import run_ngspice
from netlists.dialects.foreign import ExpressionReader

pytestmark = pytest.mark.spice

NETS = {"a": 0.37, "bb": -1.2, "0": 0.0}
VALUES = {"k1": 0.3, "k2": -1.2}
NUMBERS = ("1", "2", "0.5", "3", "0", "1.7", "10m", "1k", "2.5u", "1meg", "3e-1V")
SIGNS = ("+", "-", "*", "/", "^", "**", "<", ">", "<=", ">=", "==", "!=", "&&", "||")
ONE = ("abs", "sgn", "exp", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan", "asinh", "floor", "ceil", "nint",
       "sqrt", "ln", "acosh", "atanh", "asin", "acos", "log10")  # fmt: skip
TWO = ("min", "max", "pow", "pwr")


def drawn(random, depth, is_law):
    """A random expression, its brackets and spaces left to chance."""

    def one():
        return drawn(random, depth - 1, is_law)

    leaves = (*NUMBERS, *(("V(a)", "v(bb)", "V(a, bb)", "V(0,bb)") if is_law else ("k1", "K2")))
    kind = random.random()
    if depth == 0 or kind < 0.1:
        return str(random.choice(leaves))
    if kind < 0.5:
        return f"{one()}{random.choice(SIGNS)}{one()}"
    if kind < 0.6:
        return f"{random.choice(('-', '!', '-'))}{one()}"
    if kind < 0.72:
        return f"({one()})"
    if kind < 0.8:
        return f"{one()} ? {one()} : {one()}"
    if kind < 0.92:
        return f"{random.choice((*ONE, 'u', 'uramp', 'u2') if is_law else (*ONE, 'int', 'sqr'))}({one()})"
    return f"{random.choice(TWO)}({one()}, {one()})"


def worth(text, is_law):
    """The value to our reader; None where a part of it has none, or it is refused."""
    reader = ExpressionReader("ngspice", {}, {}, is_law=is_law)
    f = reader.formulas
    known = {name: f.number(value) for name, value in VALUES.items()}

    def probe(kind, names):
        return f.number(NETS[names[0]] - NETS[(*names, "0")[1]])

    try:
        found = replace(reader, values=known, probe=probe).read(text)
    except InputError:
        return None
    # A part without a value is an error to ngspice, also in a branch that is not taken.
    whole = all(key[0] == "number" for key in f.known)
    return found.value if found.is_number and whole and abs(found.value) < 1e12 else None


def asked(texts, is_law):
    """The values that ngspice gives."""
    lines = ["* t", ".param k1=0.3 k2={-1.2}", "Va a 0 0.37", "Vb bb 0 -1.2"]
    for k, text in enumerate(texts):
        lines += [f"B{k} n{k} 0 V={text}"] if is_law else [f".param q{k}={{{text}}}", f"V{k} n{k} 0 {{q{k}}}"]
    waves = run_ngspice("\n".join([*lines, ".op", ".end", ""]))
    return np.array([waves[f"v(n{k})"][0] for k in range(len(texts))])


@pytest.mark.parametrize(("is_law", "seed"), [(True, 1), (True, 2), (False, 1), (False, 2)])
def test_random_expressions_have_the_value_that_ngspice_gives_them(is_law, seed):
    random = np.random.default_rng(seed)
    texts = [drawn(random, int(random.integers(1, 4)), is_law) for _ in range(600)]
    if not is_law:  # ngspice's parameters have no minus before a name behind an operator
        texts = [text for text in texts if not re.search(r"[-+*/^<>=&|?:] *[-!][ (]*[a-zA-Z!-]", text)]
    ours = {text: value for text in texts if (value := worth(text, is_law)) is not None}
    theirs = None
    while theirs is None:
        try:
            theirs = asked(list(ours), is_law)
        except SimulatorError as error:  # a law without a derivative where it is: 0**0.5
            if (bad := re.search(r"in line b(\d+)", str(error))) is None:
                raise
            del ours[list(ours)[int(bad.group(1))]]
    assert len(ours) > 250
    values = np.array(list(ours.values()))
    wrong = np.abs(theirs - values) > 1e-9 * np.maximum(1.0, np.abs(values))
    assert not wrong.any(), [(list(ours)[k], values[k], theirs[k]) for k in np.flatnonzero(wrong)[:5]]
