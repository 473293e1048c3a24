"""The labels of a trial drawn on frames of its videos, for a person to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..exporters.labels import Labels
from ..simspine_addon.capture.detector import frame_numbers
from ..simspine_addon.capture.video import View, find_views
from ..simspine_addon.capture.view_names import match_cameras
from ..simspine_addon.model.atomic import atomic_path
from . import overlay

CELL_PX, GAP_PX, CAPTION_PX = 420, 8, 26
_ABSENT = 200  # grey where a view has no such frame
_INK, _PAPER = (40, 40, 46), (250, 249, 246)


def write_video_sheet(path: Path, labels: Labels, source: Path, count: int, title: str) -> int:
    """A picture with `count` frames spread over the trial, one row each, and a column for each view.

    Returns:
        how many frames were drawn; fewer where quality control refused some.

    Raises:
        InputError: the videos cannot be read.
    """
    from PIL import Image, ImageDraw

    found = find_views(source)
    names = [camera.name for camera in labels.cameras]
    order, _ = match_cameras([view.name for view in found], names, source)
    shown = {camera: found[view] for camera, view in enumerate(order) if view is not None}
    numbers = frame_numbers({number for view in found for number in view.numbers}, found)
    numbers += [numbers[-1]] * (len(labels.time) - len(numbers))  # where a container tells too few
    usable = np.flatnonzero(np.isfinite(labels.points_world).all(axis=2).any(axis=1))
    chosen = usable[np.unique(np.linspace(0, len(usable) - 1, min(count, len(usable))).round().astype(int))]
    cell = CELL_PX + GAP_PX
    sheet = Image.new("RGB", (len(shown) * cell + GAP_PX, len(chosen) * (cell + CAPTION_PX) + 48), _PAPER)
    pen = ImageDraw.Draw(sheet)
    pen.text((GAP_PX, 12), title, font=overlay.font(18), fill=_INK)
    for column, view in enumerate(sorted(shown)):
        camera = labels.cameras[view]
        pictures = _frames(shown[view], [numbers[i] for i in chosen.tolist()])
        for row, (index, pixels) in enumerate(zip(chosen.tolist(), pictures, strict=True)):
            left, top = GAP_PX + column * cell, 48 + row * (cell + CAPTION_PX)
            sheet.paste(_cell(Image.fromarray(pixels), labels, view, index), (left, top + CAPTION_PX))
            caption = f"{camera.name}   frame {labels.frames[index]}   {labels.time[index]:.2f} s"
            pen.text((left, top + 4), caption, font=overlay.font(14), fill=_INK)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="PNG")
    return len(chosen)


def _cell(image, labels: Labels, view: int, index: int):
    """The person, cut out square with a margin, with the labels on it."""
    points = labels.points_2d[view, index]
    seen = points[np.isfinite(points).all(axis=1)]
    centre, side = np.array(image.size) / 2, float(min(image.size))
    if len(seen):
        low, high = seen.min(axis=0), seen.max(axis=0)
        centre, side = (low + high) / 2, max(1.3 * float((high - low).max()), 60.0)
    corner = centre - side / 2
    cut = image.transform(
        (CELL_PX, CELL_PX),
        0,
        (side / CELL_PX, 0, corner[0], 0, side / CELL_PX, corner[1]),
        resample=2,
        fillcolor=_PAPER,
    )
    return overlay.labelled(cut, (points + 0.5 - corner) * (CELL_PX / side) - 0.5, labels.keypoint_parents)


def _frames(view: View, wanted: list[int]) -> list[NDArray[np.uint8]]:
    """Frames [H, W, 3] RGB by their numbers; an empty picture for one that the view does not have."""
    pictures: dict[int, NDArray[np.uint8]] = {}
    for number, picture in view.frames():
        if number in wanted:
            pictures[number] = picture
        if len(pictures) == len(set(wanted)):
            break
    empty = np.full((view.size[1], view.size[0], 3), _ABSENT, np.uint8)
    return [np.ascontiguousarray(pictures.get(number, empty)[..., ::-1]) for number in wanted]
