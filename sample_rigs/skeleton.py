"""The sample model's joints and bodies as plain numbers: what the OpenSim document and the motions are built from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .anthropometry import SACRAL_SLOPE_DEG, Subject, sacral_endplate, spine_column, torso_place, up_vector
from .arm_joints import arm_joints
from .joint_spec import Axis, JointFrame, JointSpec, X, Y, Z, aim_z, pin, three_rotations, vector
from .knee import knee_curves, patella_curves

Array = NDArray[np.float64]
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
        JointSpec("sacrumjnt", "weld", "pelvis", "sacrum", JointFrame(vector(sacrum_centre(subject)), vector(slope))),
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
    ankle_axis = vector((-np.sin(np.radians(6.0)) * sign, -np.sin(np.radians(10.0)) * sign, 0.9788))
    up, inward = np.radians(42.0), np.radians(23.0)
    subtalar_axis = (sign * np.cos(up) * np.cos(inward), sign * np.sin(up), -np.cos(up) * np.sin(inward))
    subtalar = vector(aim_z(subtalar_axis))
    down = (np.pi, 0.0, 0.0)
    knee_axes = (
        Axis((0.0, 0.0, -1.0), f"knee_angle_{side}"),
        Axis(X),
        Axis(Y),
        Axis(X, f"knee_angle_{side}", knots=tx),
        Axis(Y, f"knee_angle_{side}", knots=ty),
        Axis(Z),
    )
    forward, upward = patella_curves(subject)
    beta = f"knee_angle_{side}_beta"
    patella_axes = (
        Axis((0.0, 0.0, -1.0), beta),
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
            f"hip_{side}",
            "custom",
            "pelvis",
            femur,
            JointFrame(vector(hip)),
            axes=three_rotations(hip_names, sign < 0),
        ),
        JointSpec(f"walker_knee_{side}", "custom", femur, tibia, knee, axes=knee_axes),
        JointSpec(f"patellofemoral_{side}", "custom", femur, f"patella_{side}", knee, axes=patella_axes),
        JointSpec(f"ankle_{side}", "custom", tibia, talus, JointFrame((0.0, -subject.shank, 0.0)), axes=ankle_axes),
        JointSpec(
            f"subtalar_{side}",
            "pin",
            talus,
            calcn,
            JointFrame(vector(subtalar_place(subject)), subtalar),
            JointFrame(orientation=subtalar),
            pin(f"subtalar_angle_{side}"),
        ),
        JointSpec(
            f"mtp_{side}",
            "pin",
            calcn,
            f"toes_{side}",
            JointFrame(vector(toe_joint_in_calcn(subject)), down),
            JointFrame(orientation=down),
            pin(f"mtp_angle_{side}"),
        ),
    ]


def subtalar_place(subject: Subject) -> Array:
    """Subtalar joint below and behind the ankle's centre, in the talus, [3] m (ours)."""
    return np.array([-0.006, -0.016, 0.0]) * subject.height_m


def toe_joint_in_calcn(subject: Subject) -> Array:
    """Centre of the toe joints in the calcaneus frame, [3] m; straight in front of the ankle (ours)."""
    forward, up = subject.ball_length - subject.heel_length, subject.toe_joint_height - subject.ankle_height
    below_ankle = np.array([forward, up, 0.0])
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
                three_rotations((names[0], names[1], names[2])),
            )
        )
        parent, parent_centre, parent_lean = child, centre, lean
    return [*joints, _abdomen_joint(subject), _neck_joint(subject)]


def _frame_at(place: Array, inclination_deg: float, body_place: Array, body_inclination_deg: float) -> JointFrame:
    """A frame of the upright neutral pose as seen from a body that leans forward in it."""
    lean = np.radians(body_inclination_deg)
    turn = np.array([[np.cos(lean), -np.sin(lean), 0.0], [np.sin(lean), np.cos(lean), 0.0], [0.0, 0.0, 1.0]])
    angle = np.radians(body_inclination_deg - inclination_deg)
    return JointFrame(vector(turn @ (place - body_place)), (0.0, 0.0, round(float(angle), 12)))


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
        JointFrame(vector(place - torso_place(subject))),
        JointFrame(vector(place - head_place(subject))),
        three_rotations(("neck_flexion", "neck_bending", "neck_rotation")),
    )


def skeleton(subject: Subject) -> list[JointSpec]:
    """Every joint, parents first, in the order of the 62 coordinates."""
    return [
        *root_and_leg_joints(subject),
        *spine_joints(subject),
        *arm_joints(subject, "r"),
        *arm_joints(subject, "l"),
    ]
