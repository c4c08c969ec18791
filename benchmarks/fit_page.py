"""``docs/fit_recovery.md`` from what `fit_recovery` kept."""

from __future__ import annotations

from typing import Any

from benchmarks.fit_cases import DRAWS, MOST, NOISE, SLOW, TOLD, WIDEST, classes

__all__ = ["GOAL", "page", "share"]

#: Share of the trials of a class that should recover the truth.
GOAL = 0.9

HEAD = """# Fits: how often they recover known parameters

`python -m benchmarks.fit_recovery` measures this page; `--render` writes it.

A trial draws true parameters, each up to a factor of {widest} from the model's default set, computes exact data, adds
normal noise of {noise:.0f} % of each record's peak, and fits with the defaults of `devices.fit`, from the set and its
usual bounds of a decade either side ({slow}, where a fit takes long, with fewer parameters, 2 starts and tolerance
1e-8). Each class has {trials} trials, with seeds drawn for this page (base seed {seed}) and used for nothing else.
Which parameters are free is decided from exact data before: in order of sensitivity, as long as the expected 95 %
intervals of all stay within a factor of {told} at the set and at {draws} draws, {most} at most. The records are the
model's usual loop where that tells something (`benchmarks/fit_cases.py`), a pulse train for the synapses, a train and
retention for pcm; models with a gate are left out, and constants of nature are not free.

- **recovered**: the fit stands by its result (converged, residuals look like noise, every parameter determined, be it
  to one side only, which the fit says), and its simultaneous 95 % intervals (Scheffe) hold every true parameter. The
  share is of all trials, in brackets the 95 % interval of that share (Clopper-Pearson): {trials} trials cannot tell
  90 % from 95 %. The goal is {goal:.0f} %.
- **missed**: it stands by its result, and an interval does not hold the truth.
- **declined**: the fit says itself that its result is not to be used.
- **joint region**: of the fits that stand by their result, those whose joint 95 % region (`Fit.contains`) holds the
  truth.
- **each parameter**: of the same, the share whose own 95 % interval holds the truth.

| class | recovered | missed | declined | joint region | each parameter, % | CPU s / fit |
|---|---|---|---|---|---|---|
"""


def share(count: int, of: int) -> str:
    """A share with its exact 95 % interval (Clopper-Pearson)."""
    from scipy.stats import binomtest

    if not of:
        return "none"
    low, high = binomtest(count, of).proportion_ci(0.95, "exact")
    return f"{100 * count / of:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def page(kept: dict[str, Any]) -> str:
    """The table as Markdown, with what the counts of all classes together say."""
    one = next(iter(kept.values()))
    text = HEAD.format(
        widest=WIDEST, noise=100 * NOISE, trials=one["trials"], seed=one["seed"], told=TOLD, draws=DRAWS, most=MOST,
        goal=100 * GOAL, slow=" and ".join(SLOW),
    )  # fmt: skip
    rows, below, stood, held = [], [], 0, 0
    for name, r in kept.items():
        stated = r["trials"] - sum(r["declined"].values())
        stood, held = stood + stated, held + r["recovered"]
        recovered = share(r["recovered"], r["trials"])
        if r["recovered"] < GOAL * r["trials"]:
            below.append(name)
            recovered = f"**{recovered}**"
        why = ", ".join(f"{count} {reason}" for reason, count in r["declined"].items()) or "0"
        each = zip(r["parameters"], r["each"], strict=True)
        shares = ", ".join(f"{n} {100 * count / max(stated, 1):.0f}" for n, count in each)
        joint = share(r["joint"], stated)
        cells = [name, recovered, str(len(r["missed"])), why, joint, shares, f"{r['seconds']:.2f}"]
        rows.append("| " + " | ".join(cells) + " |")
    ends = [
        "",
        f"{len(kept) - len(below)} of {len(kept)} classes reach {100 * GOAL:.0f} %"
        + (f"; below it, in bold: {', '.join(below)}." if below else "."),
        f"Of all {stood} results that fits stand by, {share(held, stood)} hold every true parameter.",
    ]
    missing = [name for name in classes() if name not in kept]
    if missing:
        ends.append(f"Not measured yet: {', '.join(missing)}.")
    return text + "\n".join([*rows, *ends]) + "\n"
