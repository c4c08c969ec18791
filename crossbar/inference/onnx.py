"""Networks in the ONNX format as graphs of layers: files are read as data, nothing in them is executed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crossbar.inference.graph import INPUT, Graph, Node
from crossbar.inference.layers import Dense, Function, Layer
from crossbar.inference.onnx_functions import BINARY, UNARY
from crossbar.inference.onnx_layers import LAYERS, REARRANGED, Operation
from crossbar.inference.onnx_recurrent import recurrent
from devices.common.arrays import Array
from devices.common.errors import InputError, shortened
from devices.common.validation import readable_file

__all__ = ["graph_from_onnx"]

_INSTALL = "pip install 'memductance[onnx]'"


def graph_from_onnx(model: Any) -> Graph:
    """Return the layers of an ONNX model.

    Parameters
    ----------
    model : path or onnx.ModelProto
        The model, with one input, whose first axis counts samples, and one output.

    Raises
    ------
    InputError
        If onnx is not installed, the file is no model, or a node cannot be mapped; names the node and its operator.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ModuleNotFoundError:
        raise InputError("model", "an ONNX model, and no package onnx", "that package", _INSTALL) from None
    if isinstance(model, str | Path):
        path = readable_file("model", model)
        try:
            model = onnx.load(path)
        except Exception as error:  # of the protobuf package, or of a file beside it
            given = f"{str(path)!r}, which is no ONNX model: {shortened(str(error))}"
            raise InputError("model", given, "an ONNX file") from None
    if not isinstance(model, onnx.ModelProto):
        raise InputError("model", type(model).__name__, "the path of an ONNX file, or an onnx.ModelProto")
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    inputs = [v for v in model.graph.input if v.name not in constants]
    outputs = [v.name for v in model.graph.output]
    for argument, found in (("inputs", [v.name for v in inputs]), ("outputs", outputs)):
        if len(found) != 1:
            raise InputError("model", f"{len(found)} {argument}: {', '.join(found)}", f"one of its {argument}")
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=1)
    reader = _Reader(constants, {inputs[0].name: INPUT}, {inputs[0].name: 0}, opset)
    reader.uses = Counter(name for node in model.graph.node for name in node.input)
    reader.uses[outputs[0]] += 1
    for k, node in enumerate(model.graph.node):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        text = {key: v.decode() if isinstance(v, bytes) else v for key, v in attributes.items()}
        arrays = {key: numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else v for key, v in text.items()}
        name = node.name or f"{node.op_type} {k}"
        one = Operation(name, node.op_type, arrays, list(node.input), list(node.output), constants, opset)
        if node.domain not in ("", "ai.onnx"):
            raise one.refused(f"domain {node.domain!r}", "operators of ai.onnx")
        reader.read(one)
    if outputs[0] not in reader.values:
        raise InputError("model", f"output {outputs[0]!r}, which does not depend on the input", "one that does")
    if reader.batch[outputs[0]]:
        given = f"output {outputs[0]!r} with samples along axis {reader.batch[outputs[0]]}"
        raise InputError("model", given, "samples along axis 0")
    return reader.graph(outputs[0])


@dataclass
class _Reader:
    """A graph while it is read: its constants, the values that depend on the input, and the axis of their samples."""

    constants: dict[str, NDArray[Any]]
    values: dict[str, str]
    batch: dict[str, int]
    opset: int
    nodes: list[Node] = field(default_factory=list)
    uses: Counter[str] = field(default_factory=Counter)
    shapes: set[str] = field(default_factory=set)

    def add(self, node: Operation, layer: Layer, batch: int = 0, suffix: str = "", output: str | None = None) -> None:
        """Add a layer that takes the values of a node's inputs that are no constants."""
        inputs = tuple(self.values[n] for n in node.inputs if n in self.values)
        name = output or node.outputs[0]
        names = {n.name for n in self.nodes}
        unique = node.name + suffix if node.name + suffix not in names else f"{node.name}{suffix} -> {name}"
        self.nodes.append(Node(unique, layer, inputs, name))
        self.values[name], self.batch[name] = name, batch

    def graph(self, output: str) -> Graph:
        """Return the nodes that the output depends on."""
        wanted, kept = {self.values[output]}, []
        for node in reversed(self.nodes):
            if node.output in wanted:
                kept.append(node)
                wanted.update(node.inputs)
        if not kept:
            raise InputError("model", "an output that is its input", "at least one layer")
        return Graph(tuple(reversed(kept)))

    def read(self, node: Operation) -> None:
        """Add the layers of a node, or its value where it depends on constants alone."""
        try:
            self._read(node)
        except (IndexError, KeyError, TypeError, ValueError) as error:
            if not isinstance(error, InputError):
                given = f"attributes or constants that do not fit: {type(error).__name__}: {shortened(str(error))}"
                raise node.refused(given, "those of its operator") from None
            if error.argument.startswith(str(node)):
                raise
            raise InputError(f"{node}, {error.argument}", error.given, error.allowed, error.fix) from None

    def _read(self, node: Operation) -> None:
        moving = [n for n in node.inputs if n in self.values]
        unknown = [n for n in node.inputs if n and n not in {*self.values, *self.constants, *self.shapes}]
        if unknown:
            raise node.refused(f"inputs {', '.join(unknown)} that no node before it makes", "values that are known")
        if node.op == "Shape" or (moving == [] and any(n in self.shapes for n in node.inputs)):
            self._shape(node)
        elif not moving:
            self._fold(node)
        else:
            node.batch = self.batch[moving[0]]
            if len({self.batch[n] for n in moving}) > 1:
                raise node.refused("inputs with samples along different axes")
            self._layer(node)

    def _shape(self, node: Operation) -> None:
        """Follow a shape, which is needed only where it is that of a first state of zeros."""
        value = node.attributes.get("value", np.zeros(1))
        if node.op == "ConstantOfShape":
            self.constants[node.outputs[0]] = np.asarray(value).reshape(-1)[0]
        elif node.op == "Expand" and node.inputs[0] in self.constants and self.constants[node.inputs[0]].size == 1:
            self.constants[node.outputs[0]] = self.constants[node.inputs[0]].reshape(())
        else:
            self.shapes.update(node.outputs)

    def _fold(self, node: Operation) -> None:
        """Evaluate simple operators on constants."""
        values: list[Any] = [self.constants[n] for n in node.inputs if n in self.constants]
        a = node.attributes
        if node.op == "Constant":
            kinds = ("value", "value_float", "value_floats", "value_int", "value_ints")
            values = [np.asarray(a[k]) for k in kinds if k in a]
        elif node.op == "Transpose":
            values = [np.transpose(values[0], a.get("perm"))]
        elif node.op == "Reshape":
            values = [np.reshape(values[0], [int(n) for n in values[1]])]
        elif node.op in ("Squeeze", "Unsqueeze"):
            axes = tuple(int(n) for n in a.get("axes", values[1] if len(values) > 1 else ()))
            change: Callable[..., Any] = np.squeeze if node.op == "Squeeze" else np.expand_dims
            values = [change(values[0], axes or None)]
        elif node.op in BINARY:
            values = [BINARY[node.op](*values)]
        elif node.op == "ConstantOfShape":
            values = [np.full([int(n) for n in values[0]], np.asarray(a.get("value", 0.0)).reshape(-1)[0])]
        elif node.op not in ("Identity", "Cast", "Dropout"):
            raise node.refused("constants only", "an operator on the network's input")
        if not values:
            raise node.refused("a constant of another kind", "numbers")
        self.constants[node.outputs[0]] = values[0]

    def _layer(self, node: Operation) -> None:
        op, a = node.op, node.attributes
        if op in ("Identity", "Dropout", "Cast"):
            if op == "Dropout" and node.constant(2, "training_mode") not in (None, False):
                raise node.refused("training_mode", "a model for inference")
            self.values[node.outputs[0]] = self.values[node.inputs[0]]
            self.batch[node.outputs[0]] = node.batch
            self.uses[node.inputs[0]] += self.uses[node.outputs[0]] - 1
        elif op in UNARY:
            self.add(node, UNARY[op](a), node.batch)
        elif op in BINARY:
            self._binary(node)
        elif op in REARRANGED:
            layer, batch = REARRANGED[op](node)
            self.add(node, layer, batch)
        elif op in ("LSTM", "GRU", "RNN"):
            self._recurrent(node)
        elif op in LAYERS:
            if node.batch:
                raise node.refused(f"inputs with samples along axis {node.batch}", "samples along axis 0")
            self.add(node, LAYERS[op](node))
        else:
            allowed = ", ".join(sorted({*LAYERS, *REARRANGED, *UNARY, *BINARY, "LSTM", "GRU", "RNN", "Identity"}))
            raise node.refused("an operator that is not known", f"one of {allowed}")

    def _binary(self, node: Operation) -> None:
        """Add an operator on two values; a constant added to products becomes their bias."""
        fixed = [np.asarray(self.constants[n], dtype=float) for n in node.inputs if n in self.constants]
        name = next(n for n in node.inputs if n in self.values)
        before = next((k for k, n in enumerate(self.nodes) if n.output == self.values[name]), None)
        if node.op == "Add" and fixed and before is not None and self.uses[name] == 1:
            layer, bias = self.nodes[before].layer, fixed[0]
            wide = layer.matrices[0][1].size if isinstance(layer, Dense) else 0
            if isinstance(layer, Dense) and bias.shape in ((wide,), (1, wide)):
                added = layer.scaled(np.ones(wide), bias.reshape(wide))
                output = node.outputs[0]
                self.nodes[before] = replace(self.nodes[before], layer=added, output=output)
                self.values[output], self.batch[output] = output, node.batch
                return
        operator: Callable[..., Array] = BINARY[node.op]
        if fixed and node.inputs[0] in self.constants:
            operator = partial(operator, fixed[0])
        elif fixed:
            operator = partial(_swapped, operator, fixed[0])
        self.add(node, Function(operator), node.batch)

    def _recurrent(self, node: Operation) -> None:
        """Add a recurrent layer, with samples first, and its outputs as ONNX arranges them."""
        if node.batch != (0 if node.attributes.get("layout", 0) else 1):
            raise node.refused(f"inputs with samples along axis {node.batch}", "those that its layout says")
        first = next(n for n in node.inputs if n in self.values)
        if [n for n in node.inputs if n in self.values] != [first] or first != node.inputs[0]:
            raise node.refused("a first state that depends on the network's input", "a constant of zeros")
        layer, outputs = recurrent(node)
        states = f"{node.outputs[0] or node.outputs[1]} of all times"
        swapped = self.values[first]
        if node.batch:
            swapped = f"{states}, inputs"
            self.nodes.append(Node(f"{node.name}, inputs", Function(_swap), (self.values[first],), swapped))
        self.nodes.append(Node(node.name, layer, (swapped,), states))
        for name, (arranged, batch) in zip(node.outputs, outputs, strict=False):
            if name and self.uses[name]:
                if arranged is None:
                    raise node.refused(f"the state {name!r} of its cells as an output", "Y or Y_h")
                self.nodes.append(Node(f"{node.name} -> {name}", arranged, (states,), name))
                self.values[name], self.batch[name] = name, batch


def _swap(x: Array) -> Array:
    return x.swapaxes(0, 1)


def _swapped(operator: Callable[..., Array], second: Array, first: Array) -> Array:
    return operator(first, second)
