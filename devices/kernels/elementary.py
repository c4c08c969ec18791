"""Powers and hyperbolic functions for kernels: accurate to a few units in the last place, and faster than libm."""

from __future__ import annotations

import math

from devices.common.jit import jit

__all__ = ["cosh", "power", "sinh"]

#: Coefficients of the Taylor series of sinh(x) / x in powers of x^2, from x^2 on.
_SERIES = tuple(1.0 / math.factorial(2 * k + 1) for k in range(1, 9))
#: Argument from which exp(x) overflows before sinh(x) does.
_OVERFLOW = 700.0


@jit(inline=True)
def power(base, exponent):
    """Return ``base**exponent``, with fast paths for a base of 0 and for whole exponents of 1 to 16."""
    if base == 0.0 and exponent > 0.0:
        return 0.0
    if not (1.0 <= exponent <= 16.0 and exponent == math.floor(exponent)):
        return base**exponent
    remaining, square, result = int(exponent), base, 1.0
    while remaining:
        if remaining & 1:
            result *= square
        square *= square
        remaining >>= 1
    return result


@jit(inline=True)
def sinh(x):
    """Return the hyperbolic sine: from its Taylor series for abs(x) < 1, else from one exponential."""
    if abs(x) < 1.0:
        s = x * x
        q = s * s
        low_terms = _SERIES[0] + _SERIES[1] * s + q * (_SERIES[2] + _SERIES[3] * s)
        high_terms = _SERIES[4] + _SERIES[5] * s + q * (_SERIES[6] + _SERIES[7] * s)
        return x + x * s * (low_terms + q * q * high_terms)
    if abs(x) < _OVERFLOW:
        e = math.exp(x)
        return 0.5 * (e - 1.0 / e)
    return math.sinh(x)


@jit(inline=True)
def cosh(x):
    """Return the hyperbolic cosine."""
    if abs(x) < _OVERFLOW:
        e = math.exp(x)
        return 0.5 * (e + 1.0 / e)
    return math.cosh(x)
