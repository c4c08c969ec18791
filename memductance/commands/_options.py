"""Options that several commands share, and their conversion."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from devices.common.errors import InputError

__all__ = ["Amplitude", "Cycles", "End", "Frequency", "Param", "Segment", "Set", "assignments", "loop", "pairs"]

Segment = Annotated[float, typer.Option(help="Wire resistance of one segment [ohm].", min=0.0)]
End = Annotated[float, typer.Option(help="Resistance at the end of each line [ohm].", min=0.0)]
Set = Annotated[str | None, typer.Option("--set", help="Parameter set; the model's default where not given.")]
Param = Annotated[list[str] | None, typer.Option("--param", "-p", help="NAME=VALUE in SI units; may be repeated.")]
Amplitude = Annotated[float, typer.Option(help="Peak of the sine [V].")]
Frequency = Annotated[float, typer.Option(help="Frequency [Hz]; 0 chooses one at which the loop opens.", min=0.0)]
Cycles = Annotated[float, typer.Option(help="Number of periods.")]


def pairs(option: str, given: list[str] | None, form: str = "NAME=TEXT") -> dict[str, str]:
    """Return the NAME=TEXT pairs of a repeated option."""
    found = {}
    for text in given or []:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not (name and separator and value):
            raise InputError(option, repr(text), form, f"{option} name=value")
        found[name] = value
    return found


def assignments(option: str, given: list[str] | None) -> dict[str, float]:
    """Return the NAME=NUMBER pairs of a repeated option."""
    numbers = {}
    for name, text in pairs(option, given, "NAME=NUMBER, in SI units").items():
        try:
            numbers[name] = float(text)
        except ValueError:
            raise InputError(
                option, repr(f"{name}={text}"), "NAME=NUMBER, in SI units", f"{option} r_off=16e3"
            ) from None
    return numbers


def loop(
    model: str, set_: str | None, parameters: dict[str, Any], amplitude: float, frequency: float, cycles: float
) -> tuple[Any, Any]:
    """Return the device and the sine of the options; frequency 0 stands for half the device's pace."""
    from devices import Sine, device

    cell = device(model, set_, **parameters)
    if frequency == 0.0:
        pace = cell.pace(amplitude)
        if pace == 0.0:
            raise InputError("--amplitude", f"{amplitude:g} V", "a voltage that moves the state", "a larger amplitude")
        frequency = pace / 2
    return cell, Sine(amplitude=amplitude, frequency=frequency, cycles=cycles)
