"""The binary raw file of ngspice as arrays.

spicelib's reader gives the same numbers (a test compares them), but looks up each name in a list: for the 1200
vectors of a 24x24 array it takes 60 times as long as ngspice itself, so runs use this small one.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from devices.common.arrays import Array

__all__ = ["read_raw"]


def read_raw(file: Path) -> dict[str, Array]:
    """Return the vectors of the first analysis of a raw file, by name in lower case.

    Parameters
    ----------
    file : pathlib.Path
        A binary raw file.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape ``(points,)`` each, float64; or complex128, of an analysis of small sines, except for the frequency.

    Raises
    ------
    ValueError
        If it is not such a file, or ends too early.
    """
    content = file.read_bytes()
    head, mark, body = content.partition(b"Binary:\n")
    text = head.decode("utf-8", errors="replace")
    fields = dict(re.findall(r"^([A-Z][\w. ]*): *(.*?) *$", text, flags=re.MULTILINE))
    if not mark or fields.get("Flags") not in ("real", "complex"):
        raise ValueError("no binary raw file of real or complex numbers")
    kind = "<f8" if fields["Flags"] == "real" else "<c16"
    try:
        variables, points = int(fields["No. Variables"]), int(fields["No. Points"])
    except KeyError as error:
        raise ValueError(f"no {error.args[0]}") from None
    names = re.findall(r"^\t\d+\t(\S+)\t\S+", text, flags=re.MULTILINE)
    wanted = np.dtype(kind).itemsize * variables * points
    if len(names) != variables or len(body) < wanted:
        raise ValueError(f"{len(names)} of {variables} names, {len(body)} of {wanted} bytes")
    table = np.frombuffer(body, dtype=kind, count=variables * points).reshape(points, variables)
    found = {name.lower(): table[:, k].copy() for k, name in enumerate(names)}
    return {name: vector.real.copy() if name == "frequency" else vector for name, vector in found.items()}
