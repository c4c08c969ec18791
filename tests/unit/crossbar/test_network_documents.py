"""The examples of docs/networks.md run, those of a package that is missing left out."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "networks.md"
BLOCKS = re.findall(r"```python ?(\w*)\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("package", ["", "onnx", "torch"])
def test_the_examples_run(package, capsys):
    if package and find_spec(package) is None:
        pytest.skip(f"needs the package {package}")
    if package == "torch":
        import torch

        torch.set_num_threads(1)
    namespace: dict = {}
    for kind, block in BLOCKS:
        if kind in ("", package):
            exec(compile(block, PAGE.name, "exec"), namespace)
    out = capsys.readouterr().out
    assert "fc2, inputs: got shape (1, 3); allowed: shape (samples, ..., 4)" in out
    if package == "onnx":
        assert re.search(r"fc +Dense +3 x 2\nSoftmax 1 +softmax +none", out)
    if package == "torch":
        assert re.search(r"4 +Linear +analog +10 x 144", out)
        assert list(namespace["back"].state_dict()) == list(namespace["model"].state_dict())
        assert namespace["before"] < 0.85 < namespace["accuracy"](namespace["copy"]), "tuning makes up for the arrays"
        assert namespace["accuracy"](namespace["mlp"]) > 0.95
