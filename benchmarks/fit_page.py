"""Writes docs/fit_recovery.md from the stored results of `fit_recovery`."""

from __future__ import annotations

from typing import Any

from benchmarks.fit_cases import DRAWS, LARGEST_FACTOR, MOST, NOISE, SLOW, WIDEST, classes

__all__ = ["GOAL", "page", "share"]

#: Share of the trials of a class that should recover the truth.
GOAL = 0.9

HEAD = """# Fits: how often they recover known parameters

`python -m benchmarks.fit_recovery` runs the fits of this page; `--render` writes it.

A trial draws true parameters at random, each up to a factor of {widest} from the default set of a model, computes exact
data, adds normal noise of {noise:.0f} % of the peak of each record, and fits with the defaults of `devices.fit`,
starting from the set and with its usual bounds of a decade to either side. ({slow}, whose fits take long, have fewer
parameters, 2 starts and a tolerance of 1e-8.) Each class has {trials} trials, with seeds that are used for this page
alone (base seed {seed}). Which parameters are free is decided beforehand from exact data: they are added in order of
sensitivity, {most} at most, as long as the expected 95 % intervals of all stay within a factor of {largest} at the set
and at {draws} random draws. The data are the usual loop of the model where it determines parameters
(`benchmarks/fit_cases.py`), a pulse train for the synapses, a pulse train and retention for pcm. Models with a gate are
left out; constants of nature are not free.

A fit is *valid* if it converged, its residuals look like noise and every parameter is determined (an interval that is
bounded on one side only counts, and is reported).

- **recovered**: the fit is valid, and its simultaneous 95 % intervals (Scheffe) contain every true parameter. The share
  is of all trials; in brackets its 95 % interval (Clopper-Pearson): {trials} trials cannot distinguish 90 % from 95 %.
  The goal is {goal:.0f} %.
- **missed**: the fit is valid, but an interval does not contain the true parameter.
- **declined**: the fit is not valid.
- **joint region**: the share of valid fits whose joint 95 % region (`Fit.contains`) contains the true parameters.
- **each parameter**: the share of valid fits whose own 95 % interval contains the true parameter.

| class | recovered | missed | declined | joint region | each parameter, % | CPU s / fit |
|---|---|---|---|---|---|---|
"""


def share(count: int, of: int) -> str:
    """Return a share as text, with its exact 95 % interval (Clopper-Pearson)."""
    from scipy.stats import binomtest

    if not of:
        return "none"
    low, high = binomtest(count, of).proportion_ci(0.95, "exact")
    return f"{100 * count / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def page(kept: dict[str, Any]) -> str:
    """Return the page in Markdown."""
    one = next(iter(kept.values()))
    text = HEAD.format(
        widest=WIDEST, noise=100 * NOISE, trials=one["trials"], seed=one["seed"], largest=LARGEST_FACTOR, draws=DRAWS,
        most=MOST, goal=100 * GOAL, slow=" and ".join(SLOW),
    )  # fmt: skip
    rows, below, all_valid, all_recovered = [], [], 0, 0
    for name, r in kept.items():
        valid = r["trials"] - sum(r["declined"].values())
        all_valid, all_recovered = all_valid + valid, all_recovered + r["recovered"]
        recovered = share(r["recovered"], r["trials"])
        if r["recovered"] < GOAL * r["trials"]:
            below.append(name)
            recovered = f"**{recovered}**"
        why = ", ".join(f"{count} {reason}" for reason, count in r["declined"].items()) or "0"
        each = zip(r["parameters"], r["each"], strict=True)
        shares = ", ".join(f"{n} {100 * count / max(valid, 1):.0f}" for n, count in each)
        joint = share(r["joint"], valid)
        cells = [name, recovered, str(len(r["missed"])), why, joint, shares, f"{r['seconds']:.2f}"]
        rows.append("| " + " | ".join(cells) + " |")
    ends = [
        "",
        f"{len(kept) - len(below)} of {len(kept)} classes reach {100 * GOAL:.0f} %"
        + (f"; below it, in bold: {', '.join(below)}." if below else "."),
        f"Of all {all_valid} valid fits, {share(all_recovered, all_valid)} contain every true parameter.",
    ]
    missing = [name for name in classes() if name not in kept]
    if missing:
        ends.append(f"Not measured yet: {', '.join(missing)}.")
    return text + "\n".join([*rows, *ends]) + "\n"
