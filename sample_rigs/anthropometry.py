"""The sample subject's body: segment lengths, masses and the neutral curve of the spine, with their sources.

Lengths are metres, masses kilograms, angles degrees. Every figure marked [?] is commonly reproduced and was not
checked against the original publication.

Sources:
    Drillis & Contini (1966), as printed by Winter, Biomechanics and Motor Control of Human Movement: leg segments,
        heights of landmarks and foot length as fractions of stature [?].
    de Leva (1996), J Biomech 29:1223-1230: masses, mass centres, radii of gyration, lengths of the arm segments [?].
    Bell, Pedersen & Brand (1990), J Biomech 23:617-621: hip centres from the distance
        between the front iliac spines [?].
    Panjabi et al. (1991 cervical, 1991 thoracic, 1992 lumbar), Spine 16 and 17: heights, widths and depths
        of the vertebral bodies [?]. Disc heights are rounded from common radiological values [?].
    Segmental lordosis L1-2 to L5-S1 1.2, 5.9, 9.1, 12.7, 21.6: Sci Rep 2022, s41598-022-21840-x (n = 324, standing).
    T3-T12 kyphosis 32.9: mean of the SIMSPINE capture, arXiv 2602.20792.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Sex = Literal["male", "female"]

SEGMENT_MASS: dict[Sex, dict[str, float]] = {  # fraction of body mass, de Leva table 4 [?]
    "male": {
        "head": 0.0694, "upper_trunk": 0.1596, "middle_trunk": 0.1633, "lower_trunk": 0.1117, "upper_arm": 0.0271,
        "forearm": 0.0162, "hand": 0.0061, "thigh": 0.1416, "shank": 0.0433, "foot": 0.0137,
    },
    "female": {
        "head": 0.0668, "upper_trunk": 0.1545, "middle_trunk": 0.1465, "lower_trunk": 0.1247, "upper_arm": 0.0255,
        "forearm": 0.0138, "hand": 0.0056, "thigh": 0.1478, "shank": 0.0481, "foot": 0.0129,
    },
}  # fmt: skip
MASS_CENTRE = {  # fraction of the segment's length from its upper (foot: heel) end, de Leva, men [?]
    "upper_arm": 0.5772, "forearm": 0.4574, "hand": 0.3624, "thigh": 0.4095, "shank": 0.4395, "foot": 0.4415,
}  # fmt: skip
GYRATION = {  # fractions of the segment's length: sagittal (about X), transverse (Z), longitudinal (Y), men [?]
    "head": (0.303, 0.315, 0.261), "upper_trunk": (0.505, 0.320, 0.465), "middle_trunk": (0.482, 0.383, 0.468),
    "lower_trunk": (0.615, 0.551, 0.587), "upper_arm": (0.285, 0.269, 0.158), "forearm": (0.276, 0.265, 0.121),
    "hand": (0.288, 0.235, 0.184), "thigh": (0.329, 0.329, 0.149), "shank": (0.251, 0.246, 0.102),
    "foot": (0.124, 0.245, 0.257),
}  # fmt: skip

# Level: (height of the body, height of the disc below it, width, depth) in millimetres, heights unscaled [?].
VERTEBRAE_MM = {
    "L5": (22.9, 10.0, 49.0, 34.0), "L4": (24.1, 11.0, 48.0, 34.0), "L3": (23.8, 10.0, 46.0, 34.0),
    "L2": (24.3, 9.0, 44.0, 33.0), "L1": (23.8, 8.0, 42.0, 32.0), "T12": (22.7, 7.0, 39.0, 31.0),
    "T11": (21.3, 6.0, 35.0, 31.0), "T10": (20.2, 5.5, 32.0, 30.0), "T9": (19.3, 5.0, 30.5, 29.0),
    "T8": (18.7, 5.0, 29.5, 28.0), "T7": (18.2, 4.5, 29.0, 27.0), "T6": (17.4, 4.5, 28.0, 25.5),
    "T5": (16.2, 4.0, 27.0, 24.0), "T4": (16.2, 4.0, 26.0, 22.5), "T3": (15.7, 4.0, 26.0, 20.5),
    "T2": (15.6, 4.0, 27.0, 18.5), "T1": (14.1, 4.5, 28.0, 17.0), "C7": (12.8, 5.5, 22.0, 17.0),
    "C6": (10.9, 5.5, 19.5, 17.0), "C5": (11.4, 5.5, 18.0, 16.5), "C4": (11.4, 5.5, 17.5, 16.0),
    "C3": (11.6, 5.0, 17.0, 15.5), "C2": (20.0, 5.0, 17.5, 16.0), "C1": (11.0, 2.0, 24.0, 14.0),
}  # fmt: skip

# Backward inclination gained at the disc below each level: lordosis is positive, kyphosis negative. T12-L1 is taken
# as straight; the thoracic angle is spread with its peak at T6-T8, its sum from T12 to T3 is 32.9; the neck is ours.
WEDGE_DEG = {
    "L5": 21.6, "L4": 12.7, "L3": 9.1, "L2": 5.9, "L1": 1.2, "T12": 0.0,
    "T11": -1.6, "T10": -2.5, "T9": -3.5, "T8": -4.6, "T7": -5.3, "T6": -5.3, "T5": -4.6, "T4": -3.4, "T3": -2.1,
    "T2": -2.0, "T1": -1.0, "C7": 3.0, "C6": 3.5, "C5": 3.5, "C4": 3.5, "C3": 3.0, "C2": 3.0, "C1": 2.0,
}  # fmt: skip
SACRAL_SLOPE_DEG = 37.0  # normal standing mean 36 to 41 [?]; here it brings C7 over the sacrum
PELVIC_TILT_DEG = 13.0  # S1 behind the hip axis as seen from it, normal 11 to 14 [?]


@dataclass(frozen=True, slots=True)
class Subject:
    """Stature (m), mass (kg) and sex (it chooses the mass fractions); the derived lengths are metres."""

    height_m: float = 1.75
    mass_kg: float = 75.0
    sex: Sex = "male"

    @property
    def thigh(self) -> float:
        return 0.245 * self.height_m

    @property
    def shank(self) -> float:
        return 0.246 * self.height_m

    @property
    def ankle_height(self) -> float:
        return 0.039 * self.height_m

    @property
    def hip_height(self) -> float:
        """0.530 of stature: the three segments of the leg stand on one another."""
        return self.thigh + self.shank + self.ankle_height

    @property
    def foot_length(self) -> float:
        return 0.152 * self.height_m

    @property
    def heel_length(self) -> float:
        """From the heel's back to below the ankle's centre, a fifth of the foot (ours)."""
        return 0.20 * self.foot_length

    @property
    def ball_length(self) -> float:
        """From the heel's back to the toe joints, 0.72 of the foot [?]."""
        return 0.72 * self.foot_length

    @property
    def toe_joint_height(self) -> float:
        """The toe joints' centres over the sole, 25 mm at 1.75 m (ours)."""
        return 0.0145 * self.height_m

    @property
    def foot_breadth(self) -> float:
        return 0.055 * self.height_m

    @property
    def iliac_spine_width(self) -> float:
        """Between the front upper iliac spines: 0.24 m at 1.75 m (ours)."""
        return 0.137 * self.height_m

    @property
    def hip_centre(self) -> tuple[float, float, float]:
        """Right hip centre from the mid-point of the iliac spines (Bell: 14 % medial, 30 % down, 22 % back)."""
        width = self.iliac_spine_width
        return (-0.22 * width, -0.30 * width, 0.36 * width)

    @property
    def upper_arm(self) -> float:
        return 0.2817 / 1.741 * self.height_m

    @property
    def forearm(self) -> float:
        return 0.2689 / 1.741 * self.height_m

    @property
    def hand(self) -> float:
        return 0.1879 / 1.741 * self.height_m

    @property
    def shoulder_height(self) -> float:
        """Centre of the humeral head: 35 mm at 1.75 m (de Leva [?]) below the acromion at 0.818 of stature."""
        return (0.818 - 0.020) * self.height_m

    @property
    def shoulder_half_width(self) -> float:
        return 0.100 * self.height_m

    @property
    def atlas_height(self) -> float:
        """Centre of C1: 165 mm at 1.75 m below the vertex; the ear hole lies about 130 mm below it [?]."""
        return self.height_m * (1.0 - 0.0943)

    def segment_mass(self, segment: str) -> float:
        """Mass of one segment, kg; the published fractions are scaled so that the whole is exactly `mass_kg`."""
        fractions = SEGMENT_MASS[self.sex]
        paired = ("upper_arm", "forearm", "hand", "thigh", "shank", "foot")
        total = sum(value * (2 if name in paired else 1) for name, value in fractions.items())
        return self.mass_kg * fractions[segment] / total


@dataclass(frozen=True, slots=True)
class Vertebra:
    """One level in the neutral pose, in the upright pelvis frame (X anterior, Y up, Z right; metres).

    `inclination_deg` is the forward lean of its body's axis; `disc_inclination_deg` that of the disc below it, whose
    middle is `disc_centre`. `size` is (depth, height, width).
    """

    level: str
    centre: Array  # [3]
    inclination_deg: float
    disc_centre: Array  # [3]
    disc_inclination_deg: float
    disc_height: float
    size: tuple[float, float, float]


def up_vector(inclination_deg: float) -> Array:
    """Unit vector that leans forward (X) from upright (Y) by the angle, [3]."""
    angle = np.radians(inclination_deg)
    return np.array([np.sin(angle), np.cos(angle), 0.0])


def sacral_endplate(subject: Subject) -> Array:
    """Centre of the S1 endplate in the pelvis frame (origin between the iliac spines), [3] m.

    It lies 0.064 of stature (112 mm at 1.75 m) from the hip axis [?], leaning back by the pelvic tilt.
    """
    hip = np.array([subject.hip_centre[0], subject.hip_centre[1], 0.0])
    return hip + 0.064 * subject.height_m * up_vector(-PELVIC_TILT_DEG)


def _stack(start: Array, scale: float) -> list[Vertebra]:
    column, top, lean = [], start, SACRAL_SLOPE_DEG
    for level, (height_mm, disc_mm, width_mm, depth_mm) in VERTEBRAE_MM.items():
        height, disc = scale * height_mm * 1e-3, scale * disc_mm * 1e-3
        disc_lean, below = lean - WEDGE_DEG[level] / 2.0, top
        lean = lean - WEDGE_DEG[level]
        disc_centre = below + disc / 2.0 * up_vector(disc_lean)
        centre = below + disc * up_vector(disc_lean) + height / 2.0 * up_vector(lean)
        top = centre + height / 2.0 * up_vector(lean)
        size = (scale * depth_mm * 1e-3, height, scale * width_mm * 1e-3)
        column.append(Vertebra(level, centre, lean, disc_centre, disc_lean, disc, size))
    return column


def spine_column(subject: Subject) -> dict[str, Vertebra]:
    """L5 to C1 in the neutral pose, by level, from the sacrum up.

    The published heights are stretched by one factor, so that C1 comes to its height and the stature is met.
    """
    start = sacral_endplate(subject)
    wanted = subject.atlas_height - (subject.hip_height - subject.hip_centre[1]) - start[1]
    unscaled = _stack(start, 1.0)[-1].centre[1] - start[1]
    return {vertebra.level: vertebra for vertebra in _stack(start, wanted / unscaled)}


def torso_place(subject: Subject) -> Array:
    """Origin of the torso's frame, the T12-L1 disc, in the upright pelvis frame, [3] m."""
    return spine_column(subject)["T12"].disc_centre


def shoulder_place(subject: Subject) -> Array:
    """Centre of the right humeral head in the upright pelvis frame, [3] m: 15 mm at 1.75 m behind the hip's (ours)."""
    up = subject.shoulder_height - (subject.hip_height - subject.hip_centre[1])
    return np.array([subject.hip_centre[0] - 0.0086 * subject.height_m, up, subject.shoulder_half_width])


def spine_scale(subject: Subject) -> float:
    """The factor by which `spine_column` stretches the published heights."""
    return spine_column(subject)["L5"].size[1] / (VERTEBRAE_MM["L5"][0] * 1e-3)
