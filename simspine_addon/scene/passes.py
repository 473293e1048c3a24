"""Images of what is where: depth, surface normals, person and body at the centre of each pixel, without a render.

They are worked out from the same arrays as the labels, at the pixels' centres of the same cameras and lenses, so they
have no noise, no soft edges and no stamp of the renderer. What stands still is looked at once for each camera that
stands still. Surfaces count as solid, whatever their materials let through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..capture.camera import Camera
from .passes_raster import FirstHits, PixelRays, add_triangles, barycentric, pixel_rays
from .visibility_layers import Faces

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

NOTHING = 0  # of the person and body images: what belongs to nobody
_KEPT_CAMERAS = 24  # views of still cameras that are remembered


@dataclass(frozen=True, slots=True)
class Passes:
    """One image's passes; the camera's axes are OpenCV's (x right, y down, z forward)."""

    depth: NDArray[np.float32]  # [H, W] m along the optical axis; inf where nothing is
    normal: NDArray[np.float32] | None  # [H, W, 3] in the camera's axes, towards the camera; 0 where nothing is
    person: NDArray[np.uint8]  # [H, W] 1 + the person's number, NOTHING elsewhere
    body: NDArray[np.uint16] | None  # [H, W] 1 + the body (bone) that carries most of the skin, NOTHING elsewhere


class PassMaker:
    """Makes the passes of images in which people move among objects that stand still.

    `people` are the faces of each person; `objects` is None or vertices [N, 3] (m, ground) and triangles [F, 3].
    """

    def __init__(self, people: Sequence[Faces], objects: tuple[Array, Indices] | None = None) -> None:
        self._people = tuple(people)
        self._objects = objects if objects is not None else (np.zeros((0, 3)), np.zeros((0, 3), np.int64))
        counts = [len(self._objects[1]), *(len(faces.triangles) for faces in self._people)]
        self._starts = np.cumsum([0, *counts])
        self._rays: dict[str, PixelRays] = {}
        self._still: dict[str, FirstHits] = {}

    def image(self, camera: Camera, surfaces: Sequence[Array], normals: bool = False, bodies: bool = False) -> Passes:
        """The passes of one image.

        Args:
            camera: with its pose at that moment.
            surfaces: of each person the vertices [N, 3] (m, ground) that `Faces.triangles` counts.
            normals, bodies: whether these are wanted too.
        """
        rays = self._pixel_rays(camera)
        hits = self._without_people(camera, rays).copy()
        before = [np.asarray(vertices, float) @ camera.R.T + camera.t for vertices in surfaces]
        for index, (faces, vertices) in enumerate(zip(self._people, before, strict=True)):
            first = int(self._starts[index + 1])
            add_triangles(hits, camera, rays, vertices, faces.triangles, first)
        person = np.zeros(hits.depth.shape, np.uint8)
        for index, first in enumerate(self._starts[1:-1], start=1):
            person[hits.triangle >= first] = index
        return Passes(
            depth=hits.depth.astype(np.float32),
            normal=self._normals(camera, rays.directions, hits, person, before) if normals else None,
            person=person,
            body=self._bodies(hits, person) if bodies else None,
        )

    def _pixel_rays(self, camera: Camera) -> PixelRays:
        key = _key(camera, posed=False)
        if key not in self._rays:
            _forget(self._rays)
            self._rays[key] = pixel_rays(camera)
        return self._rays[key]

    def _without_people(self, camera: Camera, rays: PixelRays) -> FirstHits:
        key = _key(camera, posed=True)
        if key not in self._still:
            _forget(self._still)
            hits = FirstHits.none(camera.size)
            vertices, triangles = self._objects
            if len(triangles):
                add_triangles(hits, camera, rays, vertices @ camera.R.T + camera.t, triangles)
            self._still[key] = hits
        return self._still[key]

    def _bodies(self, hits: FirstHits, person: NDArray[np.uint8]) -> NDArray[np.uint16]:
        found = np.zeros(hits.depth.shape, np.uint16)
        for index, faces in enumerate(self._people):
            mine = person == index + 1
            found[mine] = 1 + faces.bodies[hits.triangle[mine] - self._starts[index + 1]]
        return found

    def _normals(
        self, camera: Camera, directions: Array, hits: FirstHits, person: NDArray[np.uint8], before: Sequence[Array]
    ) -> NDArray[np.float32]:
        """Smooth over people, interpolated between the vertices' normals; flat on objects."""
        found = np.zeros((*hits.depth.shape, 3))
        vertices, triangles = self._objects
        mine = (person == NOTHING) & (hits.triangle >= 0)
        if mine.any():
            corners = (vertices @ camera.R.T + camera.t)[triangles[hits.triangle[mine]]]
            found[mine] = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        for index, faces in enumerate(self._people):
            mine = person == index + 1
            if mine.any():
                chosen = faces.triangles[hits.triangle[mine] - self._starts[index + 1]]
                shares = barycentric(directions[mine], before[index][chosen])
                smooth = vertex_normals(before[index], faces.triangles)
                found[mine] = np.einsum("nk,nki->ni", shares, smooth[chosen])
        away = np.einsum("hwi,hwi->hw", found[..., :2], directions) + found[..., 2] > 0
        found[away] *= -1.0
        return (found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-30)).astype(np.float32)


def vertex_normals(vertices: Array, triangles: Indices) -> Array:
    """Unit normals [N, 3], the triangles' weighted by area."""
    corners = vertices[triangles]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = triangles.ravel()
    total = np.stack([np.bincount(flat, np.repeat(area[:, i], 3), len(vertices)) for i in range(3)], axis=1)
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-30)


def _forget(kept: dict) -> None:
    while len(kept) >= _KEPT_CAMERAS:
        del kept[next(iter(kept))]


def _key(camera: Camera, posed: bool) -> str:
    arrays = [camera.K, camera.distortion, *((camera.R, camera.t) if posed else ())]
    parts = [np.ascontiguousarray(array, float).tobytes() for array in arrays]
    text = f"{camera.size} {camera.distortion_model} {[len(part) for part in parts]}"
    return hashlib.sha256(b"".join([text.encode(), *parts])).hexdigest()
