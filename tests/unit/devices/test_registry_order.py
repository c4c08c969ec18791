"""The registry whatever is asked of it first: by several threads, beside other distributions, and after `forget`."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from devices import InputError, models, parameter_sets, register
from devices.registry import forget

ROOT = Path(__file__).parents[3]
THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from devices import device
sys.setswitchinterval(1e-6)
names = ["vteam", "jart_vcm", "resistor", "linear_ion_drift"] * 4
with ThreadPoolExecutor(8) as pool:
    assert [cell.model.name for cell in pool.map(device, names)] == names
"""
TWICE = """
from devices import InputError, device, models
for ask in (lambda: device("vteam"), models, models, lambda: device("vteam")):
    try:
        ask()
    except InputError as error:
        print(error)
"""


def run(code, *folders):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*folders, ROOT)))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_threads_that_ask_for_models_at_once_get_them():
    run(THREADS)


@pytest.mark.parametrize("names", [("vteam",), ("twin", "twin")])
def test_a_clash_with_another_distribution_is_refused_at_every_call(tmp_path, names):
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[memductance.devices]\ntheirs = theirs\n")
    made = ", ".join(f"replace(MODELS_OF_OURS[0], name={name!r})" for name in names)
    (tmp_path / "theirs.py").write_text(
        "from dataclasses import replace\nfrom devices.library.vteam import MODELS as MODELS_OF_OURS\n"
        f"MODELS = ({made},)\n"
    )
    found = run(TWICE, tmp_path)
    assert len(found) == 4, "a clash that is silent at one of the calls"
    assert len(set(found)) == 1
    assert f"name: got {names[0]!r} from " in found[0]


def test_forget_drops_the_sets_of_the_session():
    register(replace(parameter_sets("vteam")["memtorch"], name="for_now"), "vteam")
    assert "for_now" in parameter_sets("vteam")
    forget()
    assert "for_now" not in parameter_sets("vteam")
    assert "vteam" in models()
    with pytest.raises(InputError, match=r"model: got 'vteem'; .*try: vteam"):
        parameter_sets("vteem")
