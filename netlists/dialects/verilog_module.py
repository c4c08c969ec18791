"""`VerilogModule`: one module of a text of Verilog-A, with what OpenVAF and VACASK cannot run refused by its line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from devices.common.errors import InputError
from devices.common.validation import choice
from netlists.dialects.verilog_constants import constant_value
from netlists.dialects.verilog_statements import assigned, declarations
from netlists.dialects.verilog_states import check_states
from netlists.dialects.verilog_text import Token, read_tokens

__all__ = ["VerilogModule", "read_module"]

_RANDOM = "random numbers, which OpenVAF does not compile"
_EVENT = "an event, which OpenVAF does not compile"
_FILTER = "a filter, which OpenVAF does not compile"
_NO_RANDOM = "its mean, or a parameter that is set for each instance"
_STATE = "a state: a node of its own with ddt, or idt"
#: Words that are refused wherever they stand, why, and what would make the text readable.
_REFUSED = (
    (r"\$(?:rdist_\w+|dist_\w+|a?random)", _RANDOM, _NO_RANDOM),
    (r"\$realtime", "time in units of a timescale", "$abstime"),
    (r"\$(?:stime|time)", "time as an integer", "$abstime"),
    (r"idtmod", "an integral that starts again, at which VACASK's steps end", "idt, and the remainder of its value"),
    (r"transition|slew", _FILTER, _STATE),
    (r"(?:laplace|zi)_\w+", _FILTER, _STATE),
    (r"last_crossing", "a time of the past, which OpenVAF does not compile", _STATE),
    (r"\$table_model", "a table in a file, which OpenVAF does not compile", "an expression"),
)
_DIRECTIONS = ("inout", "input", "output")
_OTHER_WORDS = frozenset({"ground", "branch", "genvar", "string", "aliasparam"})


@dataclass(frozen=True, kw_only=True)
class VerilogModule:
    """One module of a text.

    Parameters
    ----------
    name, source : str
        Name of the module, and that of its source.
    text : str
        The whole text, as OpenVAF compiles it.
    included : mapping of str to str
        The files that it includes, by name.
    ports : tuple of str
        Its ports in order.
    nets : tuple of str
        Its ports and its inner nets.
    parameters : mapping of str to float or None
        Defaults; None where one is no number.
    whole : frozenset of str
        Parameters that are integers.
    """

    name: str
    source: str
    text: str
    included: Mapping[str, str]
    ports: tuple[str, ...]
    nets: tuple[str, ...]
    parameters: Mapping[str, float | None]
    whole: frozenset[str]
    _body: tuple[Token, ...]

    def check(self, given: Mapping[str, float]) -> None:
        """Raise `InputError` where a variable keeps its value from one evaluation to the next.

        Branches that are not taken with the parameters, those in `given` and the defaults, do not matter.
        """
        check_states(self._body, {**_defaults(self._body, given), **given})


def read_module(text: str, name: str | None, source: str, included: Mapping[str, str] | None = None) -> VerilogModule:
    """Return a module of a text.

    Parameters
    ----------
    text : str
        Verilog-A.
    name : str or None
        Name of the module; the only one of the text where not given.
    source : str
        Name of the text in messages.
    included : mapping of str to str, optional
        Texts of the files that it includes, by name.

    Raises
    ------
    InputError
        If there is no such module, or the text holds what OpenVAF or VACASK does not run as it is meant; names
        the line.
    """
    tokens = read_tokens(text, source, included)
    _check_words(tokens)
    modules = dict(_modules(tokens))
    if name is None and len(modules) != 1:
        raise InputError("module", "None", f"a module of {source}: {', '.join(modules) or 'there is none'}")
    found = next(iter(modules)) if name is None else choice("module", name, modules)
    body = modules[found]
    ports = _ports(body)
    if len(ports) < 2:
        raise InputError("module", f"{found} with ports {', '.join(ports) or 'none'}", "a module of two ports at least")
    statements = list(declarations(body))
    _check_cases(statements)
    nets = dict.fromkeys(ports)
    for statement in statements:
        if _is_net(statement):
            nets |= dict.fromkeys(_declared(statement[1:]))
    return VerilogModule(
        name=found,
        source=source,
        text=text,
        included=MappingProxyType(dict(included or {})),
        ports=ports,
        nets=tuple(nets),
        parameters=MappingProxyType(_parameters(statements)),
        whole=frozenset(n for s in statements if _is_parameter(s) and s[1].text == "integer" for n, _ in assigned(s)),
        _body=tuple(body),
    )


def _check_cases(statements: Sequence[Sequence[Token]]) -> None:
    """Refuse parameters whose names OpenVAF does not tell apart."""
    seen: set[str] = set()
    for statement in statements:
        if _is_parameter(statement):
            for name, _ in assigned(statement):
                if name.lower() in seen:
                    why = f"{name} in lower case is the name of another parameter, and OpenVAF writes all so"
                    raise statement[0].refused(why, "another name")
                seen.add(name.lower())


def _check_words(tokens: Sequence[Token]) -> None:
    """Refuse what OpenVAF does not compile, or what has another meaning in VACASK."""
    for k, token in enumerate(tokens):
        following = tokens[k + 1].text if k + 1 < len(tokens) else ""
        for pattern, why, fix in _REFUSED:
            if re.fullmatch(pattern, token.text):
                raise token.refused(f"{token.text}: {why}", fix)
        if token.text == "@":
            _check_event(tokens[k : k + 8])
        elif token.text == "analysis" and following == "(" and '"ic"' in {t.text for t in tokens[k : k + 8]}:
            raise token.refused('analysis("ic") is false in VACASK, also before a transient', 'analysis("static")')
        elif token.text == "idt" and following == "(" and _arguments(tokens[k + 1 :]) > 2:
            raise token.refused("an integral that is set back, at which VACASK's steps end", "idt(x, start)")
        elif token.text in ("from", "exclude") and following in ("[", "("):
            _check_range(tokens[k : k + 40])


def _check_event(tokens: Sequence[Token]) -> None:
    words = [token.text for token in tokens]
    event = words[2] if words[1:2] == ["("] and len(words) > 2 else words[1] if len(words) > 1 else ""
    if event not in ("initial_step", "final_step"):
        fix = "a smooth law in place of the event, or @(initial_step) for what is computed once"
        raise tokens[0].refused(f"{event}: {_EVENT}", fix)
    analyses = {word for word in words[3:] if word.startswith('"')} if words[3:4] == ["("] else set()
    if analyses and not analyses & {'"tran"', '"static"'}:
        raise tokens[0].refused(f"{event} of other analyses, which OpenVAF takes for all", "@(initial_step)")


def _check_range(tokens: Sequence[Token]) -> None:
    depth = 0
    for token in tokens[1:]:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if depth == 1 and token.text == ",":
            raise token.refused("a range with a comma (old syntax)", "a range with a colon, [0:1]")
        if depth == 0:
            return


def _arguments(tokens: Sequence[Token]) -> int:
    """Return the number of arguments of a call, from its bracket on."""
    depth, count = 0, 1
    for token in tokens:
        depth += {"(": 1, "{": 1, "'{": 1, ")": -1, "}": -1}.get(token.text, 0)
        count += depth == 1 and token.text == ","
        if depth == 0:
            break
    return count


def _modules(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Token]]]:
    """Yield the name and the tokens of each module, from its ports to its end."""
    k = 0
    while k < len(tokens):
        if tokens[k].text in ("module", "macromodule") and k + 1 < len(tokens):
            stop = next((n for n in range(k, len(tokens)) if tokens[n].text == "endmodule"), len(tokens))
            yield tokens[k + 1].text, list(tokens[k + 2 : stop])
            k = stop
        k += 1


def _ports(body: Sequence[Token]) -> tuple[str, ...]:
    stop = next((k for k, token in enumerate(body) if token.text == ";"), 0)
    words = [token.text for token in body[:stop] if token.is_name]
    types = {*_DIRECTIONS, "electrical"}  # declared in the head
    return tuple(dict.fromkeys(word for word in words if word not in types))


def _is_parameter(statement: Sequence[Token]) -> bool:
    return len(statement) > 2 and statement[0].text == "parameter"


def _is_net(statement: Sequence[Token]) -> bool:
    """Return whether a statement declares nets of a discipline."""
    first = statement[0].text
    taken = {"parameter", "localparam", "real", "integer", *_DIRECTIONS, *_OTHER_WORDS}
    return len(statement) > 1 and statement[0].is_name and first not in taken and statement[1].is_name


def _declared(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens if token.is_name and token.text not in _DIRECTIONS]


def _parameters(statements: Sequence[Sequence[Token]]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    known: dict[str, float] = {}
    for statement in statements:
        if statement[0].text in ("parameter", "localparam"):
            for name, default in assigned(statement):
                value = constant_value(default, known)
                if value is not None:
                    known[name] = value
                if statement[0].text == "parameter":
                    found[name] = value
    return found


def _defaults(body: Sequence[Token], given: Mapping[str, float]) -> dict[str, float]:
    """Return the parameters that are numbers, local ones too, where some are given."""
    known = dict(given)
    for statement in declarations(body):
        if statement[0].text in ("parameter", "localparam"):
            for name, default in assigned(statement):
                value = constant_value(default, known)
                if name not in given and value is not None:
                    known[name] = value
    return known
