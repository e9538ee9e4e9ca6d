"""Types of arrays, by what they hold: for annotations."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Complex", "Float32", "Floats", "Integers", "Rows"]

Array = NDArray[np.float64]
Float32 = NDArray[np.float32]
Floats = NDArray[np.floating]  # either of the two
Complex = NDArray[np.complexfloating]
Integers = NDArray[np.int64]
Rows = NDArray[np.bool_]  # which rows, or pixels, are meant
