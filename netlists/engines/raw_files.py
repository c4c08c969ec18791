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
        A binary raw file of real numbers.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape ``(points,)`` each, float64.

    Raises
    ------
    ValueError
        If it is not such a file, or ends too early.
    """
    content = file.read_bytes()
    head, mark, body = content.partition(b"Binary:\n")
    text = head.decode("utf-8", errors="replace")
    fields = dict(re.findall(r"^([A-Z][\w. ]*): *(.*?) *$", text, flags=re.MULTILINE))
    if not mark or fields.get("Flags") != "real":
        raise ValueError("no binary raw file of real numbers")
    try:
        variables, points = int(fields["No. Variables"]), int(fields["No. Points"])
    except KeyError as error:
        raise ValueError(f"no {error.args[0]}") from None
    names = re.findall(r"^\t\d+\t(\S+)\t\S+", text, flags=re.MULTILINE)
    if len(names) != variables or len(body) < 8 * variables * points:
        raise ValueError(f"{len(names)} of {variables} names, {len(body)} of {8 * variables * points} bytes")
    table = np.frombuffer(body, dtype="<f8", count=variables * points).reshape(points, variables)
    return {name.lower(): table[:, k].copy() for k, name in enumerate(names)}
