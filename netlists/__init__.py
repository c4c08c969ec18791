"""The same circuits in SPICE, and the check that both worlds agree.

The public names are listed in the stub beside this file and load where they live on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
