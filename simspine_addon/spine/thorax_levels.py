"""Where the thoracic vertebrae lie in a thorax of one body: from the bones that it draws, or from its keypoints."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from ..model.errors import InputError
from ..model.types import Geometry, Model
from .keypoints import KEYPOINT_NAMES, keypoint_places
from .published import VERTEBRAL_HEIGHT_MM

Array = NDArray[np.float64]

THORACIC_LEVELS = tuple(f"T{number}" for number in range(12, 0, -1))  # from below

# Middles between the endplates of the meshes thoracic12_s to thoracic1_s that come with OpenSim (forward and up, mm in
# the meshes' own coordinates), measured with `endplates.find_endplates` on the real capture. They stand in the table so
# that a model is deformed alike wherever its meshes are.
_OPENSIM_MESHES_MM = (
    (-19.8, 154.2), (-30.5, 184.3), (-39.5, 214.9), (-46.5, 244.1), (-50.8, 269.7), (-52.8, 296.3),
    (-53.5, 321.7), (-51.0, 346.9), (-46.2, 371.9), (-40.2, 395.6), (-34.1, 418.1), (-27.4, 439.3),
)  # fmt: skip
_OPENSIM_MESH = re.compile(r"^thoracic(1[0-2]|[1-9])_s\.\w+$", re.IGNORECASE)
# The released keypoints of the back lie 37 to 48 mm behind the lumbar vertebrae's origins (SIMSPINE's generic model).
_BEHIND_MM = 45.0
_ROUNDS = 5
_VERTEBRA = re.compile(r"^(?:thoracic[_ ]?|t)(1[0-2]|[1-9])(?![0-9a-z])", re.IGNORECASE)
_CERVICAL = re.compile(r"^(?:cervical[_ ]?|cerv|c)[1-7](?![0-9])", re.IGNORECASE)
_GIRDLE = re.compile(r"(scapula|clavicle|clavicula)[_ .]*(r|l)?", re.IGNORECASE)


def mesh_part(geometry: Geometry) -> str | None:
    """What a mesh on the thorax shows, by its file's name: "T8", "neck", "scapula_r", "scapula_l", "girdle" for the
    other bones of the shoulders, or None for anything else."""
    name = (geometry.file or "").replace("\\", "/").rsplit("/", 1)[-1]
    match = _VERTEBRA.match(name)
    if match:
        return f"T{match.group(1)}"
    if _CERVICAL.match(name):
        return "neck"
    found = _GIRDLE.search(name)
    if found is None:
        return None
    bone, side = found.group(1).lower(), (found.group(2) or "").lower()
    return f"{bone}_{side}" if bone == "scapula" and side else "girdle"


def thoracic_centres(model: Model, thorax: int, below: Array) -> tuple[Array, str]:
    """Middles of the vertebral bodies T12 to T1 in the frame of the thorax.

    Args:
        model: the model.
        thorax: index of the body.
        below: the joint T12-L1 [3] m in the body's frame.

    Returns:
        centres [12, 3] m from below, and where they come from, in words.

    Raises:
        InputError: the document says nothing of where they are.
    """
    drawn = _from_meshes(model, thorax)
    if drawn is not None:
        return drawn, "the vertebrae that it draws"
    placed = _from_keypoints(model, thorax, below)
    if placed is not None:
        return placed, "its keypoints Spine_04 (T8) and Spine_05 (T3), and published heights of vertebrae"
    raise InputError(
        "nothing tells where the thoracic vertebrae lie in this model's thorax",
        path=model.path,
        hint="add the markers Spine_04 (T8) and Spine_05 (T3) to its thorax",
    )


def _from_meshes(model: Model, thorax: int) -> Array | None:
    centres = np.full((len(THORACIC_LEVELS), 3), np.nan)
    for geometry in model.geometry:
        match = _OPENSIM_MESH.match((geometry.file or "").rsplit("/", 1)[-1])
        if match is None or geometry.body != thorax:
            continue
        row = 12 - int(match.group(1))
        own = np.array([*_OPENSIM_MESHES_MM[row], 0.0]) / 1000.0 * geometry.scale
        centres[row] = geometry.transform[:3, :3] @ own + geometry.transform[:3, 3]
    return centres if np.isfinite(centres).all() else None


def _from_keypoints(model: Model, thorax: int, below: Array) -> Array | None:
    """A parabola through the joint T12-L1 and the middles of T8 and T3, which lie in front of their keypoints."""
    places = keypoint_places(model)
    found = [KEYPOINT_NAMES.index(name) for name in ("Spine_04", "Spine_05")]
    surface = places.locations[found]
    if not np.isfinite(surface).all() or any(places.bodies[index] != thorax for index in found):
        return None
    shares, length_mm = _height_shares()
    knots = np.array([0.0, shares[THORACIC_LEVELS.index("T8")], shares[THORACIC_LEVELS.index("T3")]])
    depth = _BEHIND_MM * float(np.linalg.norm(surface[1] - below)) / (length_mm * knots[2])
    if not depth > 0.0:
        return None
    points = np.vstack([below, surface])
    for _ in range(_ROUNDS):
        bow = np.polyfit(knots, points, 2)
        along = 2.0 * bow[0] * knots[1:, None] + bow[1]
        ahead = np.stack([along[:, 1], -along[:, 0], np.zeros(2)], axis=1)
        points[1:] = surface + depth * ahead / np.linalg.norm(ahead, axis=1, keepdims=True)
    bow = np.polyfit(knots, points, 2)
    return bow[0] * shares[:, None] ** 2 + bow[1] * shares[:, None] + bow[2]


def _height_shares() -> tuple[Array, float]:
    """Where the middles of T12 to T1 stand between the discs T12-L1 (0) and C7-T1 (1), and that distance in mm."""
    names = [*THORACIC_LEVELS, "C7"]
    heights, discs = np.array([VERTEBRAL_HEIGHT_MM[name] for name in names]).T
    joints = np.cumsum([0.0, *(heights[:-1] + 0.5 * (discs[:-1] + discs[1:]))])
    middles = joints[:-1] + 0.5 * (discs[:-1] + heights[:-1])
    return middles / joints[-1], float(joints[-1])
