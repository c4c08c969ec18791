"""A small reader of SPICE netlists by the documented grammar of a dialect, which evaluates its expressions.

It knows only what the reference guide of Xyce and the help of LTspice name: their functions with the number of their
arguments, their operators, and where conditions may stand. It stands in for simulators that cannot be run here.
"""

import math
import re

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NUMBER = re.compile(r"(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
TOKEN = re.compile(rf"\s*({NUMBER.pattern}|{NAME.pattern}|>=|<=|==|!=|&&|\|\||[-+*/()<>,?:&|~{{}}])")
#: Functions that laws are written with: what they do, and of how many arguments.
FUNCTIONS = {
    "abs": (abs, 1), "exp": (math.exp, 1), "ln": (math.log, 1), "sqrt": (math.sqrt, 1), "sinh": (math.sinh, 1),
    "cosh": (math.cosh, 1), "tanh": (math.tanh, 1), "sin": (math.sin, 1), "cos": (math.cos, 1), "tan": (math.tan, 1),
    "asin": (math.asin, 1), "atan": (math.atan, 1), "atanh": (math.atanh, 1), "pow": (math.pow, 2),
    "min": (min, 2), "max": (max, 2),
    "sgn": (lambda x: (x > 0) - (x < 0), 1),
}  # fmt: skip


class Expression:
    """An expression of one dialect, read and evaluated; conditions and numbers are kept apart."""

    def __init__(self, text, dialect, known, voltages, parameters):
        self.tokens, end = [], 0
        for match in TOKEN.finditer(text):
            assert match.start() == end, f"what is {text[end : end + 20]!r} in {text}"
            self.tokens.append(match.group(1))
            end = match.end()
        assert not text[end:].strip(), f"what is {text[end:]!r}"
        self.dialect, self.known = dialect, known
        self.voltages, self.parameters = voltages, parameters
        self.value = self.number()
        assert not self.tokens, f"{self.tokens[:5]} left over in {text}"

    def next(self):
        return self.tokens[0] if self.tokens else ""

    def take(self, *allowed):
        token = self.tokens.pop(0)
        assert not allowed or token in allowed, f"{token!r} where {allowed} must stand"
        return token

    def number(self):
        value = self.product()
        while self.next() in ("+", "-"):
            value = value + self.product() if self.take() == "+" else value - self.product()
        return value

    def product(self):
        value = self.unary()
        while self.next() in ("*", "/"):
            value = value * self.unary() if self.take() == "*" else value / (self.unary() or math.nan)
        return value

    def unary(self):
        if self.next() == "-":
            self.take()
            return -self.unary()
        return self.atom()

    def atom(self):
        token = self.take()
        if NUMBER.fullmatch(token):
            return float(token)
        if token == "(":
            if self.dialect == "xyce" and self.ternary():
                condition = self.condition()
                self.take("?")
                one = self.number()
                self.take(":")
                other = self.number()
                value = one if condition else other
            else:
                value = self.number()
            self.take(")")
            return value
        if token == "{":
            assert self.dialect == "ltspice", "braces within an expression"
            name = self.take()
            self.take("}")
            return self.parameters[name]
        if token == "v":
            self.take("(")
            nets = [self.take()]
            while self.take(",", ")") == ",":
                nets.append(self.take())
            return self.voltages(*nets)
        if token == "if":
            assert self.dialect == "ltspice"
            self.take("(")
            condition = self.condition()
            self.take(",")
            one = self.number()
            self.take(",")
            other = self.number()
            self.take(")")
            return one if condition else other
        if self.next() != "(":
            assert self.dialect == "xyce", f"{token} without braces"
            return self.parameters[token]
        assert token in self.known, f"{token} is no function of {self.dialect}"
        call, count = FUNCTIONS[token]
        self.take("(")
        arguments = [self.number()]
        while self.take(",", ")") == ",":
            arguments.append(self.number())
        assert len(arguments) == count, f"{token} of {len(arguments)} arguments"
        try:
            return call(*arguments)
        except (ValueError, OverflowError):  # a law at voltages that are none of its solutions
            return math.nan

    def ternary(self):
        """Whether a ``?`` follows before the parenthesis closes."""
        depth = 1
        for token in self.tokens:
            depth += (token == "(") - (token == ")")
            if depth == 0 or (depth == 1 and token == "?"):
                return token == "?"
        raise AssertionError("a parenthesis does not close")

    def condition(self):
        """A relation in parentheses, or several joined, or one turned round."""
        if self.dialect == "ltspice" and self.next() == "inv":
            self.take()
            self.take("(")
            value = not self.condition()
            self.take(")")
            return value
        if self.next() in ("0", "1"):
            return self.take() == "1"
        self.take("(")
        if self.next() == "~":
            assert self.dialect == "xyce"
            self.take()
            value = not self.condition()
        elif self.joined():
            value = self.condition()
            while self.next() in ("&", "|"):
                value = value & self.condition() if self.take() == "&" else value | self.condition()
        else:
            one = self.number()
            sign = self.take(*("<", ">", "<=", ">="), *(("==", "!=") if self.dialect == "xyce" else ()))
            other = self.number()
            value = {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other,
                     "==": one == other, "!=": one != other}[sign]  # fmt: skip
        self.take(")")
        return value

    def joined(self):
        """Whether conditions, and no numbers, stand in this parenthesis: a joining sign at its own depth."""
        depth = 0
        for token in self.tokens:
            if depth == 0 and token in ("&", "|"):
                return True
            depth += (token == "(") - (token == ")")
            if depth < 0:
                return False
        raise AssertionError("a parenthesis does not close")


def logical_lines(text):
    """Lines with those that continue them."""
    lines = []
    for line in text.splitlines():
        assert line, "an empty line"
        if line.startswith("+"):
            assert lines, "nothing to continue"
            assert not lines[-1].startswith("*"), "a comment that goes on"
            lines[-1] += " " + line[1:].strip()
        else:
            lines.append(line)
    return lines
