"""`crosscheck`: the same circuit here and in a simulator."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
from numpy.typing import ArrayLike

from crossbar import Bias, Crossbar
from devices import Device, InputError, Series, Waveform
from devices.common.validation import choice, number
from netlists.comparison.agreement import Agreement
from netlists.comparison.comparison import Comparison
from netlists.comparison.counterpart import Counterpart
from netlists.comparison.prepare import prepare_comparison
from netlists.dialects.text import package_version
from netlists.engines.catalogue import ENGINES
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.comparison.agreements import Agreements
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["crosscheck"]


@overload
def crosscheck(  # type: ignore[overload-overlap]
    subject: Device | Series | Crossbar,
    stimulus: Waveform | Bias | ArrayLike,
    *,
    gate: ArrayLike | None = None,
    bulk: float = 0.0,
    duration: float | None = None,
    engine: Literal["all"] | tuple[str, ...] | list[str],
    against: Counterpart | Mapping[str, Counterpart] | None = None,
    options: NgspiceOptions | VacaskOptions | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    timeout: float = 120.0,
    limits: bool = False,
    seed: int | None = None,
) -> Agreements: ...
@overload
def crosscheck(
    subject: Device | Series | Crossbar,
    stimulus: Waveform | Bias | ArrayLike,
    *,
    gate: ArrayLike | None = None,
    bulk: float = 0.0,
    duration: float | None = None,
    engine: str | None = None,
    against: Counterpart | Mapping[str, Counterpart] | None = None,
    options: NgspiceOptions | VacaskOptions | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    timeout: float = 120.0,
    limits: bool = False,
    seed: int | None = None,
) -> Agreement: ...
def crosscheck(
    subject: Device | Series | Crossbar,
    stimulus: Waveform | Bias | ArrayLike,
    *,
    gate: ArrayLike | None = None,
    bulk: float = 0.0,
    duration: float | None = None,
    engine: str | Sequence[str] | None = None,
    against: Counterpart | Mapping[str, Counterpart] | None = None,
    options: NgspiceOptions | VacaskOptions | None = None,
    tolerance: float | None = None,
    step: float | None = None,
    timeout: float = 120.0,
    limits: bool = False,
    seed: int | None = None,
) -> Agreement | Agreements:
    """Solve the same circuit here and in a simulator, and compare the solutions.

    A device: a transient under a waveform, compared at each of the simulator's time points; terminal voltage and
    current relative to their peaks, states relative to their span. An array: a read or another operating point;
    currents relative to the largest one of their kind, node voltages relative to the largest potential of a terminal.
    With a waveform in its bias, or a duration, a transient: the same and the states at 200 of the simulator's time
    points, half of them evenly by number, half by time. Our solution is evaluated at those times, so that nothing is
    interpolated.

    Parameters
    ----------
    subject : Device, Series or Crossbar
        One device, two in series, such as one behind a series resistance, or an array.
    stimulus : Waveform, Bias or array_like
        A waveform for a device; for an array a bias, or source voltages of a read [V], shape ``(rows,)``. Many vectors,
        shape ``(vectors, rows)``, are one run of ngspice or PySpice, see `run_sweep`.
    gate, bulk : optional
        Potentials of gate lines and bulk of an array [V], see `Crossbar.solve`.
    duration : float, optional
        Length of an array's transient [s]; that of the longest waveform where not given.
    engine : {"ngspice", "pyspice", "vacask", "all"} or sequence of str, optional
        ngspice in a process of its own, PySpice's shared library, or VACASK with the devices' Verilog-A modules; where
        not given ngspice, or the simulator of `against`. All of them, or several by name, give `Agreements`; an engine
        that is not installed is an error.
    against : External, ExternalModule or mapping of str to External, optional
        A model that somebody else wrote, to be run in place of the device: see `external`. It also stands for every
        cell of an array, several by the name of the model that each stands for; transients only.
    options : NgspiceOptions or VacaskOptions, optional
        Tolerances of the simulator; those suited to the circuit where not given. An operating point of cells with a
        law that does not converge is then tried with tolerances up to 1e6 times as large, a transient 1e4 times.
    tolerance : float, optional
        Our tolerance: of a device's step (`devices.simulate`, 1e-11), of a residual (`Crossbar.read`, 1e-13, and
        `Crossbar.solve`, 1e-12), or of an array's step (`Crossbar.simulate`, 1e-9).
    step : float, optional
        Longest step of the simulator [s].
    timeout : float, optional
        Longest run of the simulator's process [s].
    limits : bool, optional
        Solve again with a tighter tolerance of ours, and with tighter and looser ones of the simulator, to find the
        side that limits each quantity. That takes some five times as long.
    seed : int, optional
        The seed that the subject was drawn with, if any; it is kept with the agreement.

    Returns
    -------
    Agreement or Agreements
        The comparison; several engines give one for each, and the differences between them.

    Raises
    ------
    InputError
        If subject and stimulus do not fit.
    ConvergenceError
        If our solution does not reach its tolerance.
    SimulatorNotFoundError
        If a simulator is not installed.
    SimulatorError
        If a simulator fails; with the path of its netlist.
    """
    names: tuple[str, ...]
    if engine is None:
        engine = "ngspice" if against is None else _engine_of(against)
    if isinstance(engine, str):
        names = ENGINES if engine == "all" else (choice("engine", engine, (*ENGINES, "all")),)
    elif isinstance(engine, Sequence) and engine:
        names = tuple(choice("engine", name, ENGINES) for name in engine)
    else:
        given = "none" if isinstance(engine, Sequence) else repr(engine)
        raise InputError("engine", given, f"one of {', '.join(ENGINES)}, all, or several of them", "engine='ngspice'")
    comparison = prepare_comparison(
        subject, stimulus, gate=gate, bulk=bulk, duration=duration, step=step, against=against
    )
    ours = comparison.tolerance if tolerance is None else number("tolerance", tolerance, minimum=0.0, open_minimum=True)

    def one(name: str) -> tuple[Agreement, Waves]:
        return _agreement(comparison, name, options, ours, timeout, limits=limits, seed=seed)

    if isinstance(engine, str) and engine != "all":
        return one(engine)[0]
    if options is not None:
        raise InputError("options", type(options).__name__, "None for several engines", "one engine at a time")
    from netlists.comparison.agreements import Agreements, compare_engines

    found = {name: one(name) for name in dict.fromkeys(names)}
    pairs = compare_engines({name: waves for name, (_, waves) in found.items()}, comparison.corners)
    return Agreements(agreements={name: agreement for name, (agreement, _) in found.items()}, pairs=pairs)


def _engine_of(against: Counterpart | Mapping[str, Counterpart]) -> str:
    """Return the simulator that runs published models."""
    for one in against.values() if isinstance(against, Mapping) else [against]:
        if not isinstance(one, Counterpart):
            raise InputError("against", type(one).__name__, "a published model", "external(...)")
        return one.engine
    raise InputError("against", "an empty mapping", "a published model by the name of ours", "external(...)")


def _agreement(
    comparison: Comparison,
    engine: str,
    options: NgspiceOptions | VacaskOptions | None,
    tolerance: float,
    timeout: float,
    *,
    limits: bool,
    seed: int | None,
) -> tuple[Agreement, Waves]:
    waves, chosen = comparison.run(comparison.circuit, engine, options, timeout)
    agreement = Agreement(
        title=comparison.title,
        engine=waves.engine,
        engine_tolerance=", ".join(f"{name} {value}" for name, value in chosen.items()),
        engine_seconds=waves.seconds,
        versions=_versions(waves.engine),
        seed=seed,
        **comparison.compare(comparison.circuit, waves, tolerance),
    )
    if limits:
        from netlists.comparison.limits import find_limits

        limits_of = find_limits(comparison, agreement, engine, waves, chosen, tolerance, timeout)
        agreement = replace(agreement, limits=limits_of)
    return agreement, waves


def _versions(engine: str) -> dict[str, str]:
    """Return the versions of the packages and programs that take part."""
    name, _, version = engine.rpartition(" ")
    return {
        "memductance": package_version(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        name: version,
    }
