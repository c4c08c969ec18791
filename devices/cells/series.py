"""`Series`: two devices in series as one cell, such as a selector or a transistor and a memristor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from devices.cells.device import Device, evaluate_cells
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.validation import finite_array

__all__ = ["Series"]


@dataclass(frozen=True, eq=False)
class Series:
    r"""Two devices in series, or an ensemble of such pairs; the node between them is eliminated.

    .. math:: i(v) = i_\mathrm{top}(v - w) = i_\mathrm{bottom}(w)

    A selector and a memristor are a 1S1R cell, a memristor above a transistor is a 1T1R cell, and a resistor is a
    series resistance. The currents of both must rise with their voltages. The states are those of the top device,
    then those of the bottom one. One of them may have a gate. Its potential is given from the bottom electrode of the
    pair; a transistor on top has its source at the node between them, and sees what is left of it there.

    Parameters
    ----------
    top, bottom : Device
        The devices; their shapes broadcast to that of the ensemble.

    Raises
    ------
    InputError
        If the shapes do not broadcast, or both devices have a gate.

    Examples
    --------
    >>> from devices import device
    >>> cell = Series(device("resistor", r=1e3), device("resistor", r=3e3))
    >>> round(float(cell.current(0.4)), 9)
    0.0001
    """

    top: Device
    bottom: Device

    def __post_init__(self) -> None:
        for name, part in (("top", self.top), ("bottom", self.bottom)):
            if not isinstance(part, Device):
                raise InputError(name, type(part).__name__, "a Device", "devices.device('resistor')")
        if self.top.control_names and self.bottom.control_names:
            names = f"{self.top.model.name} and {self.bottom.model.name}, which both have a gate"
            raise InputError("bottom", names, "one device with a gate", "a device of two terminals with the transistor")
        try:
            np.broadcast_shapes(self.top.shape, self.bottom.shape)
        except ValueError:
            given = f"shapes {self.top.shape} and {self.bottom.shape}"
            raise InputError("bottom", given, "shapes that broadcast to one ensemble") from None

    @property
    def shape(self) -> tuple[int, ...]:
        """Ensemble shape."""
        return np.broadcast_shapes(self.top.shape, self.bottom.shape)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states: ``top.`` or ``bottom.`` and the model's name for it."""
        return tuple(f"{p}.{n}" for p, d in (("top", self.top), ("bottom", self.bottom)) for n in d.state_names)

    @property
    def control_names(self) -> tuple[str, ...]:
        """Names of the further terminals of the device that has any."""
        return self.top.control_names or self.bottom.control_names

    @property
    def start(self) -> Array:
        """Starting state, shape ``(*shape, states)``."""
        return self._side_by_side(self.top.start, self.bottom.start)

    @property
    def kernel(self) -> Any:
        """Compiled law of the pair."""
        from devices.kernels.compile import series_kernel

        return series_kernel(self.top.model, self.bottom.model)

    def bounds(self) -> tuple[Array, Array]:
        """Lower and upper state bounds, each of shape ``(*shape, states)``."""
        top, bottom = self.top.bounds(), self.bottom.bounds()
        return self._side_by_side(top[0], bottom[0]), self._side_by_side(top[1], bottom[1])

    def _side_by_side(self, top: Array, bottom: Array) -> Array:
        parts = (np.broadcast_to(a, (*self.shape, a.shape[-1])) for a in (top, bottom))
        return np.concatenate(list(parts), axis=-1)

    def parameter_rows(self, shape: tuple[int, ...]) -> Array:
        """Parameters of the top device, then of the bottom one: a row for each cell of `shape`, or one for all."""
        rows = [part.parameter_rows(shape) for part in (self.top, self.bottom)]
        count = max(len(r) for r in rows)
        return np.ascontiguousarray(np.concatenate([np.broadcast_to(r, (count, r.shape[1])) for r in rows], axis=1))

    def with_start(self, state: ArrayLike) -> Series:
        """Return the same pairs with other starting states, shape ``(..., states)``."""
        n = len(self.top.state_names)
        x = finite_array("state", state, shape=("...", len(self.state_names)))
        return replace(self, top=self.top.with_start(x[..., :n]), bottom=self.bottom.with_start(x[..., n:]))

    def evaluate(self, voltage: ArrayLike, state: ArrayLike | None = None, controls: ArrayLike | None = None) -> Array:
        """Current, rates and their exact derivatives at the port; see `Device.evaluate`."""
        shapes = [a.shape for part in (self.top, self.bottom) for a in part.parameters.values()]
        name = f"{self.top.model.name} on {self.bottom.model.name}"
        start = self.start if state is None else state
        return evaluate_cells(self, name, voltage, start, controls, np.broadcast_shapes(*shapes))

    def current(self, voltage: ArrayLike, state: ArrayLike | None = None, controls: ArrayLike | None = None) -> Array:
        """Current [A] at `voltage` [V] and `state`, shape as they broadcast with the ensemble."""
        return self.evaluate(voltage, state, controls)[..., 0, 0]

    def rates(self, voltage: ArrayLike, state: ArrayLike | None = None, controls: ArrayLike | None = None) -> Array:
        """State law, shape ``(..., states)`` [state unit per second]; the hard bounds are not applied."""
        return self.evaluate(voltage, state, controls)[..., 1:, 0]

    def __repr__(self) -> str:
        return f"Series({self.top!r}, {self.bottom!r})"
