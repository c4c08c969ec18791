"""The Python of docs/sweeps.md runs."""

import re
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "sweeps.md"


def test_the_python_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 3
    namespace: dict = {}
    for block in blocks:
        fewer = block.replace("trials=5", "trials=2").replace("trials=10", "trials=3")
        exec(compile(fewer, PAGE.name, "exec"), namespace)
    result = namespace["result"]
    assert (result.status == 1).all()
    assert np.isfinite(result.accuracy).all()
    assert "needs sigma" in capsys.readouterr().out
