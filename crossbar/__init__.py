"""Memristor cells composed into arrays that compute.

The stub ``__init__.pyi`` lists the public names; each is imported from its file on first use.

>>> from crossbar import Crossbar, Wires
>>> array = Crossbar([[1e-4, 2e-5], [5e-5, 1e-5]], Wires(word_line=1.0, bit_line=1.0))
>>> array.read([0.2, 0.1]).current.shape
(2,)
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
