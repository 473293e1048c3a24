"""Go through a recording's frames once for all that needs everyone's surface: who hides what, masks, passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..simspine_addon.kinematics.pose_track import PoseTrack
from ..simspine_addon.model.errors import InputError
from .labels import Labels, Occlusion
from .masks import encode_mask
from .outline import Surface

if TYPE_CHECKING:  # mathutils is not needed to import this
    from ..simspine_addon.scene.passes import Passes, PassMaker
    from ..simspine_addon.scene.visibility import VisibilityTester

Array = NDArray[np.float64]


def with_visibility(
    people: Sequence[Labels],
    surfaces: Sequence[Surface],
    tracks: Sequence[PoseTrack],
    tester: VisibilityTester | None,
    maker: PassMaker | None = None,
    each_image: Callable[[int, int, Passes], None] | None = None,
    normals: bool = False,
    bodies: bool = False,
    frames: Iterable[int] | None = None,
) -> tuple[Labels, ...]:
    """The labels of everyone in a recording, with occlusion (if there is a `tester`) and masks (if there is a `maker`).

    Args:
        people: labels of each person over the same T frames and V views.
        surfaces: of each person, those that `tester` and `maker` were made with, in this order.
        tracks: of each person; row i is the i-th frame of the labels.
        tester: finds what hides each keypoint.
        maker: makes each image's passes, from which the masks are taken.
        each_image: is given view, frame (counted from 0) and passes of every image, to keep what was asked for.
        normals, bodies: whether the passes shall have them.
        frames: range(T), wrapped so as to show progress; all by default.

    Raises:
        InputError: numbers of people or frames do not fit.
    """
    _check(people, surfaces, tracks)
    views, count = people[0].camera_translations.shape[:2]
    shape = (len(people), views, count, len(people[0].keypoint_names))
    hidden_by = np.zeros(shape, np.uint8)
    depth, facing = np.full(shape, np.nan), np.full(shape, np.nan)
    masks: dict[tuple[int, int, int], str] = {}
    centers = -np.einsum("vtji,vtj->vti", people[0].camera_rotations, people[0].camera_translations)
    for frame in range(count) if frames is None else frames:
        places = [surface.at(track, frame) for surface, track in zip(surfaces, tracks, strict=True)]
        if tester is not None:
            points = np.stack([labels.points_world[frame] for labels in people])
            seen = tester.frame(places, points, centers[:, frame])
            hidden_by[:, :, frame] = seen.hidden_by.swapaxes(0, 1)
            depth[:, :, frame] = seen.depth_under_skin.swapaxes(0, 1)
            facing[:, :, frame] = seen.facing.swapaxes(0, 1)
        if maker is None:
            continue
        for view, camera in enumerate(people[0].cameras):
            R, t = people[0].camera_rotations[view, frame], people[0].camera_translations[view, frame]
            passes = maker.image(replace(camera, R=R, t=t), places, normals, bodies)
            for person in range(len(people)):
                masks[person, view, frame] = encode_mask(passes.person == person + 1)
            if each_image is not None:
                each_image(view, frame, passes)
    result = list(people)
    for person, labels in enumerate(result):
        if tester is not None:
            labels = replace(labels, occlusion=Occlusion(hidden_by[person], depth[person], facing[person]))
        if maker is not None:
            own = tuple(tuple(masks[person, view, frame] for frame in range(count)) for view in range(views))
            labels = replace(labels, masks=own)
        result[person] = labels
    return tuple(result)


def _check(people: Sequence[Labels], surfaces: Sequence[Surface], tracks: Sequence[PoseTrack]) -> None:
    if not people or not len(people) == len(surfaces) == len(tracks):
        raise InputError(
            f"{len(people)} people have {len(surfaces)} surfaces and {len(tracks)} motions", hint="give one of each"
        )
    shape = people[0].points_2d.shape[:3]
    for labels, track in zip(people, tracks, strict=True):
        if labels.points_2d.shape[:3] != shape or len(track.time) != shape[1]:
            raise InputError(
                f"'{labels.person}' has {labels.points_2d.shape[:2]} views and frames and {len(track.time)} poses,"
                f" not {shape[:2]} as the first person",
                hint="give all people the same frames",
            )
