"""Texts of the performance page: titles of the benchmarks and how each is measured."""

from __future__ import annotations

from benchmarks.rows.transients import ACCURACY

TITLES = {
    "read": "Single read",
    "badcrossbar": "Single read",
    "crosssim": "Single read",
    "vectors": "Many vectors",
    "cholmod": "Direct solver",
    "transfer": "Transfer matrix",
    "stream": "Large read",
    "spice": "Linear read",
    "nonlinear": "Nonlinear read",
    "transients": "Device transients",
    "growth": "Growth",
    "import": "Start",
}

METHODS = {
    "read": """
        `Crossbar(...).read(voltage)`, built and factored each time, compared with `scipy.sparse.linalg.spsolve` of the
        nodal matrix, including its vectorised assembly.
    """,
    "badcrossbar": "The same read by badcrossbar, output currents only; it has no goal.",
    "crosssim": """
        CrossSim's `iterative_solve`, the array solver of its cores, at a voltage tolerance of 1e-9, at 256 lines 1e-6;
        our tolerance stays the same.
    """,
    "vectors": """
        100 vectors in one `read`, including the construction of the crossbar, compared with one
        `scipy.sparse.linalg.splu` and 100 right-hand sides, including the assembly of the matrix.
    """,
    "cholmod": """
        CHOLMOD of kvxopt, supernodal: ordering, one factorisation, solutions. The assembly of its matrix is not timed.
        *Again*: its factorisation and our transfer matrix exist already.
    """,
    "transfer": """
        `Crossbar(...).transfer()` compared with `dpotrf` and `dpotri` of a dense matrix, repeated as many times as the
        array has lines.
    """,
    "stream": """
        One `read` compared with copying three arrays of the crossbar's size on all threads. Memory is what the first
        read adds to the process, in arrays of 8 bytes per cell, without the conductances that are passed in.
    """,
    "spice": "All node voltages, compared with ngspice's `op` of a plain netlist, from start to exit of its process.",
    "nonlinear": """
        Cells with i = g v0 sinh(v / v0), v0 = 0.25 V, all node voltages, devices and crossbar built each time, compared
        with ngspice with one behavioural source per cell, and with Newton's method that uses `spsolve` in each step.
    """,
    "transients": f"""
        HP linear ion drift, cells that differ in initial state, mobility and resistance, one cycle of a sine, one
        thread each. Every program runs at its loosest setting that keeps the states within {ACCURACY:g} of the closed
        form: scipy's integrators in a loop over 200 cells, ngspice with 100 cells in one netlist. Times are for one
        cell.
    """,
    "growth": """
        One read, including the construction of the crossbar, from 16 to 2048 lines in two regimes. The read of 16 lines
        that has a goal uses an existing crossbar.
    """,
    "import": """
        Wall time of `python -c`, including the start of the interpreter. *Classes*: `Crossbar`, `Wires`, `device`,
        `simulate`, `crosscheck`.
    """,
}

HEAD = """
    Each result compares our time with that of another program that did the same work in the same run. Both run in
    processes of their own and are timed in turns; times are medians, on {threads} threads and cores each unless stated
    otherwise.

    Measured {when} on {cpu}, {cores} cores, {memory}{system}, Python {python}; {versions}; commit {commit}.

    To measure everything again, run `python -m benchmarks && python -m benchmarks --render`; `--rows read --sizes 64
    128` measures a part, `--quick` small sizes only. The slowest programs take a minute for one sample and up to 6 GB.

    Arrays, unless stated otherwise: square, {regime}, sources of 0 to 0.5 V, full accuracy. Errors are the largest ones
    against a common reference solution: relative for currents, as a fraction of the largest for voltages, absolute for
    states, which lie between 0 and 1.
"""

DETAIL = """
    Single reads in detail. *Read again*: another read on a crossbar that has been read. *Warm-up*: the first call of
    compiled code in a process, from the cache on disk; no other time includes it. Memory: the peak of the whole
    process,
    imports included.
"""

DEVICES = """
    Every registered model with states: an ensemble over one cycle of a loop with 9 samples, one parameter spread by a
    tenth (`python -m benchmarks.devices`, {date}, {cpu}). Times are for one cell. Every program runs at its loosest
    setting that keeps the states within 1e-6 of their span: `solve_ivp` with the law in scalar Python, one cell after
    another, on one thread; ngspice with one cell in a process, without the time of its start.

    The goal is {goal}x. Models that reach it, compared with {counts}. Ratios below the goal are bold.
"""

RECORDED = """
    Results marked *recorded* compare with a time of {peer} that was measured earlier on another machine of the same
    kind, because it could not be installed here ({why}).
"""

ANSWERS = """
    Times are medians of at least three samples, or one where a sample takes more than half a minute; the first call,
    which also allocates memory, does not count. The column *met* notes fewer samples, samples more than twofold apart,
    and other work that used more than a twentieth of the machine meanwhile.

    Reference solutions: SuperLU with iterative refinement, residuals from branch currents in extended precision; for
    sinh cells Newton's method with a sparse direct solve; for devices the closed form. The other programs get the
    circuit without any code of this project. All samples, spreads and options are in `benchmarks/results.json`.
"""


def text(words: str, **values: object) -> str:
    """Return `words` with `values` filled in, one line for each paragraph."""
    paragraphs = words.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).format(**values)
