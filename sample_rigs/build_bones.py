"""Put the drawn bones on the sample model's bodies: each mesh in its body's frame, as `.vtp` text for OpenSim too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from ..simspine_addon.model.mesh_files import MeshData, write_vtp
from .anthropometry import SACRAL_SLOPE_DEG, Subject, sacral_endplate, shoulder_place, torso_place
from .arm_joints import forearm
from .bones import hand_foot, long_bones, pelvis, shoulder, skull, thorax, vertebra
from .bones.mesh_tools import BoneMesh, merge
from .keypoints import vertebra_placements
from .skeleton import sacrum_centre, subtalar_place, toe_joint_in_calcn

Array = NDArray[np.float64]
GRID_M = 1e-4  # vertices are rounded to 0.1 mm: half the size, nothing to see
SCAPULA_TURN_DEG = 7.0  # further round the chest than drawn, so that the blades lie behind the ribs
VERTEBRA_DETAIL = 1.0  # of the drawing's own number of vertices
SIDES = (("r", "right"), ("l", "left"))


def _lean(inclination_deg: float) -> Array:
    """Rotation [3, 3] that leans Y forward by the angle."""
    return Rotation.from_euler("Z", -inclination_deg, degrees=True).as_matrix()


def mesh_file_of(level: str) -> str:
    """The file of a vertebra: L5 is lumbar5.vtp, T1 thoracic1.vtp, C7 cervical7.vtp."""
    region = {"L": "lumbar", "T": "thoracic", "C": "cervical"}[level[0]]
    return f"{region}{level[1:]}.vtp"


def _vertebrae(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    for level, place in vertebra_placements(subject).items():
        depth, height, width = place.size
        mesh = vertebra.vertebra(level, body_height=height, body_width=width, body_depth=depth, detail=VERTEBRA_DETAIL)
        yield mesh_file_of(level), mesh.moved(_lean(place.inclination_deg), place.centre)


def _pelvis(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    hip = np.array([subject.hip_centre[0], subject.hip_centre[1], 0.0])
    endplate = sacral_endplate(subject)
    rise = float(endplate[1] - hip[1])
    for letter, side in SIDES:
        yield f"hip_{letter}.vtp", pelvis.hip_bone(side, subject.hip_centre[2], rise).moved(None, hip)
    up_axis = _lean(SACRAL_SLOPE_DEG).T @ (endplate - sacrum_centre(subject))
    yield "sacrum.vtp", pelvis.sacrum(0.0, scale=rise / pelvis.S1_HEIGHT).moved(None, up_axis)


def _legs(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    size = subject.height_m / 1.75
    for letter, side in SIDES:
        yield f"femur_{letter}.vtp", long_bones.femur(subject.thigh, side)
        yield f"patella_{letter}.vtp", long_bones.patella(0.044 * size, side)
        yield f"tibia_{letter}.vtp", long_bones.tibia(subject.shank, side)
        yield f"fibula_{letter}.vtp", long_bones.fibula(subject.shank, side)
        yield from _foot(subject, letter, side)


def _foot(subject: Subject, letter: str, side: str) -> Iterator[tuple[str, BoneMesh]]:
    """The drawn foot, stretched so that its ankle and its toe joints fall on the model's."""
    heel, toes = hand_foot.foot_offsets(subject.foot_length, side)
    ankle_to_toes = subtalar_place(subject) + toe_joint_in_calcn(subject)
    stretch = (float(ankle_to_toes[0] / (heel + toes)[0]), float(ankle_to_toes[1] / (heel + toes)[1]), 1.0)
    length = subject.foot_length
    hind = hand_foot.calcaneus_mesh(side, length).moved(None, heel).scaled(stretch)
    yield f"talus_{letter}.vtp", hand_foot.talus_mesh(side, length).scaled(stretch)
    yield f"foot_{letter}.vtp", hind.moved(None, -subtalar_place(subject))
    sideways = np.array([0.0, 0.0, (heel + toes)[2]])
    yield f"toes_{letter}.vtp", hand_foot.toes_mesh(side, length).scaled(stretch).moved(None, sideways)


def _arms(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    """The forearm and the hand are drawn with the thumb forward, the pose at a pro_sup of 90 deg."""
    for letter, side in SIDES:
        lower = forearm(subject, letter)
        hanging = Rotation.from_euler("Y", 90.0 if letter == "r" else -90.0, degrees=True).as_matrix()
        radius = long_bones.radius(subject.forearm, side).moved(None, -lower.radial_head).moved(lower.turned.T)
        yield f"humerus_{letter}.vtp", long_bones.humerus(subject.upper_arm, side)
        yield f"ulna_{letter}.vtp", long_bones.ulna(subject.forearm, side)
        yield f"radius_{letter}.vtp", radius
        yield f"hand_{letter}.vtp", hand_foot.hand(side, subject.hand).moved(hanging.T)


def _chest(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    size, places = subject.height_m / 1.75, vertebra_placements(subject)
    levels = [places[f"T{number}"] for number in range(1, 13)]
    centres = np.array([level.centre for level in levels])
    leans = np.stack([_lean(level.inclination_deg) for level in levels])
    width, depth = thorax.CHEST_WIDTH * size, thorax.CHEST_DEPTH * size
    yield "thorax.vtp", merge(list(thorax.thorax(centres, leans, width, depth).values()))
    turn = Rotation.from_euler("Y", SCAPULA_TURN_DEG, degrees=True).as_matrix()
    notch = thorax.chest_frame(centres, leans, width, depth).jugular_notch
    for letter, side in SIDES:
        sign = 1.0 if letter == "r" else -1.0
        joint = (shoulder_place(subject) - torso_place(subject)) * [1.0, 1.0, sign]
        sternal_end = notch + np.array([-0.006, 0.0, sign * 0.022]) * size
        acromial_end = joint + (turn if letter == "r" else turn.T) @ shoulder.acromion(side, size)
        blade = shoulder.scapula(side, size).moved(turn if letter == "r" else turn.T)
        yield f"scapula_{letter}.vtp", blade.moved(None, joint)
        yield f"clavicle_{letter}.vtp", shoulder.clavicle_between(sternal_end, acromial_end, side)


def _head(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    """Chin to vertex takes 0.119 of stature, 7 mm less than with skin (ours)."""
    height = 0.119 * subject.height_m
    yield "skull.vtp", skull.skull(height)
    yield "jaw.vtp", skull.mandible(height)


def bones(subject: Subject) -> Iterator[tuple[str, BoneMesh]]:
    """(file name, mesh in its body's frame) of every bone that the model names."""
    for part in (_vertebrae, _pelvis, _legs, _arms, _chest, _head):
        yield from part(subject)


def write_bones(folder: Path, subject: Subject) -> list[Path]:
    """Write every bone into `folder`; returns the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, bone in bones(subject):
        rounded = np.round(bone.vertices / GRID_M) * GRID_M
        path = folder / name
        write_vtp(path, MeshData(path.stem, rounded, bone.indices, bone.offsets), binary=False)
        written.append(path)
    return written
