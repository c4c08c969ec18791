"""Networks in the ONNX format on ideal arrays, against ONNX's own reference evaluator."""

import numpy as np
import pytest

from crossbar import AnalogNetwork, Recipe
from devices import InputError

onnx = pytest.importorskip("onnx", reason="needs the package onnx (extra onnx)")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

IDEAL = Recipe(conductance_limits=(1e-6, 1e-5), tile=(32, 32))
RNG = np.random.default_rng(0)


def normal(*shape):
    return (RNG.normal(size=shape) / np.sqrt(max(shape[-1], 1))).astype(np.float32)


def integers(*values):
    return np.array(values, dtype=np.int64)


def model(nodes, shape, output="y", opset=17, **constants):
    """A model of nodes ``(op, inputs, outputs, attributes)`` with input ``x`` of samples of a shape."""
    made = [
        helper.make_node(op, i.split(), o.split(), name=f"{op.lower()}_{k}", **a)
        for k, (op, i, o, a) in enumerate(nodes)
    ]
    tensors = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    value = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, size)  # noqa: E731
    graph = helper.make_graph(made, "net", [value("x", ["n", *shape])], [value(output, None)], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def check(one, shape, samples=3, **options):
    """Compare with the reference evaluator to 1e-6 of the largest output, and return the network."""
    x = normal(samples, *shape) * 2
    wanted = ReferenceEvaluator(one).run(None, {"x": x})[0]
    network = AnalogNetwork.from_onnx(one, IDEAL, calibration=x, classes=(), **options)
    found = network.decision(x)
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())
    return network


def test_a_multilayer_perceptron():
    nodes = [
        ("Gemm", "x w1 b1", "a", {"transB": 1, "alpha": 0.5, "beta": 2.0}),
        ("Relu", "a", "b", {}),
        ("MatMul", "b w2", "c", {}),
        ("Add", "b2 c", "d", {}),
        ("Dropout", "d", "e", {}),
        ("Softmax", "e", "y", {}),
    ]
    one = model(nodes, (6,), w1=normal(8, 6), b1=normal(8), w2=normal(8, 4), b2=normal(4))
    network = check(one, (6,))
    assert [n.name for n in network.graph.nodes] == ["gemm_0", "relu_1", "matmul_2", "softmax_5"]
    assert np.any(network.graph.matrices[1][1]), "the constant that is added is the bias"


@pytest.mark.parametrize("auto", ["pads", "VALID", "SAME_UPPER", "SAME_LOWER"])
def test_a_convolutional_network(auto):
    geometry = {"pads": [1, 0, 2, 1]} if auto == "pads" else {"auto_pad": auto}
    nodes = [
        ("Conv", "x w1 b1", "a", {"strides": [2, 1], "kernel_shape": [3, 2], **geometry}),
        ("BatchNormalization", "a gamma beta mu var", "b", {"epsilon": 1e-3}),
        ("LeakyRelu", "b", "c", {"alpha": 0.2}),
        ("MaxPool", "c", "d", {"kernel_shape": [2, 2], "strides": [1, 1]}),
        ("Conv", "d w2", "e", {"dilations": [1, 2], "group": 2, "kernel_shape": [1, 2]}),
        ("Sigmoid", "e", "f", {}),
        ("AveragePool", "f", "g", {"kernel_shape": [2, 2], "strides": [1, 1], "pads": [1, 1, 0, 0]}),
        ("Flatten", "g", "y", {}),
    ]
    values = {"gamma": normal(4), "beta": normal(4), "mu": normal(4), "var": np.abs(normal(4)) + 0.5}
    one = model(nodes, (2, 9, 8), w1=normal(4, 2, 3, 2), b1=normal(4), w2=normal(6, 2, 1, 2), **values)
    network = check(one, (2, 9, 8))
    assert not [n.name for n in network.graph.nodes if "norm" in n.name], "the batch norm is part of the convolution"
    assert len(network.layers) == 3


def test_a_residual_network_with_a_sequence_of_axes():
    """As exporters from Keras write it: channels last, moved by Transpose; a sum, a mean, parts side by side."""
    nodes = [
        ("Transpose", "x", "a", {"perm": [0, 3, 1, 2]}),
        ("Conv", "a w1", "b", {"pads": [1, 1, 1, 1]}),
        ("Mul", "b scale", "c", {}),
        ("Add", "c a", "d", {}),
        ("Slice", "d start stop axes steps", "d2", {}),
        ("Tanh", "d2", "e2", {}),
        ("Pad", "e2 back", "e", {}),
        ("BatchNormalization", "d gamma beta mu var", "f", {}),
        ("Concat", "e f", "g", {"axis": 1}),
        ("GlobalAveragePool", "g", "h", {}),
        ("Reshape", "h sizes", "i", {}),
        ("ReduceMean", "g", "j", {"axes": [2, 3], "keepdims": 0}),
        ("Sub", "i j", "k", {}),
        ("Add", "k i", "l", {}),
        ("Gemm", "l w2", "m", {}),
        ("BatchNormalization", "m gamma beta mu var", "n", {}),
        ("Clip", "n low", "o", {}),
        ("Div", "one o", "p", {}),
        ("Pad", "p pads", "y", {}),
    ]
    values = {"gamma": normal(3), "beta": normal(3) + 3, "mu": normal(3), "var": np.abs(normal(3)) + 0.5}
    constants = {"w1": normal(3, 3, 3, 3), "w2": normal(6, 3), "scale": normal(3, 1, 1), "one": np.float32(1.0)}
    more = {"low": np.float32(0.5), "pads": integers(0, 1, 0, 2), "sizes": integers(-1, 6)}
    more |= {"start": integers(-1), "stop": integers(0), "axes": integers(3), "steps": integers(-2)}
    more |= {"back": integers(0, 0, 0, 1, 0, 0, 0, 1)}
    network = check(model(nodes, (5, 4, 3), **values, **constants, **more), (5, 4, 3))
    norms = [n.name for n in network.graph.nodes if "norm" in n.name]
    assert norms == ["batchnormalization_7"], "only the one after the dense layer is part of a matrix"


@pytest.mark.parametrize("op", ["RNN", "LSTM", "GRU", "GRU, reset after the product"])
@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
def test_recurrent_networks(op, direction):
    """Samples first, as PyTorch and Keras export it; the reference evaluator has no directions for RNN and GRU."""
    op, after = op[:4].strip(","), op.endswith("product")
    gates, both, units = {"RNN": 1, "LSTM": 4, "GRU": 3}[op], 1 + (direction == "bidirectional"), 3
    options = {"hidden_size": units, "direction": direction}
    if after:
        options["linear_before_reset"] = 1
    nodes = [("Transpose", "x", "a", {"perm": [1, 0, 2]}), (op, "a w r b", "s h", options)]
    nodes += [("Transpose", "s", "t", {"perm": [2, 0, 1, 3]}), ("Reshape", "t flat", "u", {})]
    nodes += [
        ("Transpose", "h", "v", {"perm": [1, 0, 2]}),
        ("Flatten", "v", "i", {}),
        ("Concat", "u i", "y", {"axis": 1}),
    ]
    w, r, b = normal(both, gates * units, 2), normal(both, gates * units, units), normal(both, 2 * gates * units)
    one = model(nodes, (5, 2), w=w, r=r, b=b, flat=integers(0, -1))
    if direction == "forward":
        check(one, (5, 2))
        return
    # The other direction is the forward one of the reversed sequence.
    x = normal(3, 5, 2)
    network = AnalogNetwork.from_onnx(one, IDEAL, calibration=x, classes=())
    found, parts = network.decision(x), []
    for k in range(both):
        back = direction == "reverse" or k == 1
        nodes[1][3]["direction"] = "forward"
        single = model(nodes, (5, 2), w=w[k : k + 1], r=r[k : k + 1], b=b[k : k + 1], flat=integers(0, -1))
        y = ReferenceEvaluator(single).run(None, {"x": x[:, ::-1] if back else x})[0]
        states, last = y[:, :15].reshape(3, 5, units), y[:, 15:]
        parts.append((states[:, ::-1] if back else states, last))
    wanted = [np.stack([p[0] for p in parts], axis=2).reshape(3, -1), np.concatenate([p[1] for p in parts], axis=1)]
    np.testing.assert_allclose(found, np.concatenate(wanted, axis=1), atol=1e-6)


def test_a_last_state_and_first_states_of_zeros():
    """As PyTorch exports it: zeros of a shape that follows from the input's, and the last time taken."""
    nodes = [
        ("Shape", "x", "size", {}),
        ("Gather", "size zero", "n", {"axis": 0}),
        ("Unsqueeze", "n first", "n1", {}),
        ("Concat", "ones n1 units", "whole", {"axis": 0}),
        ("ConstantOfShape", "whole", "h0", {}),
        ("Transpose", "x", "a", {"perm": [1, 0, 2]}),
        ("LSTM", "a w r b  h0 h0".replace("  ", " empty "), "s", {"hidden_size": 3}),
        ("Squeeze", "s second", "t", {}),
        ("Gather", "t last", "u", {"axis": 0}),
        ("MatMul", "u w2", "y", {}),
    ]
    indices = {"zero": np.int64(0), "first": integers(0), "second": integers(1), "last": np.int64(-1)}
    more = {"ones": integers(1), "units": integers(3), "w2": normal(3, 2)}
    one = model(nodes, (4, 2), w=normal(1, 12, 2), r=normal(1, 12, 3), b=normal(1, 24), **indices, **more)
    for node in one.graph.node:
        node.input[:] = ["" if name == "empty" else name for name in node.input]
    check(one, (4, 2))


@pytest.mark.parametrize(
    ("op", "attributes"),
    [
        *[(op, {}) for op in ("Relu", "LeakyRelu", "Elu", "HardSigmoid", "HardSwish", "Selu", "Sigmoid", "Softplus")],
        *[(op, {}) for op in ("Softsign", "Mish", "Tanh", "Abs", "Neg", "Exp", "Erf", "LogSoftmax", "Gelu")],
        ("Elu", {"alpha": 0.3}),
        ("Gelu", {"approximate": "tanh"}),
        ("HardSigmoid", {"alpha": 0.3, "beta": 0.1}),
    ],
)
def test_activations(op, attributes):
    check(model([("Gemm", "x w", "a", {}), (op, "a", "y", attributes)], (3,), opset=20, w=normal(3, 4)), (3,))


def test_files_and_options(tmp_path):
    one = model([("Gemm", "x w", "a", {}), ("Gemm", "a v", "y", {})], (3,), w=normal(3, 4), v=normal(4, 2))
    onnx.save(one, tmp_path / "net.onnx")
    coarse = Recipe(conductance_limits=(1e-6, 1e-5), adc_bits=3)
    x = normal(5, 3)
    options = {"per_layer": {"gemm_0": IDEAL}, "exclude": ["gemm_1"]}
    network = AnalogNetwork.from_onnx(tmp_path / "net.onnx", coarse, calibration=x, **options)
    np.testing.assert_allclose(network.decision(x), ReferenceEvaluator(one).run(None, {"x": x})[0], atol=1e-6)
    assert set(network.predict(x)) <= {0, 1}
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(InputError, match=r"model: got '.*text.onnx', which is no ONNX model"):
        AnalogNetwork.from_onnx(tmp_path / "text.onnx", IDEAL, calibration=x)
    with pytest.raises(InputError, match=r"model: got '.*none.onnx' \(No such file"):
        AnalogNetwork.from_onnx(tmp_path / "none.onnx", IDEAL, calibration=x)
    with pytest.raises(InputError, match=r"model: got int"):
        AnalogNetwork.from_onnx(3, IDEAL, calibration=x)


STATES = {"w": normal(1, 9, 2), "r": normal(1, 9, 3)}


@pytest.mark.parametrize(
    ("nodes", "shape", "constants", "message"),
    [
        ([("ConvTranspose", "x w", "y", {})], (1, 3), {"w": normal(1, 1, 2)}, r"'convtranspose_0' \(ConvTranspose\)"),
        ([("MatMul", "x x", "y", {})], (3, 3), {}, r"'matmul_0' \(MatMul\): got a second factor that depends"),
        (
            [("MatMul", "w x", "y", {})],
            (3, 3),
            {"w": normal(3, 3)},
            r"'matmul_0' \(MatMul\): got a constant on the left",
        ),
        (
            [("Gemm", "x w", "y", {"transA": 1})],
            (3,),
            {"w": normal(3, 3)},
            r"\(Gemm\): got transA=1; allowed: transA=0",
        ),
        ([("Softmax", "x", "y", {"axis": 0})], (3,), {}, r"\(Softmax\): got axis 0"),
        ([("Transpose", "x", "y", {"perm": [1, 0]})], (3,), {}, r"samples along axis 1; allowed: samples along axis 0"),
        ([("Reshape", "x s", "y", {})], (4,), {"s": integers(2, 2)}, r"\(Reshape\): got shape \[2, 2\]"),
        ([("GRU", "x w r", "y", {"hidden_size": 3})], (4, 2), STATES, r"\(GRU\): got inputs with samples along axis 0"),
        ([("Constant", "", "y", {"value_float": 1.0})], (3,), {}, r"output 'y', which does not depend on the input"),
        ([("Gemm", "x w", "y", {})], (3,), {"w": normal(4, 3)}, r"gemm_0, inputs: got shape \(1, 3\)"),
        ([("Gemm", "x w", "y", {})], (3,), {"w": np.float32([[np.nan]] * 3)}, r"'gemm_0' \(Gemm\), weights: got nan"),
        ([("MaxPool", "x", "y", {})], (1, 3), {}, r"'maxpool_0' \(MaxPool\): got .*kernel_shape"),
        ([("Relu", "x", "y", {})], (3,), {}, r"layers: got none with a matrix"),
        ([("Relu", "x", "z", {})], (3,), {}, r"output 'y'"),
    ],
)
def test_nodes_that_cannot_be_mapped_are_named(nodes, shape, constants, message):
    with pytest.raises(InputError, match=message):
        AnalogNetwork.from_onnx(model(nodes, shape, **constants), IDEAL, calibration=np.ones((2, *shape)))


def test_several_inputs_and_operators_of_others_are_refused():
    one = model([("Add", "x z", "y", {})], (3,))
    one.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 3]))
    with pytest.raises(InputError, match="model: got 2 inputs: x, z"):
        AnalogNetwork.from_onnx(one, IDEAL, calibration=np.ones((2, 3)))
    one = model([("Relu", "x", "y", {})], (3,))
    one.graph.node[0].domain = "ai.onnx.ml"
    with pytest.raises(InputError, match=r"'relu_0' \(Relu\): got domain 'ai.onnx.ml'"):
        AnalogNetwork.from_onnx(one, IDEAL, calibration=np.ones((2, 3)))
