"""Elementary functions of the kernels, in compiled code: to a few units of the last digit, and faster than libm."""

from __future__ import annotations

import math

from devices.common.jit import jit

__all__ = ["cosh", "power", "sinh"]

#: Of the series of sinh(x) / x in x^2, from x^2 on.
_SERIES = tuple(1.0 / math.factorial(2 * k + 1) for k in range(1, 9))
_FAR = 700.0  # from here on exp(x) overflows before sinh(x) does


@jit(inline=True)
def power(base, exponent):
    """Return ``base**exponent``, faster for what laws with thresholds have: a base of 0, and exponents of 1 to 16."""
    if base == 0.0 and exponent > 0.0:
        return 0.0
    if not (1.0 <= exponent <= 16.0 and exponent == math.floor(exponent)):
        return base**exponent
    left, square, found = int(exponent), base, 1.0
    while left:
        if left & 1:
            found *= square
        square *= square
        left >>= 1
    return found


@jit(inline=True)
def sinh(x):
    """Return the hyperbolic sine: below 1 from its series, to the last digit; above from one exponential."""
    if abs(x) < 1.0:
        s = x * x
        q = s * s
        low = _SERIES[0] + _SERIES[1] * s + q * (_SERIES[2] + _SERIES[3] * s)
        high = _SERIES[4] + _SERIES[5] * s + q * (_SERIES[6] + _SERIES[7] * s)
        return x + x * s * (low + q * q * high)
    if abs(x) < _FAR:
        e = math.exp(x)
        return 0.5 * (e - 1.0 / e)
    return math.sinh(x)


@jit(inline=True)
def cosh(x):
    """Return the hyperbolic cosine."""
    if abs(x) < _FAR:
        e = math.exp(x)
        return 0.5 * (e + 1.0 / e)
    return math.cosh(x)
