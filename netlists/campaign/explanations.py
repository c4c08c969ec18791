"""Explanations of cases of a campaign that failed or differ, read from a file beside its specification."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from devices.common.errors import InputError
from devices.common.validation import choice, readable_file

__all__ = ["explanation_of", "read_explanations"]


def read_explanations(file: Path) -> dict[str, str]:
    """Return explanations by case, ``"17"``, or by case and engine, ``"17-vacask"``; none where there is no file."""
    if not file.exists():
        return {}
    try:
        given = tomllib.loads(readable_file("explanations", file).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError("explanations", f"{str(file)!r}, no TOML: {error}", "tables [[explanation]]") from None
    found: dict[str, str] = {}
    for key in given:
        choice("explanations", key, ("explanation",))
    entries = given.get("explanation", [])
    for entry in entries if isinstance(entries, list) else [entries]:
        if (
            not isinstance(entry, dict)
            or set(entry) != {"cases", "text"}
            or not isinstance(entry["cases"], list)
            or not isinstance(entry["text"], str)
        ):
            raise InputError("explanation", repr(entry)[:120], 'cases = [17, "23-vacask"] and text = "..."')
        text = " ".join(entry["text"].split())
        found |= {re.sub(r"^0+(?=\d)", "", str(case)): text for case in entry["cases"]}
    return found


def explanation_of(row: Any, explanations: dict[str, str]) -> str:
    """Return the explanation of a row, or an empty text."""
    number = str(row["case"])
    return explanations.get(f"{number}-{row['engine']}", explanations.get(number, ""))
