"""What a worker does: one case on one engine, whatever happens, becomes one row."""

from __future__ import annotations

import os
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from devices import ConvergenceError, InputError, SimulatorError, SimulatorNotFoundError
from netlists.campaign.case import Case

__all__ = ["REASONS", "failed", "run_case"]

#: Why a case has no figures. Those of the machine, not of the circuit, are tried again by the next run.
REASONS = {
    "refused": "our side does not take the circuit",
    "our convergence": "our side did not reach its tolerance",
    "engine": "the simulator refused the netlist, did not converge or crashed",
    "timeout": "longer than the time allowed",
    "defect": "an error that nobody expected",
    "machine": "killed from outside, no space, or the simulator is missing: nothing to do with the circuit",
}


def run_case(case: Case, engine: str, timeout: float, folder: Path) -> dict[str, Any]:
    """Run a case in both worlds and return its row; temporary files go to `folder`."""
    from netlists.comparison import crosscheck

    folder.mkdir(exist_ok=True)
    tempfile.tempdir = str(folder)
    started = time.perf_counter()
    try:
        subject, stimulus, arguments = case.build()
        agreement = crosscheck(subject, stimulus, engine=engine, timeout=timeout, **arguments)
    except Exception as error:
        row = failed(case.number, engine, *_reason(error))
    else:
        row = {"case": case.number, "engine": engine, "reason": "", "error": "", "agreement": agreement.to_dict()}
    return {**row, "seconds": time.perf_counter() - started}


def failed(number: int, engine: str, reason: str, error: str) -> dict[str, Any]:
    """Return the row of a case without figures."""
    return {"case": number, "engine": engine, "reason": reason, "error": error, "agreement": None}


def _reason(error: Exception) -> tuple[str, str]:
    text = " ".join(str(error).split())
    if isinstance(error, SimulatorNotFoundError):
        return "machine", text
    if isinstance(error, SimulatorError):
        if "no result within" in text:
            return "timeout", text
        from_outside = "killed by signal 9" in text or "killed by signal 15" in text or os.strerror(28) in text
        return ("machine" if from_outside else "engine"), text
    if isinstance(error, ConvergenceError):
        return "our convergence", text
    if isinstance(error, InputError):
        return "refused", text
    if isinstance(error, OSError):
        return "machine", text
    return "defect", "".join(traceback.format_exception(error)[-3:])
