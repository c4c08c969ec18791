"""The kernel of two devices in series, which solves for the voltage between them at each evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.kernels.text import IMPORTS, kernel_head, model_text

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["series_source"]


def series_source(top: DeviceModel, bottom: DeviceModel) -> str:
    """Return the Python text of the kernel of two devices in series, the node between them eliminated.

    The voltage ``w`` across the bottom device solves ``i_bottom(w) = i_top(v - w)``, or ``i_top(v - w, c - w)`` where
    the top device has controls c, which it measures from the node between them. Both currents rise with their voltages,
    so the root lies between 0 and ``v``. It is found by Newton's method on the logarithms of the currents, exact in one
    step for exponential laws, inside a shrinking bracket. Derivatives follow from the implicit function theorem.

    Parameters
    ----------
    top, bottom : DeviceModel
        The declarations; only one of them may have controls.

    Returns
    -------
    str
        A module with ``evaluate(v, x, p, out)``; `x` has the states of the top, those of the bottom, and the controls.
    """
    n, m = len(top.states), len(bottom.states)
    c, d = len(bottom.controls), len(top.controls)
    sizes = f"n, m, c, d, k = {n}, {m}, {c}, {d}, {len(top.parameters) + model_text(top).hoisted}"
    parts = []
    for name, model in (("top", top), ("bottom", bottom)):
        parts += ["@jit", f"def {name}(v, _x, _p, _out):", *model_text(model).law, "", ""]
    return "\n".join(
        [
            f'"""Kernel of {top.name} and {bottom.name} in series, derived from their declarations."""',
            *IMPORTS,
            *parts,
            *kernel_head("evaluate"),
            f"    {sizes}",
            *_SERIES.splitlines(),
            "",
        ]
    )


_SERIES = """\
    a = np.empty((1 + n) * (2 + n + d))
    b = np.empty((1 + m) * (2 + m + c))
    xa, xb, pa, pb = np.empty(n + d), _x[n:n + m + c], _p[:k], _p[k:]
    xa[:n] = _x[:n]
    low, high = min(v, 0.0), max(v, 0.0)
    w = 0.5 * v
    rise = 0.0
    for _ in range(200):
        for j in range(d):
            xa[n + j] = _x[n + m + j] - w
        top(v - w, xa, pa, a)
        bottom(w, xb, pb, b)
        rise = a[1]
        for j in range(d):
            rise += a[2 + n + j]
        excess = b[0] - a[0]
        if excess == 0.0:
            break
        if excess > 0.0:
            high = w
        else:
            low = w
        step = -excess / (rise + b[1]) if rise + b[1] > 0.0 else math.inf
        if a[0] * b[0] > 0.0:
            slope = b[1] / b[0] + rise / a[0]
            if slope != 0.0:
                step = -math.log(b[0] / a[0]) / slope
        candidate = w + step
        if not (low < candidate < high):
            candidate = 0.5 * (low + high)
        if abs(candidate - w) <= 4e-16 * abs(v) or candidate == low or candidate == high:
            break
        w = candidate
    wa, wb = 2 + n + d, 2 + m + c
    if _out.size == n + m:
        for r in range(n):
            _out[r] = a[(1 + r) * wa]
        for r in range(m):
            _out[n + r] = b[(1 + r) * wb]
        return
    total = rise + b[1]
    width = 2 + n + m + c + d
    moved = np.zeros(width)  # dw over each of v, the states of the top, those of the bottom, the controls
    if total > 0.0:
        moved[1] = a[1] / total
        for j in range(n):
            moved[2 + j] = a[2 + j] / total
        for j in range(m + c):
            moved[2 + n + j] = -b[2 + j] / total
        for j in range(d):
            moved[2 + n + m + j] = a[2 + n + j] / total
    _out[0] = b[0] if abs(b[1]) < abs(rise) else a[0]
    for j in range(1, width):
        _out[j] = b[1] * moved[j]
    share = rise / total if total > 0.0 else 0.0
    for j in range(m + c):
        _out[2 + n + j] = share * b[2 + j]
    for r in range(n):
        row, at = (1 + r) * width, (1 + r) * wa
        slope = a[at + 1]
        for j in range(d):
            slope += a[at + 2 + n + j]
        _out[row] = a[at]
        for j in range(1, width):
            _out[row + j] = -slope * moved[j]
        _out[row + 1] = a[at + 1] * (1.0 - moved[1]) if d == 0 else a[at + 1] - slope * moved[1]
        for j in range(n):
            _out[row + 2 + j] += a[at + 2 + j]
        for j in range(d):
            _out[row + 2 + n + m + j] += a[at + 2 + n + j]
    for r in range(m):
        row, at = (1 + n + r) * width, (1 + r) * wb
        _out[row] = b[at]
        for j in range(1, width):
            _out[row + j] = b[at + 1] * moved[j]
        for j in range(m + c):
            _out[row + 2 + n + j] += b[at + 2 + j]
"""
