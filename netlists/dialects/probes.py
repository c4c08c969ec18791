"""A circuit without the outputs for states, for simulators that run devices as Verilog-A modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from netlists.circuit import GROUND, Block, Circuit, Element, Instance, Subcircuit, nets_of

__all__ = ["shown_states", "without_probes"]


def without_probes(circuit: Circuit) -> Circuit:
    """Return a circuit whose devices have terminals and controls alone.

    Ports of blocks that lead to nothing but outputs for states are left out too.
    """
    outputs = {definition.name: len(definition.probes) for definition in circuit.subcircuits}
    kept: dict[str, list[int]] = {}

    def bare(element: Element) -> Element:
        if not isinstance(element, Instance):
            return element
        ports = kept.get(element.subcircuit, range(len(element.nets) - outputs.get(element.subcircuit, 0)))
        return replace(element, nets=tuple(element.nets[k] for k in ports))

    blocks = []
    for block in circuit.blocks:
        elements = tuple(map(bare, block.elements))
        probes = _nets(block.elements) - _nets(elements)
        kept[block.name] = [k for k, port in enumerate(block.ports) if port not in probes]
        ports = tuple(block.ports[k] for k in kept[block.name])
        blocks.append(replace(block, elements=elements, ports=ports))
    return replace(circuit, elements=tuple(map(bare, circuit.elements)), blocks=tuple(blocks))


def shown_states(circuit: Circuit) -> dict[str, tuple[str, str]]:
    """Return the device and the state that each output net shows: ``Xblock.Xname`` and the name of the state.

    Nets have their names at the top level, or ``Xblock.net`` inside a block.
    """
    blocks = {block.name: block for block in circuit.blocks}
    devices = {definition.name: definition for definition in circuit.subcircuits}
    return dict(_shown(circuit.elements, "", {}, blocks, devices))


def _shown(
    elements: Sequence[Element],
    path: str,
    outer: dict[str, str],
    blocks: dict[str, Block],
    devices: dict[str, Subcircuit],
) -> Iterator[tuple[str, tuple[str, str]]]:
    for element in elements:
        if not isinstance(element, Instance):
            continue
        nets = [outer.get(net, net if net == GROUND else path + net) for net in element.nets]
        name = path + element.name
        if element.subcircuit in blocks:
            block = blocks[element.subcircuit]
            inner = dict(zip(block.ports, nets, strict=True))
            yield from _shown(block.elements, f"{name}.", inner, blocks, devices)
        elif element.subcircuit in devices:
            definition = devices[element.subcircuit]
            states = definition.model.states[: len(definition.probes)]
            for net, state in zip(nets[len(nets) - len(definition.probes) :], states, strict=True):
                yield net, (name, state.name)


def _nets(elements: Sequence[Element]) -> set[str]:
    return {net for e in elements for net in nets_of(e)}
