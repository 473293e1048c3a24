"""Cameras in people's hands: a place and an aim that sway and drift smoothly.

Each of the six degrees of freedom is a sum of sines of random phases at frequencies drawn from a band, so it is
band-limited by construction, defined at any time (whatever the frame rate), and the same for the same seed. The bands
and sizes are this program's own choice: sway as of a person who tries to hold still, drift as of one who shifts weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..model.streams import stream
from .camera import Camera
from .camera_presets_fixed import HUMAN36M_HEIGHT_M
from .camera_presets_placing import CameraSet, Framing, facing, require, stage

Array = NDArray[np.float64]

SWAY_HZ = (0.2, 3.0)
DRIFT_HZ = (0.02, 0.1)
_SINES = 12
_TIMES_TO_FIT = np.linspace(0.0, 100.0, 97)
"""Times (s) at which the motion has to stay in each view. They are the same whichever frames are asked for, so that a
part of a recording is seen from where the whole is."""


@dataclass(frozen=True, slots=True)
class Hand:
    """How much a hand moves: standard deviations of each axis."""

    sway_m: float = 0.01
    sway_deg: float = 0.6
    drift_m: float = 0.10
    drift_deg: float = 1.5

    def __post_init__(self) -> None:
        for name in ("sway_m", "sway_deg", "drift_m", "drift_deg"):
            value = getattr(self, name)
            require(0 <= value < np.inf, f"{name} = {value} is not 0 or more")

    def moves(self, seed: int, camera: str, time: Array) -> tuple[Array, Array]:
        """Shifts [T, 3] (m, along its axes) and rotation vectors [T, 3] (rad) of one camera at `time` [T] s."""
        shift, turn = np.zeros((2, len(time), 3))
        for axis in range(3):
            draw = stream(seed, "cameras", "hand", camera, axis)
            shift[:, axis] = self.sway_m * _noise(draw, SWAY_HZ, time) + self.drift_m * _noise(draw, DRIFT_HZ, time)
            turn[:, axis] = self.sway_deg * _noise(draw, SWAY_HZ, time) + self.drift_deg * _noise(draw, DRIFT_HZ, time)
        return shift, np.radians(turn)


def handheld_preset(
    points: ArrayLike,
    framing: Framing,
    *,
    time: Array,
    seed: int,
    count: int = 1,
    height_m: float = HUMAN36M_HEIGHT_M,
    start_deg: float = 0.0,
    hand: Hand | None = None,
) -> CameraSet:
    """`count` people with cameras evenly around, the first in front (`start_deg` turns it to the right).

    They stand as near as the motion stays in view while their hands move (tried with each at 97 times of 100 s).

    Args:
        points: [T, N, 3] or [N, 3] in OpenSim's ground (Y up, m); they need not be those of the frames.
        time: [T] s of the frames.
        seed: of everything random; the same seed moves the cameras alike at any frame rate.

    Raises:
        InputError: no point that is seen, no frame, or a parameter out of its range.
    """
    require(count >= 1, f"{count} cameras are none", "give 1 or more")
    require(len(time) >= 1 and bool(np.isfinite(time).all()), "there is no frame to hold a camera for")
    require(0 < height_m < np.inf, f"the cameras' height {height_m} m is not above the floor")
    made, hand = stage(points, framing), hand or Hand()
    azimuths = np.radians(start_deg) + 2 * np.pi * np.arange(count) / count
    names = [f"cam_{number:02d}" for number in range(1, count + 1)]
    moves = [hand.moves(seed, name, np.asarray(time, float)) for name in names]
    some = [hand.moves(seed, name, _TIMES_TO_FIT) for name in names]

    def still_at(distance: float) -> list[Camera]:
        places = made.around(azimuths, height_m, distance)
        return [framing.camera(name, *facing(place, made.middle)) for name, place in zip(names, places, strict=True)]

    def cameras_at(distance: float) -> list[Camera]:
        return [
            replace(camera, R=R, t=t)
            for camera, move in zip(still_at(distance), some, strict=True)
            for R, t in zip(*_carried(camera, *move), strict=True)
        ]

    still = still_at(made.nearest(cameras_at))
    return _set_of(still, [_carried(camera, *move) for camera, move in zip(still, moves, strict=True)])


def _set_of(cameras: Sequence[Camera], poses: Sequence[tuple[Array, Array]]) -> CameraSet:
    rotations, translations = (np.stack(part) for part in zip(*poses, strict=True))
    first = tuple(
        replace(camera, R=R, t=t) for camera, R, t in zip(cameras, rotations[:, 0], translations[:, 0], strict=True)
    )
    return CameraSet(first, rotations, translations)


def _carried(camera: Camera, shift: Array, turn: Array) -> tuple[Array, Array]:
    """R [T, 3, 3] and t [T, 3] of a camera that is shifted and turned in its own frame."""
    turns = _matrices(turn)
    rotations = turns @ camera.R
    # In the camera's frame its centre moves by `shift`: t = -R (C + R0^T shift), with R = turn R0.
    return rotations, np.einsum("tij,tj->ti", turns, camera.t - shift)


def _matrices(vectors: Array) -> Array:
    """Rodrigues' formula for many vectors at once, [T, 3] rad -> [T, 3, 3]."""
    angles = np.linalg.norm(vectors, axis=-1)[:, None, None]
    x, y, z = vectors.T
    zero = np.zeros(len(vectors))
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), axis=-1).reshape(-1, 3, 3)
    bent = 0.5 * np.sinc(angles / (2 * np.pi)) ** 2 * cross @ cross
    return np.eye(3) + np.sinc(angles / np.pi) * cross + bent


def _noise(draw: np.random.Generator, band: tuple[float, float], time: Array) -> Array:
    """Smooth noise [T] of mean 0 and standard deviation 1, with no frequency outside of `band` (Hz)."""
    frequencies = draw.uniform(*band, _SINES)
    phases = draw.uniform(0, 2 * np.pi, _SINES)
    weights = 1.0 / frequencies  # hands move far slowly and little quickly
    weights *= np.sqrt(2.0 / (weights**2).sum())
    return np.sin(2 * np.pi * time[:, None] * frequencies + phases) @ weights
