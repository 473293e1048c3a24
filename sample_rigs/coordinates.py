"""The 62 coordinates of the sample model: their order, limits and defaults.

Limits are rounded from clinical norms of joint motion (AAOS [?]) unless a comment says otherwise. The thorax is one
body, so the lumbar joints carry what the whole trunk does: their limits sum to 68 deg of flexion, 25 of extension,
27 of bending and 39 of rotation to each side.
"""

from __future__ import annotations

from dataclasses import dataclass

from .skeleton import ABDOMEN_COUPLING, LUMBAR_COUPLING, LUMBAR_JOINTS, LUMBAR_SUFFIXES

LUMBAR_BASE_DEG = {"Flex_Ext": (-9.5, 3.5), "Lat_Bending": (-2.5, 2.5), "axial_rotation": (-7.0, 7.0)}


@dataclass(frozen=True, slots=True)
class CoordinateSpec:
    """Limits and default, degrees (metres for translations)."""

    name: str
    low: float
    high: float
    default: float = 0.0
    clamped: bool = True
    locked: bool = False
    is_angle: bool = True


def _pelvis(default_height_m: float) -> list[CoordinateSpec]:
    return [
        CoordinateSpec("pelvis_tilt", -90.0, 90.0, clamped=False),
        CoordinateSpec("pelvis_list", -90.0, 90.0, clamped=False),
        CoordinateSpec("pelvis_rotation", -180.0, 180.0, clamped=False),
        CoordinateSpec("pelvis_tx", -10.0, 10.0, clamped=False, is_angle=False),
        CoordinateSpec("pelvis_ty", -1.0, 3.0, default_height_m, clamped=False, is_angle=False),
        CoordinateSpec("pelvis_tz", -10.0, 10.0, clamped=False, is_angle=False),
    ]


def _leg(side: str) -> list[CoordinateSpec]:
    """A toe joint's angle is positive downwards (Pose2Sim), so walking uses its negative side."""
    return [
        CoordinateSpec(f"hip_flexion_{side}", -30.0, 125.0),
        CoordinateSpec(f"hip_adduction_{side}", -45.0, 30.0),
        CoordinateSpec(f"hip_rotation_{side}", -45.0, 45.0),
        CoordinateSpec(f"knee_angle_{side}", -5.0, 140.0),
        CoordinateSpec(f"knee_angle_{side}_beta", -5.0, 140.0),
        CoordinateSpec(f"ankle_angle_{side}", -50.0, 35.0),
        CoordinateSpec(f"subtalar_angle_{side}", -20.0, 30.0),
        CoordinateSpec(f"mtp_angle_{side}", -65.0, 30.0),
    ]


def _lumbar() -> list[CoordinateSpec]:
    specs = []
    for index, joint in enumerate(LUMBAR_JOINTS):
        for suffix in LUMBAR_SUFFIXES:
            low, high = (LUMBAR_COUPLING[suffix][index] * limit for limit in LUMBAR_BASE_DEG[suffix])
            specs.append(CoordinateSpec(f"{joint}_{suffix}", low, high))
    for name, suffix in ABDOMEN_COUPLING.items():
        low, high = (abdomen_factor(name) * limit for limit in LUMBAR_BASE_DEG[suffix])
        specs.append(CoordinateSpec(name, low, high))
    shift = {"clamped": True, "locked": True, "is_angle": False}
    return [*specs, CoordinateSpec("Abs_t1", -0.05, 0.05, **shift), CoordinateSpec("Abs_t2", -0.05, 0.05, **shift)]


def abdomen_factor(name: str) -> float:
    """How many times the L5-S1 angle the abdomen turns: the sum over the six lumbar joints."""
    return round(sum(LUMBAR_COUPLING[ABDOMEN_COUPLING[name]]), 4)


def _neck() -> list[CoordinateSpec]:
    """Half of the whole neck's range to each side: 127, 89 and 146 deg (Niewiadomski 2019, n = 97)."""
    return [
        CoordinateSpec("neck_flexion", -63.5, 63.5),
        CoordinateSpec("neck_bending", -44.5, 44.5),
        CoordinateSpec("neck_rotation", -73.0, 73.0),
    ]


def _arm(side: str) -> list[CoordinateSpec]:
    """The default arm hangs a little away from the trunk, the thumb forward (pro_sup 80)."""
    return [
        CoordinateSpec(f"arm_flex_{side}", -60.0, 180.0),
        CoordinateSpec(f"arm_add_{side}", -150.0, 45.0, -10.0),
        CoordinateSpec(f"arm_rot_{side}", -90.0, 90.0),
        CoordinateSpec(f"elbow_flex_{side}", 0.0, 150.0, 10.0),
        CoordinateSpec(f"pro_sup_{side}", 0.0, 160.0, 80.0),
        CoordinateSpec(f"wrist_flex_{side}", -70.0, 80.0),
        CoordinateSpec(f"wrist_dev_{side}", -25.0, 35.0),
    ]


def coordinate_specs(default_pelvis_height_m: float) -> list[CoordinateSpec]:
    """All 62 in the order that the SIMSPINE files use."""
    return [*_pelvis(default_pelvis_height_m), *_leg("r"), *_leg("l"), *_lumbar(), *_neck(), *_arm("r"), *_arm("l")]


COORDINATE_NAMES = tuple(spec.name for spec in coordinate_specs(0.0))


def lumbar_couplings() -> list[tuple[str, str, float]]:
    """(dependent, independent, factor) of every coupler of the spine and the abdomen."""
    rows = []
    for suffix in LUMBAR_SUFFIXES:
        for joint, factor in list(zip(LUMBAR_JOINTS, LUMBAR_COUPLING[suffix], strict=True))[1:]:
            rows.append((f"{joint}_{suffix}", f"L5_S1_{suffix}", factor))
    rows += [(name, f"L5_S1_{suffix}", abdomen_factor(name)) for name, suffix in ABDOMEN_COUPLING.items()]
    return rows
