"""What a worker does: one case on one engine, whatever happens, becomes one row."""

from __future__ import annotations

import errno
import os
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from devices import ConvergenceError, InputError, SimulatorError, SimulatorNotFoundError
from netlists.agreement import Agreement
from netlists.campaign.case import Case
from netlists.campaign.draw import draw
from netlists.campaign.shrink import shrink
from netlists.campaign.spec import CampaignSpec
from netlists.comparison import crosscheck

__all__ = ["REASONS", "check_case", "failed", "name_of", "work"]

#: Why a row has no figures. What failed for the machine's sake, the next run tries again.
REASONS = {
    "refused": "our side does not take the circuit",
    "convergence": "our side did not reach its tolerance",
    "engine": "the simulator refused the netlist, did not converge or crashed",
    "timeout": "longer than the time allowed",
    "defect": "an error that nobody expected",
    "machine": "killed from outside, no space, or no simulator: not for the circuit's sake",
}
_SHRUNK = ("convergence", "engine", "differs")


def name_of(number: int, engine: str) -> str:
    """Return the name of the folders of a case on an engine."""
    return f"{number:04d}-{engine}"


def failed(number: int, engine: str, reason: str, error: str) -> dict[str, Any]:
    """Return the row of a case without figures."""
    return {"case": number, "engine": engine, "options": {}, "reason": reason, "error": error, "agreement": None}


def check_case(case: Case, engine: str, timeout: float) -> Agreement:
    """Run a case in both worlds."""
    subject, stimulus, arguments = case.build()
    return crosscheck(subject, stimulus, engine=engine, timeout=timeout, **arguments)


def work(spec: CampaignSpec, number: int, engine: str, temporary: Path, out: Path) -> dict[str, Any]:
    """Draw a case, run it in both worlds and return its row; where it fails, keep its netlists and shrink it."""
    started = time.perf_counter()
    try:
        temporary.mkdir()
        tempfile.tempdir = str(temporary)
        case = draw(spec, number)
        row = _run(spec, case, engine, spec.timeout)
        fault = row["reason"] or ("" if _agrees(spec, case, row["agreement"]) else "differs")
        row["seconds"] = time.perf_counter() - started
        if fault and fault != "machine":
            case.write(out / "kept" / name_of(number, engine))
        if fault in _SHRUNK:
            row["reduced"] = _reduce(spec, case, engine, fault, row["seconds"], out / "reduced" / name_of(number, engine))
    except Exception as error:
        row = failed(number, engine, *_reason(error))
    return row


def _run(spec: CampaignSpec, case: Case, engine: str, timeout: float) -> dict[str, Any]:
    row = failed(case.number, engine, "", "")
    try:
        row["agreement"] = check_case(case, engine, timeout).to_dict()
    except Exception as error:
        row["reason"], row["error"] = _reason(error)
    return {**row, "options": dict(case.options)}


def _agrees(spec: CampaignSpec, case: Case, agreement: dict[str, Any]) -> bool:
    analysis = case.options["analysis"]
    return all(
        spec.share(analysis, name, q["worst_relative"], q["worst_absolute"]) <= 1.0
        for name, q in agreement["quantities"].items()
    )


def _reduce(
    spec: CampaignSpec, case: Case, engine: str, fault: str, seconds: float, folder: Path
) -> dict[str, Any]:
    """Shrink a case, write the smallest one that fails in the same way, and say what it is."""
    ends = time.monotonic() + spec.timeout
    limit = min(spec.timeout, 2.0 + 4.0 * seconds)  # a simpler circuit that takes much longer is another fault

    def fails(simpler: Case) -> bool:
        if time.monotonic() > ends:
            return False
        row = _run(spec, simpler, engine, limit)
        return fault == (row["reason"] or ("" if _agrees(spec, simpler, row["agreement"]) else "differs"))

    smallest, tries = shrink(case, fails)
    smallest.write(folder)
    row = _run(spec, smallest, engine, limit)
    found = row["error"] if row["agreement"] is None else str(check_case(smallest, engine, limit))
    (folder / "found.txt").write_text(f"{found}\n", encoding="utf-8")
    elements = len(smallest.circuit().elements)
    return {"shape": smallest.shape, "elements": elements, "of": len(case.circuit().elements), "tries": tries}


def _reason(error: Exception) -> tuple[str, str]:
    """Return why there are no figures, and the error's own words in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, SimulatorNotFoundError) or isinstance(error, OSError):
        return "machine", text
    if isinstance(error, SimulatorError):
        if "no result within" in text:
            return "timeout", text
        outside = ("killed by signal 9", "killed by signal 15", os.strerror(errno.ENOSPC))
        return ("machine" if any(words in text for words in outside) else "engine"), text
    if isinstance(error, ConvergenceError):
        return "convergence", text
    if isinstance(error, InputError):
        return "refused", text
    return "defect", " | ".join(line.strip() for line in traceback.format_exception(error)[-3:])
