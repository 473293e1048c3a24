"""An avatar in the proportions of a subject-scaled OpenSim model: first its phenotype, then segment by segment.

The phenotype (height, proportions, weight, muscle) is found by least squares over segment lengths and the model's
mass. What is left is taken up by a smooth warp of the whole base mesh: trunk and neck by interpolated displacements,
limbs by a stretch along each segment, blended by how much of each vertex belongs to which. The arms keep the
directions of the body's own rest pose, so that the fitted avatar rests as its rig does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.model.errors import InputError
from ...simspine_addon.model.types import Model
from .avatar import Avatar, dressed_avatar
from .landmarks import CUBE_OF, landmarks_of
from .materials import Outfit, outfit_of
from .model_joints import joint_centres
from .mpfb_data import vertex_groups
from .phenotype import Phenotype, body_height, body_mass, shaped_vertices
from .weights import segment_shares

Array = NDArray[np.float64]
Places = Mapping[str, Array]

LIMIT_MM = 10.0
_FREE = ("height", "proportions", "weight", "muscle")  # of the phenotype
_PRIOR_MM = (3.0, 20.0, 20.0, 25.0)  # what a whole unit away from the given value counts, by free parameter
_KILOGRAM_AS_MM = 5.0  # what a kilogram counts against a millimetre: lengths are warped afterwards, girth is not
_LIMBS = (("hip", "knee", "thigh"), ("knee", "ankle", "shank"), ("shoulder", "elbow", "upper_arm"),
          ("elbow", "wrist", "forearm"))  # fmt: skip
_TRUNK = ("hip_l", "hip_r", "shoulder_l", "shoulder_r", "neck_base", "atlas")
_SPINE = ("L5_S1", "T12_L1")
_FACE = ("nose", "eye_l", "eye_r", "ear_l", "ear_r")
_FACE_MOVE_M = 0.025  # at most, over the skull's joint: where a person's eyes are differs, but not by more
_REACH_M = 0.12  # over which length a displacement of the trunk's is felt before it turns linear


@dataclass(frozen=True, slots=True)
class FitReport:
    """How well an avatar's joints meet the model's, with the limbs turned into the model's default pose.

    Residuals are distances in mm by joint; `nearest_bone` names for each joint the bone whose head lies nearest, and
    how far off (mm): a rig need not have a bone in every joint of a spine.
    """

    phenotype: Phenotype
    residual_mm: dict[str, float]
    residual_before_warp_mm: dict[str, float]
    segment_scale: dict[str, float]
    missing: tuple[str, ...]  # joints that the model does not have
    nearest_bone: dict[str, tuple[str, float]]
    height_m: float
    mass_kg: float
    model_mass_kg: float

    @property
    def worst_mm(self) -> float:
        """The largest residual."""
        return max(self.residual_mm.values())


def fit_avatar(
    model: Model,
    rig: str = "default",
    *,
    phenotype: Phenotype | None = None,
    seed: int = 0,
    outfit: Outfit | None = None,
) -> tuple[Avatar, FitReport]:
    """A dressed avatar in the model's proportions, and how near it came.

    Args:
        model: a subject-scaled model; its default pose, the pelvis made upright, is what is met.
        rig: as `build_avatar`.
        phenotype: gender, age and ancestry to keep; height, proportions, weight and muscle are where the search starts.
        seed, outfit: as `build_avatar`.

    Raises:
        InputError: the model has no two legs, or no human body can be shaped to it (a joint stays over 10 mm off).
    """
    wanted = joint_centres(model)
    mass = float(sum(body.mass for body in model.bodies))
    found = _fitted_phenotype(phenotype or Phenotype(), wanted, mass)
    vertices = shaped_vertices(found)
    before = _residuals(_standing_on(landmarks_of(vertices), wanted), wanted)
    warped, scales = _warped(vertices, wanted)
    places = landmarks_of(warped)
    after = _residuals(places, wanted)
    avatar = dressed_avatar(rig, warped, outfit or outfit_of(seed, found), name=f"Avatar {model.name}".strip())
    report = FitReport(
        phenotype=found,
        residual_mm=after,
        residual_before_warp_mm=before,
        segment_scale=scales,
        missing=tuple(name for name in (*_TRUNK, *_SPINE, *_limb_joints()) if name not in wanted),
        nearest_bone={name: _nearest_bone(avatar, name) for name in after},
        height_m=body_height(warped),
        mass_kg=body_mass(warped),
        model_mass_kg=mass,
    )
    if not report.worst_mm <= LIMIT_MM:
        worst = max(after, key=lambda name: after[name])
        raise InputError(
            f"no body could be shaped to this model: '{worst}' stays {after[worst]:.0f} mm off",
            path=model.path,
            hint="check the model's scaling, lengths have to be in metres",
        )
    return avatar, report


def _limb_joints() -> list[str]:
    return [f"{end}_{side}" for _, end, _ in _LIMBS for side in "lr"]


def _measures(places: Places, wanted: Places) -> Array:
    """Lengths (mm) that bodies are compared by, of joints that the model has."""
    lengths = [
        _distance(places, f"{start}_{side}", f"{end}_{side}")
        for start, end, _ in _LIMBS
        for side in "lr"
        if {f"{start}_{side}", f"{end}_{side}"} <= set(wanted)
    ]
    for start, end in (("hip_l", "hip_r"), ("shoulder_l", "shoulder_r"), ("neck_base", "atlas")):
        if {start, end} <= set(wanted):
            lengths.append(_distance(places, start, end))
    if "shoulder_l" in wanted:
        middle = {name: (places[f"{name}_l"] + places[f"{name}_r"]) / 2 for name in ("hip", "shoulder")}
        lengths += [2.0 * _distance(middle, "hip", "shoulder")]  # the trunk counts for both sides
    return 1000.0 * np.array(lengths)


def _distance(places: Places, start: str, end: str) -> float:
    return float(np.linalg.norm(places[end] - places[start]))


def _fitted_phenotype(start: Phenotype, wanted: Places, mass: float) -> Phenotype:
    """The best of a few searches from different weights: the targets change their slope at the average of each."""
    goal = _measures(wanted, wanted)
    weigh = 15.0 < mass < 300.0
    given = np.array([getattr(start, name) for name in _FREE])

    def error(values: Array) -> Array:
        vertices = shaped_vertices(replace(start, **dict(zip(_FREE, values.tolist(), strict=True))))
        misses = _measures(landmarks_of(vertices), wanted) - goal
        heavier = [_KILOGRAM_AS_MM * (body_mass(vertices) - mass)] if weigh else []
        return np.concatenate([misses, heavier, np.array(_PRIOR_MM) * (values - given)])

    starts = [given, np.append(given[:-2], (0.25, 0.4)), np.append(given[:-2], (0.75, 0.6))]
    found = [_least_squares(error, values) for values in starts]
    best = min(found, key=lambda result: result[1])[0]
    return replace(start, **dict(zip(_FREE, best.tolist(), strict=True)))


def _least_squares(error: Callable[[Array], Array], values: Array) -> tuple[Array, float]:
    """Levenberg-Marquardt between 0 and 1, slopes by differences: where it ends, and the sum of squares there.

    A parameter that lies at its limit and would leave it is held for that step.
    """
    misses, damping = error(values), 0.01
    for _ in range(20):
        steps = np.where(values > 0.5, -0.02, 0.02)
        slopes = np.stack([(error(values + step) - misses) / step.sum() for step in np.diag(steps)], axis=1)
        downhill = -slopes.T @ misses
        free = ~(((values <= 0.0) & (downhill < 0)) | ((values >= 1.0) & (downhill > 0)))
        squares = slopes[:, free].T @ slopes[:, free]
        change = np.zeros(len(values))
        change[free] = np.linalg.solve(squares + damping * np.diag(np.diag(squares)), downhill[free])
        trial = np.clip(values + np.clip(change, -0.3, 0.3), 0.0, 1.0)
        trial_misses = error(trial)
        if trial_misses @ trial_misses < misses @ misses:
            moved_by, values, misses, damping = np.abs(trial - values).max(), trial, trial_misses, damping / 3
            if moved_by < 1e-3:
                break
        else:
            damping *= 10
            if damping > 1e3:
                break
    return values, float(misses @ misses)


def _standing_on(places: Places, wanted: Places) -> dict[str, Array]:
    """The places moved so that the hips' middles meet."""
    shift = _hips(wanted) - _hips(places)
    return {name: place + shift for name, place in places.items()}


def _hips(places: Places) -> Array:
    return (places["hip_l"] + places["hip_r"]) / 2


def _warped(vertices: Array, wanted: Places) -> tuple[Array, dict[str, float]]:
    """The base mesh [19158, 3] with the model's joints, and the stretch of each segment."""
    places = landmarks_of(vertices)
    vertices = vertices + _hips(wanted) - _hips(places)
    places = landmarks_of(vertices)
    anchors = [name for name in _TRUNK if name in wanted]
    displacement = _interpolated(
        np.array([places[name] for name in anchors]),
        np.array([wanted[name] - places[name] for name in anchors]),
        vertices,
    )
    shares = segment_shares()
    atlas = displacement[vertex_groups()[CUBE_OF["atlas"]]].mean(axis=0)
    head = atlas + _face_move({name: place + atlas for name, place in places.items()}, wanted)
    moved = shares["trunk"][:, None] * displacement + shares["head"][:, None] * head
    scales: dict[str, float] = {}
    for side in "lr":
        for joints, end_part in ((("hip", "knee", "ankle"), "foot"), (("shoulder", "elbow", "wrist"), "hand")):
            moved = moved + _limb_moves(vertices, places, wanted, joints, end_part, side, scales)
    return _with_spine(vertices + moved, wanted), scales


def _face_move(places: Places, wanted: Places) -> Array:
    """How the head moves on the skull's joint, [3], so that its face is where the model's markers have it."""
    known = [name for name in _FACE if name in wanted]
    if len(known) < 3:  # one or two markers may sit anywhere
        return np.zeros(3)
    move = np.mean([wanted[name] - places[name] for name in known], axis=0) * (1.0, 1.0, 0.0)
    size = float(np.linalg.norm(move))
    return move * min(1.0, _FACE_MOVE_M / max(size, 1e-9))


def _limb_moves(
    vertices: Array,
    places: Places,
    wanted: Places,
    joints: tuple[str, str, str],
    end_part: str,
    side: str,
    scales: dict[str, float],
) -> Array:
    """The limb's share of the displacements [19158, 3]: two segments stretched along themselves, its end scaled."""
    shares = segment_shares()
    names = [f"{joint}_{side}" for joint in joints]
    start = wanted.get(names[0], places[names[0]])
    total = np.zeros_like(vertices)
    for near, far in itertools.pairwise(names):
        part = next(f"{part}_{side}" for a, b, part in _LIMBS if f"{a}_{side}" == near and f"{b}_{side}" == far)
        bone = places[far] - places[near]
        stretch = _distance(wanted, near, far) / float(np.linalg.norm(bone)) if {near, far} <= set(wanted) else 1.0
        scales[part] = stretch
        relative = vertices - places[near]
        along = np.outer(relative @ bone / (bone @ bone), bone)
        total += shares[part][:, None] * (start - places[near] + (stretch - 1.0) * along)
        start = start + stretch * bone
    end = f"{end_part}_{side}"
    scale = (
        float(np.mean([scales[f"{part}_{side}"] for part in ("upper_arm", "forearm")])) if end_part == "hand" else 1.0
    )
    if end_part == "foot" and f"ball_{side}" in wanted and names[2] in wanted:
        scale = _distance(wanted, names[2], f"ball_{side}") / _distance(places, names[2], f"ball_{side}")
    scales[end] = float(np.clip(scale, 0.8, 1.25))
    total += shares[end][:, None] * (start - places[names[2]] + (scales[end] - 1.0) * (vertices - places[names[2]]))
    return total


def _interpolated(centres: Array, displacements: Array, points: Array) -> Array:
    """Displacements at points [N, 3] from those at centres [A, 3]: multiquadrics sqrt(r^2 + c^2) and a constant."""

    def kernel(a: Array, b: Array) -> Array:
        return np.sqrt(((a[:, None] - b) ** 2).sum(axis=2) + _REACH_M**2)

    count = len(centres)
    system = np.ones((count + 1, count + 1))
    system[:count, :count], system[count, count] = kernel(centres, centres), 0.0
    shares = np.linalg.solve(system, np.concatenate([displacements, np.zeros((1, 3))]))
    return kernel(points, centres) @ shares[:count] + shares[count]


def _with_spine(vertices: Array, wanted: Places) -> Array:
    """The joint cubes of the spine and the skull moved to the model's levels; the skin around stays as it is."""
    vertices = vertices.copy()
    groups, places = vertex_groups(), landmarks_of(vertices)
    moves = {name: wanted[name] - places[name] for name in (*_SPINE, "atlas") if name in wanted}
    chains = (("mid_lumbar", "L5_S1", "T12_L1"), ("mid_thoracic", "T12_L1", "neck_base"))
    for middle, below, above in chains:
        low, high = moves.get(below, np.zeros(3)), moves.get(above, np.zeros(3))
        span = places[above] - places[below]
        share = float((places[middle] - places[below]) @ span / (span @ span))
        moves[middle] = (1.0 - share) * low + share * high
    for name, move in moves.items():
        vertices[groups[CUBE_OF[name]]] += move
    return vertices


def _residuals(places: Places, wanted: Places) -> dict[str, float]:
    """Distances (mm) of the joints from the model's, each limb turned to point as the model's does."""
    posed: dict[str, Array] = {name: places[name] for name in (*_TRUNK, *_SPINE) if name in wanted}
    for start, end, _ in _LIMBS:
        for side in "lr":
            near, far = f"{start}_{side}", f"{end}_{side}"
            if near in posed and far in wanted:
                step = wanted[far] - wanted[near]
                posed[far] = posed[near] + step / np.linalg.norm(step) * _distance(places, near, far)
    return {name: 1000.0 * float(np.linalg.norm(place - wanted[name])) for name, place in posed.items()}


def _nearest_bone(avatar: Avatar, landmark: str) -> tuple[str, float]:
    gaps = np.linalg.norm(avatar.heads - avatar.landmarks[landmark], axis=1)
    return avatar.bone_names[int(gaps.argmin())], 1000.0 * float(gaps.min())
