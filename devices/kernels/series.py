"""The kernel of two devices in series, which solves for the voltage between them at each evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from devices.kernels.text import IMPORTS, kernel_head, model_text

if TYPE_CHECKING:
    from devices.model import DeviceModel

__all__ = ["series_source"]


def series_source(top: DeviceModel, bottom: DeviceModel) -> str:
    """Return the Python text of the kernel of two devices in series, the node between them eliminated.

    The voltage ``w`` across the bottom device solves ``i_bottom(w) = i_top(v - w)``. Both currents rise with their
    voltages, so the root lies between 0 and ``v``. It is found by Newton's method on the logarithms of the currents,
    exact in one step for exponential laws, inside a shrinking bracket. Derivatives follow from the implicit function
    theorem.

    Parameters
    ----------
    top, bottom : DeviceModel
        The declarations; only the bottom one may have controls.

    Returns
    -------
    str
        A module with ``evaluate(v, x, p, out)``; `x` has the top's states, then states and controls of the bottom.
    """
    n, m, c = len(top.states), len(bottom.states), len(bottom.controls)
    sizes = f"n, m, c, k = {n}, {m}, {c}, {len(top.parameters) + model_text(top).hoisted}"
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
    a = np.empty((1 + n) * (2 + n))
    b = np.empty((1 + m) * (2 + m + c))
    xa, xb, pa, pb = _x[:n], _x[n:], _p[:k], _p[k:]
    low, high = min(v, 0.0), max(v, 0.0)
    w = 0.5 * v
    for _ in range(200):
        top(v - w, xa, pa, a)
        bottom(w, xb, pb, b)
        excess = b[0] - a[0]
        if excess == 0.0:
            break
        if excess > 0.0:
            high = w
        else:
            low = w
        step = -excess / (a[1] + b[1]) if a[1] + b[1] > 0.0 else math.inf
        if a[0] * b[0] > 0.0:
            slope = b[1] / b[0] + a[1] / a[0]
            if slope != 0.0:
                step = -math.log(b[0] / a[0]) / slope
        candidate = w + step
        if not (low < candidate < high):
            candidate = 0.5 * (low + high)
        if abs(candidate - w) <= 4e-16 * abs(v) or candidate == low or candidate == high:
            break
        w = candidate
    if _out.size == n + m:
        for r in range(n):
            _out[r] = a[(1 + r) * (2 + n)]
        for r in range(m):
            _out[n + r] = b[(1 + r) * (2 + m + c)]
        return
    total = a[1] + b[1]
    by_v = a[1] / total if total > 0.0 else 0.0
    width, wa, wb = 2 + n + m + c, 2 + n, 2 + m + c
    _out[0] = b[0] if abs(b[1]) < abs(a[1]) else a[0]
    _out[1] = b[1] * by_v
    for j in range(n):
        _out[2 + j] = b[1] * a[2 + j] / total if total > 0.0 else 0.0
    for j in range(m + c):
        _out[2 + n + j] = by_v * b[2 + j]
    for r in range(n):
        _out[(1 + r) * width] = a[(1 + r) * wa]
        slope = a[(1 + r) * wa + 1]
        _out[(1 + r) * width + 1] = slope * (1.0 - by_v)
        for j in range(n):
            moved = a[2 + j] / total if total > 0.0 else 0.0
            _out[(1 + r) * width + 2 + j] = a[(1 + r) * wa + 2 + j] - slope * moved
        for j in range(m + c):
            moved = -b[2 + j] / total if total > 0.0 else 0.0
            _out[(1 + r) * width + 2 + n + j] = -slope * moved
    for r in range(m):
        row = (1 + n + r) * width
        _out[row] = b[(1 + r) * wb]
        slope = b[(1 + r) * wb + 1]
        _out[row + 1] = slope * by_v
        for j in range(n):
            moved = a[2 + j] / total if total > 0.0 else 0.0
            _out[row + 2 + j] = slope * moved
        for j in range(m + c):
            moved = -b[2 + j] / total if total > 0.0 else 0.0
            _out[row + 2 + n + j] = b[(1 + r) * wb + 2 + j] + slope * moved
"""
