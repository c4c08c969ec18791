"""Reference solutions, computed without the solvers of this project, for the errors of all programs.

Linear arrays: SuperLU with iterative refinement; residuals are summed from branch currents in extended precision.
Nonlinear arrays: Newton's method with a sparse direct solve, down to rounding. They are stored in the user's cache
folder.
"""

from __future__ import annotations

import sys

import numpy as np
from numpy.typing import NDArray

from benchmarks.environment import cache
from benchmarks.problem import SINH_SCALE, Array, ReadProblem, problem, vectors
from benchmarks.tasks.direct import drive as injected
from benchmarks.tasks.direct import nodal_matrix

Extended = NDArray[np.longdouble]


def _excess(given: ReadProblem, voltages: Extended, source: Extended, cell_current: Extended) -> Extended:
    """Return the current into each node minus the current out of it, shape ``(2, rows, columns, vectors)``."""
    metal = 1 / np.longdouble(given.segment)
    word, bit = voltages
    excess = np.zeros_like(voltages)
    excess[0, :, 0] += metal * (source - word[:, 0])
    along = metal * (word[:, :-1] - word[:, 1:])
    excess[0, :, :-1] -= along
    excess[0, :, 1:] += along
    down = metal * (bit[:-1] - bit[1:])
    excess[1, :-1] -= down
    excess[1, 1:] += down
    excess[1, -1] -= metal * bit[-1]
    excess[0] -= cell_current
    excess[1] += cell_current
    return excess


def linear_voltages(given: ReadProblem, many: Array) -> Array:
    """Node voltages of ohmic cells, shape ``(2, rows, columns, vectors)``."""
    from scipy.sparse.linalg import splu

    matrix = nodal_matrix(given)
    factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    shape = (2, *given.conductance.shape, len(many))
    voltages = factor.solve(injected(given, many)).astype(np.longdouble).reshape(shape)
    cells = given.conductance.astype(np.longdouble)[:, :, None]
    for _ in range(3):
        excess = _excess(given, voltages, many.T.astype(np.longdouble), cells * (voltages[0] - voltages[1]))
        voltages += factor.solve(excess.reshape(-1, len(many)).astype(float)).reshape(shape)
    return voltages.astype(float)


def newton_voltages(given: ReadProblem, steps: int = 30) -> Array:
    """Node voltages of cells with i = g v0 sinh(v / v0), shape ``(2, rows, columns)``."""
    from scipy.sparse.linalg import spsolve

    voltages = np.zeros((2, *given.conductance.shape, 1), dtype=np.longdouble)
    source = given.voltage[:, None].astype(np.longdouble)
    for _ in range(steps):
        over = (voltages[0] - voltages[1]) / SINH_SCALE
        slope = given.conductance * np.cosh(over[..., 0].astype(float))
        excess = _excess(given, voltages, source, given.conductance[..., None] * SINH_SCALE * np.sinh(over))
        change = spsolve(nodal_matrix(given, slope), excess.astype(float).ravel())
        voltages += change.reshape(voltages.shape)
        if np.abs(change).max() < 1e-15:
            break
    return voltages[..., 0].astype(float)


def read(size: int, regime: str = "easy") -> Array:
    """Output currents of one vector, shape ``(size,)``."""
    return _kept("read", size, regime, 1)


def reads(size: int, count: int) -> Array:
    """Output currents of many vectors, shape ``(count, size)``."""
    return _kept("reads", size, "easy", count)


def nodes(size: int, nonlinear: bool) -> Array:
    """Node voltages of one vector, shape ``(2, size, size)``."""
    return _kept("sinh" if nonlinear else "nodes", size, "easy", 1)


def _kept(kind: str, size: int, regime: str, count: int) -> Array:
    file = cache() / "references" / f"{kind}-{size}-{regime}-{count}.npy"
    if not file.exists():
        import subprocess

        file.parent.mkdir(parents=True, exist_ok=True)  # in another process, because it needs gigabytes of memory
        command = [sys.executable, "-m", "benchmarks.reference", str(file), kind, str(size), regime, str(count)]
        subprocess.run(command, check=True, cwd=cache().parent, env=_environment())
    return np.load(file)


def _environment() -> dict[str, str]:
    import os

    from benchmarks.measure import ROOT

    return {**os.environ, "PYTHONPATH": str(ROOT)}


def main() -> None:
    file, kind, size, regime, count = sys.argv[1:]
    given = problem(int(size), regime)
    if kind == "sinh":
        answer = newton_voltages(given)
    else:
        many = vectors(int(size), int(count)) if kind == "reads" else given.voltage[None]
        voltages = linear_voltages(given, many)
        answer = voltages[..., 0] if kind == "nodes" else voltages[1, -1].T / given.segment
        answer = answer[0] if kind == "read" else answer
    np.save(file, answer)


if __name__ == "__main__":
    main()
