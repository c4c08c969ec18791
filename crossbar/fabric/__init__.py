"""Compute fabric: cores on a chip, networks placed on them, energy and latency from event costs.

The stub ``__init__.pyi`` lists the public names; each is imported from its file on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
