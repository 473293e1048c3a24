"""The form of a simple human body around a skeleton: tapered tubes of elliptic section between joint centres.

All in OpenSim's ground at the rest pose (X forward, Y up, Z right; metres). The measures are those of a neutral
adult of 1.70 m, drawn around bone meshes by hand; limbs and trunk stretch to the model's own joint centres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ..kinematics.pose_track import PoseTrack
from ..model.errors import InputError

Array = NDArray[np.float64]
Weights = Mapping[str, float]
Row = tuple[float, float, float, float, Weights]  # along (0..1), forward (m), half width, half depth (m), bodies

FORWARD, UP, RIGHT = np.eye(3)
LEG_LENGTH_M = 0.82  # hip to knee to ankle of the drawn figure
TRUNK_LENGTH_M = 0.53  # hips to shoulders of the drawn figure
ARM_LENGTH_M = 0.545  # shoulder to elbow to wrist of the drawn figure
BLEND_M = 0.022  # over which length the skin passes from one tube to the next


@dataclass(frozen=True, slots=True)
class Tube:
    """S elliptic sections: `widths` half axes along `sides`, `depths` along `fronts`; what bodies carry each."""

    centres: Array  # [S, 3]
    sides: Array  # [S, 3] unit
    fronts: Array  # [S, 3] unit
    widths: Array  # [S]
    depths: Array  # [S]
    carriers: Array  # [S, B] weights, rows sum to one


def body_tubes(track: PoseTrack) -> list[Tube]:
    """The tubes that a body around this skeleton consists of.

    Raises:
        InputError: the model has no trunk with two legs to draw around.
    """
    figure = _Figure(track)
    tubes = [figure.trunk(), *figure.head()]
    for side in ("r", "l"):
        tubes += figure.leg(side) + figure.arm(side)
    return tubes


def carried_by(tubes: Sequence[Tube], points: Array, most: int = 4) -> tuple[NDArray[np.int64], Array]:
    """Which bodies carry skin points [N, 3] at rest: indices and weights [N, most], heaviest first, summing to one.

    A point belongs to the tubes whose surface it lies on, and takes the carriers of their nearest sections: so an
    arm that hangs beside the trunk does not drag the trunk's skin with it.
    """
    found = [_nearest_section(tube, points) for tube in tubes]
    distances = np.stack([distance for distance, _ in found])  # [tubes, N]
    share = np.exp(-(((distances - distances.min(axis=0)) / BLEND_M) ** 2))
    share /= share.sum(axis=0)
    weights = np.einsum("kn,knb->nb", share, np.stack([carriers for _, carriers in found]))
    bodies = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    kept = np.take_along_axis(weights, bodies, axis=1)
    return bodies.astype(np.int64), kept / kept.sum(axis=1, keepdims=True)


def tube_mesh(tube: Tube, corners: int = 28) -> tuple[Array, list[list[int]]]:
    """A closed mesh of the tube, its ends rounded: vertices [V, 3] and faces that look outwards."""
    sections = _with_round_ends(tube)
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rings = (
        sections.centres[:, None]
        + (circle[None, :, :1] * sections.widths[:, None, None]) * sections.sides[:, None]
        + (circle[None, :, 1:] * sections.depths[:, None, None]) * sections.fronts[:, None]
    )
    count = len(rings)
    faces = [
        [s * corners + i, s * corners + (i + 1) % corners, (s + 1) * corners + (i + 1) % corners, (s + 1) * corners + i]
        for s in range(count - 1)
        for i in range(corners)
    ]
    faces += [list(range(corners))[::-1], list(range((count - 1) * corners, count * corners))]
    along = np.cross(sections.sides[0], sections.fronts[0]) @ (sections.centres[-1] - sections.centres[0])
    return rings.reshape(-1, 3), faces if along > 0 else [face[::-1] for face in faces]


class _Figure:
    """Joint centres by the names that OpenSim's models share, and the tubes drawn between them."""

    def __init__(self, track: PoseTrack) -> None:
        self.track = track
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
        self.trunk_scale = float(np.linalg.norm(self.neck_base - self.hips)) / TRUNK_LENGTH_M

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
        return self.tube(self.hips, self.neck_base, rows, RIGHT, FORWARD, self.trunk_scale)

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
        """Neck, skull and jaw, placed from the shoulders: where a model's neck joint lies differs a lot."""
        scale, base = self.trunk_scale, self.neck_base
        head = self.first("head", "skull", self.chest)
        chest = {self.chest: 1.0}
        half, all_head = {self.chest: 0.5, head: 0.5}, {head: 1.0}
        neck_rows: list[Row] = [
            (0.0, 0.0, 0.066, 0.060, chest),
            (0.45, 0.0, 0.056, 0.057, half),
            (1.0, 0.0, 0.053, 0.058, all_head),
        ]
        skull_rows: list[Row] = [
            (0.0, 0.006, 0.034, 0.050, all_head),
            (0.10, 0.004, 0.054, 0.074, all_head),
            (0.25, 0.002, 0.068, 0.091, all_head),
            (0.45, 0.0, 0.076, 0.099, all_head),
            (0.62, -0.002, 0.077, 0.100, all_head),
            (0.78, -0.003, 0.071, 0.091, all_head),
            (0.90, -0.004, 0.058, 0.073, all_head),
            (0.98, -0.004, 0.047, 0.059, all_head),
            (1.03, -0.004, 0.036, 0.045, all_head),
            (1.07, -0.004, 0.022, 0.027, all_head),
        ]
        jaw_rows: list[Row] = [
            (0.0, 0.0, 0.026, 0.022, all_head),
            (0.22, -0.004, 0.040, 0.036, all_head),
            (0.55, -0.008, 0.054, 0.048, all_head),
            (1.0, -0.012, 0.063, 0.056, all_head),
        ]

        def at(forward: float, up: float) -> Array:
            return base + scale * (forward * FORWARD + up * UP)

        return [
            self.tube(at(-0.008, 0.03), at(0.008, 0.17), neck_rows, RIGHT, FORWARD, scale),
            self.tube(at(0.006, 0.135), at(0.004, 0.290), skull_rows, RIGHT, FORWARD, scale),
            self.tube(at(0.060, 0.098), at(0.048, 0.19), jaw_rows, RIGHT, FORWARD, scale),
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
        wrist = self.centre(hand) if hand != radius else elbow + axis * 0.25 * self.trunk_scale
        scale = float(np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)) / ARM_LENGTH_M
        chest = self.chest
        inner = shoulder + (self.neck_base - shoulder) * 0.45
        cap: list[Row] = [
            (0.0, 0.0, 0.058, 0.060, {chest: 1.0}),
            (0.55, 0.0, 0.057, 0.062, {chest: 0.8, humerus: 0.2}),
            (1.0, 0.0, 0.052, 0.057, {chest: 0.4, humerus: 0.6}),
        ]
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
            self.tube(inner, shoulder, cap, UP, FORWARD, self.trunk_scale),
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


def _with_round_ends(tube: Tube) -> Tube:
    """Three more, smaller sections beyond either end, along a quarter of a flat ellipse."""
    angles = np.radians([25.0, 50.0, 72.0])
    first, last = tube.centres[0] - tube.centres[1], tube.centres[-1] - tube.centres[-2]
    first, last = first / np.linalg.norm(first), last / np.linalg.norm(last)
    low, high = 0.6 * min(tube.widths[0], tube.depths[0]), 0.6 * min(tube.widths[-1], tube.depths[-1])
    before = tube.centres[0] + np.sin(angles[::-1])[:, None] * low * first
    after = tube.centres[-1] + np.sin(angles)[:, None] * high * last
    shrink = np.cos(angles)

    def grown(values: Array) -> Array:
        return np.concatenate([values[:1] * shrink[::-1], values, values[-1:] * shrink])

    def held(rows: Array) -> Array:
        return np.concatenate([np.tile(rows[:1], (3, 1)), rows, np.tile(rows[-1:], (3, 1))])

    centres = np.concatenate([before, tube.centres, after])
    return Tube(
        centres, held(tube.sides), held(tube.fronts), grown(tube.widths), grown(tube.depths), held(tube.carriers)
    )


def _nearest_section(tube: Tube, points: Array) -> tuple[Array, Array]:
    """Distance (m, about) of points [N, 3] from the tube's surface, negative inside, and the carriers [N, B] there."""
    starts, steps = tube.centres[:-1], np.diff(tube.centres, axis=0)
    relative = points[:, None] - starts  # [N, S - 1, 3]
    along = np.clip(np.einsum("nsi,si->ns", relative, steps) / np.einsum("si,si->s", steps, steps), 0.0, 1.0)
    offset = relative - along[..., None] * steps

    def between(values: Array) -> Array:
        return values[:-1] + along * np.diff(values)

    width, depth = between(tube.widths), between(tube.depths)
    across = np.einsum("nsi,si->ns", offset, tube.sides[:-1])
    ahead = np.einsum("nsi,si->ns", offset, tube.fronts[:-1])
    beyond = np.sqrt(np.maximum(np.einsum("nsi,nsi->ns", offset, offset) - across**2 - ahead**2, 0.0))
    size = np.sqrt(width * depth)
    distance = (np.sqrt((across / width) ** 2 + (ahead / depth) ** 2 + (beyond / size) ** 2) - 1.0) * size
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(points))
    share = along[rows, nearest][:, None]
    carriers = (1 - share) * tube.carriers[nearest] + share * tube.carriers[nearest + 1]
    return distance[rows, nearest], carriers
