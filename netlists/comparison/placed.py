"""External subcircuits in place of the devices of an array: every cell, or each of the two devices of a cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from crossbar import Crossbar
from devices import Device, InputError
from netlists.arrays import cell_instances
from netlists.circuit import Circuit, Element, Foreign, Instance, Transient
from netlists.comparison.counterpart import Counterpart
from netlists.engines.waves import Waves

__all__ = ["externals_of", "place_externals", "shares_of_states"]

#: External subcircuits by the name of the model that each stands for.
Externals = Mapping[str, Counterpart]


def externals_of(crossbar: Crossbar, against: Counterpart | Mapping[str, Counterpart]) -> Externals:
    """Return the external subcircuits by model, from one for the only device of a cell, or a mapping.

    Raises
    ------
    InputError
        If the cells have no device of that name, or one subcircuit is given for cells of two devices.
    """
    if crossbar.ohmic:
        raise InputError(
            "against", "a subcircuit for cells of conductances", "cells that are devices", "device('resistor')"
        )
    models = [part.model.name for _, part in cell_instances(crossbar)]
    if isinstance(against, Counterpart):
        if len(models) > 1:
            fix = f"against={{{models[0]!r}: external(...)}}"
            raise InputError("against", "one model for cells of two devices", "one for each by name", fix)
        return {models[0]: against}
    for name, one in against.items():
        if name not in models or not isinstance(one, Counterpart):
            raise InputError("against", f"{type(one).__name__} for {name!r}", f"models for {', '.join(models)}")
    return against


def place_externals(circuit: Circuit, crossbar: Crossbar, externals: Externals) -> Circuit:
    """Return the circuit of an array with external subcircuits in place of its devices.

    Each instance has the parameters that its device's values map to; equal ones share a definition. The currents of
    cells are not observed.

    Raises
    ------
    InputError
        If the circuit is an operating point, in which states could not be held; or ports, parameters or states do not
        fit the device.
    """
    if not isinstance(circuit.analysis, Transient):
        allowed = "a transient, as nothing holds the states of a foreign subcircuit"
        raise InputError("against", "an operating point", allowed, "duration=..., or a waveform in the bias")
    parts = {part.model.name: part for _, part in cell_instances(crossbar)}
    definitions = {definition.name: definition for definition in circuit.subcircuits}
    written: dict[tuple[str, tuple[tuple[str, float], ...]], Foreign] = {}
    elements: list[Element] = []
    for element in circuit.elements:
        if not isinstance(element, Instance) or element.subcircuit not in externals:
            elements.append(element)
            continue
        theirs, model = externals[element.subcircuit], parts[element.subcircuit].model
        usual = definitions[element.subcircuit].parameter_set
        ours = _with_values(parts[element.subcircuit], {**usual.values, **usual.initial, **element.values})
        values = theirs.values(ours)
        key = (element.subcircuit, tuple(sorted(values.items())))
        if key not in written:
            written[key] = theirs.definition(values, f"foreign{len(written)}_{element.subcircuit}")
        names = [*model.terminals, *(control.name for control in model.controls)]
        terminals = dict(zip(names, element.nets[: len(names)], strict=True))
        probes = dict(zip((s.name for s in model.states), element.nets[len(names) :], strict=True))
        nets = theirs.nets(terminals, probes, f"open_{element.name}_")
        elements.append(Instance(element.name, nets, written[key].name, MappingProxyType({})))
    return replace(
        circuit,
        elements=tuple(elements),
        subcircuits=tuple(d for d in circuit.subcircuits if d.name not in externals),
        foreign=tuple(written.values()),
        observed=(),
    )


def _with_values(part: Device, values: Mapping[str, float]) -> Device:
    """Return one device with these parameters and starts."""
    return replace(
        part,
        parameters={name: np.asarray(values[name], dtype=float) for name in part.parameters},
        initial={name: np.asarray(values[name], dtype=float) for name in part.initial},
    )


def shares_of_states(waves: Waves, circuit: Circuit, crossbar: Crossbar, externals: Externals) -> Waves:
    """Return the vectors with those of foreign states as shares of their spans, from 0 to 1."""
    vectors = dict(waves.vectors)
    several = len(cell_instances(crossbar)) > 1
    for letter, part in cell_instances(crossbar):
        if part.model.name not in externals:
            continue
        names = [state.name for state in part.model.states]
        for i, j in np.ndindex(crossbar.shape):
            place = f"{letter if several else ''}{i}_{j}"
            seen = {name: f"xsv{place}" + (f"_{name}" if len(names) > 1 else "") for name in names}
            shares = externals[part.model.name].shares(waves, f"x{place}", seen)
            vectors |= {f"v({seen[name]})".lower(): share for name, share in shares.items()}
    return replace(waves, vectors=vectors)
