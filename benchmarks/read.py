"""Time one read and the transfer matrix against scipy's sparse direct solve of the same whole system.

One run, one machine, the same problem: 1 ohm segments, cells of 10 to 100 kohm, sources of 0 to 0.5 V. The first read
includes building the crossbar and factoring its lines; the peer's time includes assembling its matrix.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse.linalg import splu, spsolve

from crossbar import Crossbar, Wires
from crossbar.circuit.reference import nodal_system


def problem(size: int, args: argparse.Namespace) -> tuple[np.ndarray, Wires, np.ndarray]:
    rng = np.random.default_rng(0)
    cells = rng.uniform(1 / args.high, 1 / args.low, (size, size))
    return cells, Wires(args.segment, args.segment), rng.uniform(0, 0.5, size)


def median_time(work: Callable[[], object], repeats: int, budget: float = 10.0) -> float:
    times: list[float] = []
    while len(times) < repeats and (not times or sum(times) < budget):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def sparse_read(cells: np.ndarray, wires: Wires, voltage: np.ndarray) -> np.ndarray:
    matrix, drive = nodal_system(cells, wires)
    solution = spsolve(matrix, drive @ voltage)
    rows, columns = cells.shape
    return solution[rows * columns + (rows - 1) * columns :] / wires.bit_line_end


def sparse_reads(cells: np.ndarray, wires: Wires, voltages: np.ndarray) -> None:
    matrix, drive = nodal_system(cells, wires)
    splu(matrix).solve(drive @ voltages.T)


def inversions(size: int) -> None:
    matrix = np.asfortranarray(np.eye(size) + 1e-3)
    for _ in range(size):
        dpotri(dpotrf(matrix)[0])


def resident(field: str) -> int:
    """Return a line of Linux's account of this process [byte]."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(field))


def memory(size: int, args: argparse.Namespace, answer: multiprocessing.Queue) -> None:
    """Put into `answer` how far a first read raises this process's memory, in arrays of the crossbar's size."""
    cells, wires, voltage = problem(size, args)
    Crossbar(np.full((4, 4), 1e-5), wires).read(np.ones(4))
    with open("/proc/self/clear_refs", "w") as peak:
        peak.write("5")
    before = resident("VmRSS")
    Crossbar(cells, wires).read(voltage)
    answer.put((resident("VmHWM") - before) / cells.nbytes)


def peak_memory(size: int, args: argparse.Namespace) -> float:
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=memory, args=(size, args, answer))
    process.start()
    arrays = answer.get(timeout=300)
    process.join()
    return arrays


def row(size: int, args: argparse.Namespace) -> list[str]:
    cells, wires, voltage = problem(size, args)
    array = Crossbar(cells, wires)
    readout = array.read(voltage)
    cold = median_time(lambda: Crossbar(cells, wires).read(voltage), args.repeats)
    warm = median_time(lambda: array.read(voltage), args.repeats)
    line = [f"{size}", f"{1e3 * cold:.3f}", f"{1e3 * warm:.3f}", f"{readout.iterations}"]
    if size <= args.peer_limit:
        peer = median_time(lambda: sparse_read(cells, wires, voltage), args.repeats)
        error = np.abs(readout.current / sparse_read(cells, wires, voltage) - 1).max()
        line += [f"{1e3 * peer:.1f}", f"{peer / cold:.0f}x", f"{peer / warm:.0f}x", f"{error:.0e}"]
    else:
        line += ["-"] * 4
    many = np.random.default_rng(1).uniform(0, 0.5, (args.vectors, size))
    ours = median_time(lambda: Crossbar(cells, wires).read(many), args.repeats)
    line.append(f"{1e3 * ours:.1f}")
    if size <= args.peer_limit:
        line.append(f"{median_time(lambda: sparse_reads(cells, wires, many), args.repeats) / ours:.0f}x")
    else:
        line.append("-")
    if size <= args.transfer_limit:
        built = median_time(lambda: Crossbar(cells, wires).transfer(), args.repeats)
        dense = median_time(lambda: inversions(size), args.repeats)
        error = np.abs(voltage @ array.transfer() / readout.current - 1).max()
        line += [f"{1e3 * built:.1f}", f"{built / dense:.1f}x", f"{error:.0e}"]
    else:
        line += ["-"] * 3
    return [*line, f"{peak_memory(size, args):.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[16, 64, 128, 256, 512], help="lines of a square array")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--segment", type=float, default=1.0, help="segment resistance [ohm]")
    parser.add_argument("--low", type=float, default=1e4, help="least cell resistance [ohm]")
    parser.add_argument("--high", type=float, default=1e5, help="largest cell resistance [ohm]")
    parser.add_argument("--vectors", type=int, default=100, help="vectors of the many-vector read")
    parser.add_argument("--peer-limit", type=int, default=512, help="largest size given to spsolve")
    parser.add_argument("--transfer-limit", type=int, default=256, help="largest size of a transfer matrix")
    args = parser.parse_args()
    head = ["size", "first ms", "again ms", "iter", "spsolve ms", "first", "again", "error"]
    head += [f"{args.vectors} vec ms", "splu"]
    head += ["T ms", "/ inversions", "error", "arrays"]
    print("  ".join(f"{title:>11}" for title in head))
    for size in args.sizes:
        print("  ".join(f"{cell:>11}" for cell in row(size, args)), flush=True)
    print(
        "first: build, factor and read; again: read; ratios are the peer over ours; error: relative, against spsolve\n"
        "and of voltage @ T against read; inversions: as many dense Cholesky inversions as lines; arrays: memory that\n"
        "a first read adds, in arrays of 8 bytes a cell (Linux)"
    )


if __name__ == "__main__":
    main()
