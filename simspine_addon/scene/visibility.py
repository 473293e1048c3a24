"""Which keypoints a camera sees, which it does not and why, by rays through the surfaces of everyone in the scene.

A point is seen if the ray from the camera to it enters no layer of skin but the one in which it lies (see
`visibility_layers`), which is its own person's, or none, and meets nothing else before. A point in the image that is
not seen is hidden by whatever of these the ray meets first: another part of the person, an object, or another person.
All of what is seen of another person counts, hair too. Objects count only in front of the person's skin: a seat
that the body sinks into hides nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpy  # noqa: F401  # outside of Blender mathutils is there only once bpy has been imported
import numpy as np
from mathutils.bvhtree import BVHTree  # pyright: ignore[reportMissingImports]
from numpy.typing import NDArray

from .visibility_layers import (
    HIDDEN_BY_OBJECT,
    HIDDEN_BY_PERSON,
    HIDDEN_BY_SELF,
    NOT_SKIN,
    OUTSIDE_M,
    Faces,
    Hit,
    passage,
)

Array = NDArray[np.float64]

ON_SURFACE_M = 0.001  # an entry this near before the point is the surface that the point lies on
_STEP_M = 1e-4  # past a hit, to find the next
_MOST_HITS = 400


@dataclass(frozen=True, slots=True)
class FrameVisibility:
    """What V cameras see of K points of P people at one moment."""

    hidden_by: NDArray[np.uint8]  # [V, P, K] SEEN, or what hides it; SEEN where the point is NaN
    depth_under_skin: Array  # [V, P, K] m along the ray since it entered the skin that the point lies in; NaN if none
    facing: Array  # [V, P, K] cosine between that skin's normal there and the direction to the camera; NaN if none


class VisibilityTester:
    """Tests points of P people against each other and against objects that stand still.

    `people` are the faces of each person; `objects` is None or vertices [N, 3] (m, ground) and triangles [F, 3].
    """

    def __init__(self, people: Sequence[Faces], objects: tuple[Array, NDArray[np.int64]] | None = None) -> None:
        self._people = [_Person(faces, alone=len(people) == 1) for faces in people]
        self._objects = None
        if objects is not None and len(objects[1]):
            self._objects = _tree(objects[0], np.asarray(objects[1]).tolist())

    def frame(self, surfaces: Sequence[Array], points: Array, camera_centers: Array) -> FrameVisibility:
        """Test all points at one moment.

        Args:
            surfaces: of each person the vertices [N, 3] (m, ground) that `Faces.triangles` counts.
            points: [P, K, 3] m in ground, NaN where there is none.
            camera_centers: [V, 3] m in ground, -R^T t.
        """
        points, camera_centers = np.asarray(points, float), np.asarray(camera_centers, float)
        shape = (len(camera_centers), *points.shape[:2])
        trees = [_tree(vertices, person.triangles) for vertices, person in zip(surfaces, self._people, strict=True)]
        hidden_by = np.zeros(shape, np.uint8)
        depth, facing = np.full(shape, np.nan), np.full(shape, np.nan)
        for view, own, point, origin, direction, distance in _rays(points, camera_centers):
            place = view, own, point
            person = self._people[own]
            limit = distance - ON_SURFACE_M
            through = passage(person.hits(trees[own], origin, direction, limit), person.faces.gap_m)
            before = list(through.layers)
            if before and (through.left is None or distance - through.left <= OUTSIDE_M):
                last = before.pop()
                limit = last.distance
                depth[place], facing[place] = distance - limit, -last.slope
            hiding = [(before[0].distance, HIDDEN_BY_SELF)] if before else []
            hiding += self._other_hits(trees, own, origin, direction, limit)
            if hiding:
                hidden_by[place] = min(hiding)[1]
        return FrameVisibility(hidden_by, depth, facing)

    def _other_hits(
        self, trees: list[BVHTree], own: int, origin: list[float], direction: list[float], limit: float
    ) -> Iterator[tuple[float, int]]:
        if limit <= 0.0:
            return
        if self._objects is not None:
            distance = self._objects.ray_cast(origin, direction, limit)[3]
            if distance is not None:
                yield distance, HIDDEN_BY_OBJECT
        for other, tree in enumerate(trees):
            distance = None if other == own else tree.ray_cast(origin, direction, limit)[3]
            if distance is not None:
                yield distance, HIDDEN_BY_PERSON


class _Person:
    """One person's faces as the plain lists that trees are built of."""

    def __init__(self, faces: Faces, alone: bool) -> None:
        self.faces = faces
        # What does not count for the person themselves can still stand before others.
        chosen = faces.pieces != NOT_SKIN if alone else np.ones(len(faces.pieces), bool)
        self.triangles = faces.triangles[chosen].tolist()
        self._pieces, self._ranks = faces.pieces[chosen].tolist(), faces.ranks[chosen].tolist()

    def hits(self, tree: BVHTree, origin: list[float], direction: list[float], reach: float) -> list[Hit]:
        """All crossings of a ray with this person within `reach`, nearest first."""
        found: list[Hit] = []
        start = 0.0
        x, y, z = direction
        for _ in range(_MOST_HITS):
            if start >= reach:
                break
            here = (origin[0] + start * x, origin[1] + start * y, origin[2] + start * z)
            _, normal, face, distance = tree.ray_cast(here, direction, reach - start)
            if face is None:
                break
            slope = normal[0] * x + normal[1] * y + normal[2] * z
            found.append(Hit(start + distance, slope, self._pieces[face], self._ranks[face]))
            start += distance + _STEP_M
        return found


def _tree(vertices: Array, triangles: list[list[int]]) -> BVHTree:
    return BVHTree.FromPolygons(np.asarray(vertices).tolist(), triangles, all_triangles=True)


def _rays(points: Array, centers: Array) -> Iterator[tuple[int, int, int, list[float], list[float], float]]:
    """View, person, keypoint, and the ray's origin, direction and length, of every finite point."""
    way = points[None] - centers[:, None, None]
    lengths = np.linalg.norm(way, axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        directions = way / lengths[..., None]
        usable = lengths > ON_SURFACE_M  # false for NaN
    origins = centers.tolist()
    for view, person, point in np.argwhere(usable).tolist():
        place = view, person, point
        yield (*place, origins[view], directions[place].tolist(), float(lengths[place]))
