"""Make iv_sweep_synthetic.csv, a synthetic current-voltage sweep: ``python make_iv_sweep.py``.

The cell is a Yakopcic model with parameters of ours (`TRUTH`). Its current has the noise of an instrument, 1 % of the
reading and a floor of 2 uA, and a resolution of 0.5 uA.
"""

from pathlib import Path

import numpy as np

from devices import Triangle, device, simulate

FILE = Path(__file__).parent / "iv_sweep_synthetic.csv"
TRUTH = {"a1": 0.13, "a2": 0.19, "v_p": 0.19, "v_n": 0.17, "rate_p": 25.0, "rate_n": 50.0}


def sweep() -> str:
    """Return two triangular sweeps at 0.9 V/s as text, with the columns of a source-measure unit."""
    stimulus = Triangle(amplitude=0.45, frequency=0.5, cycles=2)
    trace = simulate(device("yakopcic", "knowm_a", **TRUTH), stimulus, samples=np.linspace(0, 4, 361))
    rng = np.random.default_rng(17)
    noise = rng.standard_normal((2, trace.time.size))
    current = trace.current * (1 + 0.01 * noise[0]) + 2e-6 * noise[1]
    lines = [
        "# SYNTHETIC data, not a measurement: written by make_iv_sweep.py",
        "# Two sweeps 0 > +0.45 > -0.45 > 0 V, top electrode driven, Time in ms, AnodeI in uA",
        "Time,AnodeV,AnodeI",
    ]
    rows = zip(1e3 * trace.time, trace.voltage, 0.5 * np.round(2e6 * current), strict=True)
    lines += [f"{t:.4f},{v:.4f},{i:.1f}" for t, v, i in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(sweep(), encoding="utf-8")
