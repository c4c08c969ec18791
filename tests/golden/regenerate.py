"""The golden netlists: ``python -m tests.golden.regenerate`` writes them again; then read the difference.

Two circuits for each dialect: a device under pulses, and a read of 2x2 devices as a block.
"""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from crossbar import Crossbar, Wires
from devices import Pulses, device
from netlists import DIALECTS, crossbar_circuit, device_circuit, write_netlist

FOLDER = Path(__file__).parent


@cache
def golden_files():
    """Return the text of each file by name, with the present version in it."""
    cell = device_circuit(device("vteam", x=1e-9), Pulses(1.0, width=5e-9, period=1e-8, edge=1e-9))
    array = Crossbar(device("wox_scaled_decay", w=[[0.25, 0.5], [0.75, 1.0]]), Wires(2.5, 2.5, driver=50.0))
    read = crossbar_circuit(array, [0.5, 0.25]).enclosed()
    files = {}
    for dialect in DIALECTS:
        for name, circuit in (
            ("device", replace(cell, measured=("Vin",))),
            ("array", replace(read, measured=("Vs0", "Vs1"))),
        ):
            for file, text in write_netlist(circuit, dialect, name=name).items():
                files[f"{dialect}-{file}"] = text
    return files


if __name__ == "__main__":
    for name, text in golden_files().items():
        plain = re.sub(r"written by memductance \S+", "written by memductance VERSION", text)
        (FOLDER / name).write_text(plain, encoding="utf-8")
        print(name)
