"""A program that runs a netlist in PySpice's shared library and writes the vectors into a file.

    python -P pyspice_worker.py LIBRARY NETLIST RESULT

As a program of its own it can be stopped, and a crash, or the memory that the library keeps after each run, does not
affect the process that asks for the run.
"""

import logging
import sys
import warnings
from pathlib import Path

import numpy as np


def main(library: str, netlist: str, result: str) -> None:
    """Run the netlist; the messages of ngspice go to stdout."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from PySpice.Spice.NgSpice.Shared import NgSpiceShared
    if library:
        NgSpiceShared.LIBRARY_PATH = library
    logger = logging.getLogger("PySpice")
    logger.handlers, logger.propagate = [logging.NullHandler()], False
    try:
        shared = NgSpiceShared.new_instance()  # warns that every version above 34 is unsupported
    except OSError as error:
        raise SystemExit(str(error)) from None
    messages = logging.StreamHandler(sys.stdout)
    messages.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [messages]
    try:
        shared.load_circuit(Path(netlist).read_text(encoding="utf-8"))
        shared.run()
    except (NameError, RuntimeError) as error:  # of PySpice; the messages of ngspice have been printed
        raise SystemExit(f"{type(error).__name__} {error}") from None
    plots = [plot for plot in shared.plot_names if plot != "const"]
    if not plots:
        raise SystemExit("no analysis was run")
    logger.handlers = [logging.NullHandler()]  # warns that a density of noise has no unit
    vectors = shared.plot(None, plots[-1])  # the last one is the oldest
    kinds = shared.simulation_type
    named = {}
    for name, vector in vectors.items():
        plain = name[2:-1] if name.startswith("V(") else name.removesuffix("#branch")
        if vector._type in (kinds.time, kinds.frequency) or name.endswith("noise_spectrum"):
            plain = name
        else:
            plain = f"{'v' if vector._type == kinds.voltage else 'i'}({plain})"
        data = np.asarray(vector._data)
        named[plain] = data.real.copy() if plain == "frequency" else data
    named["version"] = np.array(str(shared.ngspice_version))
    np.savez(result, **named)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(*sys.argv[1:])
