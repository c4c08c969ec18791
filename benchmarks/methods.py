"""The words of the performance page: names of the rows and how each is measured."""

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
        `Crossbar(...).read(voltage)`, built and factored anew each time, against `scipy.sparse.linalg.spsolve` of the
        nodal matrix, its vectorised assembly included.
    """,
    "badcrossbar": "The same work by badcrossbar, output currents only; it has no goal.",
    "crosssim": """
        CrossSim's `iterative_solve`, the array solver under its cores, at a voltage tolerance of 1e-9, at 256 lines
        1e-6; our side is not loosened.
    """,
    "vectors": """
        100 vectors in one `read`, building included, against one `scipy.sparse.linalg.splu` and 100 right-hand sides,
        assembly included.
    """,
    "cholmod": """
        kvxopt's CHOLMOD, supernodal: ordering, one factorisation, solutions. Its matrix is assembled before, and costs
        it nothing. *Again*: its factorisation and our transfer matrix exist already.
    """,
    "transfer": """
        `Crossbar(...).transfer()` against as many `dpotrf` and `dpotri` of a dense matrix as the array has lines.
    """,
    "stream": """
        One `read` against copying three arrays of the crossbar's size, shared out over the threads. Memory is what the
        first read adds to the process, in arrays of 8 bytes a cell; the caller's own conductances are not in it.
    """,
    "spice": "All node voltages against ngspice's `op` of a plain netlist, from start to exit of its process.",
    "nonlinear": """
        Cells with i = g v0 sinh(v / v0), v0 = 0.25 V, all node voltages, devices and crossbar made anew, against
        ngspice with one behavioural source for each cell, and against Newton's method with `spsolve` for each step.
    """,
    "transients": f"""
        HP linear ion drift, cells that differ in start, mobility and resistance, one cycle of a sine, one thread each.
        Every tool runs at its loosest setting that keeps the states within {ACCURACY:g} of the closed form: scipy's
        integrators in a loop over 200 cells, ngspice with 100 cells in one netlist. Times are for one cell.
    """,
    "growth": """
        One read, built anew, from 16 to 2048 lines in two regimes. The read of 16 lines that has a goal is of a
        crossbar that exists.
    """,
    "import": """
        Wall time of `python -c`, the interpreter's own start included. *Classes*: `Crossbar`, `Wires`, `device`,
        `simulate`, `crosscheck`.
    """,
}

HEAD = """
    Each figure is a ratio to a named peer that did the same work in the same run: processes of their own, timed in
    turns, medians, {threads} threads and cores for each side where nothing else is said.

    Measured {when} on {cpu}, {cores} cores, {memory}{system}, Python {python}; {versions}; commit {commit}.

    Regenerate all of it with `python -m benchmarks && python -m benchmarks --render`; `--rows read --sizes 64 128` does
    a part, `--quick` a rehearsal. The largest peers take a minute for one sample and up to 6 GB.

    Array rows, unless they say otherwise: square, {regime}, sources of 0 to 0.5 V, full accuracy. Errors are the
    largest ones against a common accurate answer: relative for currents, as a fraction of the largest for voltages,
    absolute for states, which lie between 0 and 1.
"""

DETAIL = """
    Single reads in detail. *Again*: another read on a crossbar that has been read. *Warm-up*: the first call of
    compiled code in a process, from the cache on disk; it is in no other figure. Memory: the largest of the whole
    process, imports included.
"""

DEVICES = """
    Every registered model with states, an ensemble over one cycle of a loop with 9 samples, a parameter spread by a
    tenth (`python -m benchmarks.devices`, {date}, {cpu}). Times are for one cell. Every tool runs at its loosest
    setting that keeps the states within 1e-6 of their span: `solve_ivp` with the law in scalar Python, one cell after
    another, on one thread, as such a loop runs; ngspice one cell in a process, its start-up taken off.

    The goal is {goal}x. Reached against {counts}. Ratios below it are bold.
"""

RECORDED = """
    Figures marked *recorded* compare with a time that {peer} took earlier on another machine of the same kind, since
    it could not be had here ({why}).
"""

ANSWERS = """
    Times are medians of at least three samples, one where a sample takes more than half a minute; the first call, which
    pays for fresh memory, is not one of them. Where there are fewer, the samples lie more than twofold apart, or other
    work used more than a twentieth of the machine meanwhile, the column *met* says so.

    Accurate answers: SuperLU with iterative refinement, residuals from branch currents in extended precision; for sinh
    cells Newton's method with a sparse direct solve; for devices the closed form. Peers assemble the circuit
    themselves, without this project's code. All samples, spreads and options are in `benchmarks/results.json`.
"""


def text(words: str, **values: object) -> str:
    """Return `words` with `values`, one line for each paragraph."""
    paragraphs = words.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs).format(**values)
