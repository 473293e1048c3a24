"""The form of a simple human body around a skeleton: tapered tubes of elliptic section between joint centres.

All in OpenSim's ground at the rest pose (X forward, Y up, Z right; metres). The measures are those of a neutral
adult of 1.70 m, drawn around bone meshes by hand; limbs and trunk stretch to the model's own joint centres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError
from .tubes import Tube

Array = NDArray[np.float64]
Weights = Mapping[str, float]
Row = tuple[float, float, float, float, Weights]  # along (0..1), forward (m), half width, half depth (m), bodies

FORWARD, UP, RIGHT = np.eye(3)
LEG_LENGTH_M = 0.82  # hip to knee to ankle of the drawn figure
TRUNK_LENGTH_M = 0.53  # hips to shoulders of the drawn figure
CROWN_ABOVE_SHOULDERS_M = 0.309
ARM_LENGTH_M = 0.545  # shoulder to elbow to wrist of the drawn figure


def body_tubes(track: PoseTrack, crown_height: float | None = None) -> list[Tube]:
    """The tubes that a body around this skeleton consists of.

    `crown_height` is that of the top of the head at rest (m), where it is known.

    Raises:
        InputError: the model has no trunk with two legs to draw around.
    """
    figure = _Figure(track, crown_height)
    tubes = [figure.trunk(), *figure.head()]
    for side in ("r", "l"):
        tubes += figure.leg(side) + figure.arm(side)
    return tubes


class _Figure:
    """Joint centres by the names that OpenSim's models share, and the tubes drawn between them."""

    def __init__(self, track: PoseTrack, crown_height: float | None) -> None:
        self.track, self.crown_height = track, crown_height
        self.index = {name.lower(): i for i, name in enumerate(track.names)}
        self.place = track.rest_joint_centres
        needed = ["pelvis", *(f"{bone}_{side}" for bone in ("femur", "tibia") for side in "rl")]
        missing = [name for name in needed if name not in self.index]
        if missing:
            raise InputError(
                f"no body can be drawn around a model without {', '.join(missing)}", hint="use --avatar skeleton"
            )
        self.hips = (self.centre("femur_r") + self.centre("femur_l")) / 2
        self.leg_scale = self._leg_length() / LEG_LENGTH_M
        self.chest = self._chest()
        self.neck_base = self._shoulder_middle()
        trunk_length = float(np.linalg.norm(self.neck_base - self.hips))
        self.scale = (self._leg_length() + trunk_length) / (LEG_LENGTH_M + TRUNK_LENGTH_M)

    def centre(self, name: str) -> Array:
        return self.place[self.index[name]]

    def has(self, *names: str) -> bool:
        return all(name in self.index for name in names)

    def first(self, *names: str) -> str:
        """The first of these bodies that the model has; the last one is known to be there."""
        return next(name for name in names if name in self.index)

    def _leg_length(self) -> float:
        lengths = []
        for side in "rl":
            hip, knee = self.centre(f"femur_{side}"), self.centre(f"tibia_{side}")
            ankle = self.centre(self.first(f"talus_{side}", f"calcn_{side}", f"tibia_{side}"))
            shank = np.linalg.norm(knee - ankle) or np.linalg.norm(hip - knee)
            lengths.append(np.linalg.norm(hip - knee) + shank)
        return float(np.mean(lengths))

    def _chest(self) -> str:
        """The body that carries the arms, or the last one above the pelvis on the way to the head."""
        for name in ("humerus_r", "humerus_l"):
            if name in self.index:
                chain = self._chain(self.index[name])
                known = [n for n in chain if n in ("torso", "thorax", "torax")]
                return known[0] if known else chain[0]
        return self.first("torso", "thorax", "pelvis")

    def _chain(self, body: int) -> list[str]:
        """Bodies from the parent of `body` down to the pelvis."""
        names: list[str] = []
        parent = int(self.track.parents[body])
        while parent >= 0:
            names.append(self.track.names[parent].lower())
            parent = int(self.track.parents[parent])
        return names

    def _shoulder_middle(self) -> Array:
        if self.has("humerus_r", "humerus_l"):
            return (self.centre("humerus_r") + self.centre("humerus_l")) / 2
        return self.hips + UP * TRUNK_LENGTH_M * self.leg_scale

    def tube(self, start: Array, end: Array, rows: Sequence[Row], side: Array, front: Array, scale: float) -> Tube:
        """A tube along start -> end; `side` and `front` are turned square to it, `rows` scaled but for `along`."""
        along = np.array([row[0] for row in rows])[:, None]
        axis = (end - start) / np.linalg.norm(end - start)
        front = front - axis * (front @ axis)
        front = front / np.linalg.norm(front)
        side = np.cross(axis, front) * np.sign(np.cross(axis, front) @ side or 1.0)
        ahead = np.array([row[1] for row in rows])[:, None] * scale
        carriers = np.zeros((len(rows), len(self.track.names)))
        for section, row in enumerate(rows):
            for name, weight in row[4].items():
                carriers[section, self.index[name]] += weight
        return Tube(
            centres=start + along * (end - start) + ahead * front,
            sides=np.tile(side, (len(rows), 1)),
            fronts=np.tile(front, (len(rows), 1)),
            widths=np.array([row[2] for row in rows]) * scale,
            depths=np.array([row[3] for row in rows]) * scale,
            carriers=carriers / carriers.sum(axis=1, keepdims=True),
        )

    def trunk(self) -> Tube:
        """From the crotch over the waist to the base of the neck; the lumbar bodies carry the skin before them."""
        shape = (  # along hips -> shoulders, forward, half width, half depth
            (-0.10, -0.004, 0.090, 0.080),
            (-0.04, -0.006, 0.140, 0.104),
            (0.03, -0.008, 0.160, 0.114),
            (0.12, -0.004, 0.162, 0.110),
            (0.22, 0.004, 0.152, 0.100),
            (0.33, 0.010, 0.139, 0.095),
            (0.42, 0.010, 0.136, 0.096),
            (0.52, 0.008, 0.142, 0.103),
            (0.65, 0.005, 0.156, 0.112),
            (0.78, 0.005, 0.170, 0.116),
            (0.88, 0.001, 0.170, 0.109),
            (0.96, -0.002, 0.150, 0.093),
            (1.03, -0.006, 0.112, 0.074),
            (1.10, -0.007, 0.070, 0.058),
        )
        rows = [(a, f, w, d, self._trunk_carriers(a)) for a, f, w, d in shape]
        return self.tube(self.hips, self.neck_base, rows, RIGHT, FORWARD, self.scale)

    def _trunk_carriers(self, along: float) -> dict[str, float]:
        """Between the middles of two neighbouring bodies of the spine their shares change evenly."""
        chain = [*self._chain(self.index[self.chest])[::-1], self.chest]
        chain = chain[chain.index("pelvis") :] if "pelvis" in chain else ["pelvis", self.chest]
        if len(chain) == 1:
            return {chain[0]: 1.0}
        axis = self.neck_base - self.hips
        heights = [float((self.centre(name) - self.hips) @ axis / (axis @ axis)) for name in chain[1:]]
        heights = list(np.maximum.accumulate(heights))  # a sacrum's joint may lie below the pelvis's
        middles = [heights[0] - 0.08, *((low + high) / 2 for low, high in pairwise(heights))]
        middles = np.maximum.accumulate([*middles, heights[-1] + 0.08]) + np.arange(len(chain)) * 1e-9
        shares = [np.interp(along, middles, np.eye(len(chain))[i]) for i in range(len(chain))]
        return {name: float(share) for name, share in zip(chain, shares, strict=True) if share > 0}

    def head(self) -> list[Tube]:
        """Neck, skull and jaw, hung from the crown: where a model has its neck joint differs a lot."""
        scale, base = self.scale, self.neck_base
        head = self.first("head", "skull", self.chest)
        chest = {self.chest: 1.0}
        half, all_head = {self.chest: 0.5, head: 0.5}, {head: 1.0}
        neck_rows: list[Row] = [
            (0.0, 0.0, 0.080, 0.066, chest),
            (0.35, 0.0, 0.060, 0.059, half),
            (1.0, 0.0, 0.053, 0.058, all_head),
        ]
        angles = np.radians(np.linspace(-72.0, 72.0, 13))  # the skull is an ellipsoid
        skull_rows: list[Row] = [
            ((1 + np.sin(angle)) / 2, 0.0, 0.080 * np.cos(angle), 0.103 * np.cos(angle), all_head) for angle in angles
        ]
        jaw_rows: list[Row] = [
            (0.0, 0.0, 0.026, 0.022, all_head),
            (0.22, -0.004, 0.040, 0.036, all_head),
            (0.55, -0.008, 0.054, 0.048, all_head),
            (1.0, -0.012, 0.063, 0.056, all_head),
        ]

        middle = base * (1, 0, 1)
        if head != self.chest:
            middle = self.centre(head) * (1, 0, 1) + 0.012 * scale * FORWARD
        crown = middle + UP * (self.crown_height or float(base @ UP) + CROWN_ABOVE_SHOULDERS_M * scale)

        def at(forward: float, down: float) -> Array:
            return crown + scale * (forward * FORWARD - down * UP)

        low = base + scale * (0.03 * UP - 0.008 * FORWARD)
        return [
            self.tube(low, at(0.004, 0.139), neck_rows, RIGHT, FORWARD, scale),
            self.tube(at(0.0, 0.222), at(0.0, 0.0), skull_rows, RIGHT, FORWARD, scale),
            self.tube(at(0.056, 0.211), at(0.044, 0.119), jaw_rows, RIGHT, FORWARD, scale),
        ]

    def leg(self, side: str) -> list[Tube]:
        """Thigh, shank and foot."""
        scale = self.leg_scale
        femur, tibia = f"femur_{side}", f"tibia_{side}"
        foot = self.first(f"calcn_{side}", f"talus_{side}", tibia)
        ankle_body = self.first(f"talus_{side}", foot)
        hip, knee = self.centre(femur), self.centre(tibia)
        ankle = self.centre(ankle_body) if ankle_body != tibia else knee - UP * 0.41 * scale
        outward = RIGHT if side == "r" else -RIGHT
        thigh: list[Row] = [
            (-0.24, -0.010, 0.040, 0.056, {"pelvis": 0.95, femur: 0.05}),
            (-0.13, -0.016, 0.066, 0.088, {"pelvis": 0.75, femur: 0.25}),
            (-0.02, -0.018, 0.080, 0.102, {"pelvis": 0.5, femur: 0.5}),
            (0.10, -0.010, 0.086, 0.101, {"pelvis": 0.2, femur: 0.8}),
            (0.24, -0.002, 0.084, 0.093, {femur: 1.0}),
            (0.45, 0.004, 0.075, 0.083, {femur: 1.0}),
            (0.70, 0.006, 0.062, 0.069, {femur: 1.0}),
            (0.88, 0.006, 0.055, 0.061, {femur: 0.9, tibia: 0.1}),
            (1.0, 0.006, 0.053, 0.058, {femur: 0.5, tibia: 0.5}),
        ]
        shank: list[Row] = [
            (0.0, 0.006, 0.053, 0.058, {femur: 0.5, tibia: 0.5}),
            (0.12, -0.004, 0.051, 0.055, {femur: 0.05, tibia: 0.95}),
            (0.28, -0.013, 0.055, 0.060, {tibia: 1.0}),
            (0.48, -0.010, 0.048, 0.052, {tibia: 1.0}),
            (0.74, -0.002, 0.034, 0.038, {tibia: 1.0}),
            (0.90, 0.002, 0.030, 0.035, {tibia: 0.9, ankle_body: 0.1}),
            (1.0, 0.0, 0.032, 0.037, {tibia: 0.5, ankle_body: 0.5}),
        ]
        return [
            self.tube(hip, knee, thigh, outward, FORWARD, scale),
            self.tube(knee, ankle, shank, outward, FORWARD, scale),
            self._foot(side, foot, ankle),
        ]

    def _foot(self, side: str, foot: str, ankle: Array) -> Tube:
        """From heel to toe along the sole, which lies a little under the ball of the foot."""
        scale = self.leg_scale
        toes = self.first(f"toes_{side}", foot)
        ball = self.centre(toes) if toes != foot else ankle + scale * (0.13 * FORWARD - 0.045 * UP)
        ahead = (ball - ankle) * (1, 0, 1)
        ahead = ahead / np.linalg.norm(ahead)
        sole = float(ball @ UP) - 0.010 * scale
        shape = (  # forward of the ankle, half width, half height
            (-0.056, 0.024, 0.022),
            (-0.036, 0.032, 0.034),
            (0.0, 0.035, 0.045),
            (0.05, 0.037, 0.040),
            (0.095, 0.042, 0.031),
            (0.13, 0.046, 0.024),
            (0.155, 0.047, 0.020),
            (0.175, 0.043, 0.016),
            (0.188, 0.034, 0.013),
        )
        bend = float((ball - ankle) @ ahead)
        centres, carriers = [], np.zeros((len(shape), len(self.track.names)))
        for section, (forward, _, height) in enumerate(shape):
            place = (ankle + ahead * forward * scale) * (1, 0, 1)
            centres.append(place + UP * (sole + height * scale))
            past = float(np.interp(forward * scale, [bend - 0.02 * scale, bend + 0.02 * scale], [0, 1]))
            carriers[section, self.index[foot]] += 1 - past
            carriers[section, self.index[toes]] += past
        across = np.cross(ahead, UP)
        count = len(shape)
        return Tube(
            np.array(centres),
            np.tile(across, (count, 1)),
            np.tile(UP, (count, 1)),
            np.array([row[1] for row in shape]) * scale,
            np.array([row[2] for row in shape]) * scale,
            carriers,
        )

    def arm(self, side: str) -> list[Tube]:
        """Shoulder, upper arm, forearm, hand and thumb; nothing for a model without arms."""
        humerus, ulna = f"humerus_{side}", f"ulna_{side}"
        if not self.has(humerus, ulna):
            return []
        radius = self.first(f"radius_{side}", ulna)
        hand = self.first(f"hand_{side}", radius)
        shoulder, elbow = self.centre(humerus), self.centre(ulna)
        if radius != ulna:
            elbow = (elbow + self.centre(radius)) / 2
        axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
        wrist = self.centre(hand) if hand != radius else elbow + axis * 0.25 * self.scale
        scale = float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)) / ARM_LENGTH_M
        chest = self.chest
        inner = shoulder + (self.neck_base - shoulder) * 0.45
        cap: list[Row] = [
            (0.0, 0.0, 0.056, 0.060, {chest: 1.0}),
            (0.55, 0.0, 0.053, 0.060, {chest: 0.8, humerus: 0.2}),
            (1.0, 0.0, 0.044, 0.052, {chest: 0.4, humerus: 0.6}),
        ]
        slope: list[Row] = [
            (0.0, 0.0, 0.040, 0.046, {chest: 1.0}),
            (0.5, 0.0, 0.036, 0.044, {chest: 1.0}),
            (1.0, 0.0, 0.030, 0.038, {chest: 0.7, humerus: 0.3}),
        ]
        nape = self.neck_base + self.scale * (0.062 * UP - 0.012 * FORWARD)
        top = shoulder + (self.neck_base - shoulder) * 0.12 + 0.014 * self.scale * UP
        upper: list[Row] = [
            (0.0, 0.0, 0.053, 0.057, {chest: 0.35, humerus: 0.65}),
            (0.16, 0.0, 0.051, 0.055, {chest: 0.08, humerus: 0.92}),
            (0.35, 0.0, 0.045, 0.049, {humerus: 1.0}),
            (0.60, 0.0, 0.041, 0.045, {humerus: 1.0}),
            (0.85, 0.0, 0.036, 0.039, {humerus: 0.95, ulna: 0.05}),
            (1.0, 0.0, 0.035, 0.037, {humerus: 0.5, ulna: 0.5}),
        ]
        lower: list[Row] = [
            (0.0, 0.0, 0.035, 0.037, {humerus: 0.5, ulna: 0.5}),
            (0.16, 0.0, 0.038, 0.041, {ulna: 1.0}),
            (0.35, 0.0, 0.036, 0.039, {ulna: 0.8, radius: 0.2}),
            (0.65, 0.0, 0.029, 0.033, {ulna: 0.4, radius: 0.6}),
            (0.90, 0.0, 0.022, 0.028, {radius: 1.0}),
            (1.0, 0.0, 0.020, 0.027, {radius: 0.6, hand: 0.4}),
        ]
        flat = np.cross(axis, FORWARD)
        down = UP - axis * (UP @ axis)
        return [
            self.tube(nape, top, slope, UP, FORWARD, self.scale),
            self.tube(inner, shoulder, cap, UP, FORWARD, self.scale),
            self.tube(shoulder, elbow, upper, flat, FORWARD, scale),
            self.tube(elbow, wrist, lower, flat, FORWARD, scale),
            *self._hand(wrist, elbow, radius, hand, -down, scale),
        ]

    def _hand(self, wrist: Array, elbow: Array, radius: str, hand: str, down: Array, scale: float) -> list[Tube]:
        """A mitten with a thumb, in line with the forearm; the thumb looks forward as OpenSim's neutral arm does."""
        axis = (wrist - elbow) / np.linalg.norm(wrist - elbow)
        carried = {hand: 1.0}
        palm: list[Row] = [
            (0.0, 0.0, 0.019, 0.026, {radius: 0.4, hand: 0.6}),
            (0.16, 0.002, 0.018, 0.034, carried),
            (0.42, 0.002, 0.019, 0.043, carried),
            (0.60, 0.000, 0.017, 0.042, carried),
            (0.82, -0.003, 0.016, 0.037, carried),
            (0.96, -0.005, 0.014, 0.028, carried),
        ]
        thumb: list[Row] = [
            (0.0, 0.0, 0.017, 0.019, carried),
            (0.5, 0.0, 0.015, 0.016, carried),
            (1.0, 0.0, 0.013, 0.013, carried),
        ]
        forward = FORWARD - axis * (FORWARD @ axis)
        forward = forward / np.linalg.norm(forward)
        across = np.cross(axis, forward)
        root = wrist + scale * (0.030 * axis + 0.022 * forward)
        tip = wrist + scale * (0.098 * axis + 0.058 * forward + 0.012 * down)
        return [
            self.tube(wrist, wrist + axis * 0.178 * scale, palm, across, forward, scale),
            self.tube(root, tip, thumb, across, forward, scale),
        ]
