"""The sample model's joints and bodies as plain numbers: what the OpenSim document and the motions are built from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .anthropometry import (
    PELVIC_TILT_DEG,
    SACRAL_SLOPE_DEG,
    Subject,
    sacral_endplate,
    spine_column,
    up_vector,
)
from .knee import knee_curves, patella_curves

Array = NDArray[np.float64]
Vector = tuple[float, float, float]
X, Y, Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
LUMBAR_LEVELS = ("L5", "L4", "L3", "L2", "L1")
LUMBAR_JOINTS = ("L5_S1", "L4_L5", "L3_L4", "L2_L3", "L1_L2", "L1_T12")
LUMBAR_SUFFIXES = ("Flex_Ext", "Lat_Bending", "axial_rotation")
# Times the angle at L5-S1, as in Pose2Sim's full-body model (BSD-3) after Beaucage-Gauvreau et al.
LUMBAR_COUPLING = {
    "Flex_Ext": (1.0, 1.8571, 1.6429, 1.1429, 0.9286, 0.5714),
    "Lat_Bending": (1.0, 1.33, 2.4314, 2.4314, 2.0392, 1.549),
    "axial_rotation": (1.0, 1.0625, 1.0625, 0.875, 0.8125, 0.75),
}
# The abdomen turns as all six lumbar joints together: the sums of the rows above.
ABDOMEN_COUPLING = {"Abs_r3": "Flex_Ext", "Abs_r2": "Lat_Bending", "Abs_r1": "axial_rotation"}


@dataclass(frozen=True, slots=True)
class Axis:
    """One of six: rotation about, or translation along, `vector`, by a multiple of a coordinate or a curve of it.

    `knots` is (coordinate values, results) of a spline; without it the result is `gain` times the coordinate.
    """

    vector: Vector
    coordinate: str | None = None
    gain: float = 1.0
    knots: tuple[tuple[float, ...], tuple[float, ...]] | None = None


@dataclass(frozen=True, slots=True)
class JointFrame:
    """A joint's frame on a body: place (m) and orientation (rad, about the turning X, Y, Z axes)."""

    translation: Vector = (0.0, 0.0, 0.0)
    orientation: Vector = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class JointSpec:
    """A joint from `parent` to `child`: three rotations, then three translations (as OpenSim's CustomJoint)."""

    name: str
    kind: str  # "custom", "pin", "universal" or "weld"
    parent: str
    child: str
    on_parent: JointFrame = JointFrame()
    on_child: JointFrame = JointFrame()
    axes: tuple[Axis, ...] = ()


def _vector(values: Array | tuple[float, ...]) -> Vector:
    x, y, z = (round(float(value), 12) for value in values)
    return x, y, z


def _three_rotations(names: tuple[str, str, str], mirrored: bool = False) -> tuple[Axis, ...]:
    """Z, X, Y rotations, as every ball-like joint here; mirrored ones turn the other way about X and Y."""
    x, y = ((-1.0, 0.0, 0.0), (0.0, -1.0, 0.0)) if mirrored else (X, Y)
    return (Axis(Z, names[0]), Axis(x, names[1]), Axis(y, names[2]), Axis(X), Axis(Y), Axis(Z))


def _pin(coordinate: str) -> tuple[Axis, ...]:
    return (Axis(Z, coordinate), Axis(X), Axis(Y), Axis(X), Axis(Y), Axis(Z))


def aim_z(direction: Vector) -> Vector:
    """Body-fixed X-Y-Z angles that bring a frame's Z axis to `direction` (turn about X, then Y)."""
    x, y, z = np.asarray(direction) / np.linalg.norm(direction)
    return float(np.arctan2(-y, z)), float(np.arctan2(x, np.hypot(y, z))), 0.0


def root_and_leg_joints(subject: Subject) -> list[JointSpec]:
    """Ground to pelvis to toes, right then left, with the sacrum's weld."""
    root = (
        Axis(Z, "pelvis_tilt"),
        Axis(X, "pelvis_list"),
        Axis(Y, "pelvis_rotation"),
        Axis(X, "pelvis_tx"),
        Axis(Y, "pelvis_ty"),
        Axis(Z, "pelvis_tz"),
    )
    slope = (0.0, 0.0, -np.radians(SACRAL_SLOPE_DEG))
    joints = [
        JointSpec("ground_pelvis", "custom", "ground", "pelvis", axes=root),
        JointSpec("sacrumjnt", "weld", "pelvis", "sacrum", JointFrame(_vector(sacrum_centre(subject)), _vector(slope))),
    ]
    return joints + leg_joints(subject, "r") + leg_joints(subject, "l")


def sacrum_centre(subject: Subject) -> Array:
    """Centre of the S1 body, 15 mm at 1.75 m (ours) below its endplate, in the pelvis frame, [3] m."""
    return sacral_endplate(subject) - 15.0e-3 / 1.75 * subject.height_m * up_vector(SACRAL_SLOPE_DEG)


def leg_joints(subject: Subject, side: str) -> list[JointSpec]:
    """Hip to toes of one side.

    Ankle axis: 80 deg to the shank's line and 84 deg to the foot's; subtalar axis: 42 deg up and 23 deg inwards
    (Isman & Inman 1969 [?]). Toe joints: straight across the foot (ours), positive pointing down as in Pose2Sim.
    """
    sign = 1.0 if side == "r" else -1.0
    femur, tibia, talus, calcn = (f"{bone}_{side}" for bone in ("femur", "tibia", "talus", "calcn"))
    hip = np.array(subject.hip_centre) * [1.0, 1.0, sign]
    knee = JointFrame((0.0, -subject.thigh, 0.0))
    tx, ty = knee_curves(subject)
    ankle_axis = _vector((-np.sin(np.radians(6.0)) * sign, -np.sin(np.radians(10.0)) * sign, 0.9788))
    up, inward = np.radians(42.0), np.radians(23.0)
    subtalar_axis = (sign * np.cos(up) * np.cos(inward), sign * np.sin(up), -np.cos(up) * np.sin(inward))
    subtalar = _vector(aim_z(subtalar_axis))
    down = (np.pi, 0.0, 0.0)
    knee_axes = (
        Axis((0.0, 0.0, -1.0), f"knee_angle_{side}"),
        Axis(X),
        Axis(Y),
        Axis(X, f"knee_angle_{side}", knots=tx),
        Axis(Y, f"knee_angle_{side}", knots=ty),
        Axis(Z),
    )
    turn, forward, upward = patella_curves(subject)
    beta = f"knee_angle_{side}_beta"
    patella_axes = (
        Axis((0.0, 0.0, -1.0), beta, knots=turn),
        Axis(X),
        Axis(Y),
        Axis(X, beta, knots=forward),
        Axis(Y, beta, knots=upward),
        Axis(Z),
    )
    ankle_axes = (Axis(ankle_axis, f"ankle_angle_{side}"), Axis(Y), Axis(X), Axis(X), Axis(Y), Axis(Z))
    hip_names = (f"hip_flexion_{side}", f"hip_adduction_{side}", f"hip_rotation_{side}")
    return [
        JointSpec(
            f"hip_{side}", "custom", "pelvis", femur, JointFrame(_vector(hip)), axes=_three_rotations(hip_names, sign < 0)
        ),
        JointSpec(f"walker_knee_{side}", "custom", femur, tibia, knee, axes=knee_axes),
        JointSpec(f"patellofemoral_{side}", "custom", femur, f"patella_{side}", knee, axes=patella_axes),
        JointSpec(
            f"ankle_{side}", "custom", tibia, talus, JointFrame((0.0, -subject.shank, 0.0)), axes=ankle_axes
        ),
        JointSpec(
            f"subtalar_{side}",
            "pin",
            talus,
            calcn,
            JointFrame(_vector(subtalar_place(subject)), subtalar),
            JointFrame(orientation=subtalar),
            _pin(f"subtalar_angle_{side}"),
        ),
        JointSpec(
            f"mtp_{side}",
            "pin",
            calcn,
            f"toes_{side}",
            JointFrame(_vector(toe_joint_in_calcn(subject)), down),
            JointFrame(orientation=down),
            _pin(f"mtp_angle_{side}"),
        ),
    ]


def subtalar_place(subject: Subject) -> Array:
    """Subtalar joint below and behind the ankle's centre, in the talus, [3] m (ours)."""
    return np.array([-0.006, -0.016, 0.0]) * subject.height_m


def toe_joint_in_calcn(subject: Subject) -> Array:
    """Centre of the toe joints in the calcaneus frame, [3] m; it lies 0.010 of stature above the sole (ours)."""
    below_ankle = np.array([subject.ball_length - subject.heel_length, 0.010 * subject.height_m - subject.ankle_height, 0])
    return below_ankle - subtalar_place(subject)


def spine_joints(subject: Subject) -> list[JointSpec]:
    """Sacrum to head, and the abdomen. Each lumbar joint stands in its disc and lies in the disc's middle plane."""
    column = spine_column(subject)
    parent, parent_centre, parent_lean = "sacrum", sacrum_centre(subject), SACRAL_SLOPE_DEG
    joints = []
    for level, joint in zip((*LUMBAR_LEVELS, "T12"), LUMBAR_JOINTS, strict=True):
        vertebra = column[level]
        child, centre, lean = f"lumbar{level[1]}", vertebra.centre, vertebra.inclination_deg
        if level == "T12":
            child, centre, lean = "torso", vertebra.disc_centre, 0.0
        names = tuple(f"{joint}_{suffix}" for suffix in LUMBAR_SUFFIXES)
        joints.append(
            JointSpec(
                f"{joint}_IVDjnt",
                "custom",
                parent,
                child,
                _frame_at(vertebra.disc_centre, vertebra.disc_inclination_deg, parent_centre, parent_lean),
                _frame_at(vertebra.disc_centre, vertebra.disc_inclination_deg, centre, lean),
                _three_rotations((names[0], names[1], names[2])),
            )
        )
        parent, parent_centre, parent_lean = child, centre, lean
    return [*joints, _abdomen_joint(subject), _neck_joint(subject)]


def _frame_at(place: Array, inclination_deg: float, body_place: Array, body_inclination_deg: float) -> JointFrame:
    """A frame of the upright neutral pose as seen from a body that leans forward in it."""
    lean = np.radians(body_inclination_deg)
    turn = np.array([[np.cos(lean), -np.sin(lean), 0.0], [np.sin(lean), np.cos(lean), 0.0], [0.0, 0.0, 1.0]])
    angle = np.radians(body_inclination_deg - inclination_deg)
    return JointFrame(_vector(turn @ (place - body_place)), (0.0, 0.0, round(float(angle), 12)))


def abdomen_place(subject: Subject) -> Array:
    """Origin of the abdomen's frame: in front of L3, in the upright pelvis frame, [3] m (ours)."""
    return spine_column(subject)["L3"].centre + np.array([0.045 * subject.height_m, 0.0, 0.0])


def _abdomen_joint(subject: Subject) -> JointSpec:
    place = spine_column(subject)["L5"].disc_centre
    axes = (
        Axis(Z, "Abs_r3"),
        Axis(X, "Abs_r2"),
        Axis(Y, "Abs_r1"),
        Axis(X, "Abs_t1"),
        Axis(Y, "Abs_t2"),
        Axis(Z),
    )
    on_sacrum = _frame_at(place, 0.0, sacrum_centre(subject), SACRAL_SLOPE_DEG)
    return JointSpec(
        "Abdjnt", "custom", "sacrum", "Abdomen", on_sacrum, _frame_at(place, 0.0, abdomen_place(subject), 0.0), axes
    )


def torso_place(subject: Subject) -> Array:
    """Origin of the torso's frame, the T12-L1 disc, in the upright pelvis frame, [3] m."""
    return spine_column(subject)["T12"].disc_centre


def head_place(subject: Subject) -> Array:
    """Origin of the head's frame, between the occipital condyles 20 mm at 1.75 m above C1's centre (ours), [3] m."""
    return spine_column(subject)["C1"].centre + np.array([0.0, 0.0115 * subject.height_m, 0.0])


def _neck_joint(subject: Subject) -> JointSpec:
    """One joint for the whole neck, in the C6-C7 disc: C7 rides on the torso, C6 to C1 on the head."""
    place = spine_column(subject)["C6"].disc_centre
    return JointSpec(
        "head_torso",
        "custom",
        "torso",
        "head",
        JointFrame(_vector(place - torso_place(subject))),
        JointFrame(_vector(place - head_place(subject))),
        _three_rotations(("neck_flexion", "neck_bending", "neck_rotation")),
    )


def shoulder_place(subject: Subject) -> Array:
    """Centre of the right humeral head in the upright pelvis frame, [3] m: over the hip centre (ours)."""
    up = subject.shoulder_height - (subject.hip_height - subject.hip_centre[1])
    return np.array([subject.hip_centre[0], up, subject.shoulder_half_width])


def arm_joints(subject: Subject, side: str) -> list[JointSpec]:
    """Shoulder to hand of one side; the forearm carries 8 deg outwards [?]; zero of pro_sup is the palm forward."""
    sign = 1.0 if side == "r" else -1.0
    mirror = np.array([1.0, 1.0, sign])
    humerus, ulna, radius, hand = (f"{bone}_{side}" for bone in ("humerus", "ulna", "radius", "hand"))
    shoulder = (shoulder_place(subject) - torso_place(subject)) * mirror
    radial_head = np.array([0.0, -0.009, 0.011]) * subject.height_m * mirror
    ulnar_head = np.array([0.0, -0.95 * subject.forearm, -0.008 * subject.height_m * sign])
    wrist = np.array([0.0, -subject.forearm, 0.0])
    forearm_axis = _vector(aim_z(_vector((radial_head - ulnar_head) * sign)))
    wrist_axes = _vector((-sign * np.pi / 2.0, 0.0, -sign * np.pi / 2.0))
    carrying = JointFrame(orientation=(sign * round(float(np.radians(8.0)), 12), 0.0, 0.0))
    arm_names = (f"arm_flex_{side}", f"arm_add_{side}", f"arm_rot_{side}")
    universal = (Axis(X, f"wrist_flex_{side}"), Axis(Y, f"wrist_dev_{side}"), Axis(Z), Axis(X), Axis(Y), Axis(Z))
    return [
        JointSpec(
            f"acromial_{side}",
            "custom",
            "torso",
            humerus,
            JointFrame(_vector(shoulder)),
            axes=_three_rotations(arm_names, sign < 0),
        ),
        JointSpec(
            f"elbow_{side}",
            "pin",
            humerus,
            ulna,
            JointFrame((0.0, -subject.upper_arm, 0.0)),
            carrying,
            _pin(f"elbow_flex_{side}"),
        ),
        JointSpec(
            f"radioulnar_{side}",
            "pin",
            ulna,
            radius,
            JointFrame(_vector(radial_head), forearm_axis),
            JointFrame(orientation=forearm_axis),
            _pin(f"pro_sup_{side}"),
        ),
        JointSpec(
            f"radius_hand_{side}",
            "universal",
            radius,
            hand,
            JointFrame(_vector(wrist - radial_head), wrist_axes),
            JointFrame(orientation=wrist_axes),
            universal,
        ),
    ]


def skeleton(subject: Subject) -> list[JointSpec]:
    """Every joint, parents first, in the order of the 62 coordinates."""
    return [
        *root_and_leg_joints(subject),
        *spine_joints(subject),
        *arm_joints(subject, "r"),
        *arm_joints(subject, "l"),
    ]


__all__ = ["PELVIC_TILT_DEG", "Axis", "JointFrame", "JointSpec", "skeleton"]
