"""Compares the programming schemes on a 32 x 32 array of WOx cells: write-verify and half-select disturb.

    python -m benchmarks.programming                # some minutes
    python -m benchmarks.programming --size 16

Random targets between 20 and 70 % of each cell's window, 3 % tolerance, two passes; copper lines of 50 nm. The decay of
the state is switched off (tau = 1e12 s), so that pulses alone change it. The first table shows one pulse on the cell in
the middle, by the fast and the exact method; the second the programming of the whole array.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from crossbar import Crossbar, Programmer, ProgramResult, Pulse, Ramp, Wires, write_verify
from devices import Series, device

#: Cells and scheme, voltage of a single pulse, start and stop of the ramp [V].
CASES = {
    "passive, V/2": ("passive", "V/2", 2.0, (1.6, 2.6)),
    "passive, V/3": ("passive", "V/3", 2.0, (1.6, 2.6)),
    "passive, floating": ("passive", "floating", 2.0, (1.6, 2.6)),
    "1S1R, V/2": ("1S1R", "V/2", 3.4, (3.0, 4.2)),
    "1T1R": ("1T1R", "1T1R", 2.0, (1.6, 2.6)),
}
_WIDTH = 1e-4
_READ = {"passive": 0.3, "1S1R": 1.6, "1T1R": 0.3}


def array(kind: str, size: int) -> Crossbar:
    cells = device("wox_scaled_decay", w=np.full((size, size), 0.3), tau=1e12)
    wires = Wires.from_geometry(100e-9, 50e-9, 50e-9, "Cu", driver=50.0, sense=50.0)
    if kind == "1S1R":
        return Crossbar(Series(device("exponential_selector"), cells), wires)
    if kind == "1T1R":
        return Crossbar(Series(cells, device("ekv_transistor")), wires, gates="columns")
    return Crossbar(cells, wires)


def one_pulse(name: str, size: int) -> None:
    kind, scheme, volts, _ = CASES[name]
    middle = size // 2
    effects = {}
    for method in ("fast", "exact"):
        programmer = Programmer(array(kind, size), scheme=scheme, method=method, gate_on=2.5, gate_off=-0.5)
        start = time.perf_counter()
        effects[method] = programmer.pulse(middle, middle, Pulse(volts, _WIDTH))
        effects[method, "time"] = time.perf_counter() - start
    fast, exact = effects["fast"], effects["exact"]
    moved = fast.moved[middle, middle].max()
    worst = fast.disturb(middle, middle)
    apart = np.abs(fast.moved - exact.moved).max() / abs(moved)
    print(
        f"{name:18} {fast.cell_voltage[middle, middle]:7.3f} V {moved:10.3e} {worst:10.3e} {worst / moved:10.2e} "
        f"{apart:10.1e} {1e3 * effects['fast', 'time']:8.1f} {1e3 * effects['exact', 'time']:8.1f}",
        flush=True,
    )


def whole_array(name: str, size: int, seed: int) -> ProgramResult:
    kind, scheme, _, (first, last) = CASES[name]
    programmer = Programmer(array(kind, size), scheme=scheme, gate_on=2.5, gate_off=-0.5)
    low, high = (np.median(side) for side in programmer.window(_READ[kind]))
    target = np.random.default_rng(seed).uniform(low + 0.2 * (high - low), low + 0.7 * (high - low), (size, size))
    for number_of in (1, 2):
        start = time.perf_counter()
        result = write_verify(
            programmer,
            target,
            set_ramp=Ramp(first, last, 0.05, _WIDTH),
            reset_ramp=Ramp(-first, -last, 0.05, _WIDTH),
            read_voltage=_READ[kind],
            tolerance=0.03,
            max_pulses=100,
        )
        s = result.summary()
        print(
            f"{name:18} {number_of:4d} {s['converged']:5d}/{s['cells']} {s['pulses per cell']:8.1f} "
            f"{s['most pulses']:5d} "
            f"{s['rms error when verified']:10.2%} {s['rms disturb']:10.2%} {s['rms final error']:10.2%} "
            f"{s['worst final error']:10.1%} {s['largest move by one pulse']:10.1e} {time.perf_counter() - start:7.1f}",
            flush=True,
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"One pulse of {_WIDTH:g} s on the middle cell of {args.size} x {args.size}; moves in spans of the state")
    heads = ("cell", "moved", "worst other", "ratio", "fast-exact", "fast ms", "exact ms")
    print(" ".join([f"{'scheme':18}", *(f"{h:>{w}}" for h, w in zip(heads, (9, 10, 11, 9, 10, 8, 8), strict=True))]))
    for name in CASES:
        one_pulse(name, args.size)
    print("\nWrite-verify of all cells, 3 % tolerance, at most 100 pulses a pass")
    heads = ("pass", "verified", "pulses", "most", "verified", "disturb", "final rms", "worst", "by 1 pulse", "s")
    widths = (4, 9, 8, 5, 10, 10, 10, 10, 10, 7)
    print(" ".join([f"{'scheme':18}", *(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))]))
    for name in CASES:
        whole_array(name, args.size, args.seed)


if __name__ == "__main__":
    main()
