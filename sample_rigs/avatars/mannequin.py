"""A mannequin that needs no data: a smooth body around a skeleton of average proportions, arms out, 22 bones.

Its form is that of the body drawn around any model (`scene.body_shape`); its skeleton has the segment lengths of
Drillis and Contini (1966, as in Winter 2009, figure 4.1), and bone names in the manner of Mixamo's.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...simspine_addon.kinematics.pose_track import PoseTrack
from ...simspine_addon.model.errors import InputError
from ...simspine_addon.scene.body_shape import body_tubes
from ...simspine_addon.scene.tubes import Tube, carried_by
from .avatar import Avatar
from .materials import Material, linear
from .surface import Surface, cut, joined, smoothed
from .voxels import zero_surface
from .weights import sparse_weights

Array = NDArray[np.float64]

VOXEL_M = 0.0135
_BLEND_M = 0.010  # over which length two tubes pass into one another
_SMOOTHING = (0.5,) * 3 + (0.55, -0.565) * 8  # Taubin 1995: even, without shrinking

# Bone, parent, joint centre in shares of the body's height (X forward, Y up, Z right), for the right side.
_MIDDLE: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("Hips", "", (0.0, 0.530, 0.0)),
    ("Spine", "Hips", (-0.012, 0.590, 0.0)),
    ("Spine1", "Spine", (-0.010, 0.680, 0.0)),
    ("Spine2", "Spine1", (-0.020, 0.750, 0.0)),
    ("Neck", "Spine2", (-0.012, 0.848, 0.0)),
    ("Head", "Neck", (0.004, 0.905, 0.0)),
)
_SIDE: tuple[tuple[str, str, tuple[float, float, float]], ...] = (
    ("Shoulder", "Spine2", (0.006, 0.828, 0.014)),
    ("Arm", "Shoulder", (-0.010, 0.818, 0.112)),
    ("ForeArm", "Arm", (-0.010, 0.818, 0.298)),
    ("Hand", "ForeArm", (-0.010, 0.818, 0.444)),
    ("UpLeg", "Hips", (0.0, 0.530, 0.052)),
    ("Leg", "UpLeg", (0.0, 0.285, 0.052)),
    ("Foot", "Leg", (0.0, 0.039, 0.052)),
    ("ToeBase", "Foot", (0.078, 0.012, 0.052)),
)
# The body's tubes know bodies by OpenSim's names.
_BODIES = {
    "Hips": "pelvis", "Spine": "spine", "Spine1": "spine1", "Spine2": "torso", "Neck": "neck", "Head": "head",
    "Shoulder": "clavicle", "Arm": "humerus", "ForeArm": "ulna", "Hand": "hand", "UpLeg": "femur", "Leg": "tibia",
    "Foot": "talus", "ToeBase": "toes",
}  # fmt: skip
_LANDMARKS = {
    "pelvis": "Hips", "L5_S1": "Spine", "T12_L1": "Spine1", "neck_base": "Neck", "atlas": "Head",
    "hip": "UpLeg", "knee": "Leg", "ankle": "Foot", "ball": "ToeBase", "clavicle": "Shoulder", "shoulder": "Arm",
    "elbow": "ForeArm", "wrist": "Hand",
}  # fmt: skip
_TIPS = {"Head": (0.0, 0.095, 0.0), "Hand": (0.0, 0.0, 0.108), "ToeBase": (0.045, 0.0, 0.0)}


def build_mannequin(height_m: float = 1.75, suit: str = "#5F7488") -> Avatar:
    """A mannequin of that height in T pose; suit, head and hands, and shoes are its three materials.

    Args:
        height_m: soles to crown.
        suit: colour of the suit, sRGB hex.

    Raises:
        InputError: the height is not between 0.3 and 3 m.
    """
    if not 0.3 <= height_m <= 3.0:
        raise InputError(f"the mannequin's height is {height_m} m", hint="give a height from 0.3 to 3 m")
    names, parents, heads = _skeleton()
    track = _track(names, parents, heads)
    tubes = body_tubes(track)
    body = _skin(tubes, len(names))
    pieces, materials = _painted(body, names, heads, suit)
    whole = joined([piece for _, piece in pieces])
    low, high = float(whole.vertices[:, 1].min()), float(whole.vertices[:, 1].max())
    scale, down = height_m / (high - low), np.array([0.0, low, 0.0])
    heads, tails = scale * (heads - down), scale * (_tails(names, parents, heads) - down)
    bones, shares = sparse_weights(whole.carriers)
    where = {name: heads[i] for i, name in enumerate(names)}
    return Avatar(
        name="Mannequin",
        rig="mannequin",
        vertices=scale * (whole.vertices - down),
        corners=whole.corners,
        offsets=whole.offsets,
        uv=whole.uv,
        face_material=np.concatenate([np.full(piece.face_count, number) for number, piece in pieces]),
        materials=materials,
        bone_names=names,
        parents=parents,
        heads=heads,
        tails=tails,
        rest=np.array([_frame(head, tail) for head, tail in zip(heads, tails, strict=True)]),
        weight_bones=bones,
        weight_shares=shares,
        landmarks=_landmarks(where),
        base_vertices=whole.base,
    )


def _skeleton() -> tuple[tuple[str, ...], NDArray[np.int64], Array]:
    """Names, parents and joint centres [B, 3] of a body of height 1.70 m; parents first."""
    rows = list(_MIDDLE)
    for side, sign in (("Left", -1.0), ("Right", 1.0)):
        for bone, parent, (x, y, z) in _SIDE:
            above = parent if parent in _BODIES and any(parent == row[0] for row in _MIDDLE) else side + parent
            rows.append((side + bone, above, (x, y, sign * z)))
    names = tuple(row[0] for row in rows)
    parents = np.array([names.index(row[1]) if row[1] else -1 for row in rows], dtype=np.int64)
    return names, parents, 1.70 * np.array([row[2] for row in rows])


def _body_name(bone: str) -> str:
    for side, suffix in (("Left", "_l"), ("Right", "_r")):
        if bone.startswith(side):
            return _BODIES[bone.removeprefix(side)] + suffix
    return _BODIES[bone]


def _track(names: Sequence[str], parents: NDArray[np.int64], heads: Array) -> PoseTrack:
    turns = np.tile(np.eye(3), (len(names), 1, 1))
    return PoseTrack(
        time=np.zeros(1),
        names=tuple(_body_name(name) for name in names),
        parents=parents,
        positions=heads[None],
        rotations=turns[None],
        centres=np.zeros((len(names), 3)),
        rest_positions=heads,
        rest_rotations=turns,
    )


def _skin(tubes: list[Tube], bone_count: int) -> Surface:
    """One smooth closed surface around the tubes, the same left and right."""
    reach = max(float(np.abs(tube.centres[:, 2]).max()) for tube in tubes) + 0.10
    low = np.array([-0.26, -0.08, -np.ceil(reach / VOXEL_M) * VOXEL_M])
    high = np.array([0.34, 1.86, reach])
    counts = np.ceil((high - low) / VOXEL_M).astype(int) + 1
    counts[2] = 2 * round(-low[2] / VOXEL_M) + 1  # the same number of steps to either side of the middle
    axes = [low[i] + VOXEL_M * np.arange(counts[i]) for i in range(3)]
    vertices, quads = zero_surface(_field(tubes, axes), low, VOXEL_M)
    quads_count = len(quads)
    blank = np.zeros((len(vertices), 1))
    piece = Surface(vertices, quads.ravel(), np.arange(quads_count + 1) * 4, np.zeros((quads.size, 2)), blank, blank,
                    np.full(len(vertices), -1))  # fmt: skip
    vertices = smoothed(piece, vertices, _SMOOTHING)
    bodies, shares = carried_by(tubes, vertices, most=6)
    carriers = np.zeros((len(vertices), bone_count))
    np.add.at(carriers, (np.arange(len(vertices))[:, None], bodies), shares)
    return Surface(vertices, piece.corners, piece.offsets, piece.uv, carriers, blank, piece.base)


def _field(tubes: list[Tube], axes: list[Array]) -> Array:
    """Signed distance (m, about) from the union of the tubes on a grid, rounded where they meet."""
    total = np.zeros([len(axis) for axis in axes])
    for tube in tubes:
        size = float(max(tube.widths.max(), tube.depths.max())) + 5 * VOXEL_M
        spans = []
        for i, axis in enumerate(axes):
            inside = (axis > tube.centres[:, i].min() - size) & (axis < tube.centres[:, i].max() + size)
            spans.append(slice(int(inside.argmax()), len(axis) - int(inside[::-1].argmax())))
        grid = np.stack(np.meshgrid(*(axis[span] for axis, span in zip(axes, spans, strict=True)), indexing="ij"), -1)
        distance = _distance(tube, grid.reshape(-1, 3)).reshape(grid.shape[:-1])
        total[tuple(spans)] += np.exp(-np.clip(distance, -20 * _BLEND_M, None) / _BLEND_M)
    return -_BLEND_M * np.log(np.maximum(total, 1e-12))


def _distance(tube: Tube, points: Array) -> Array:
    """Distance (m, about) of points [N, 3] from a tube's surface, negative inside; its ends are half ellipsoids."""
    nearest = np.full(len(points), np.inf)
    for s in range(len(tube.centres) - 1):
        step = tube.centres[s + 1] - tube.centres[s]
        relative = points - tube.centres[s]
        along = np.clip(relative @ step / (step @ step), 0.0, 1.0)
        offset = relative - along[:, None] * step
        width = tube.widths[s] + along * (tube.widths[s + 1] - tube.widths[s])
        depth = tube.depths[s] + along * (tube.depths[s + 1] - tube.depths[s])
        across, ahead = offset @ tube.sides[s], offset @ tube.fronts[s]
        beyond = np.einsum("ni,ni->n", offset, offset) - across**2 - ahead**2
        size = np.minimum(width, depth)
        reach = np.sqrt((across / width) ** 2 + (ahead / depth) ** 2 + np.maximum(beyond, 0.0) / (0.6 * size) ** 2)
        nearest = np.minimum(nearest, (reach - 1.0) * size)
    return nearest


def _painted(
    body: Surface, names: tuple[str, ...], heads: Array, suit: str
) -> tuple[list[tuple[int, Surface]], tuple[Material, ...]]:
    """The body cut into suit, bare shell (head and hands) and shoes, and weights for neck and collar bones."""
    where = dict(zip(names, heads, strict=True))
    body = Surface(body.vertices, body.corners, body.offsets, body.uv, _shared(body.carriers, names), body.parts,
                   body.base)  # fmt: skip
    x, y, z = body.vertices.T
    neck = np.minimum(y - where["Neck"][1] - 0.022 + 0.5 * (x - where["Neck"][0]), 0.085 - np.abs(z))
    wrist = np.abs(z) - where["RightHand"][2] + 0.012
    ankle = where["RightFoot"][1] + 0.055 - y
    shell = np.maximum(neck, wrist)
    pieces = [(0, cut(body, np.minimum(-shell, -ankle))), (1, cut(body, shell)), (2, cut(body, ankle))]
    materials = (
        Material("suit", linear(suit), 0.75, 0.3),
        Material("shell", linear("#C9C4BC"), 0.5, 0.4),
        Material("shoes", linear("#2C2F34"), 0.6, 0.4),
    )
    return pieces, materials


def _shared(carriers: Array, names: tuple[str, ...]) -> Array:
    """What two bones carry together goes to the bone between them: the neck, the collar bones; the foot is one bone."""
    carriers = carriers.copy()
    for between, one, other in (
        ("Neck", "Spine2", "Head"),
        ("LeftShoulder", "Spine2", "LeftArm"),
        ("RightShoulder", "Spine2", "RightArm"),
    ):
        a, b = names.index(one), names.index(other)
        both = np.minimum(carriers[:, a], carriers[:, b])
        carriers[:, a] -= both
        carriers[:, b] -= both
        carriers[:, names.index(between)] += 2.0 * both
    return carriers


def _tails(names: tuple[str, ...], parents: NDArray[np.int64], heads: Array) -> Array:
    """A bone ends where its continuation begins; the last of a chain by the body's proportions."""
    following = {"Hips": "Spine", "Spine": "Spine1", "Spine1": "Spine2", "Spine2": "Neck", "Neck": "Head"}
    for side in ("Left", "Right"):
        for chain in (("Shoulder", "Arm", "ForeArm", "Hand"), ("UpLeg", "Leg", "Foot", "ToeBase")):
            following.update({side + one: side + other for one, other in itertools.pairwise(chain)})
    tails = heads.copy()
    for i, name in enumerate(names):
        if name in following:
            tails[i] = heads[names.index(following[name])]
        else:
            sign = -1.0 if name.startswith("Left") else 1.0
            tails[i] += 1.70 * np.array(_TIPS[name.removeprefix("Left").removeprefix("Right")]) * (1.0, 1.0, sign)
    return tails


def _frame(head: Array, tail: Array) -> Array:
    """A bone's rest frame: y along it, z forward, or up where the bone itself runs forward."""
    along = (tail - head) / np.linalg.norm(tail - head)
    front = np.array([0.0, 1.0, 0.0]) if abs(along[0]) > 0.7 else np.array([1.0, 0.0, 0.0])
    z = front - along * (front @ along)
    z = z / np.linalg.norm(z)
    frame = np.eye(4)
    frame[:3, :3] = np.stack([np.cross(along, z), along, z], axis=1)
    frame[:3, 3] = head
    return frame


def _landmarks(where: dict[str, Array]) -> dict[str, Array]:
    places: dict[str, Array] = {}
    for landmark, bone in _LANDMARKS.items():
        if bone in where:
            places[landmark] = where[bone]
        else:
            places[f"{landmark}_l"], places[f"{landmark}_r"] = where[f"Left{bone}"], where[f"Right{bone}"]
    return places
