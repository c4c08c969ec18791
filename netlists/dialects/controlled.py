"""Sources that other quantities control: B, E, F, G and H with expressions, tables, polynomials and gains."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import comb

from netlists.dialects.deck import Line, split_words
from netlists.dialects.formula import Formula
from netlists.dialects.functions import table
from netlists.dialects.part import Part

__all__ = ["add_controlled", "expression_after"]

_VALUE = {
    "b": r"(?P<kind>[vir])\s*=", "e": r"(?:value|vol|v)\s*=|(?:value|vol)\b",
    "g": r"(?:value|cur|i)\s*=|(?:value|cur)\b", "f": r"(?:value|cur|i)\s*=|(?:value|cur)\b",
    "h": r"(?:value|vol|v)\s*=|(?:value|vol)\b",
}  # fmt: skip
_KIND = {"e": "V", "h": "V", "f": "I", "g": "I"}
_KEYWORDS = {"vcvs", "vccs", "cccs", "ccvs"}
_FORMS = "value={expression}, TABLE, POLY or a gain"


def add_controlled(part: Part, line: Line, plus: str, minus: str, rest: str) -> None:
    """Add a controlled source.

    Raises
    ------
    InputError
        If a part of the line is not understood; quotes it.
    """
    letter = line.word[0]
    given = re.match(_VALUE[letter], rest, re.IGNORECASE)
    if given is not None:
        law = part.law(expression_after(line, rest[given.end() :]))
        kind = _KIND.get(letter) or given.group("kind").upper()
        if kind == "R":
            kind, law = "I", part.formulas.make("/", part.voltage(plus, minus), law)
    elif letter == "b":
        raise line.refused(f"{rest!r}", "V={expression} or I={expression}")
    else:
        kind, law = _KIND[letter], _controlled(part, line, rest)
    part.source(line, kind, plus, minus, law)


def _controlled(part: Part, line: Line, rest: str) -> Formula:
    """Return the law of a source with a gain, a table or a polynomial."""
    words = split_words(line, rest)
    if words and words[0].lower() in _KEYWORDS:
        words, rest = words[1:], rest.split(None, 1)[1]
    if re.match(r"poly\s*\(", rest, re.IGNORECASE):
        return _polynomial(part, line, rest)
    if re.match(r"table\b", rest, re.IGNORECASE):
        return _table(part, line, rest[len("table") :])
    control, left = _control(part, line, words)
    if len(left) == 1 and re.match(r"table\s*=", left[0], re.IGNORECASE):
        return table(part.formulas, control, *_points(part, line, left[0].split("=", 1)[1]))
    if len(left) != 1 or "=" in left[0]:
        raise line.refused(f"{' '.join(left) or 'nothing'!r} in place of a gain", _FORMS)
    return part.formulas.make("*", part.formulas.number(part.number(left[0])), control)


def expression_after(line: Line, text: str) -> str:
    """Return the expression after ``value=``: all of the text, or what quotes around it hold.

    Raises
    ------
    InputError
        If there is anything after the quotes.
    """
    text = text.strip().removeprefix("=").strip()
    if text[:1] in ("'", '"'):
        end = text.find(text[0], 1)
        if end < 0:
            raise line.refused(f"{text!r}, a quote that is not closed")
        if text[end + 1 :].strip():
            raise line.refused(f"{text[end + 1 :].strip()!r} after the expression", "one expression alone")
        return text[1:end]
    other = re.search(r"\s(\w+)\s*=(?!=)", text)
    if other and not re.search(r"[<>!]\s*$", text[: other.end() - 1]):
        raise line.refused(f"{text[other.start() :].strip()!r}, an option of the dialect's own", "one expression alone")
    if not text:
        raise line.refused("no expression", _FORMS)
    return text


def _control(part: Part, line: Line, words: Sequence[str]) -> tuple[Formula, list[str]]:
    """Return the voltage or current that controls a source, and the words after it."""
    if line.word[0] in "fh":
        if not words:
            raise line.refused("no controlling source", _FORMS)
        return part.current(words[0].lower()), list(words[1:])
    nets, used = _pair(part, line, words)
    return part.voltage(*nets), list(words[used:])


def _pair(part: Part, line: Line, words: Sequence[str]) -> tuple[tuple[str, str], int]:
    """Return two controlling nets, written as two words or in brackets, and the number of words."""
    if words and words[0].startswith("("):
        inside, used = split_words(line, words[0][1:-1]), 1
    else:
        inside, used = list(words[:2]), 2
    bad = [word for word in inside if set(word) & set("(){}='")]
    if len(inside) != 2 or bad:
        raise line.refused(f"{' '.join(words) or 'nothing'!r} in place of two nets and a gain", _FORMS)
    return (part.connected(inside[0]), part.connected(inside[1])), used


def _polynomial(part: Part, line: Line, rest: str) -> Formula:
    """Return ``POLY(n)`` of controls: the coefficients of 1, x1, x2, ..., x1 x1, x1 x2, ..., as SPICE 2 orders them."""
    found = re.match(r"poly\s*\(\s*(\d{1,2})\s*\)", rest, re.IGNORECASE)
    if found is None:
        raise line.refused(f"{rest!r}", "POLY(n) with a number")
    f, count = part.formulas, int(found.group(1))
    words = split_words(line, rest[found.end() :])
    controls: list[Formula] = []
    for _ in range(count):
        control, words = _control(part, line, words)
        controls.append(control)
    if not words or not count:
        raise line.refused("no coefficients of POLY", _FORMS)
    numbers = [part.number(word) for word in words]
    if count == 1 and len(numbers) == 1:
        numbers = [0.0, *numbers]
    degree = 0
    while comb(count + degree, degree) < len(numbers):
        degree += 1
    terms = [term for d in range(degree + 1) for term in combinations_with_replacement(controls, d)]
    law = f.number(0)
    for number, term in zip(numbers, terms, strict=False):
        product = f.number(number)
        for control in term:
            product = f.make("*", product, control)
        law = f.make("+", law, product) if number else law
    return law


def _table(part: Part, line: Line, rest: str) -> Formula:
    """Return ``TABLE {expression} = (x, y) (x, y) ...``."""
    words = split_words(line, rest.strip())
    rest = rest.strip().removeprefix("=").strip()
    if not words or rest[:1] not in ("{", "'", "("):
        raise line.refused(f"{rest!r} after TABLE", "TABLE {expression} = (x, y) (x, y)")
    closing = {"{": "}", "'": "'", "(": ")"}[rest[0]]
    depth, end = 0, -1
    for k, character in enumerate(rest):
        depth += (character == rest[0] and (closing != "'" or k == 0)) - (character == closing and k > 0)
        if depth == 0:
            end = k
            break
    x = part.law(rest[1:end])
    points = _points(part, line, rest[end + 1 :].strip().removeprefix("=").strip())
    return table(part.formulas, x, *points)


def _points(part: Part, line: Line, text: str) -> list[Formula]:
    """Return the values of a table's points, in brackets or not, with or without commas."""
    words = split_words(line, re.sub(r"\)\s*\(", ") (", text))
    while len(words) == 1 and words[0].startswith("(") and words[0].endswith(")"):
        words = split_words(line, re.sub(r"\)\s*\(", ") (", words[0][1:-1]))
    values: list[str] = []
    for word in words:
        inside = split_words(line, word[1:-1]) if word.startswith("(") and word.endswith(")") else []
        values += inside if len(inside) == 2 else [word]
    if len(values) % 2 or not values:
        raise line.refused(f"{text!r} with {len(values)} values in place of pairs", "(x, y) (x, y) ...")
    return [part.law(value) for value in values]
