"""``python -m benchmarks``: run benchmarks, store the results, write the page and its picture."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.environment import cache, describe
from benchmarks.figures import Figure, Results
from benchmarks.measure import ROOT
from benchmarks.rows import ROWS

KEPT = Path(__file__).parent / "results.json"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument(
        "--rows", nargs="+", choices=list(ROWS), default=list(ROWS), help="benchmarks to run; all by default"
    )
    made.add_argument(
        "--sizes", nargs="+", type=int, default=[], help="lines of the square arrays, instead of the usual sizes"
    )
    made.add_argument(
        "--quick", action="store_true", help="small sizes, few repeats; results in the user's cache folder"
    )
    made.add_argument("--repeats", type=int, help="samples of each program (9, quick 3)")
    made.add_argument("--threads", type=int, help="threads and cores of every program; all by default")
    made.add_argument("--results", type=Path, help="JSON file of the results (benchmarks/results.json)")
    made.add_argument(
        "--render",
        action="store_true",
        help="only write the page and its picture, from the stored results",
    )
    return made


def main() -> int:
    args = parser().parse_args()
    console = Console()
    file = args.results or (cache() / "quick.json" if args.quick else KEPT)
    results = Results(file)
    if args.render:
        from benchmarks.page import write

        if not results.figures:
            console.print(f"there are no results in {file}; run python -m benchmarks first", highlight=False)
            return 1
        devices = Results(file.parent / ("devices.json" if file == KEPT else "devices-quick.json"))
        for path in write(results, devices, ROOT / "docs" if file == KEPT else file.parent / "page"):
            console.print(f"wrote {path}", highlight=False)
        return 0
    from devices.common.threads import cores

    bench = Bench(
        threads=args.threads or cores(),
        repeats=args.repeats or (3 if args.quick else 9),
        budget=3.0 if args.quick else 20.0,
        quick=args.quick,
        chosen=tuple(args.sizes),
    )
    results.machine = describe(bench.threads)
    failed = 0
    start = time.perf_counter()
    try:
        for number, row in enumerate(args.rows, 1):
            measured = set()
            with console.status(f"[{number}/{len(args.rows)}] {row} ...") as status:
                for figure in ROWS[row](bench):
                    results.add(figure)
                    measured.add(figure.key)
                    failed += bool(figure.error)
                    console.print(line(figure), highlight=False, markup=False, soft_wrap=True)
                    status.update(f"[{number}/{len(args.rows)}] {row}, {time.perf_counter() - start:.0f} s so far ...")
            if not args.sizes:
                results.keep_only(row, measured)
    except KeyboardInterrupt:
        console.print(f"interrupted; all results so far are in {file}", highlight=False)
        return 130
    console.print(f"{len(results.figures)} results in {file}; {failed} failed in this run", highlight=False)
    console.print("page and picture: python -m benchmarks --render", highlight=False)
    return 0


def line(figure: Figure) -> str:
    """Return a figure as one line."""
    from benchmarks.page import seconds, verdict

    head = f"{figure.row:11} {figure.work:32} {figure.size or '':>7} {figure.peer:28}"
    if figure.error:
        return f"{head} no result: {figure.error}"
    times = f"{seconds(figure.ours):>9} {seconds(figure.theirs):>9}"
    value = "" if figure.value is None else f"{figure.value:10.4g} {figure.unit}"
    errors = " / ".join("-" if e is None else f"{e:.0e}" for e in (figure.our_error, figure.their_error))
    marks = " (recorded)" * figure.recorded + (f" ({figure.doubt})" if figure.doubt else "")
    return f"{head} {times} {value:18} {errors:15} {verdict(figure)}{marks}"


if __name__ == "__main__":
    sys.exit(main())
