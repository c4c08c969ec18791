"""Checks at the public boundary: each returns the clean value or raises one `InputError`."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.common.errors import InputError

__all__ = ["choice", "finite_array", "integer", "number", "read_voltage", "readable_file"]


def _bounds_text(minimum: float | None, maximum: float | None, unit: str, open_minimum: bool) -> str:
    parts = ["finite"]
    if minimum is not None:
        parts.append(f"{'>' if open_minimum else '>='} {minimum:g}")
    if maximum is not None:
        parts.append(f"<= {maximum:g}")
    return ", ".join(parts) + (f" [{unit}]" if unit else "")


def number(
    name: str,
    value: object,
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    open_minimum: bool = False,
    fix: str = "",
) -> float:
    """Return `value` as a finite float inside its bounds.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : object
        Anything; only real numbers pass.
    unit : str, optional
        Unit for the message.
    minimum, maximum : float, optional
        Bounds, included unless `open_minimum`.
    open_minimum : bool, optional
        Exclude the minimum itself.
    fix : str, optional
        A value or a call to try instead.

    Returns
    -------
    float
        The value.

    Raises
    ------
    InputError
        If the value is not a finite real number inside the bounds.
    """
    if not isinstance(value, float):
        is_real = isinstance(value, Real | np.number) and not isinstance(value, bool | np.complexfloating)
        if not is_real and not (isinstance(value, np.ndarray) and value.ndim == 0):
            allowed = _bounds_text(minimum, maximum, unit, open_minimum)
            raise InputError(name, repr(value), f"one number, {allowed}", fix)
    try:
        result = float(value)  # type: ignore[arg-type]
    except (OverflowError, TypeError, ValueError):
        allowed = _bounds_text(minimum, maximum, unit, open_minimum)
        raise InputError(name, f"{type(value).__name__} that is no float", f"one number, {allowed}", fix) from None
    too_low = minimum is not None and (result <= minimum if open_minimum else result < minimum)
    if not math.isfinite(result) or too_low or (maximum is not None and result > maximum):
        raise InputError(name, f"{result:g}", _bounds_text(minimum, maximum, unit, open_minimum), fix)
    return result


def read_voltage(value: object) -> float:
    """Return a read voltage [V] as a finite float other than 0, or raise `InputError`."""
    volts = number("voltage", value, unit="V")
    if volts == 0.0:
        raise InputError("voltage", "0 V", "a read voltage other than 0 [V]", "voltage=0.1")
    return volts


def integer(name: str, value: object, *, minimum: int | None = None, maximum: int | None = None, fix: str = "") -> int:
    """Return `value` as an int inside its bounds, or raise `InputError`; floats are not accepted, even whole ones."""
    bounds = [f">= {minimum}"] * (minimum is not None) + [f"<= {maximum}"] * (maximum is not None)
    allowed = ", ".join(["a whole number", *bounds])
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(name, repr(value), allowed, fix)
    result = int(value)
    if (minimum is not None and result < minimum) or (maximum is not None and result > maximum):
        raise InputError(name, result, allowed, fix)
    return result


def finite_array(
    name: str,
    value: ArrayLike,
    *,
    unit: str = "",
    shape: Sequence[int | str | None] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    fix: str = "",
) -> NDArray[np.float64]:
    """Return `value` as a C-contiguous float64 array of finite numbers inside bounds.

    Parameters
    ----------
    name : str
        Argument name for the message.
    value : array_like
        Numbers.
    unit : str, optional
        Unit for the message.
    shape : sequence, optional
        Expected shape. An int must match, a str names an axis of any length >= 1, a leading ``...``
        (the string ``"..."``) stands for any further axes.
    minimum, maximum : float, optional
        Bounds, included.
    fix : str, optional
        A value or a call to try instead.

    Returns
    -------
    numpy.ndarray
        The array; the same object where nothing had to change.

    Raises
    ------
    InputError
        If the value is not numeric, has a wrong shape, or holds a number that is not finite or out of
        bounds; the message names the first such entry.
    """
    try:
        given = np.asarray(value)
        if given.dtype == object or np.iscomplexobj(given) or given.dtype.kind in "SUMm":
            raise TypeError
        array = np.ascontiguousarray(given, dtype=np.float64).reshape(given.shape)
    except (TypeError, ValueError):
        allowed = "an array of real numbers" + (f" [{unit}]" if unit else "")
        raise InputError(name, f"{type(value).__name__} that is not numeric", allowed, fix) from None
    if shape is not None and not _shape_fits(array.shape, shape):
        wanted = "(" + ", ".join(str(s) for s in shape) + ("," if len(shape) == 1 else "") + ")"
        raise InputError(name, f"shape {array.shape}", f"shape {wanted}", fix)
    bad = ~np.isfinite(array)
    if minimum is not None:
        bad |= array < minimum
    if maximum is not None:
        bad |= array > maximum
    if bad.any():
        where = tuple(int(k) for k in np.argwhere(bad)[0])
        place = f" at index {where}" if array.ndim else ""
        raise InputError(name, f"{array[where]:g}{place}", _bounds_text(minimum, maximum, unit, False), fix)
    return array


def _shape_fits(shape: tuple[int, ...], wanted: Sequence[int | str | None]) -> bool:
    if wanted and wanted[0] == "...":
        wanted = wanted[1:]
        if len(shape) < len(wanted):
            return False
        shape = shape[len(shape) - len(wanted) :]
    return len(shape) == len(wanted) and all(
        n == w if isinstance(w, int) else n >= 1 for n, w in zip(shape, wanted, strict=True)
    )


def choice(name: str, value: object, options: Iterable[str]) -> str:
    """Return `value` if it is one of `options`, or raise `InputError`, which suggests the closest one."""
    known = sorted(options)
    if isinstance(value, str) and value in known:
        return value
    close = difflib.get_close_matches(str(value), known, n=1)
    raise InputError(name, repr(value), "one of " + ", ".join(known), close[0] if close else "")


def readable_file(name: str, path: str | Path) -> Path:
    """Return `path` as a `Path` to a file that can be opened, or raise `InputError`."""
    file = Path(path)
    try:
        with file.open("rb"):
            return file
    except OSError as error:
        raise InputError(name, f"{str(file)!r} ({error.strerror})", "a readable file") from None
