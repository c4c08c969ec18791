"""Compute fabric: cores on a chip, networks placed on them, energy and latency from event costs.

The public names are listed in the stub beside this file and load where they live on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
