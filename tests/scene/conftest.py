"""An empty scene, and people made of plain numbers: what the tests of the scene share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

bpy = pytest.importorskip("bpy")

from simspine.simspine_addon.kinematics.pose_track import PoseTrack  # noqa: E402
from simspine.simspine_addon.model.types import Body, Coordinate, Geometry, Joint, Model, Motion  # noqa: E402

OPENSIM_TO_BLENDER = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' formula."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def angle_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Angles in degrees between rotation matrices [..., 3, 3], exact for small ones."""
    chord = np.linalg.norm(first - second, axis=(-2, -1)) / np.sqrt(8.0)
    return np.degrees(2.0 * np.arcsin(np.clip(chord, 0.0, 1.0)))


class People:
    """Builders of pose tracks, models and motions from a random tree of joints."""

    to_blender = OPENSIM_TO_BLENDER
    rotation = staticmethod(rotation)
    angle_between = staticmethod(angle_between)

    @staticmethod
    def track(bodies: int = 12, frames: int = 20, rate: float = 60.0, start: float = 0.0, seed: int = 1) -> PoseTrack:
        """A tree that turns without limits, as fast as half a turn in a few frames; body 2 also slides."""
        random = np.random.default_rng(seed)
        parents = np.array([-1, 0, 1] + [int(random.integers(0, body)) for body in range(3, bodies)])[:bodies]
        positions, rotations = np.empty((frames + 1, bodies, 3)), np.empty((frames + 1, bodies, 3, 3))
        centres = random.uniform(-0.3, 0.3, (bodies, 3))
        for body, parent in enumerate(parents):
            axis, phase = random.normal(size=3), random.uniform(-3, 3)
            place = random.uniform(-0.4, 0.4, 3)
            for frame in range(frames + 1):  # the last one is the rest pose
                turn = rotation(axis, phase + 0.6 * frame) if frame < frames else rotation(axis, phase)
                slide = 0.01 * np.sin(0.4 * frame + np.arange(3.0)) if body in (0, 2) else np.zeros(3)
                centre = place + slide
                if parent >= 0:
                    centre = positions[frame, parent] + rotations[frame, parent] @ centre
                    turn = rotations[frame, parent] @ turn
                rotations[frame, body] = turn
                positions[frame, body] = centre - turn @ centres[body]
        return PoseTrack(
            time=start + np.arange(frames) / rate,
            names=tuple(f"body_{body}" for body in range(bodies)),
            parents=parents,
            positions=positions[:-1],
            rotations=rotations[:-1],
            centres=centres,
            rest_positions=positions[-1],
            rest_rotations=rotations[-1],
        )

    @staticmethod
    def standing(
        parents: Sequence[int],
        joints: np.ndarray,
        names: Sequence[str] | None = None,
        origins: np.ndarray | None = None,
    ) -> PoseTrack:
        """One frame at rest, with the joint centres [B, 3] where they are wanted and bodies aligned with ground."""
        joints = np.asarray(joints, dtype=np.float64)
        origins = joints if origins is None else np.asarray(origins, dtype=np.float64)
        upright = np.broadcast_to(np.eye(3), (len(parents), 3, 3)).copy()
        names = tuple(names or (f"body_{body}" for body in range(len(parents))))
        centres = joints - origins
        return PoseTrack(np.zeros(1), names, np.array(parents), origins[None], upright[None], centres, origins, upright)

    @staticmethod
    def model(
        track: PoseTrack,
        geometry: Iterable[Geometry] = (),
        coordinates: Iterable[Coordinate] = (),
        path: Path | None = None,
    ) -> Model:
        """A model with the track's bodies; its joints are never evaluated here."""
        bodies = tuple(Body(name, 1.0, np.zeros(3), np.ones(6)) for name in track.names)
        joints = tuple(
            Joint(f"joint_{i}", "CustomJoint", int(parent), i, np.eye(4), np.eye(4), (), ())
            for i, parent in enumerate(track.parents)
        )
        return Model("person", 40500, bodies, joints, tuple(coordinates), (), (), tuple(geometry), path)

    @staticmethod
    def motion(track: PoseTrack, coordinates: Sequence[Coordinate]) -> Motion:
        """Values that grow from frame to frame and from coordinate to coordinate."""
        values = np.arange(len(track.time))[:, None] * 0.1 + np.arange(len(coordinates))
        return Motion(track.time, tuple(each.name for each in coordinates), values)

    @staticmethod
    def at_times(track: PoseTrack, time: np.ndarray) -> PoseTrack:
        return replace(track, time=np.asarray(time, dtype=np.float64))


@pytest.fixture(scope="session")
def people() -> type[People]:
    return People


@pytest.fixture
def scene() -> bpy.types.Scene:
    """An empty scene in a fresh session."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    return bpy.context.scene
