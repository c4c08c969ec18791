"""The type of arrays in annotations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array"]

#: An array of doubles of any shape.
Array = NDArray[np.float64]
