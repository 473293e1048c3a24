"""Mass, mass centre, inertia and mesh names of the sample model's bodies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .anthropometry import GYRATION, MASS_CENTRE, Subject, spine_column, torso_place
from .arm_joints import forearm
from .skeleton import head_place

Array = NDArray[np.float64]
SACRUM_SHARE = 0.06  # of the lower trunk (ours)
LUMBAR_SHARE = 0.45  # of the middle trunk, split over five levels; the abdomen has the rest (ours)
PATELLA_SHARE = 0.009  # of the thigh (ours)
FOOT_SHARES = {"talus": 0.08, "calcn": 0.77, "toes": 0.15}  # (ours)


@dataclass(frozen=True, slots=True)
class BodySpec:
    """Mass (kg), mass centre (m) in the body's frame, principal inertia (xx, yy, zz; kg m^2), mesh files."""

    name: str
    mass: float
    mass_centre: tuple[float, float, float]
    inertia: tuple[float, float, float]
    meshes: tuple[str, ...] = ()


def _spec(name: str, mass: float, centre: Array, inertia: Array, meshes: tuple[str, ...]) -> BodySpec:
    cx, cy, cz = (round(float(value), 9) + 0.0 for value in centre)
    ixx, iyy, izz = (round(float(value), 9) for value in inertia)
    return BodySpec(name, round(mass, 9), (cx, cy, cz), (ixx, iyy, izz), meshes)


def _rod(segment: str, mass: float, length: float) -> Array:
    """Inertia of a segment along Y from its radii of gyration, [3]."""
    about_x, about_z, about_y = GYRATION[segment]
    return mass * length**2 * np.array([about_x, about_y, about_z]) ** 2


def _ball(mass: float, radius: float) -> Array:
    """Inertia of a solid sphere, for small parts, [3]."""
    return np.full(3, 0.4 * mass * radius**2)


def _leg(subject: Subject, side: str) -> list[BodySpec]:
    thigh, shank, foot = (subject.segment_mass(name) for name in ("thigh", "shank", "foot"))
    femur, patella = thigh * (1.0 - PATELLA_SHARE), thigh * PATELLA_SHARE
    size = subject.height_m / 1.75
    foot_centre = MASS_CENTRE["foot"] * subject.foot_length - subject.heel_length + 0.006 * subject.height_m
    about_x, about_z, about_y = GYRATION["foot"]
    foot_inertia = foot * subject.foot_length**2 * np.array([about_x, about_y, about_z]) ** 2
    shares = {name: foot * share for name, share in FOOT_SHARES.items()}
    return [
        _spec(
            f"femur_{side}",
            femur,
            np.array([0.0, -MASS_CENTRE["thigh"] * subject.thigh, 0.0]),
            _rod("thigh", femur, subject.thigh),
            (f"femur_{side}.vtp",),
        ),
        _spec(f"patella_{side}", patella, np.zeros(3), _ball(patella, 0.02 * size), (f"patella_{side}.vtp",)),
        _spec(
            f"tibia_{side}",
            shank,
            np.array([0.0, -MASS_CENTRE["shank"] * subject.shank, 0.0]),
            _rod("shank", shank, subject.shank),
            (f"tibia_{side}.vtp", f"fibula_{side}.vtp"),
        ),
        _spec(
            f"talus_{side}", shares["talus"], np.zeros(3), _ball(shares["talus"], 0.03 * size), (f"talus_{side}.vtp",)
        ),
        _spec(
            f"calcn_{side}",
            shares["calcn"],
            np.array([foot_centre, -0.3 * subject.ankle_height, 0.0]),
            foot_inertia * FOOT_SHARES["calcn"],
            (f"foot_{side}.vtp",),
        ),
        _spec(
            f"toes_{side}",
            shares["toes"],
            np.array([0.4 * (subject.foot_length - subject.ball_length), 0.0, 0.0]),
            _ball(shares["toes"], 0.03 * size),
            (f"toes_{side}.vtp",),
        ),
    ]


def _trunk(subject: Subject) -> list[BodySpec]:
    column, size = spine_column(subject), subject.height_m / 1.75
    lower, middle = subject.segment_mass("lower_trunk"), subject.segment_mass("middle_trunk")
    upper, head = subject.segment_mass("upper_trunk"), subject.segment_mass("head")
    lumbar, abdomen = middle * LUMBAR_SHARE / 5.0, middle * (1.0 - LUMBAR_SHARE)
    pelvis = lower * (1.0 - SACRUM_SHARE)
    pelvis_centre = np.array([subject.hip_centre[0], subject.hip_centre[1] + 0.033 * subject.height_m, 0.0])
    # de Leva: the upper trunk's centre lies 0.507 of the way from C7 down to the xiphoid, 0.139 of stature below.
    chest = column["C7"].centre + np.array([0.0, -0.507 * 0.139 * subject.height_m, 0.0])
    chest[0] = column["T7"].centre[0] + 0.050 * size
    floor = -(subject.hip_height - subject.hip_centre[1])
    # de Leva: the head's centre lies half-way from the vertex to C7.
    skull = np.array(
        [head_place(subject)[0] + 0.012 * size, 0.5 * (floor + subject.height_m + column["C7"].centre[1]), 0.0]
    )
    vertebrae = [
        _spec(f"lumbar{n}", lumbar, np.array([0.015 * size, 0.0, 0.0]), _ball(lumbar, 0.07 * size), (f"lumbar{n}.vtp",))
        for n in (5, 4, 3, 2, 1)
    ]
    return [
        _spec(
            "pelvis",
            pelvis,
            pelvis_centre,
            _rod("lower_trunk", pelvis, 0.1457 / 1.741 * subject.height_m),
            PELVIS_MESHES,
        ),
        _spec("sacrum", lower * SACRUM_SHARE, np.zeros(3), _ball(lower * SACRUM_SHARE, 0.05 * size), ("sacrum.vtp",)),
        *vertebrae,
        _spec(
            "torso",
            upper,
            chest - torso_place(subject),
            _rod("upper_trunk", upper, 0.2421 / 1.741 * subject.height_m),
            TORSO_MESHES,
        ),
        _spec(
            "head",
            head,
            skull - head_place(subject),
            _rod("head", head, 0.2429 / 1.741 * subject.height_m),
            HEAD_MESHES,
        ),
        _spec(
            "Abdomen",
            abdomen,
            np.zeros(3),
            _rod("middle_trunk", abdomen, 0.2155 / 1.741 * subject.height_m),
            (),
        ),
    ]


def _arm(subject: Subject, side: str) -> list[BodySpec]:
    arm, fore, hand = (subject.segment_mass(name) for name in ("upper_arm", "forearm", "hand"))
    centre = np.array([0.0, -MASS_CENTRE["forearm"] * subject.forearm, 0.0])
    half = _rod("forearm", fore / 2.0, subject.forearm)
    return [
        _spec(
            f"humerus_{side}",
            arm,
            np.array([0.0, -MASS_CENTRE["upper_arm"] * subject.upper_arm, 0.0]),
            _rod("upper_arm", arm, subject.upper_arm),
            (f"humerus_{side}.vtp",),
        ),
        _spec(f"ulna_{side}", fore / 2.0, centre, half, (f"ulna_{side}.vtp",)),
        _spec(
            f"radius_{side}",
            fore / 2.0,
            MASS_CENTRE["forearm"] * forearm(subject, side).wrist,
            half,
            (f"radius_{side}.vtp",),
        ),
        _spec(
            f"hand_{side}",
            hand,
            np.array([0.0, -MASS_CENTRE["hand"] * subject.hand, 0.0]),
            _rod("hand", hand, subject.hand),
            (f"hand_{side}.vtp",),
        ),
    ]


PELVIS_MESHES = ("hip_r.vtp", "hip_l.vtp")
TORSO_MESHES = (
    "thorax.vtp",
    *(f"{bone}_{side}.vtp" for bone in ("scapula", "clavicle") for side in ("r", "l")),
    *(f"thoracic{n}.vtp" for n in range(1, 13)),
    "cervical7.vtp",
)
HEAD_MESHES = ("skull.vtp", "jaw.vtp", *(f"cervical{n}.vtp" for n in range(1, 7)))


def body_specs(subject: Subject) -> list[BodySpec]:
    """Every body, in the order in which the joints reach them."""
    trunk = _trunk(subject)
    legs = [*_leg(subject, "r"), *_leg(subject, "l")]
    return [*trunk[:2], *legs, *trunk[2:], *_arm(subject, "r"), *_arm(subject, "l")]
