"""The tasks of a campaign: a case on an engine becomes a row, also where it fails."""

from __future__ import annotations

import re
import time
import traceback
from pathlib import Path
from typing import Any

from devices import ConvergenceError, InputError, MemductanceError, SimulatorError, SimulatorNotFoundError
from devices.common.errors import SimulatorConvergenceError, SimulatorTimeoutError
from netlists.campaign.case import Case
from netlists.campaign.draw import draw, is_solvable
from netlists.campaign.shrink import shrink
from netlists.campaign.spec import CampaignSpec
from netlists.campaign.store import folder_name

__all__ = ["REASONS", "case_row", "failed_row", "failure_reason", "limits_row"]

#: Why a row has no figures. Rows that failed because of the machine are tried again by the next run.
REASONS = {
    "refused": "memductance does not take the circuit",
    "convergence": "memductance did not reach its tolerance",
    "unsolved": "the simulator read the netlist and did not find its solution",
    "engine": "the simulator refused the netlist or crashed",
    "timeout": "longer than the time limit",
    "defect": "an unexpected error",
    "machine": "failed because of the machine, not the circuit: killed from outside, no space, or no simulator",
}
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (SimulatorTimeoutError, "timeout"),
    (SimulatorConvergenceError, "unsolved"),
    (SimulatorError, "engine"),
    (ConvergenceError, "convergence"),
    (InputError, "refused"),
)
#: Words in the errors of simulators where the machine is at fault.
_OUTSIDE = re.compile(r"killed by signal (9|15)\b|cannot write into|is full\)|does not start")
_SHRUNK = ("convergence", "unsolved", "engine", "differs")


def failed_row(number: int, engine: str, reason: str, error: str) -> dict[str, Any]:
    """Return the row of a case without figures."""
    return {"case": number, "engine": engine, "options": {}, "reason": reason, "error": error, "agreement": None}


def case_row(spec: CampaignSpec, number: int, engine: str, out: Path) -> dict[str, Any]:
    """Run a case here and in a simulator, and return its row; where it fails, keep its netlists and shrink it."""
    started = time.perf_counter()
    try:
        case = draw(spec, number)
        row, fault = _run(spec, case, engine, spec.timeout)
        row["seconds"] = time.perf_counter() - started
        if fault and fault != "machine":
            case.write(out / "kept" / folder_name(number, engine))
        if fault in _SHRUNK:
            folder = out / "reduced" / folder_name(number, engine)
            row["reduced"] = _reduce(spec, case, engine, fault, row, folder)
    except Exception as error:
        row = failed_row(number, engine, *failure_reason(error))
    return row


def limits_row(spec: CampaignSpec, number: int, engine: str) -> dict[str, Any]:
    """Return which side limits each quantity of a case; nothing where it cannot be solved again."""
    try:
        agreement = draw(spec, number).crosscheck(engine=engine, timeout=spec.timeout, limits=True)
    except MemductanceError:
        return {"case": number, "engine": engine, "limits": {}}
    limits = {name: limit.to_dict() for name, limit in agreement.limits.items()}
    return {"case": number, "engine": engine, "limits": limits}


def _run(spec: CampaignSpec, case: Case, engine: str, timeout: float) -> tuple[dict[str, Any], str]:
    """Return the row of a case, and its fault: a reason, ``"differs"``, or an empty text."""
    row = {**failed_row(case.number, engine, "", ""), "options": dict(case.options)}
    try:
        row["rounding"] = case.rounding
        row["agreement"] = case.crosscheck(engine=engine, timeout=timeout).to_dict()
    except Exception as error:
        row["reason"], row["error"] = failure_reason(error)
        return row, row["reason"]
    return row, "differs" if max(spec.excess(row).values()) > 1.0 else ""


def _reduce(
    spec: CampaignSpec, case: Case, engine: str, fault: str, row: dict[str, Any], folder: Path
) -> dict[str, Any]:
    """Shrink a case, write the smallest one that fails in the same way, and return its size."""
    ends = time.monotonic() + spec.timeout
    limit = min(spec.timeout, 2.0 + 4.0 * row["seconds"])  # a simpler circuit that takes much longer is another fault

    def fails(simpler: Case) -> bool:
        if time.monotonic() > ends or not is_solvable(simpler):
            return False
        found, kind = _run(spec, simpler, engine, limit)
        if kind != fault:
            return False
        if kind == "differs":
            return _is_same_difference(spec, row, found)
        return _first_words(found["error"]) == _first_words(row["error"])

    smallest, tries = shrink(case, fails)
    smallest.write(folder)
    try:
        found = str(smallest.crosscheck(engine=engine, timeout=limit))
    except MemductanceError as error:
        found = str(error)
    (folder / "found.txt").write_text(f"{found}\n", encoding="utf-8")
    elements = [len(c.circuit().elements) for c in (smallest, case)]
    return {"shape": smallest.shape, "elements": elements[0], "of": elements[1], "tries": tries}


def _is_same_difference(spec: CampaignSpec, before: dict[str, Any], now: dict[str, Any]) -> bool:
    """Return whether the quantity that differs most still differs, and is not a thousandth of what it was."""
    excess = spec.excess(before)
    name = max(excess, key=excess.__getitem__)
    was, is_ = (row["agreement"]["quantities"].get(name) for row in (before, now))
    return is_ is not None and spec.excess(now)[name] > 1.0 and is_["scale"] > 1e-3 * was["scale"]


def _first_words(error: str) -> str:
    """Return the first words of an error without names and numbers, to compare two errors."""
    return " ".join(re.sub(r"'[^']*'|[^A-Za-z ]", " ", error.partition(";")[0]).split()[:6])


def failure_reason(error: Exception) -> tuple[str, str]:
    """Return the reason why there are no figures, and the message of the error in one line."""
    text = " ".join(str(getattr(error, "message", error)).split())  # without the path of a netlist kept elsewhere
    if isinstance(error, SimulatorNotFoundError | OSError | MemoryError) or _OUTSIDE.search(text):
        return "machine", text
    for kind, reason in _KINDS:
        if isinstance(error, kind):
            return reason, text
    return "defect", " | ".join(line.strip() for line in traceback.format_exception(error)[-3:])
