"""Walking: planted and swinging feet, a pelvis that rises, sways and turns, a thorax that turns against it, arm swing.

Timing and amplitudes follow published normal gait at about 1.2 m/s (Perry 1992; Winter 1991; Murray, Drought & Kory
1964; values from memory, [?]): stance 62 % of the stride, foot flat from 9 % to 38 %, foot pitch about 20 deg at heel
contact and -60 deg at toe-off, knee 19 deg in loading and 60 deg in swing, pelvis rotation +-5 and list +-4 deg, trunk
turning against it, sway 40 mm. The legs' angles are solved from feet and pelvis; where they peak was tuned to the
published curves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from ..anthropometry import Subject
from ..forward import rotation_about
from ..skeleton import toe_joint_in_calcn
from .curves import frame_times, hermite
from .legs import FootTrack, height_for_knee, rest_heights
from .whole_body import SampleMotion, assemble, place_legs, trunk_angles

Array = NDArray[np.float64]
STRIDE_S, STRIDE_M, STRIDES = 1.1, 1.30, 4
FLAT_FROM, HEEL_OFF, TOE_OFF = 0.09, 0.38, 0.62
HALF_STEP_WIDTH_M, TOE_OUT_DEG = 0.055, 6.0
PITCH_DEG_CYCLE = [  # (phase, value, slope, curvature); toe-up is positive, 0 is flat on the floor
    (0.00, 18.0, -300.0, 0.0),
    (FLAT_FROM, 0.0, 0.0, 0.0),
    (HEEL_OFF, 0.0, 0.0, 0.0),
    (TOE_OFF, -61.0, -330.0, 0.0),
    (0.68, -67.0, 0.0, 6000.0),
    (0.90, 0.0, 280.0, 0.0),
    (1.00, 18.0, -300.0, 0.0),
]
TOE_PITCH_DEG_CYCLE = [  # the toes' own pitch; they lie flat until they roll off over their tips
    (0.00, 18.0, -300.0, 0.0),
    (FLAT_FROM, 0.0, 0.0, 0.0),
    (0.50, 0.0, 0.0, 0.0),
    (TOE_OFF, -24.0, -450.0, 0.0),
    (0.70, -52.0, 0.0, 4000.0),
    (0.90, 0.0, 280.0, 0.0),
    (1.00, 18.0, -300.0, 0.0),
]
STANCE_KNEE_DEG = [(0.0, 6.0), (0.07, 14.0), (0.15, 19.0), (0.25, 14.0), (0.34, 9.0), (0.42, 9.0), (0.48, 15.0)]


@dataclass(frozen=True, slots=True)
class GaitShape:
    """What was tuned by hand, in m at 1.75 m of stature and phases of the stride.

    Hips: `lead` forward of the mid-stride place, `surge` along the way twice a stride, `sway` across it once.
    Swinging foot: `lift` upwards half-way, `reach` forwards late; `brake` and `touch` (m per stride squared) are how
    hard it slows down forwards and downwards just before the heel meets the floor.
    """

    lead: float = 0.055
    surge: float = 0.008
    surge_phase: float = 0.05
    sway: float = 0.020
    sway_phase: float = 0.30
    lift: float = 0.014
    brake: float = 50.0
    touch: float = 3.0
    reach: float = 0.085


REACH_PEAK = (5.0 / 8.0) ** 5 * (3.0 / 8.0) ** 3
GAIT = GaitShape()


def _turned(point: Array, angle_deg: Array) -> Array:
    """A point (x, y) turned upwards in front by angles, [T, 2]."""
    cosine, sine = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    return np.stack([cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1]], axis=1)


def _planted(subject: Subject, phase: NDArray) -> Array:
    """Calcaneus of a foot that rolls on the floor, in the foot's own upright plane, [T, 2] m (forward, up).

    Until it is flat the foot turns about the heel's lowest point, afterwards about the toe joints while the toes lie
    flat, and about the toes' tip in the end. Forward is counted from where the calcaneus stands when flat.
    """
    height, flat = subject.height_m, rest_heights(subject)[1]
    pitch, toe_pitch = hermite(phase, PITCH_DEG_CYCLE), hermite(phase, TOE_PITCH_DEG_CYCLE)
    heel = np.array([-subject.heel_length + 0.018 * height, -flat])
    toe_joint = toe_joint_in_calcn(subject)[:2]
    tip = np.array([subject.foot_length - subject.ball_length - 0.008 * height, -subject.toe_joint_height])
    on_heel = heel - _turned(heel, pitch)
    on_toes = toe_joint + tip - _turned(tip, toe_pitch) - _turned(toe_joint, pitch)
    return np.where((phase < FLAT_FROM)[:, None], on_heel, on_toes) + np.array([0.0, flat])


def _end_of_stance(subject: Subject, phase: float, inwards: float) -> tuple[Array, Array, Array]:
    """Place, slope and curvature over the phase of `_planted` at an end of stance, from inside, [2] each."""
    step = 1e-4
    place = _planted(subject, phase + inwards * step * np.arange(3))
    slope = inwards * (-1.5 * place[0] + 2.0 * place[1] - 0.5 * place[2]) / step
    return place[0], slope, (place[0] - 2.0 * place[1] + place[2]) / step**2


def _foot(subject: Subject, side: str, strides: Array, shape: GaitShape) -> FootTrack:
    """One foot over all frames; `strides` counts strides since the right heel's first contact, [T]."""
    sign, ahead = (1.0, 0.0) if side == "r" else (-1.0, 0.5)
    size = subject.height_m / 1.75
    phase, done = (strides + ahead) % 1.0, np.floor(strides + ahead) - ahead
    turn = rotation_about((0, 1, 0), np.full(len(strides), -sign * np.radians(TOE_OUT_DEG)))
    plane = turn[0][:, :2]  # the foot's forward and up directions in ground

    swing = np.clip(phase, TOE_OFF, 1.0)
    leave, land = _end_of_stance(subject, TOE_OFF, -1.0), _end_of_stance(subject, 0.0, 1.0)
    leave, land = [plane @ part for part in leave], [plane @ part for part in land]
    land[0] = land[0] + np.array([STRIDE_M * size, 0.0, 0.0])
    land[2] = size * np.array([-shape.brake, shape.touch, 0.0])
    nodes = [[(TOE_OFF, *(p[i] for p in leave)), (1.0, *(p[i] for p in land))] for i in range(3)]
    free = np.stack([hermite(swing, axis_nodes) for axis_nodes in nodes], axis=1)
    bump = (4.0 * (swing - TOE_OFF) * (1.0 - swing) / (1.0 - TOE_OFF) ** 2) ** 3
    free[:, 1] += shape.lift * size * bump
    share = (swing - TOE_OFF) / (1.0 - TOE_OFF)
    free[:, 0] += shape.reach * size * share**5 * (1.0 - share) ** 3 / REACH_PEAK
    rolling = _planted(subject, np.minimum(phase, TOE_OFF)) @ plane.T
    place = np.where((phase < TOE_OFF)[:, None], rolling, free)
    place = place + np.stack([done * STRIDE_M * size, 0.0 * done, 0.0 * done + sign * HALF_STEP_WIDTH_M * size], axis=1)
    pitch, toe_pitch = hermite(phase, PITCH_DEG_CYCLE), hermite(phase, TOE_PITCH_DEG_CYCLE)
    rotations = turn @ rotation_about((0, 0, 1), np.radians(pitch))
    return FootTrack(place, rotations, np.radians(pitch - toe_pitch))


def _wave(strides: Array, times: int, peak: float) -> Array:
    """A cosine with so many periods a stride, greatest at phase `peak`, [T]."""
    return np.cos(2.0 * np.pi * times * (strides - peak))


def _pelvis(subject: Subject, strides: Array, shape: GaitShape) -> dict[str, Array]:
    """Root coordinates, rad and m. Right heel contact at whole strides brings the right hip forward."""
    size = subject.height_m / 1.75
    angles = {
        "pelvis_tilt": np.radians(-3.0 + 1.5 * _wave(strides, 2, 0.20)),
        "pelvis_list": np.radians(-4.0 * _wave(strides, 1, 0.15)),
        "pelvis_rotation": np.radians(5.0 * _wave(strides, 1, 0.0)),
    }
    hip_x = size * (STRIDE_M * (strides - 0.25) + shape.lead + shape.surge * _wave(strides, 2, shape.surge_phase))
    hip_z = size * shape.sway * _wave(strides, 1, shape.sway_phase)
    turn = rotation_about((0, 0, 1), angles["pelvis_tilt"]) @ rotation_about((1, 0, 0), angles["pelvis_list"])
    turn = turn @ rotation_about((0, 1, 0), angles["pelvis_rotation"])
    offset = np.array([subject.hip_centre[0], subject.hip_centre[1], 0.0])
    root = np.stack([hip_x, np.zeros_like(hip_x), hip_z], axis=1) - turn @ offset
    return angles | {f"pelvis_t{axis}": root[:, i] for i, axis in enumerate("xyz")}


def _rise(subject: Subject, shape: GaitShape) -> Array:
    """Coefficients of `_rise_waves` for the height of the pelvis origin, [5] m.

    The standing leg carries the pelvis: least squares over right stance, so that its knee follows `STANCE_KNEE_DEG`.
    """
    phase = np.linspace(0.0, 0.48, 49)
    pelvis, foot = _pelvis(subject, phase, shape), _foot(subject, "r", phase, shape)
    places, angles = zip(*STANCE_KNEE_DEG, strict=True)
    knee = np.radians(CubicSpline(places, angles)(phase))
    wanted = height_for_knee(subject, "r", pelvis, foot, knee)
    weight = np.interp(phase, [0.0, 0.03, 0.44, 0.48], [0.5, 1.0, 1.0, 0.3])
    return np.linalg.lstsq(_rise_waves(phase) * weight[:, None], wanted * weight, rcond=None)[0]


def _rise_waves(strides: Array) -> Array:
    """A constant and two harmonics of the step, [T, 5]."""
    angle = 4.0 * np.pi * strides
    return np.stack([np.ones_like(angle), np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], axis=1)


def _upper_body(strides: Array) -> dict[str, Array]:
    """Trunk, neck and arms, rad: the thorax turns against the pelvis, an arm swings with the other side's leg."""
    lumbar = trunk_angles(
        np.radians(1.0 - 1.5 * _wave(strides, 2, 0.20)),
        np.radians(4.5 * _wave(strides, 1, 0.15)),
        np.radians(-9.0 * _wave(strides, 1, 0.02)),
    )
    body = {
        "neck_flexion": np.radians(1.0 + 1.0 * _wave(strides, 2, 0.05)),
        "neck_rotation": np.radians(3.5 * _wave(strides, 1, 0.02)),
    }
    for side, forward_at in (("r", 0.53), ("l", 0.03)):
        swing = _wave(strides, 1, forward_at)
        late = _wave(strides, 1, forward_at + 0.05)
        body |= {
            f"arm_flex_{side}": np.radians(-4.0 + 19.0 * swing),
            f"arm_add_{side}": np.radians(-9.0 + 1.0 * swing),
            f"arm_rot_{side}": np.radians(12.0 + 4.0 * swing),
            f"elbow_flex_{side}": np.radians(25.0 + 12.0 * late),
            f"pro_sup_{side}": np.full(len(strides), np.radians(90.0)),
            f"wrist_flex_{side}": np.full(len(strides), np.radians(5.0)),
        }
    return lumbar | body


def walk(subject: Subject, strides: Array, shape: GaitShape) -> dict[str, Array]:
    """All coordinates at the given numbers of strides, rad and m."""
    body = _pelvis(subject, strides, shape) | _upper_body(strides)
    body["pelvis_ty"] = _rise_waves(strides) @ _rise(subject, shape)
    return place_legs(subject, body, {side: _foot(subject, side, strides, shape) for side in ("r", "l")})


def walking(subject: Subject) -> SampleMotion:
    """Four strides straight ahead (4.4 s, 5.5 m)."""
    time = frame_times(STRIDE_S * STRIDES)
    return assemble(time, walk(subject, time / STRIDE_S, GAIT))
