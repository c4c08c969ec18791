"""`Device`: a model with values for its parameters, one cell or an ensemble of any shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from devices.cells.protocol import Cell, state_corners
from devices.common.errors import InputError
from devices.common.validation import choice, finite_array, read_voltage
from devices.model import DeviceModel
from devices.parameters import Parameter, ParameterSet, State
from devices.registry import chosen_set, get_model
from devices.sources import Citation

if TYPE_CHECKING:
    from devices.waveforms import Sine

__all__ = ["Device", "device"]


@dataclass(frozen=True, eq=False)
class Device:
    """A memristive device, or an ensemble of them that share one model.

    Parameters
    ----------
    model : DeviceModel
        The equations.
    parameters : mapping of str to array_like
        A value, or an array of values over the ensemble, for each parameter.
    initial : mapping of str to array_like
        The same for the start of each state.
    parameter_set : ParameterSet
        The set that the values started from, with its source.

    Raises
    ------
    InputError
        If a value is out of its parameter's bounds, a start is out of the state's bounds, a bound is empty,
        or the arrays do not broadcast to one ensemble shape.
    """

    model: DeviceModel
    parameters: Mapping[str, NDArray[np.float64]]
    initial: Mapping[str, NDArray[np.float64]]
    parameter_set: ParameterSet

    def __post_init__(self) -> None:
        def checked(quantity: Parameter | State, given: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
            array = finite_array(quantity.name, given[quantity.name], unit=quantity.unit).copy()
            if array.size == 0:
                raise InputError(quantity.name, f"shape {array.shape}", f"one number or more [{quantity.unit}]")
            return array

        values: dict[str, NDArray[np.float64]] = {}
        for parameter in self.model.parameters:
            array = checked(parameter, self.parameters)
            parameter.check_all(array)
            values[parameter.name] = array
        starts = {s.name: checked(s, self.initial) for s in self.model.states}
        try:
            np.broadcast_shapes(*(a.shape for a in (*values.values(), *starts.values())))
        except ValueError:
            shapes = {name: a.shape for name, a in {**values, **starts}.items() if a.ndim}
            raise InputError("parameters", f"shapes {shapes}", "arrays that broadcast to one ensemble shape") from None
        for array in (*values.values(), *starts.values()):
            array.flags.writeable = False
        object.__setattr__(self, "parameters", MappingProxyType(values))
        object.__setattr__(self, "initial", MappingProxyType(starts))
        lower, upper = self.bounds()
        if not (lower < upper).all():
            raise InputError(
                "parameters", "an upper state bound not above the lower one", "lower < upper for each cell"
            )
        self._check_inside(self.start, "{}", "{:g} as start")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.model, dict(self.parameters), dict(self.initial), self.parameter_set)

    @property
    def shape(self) -> tuple[int, ...]:
        """Ensemble shape, ``()`` for one cell."""
        return np.broadcast_shapes(*(a.shape for a in (*self.parameters.values(), *self.initial.values())))

    @property
    def _parameter_shape(self) -> tuple[int, ...]:
        return np.broadcast_shapes(*(a.shape for a in self.parameters.values()))

    def parameter_rows(self, shape: tuple[int, ...]) -> NDArray[np.float64]:
        """Parameters in the model's order and then its constants: a row for each cell of `shape`, or one for all."""
        from devices.kernels.compile import constants
        from devices.kernels.evaluate import evaluate_many

        rows = np.stack(np.broadcast_arrays(*(self.parameters[p.name] for p in self.model.parameters)), axis=-1)
        if rows.ndim > 1:
            rows = np.broadcast_to(rows, (*shape, rows.shape[-1]))
        rows = np.array(rows).reshape(-1, rows.shape[-1])
        constants_of, count = constants(self.model)
        if not count:
            return rows
        derived = np.empty((len(rows), count))
        evaluate_many(constants_of, np.zeros(len(rows)), np.zeros((1, 0)), rows, derived)
        return np.concatenate([rows, derived], axis=1)

    @property
    def start(self) -> NDArray[np.float64]:
        """Starting state, shape ``(*shape, states)``."""
        return _columns([self.initial[s.name] for s in self.model.states], self.shape)

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper state bounds, each of shape ``(*shape, states)``."""
        sides = []
        for side in ("lower", "upper"):
            named = [getattr(s, side) for s in self.model.states]
            columns = [self.parameters[b] if isinstance(b, str) else np.float64(b) for b in named]
            sides.append(_columns(columns, self.shape))
        return sides[0], sides[1]

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states, in the model's order."""
        return tuple(s.name for s in self.model.states)

    @property
    def control_names(self) -> tuple[str, ...]:
        """Names of further terminals, such as a gate, in the model's order."""
        return tuple(c.name for c in self.model.controls)

    @property
    def kernel(self) -> Any:
        """The model's compiled law."""
        from devices.kernels.compile import kernel

        return kernel(self.model)

    def cited(self) -> tuple[Citation, ...]:
        """Return the papers of the model and the source of its values; see `devices.citations`."""
        given = self.parameter_set
        changed = [n for n, a in self.parameters.items() if not (a == given.values[n]).all()]
        changes = f" ({', '.join(changed)} changed)" if changed else ""
        values = Citation(given.source, (f"{self.model.name}/{given.name}{changes}",), given.status)
        return (*self.model.cited(), values)

    def with_start(self, state: ArrayLike) -> Device:
        """Return the same devices with other starting states, shape ``(..., states)``, within their bounds."""
        n = len(self.model.states)
        x = finite_array("state", state, shape=("...", n))
        initial = {name: x[..., k].copy() for k, name in enumerate(self.state_names)}
        return Device(self.model, dict(self.parameters), initial, self.parameter_set)

    def evaluate(
        self, voltage: ArrayLike, state: ArrayLike | None = None, controls: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Current, rates and their exact derivatives.

        Parameters
        ----------
        voltage : array_like
            Voltage [V]; broadcasts against the ensemble.
        state : array_like, optional
            State, shape ``(..., states)``, within its bounds; the start where not given.
        controls : array_like, optional
            Voltages of further terminals above the bottom electrode [V], shape ``(..., controls)``, where there are
            any.

        Returns
        -------
        numpy.ndarray
            Shape ``(..., 1 + states, 2 + states + controls)``: a row for the current [A] and for each rate [state unit
            per second]; columns are the value, d/dv and the derivatives by each state and control.

        Raises
        ------
        InputError
            If the shapes do not broadcast, a state lies out of its bounds, or the model leaves the range of doubles at
            this voltage.
        """
        if state is None:
            start = self.start
        else:
            start = finite_array("state", state, shape=("...", len(self.state_names)))
            self._check_inside(start, "state {}", "{:g}", "numpy.clip(state, *device.bounds())")
        return evaluate_cells(self, self.model.name, voltage, start, controls, self._parameter_shape)

    def _check_inside(self, states: NDArray[np.float64], name: str, given: str, fix: str = "") -> None:
        """Raise `InputError` for the first state out of its bounds; `name` and `given` format its name and value."""
        lower, upper = self.bounds()
        try:
            outside = (states < lower) | (states > upper)
        except ValueError:
            return  # shapes that do not broadcast are refused together with that of the voltage
        for k, state in enumerate(self.model.states):
            if outside[..., k].any():
                value = np.broadcast_to(states, outside.shape)[..., k][outside[..., k]][0]
                allowed = f"[{lower[..., k].min():g}, {upper[..., k].max():g}] [{state.unit}]"
                raise InputError(name.format(state.name), given.format(value), allowed, fix)

    def current(
        self, voltage: ArrayLike, state: ArrayLike | None = None, controls: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """Current [A] at `voltage` [V] and `state`, shape as they broadcast with the ensemble."""
        return self.evaluate(voltage, state, controls)[..., 0, 0]

    def rates(self, voltage: ArrayLike, state: ArrayLike | None = None) -> NDArray[np.float64]:
        """State law, shape ``(..., states)`` [state unit per second]; the hard bounds are not applied."""
        return self.evaluate(voltage, state)[..., 1:, 0]

    def pace(self, voltage: float) -> float:
        """Return the speed of the first state at `voltage` [V] in spans per second [1/s], in the middle of its span.

        Other states are at their start. It is the smaller speed of the two polarities, unless that is zero: a sine of
        half this frequency draws an open loop.
        """
        if not self.model.states:
            return 0.0
        lower, upper = self.bounds()
        middle = np.concatenate([0.5 * (lower + upper)[..., :1], self.start[..., 1:]], axis=-1)
        shares = [(self.rates(sign * voltage, middle) / (upper - lower))[..., 0] for sign in (1.0, -1.0)]
        return min((p for p in (float(np.abs(s).max()) for s in shares) if p > 0.0), default=0.0)

    def loop(self, cycles: float = 2.0) -> Sine:
        """Return the sine with which this parameter set gives its typical loop."""
        from devices.waveforms import Sine

        peak = self.parameter_set.loop_voltage
        frequency = self.parameter_set.loop_frequency or 0.5 * self.pace(peak) or 1.0
        return Sine(amplitude=peak, frequency=frequency, cycles=cycles)

    def conductance(self, voltage: float, state: ArrayLike | None = None) -> NDArray[np.float64]:
        """Static conductance i/v [S] at the read `voltage` [V], not zero."""
        read_voltage(voltage)
        return self.current(voltage, state) / voltage

    def conductance_limits(self, voltage: float) -> tuple[float, float]:
        """Smallest and largest static conductance [S] at the read `voltage` [V] between the state's bounds.

        Taken at the corners of the state space, where the extremes of a current that is monotonic in each
        state lie; over an ensemble, the window that every cell can reach.
        """
        lower, upper = self.bounds()
        found = np.stack([self.conductance(voltage, corner) for corner in state_corners(lower, upper)])
        return float(found.min(axis=0).max()), float(found.max(axis=0).min())

    def __repr__(self) -> str:
        shape = f", shape={self.shape}" if self.shape else ""
        return f"Device({self.model.name!r}, set={self.parameter_set.name!r}{shape})"

    def _repr_markdown_(self) -> str:
        def text(a: NDArray[np.float64]) -> str:
            return f"{a:g}" if a.ndim == 0 else f"{a.min():g} ... {a.max():g} over {a.shape}"

        units = {q.name: q.unit for q in (*self.model.parameters, *self.model.states)}
        rows = [f"| {n} | {text(a)} | {units[n]} |" for n, a in {**self.parameters, **self.initial}.items()]
        table = "\n".join(["| name | value | unit |", "|---|---|---|", *rows])
        given = self.parameter_set
        source = f"Set `{given.name}` ({given.status}): {given.source}. {given.note}"
        equations = "\n\n".join(f"$${line}$$" for line in self.model.latex())
        return f"**{self.model.title}**\n\n{equations}\n\n{table}\n\n{source}\n"


def _columns(arrays: Sequence[ArrayLike], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Return arrays, broadcast to `shape`, as columns of a new last axis, which may be empty."""
    return np.stack([np.broadcast_to(a, shape) for a in arrays], axis=-1) if arrays else np.empty((*shape, 0))


def evaluate_cells(
    cells: Cell,
    name: str,
    voltage: ArrayLike,
    state: ArrayLike,
    controls: ArrayLike | None,
    parameter_shape: tuple[int, ...],
) -> NDArray[np.float64]:
    """Evaluate cells whose kernel and parameters are known; see `Device.evaluate`."""
    from devices.kernels.evaluate import evaluate_many

    n, m = len(cells.state_names), len(cells.control_names)
    if m and controls is None:
        wanted = f"voltages of {', '.join(cells.control_names)} above the bottom electrode, shape (..., {m}) [V]"
        raise InputError("controls", "none", wanted, f"controls={[1.0] * m}")
    v = finite_array("voltage", voltage, unit="V")
    x = finite_array("state", state, shape=("...", n))
    c = finite_array("controls", np.empty(0) if controls is None else controls, unit="V", shape=("...", m))
    try:
        shape = np.broadcast_shapes(v.shape, x.shape[:-1], c.shape[:-1], parameter_shape)
    except ValueError:
        given = f"shape {v.shape} with states {x.shape[:-1]} and parameters {parameter_shape}"
        raise InputError("voltage", given, "shapes that broadcast") from None
    inputs = np.concatenate([np.broadcast_to(part, (*shape, part.shape[-1])) for part in (x, c)], axis=-1)
    out = np.empty((*shape, (1 + n) * (2 + n + m)))
    evaluate_many(
        cells.kernel,
        np.array(np.broadcast_to(v, shape)).reshape(-1),
        np.ascontiguousarray(inputs).reshape(int(np.prod(shape)), n + m),
        cells.parameter_rows(shape),
        out.reshape(-1, out.shape[-1]),
    )
    if not np.isfinite(out).all():
        raise InputError(
            "voltage", f"up to {np.abs(v).max():g} V", f"voltages at which {name} stays finite [V]", "a lower voltage"
        )
    return out.reshape(*shape, 1 + n, 2 + n + m)


def assemble(model: DeviceModel, values: Mapping[str, Any], given: ParameterSet) -> Device:
    """Return the device with `values` for every parameter and every state's start; the device checks them."""
    parameters: dict[str, Any] = {p.name: values[p.name] for p in model.parameters}
    return Device(model, parameters, {s.name: values[s.name] for s in model.states}, given)


def device(model: str | DeviceModel, set: str | ParameterSet | None = None, **overrides: ArrayLike) -> Device:
    """Return a device of a model.

    Parameters
    ----------
    model : str or DeviceModel
        Registry name, as listed by ``devices.models()``; or a model of one's own.
    set : str or ParameterSet, optional
        Name of a parameter set of the model, or a set that fits it; the model's default where not given.
    **overrides : array_like
        Values that replace those of the set, by parameter or state name (a state's name sets its start).
        Arrays make an ensemble.

    Returns
    -------
    Device
        The device.

    Raises
    ------
    InputError
        For an unknown model, set or name, or a value out of bounds.

    Examples
    --------
    >>> device("vteam", r_off=2e3)
    Device('vteam', set='memtorch')
    """
    declared = get_model(model)
    given = chosen_set(declared, set)
    values: dict[str, Any] = {**given.values, **given.initial}
    for name in overrides:
        choice("parameter", name, values)
    return assemble(declared, {**values, **overrides}, given)
