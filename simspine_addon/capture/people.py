"""Who is who: match the people of all views by their rays, and follow them over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from . import triangulate_rays as rays_of
from .camera import Camera
from .detections import Detections
from .synchronise import epipolar_distance

Array = NDArray[np.float64]
Owners = NDArray[np.int64]

_FARTHEST_PX = 40.0  # mean distance of two views' rays at which they may still show one person, on a 2000 px diagonal
_FASTEST_M_S = 10.0
_LEEWAY_M = 0.4
_FORGOTTEN_S = 2.0
_LEAST_COMMON = 3  # keypoints that two views must share to be compared


def match_people(cameras: Sequence[Camera], detections: Detections) -> Detections:
    """Put the person axis in order: the same index is the same person in every view and frame.

    In each frame the people of all views are joined into groups by Hungarian assignment on the mean epipolar
    distance of their keypoints; the groups of successive frames are joined into tracks by assignment on the
    distance of their triangulated keypoints. The person seen by most views over most frames comes first. With one
    person in every view there is nothing to match; a warning tells of people whom no second view shows.
    """
    seen = (detections.scores > 0).any(axis=-1)  # [T, V, P]
    if seen.shape[2] <= 1 or not seen.any():
        return detections
    costs = _pair_costs(cameras, detections)
    groups = [_group_frame(seen[frame], costs, frame) for frame in range(len(seen))]
    places = _group_positions(cameras, detections, groups)
    step = 1.0 / detections.rate if detections.rate else 1.0 / 30
    tracks = _follow(groups, places, step)
    order = sorted(tracks, key=lambda track: -sum(int((owner >= 0).sum()) for _, owner in track))
    order = [track for track in order if any((owner >= 0).sum() >= 2 for _, owner in track)]
    return _rearranged(detections, order, int(seen.sum()))


def _pair_costs(cameras: Sequence[Camera], detections: Detections) -> dict[tuple[int, int], Array]:
    """For every two views the mean epipolar distance of every two people over their keypoints, [T, P, P] px."""
    points = detections.points
    rays = []
    for view, camera in enumerate(cameras):
        flat = points[:, view].reshape(-1, 1, 2)
        made = rays_of.make_rays((camera,), flat, np.ones((len(flat), 1)))
        rays.append(np.where(made.weights > 0, made.directions[:, 0], np.nan).reshape(points[:, view].shape))
    costs = {}
    for a in range(len(cameras)):
        for b in range(a + 1, len(cameras)):
            one, other = np.broadcast_arrays(rays[a][:, :, None], rays[b][:, None])
            distance = epipolar_distance(cameras[a], cameras[b], one, other)
            common = np.isfinite(distance).sum(axis=-1)
            diagonal = (np.hypot(*cameras[a].size) + np.hypot(*cameras[b].size)) / 2
            limited = np.minimum(np.nan_to_num(distance), 5 * _FARTHEST_PX) * (2000.0 / diagonal)
            costs[a, b] = np.where(common >= _LEAST_COMMON, limited.sum(axis=-1) / np.maximum(common, 1), np.inf)
    return costs


def _group_frame(seen: NDArray[np.bool_], costs: dict[tuple[int, int], Array], frame: int) -> list[Owners]:
    """The people of one frame: for each, which person of every view it is, [V]; -1 where the view has none."""
    from scipy.optimize import linear_sum_assignment

    views = len(seen)
    groups: list[Owners] = []
    for view in sorted(range(views), key=lambda each: -int(seen[each].sum())):
        people = np.flatnonzero(seen[view])
        cost = np.array(
            [[_group_cost(group, view, int(person), costs, frame) for person in people] for group in groups]
        )
        taken: set[int] = set()
        if cost.size:
            for row, column in zip(*linear_sum_assignment(np.minimum(cost, 1e6)), strict=True):
                if cost[row, column] <= _FARTHEST_PX:
                    groups[row][view] = people[column]
                    taken.add(int(people[column]))
        for person in people:
            if int(person) not in taken:
                group = np.full(views, -1)
                group[view] = person
                groups.append(group)
    return groups


def _group_cost(group: Owners, view: int, person: int, costs: dict[tuple[int, int], Array], frame: int) -> float:
    each = [
        costs[other, view][frame, owner, person] if other < view else costs[view, other][frame, person, owner]
        for other, owner in enumerate(group)
        if owner >= 0
    ]
    known = [cost for cost in each if np.isfinite(cost)]
    return float(np.mean(known)) if known else np.inf


def _group_positions(
    cameras: Sequence[Camera], detections: Detections, groups: list[list[Owners]]
) -> list[list[Array]]:
    """A quick triangulation of every group, [K, 3] m; NaN where one view alone sees it."""
    frames = np.array([frame for frame, each in enumerate(groups) for _ in each], dtype=np.int64)
    owners = np.array([group for each in groups for group in each], dtype=np.int64).reshape(len(frames), -1)
    views = np.arange(owners.shape[1])
    pixels = detections.points[frames[:, None], views, np.maximum(owners, 0)]  # [G, V, K, 2]
    scores = detections.scores[frames[:, None], views, np.maximum(owners, 0)]
    pixels = np.where((owners >= 0)[..., None, None] & (scores > 0)[..., None], pixels, np.nan)
    count = pixels.shape[2]
    flat = pixels.transpose(0, 2, 1, 3).reshape(-1, owners.shape[1], 2)
    rays = rays_of.make_rays(cameras, flat, np.ones(flat.shape[:2]))
    found = rays_of.intersect_linearly(rays).reshape(len(frames), count, 3)
    result: list[list[Array]] = [[] for _ in groups]
    for frame, position in zip(frames, found, strict=True):
        result[frame].append(position)
    return result


def _follow(groups: list[list[Owners]], places: list[list[Array]], step_s: float) -> list[list[tuple[int, Owners]]]:
    """Tracks as lists of (frame, group); a track not met again within two seconds is over."""
    from scipy.optimize import linear_sum_assignment

    tracks: list[list[tuple[int, Owners]]] = []
    last: list[tuple[int, Array]] = []  # of each track, when and where it was seen
    for frame, (here, where) in enumerate(zip(groups, places, strict=True)):
        alive = [index for index, (then, _) in enumerate(last) if (frame - then) * step_s <= _FORGOTTEN_S]
        cost = np.array([[_distance(last[index][1], place) for place in where] for index in alive])
        joined: dict[int, int] = {}
        if cost.size:
            for row, column in zip(*linear_sum_assignment(np.minimum(cost, 1e6)), strict=True):
                away = (frame - last[alive[row]][0]) * step_s
                if cost[row, column] <= _LEEWAY_M + _FASTEST_M_S * away:
                    joined[int(column)] = alive[row]
        for column, (group, place) in enumerate(zip(here, where, strict=True)):
            index = joined.get(column)
            if index is None:
                if not np.isfinite(place).any():
                    continue  # seen by one view alone, and nobody's next frame
                index = len(tracks)
                tracks.append([])
                last.append((frame, place))
            tracks[index].append((frame, group))
            last[index] = (frame, place)
    return tracks


def _distance(one: Array, other: Array) -> float:
    apart = np.linalg.norm(one - other, axis=-1)
    known = apart[np.isfinite(apart)]
    return float(np.median(known)) if len(known) else np.inf


def _rearranged(detections: Detections, tracks: list[list[tuple[int, Owners]]], given: int) -> Detections:
    frames, views, _, keypoints = detections.scores.shape
    count = max(1, len(tracks))
    points = np.full((frames, views, count, keypoints, 2), np.nan)
    scores, boxes = np.zeros((frames, views, count, keypoints)), np.full((frames, views, count, 4), np.nan)
    kept = 0
    for person, track in enumerate(tracks):
        when = np.array([frame for frame, _ in track])[:, None]
        owners = np.array([group for _, group in track])
        row, view = np.nonzero(owners >= 0)
        kept += len(row)
        source = (when[row, 0], view, owners[row, view])
        target = (when[row, 0], view, person)
        points[target], scores[target], boxes[target] = (
            array[source] for array in (detections.points, detections.scores, detections.boxes)
        )
    lonely = given - kept
    warnings = detections.warnings
    if lonely:
        warnings += (f"{lonely} of {given} people in single views are in no second view and were left out",)
    return replace(detections, points=points, scores=scores, boxes=boxes, warnings=warnings)
