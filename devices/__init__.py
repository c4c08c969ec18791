"""Physics of one memristive cell: models as equations, parameter sets with sources, transients.

The stub ``__init__.pyi`` lists the public names; each is imported from its file on first use.

>>> from devices import Sine, device, simulate
>>> trace = simulate(device("linear_ion_drift"), Sine(amplitude=1.0, frequency=1.0))
>>> trace.current.shape == trace.time.shape
True
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
