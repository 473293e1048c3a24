"""Rotations taken apart into angles about one, two or three given axes, for all frames at once.

The axes may stand at any angle to each other: R = A1(t1) A2(t2) A3(t3), where Ai turns about the unit vector ai. Three
axes have two solutions, which meet where the middle rotation brings the third axis onto the first (gimbal lock).
Inside, frames are the last axis: rotations [3, 3, T], angles [N, T].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .forward import rotate
from .program import Rotate, rotate_about

Array = NDArray[np.float64]
FULL_TURN = 2.0 * np.pi
# So near to gimbal lock (rad) the first angle is the noise of single precision, and is held instead.
GIMBAL = 1e-5
