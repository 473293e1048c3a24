"""Names and orders of the published SIMSPINE files: markers, joint angles, units, world.

Facts from the paper (arXiv 2602.20792) and its released files: the 37 markers of the HDF5 stand in an order of their
own; `.trc` and HDF5 markers are in OpenSim's ground, calibrations in a Z-up world, (z, x, y) of it; joint angles are
those of OpenSim's `.mot`, in degrees and metres.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.capture.calibration import FILE_FROM_GROUND
from ..simspine_addon.capture.camera import Camera
from ..simspine_addon.model.errors import InputError
from .label_anatomy import columns
from .labels import Labels
from .recording import Recording

Array = NDArray[np.float64]

METADATA_GROUP, CAMERA_GROUP = "metadata", "calibration"  # beside the subjects and beside their actions in the HDF5

_LIMB = "Clavicle Shoulder Elbow Wrist", "Hip Knee Ankle BigToe SmallToe Heel"
_MIDLINE = "Hip Spine_01 Spine_02 Spine_03 Spine_04 Spine_05 Neck Neck_02 Neck_03 Head Nose"
MARKERS: tuple[str, ...] = (
    *_MIDLINE.split(),
    *(f"{side}{part}" for part in ("Eye", "Ear", "Latissimus") for side in "RL"),
    *(f"{side}{part}" for limb in _LIMB for side in "RL" for part in limb.split()),
)
"""Order of the 37 markers in the HDF5 and npz."""

_LEG = "hip_flexion hip_adduction hip_rotation knee_angle knee_angle_{}_beta ankle_angle subtalar_angle mtp_angle"
_ARM = "arm_flex arm_add arm_rot elbow_flex pro_sup wrist_flex wrist_dev"
_LEVELS = "L5_S1 L4_L5 L3_L4 L2_L3 L1_L2 L1_T12"
_LEVEL_TURNS = "Flex_Ext Lat_Bending axial_rotation"
_PELVIS = "tilt list rotation tx ty tz"
_TRUNK = "Abs_r3 Abs_r2 Abs_r1 Abs_t1 Abs_t2 neck_flexion neck_bending neck_rotation"


def _sided(parts: str, side: str) -> list[str]:
    return [part.format(side) if "{}" in part else f"{part}_{side}" for part in parts.split()]


KINEMATIC_AXES: tuple[str, ...] = (
    *(f"pelvis_{part}" for part in _PELVIS.split()),
    *(name for side in "rl" for name in _sided(_LEG, side)),
    *(f"{level}_{turn}" for level in _LEVELS.split() for turn in _LEVEL_TURNS.split()),
    *_TRUNK.split(),
    *(name for side in "rl" for name in _sided(_ARM, side)),
)
"""The 62 axes in the order of the HDF5."""

TRANSLATIONS = frozenset(("pelvis_tx", "pelvis_ty", "pelvis_tz", "Abs_t1", "Abs_t2"))
_Z_UP_AXES: list[int] = FILE_FROM_GROUND["pose2sim"].argmax(axis=1).tolist()

CAMERA_CONVENTION = "X_cam = R X + t with X = (z, x, y) of OpenSim's ground (Z up, m); x right, y down, z forward"
MARKER_WORLD = "OpenSim's ground: Y up, X forward, Z right, m"
ANGLE_UNITS = "degrees; m for pelvis_tx, pelvis_ty, pelvis_tz, Abs_t1, Abs_t2"


def marker_order(keypoint_names: Sequence[str]) -> list[int]:
    """For each of the 37 markers its place among `keypoint_names`.

    Raises:
        InputError: keypoints that are not the 37 of SIMSPINE.
    """
    missing = [name for name in MARKERS if name not in keypoint_names]
    if missing:
        raise InputError(f"SIMSPINE's files need 37 keypoints; there is no {', '.join(missing[:4])}")
    return [list(keypoint_names).index(name) for name in MARKERS]


def in_file_units(names: Sequence[str]) -> Array:
    """What turns rad into the file's degrees and leaves m alone, [A]."""
    return np.array([1.0 if name in TRANSLATIONS else 180.0 / np.pi for name in names])


def kinematics(person: Labels) -> Array:
    """The 62 axes [T, 62] in degrees and m; NaN where the person's model has none."""
    return columns(person.anatomy, KINEMATIC_AXES, len(person.time)) * in_file_units(KINEMATIC_AXES)


def in_z_up_world(values: Array) -> Array:
    """Points [..., 3] of OpenSim's ground in the calibrations' world, X_file = P X; or R [..., 3, 3] for such points.

    P only exchanges axes, and so R_file = R P^T has the columns of R in another order, to the last bit.
    """
    return values[..., _Z_UP_AXES]


def distortions(cameras: Sequence[Camera]) -> Array:
    """`dist` [V, D], k1 k2 p1 p2 (k3 ...), padded with zeros to one length of at least 4.

    Raises:
        InputError: fisheye and other lenses side by side, which one table of coefficients cannot tell apart.
    """
    kinds = {camera.distortion_model for camera in cameras if camera.distortion.size and camera.distortion.any()}
    if len(kinds) > 1:
        raise InputError("SIMSPINE's files cannot hold fisheye and other lenses together", hint="choose another format")
    length = max(4, *(camera.distortion.size for camera in cameras))
    return np.array([np.pad(camera.distortion, (0, length - camera.distortion.size)) for camera in cameras])


class Named(Protocol):
    """What a recording is called, and whose it is."""

    @property
    def name(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def action(self) -> str: ...


def action_names(recordings: Sequence[Named]) -> list[str]:
    """What each recording's action is called within its subject: its action, or, where two share one, its own name.

    Raises:
        InputError: names that the layouts cannot tell apart, or have for something else.
    """
    keys = [(recording.subject, safe_name(recording.action)) for recording in recordings]
    counts = Counter(keys)
    names = [
        key[1] if counts[key] == 1 else safe_name(recording.name)
        for key, recording in zip(keys, recordings, strict=True)
    ]
    names = [f"{name}_" if name == CAMERA_GROUP else name for name in names]
    if METADATA_GROUP in {recording.subject for recording in recordings}:
        raise InputError(f"SIMSPINE's files have no room for a subject called '{METADATA_GROUP}'", hint="rename it")
    subjects = [recording.subject for recording in recordings]
    twice = [each for each, count in Counter(zip(subjects, names, strict=True)).items() if count > 1]
    if twice:
        subject, name = twice[0]
        problem = f"two recordings of the subject {subject} would both be called '{name}' in SIMSPINE's files"
        raise InputError(problem, hint="name them apart by letters and digits")
    return names


def safe_name(name: str) -> str:
    """A name for files and groups: letters, digits, `-`, `_`; whatever else becomes `_`."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "unnamed"


def image_name(recording: Recording, view: int, index: int) -> str:
    """The image of a view and frame; where only labels were made, what it would be called."""
    if recording.image_names[view] and recording.image_names[view][index]:
        return recording.image_names[view][index]
    first = recording.people[0]
    camera, frame = safe_name(first.cameras[view].name), int(first.frames[index])
    return f"images/{safe_name(recording.name)}/{camera}/{frame:06d}.png"


def has_images(recording: Recording) -> bool:
    return all(names and all(names) for names in recording.image_names)


def moves(person: Labels) -> NDArray[np.bool_]:
    """Which cameras [V] are carried about."""
    turned = (person.camera_rotations != person.camera_rotations[:, :1]).any(axis=(1, 2, 3))
    return turned | (person.camera_translations != person.camera_translations[:, :1]).any(axis=(1, 2))
