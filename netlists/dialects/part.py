"""`Part`: a subcircuit of a foreign text, or an instance within it, in translation for ngspice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devices.common.errors import InputError
from netlists.dialects.deck import Line, split_words
from netlists.dialects.formula import Formula
from netlists.dialects.output import Output
from netlists.dialects.parser import has_probe
from netlists.dialects.subcircuits import Definition, Scope

__all__ = ["Part", "nets_of"]

_GROUNDS = {
    "ltspice": {"0", "gnd", "gnd!"}, "ngspice": {"0", "gnd", "gnd!"}, "pspice": {"0", "gnd!"}, "xyce": {"0", "gnd!"},
    "hspice": {"0", "gnd", "gnd!", "ground"},
}  # fmt: skip
_MEASURED = "rclibegfhdsw"


def nets_of(line: Line) -> list[str]:
    """Return the nets to which an element is connected, in lower case, without those that only control it."""
    if line.word[0] != "x":
        return line.rest.lower().split()[:2]
    words = [word.lower() for word in split_words(line, line.rest)]
    return [word for word in words if "=" not in word and word != "params:"][:-1]


class Part:
    """The translation of one definition with its parameters, or of an instance in it.

    Parameters
    ----------
    scope : Scope
        Parameters and functions.
    output : Output
        Takes the lines.
    nets : dict of str to str
        Name in the output of each port.
    shared : dict of str to str
        Names in the output of the nets of ``.global`` lines.
    prefix : str, optional
        Names of the instances around it.
    """

    def __init__(
        self, scope: Scope, output: Output, nets: dict[str, str], shared: dict[str, str], prefix: str = ""
    ) -> None:
        self.scope, self.output, self.prefix, self.shared = scope, output, prefix, shared
        self.definition: Definition = scope.definition
        self.grounds = _GROUNDS[scope.dialect]
        self._nets = nets
        self.elements: dict[str, Line] = {}
        self._names: dict[str, str] = {}
        for line in self.definition.elements:
            key = line.word
            if key.startswith("."):
                continue
            if key in self.elements:
                raise line.refused(f"a second element {key!r}", "another name")
            self.elements[key] = line
            self._names[key] = output.name("element", f"{key[0]}{prefix}{key}" if prefix else key)
            for word in nets_of(line):
                self.net(word)
        self.formulas = scope.formulas
        self.reader = replace(
            scope.reader, probe=self._probe, integral=self._integral, is_law=True,
            values=scope.values, functions=scope.functions, calls={},
        )  # fmt: skip

    def __contains__(self, net: str) -> bool:
        return net in self._nets or net in self.grounds or net in self.shared

    def name(self, line: Line) -> str:
        """Return the name of an element in the output."""
        return self._names[line.word]

    def key(self, line: Line) -> str:
        """Return what tells an element from all others."""
        return f"{self.prefix}{line.word}"

    def net(self, word: str) -> str:
        """Return the name of a net in the output."""
        word = word.lower()
        if word in self.grounds:
            return "0"
        if word in self.shared:
            return self.shared[word]
        if word not in self._nets:
            self._nets[word] = self.output.name("net", f"{self.prefix}{word}")
        return self._nets[word]

    def connected(self, word: str) -> str:
        """Return the name in the output of a net to which an element or a port is connected.

        Raises
        ------
        InputError
            If there is none.
        """
        if word.lower() not in self:
            raise InputError("net", f"V({word.lower()}) of a net to which nothing is connected", "nets of elements")
        return self.net(word)

    def new_net(self, text: str) -> str:
        """Return the name of a net that the text does not have."""
        return self.output.name("net", f"{self.prefix}{text}")

    def voltage(self, plus: str, minus: str) -> Formula:
        """Return the voltage between two nets of the output."""
        f = self.formulas
        if plus == minus:
            return f.number(0)
        if plus == "0":
            return f.make("neg", f.probe(f"v({minus})"))
        return f.probe(f"v({plus})" if minus == "0" else f"v({plus},{minus})")

    def current(self, name: str) -> Formula:
        """Return the current of an element, from its first net to its second.

        Raises
        ------
        InputError
            If there is no such element, or one of more than two terminals.
        """
        if name not in self.elements:
            known = ", ".join(sorted(self.elements)) or "none"
            raise InputError("expression", f"I({name}) of no element here", f"elements: {known}")
        if name[0] == "v":
            return self.formulas.probe(f"i({self._names[name]})")
        if name[0] not in _MEASURED:
            raise InputError("expression", f"I({name}) of an element with more terminals", "elements of two terminals")
        return self.formulas.probe(f"i({self.output.ammeter(f'{self.prefix}{name}')})")

    def _probe(self, kind: str, names: Sequence[str]) -> Formula:
        if kind == "i":
            if len(names) != 1:
                raise InputError("expression", f"I({','.join(names)})", "the current of one element")
            return self.current(names[0])
        plus, minus = (*map(self.connected, names), "0")[:2]
        return self.voltage(plus, minus)

    def _integral(self, rate: Formula, start: Formula) -> Formula:
        """Return the voltage of a capacitor of 1 F that a current charges at a rate."""
        net = self.new_net("integral")
        source = self.output.name("element", f"b{net}")
        self.output.branch("", source, "0", f"{net} I = {self._text(rate)}")
        self.output.capacitor(net, 1.0, start.value)
        return self.voltage(net, "0")

    def _text(self, law: Formula) -> str:
        """Return the text of a law; what a long one holds more than once becomes the voltage of a net."""
        return self.formulas.shortened(law, self.output.part).written()

    # What a line says.

    def law(self, text: str) -> Formula:
        """Return an expression of voltages and currents.

        Raises
        ------
        InputError
            If it cannot be translated; names the part.
        """
        is_law = has_probe(text) or not _is_grouped(text)
        return replace(self.reader, is_law=is_law).read(text)

    def number(self, text: str) -> float:
        """Return the value of an expression of parameters."""
        return self.reader.number(text)

    def source(self, line: Line, kind: str, plus: str, minus: str, law: Formula) -> None:
        """Add a behavioural source, ``"V"`` or ``"I"``, in place of an element."""
        name = self.name(line)
        if name[0] != "b":
            name = self.output.name("element", f"b{name}")
        self.output.branch(self.key(line), name, plus, f"{minus} {kind} = {self._text(law)}")


def _is_grouped(text: str) -> bool:
    """Return whether braces or quotes stand around a whole text."""
    text = text.strip()
    return text[:1] + text[-1:] in ("{}", "''", '""')
