"""Cameras a little off from where they were meant to be: place, aim, focal length and principal point by chance."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..model.streams import stream
from .camera import Camera
from .camera_presets_placing import CameraSet, require
from .rotation_vector import matrix_from_vector

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Jitter:
    """The farthest that each thing may be off, evenly spread up to there on both sides.

    `position_m` along each axis of the ground, `aim_deg` about each axis of the camera, `focal_percent` of the focal
    length (both axes alike), `principal_px` along each axis of the picture.
    """

    position_m: float = 0.0
    aim_deg: float = 0.0
    focal_percent: float = 0.0
    principal_px: float = 0.0

    def __post_init__(self) -> None:
        for name in ("position_m", "aim_deg", "focal_percent", "principal_px"):
            value = getattr(self, name)
            require(0 <= value < np.inf, f"the jitter {name} = {value} is not 0 or more")
        require(self.focal_percent < 50, f"the jitter focal_percent = {self.focal_percent} is not below 50")

    @property
    def is_none(self) -> bool:
        return not (self.position_m or self.aim_deg or self.focal_percent or self.principal_px)


def jittered(cameras: CameraSet, jitter: Jitter, seed: int, *keys: str | int) -> CameraSet:
    """The set with each camera off by chance, the same in every frame.

    Each quantity of each camera has a stream of its own, `stream(seed, "cameras", QUANTITY, *keys, camera's name)`:
    more of one thing changes no other.
    """
    if jitter.is_none:
        return cameras
    off = [_offsets(camera, jitter, seed, keys) for camera in cameras.cameras]
    made = tuple(
        replace(camera, K=_lens(camera.K, focal, principal), R=turn @ camera.R, t=turn @ (camera.t - camera.R @ shift))
        for camera, (shift, turn, focal, principal) in zip(cameras.cameras, off, strict=True)
    )
    if cameras.rotations is None or cameras.translations is None:
        return CameraSet(made)
    turns, shifts = np.stack([each[1] for each in off]), np.stack([each[0] for each in off])
    moved = cameras.translations - np.einsum("vtij,vj->vti", cameras.rotations, shifts)
    return CameraSet(made, turns[:, None] @ cameras.rotations, np.einsum("vij,vtj->vti", turns, moved))


def _offsets(
    camera: Camera, jitter: Jitter, seed: int, keys: tuple[str | int, ...]
) -> tuple[Array, Array, float, Array]:
    def draw(quantity: str, count: int, most: float) -> Array:
        return most * stream(seed, "cameras", quantity, *keys, camera.name).uniform(-1.0, 1.0, count)

    turn = matrix_from_vector(draw("aim", 3, np.radians(jitter.aim_deg)))
    focal = 1.0 + float(draw("focal", 1, jitter.focal_percent / 100)[0])
    return draw("position", 3, jitter.position_m), turn, focal, draw("principal", 2, jitter.principal_px)


def _lens(K: Array, focal: float, principal: Array) -> Array:
    off = np.array(K, float)
    off[[0, 1], [0, 1]] *= focal
    off[:2, 2] += principal
    return off
