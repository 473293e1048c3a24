"""Contact sheets: what a data set looks like, as rendered and with its labels, on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..exporters.labels import Labels
from ..exporters.recording import Recording
from ..simspine_addon.model.atomic import atomic_path
from .overlay import REGION_COLORS, Array, Rgb, font, labelled, open_image, points_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

_PAPER: Rgb = (24, 27, 32)
_TEXT: Rgb = (236, 238, 241)
_FAINT: Rgb = (150, 157, 168)

CELL_PX = 340
GAP_PX = 6
EDGE_PX = 36
HEADER_PX = 104
MOST_FRAMES = 2
MOST_VIEWS = 4
MOST_RECORDINGS = 4

Region = tuple[float, float, float, float]  # left, top, right, bottom in Pillow's pixels


@dataclass(frozen=True, slots=True)
class _Cell:
    """A square of an image: which part of it is shown, with or without the labels of whom, and what stands below."""

    path: Path
    region: Region
    people: tuple[Labels, ...]
    view: int
    index: int
    caption: str
    labels: bool

    def picture(self) -> Image:
        from PIL import Image as Images

        whole = open_image(self.path)
        plain = whole.resize((CELL_PX, CELL_PX), Images.Resampling.LANCZOS, box=self.region)
        if not self.labels:
            return plain
        zoom = CELL_PX / (self.region[2] - self.region[0])
        points = (points_of(self.people, self.view, self.index) + 0.5 - np.array(self.region[:2])) * zoom - 0.5
        return labelled(plain, points, self.people[0].keypoint_parents)


def write_contact_sheet(path: Path, recordings: Sequence[Recording], folder: Path, title: str) -> None:
    """Up to four views, each as rendered and, below it (beside it, where there are one or two), with everyone's labels:
    two frames of a data set of one recording, or the middle frames of up to four recordings of one of several;
    `folder` is the data set's."""
    chosen = [recordings[number] for number in _spread(len(recordings), MOST_RECORDINGS)]
    blocks = []
    for recording in chosen:
        frames = _spread(len(recording.people[0].frames), MOST_FRAMES if len(recordings) == 1 else 1)
        for index in frames:
            name = "" if len(recordings) == 1 else f"{recording.name}   "
            plain, marked = (_cells(recording, folder, index, name, labels) for labels in (False, True))
            blocks.append([plain, marked] if len(plain) > MOST_VIEWS // 2 else [plain + marked])
    first = chosen[0].people[0]
    images = sum(len(view) for each in chosen for view in each.image_names)
    if len(recordings) == 1:
        about = f"{len(first.cameras)} views, {len(first.frames)} frames each   ·   {_keypoints_text(first)}"
    elif len(chosen) < len(recordings):
        about = f"{len(chosen)} of {len(recordings)} recordings   ·   {_keypoints_text(first)}"
    else:
        about = f"{len(recordings)} recordings, {images} images   ·   {_keypoints_text(first)}"
    _write_sheet(path, blocks, title, about)


def write_comparison_sheet(
    path: Path, sets: Sequence[tuple[str, Labels, Sequence[Sequence[Path]]]], title: str
) -> None:
    """Up to two frames from up to four views, a row for each of several data sets of the same frames and cameras.

    `sets` are (what is seen, its labels, `paths[view][i]` of its images); every picture has its labels on it, and shows
    the same part of the image as that of the first set.
    """
    first = sets[0][1]
    views = range(min(len(first.cameras), MOST_VIEWS))
    blocks = []
    for index in _spread(len(first.frames), MOST_FRAMES):
        regions = [_region([first], view, index) for view in views]
        blocks.append(
            [
                [
                    _Cell(
                        paths[view][index],
                        regions[view],
                        (labels,),
                        view,
                        index,
                        _caption(what, labels, view, index),
                        True,
                    )
                    for view in views
                ]
                for what, labels, paths in sets
            ]
        )
    about = f"{len(first.cameras)} views, {len(first.frames)} frames each   ·   {_keypoints_text(first)}"
    _write_sheet(path, blocks, title, about)


def _cells(recording: Recording, folder: Path, index: int, name: str, labels: bool) -> list[_Cell]:
    """A row of the sheet: one frame from up to four views."""
    people = recording.people
    return [
        _Cell(
            folder / recording.image_names[view][index],
            _region(people, view, index),
            people,
            view,
            index,
            _caption(f"{name}frame {people[0].frames[index]}", people[0], view, index),
            labels,
        )
        for view in range(min(len(people[0].cameras), MOST_VIEWS))
    ]


def _caption(what: str, labels: Labels, view: int, index: int) -> str:
    return f"{what}   {labels.cameras[view].name}   {labels.time[index]:.2f} s"


def _write_sheet(path: Path, blocks: Sequence[Sequence[Sequence[_Cell]]], title: str, about: str) -> None:
    """Rows of cells, in blocks that stand a little apart."""
    from PIL import Image as Images
    from PIL import ImageDraw

    pitch = CELL_PX + GAP_PX
    rows, columns = sum(map(len, blocks)), max(len(row) for block in blocks for row in block)
    width = max(2 * EDGE_PX + columns * pitch - GAP_PX, 720)
    height = HEADER_PX + rows * pitch + (len(blocks) - 1) * 2 * GAP_PX - GAP_PX + EDGE_PX
    sheet = Images.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    _header(pen, width, title, about)
    top = HEADER_PX
    for block in blocks:
        for row in block:
            for column, cell in enumerate(row):
                left = EDGE_PX + column * pitch
                sheet.paste(cell.picture(), (left, top))
                _write_caption(pen, left, top, cell.caption)
            top += pitch
        top += 2 * GAP_PX
    with atomic_path(path) as temporary:
        sheet.save(temporary)


def _write_caption(pen: ImageDraw, left: float, top: float, caption: str) -> None:
    """At the foot of a cell, readable before a bright picture too, and no wider than the cell."""
    size = 14
    while size > 9 and pen.textlength(caption, font=font(size)) > CELL_PX - 24:
        size -= 1
    pen.text((left + 12, top + CELL_PX - 28), caption, font=font(size), fill=_TEXT, stroke_width=2, stroke_fill=_PAPER)


def _region(people: Sequence[Labels], view: int, index: int) -> Region:
    """A square of the image around everyone, with some air."""
    width, height = people[0].cameras[view].size
    boxes = np.stack([labels.boxes[view, index] for labels in people])
    seen = boxes[np.isfinite(boxes).all(axis=1)]
    low = seen[:, :2].min(axis=0) if len(seen) else np.zeros(2)
    high = (seen[:, :2] + seen[:, 2:]).max(axis=0) if len(seen) else np.array([width, height], float) - 1
    middle: Array = (low + high) / 2 + 0.5
    side = min(max(1.2 * float((high - low).max()), 32.0), width, height)
    left, top = np.clip(middle - side / 2, 0, np.array([width, height]) - side)
    return float(left), float(top), float(left + side), float(top + side)


def _keypoints_text(labels: Labels) -> str:
    labelled_count = int(np.isfinite(labels.points_world).all(axis=(0, 2)).sum())
    whose = "model" if labels.points_world_model is None else "avatar"
    return f"{labelled_count} of {len(labels.keypoint_names)} keypoints on this {whose}"


def _header(pen: ImageDraw, width: int, title: str, about: str) -> None:
    """What the sheet shows, and which colour is which part of the spine."""
    right = float(width - EDGE_PX)
    for region in reversed(REGION_COLORS):
        right -= pen.textlength(region, font=font(16))
        pen.text((right, 34), region, font=font(16), fill=_TEXT)
        pen.ellipse((right - 20, 38, right - 8, 50), fill=REGION_COLORS[region])
        right -= 42
    size, room = 28, right - EDGE_PX
    while size > 14 and pen.textlength(title, font=font(size)) > room:
        size -= 1
    while len(title) > 4 and pen.textlength(title, font=font(size)) > room:
        title = f"{title[:-2]}…"
    pen.text((EDGE_PX, 40), title, font=font(size), fill=_TEXT, anchor="lm")
    pen.text((EDGE_PX, 64), about, font=font(16), fill=_FAINT)


def _spread(count: int, most: int) -> list[int]:
    """Up to `most` of `count` things, evenly spread and away from the ends."""
    if count <= most:
        return list(range(count))
    return [int((2 * i + 1) * count / (2 * most)) for i in range(most)]
