"""Keypoints that ride on an avatar's own bones and skin: carried along in every pose, and compared with a model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ..spine.keypoints import KEYPOINT_NAMES, Placement

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SkinMesh:
    """An avatar's visible skin, clothes included, at rest, and what moves it; metres, OpenSim's axes.

    A vertex moves by linear blend skinning with `weight_shares` [V, K] of the bones `weight_bones` [V, K], whose rest
    frames are `rest_positions` [B, 3] and `rest_rotations` [B, 3, 3].
    """

    vertices: Array  # [V, 3]
    triangles: Indices  # [F, 3]
    weight_bones: Indices
    weight_shares: Array
    rest_positions: Array
    rest_rotations: Array


@dataclass(frozen=True, slots=True)
class CarriedPoint:
    """A point at rest [3] m and what carries it: `anchors` [M, 3] m at rest with `bones` [M] and `shares` [M].

    The point is the mean of the anchors by their shares, at rest and in any pose: x = sum_i s_i G_i rest_i^-1 a_i. For
    a point of the skin the anchors are the corners of its triangle, one for each bone that carries one, so that it
    stays on the skinned surface exactly.
    """

    place: Array
    anchors: Array
    bones: Indices
    shares: Array
    kind: str  # "joint", "vertebra" or "skin"


@dataclass(frozen=True, slots=True)
class AvatarKeypoints:
    """The 37 keypoints on an avatar: `places` [37, 3] m at rest, NaN where it has none.

    `local` [37, M, 3] m are the anchors (see `CarriedPoint`) in the frames of the `bones` [37, M] that carry them with
    `shares` [37, M]; unused places have the share 0. `kinds` says of each: "joint", "vertebra", "skin" or "missing".
    """

    placement: Placement
    places: Array
    local: Array
    bones: Indices
    shares: Array
    kinds: tuple[str, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that the avatar does not have."""
        return tuple(name for name, kind in zip(KEYPOINT_NAMES, self.kinds, strict=True) if kind == "missing")


@dataclass(frozen=True, slots=True)
class KeypointResidual:
    """How far an avatar's keypoints lie from a model's, mm, [37] each; NaN where one of the two has none.

    `mean`, `median` and `largest` are distances over all frames. They have two parts: `constant` is what keeps its
    place in the model's body (skin lies elsewhere than the model's marker, a joint centre is no marker: a matter of
    definition), `varying` the median of the rest, which is what the motion's transfer adds. `joint` is the median
    distance from the model's own joint centre, for the keypoints that are joints.
    """

    mean: Array
    median: Array
    largest: Array
    constant: Array
    varying: Array
    joint: Array

    def table(self) -> dict[str, dict[str, float | None]]:
        """By keypoint, for JSON: hundredths of a millimetre, None where there is nothing to compare."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: {what: _rounded(values[index]) for what, values in columns.items()}
            for index, name in enumerate(KEYPOINT_NAMES)
        }

    def overall(self) -> dict[str, float | None]:
        """The median over the keypoints of each of these numbers."""
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return {what: _rounded(_median(values)) for what, values in columns.items()}

    @property
    def like_for_like(self) -> float:
        """The median over the keypoints, mm, with joints measured from the model's joint centres."""
        return _median(np.where(np.isfinite(self.joint), self.joint, self.median))


def avatar_keypoints(keypoints: AvatarKeypoints, bone_positions: Array, bone_rotations: Array) -> Array:
    """Where an avatar's keypoints are, [T, 37, 3] m.

    Args:
        keypoints: from `gathered`.
        bone_positions: [T, B, 3] m heads of the avatar's bones.
        bone_rotations: [T, B, 3, 3] their frames, which at rest are the avatar's rest frames.
    """
    turned = np.einsum("tkmij,kmj->tkmi", bone_rotations[:, keypoints.bones], keypoints.local)
    points = np.einsum("km,tkmi->tki", keypoints.shares, turned + bone_positions[:, keypoints.bones])
    points[:, ~np.isfinite(keypoints.places).all(axis=1)] = np.nan
    return points


def gathered(points: Mapping[str, CarriedPoint], skin: SkinMesh, placement: Placement) -> AvatarKeypoints:
    """Keypoints by name as arrays in the table's order; what is not among `points` is missing."""
    width = max((len(point.bones) for point in points.values()), default=1)
    count = len(KEYPOINT_NAMES)
    places, local = np.full((count, 3), np.nan), np.zeros((count, width, 3))
    bones, shares = np.zeros((count, width), np.int64), np.zeros((count, width))
    kinds = ["missing"] * count
    for index, name in enumerate(KEYPOINT_NAMES):
        point = points.get(name)
        if point is None:
            continue
        used = len(point.bones)
        relative = point.anchors - skin.rest_positions[point.bones]
        local[index, :used] = np.einsum("mji,mj->mi", skin.rest_rotations[point.bones], relative)
        bones[index, :used], shares[index, :used] = point.bones, point.shares
        places[index], kinds[index] = point.place, point.kind
    return AvatarKeypoints(placement, places, local, bones, shares, tuple(kinds))


def on_bones(place: Array, bones: Sequence[int], shares: Sequence[float], kind: str) -> CarriedPoint:
    """A point of the body's inside that bones carry, by shares of any sum."""
    weights = np.asarray(shares, dtype=float)
    anchors = np.tile(np.asarray(place, dtype=float), (len(weights), 1))
    return CarriedPoint(
        np.asarray(place, dtype=float), anchors, np.asarray(bones, np.int64), weights / weights.sum(), kind
    )


def on_vertex(skin: SkinMesh, vertex: int) -> CarriedPoint:
    """A vertex of the skin."""
    return _on_corners(skin, np.array([vertex]), np.ones(1))


def where_ray_leaves(
    skin: SkinMesh, start: Array, direction: Array, within: Indices | None = None
) -> CarriedPoint | None:
    """The last point of the skin on a ray from inside the body: the surface that is seen from out there.

    Args:
        skin: with its clothes.
        start: [3] m.
        direction: [3] of any length.
        within: indices of the triangles that count; all where left out.

    Returns:
        The point on its triangle; None where the ray meets none.
    """
    triangles = skin.triangles if within is None else skin.triangles[within]
    corners = skin.vertices[triangles]
    along = np.asarray(direction, dtype=float) / np.linalg.norm(direction)
    found = _crossings(corners, np.asarray(start, dtype=float), along)
    if found is None:
        return None
    distance, one, other = found
    last = int(np.argmax(distance))
    if not np.isfinite(distance[last]):
        return None
    return _on_corners(skin, triangles[last], np.array([1.0 - one[last] - other[last], one[last], other[last]]))


def shares_of(point: CarriedPoint, allowed: Sequence[int]) -> tuple[list[int], list[float]]:
    """Which of the `allowed` bones carry a point, and how much of it each; nothing where none does."""
    found: dict[int, float] = {}
    for bone, share in zip(point.bones.tolist(), point.shares.tolist(), strict=True):
        if bone in allowed and share > 0.0:
            found[bone] = found.get(bone, 0.0) + share
    return list(found), list(found.values())


def keypoint_residual(own: Array, model: Array, carriers: Array, joints: Array) -> KeypointResidual:
    """How far an avatar's keypoints lie from a model's.

    Args:
        own: the avatar's, [T, 37, 3] m, NaN where it has none, as the others.
        model: the model's.
        carriers: rotations [T, 37, 3, 3] of the model's bodies that carry them.
        joints: the model's joint centres, NaN for keypoints that are no joints.
    """
    away = 1000.0 * (own - model)
    within = np.einsum("tkji,tkj->tki", carriers, away)
    constant = within.mean(axis=0)
    distance = np.linalg.norm(away, axis=-1)
    return KeypointResidual(
        mean=distance.mean(axis=0),
        median=np.median(distance, axis=0),
        largest=distance.max(axis=0),
        constant=np.linalg.norm(constant, axis=-1),
        varying=np.median(np.linalg.norm(within - constant, axis=-1), axis=0),
        joint=np.median(1000.0 * np.linalg.norm(own - joints, axis=-1), axis=0),
    )


def _on_corners(skin: SkinMesh, vertices: Indices, barycentric: Array) -> CarriedPoint:
    """A point of the skin by its place between vertices [N] with `barycentric` [N]."""
    places = skin.vertices[vertices]
    bones, shares = skin.weight_bones[vertices], skin.weight_shares[vertices]
    weights = barycentric[:, None] * shares / shares.sum(axis=1, keepdims=True)
    used = weights > 0.0
    anchors = np.broadcast_to(places[:, None], (*bones.shape, 3))[used]
    return CarriedPoint(barycentric @ places, anchors, bones[used], weights[used], "skin")


def _crossings(corners: Array, start: Array, along: Array) -> tuple[Array, Array, Array] | None:
    """Distance [F] of each triangle [F, 3, 3] down a ray, -inf where it misses, and the shares of corners 1 and 2.

    Solves start + t along = a + u (b - a) + v (c - a) by Cramer's rule (Moller and Trumbore 1997).
    """
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    cross = np.cross(along, other)
    volume = np.einsum("fi,fi->f", one, cross)
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = start - corners[:, 0]
        u = np.einsum("fi,fi->f", offset, cross) / volume
        turned = np.cross(offset, one)
        v = turned @ along / volume
        distance = np.einsum("fi,fi->f", other, turned) / volume
        hit = (u >= -1e-9) & (v >= -1e-9) & (u + v <= 1.0 + 1e-9) & (distance > 0.0)
    if not hit.any():
        return None
    return np.where(hit, distance, -np.inf), u, v


def _median(values: Array) -> float:
    """Of the finite ones; NaN if there is none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else float("nan")


def _rounded(value: float) -> float | None:
    return round(float(value), 2) if np.isfinite(value) else None
