"""Edits that leave a kernel's own code as it was and must change its key all the same."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sympy

from devices import VOLTAGE, Control, DeviceModel, Parameter, ParameterSet, State, device, models
from devices.common import jit

ROOT = Path(__file__).parents[3]
HEAD = "import enum\nimport numpy as np\nfrom typing import NamedTuple\nfrom devices.common.jit import jit, overload\n"
CASES = {
    "which of two functions of one name": (
        "def made(k):\n    @jit\n    def inner(x):\n        return k * x\n    return inner\n"
        "A, B = made(1.0), made(7.0)\n@jit\ndef g(x):\n    return A(x) - 2 * B(x)\n",
        ("made(1.0), made(7.0)", "made(7.0), made(1.0)"),
        "g(1.0)",
        ["-13.0", "5.0"],
    ),
    "fields of a constant": (
        "class P(NamedTuple):\n    x: float\n    y: float\nV = P(1.0, 2.0)\n@jit\ndef g(a):\n    return V.x * a\n",
        ("x: float\n    y", "y: float\n    x"),
        "g(1.0)",
        ["1.0", "2.0"],
    ),
    "fields in a list": (
        "import numba\nclass P(NamedTuple):\n    x: float\n    y: float\n@jit\ndef g(a):\n    return a[0].x\n",
        ("x: float\n    y", "y: float\n    x"),
        "g(numba.typed.List([P(1.0, 2.0)]))",
        ["1.0", "2.0"],
    ),
    "values of an enumeration": (
        "class C(enum.Enum):\n    R = 1.0\n@jit\ndef g(a):\n    return C.R.value * a\n",
        ("R = 1.0", "R = 5.0"),
        "g(1.0)",
        ["1.0", "5.0"],
    ),
    "columns of an array": (
        "T = np.array([(1.0, 2.0)], dtype=[('a', 'f8'), ('b', 'f8')])\n@jit\ndef g(x):\n    return T[0].a * x\n",
        ("('a', 'f8'), ('b', 'f8')", "('b', 'f8'), ('a', 'f8')"),
        "g(1.0)",
        ["1.0", "2.0"],
    ),
    "options of a kernel that is passed": (
        "@jit\ndef k(a, b, c):\n    return a * b + c\n@jit\ndef g(f, a, b, c):\n    return f(a, b, c)\n",
        ("@jit\ndef k", "@jit(contract=True)\ndef k"),
        "g(k, 0.1, 10.0, -1.0) > 0.0",
        ["False", "True"],
    ),
    "an implementation that came after a call": (
        "from numba import types\ndef s(x): ...\n@overload(s)\ndef _a(x):\n    if isinstance(x, types.Float):\n"
        "        return lambda x: x + 1.0\n@jit\ndef g(x):\n    return s(x)\ng(1.0)\n@overload(s)\ndef _b(x):\n"
        "    if isinstance(x, types.Integer):\n        return lambda x: x * 100\n",
        ("x * 100", "x * 200"),
        "g(1)",
        ["100", "200"],
    ),
}


def run(folder, code):
    env = {**os.environ, "MEMDUCTANCE_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": f"{folder}:{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", CASES)
def test_an_edit_changes_the_result(name, tmp_path):
    text, (before, after), call, wanted = CASES[name]
    found = []
    for edited in (text, text.replace(before, after)):
        (tmp_path / "m.py").write_text(HEAD + edited)
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        found.append(run(tmp_path, f"from m import *; print({call})"))
    assert found == wanted


def test_a_constant_that_is_replaced_while_running_leaves_no_file_behind(tmp_path):
    (tmp_path / "m.py").write_text(HEAD + "F = 0.5\n@jit\ndef g(x):\n    return x * F\n")
    assert run(tmp_path, "import m; m.g(1.0); m.F = 1.5; print(m.g(1))") == "1.5"
    assert run(tmp_path, "import m; print(m.g(1))") == "0.5"


def test_a_module_that_has_no_version_is_refused():
    module = type(sys)("somebody")
    with pytest.raises(TypeError, match=r"uses module, the module somebody, which .* does not cover"):
        jit.fingerprint(lambda: module.FACTOR)


def declared(name, **changes):
    x, g, k = State("x", "1", "share"), Parameter("g", "S", "conductance"), Parameter("k", "1/(V s)", "rate")
    fields = {
        "name": name,
        "title": "A rate that a third quantity sets",
        "states": (x,),
        "parameters": (Parameter("gate", "V", "gate"), g, k),
        "current": g.symbol * x.symbol * VOLTAGE,
        "rates": (k.symbol * sympy.Symbol("gate", real=True),),
        "parameter_sets": (ParameterSet("mine", {"gate": 3.0, "g": 1e-4, "k": 2.0}, {"x": 0.5}, "a test", "ours"),),
        "references": ("a test",),
        "validity": "Here.",
    }
    return DeviceModel(**{**fields, **changes})


def test_a_parameter_that_becomes_a_terminal_makes_another_kernel():
    parameter = declared("gated")
    rest = parameter.parameters[1:]
    values = ParameterSet("mine", {"g": 1e-4, "k": 2.0}, {"x": 0.5}, "a test", "ours")
    terminal = declared("gated", controls=(Control("gate", "gate"),), parameters=rest, parameter_sets=(values,))
    assert parameter.digest != terminal.digest
    assert device(parameter).rates(1.0) == 6.0
    assert device(terminal).evaluate(1.0, [0.5], [3.0])[1, 0] == 6.0


def test_names_that_only_look_like_another_kind_of_text():
    ours = device("vteam")
    assert ours.current(0.5) == device(replace(models()["vteam"], name="vteam_constants")).current(0.5)
