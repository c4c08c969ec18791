"""`Graph`: the layers of a network, and which outputs are whose inputs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossbar.inference.convolution import Convolution
from crossbar.inference.layers import Activation, BatchNorm, Dense, Digital, Layer
from crossbar.inference.products import Product, Weights, exact_products, shifted
from crossbar.inference.recipe import Recipe
from devices.common.arrays import Array
from devices.common.errors import InputError
from devices.common.tables import columns_of_text

__all__ = ["INPUT", "Graph", "Node", "Step", "chain", "check_names", "checked_recipes"]

#: Name of the network's inputs.
INPUT = ""


@dataclass(frozen=True, eq=False)
class Node:
    """A layer in a graph.

    Parameters
    ----------
    name : str
        Its path, for messages and options.
    layer : Layer
        The layer.
    inputs : tuple of str
        Names of the values that it takes: outputs of earlier nodes, or `INPUT`.
    output : str
        Name of the value that it returns.
    """

    name: str
    layer: Layer
    inputs: tuple[str, ...]
    output: str

    def forward(self, product: Product, inputs: Sequence[Array]) -> Array:
        """Return the layer's outputs; its errors name the node."""
        try:
            return self.layer.forward(product, *inputs)
        except InputError as error:
            argument = f"{self.name}, {error.argument}"
            raise InputError(argument, error.given, error.allowed, error.fix) from None


#: Evaluates a node: takes it, the number of its first matrix, and its inputs.
Step = Callable[[Node, int, Sequence[Array]], Array]


@dataclass(frozen=True, eq=False)
class Graph:
    """Layers in the order of their evaluation, printed as a table; the last one's output is the network's.

    Parameters
    ----------
    nodes : tuple of Node
        The layers, with names and outputs of their own.

    Examples
    --------
    A layer whose outputs are added to its inputs:

    >>> import numpy as np
    >>> from crossbar import Dense, Function, Graph, Node
    >>> dense = Node("dense", Dense([[0.5, 0.0], [1.0, 0.5]]), inputs=("",), output="products")
    >>> total = Node("sum", Function(np.add), inputs=("", "products"), output="sum")
    >>> Graph((dense, total)).exact(np.array([[1.0, 2.0]]))
    array([[3.5, 3. ]])
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        known: set[str] = {INPUT}
        names: set[str] = set()
        for node in self.nodes:
            unknown = [name for name in node.inputs if name not in known]
            if unknown or not node.inputs:
                allowed = f"{INPUT!r} for the network's inputs, or outputs of earlier nodes"
                raise InputError(f"inputs of node {node.name!r}", ", ".join(map(repr, unknown)) or "none", allowed)
            for what, value, seen in (("name", node.name, names), ("output", node.output, known)):
                if value in seen:
                    raise InputError(f"{what} of a node", f"{value!r} twice", "different ones")
                seen.add(value)
        if not self.nodes:
            raise InputError("nodes", "none", "at least one")

    def __str__(self) -> str:
        rows = [("layer", "kind", "matrices on arrays")]
        for node in self.nodes:
            layer = node.layer.layer if isinstance(node.layer, Digital) else node.layer
            kind = layer.name if isinstance(layer, Activation) else type(layer).__name__
            shapes = [" x ".join(map(str, w.shape)) for w, _ in node.layer.matrices]
            rows.append((node.name, kind, ", ".join(shapes) or "none"))
        return "\n".join(columns_of_text(rows))

    @property
    def matrices(self) -> tuple[Weights, ...]:
        """The matrices of all layers that arrays compute, in order."""
        return tuple(m for node in self.nodes for m in node.layer.matrices)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the layer of each matrix."""
        return tuple(node.name for node in self.nodes for _ in node.layer.matrices)

    def walk(self, inputs: Array, step: Step) -> Array:
        """Evaluate the nodes one after another and return the last output; values are freed after their last use."""
        uses = Counter(name for node in self.nodes for name in node.inputs)
        values, first, found = {INPUT: inputs}, 0, inputs
        for node in self.nodes:
            found = step(node, first, [values[name] for name in node.inputs])
            first += len(node.layer.matrices)
            values[node.output] = found
            for name in node.inputs:
                uses[name] -= 1
                if not uses[name]:
                    del values[name]
        return found

    def run(self, inputs: Array, product: Product) -> Array:
        """Return the outputs, where ``product(k, x)`` multiplies by the k-th of `matrices`."""
        return self.walk(inputs, lambda node, first, x: node.forward(shifted(product, first), x))

    def exact(self, inputs: Array) -> Array:
        """Return the outputs in software."""
        return self.run(inputs, exact_products(self.matrices))

    def excluding(self, names: Collection[str]) -> Graph:
        """Return the graph with the layers of these names in software."""
        check_names("exclude", names, self.names)
        return Graph(tuple(replace(n, layer=Digital(n.layer)) if n.name in names else n for n in self.nodes))

    def folded(self, sample: Array) -> Graph:
        """Return the graph with each batch normalisation made part of the layer before it, where that has no other use.

        `sample` is one input, shape ``(1, ...)``: outputs of a dense layer have their channels along the last axis,
        which is that of the normalisation only if there are two axes.
        """
        axes: dict[str, int] = {}

        def step(node: Node, first: int, inputs: Sequence[Array]) -> Array:
            found = node.forward(exact_products(node.layer.matrices), inputs)
            axes[node.output] = found.ndim
            return found

        self.walk(sample, step)
        uses = Counter(name for node in self.nodes for name in node.inputs)
        uses[self.nodes[-1].output] += 1
        nodes: list[Node] = []
        for node in self.nodes:
            norm = node.layer
            before = next((k for k, n in enumerate(nodes) if n.output == node.inputs[0]), None)
            if isinstance(norm, BatchNorm) and before is not None and uses[node.inputs[0]] == 1:
                layer = nodes[before].layer
                if isinstance(layer, Convolution) or (isinstance(layer, Dense) and axes[node.inputs[0]] == 2):
                    joined = layer.scaled(norm.scale, norm.shift)
                    nodes[before] = replace(nodes[before], layer=joined, output=node.output)
                    continue
            nodes.append(node)
        return Graph(tuple(nodes))

    @property
    def probabilities(self) -> bool:
        """Whether the last layer is a logistic function, whose outputs decide at one half."""
        last = self.nodes[-1].layer
        return isinstance(last, Activation) and last.name in ("logistic", "sigmoid")


def check_names(argument: str, names: Collection[str], known: Collection[str]) -> None:
    """Raise `InputError` where a name is not that of a layer, or one name is given in place of several."""
    if isinstance(names, str) or not isinstance(names, Collection):
        raise InputError(argument, repr(names), "a collection of names", f"({names!r},)" if names else "()")
    for name in names:
        if name not in known:
            allowed = f"names of layers: {', '.join(n for n in dict.fromkeys(known) if n)}"
            raise InputError(argument, repr(name), allowed)


def checked_recipes(recipe: Any, per_layer: Any, known: Collection[str]) -> dict[str, Recipe]:
    """Return recipes by name of a layer, or raise `InputError`."""
    if not isinstance(recipe, Recipe):
        raise InputError("recipe", type(recipe).__name__, "a Recipe", "Recipe(conductance_limits=(1e-6, 1e-5))")
    if per_layer is not None and not isinstance(per_layer, Mapping):
        raise InputError("per_layer", type(per_layer).__name__, "recipes by name", "{name: recipe}")
    recipes = dict(per_layer or {})
    check_names("per_layer", recipes, known)
    for name, one in recipes.items():
        if not isinstance(one, Recipe):
            raise InputError(f"per_layer[{name!r}]", type(one).__name__, "a Recipe")
    return recipes


def chain(layers: Sequence[Layer | str] | Mapping[str, Layer | str]) -> Graph:
    """Return layers one after another as a graph.

    Parameters
    ----------
    layers : sequence or mapping
        The layers; a name such as ``"relu"`` stands for its activation. Keys of a mapping are the layers' names, which
        are otherwise ``layers[0]``, ``layers[1]``, ...
    """
    if isinstance(layers, str) or not isinstance(layers, Sequence | Mapping) or not layers:
        given = repr(layers) if isinstance(layers, str | Sequence) else type(layers).__name__
        raise InputError("layers", given, "several layers", "[Dense(weights, bias)]")
    named = layers if isinstance(layers, Mapping) else {f"layers[{k}]": layer for k, layer in enumerate(layers)}
    nodes, before = [], INPUT
    for name, layer in named.items():
        one = Activation(layer) if isinstance(layer, str) else layer
        if not callable(getattr(one, "forward", None)) or not hasattr(one, "matrices"):
            given = type(layer).__name__
            raise InputError(str(name), given, "a layer, or the name of an activation", "Dense(weights, bias)")
        nodes.append(Node(str(name), one, (before,), f"{name} output"))
        before = nodes[-1].output
    return Graph(tuple(nodes))
