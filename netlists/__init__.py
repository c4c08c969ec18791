"""The same circuits in SPICE, and the comparison of our solutions with those of simulators.

The stub ``__init__.pyi`` lists the public names; each is imported from its file on first use.

>>> from devices import Sine, device
>>> from netlists import device_circuit, write_ngspice
>>> print(write_ngspice(device_circuit(device("vteam"), Sine(1.0, 2e6))).splitlines()[0])
* vteam under Sine
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
