"""`Engine`: a simulator that runs circuits; `ENGINES` are the names of all, and `find_engine` loads one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devices.common.errors import InputError
from devices.common.validation import choice
from netlists.engines.waves import Waves

if TYPE_CHECKING:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.dialects.vacask import VacaskOptions

__all__ = ["ENGINES", "Engine", "find_engine", "vector_engines"]


@dataclass(frozen=True, kw_only=True)
class Engine:
    """A simulator that runs circuits.

    Parameters
    ----------
    name : str
        The name by which `netlists.crosscheck` takes it.
    run : callable
        Runs a `Circuit`, given ``options`` and ``timeout`` [s], and returns `Waves`.
    options : type
        Class of its tolerances.
    present : callable
        Raises `SimulatorNotFoundError` where the simulator is not installed.
    vectors : callable, optional
        Runs a `Sweep` of source values at once, given ``options`` and ``timeout`` [s]; ``None`` for a simulator that
        takes one vector in each run.
    """

    name: str
    run: Callable[..., Waves]
    options: type[NgspiceOptions] | type[VacaskOptions]
    present: Callable[[], Any]
    vectors: Callable[..., Waves] | None = None

    def check_options(self, options: object) -> None:
        """Raise `InputError` for options of another engine; ``None`` is allowed."""
        if not isinstance(options, self.options | None):
            allowed = f"{self.options.__name__} for engine={self.name!r}"
            raise InputError("options", type(options).__name__, allowed)


def _ngspice() -> Engine:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.engines.ngspice import ngspice_version, run_ngspice
    from netlists.engines.sweeps import sweep_in_ngspice

    return Engine(
        name="ngspice", run=run_ngspice, options=NgspiceOptions, present=ngspice_version, vectors=sweep_in_ngspice
    )


def _pyspice() -> Engine:
    from netlists.dialects.ngspice import NgspiceOptions
    from netlists.engines.pyspice import find_library, run_pyspice
    from netlists.engines.sweeps import sweep_in_pyspice

    return Engine(
        name="pyspice", run=run_pyspice, options=NgspiceOptions, present=find_library, vectors=sweep_in_pyspice
    )


def _vacask() -> Engine:
    from netlists.dialects.vacask import VacaskOptions
    from netlists.engines.vacask import run_vacask, vacask_version

    return Engine(name="vacask", run=run_vacask, options=VacaskOptions, present=vacask_version)


_LOADERS: dict[str, Callable[[], Engine]] = {"ngspice": _ngspice, "pyspice": _pyspice, "vacask": _vacask}
#: Names of all engines, as `netlists.crosscheck` takes them.
ENGINES = tuple(_LOADERS)


def find_engine(name: str) -> Engine:
    """Return an engine by name; its modules load with it, the simulator itself with a run."""
    return _LOADERS[choice("engine", name, ENGINES)]()


def vector_engines() -> tuple[str, ...]:
    """Return the names of the engines that solve many vectors in one run."""
    return tuple(name for name in ENGINES if find_engine(name).vectors)
