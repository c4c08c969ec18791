"""Parts of a circuit that capacitors alone join to the rest: a simulator must be told where they start."""

from __future__ import annotations

import numpy as np

from netlists.circuit import GROUND, Capacitor, Circuit, Instance, Transient, nets_of

__all__ = ["held_nets"]


def held_nets(circuit: Circuit) -> list[str]:
    """Return one net of each part of a transient that no resistor, source or device joins to ground.

    At rest nothing determines its potential; it starts without charge, at 0 V. Of a net in a block the name has the
    names of its instances and ``.`` before it.
    """
    if not isinstance(circuit.analysis, Transient) or not any(isinstance(e, Capacitor) for e in circuit.parts):
        return []
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    flat = circuit.flat()
    devices = {definition.name for definition in circuit.subcircuits}
    number = {GROUND: 0}
    pairs, held = [], []
    for element in flat.elements:
        nets = [number.setdefault(net, len(number)) for net in nets_of(element)]
        if isinstance(element, Capacitor):
            held += nets
            continue
        if isinstance(element, Instance) and element.subcircuit in devices:
            nets = nets[:2]  # no current flows in its controls and its probes
        pairs += [(nets[0], other) for other in nets[1:]]
    one, two = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    links = coo_matrix((np.ones(one.size), (one, two)), shape=(len(number), len(number)))
    _, part = connected_components(links, directed=False)
    loose = np.unique(held)
    loose = loose[part[loose] != part[0]]
    first = loose[np.unique(part[loose], return_index=True)[1]]
    names, paths = list(number), circuit.paths()
    return sorted(paths.get(names[k], names[k]) for k in first)
